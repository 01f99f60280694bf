-- name: add_user
INSERT INTO users (id, name, full_name, roles, password, totp, totp_step, issuer, subject, created_us, disabled_us, actor, version)
VALUES (:id, :name, :full_name, :roles, :password, :totp, 0, :issuer, :subject, :created_us, :disabled_us, :actor, :version)
ON CONFLICT DO NOTHING

-- name: user
SELECT id, name, full_name, roles, password, totp, issuer, subject, created_us, disabled_us, actor, version
FROM users WHERE id = :id

-- name: user_named
SELECT id, name, full_name, roles, password, totp, issuer, subject, created_us, disabled_us, actor, version
FROM users WHERE name = :name

-- name: user_known_as
SELECT id, name, full_name, roles, password, totp, issuer, subject, created_us, disabled_us, actor, version
FROM users WHERE issuer = :issuer AND subject = :subject AND issuer <> ''

-- name: users
SELECT id, name, full_name, roles, password, totp, issuer, subject, created_us, disabled_us, actor, version
FROM users ORDER BY created_us, id

-- name: update_user
UPDATE users SET name = :name, full_name = :full_name, roles = :roles, password = :password,
    totp_step = CASE WHEN totp = :totp THEN totp_step ELSE 0 END, totp = :totp, issuer = :issuer, subject = :subject,
    disabled_us = :disabled_us, version = :version + 1
WHERE id = :id AND version = :version

-- name: seal_totp
UPDATE users SET totp = :totp, version = version + 1 WHERE id = :id AND totp = :value

-- name: use_step
UPDATE users SET totp_step = :step WHERE id = :id AND totp_step < :step

-- name: add_code
INSERT INTO recovery_codes (user_id, hash) VALUES (:user, :hash) ON CONFLICT DO NOTHING

-- name: drop_codes
DELETE FROM recovery_codes WHERE user_id = :user

-- name: use_code
DELETE FROM recovery_codes WHERE user_id = :user AND hash = :hash

-- name: codes
SELECT count(*) FROM recovery_codes WHERE user_id = :user

-- name: add_passkey
INSERT INTO passkeys (id, user_id, name, public_key, count, created_us, used_us)
VALUES (:id, :user, :name, :key, :count, :created_us, :used_us)
ON CONFLICT DO NOTHING

-- name: passkey
SELECT id, user_id, name, public_key, count, created_us, used_us FROM passkeys WHERE id = :id

-- name: passkeys
SELECT id, user_id, name, public_key, count, created_us, used_us FROM passkeys WHERE user_id = :user
ORDER BY created_us, id

-- name: used_passkey
UPDATE passkeys SET count = :count, used_us = :at_us
WHERE id = :id AND (count < :count OR (count = 0 AND :count = 0))

-- name: drop_passkey
DELETE FROM passkeys WHERE user_id = :user AND id = :id

-- name: drop_passkeys
DELETE FROM passkeys WHERE user_id = :user

-- name: add_session
INSERT INTO sessions (id, hash, user_id, level, how, began_us, seen_us, ends_us, address, agent)
VALUES (:id, :hash, :user, :level, :how, :began_us, :seen_us, :ends_us, :address, :agent)

-- name: session
SELECT id, hash, user_id, level, how, began_us, seen_us, ends_us, address, agent FROM sessions WHERE hash = :hash

-- name: sessions
SELECT id, hash, user_id, level, how, began_us, seen_us, ends_us, address, agent FROM sessions WHERE user_id = :user
ORDER BY began_us, id

-- name: session_seen
UPDATE sessions SET seen_us = :at_us WHERE id = :id AND seen_us < :at_us

-- name: end_session
DELETE FROM sessions WHERE id = :id AND user_id = :user

-- name: end_sessions
DELETE FROM sessions WHERE user_id = :user AND id <> :keep

-- name: sweep_sessions
DELETE FROM sessions WHERE ends_us <= :now_us OR seen_us <= :idle_since_us

-- name: issue_ticket
INSERT INTO tickets (hash, kind, user_id, ends_us, body) VALUES (:hash, :kind, :user, :ends_us, :body)

-- name: ticket
SELECT hash, kind, user_id, ends_us, body FROM tickets WHERE hash = :hash AND kind = :kind AND ends_us > :now_us

-- name: take_ticket
DELETE FROM tickets WHERE hash = :hash AND kind = :kind AND ends_us > :now_us
RETURNING hash, kind, user_id, ends_us, body

-- name: drop_tickets
DELETE FROM tickets WHERE user_id = :user AND kind = :kind

-- name: sweep_tickets
DELETE FROM tickets WHERE ends_us <= :now_us

-- name: add_attempts
INSERT INTO attempts (subject, failed, last_us, until_us) VALUES (:subject, 0, 0, 0) ON CONFLICT DO NOTHING

-- name: attempts_sqlite
SELECT failed, last_us, until_us FROM attempts WHERE subject = :subject

-- name: attempts_postgresql
SELECT failed, last_us, until_us FROM attempts WHERE subject = :subject FOR UPDATE

-- name: set_attempts
UPDATE attempts SET failed = :failed, last_us = :last_us, until_us = :until_us WHERE subject = :subject

-- name: forgive_attempt
UPDATE attempts SET failed = failed - 1, until_us = 0 WHERE subject = :subject AND failed > 0

-- name: forget_attempts
DELETE FROM attempts WHERE subject = :subject

-- name: sweep_attempts
DELETE FROM attempts WHERE last_us < :before_us
