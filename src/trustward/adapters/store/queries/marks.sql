-- name: add_segment_marks
INSERT INTO segment_marks (first, body) VALUES (:first, :marks)

-- name: add_marked_segment_postgresql
WITH marked AS (INSERT INTO segment_marks (first, body) VALUES (:first, :marks))
INSERT INTO segments (first, count, kind, at_us, policy, body, faults, decisions)
VALUES (:first, :count, :kind, :at_us, :policy, :body, :faults, :decisions)

-- name: drop_segment_marks
DELETE FROM segment_marks WHERE first <= :to

-- name: places_sqlite
-- For each entry its segment without what is long in it, and its mark.
SELECT p.seq, s.first, s.count, s.kind, s.at_us, s.policy, s.faults, substr(m.body, 8 * (p.seq - p.first) + 1, 16) AS mark
FROM (
    SELECT w.value AS seq, (SELECT max(first) FROM segments WHERE first <= w.value) AS first FROM json_each(:seqs) AS w
) AS p
LEFT JOIN segments AS s ON s.first = p.first
LEFT JOIN segment_marks AS m ON m.first = p.first

-- name: places_postgresql
-- The same.
SELECT p.seq, s.first, s.count, s.kind, s.at_us, s.policy, s.faults,
    (
        SELECT substr(m.body, CAST(8 * (p.seq - s.first) + 1 AS integer), 16)
        FROM segment_marks AS m WHERE m.first = s.first
    ) AS mark
FROM unnest(CAST(:seqs AS bigint[])) AS p (seq)
LEFT JOIN LATERAL (
    SELECT first, count, kind, at_us, policy, faults FROM segments WHERE first <= p.seq ORDER BY first DESC LIMIT 1
) AS s ON true

-- name: slices_postgresql
-- Parts of segments: an event's line, and what was decided on it. Each by the key, however many there are.
SELECT p.seq, s.line, s.said
FROM unnest(
    CAST(:seqs AS bigint[]), CAST(:firsts AS bigint[]), CAST(:lines AS integer[]), CAST(:line_sizes AS integer[]),
    CAST(:saids AS integer[]), CAST(:said_sizes AS integer[])
) AS p (seq, first, line, line_size, said, said_size)
CROSS JOIN LATERAL (
    SELECT substr(body, p.line, p.line_size) AS line, substr(decisions, p.said, p.said_size) AS said
    FROM segments WHERE first = p.first LIMIT 1
) AS s
