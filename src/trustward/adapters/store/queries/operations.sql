-- name: last_made
-- Actions that people or clocks have made have numbers of their own, behind all the journal can have.
SELECT max(seq) FROM actions WHERE seq > 1152921504606846976

-- name: add_made
INSERT INTO actions (seq, number, at_us, state, body) VALUES (:seq, 0, :at_us, 0, :body)

-- name: add_duty
INSERT INTO duties (id, version, state, next_us, due_us, subject, owner, market, breached, secret, body)
VALUES (:id, :version, :state, :next_us, :due_us, :subject, :owner, :market, :breached, :secret, :body)
ON CONFLICT (id) DO NOTHING

-- name: change_duty
-- Touches a row for whoever has read the version before, for nobody else.
UPDATE duties SET version = :version, state = :state, next_us = :next_us, due_us = :due_us, subject = :subject,
    owner = :owner, market = :market, breached = :breached, secret = :secret, body = :body
WHERE id = :id AND version = :version - 1

-- name: add_duty_step
INSERT INTO duty_steps (duty, number, at_us, what, body) VALUES (:duty, :number, :at_us, :what, :body)

-- name: duty
SELECT body FROM duties WHERE id = :id

-- name: duty_steps
SELECT body FROM duty_steps WHERE duty = :duty ORDER BY number

-- name: due_duties
SELECT body FROM duties WHERE next_us <= :now ORDER BY next_us, id LIMIT :limit

-- name: duty_place
SELECT due_us FROM duties WHERE id = :id
