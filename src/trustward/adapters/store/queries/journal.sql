-- name: writer
SELECT epoch, last_seq, ids_seq, owner, since_us FROM writer WHERE one = 1

-- name: take_over
-- A new epoch: from now on no earlier writer can append.
UPDATE writer SET epoch = epoch + 1, owner = :owner, since_us = :since_us WHERE one = 1

-- name: give_up
UPDATE writer SET owner = '' WHERE one = 1 AND epoch = :epoch

-- name: advance
-- The fence: touches one row for the writer of this epoch and the entries that follow the last, none for anybody else.
UPDATE writer SET last_seq = :last WHERE one = 1 AND epoch = :epoch AND last_seq = :before

-- name: advance_ids
UPDATE writer SET ids_seq = :seq WHERE one = 1 AND epoch = :epoch

-- name: head
SELECT last_seq FROM writer WHERE one = 1

-- name: add_segment
INSERT INTO segments (first, count, kind, at_us, policy, body, faults, decisions)
VALUES (:first, :count, :kind, :at_us, :policy, :body, :faults, :decisions)

-- name: segments_after
SELECT first, count, kind, at_us, policy, body, faults, decisions
FROM segments WHERE first + count - 1 > :after AND first > :from AND first <= :to ORDER BY first

-- name: next_segment
SELECT first, count, kind, at_us, policy, body, faults, decisions
FROM segments WHERE first > :after ORDER BY first LIMIT 1

-- name: segment_of
SELECT first, count, kind, at_us, policy, body, faults, decisions
FROM segments WHERE first <= :seq ORDER BY first DESC LIMIT 1

-- name: time_of
SELECT first, first + count - 1 AS last, at_us FROM segments WHERE first <= :seq ORDER BY first DESC LIMIT 1

-- name: event_id_keys_sqlite
-- Many keys as one value (JSON): a statement with thousands of parameters costs more than the look-ups.
SELECT key, seq FROM event_ids WHERE key IN (SELECT value FROM json_each(:keys))

-- name: event_id_keys_postgresql
-- The same, as an array.
SELECT key, seq FROM event_ids WHERE key = ANY(CAST(:keys AS bigint[]))

-- name: add_event_id
-- Again if need be: some may have been written before the process ended.
INSERT INTO event_ids (key, seq) VALUES (:key, :seq) ON CONFLICT DO NOTHING

-- name: add_event_ids_postgresql
-- The same for many, as arrays.
INSERT INTO event_ids (key, seq)
SELECT k, s FROM unnest(CAST(:keys AS bigint[]), CAST(:seqs AS bigint[])) AS t (k, s) ON CONFLICT DO NOTHING

-- name: add_action
INSERT INTO actions (seq, number, at_us, state, body) VALUES (:seq, :number, :at_us, 0, :body)
