-- name: index_runs
SELECT first, last, level, pages, postings FROM index_runs ORDER BY first DESC

-- name: index_end
SELECT coalesce(max(last), 0) FROM index_runs

-- name: add_index_run
INSERT INTO index_runs (first, last, level, pages, postings) VALUES (:first, :last, :level, :pages, :postings)

-- name: drop_index_run
DELETE FROM index_runs WHERE first = :first AND last = :last

-- name: index_run
SELECT 1 FROM index_runs WHERE first = :first AND last = :last

-- name: add_index_page
INSERT INTO index_pages (run, low, body) VALUES (:run, :low, :body)

-- name: drop_index_pages
DELETE FROM index_pages WHERE run = :run

-- name: index_page
SELECT low, body FROM index_pages WHERE run = :run AND low < :below ORDER BY low DESC LIMIT 1

-- name: index_tops_sqlite
-- The same of many runs, asked for as JSON: run, its last entry and posting of each; and whether the run is there.
SELECT t.place, p.low, p.body, r.first AS there
FROM (
    SELECT a.key AS place, CAST(json_extract(a.value, '$[0]') AS integer) AS run, json_extract(a.value, '$[1]') AS last,
        (
            SELECT max(low) FROM index_pages
            WHERE run = json_extract(a.value, '$[0]') AND low < json_extract(a.value, '$[2]')
        ) AS low
    FROM json_each(:asked) AS a
) AS t
LEFT JOIN index_runs AS r ON r.first = t.run AND r.last = t.last
LEFT JOIN index_pages AS p ON p.run = t.run AND p.low = t.low

-- name: index_tops_postgresql
-- The same, as arrays.
SELECT t.place - 1 AS place, p.low, p.body, r.first AS there
FROM unnest(CAST(:runs AS bigint[]), CAST(:lasts AS bigint[]), CAST(:belows AS bigint[]))
    WITH ORDINALITY AS t (run, last, below, place)
LEFT JOIN index_runs AS r ON r.first = t.run AND r.last = t.last
LEFT JOIN LATERAL (
    SELECT low, body FROM index_pages WHERE run = t.run AND low < t.below ORDER BY low DESC LIMIT 1
) AS p ON true

-- name: index_pages
SELECT low, body FROM index_pages WHERE run = :run ORDER BY low

-- name: clear_index_runs
DELETE FROM index_runs

-- name: clear_index_pages
DELETE FROM index_pages
