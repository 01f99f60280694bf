-- name: archived_days
SELECT day, first, last, events, decisions, actions, changes, digest, at_us, revision FROM archived_days ORDER BY first

-- name: archived_to
SELECT coalesce(max(last), 0) FROM archived_days

-- name: add_archived_day
INSERT INTO archived_days (day, first, last, events, decisions, actions, changes, digest, at_us, revision)
VALUES (:day, :first, :last, :events, :decisions, :actions, :changes, :digest, :at_us, :revision)

-- name: archived_stamp
-- Other days, or days that were written anew, have another one.
SELECT coalesce(max(last), 0) AS last, coalesce(sum(revision), 0) AS revisions FROM archived_days

-- name: replace_archived_day
UPDATE archived_days SET events = :events, decisions = :decisions, actions = :actions, changes = :changes,
    digest = :digest, revision = :revision
WHERE day = :day AND revision = :revision - 1

-- name: hold_writer
-- Nobody appends until the end of this transaction.
UPDATE writer SET owner = owner WHERE one = 1

-- name: set_ids_seq
UPDATE writer SET ids_seq = :seq WHERE one = 1

-- name: first_segments
SELECT first FROM segments WHERE first <= :to ORDER BY first LIMIT :limit

-- name: drop_segments
DELETE FROM segments WHERE first <= :to

-- name: actions_between
-- From a place on, not including it.
SELECT seq, number, at_us, body FROM actions
WHERE seq >= :after AND (seq > :after OR number > :after_number) AND seq <= :last AND number >= :low AND number <= :high
ORDER BY seq, number LIMIT :limit
