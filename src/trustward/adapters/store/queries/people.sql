-- name: add_key
INSERT INTO api_keys (id, name, hash, scopes, created_us, expires_us, revoked_us, actor)
VALUES (:id, :name, :hash, :scopes, :created_us, :expires_us, :revoked_us, :actor)

-- name: key
SELECT id, name, hash, scopes, created_us, expires_us, revoked_us, actor FROM api_keys WHERE id = :id

-- name: keys
SELECT id, name, hash, scopes, created_us, expires_us, revoked_us, actor FROM api_keys ORDER BY created_us, id

-- name: revoke_key
UPDATE api_keys SET revoked_us = :at_us WHERE id = :id AND (revoked_us IS NULL OR revoked_us > :at_us)

-- name: add_audit
INSERT INTO audit (at_us, actor, action, subject, detail, seq)
VALUES (:at_us, :actor, :action, :subject, :detail, :seq)

-- name: audit
SELECT number, at_us, actor, action, subject, detail, seq FROM audit WHERE number > :after ORDER BY number LIMIT :limit

-- name: add_audit_secret
INSERT INTO audit_secret (at_us, actor, action, subject, detail, seq)
VALUES (:at_us, :actor, :action, :subject, :detail, :seq)

-- name: audit_secret
SELECT number, at_us, actor, action, subject, detail, seq FROM audit_secret
WHERE number > :after ORDER BY number LIMIT :limit

-- name: find_audit
-- Newest first. What is about a duty is shown to everybody only if the duty is there, and no secret.
SELECT number, at_us, actor, action, subject, detail, seq FROM audit
WHERE number < :before AND at_us >= :from_us AND at_us < :to_us
    AND (CAST(:actor AS TEXT) = '' OR actor = :actor)
    AND (CAST(:subject AS TEXT) = '' OR subject = :subject)
    AND (CAST(:action AS TEXT) = '' OR action = :action OR substr(action, 1, CAST(:stem AS INTEGER)) = :action || '.')
    AND (CAST(:secret AS INTEGER) = 1 OR substr(subject, 1, 5) <> 'duty:'
        OR EXISTS (SELECT 1 FROM duties WHERE duties.id = substr(audit.subject, 6) AND duties.secret = 0))
ORDER BY number DESC LIMIT :limit

-- name: find_audit_secret
SELECT number, at_us, actor, action, subject, detail, seq FROM audit_secret
WHERE number < :before AND at_us >= :from_us AND at_us < :to_us
    AND (CAST(:actor AS TEXT) = '' OR actor = :actor)
    AND (CAST(:subject AS TEXT) = '' OR subject = :subject)
    AND (CAST(:action AS TEXT) = '' OR action = :action OR substr(action, 1, CAST(:stem AS INTEGER)) = :action || '.')
ORDER BY number DESC LIMIT :limit

-- name: number_audit_on
-- PostgreSQL only: after rows were copied with their numbers, new ones go on behind them.
SELECT setval(pg_get_serial_sequence('audit', 'number'), (SELECT max(number) FROM audit))

-- name: number_audit_secret_on
SELECT setval(pg_get_serial_sequence('audit_secret', 'number'), (SELECT max(number) FROM audit_secret))

-- name: add_snapshot
INSERT INTO snapshots (seq, part, parts, policy, at_us, body) VALUES (:seq, :part, :parts, :policy, :at_us, :body)

-- name: drop_snapshot
DELETE FROM snapshots WHERE seq = :seq

-- name: snapshots
SELECT seq, policy, at_us FROM snapshots WHERE part = 0 ORDER BY seq DESC

-- name: snapshot_part
SELECT body, parts FROM snapshots WHERE seq = :seq AND part = :part
