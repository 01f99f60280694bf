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

-- name: index_pages
SELECT low, body FROM index_pages WHERE run = :run ORDER BY low

-- name: clear_index_runs
DELETE FROM index_runs

-- name: clear_index_pages
DELETE FROM index_pages
