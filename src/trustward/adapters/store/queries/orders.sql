-- name: add_order
INSERT INTO orders (id, version, state, known_as, issuer, secret, work, until_us, body)
VALUES (:id, :version, :state, :known_as, :issuer, :secret, :work, :until_us, :body) ON CONFLICT DO NOTHING

-- name: change_order
UPDATE orders SET version = :version, state = :state, known_as = :known_as, issuer = :issuer, secret = :secret,
    work = :work, until_us = :until_us, body = :body
WHERE id = :id AND version = :version - 1

-- name: order_by_id
SELECT body FROM orders WHERE id = :id

-- name: order_by_name
SELECT body FROM orders WHERE known_as = :known_as

-- name: working_orders
SELECT body FROM orders WHERE work = 1 ORDER BY id LIMIT :limit

-- name: ending_orders
SELECT body FROM orders WHERE until_us <= :now ORDER BY until_us LIMIT :limit

-- name: add_order_target
INSERT INTO order_targets (id, version, order_id, number, state, kind, entity, body)
VALUES (:id, :version, :order_id, :number, :state, :kind, :entity, :body) ON CONFLICT DO NOTHING

-- name: change_order_target
UPDATE order_targets SET version = :version, order_id = :order_id, number = :number, state = :state, kind = :kind,
    entity = :entity, body = :body
WHERE id = :id AND version = :version - 1

-- name: order_target_counts
SELECT state, count(*) AS many FROM order_targets WHERE order_id = :order_id GROUP BY state

-- name: orders_on
SELECT body FROM order_targets WHERE kind = :kind AND entity = :entity ORDER BY id LIMIT :limit

-- name: add_order_copy
INSERT INTO order_copies (id, version, order_id, list, value, active, body)
VALUES (:id, :version, :order_id, :list, :value, :active, :body) ON CONFLICT (id) DO NOTHING

-- name: change_order_copy
UPDATE order_copies SET version = :version, order_id = :order_id, list = :list, value = :value, active = :active,
    body = :body
WHERE id = :id AND version = :version - 1

-- name: order_copies_of_value
SELECT body FROM order_copies WHERE list = :list AND value = :value AND active = 1 ORDER BY id

-- name: order_copies_active
SELECT body FROM order_copies WHERE order_id = :order_id AND active = 1 AND id > :past ORDER BY id LIMIT :limit

-- name: order_copies_all
SELECT body FROM order_copies WHERE order_id = :order_id AND id > :past ORDER BY id LIMIT :limit

-- name: add_order_page
INSERT INTO order_pages (order_id, number, at_us, what, body) VALUES (:order_id, :number, :at_us, :what, :body)

-- name: order_pages
SELECT body FROM order_pages WHERE order_id = :order_id AND number > :number ORDER BY number LIMIT :limit

-- name: add_programme
INSERT INTO programmes (id, version, kind, state, known_as, secret, body)
VALUES (:id, :version, :kind, :state, :known_as, :secret, :body) ON CONFLICT DO NOTHING

-- name: change_programme
UPDATE programmes SET version = :version, kind = :kind, state = :state, known_as = :known_as, secret = :secret,
    body = :body
WHERE id = :id AND version = :version - 1

-- name: programme_by_id
SELECT body FROM programmes WHERE id = :id

-- name: programme_by_name
SELECT body FROM programmes WHERE known_as = :known_as
