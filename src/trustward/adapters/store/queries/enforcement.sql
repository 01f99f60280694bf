-- name: add_measure
INSERT INTO measures (id, version, state, cause, kind, entity, parent, same, at_us, over_us, work, body)
VALUES (:id, :version, :state, :cause, :kind, :entity, :parent, :same, :at_us, :over_us, :work, :body)
ON CONFLICT (id) DO NOTHING

-- name: change_measure
UPDATE measures SET version = :version, state = :state, cause = :cause, kind = :kind, entity = :entity,
    parent = :parent, same = :same, at_us = :at_us, over_us = :over_us, work = :work, body = :body
WHERE id = :id AND version = :version - 1

-- name: measure
SELECT body FROM measures WHERE id = :id

-- name: measures_of
SELECT body FROM measures WHERE cause = :cause AND id > :past ORDER BY id LIMIT :limit

-- name: measures_on
SELECT body FROM measures WHERE kind = :kind AND entity = :entity ORDER BY at_us DESC, id LIMIT :limit

-- name: measures_alike
SELECT body FROM measures WHERE same = :same ORDER BY id LIMIT :limit

-- name: measures_following
SELECT body FROM measures WHERE parent = :parent AND id > :past ORDER BY id LIMIT :limit

-- name: measures_unlifted
SELECT body FROM measures WHERE parent = :parent AND state <> 2 ORDER BY id LIMIT :limit

-- name: working_measures
SELECT body FROM measures WHERE work = 1 ORDER BY at_us, id LIMIT :limit

-- name: measures_over
SELECT body FROM measures WHERE over_us <= :now ORDER BY over_us, id LIMIT :limit

-- name: add_appeal
INSERT INTO appeals (id, version, state, decision, account, due_us, work, body)
VALUES (:id, :version, :state, :decision, :account, :due_us, :work, :body) ON CONFLICT (id) DO NOTHING

-- name: change_appeal
UPDATE appeals SET version = :version, state = :state, decision = :decision, account = :account, due_us = :due_us,
    work = :work, body = :body
WHERE id = :id AND version = :version - 1

-- name: appeal
SELECT body FROM appeals WHERE id = :id

-- name: add_appeal_page
INSERT INTO appeal_pages (appeal, number, at_us, what, body) VALUES (:appeal, :number, :at_us, :what, :body)

-- name: appeal_pages
SELECT body FROM appeal_pages WHERE appeal = :appeal ORDER BY number

-- name: appeal_place
SELECT due_us FROM appeals WHERE id = :id

-- name: working_appeals
SELECT body FROM appeals WHERE work = 1 ORDER BY id LIMIT :limit
