-- name: retained
SELECT day, class, removed, kept, entries, at_us FROM retained ORDER BY day, class

-- name: note_retained
INSERT INTO retained (day, class, removed, kept, entries, at_us) VALUES (:day, :of, :removed, :kept, :entries, :at_us)
ON CONFLICT (day, class) DO UPDATE SET removed = excluded.removed, kept = excluded.kept, entries = excluded.entries,
    at_us = excluded.at_us

-- name: put_segment
-- The same entries with another content.
UPDATE segments SET body = :body, faults = :faults, decisions = :decisions
WHERE first = :first AND count = :count AND at_us = :at_us AND body = :was

-- name: drop_marks
DELETE FROM segment_marks WHERE first = :first

-- name: held_pairs
-- What holds name that are in force.
SELECT e.entity FROM dossiers d JOIN dossier_entities e ON e.kind = d.kind AND e.id = d.id
WHERE d.kind = 'Hold' AND d.standing = 'in_force'

-- part: kept
-- Of what is asked, what something open names, with what it is. In this order (CROSS JOIN binds SQLite to it): from the
-- entity, which few name. Each has a place, and stands as indexes have it: alone, and behind its kind.
SELECT a.place, 'hold' AS why FROM asked a WHERE EXISTS (
    SELECT 1 FROM dossier_entities e CROSS JOIN dossiers d
    WHERE d.kind = e.kind AND d.id = e.id AND e.kind = 'Hold' AND e.entity = a.named
        AND d.standing = 'in_force' AND d.secret = 0
)
UNION ALL
SELECT a.place, 'case' FROM asked a WHERE EXISTS (
    SELECT 1 FROM case_entities e CROSS JOIN cases c
    WHERE c.id = e.case_id AND e.kind = a.kind AND e.entity = a.entity AND c.state IN (0, 1)
)
UNION ALL
SELECT a.place, 'order' FROM asked a WHERE EXISTS (
    SELECT 1 FROM order_targets t CROSS JOIN orders o
    WHERE o.id = t.order_id AND t.kind = a.kind AND t.entity = a.entity AND o.state < 6 AND o.secret = 0
)
UNION ALL
SELECT a.place, 'clue' FROM asked a WHERE EXISTS (
    SELECT 1 FROM dossier_entities e CROSS JOIN dossiers d
    WHERE d.kind = e.kind AND d.id = e.id AND e.kind = 'Clue' AND e.entity = a.named
        AND d.standing IN ('drafted', 'approved', 'sent', 'received') AND d.secret = 0
)
UNION ALL
SELECT a.place, 'request' FROM asked a WHERE EXISTS (
    SELECT 1 FROM dossier_entities e CROSS JOIN dossiers d
    WHERE d.kind = e.kind AND d.id = e.id AND e.kind = 'Asked' AND e.entity = a.named
        AND d.standing IN ('received', 'verified') AND d.secret = 0
)
UNION ALL
SELECT a.place, 'appeal' FROM asked a WHERE a.kind = 'account' AND EXISTS (
    SELECT 1 FROM appeals p WHERE p.account = a.entity AND p.state = 0
)
UNION ALL
SELECT a.place, 'secret' FROM asked a WHERE EXISTS (
    SELECT 1 FROM dossier_entities e CROSS JOIN dossiers d
    WHERE d.kind = e.kind AND d.id = e.id AND e.kind IN ('Hold', 'Clue', 'Asked')
        AND e.entity = a.named AND d.secret = 1
        AND (
            (d.kind = 'Hold' AND d.standing = 'in_force')
            OR (d.kind = 'Clue' AND d.standing IN ('drafted', 'approved', 'sent', 'received'))
            OR (d.kind = 'Asked' AND d.standing IN ('received', 'verified'))
        )
)
UNION ALL
SELECT a.place, 'secret' FROM asked a WHERE EXISTS (
    SELECT 1 FROM order_targets t CROSS JOIN orders o
    WHERE o.id = t.order_id AND t.kind = a.kind AND t.entity = a.entity AND o.state < 6 AND o.secret = 1
)

-- name: kept_sqlite
WITH asked AS MATERIALIZED (
    SELECT key AS place, json_extract(value, '$[0]') AS kind, json_extract(value, '$[1]') AS entity,
        json_extract(value, '$[2]') AS named
    FROM json_each(:asked)
)
@kept

-- name: kept_postgresql
WITH asked AS MATERIALIZED (
    SELECT p.place - 1 AS place, p.kind, p.entity, p.named
    FROM unnest(CAST(:kinds AS text[]), CAST(:entities AS text[]), CAST(:named AS text[]))
        WITH ORDINALITY AS p (kind, entity, named, place)
)
@kept

-- name: closed_actions_of_sqlite
SELECT a.seq, a.number FROM actions a
WHERE a.seq IN (SELECT value FROM json_each(:seqs))
@action_is_closed

-- name: closed_actions_of_postgresql
SELECT a.seq, a.number FROM actions a
WHERE a.seq = ANY(CAST(:seqs AS bigint[]))
@action_is_closed

-- name: closed_cases
-- With when the last thing happened to each.
SELECT c.body, (SELECT max(p.at_us) FROM case_pages p WHERE p.case_id = c.id) AS last_us FROM cases c
WHERE c.state IN (2, 3) AND c.id > :past AND c.opened_us < :before ORDER BY c.id LIMIT :limit

-- name: closed_case
SELECT c.body, (SELECT max(p.at_us) FROM case_pages p WHERE p.case_id = c.id) AS last_us FROM cases c
WHERE c.state IN (2, 3) AND c.id = :id

-- name: case_reporters
SELECT body FROM reports WHERE case_id = :id

-- name: case_waits
-- What of a closed case is still to be done.
SELECT 'report' AS why FROM cases WHERE id = :id AND untold = 1
UNION ALL
SELECT 'report' FROM reports WHERE case_id = :id AND untold = 1
UNION ALL
SELECT 'duty' FROM duties WHERE subject = :about AND state < 3
UNION ALL
SELECT 'duty' FROM reports r JOIN duties d ON d.subject = 'report:' || r.id WHERE r.case_id = :id AND d.state < 3
UNION ALL
SELECT 'appeal' FROM appeals WHERE decision = :about AND state = 0

-- name: case_letters
SELECT seq FROM letters WHERE cause = :about
UNION
SELECT l.seq FROM reports r JOIN letters l ON l.cause = 'report:' || r.id WHERE r.case_id = :id

-- name: letter_actions
SELECT count(*) FROM actions WHERE seq = :seq

-- name: drop_case
DELETE FROM cases WHERE id = :id AND version = :version

-- name: drop_letter
DELETE FROM letters WHERE seq = :seq

-- name: drop_case_pages
DELETE FROM case_pages WHERE case_id = :id

-- name: drop_case_entities
DELETE FROM case_entities WHERE case_id = :id

-- name: drop_case_leases
DELETE FROM case_leases WHERE case_id = :id

-- name: drop_case_barred
DELETE FROM case_barred WHERE case_id = :id

-- name: drop_case_reports
DELETE FROM reports WHERE case_id = :id

-- name: any_hold
-- One that is in force: 1 if none but secret ones are.
SELECT min(secret) FROM dossiers WHERE kind = 'Hold' AND standing = 'in_force'

-- name: old_audit
-- Which policy was live when is asked of the audit: that stays.
SELECT number, at_us FROM audit WHERE at_us < :before AND action <> 'policy.changed' ORDER BY number LIMIT :limit

-- name: old_audit_secret
SELECT number, at_us FROM audit_secret WHERE at_us < :before AND action <> 'policy.changed' ORDER BY number LIMIT :limit

-- name: count_old_audit
SELECT count(*) FROM audit WHERE at_us < :before AND action <> 'policy.changed'

-- name: drop_audit
DELETE FROM audit WHERE number = :number

-- name: drop_audit_secret
DELETE FROM audit_secret WHERE number = :number

-- name: bundles_after
SELECT body FROM bundles WHERE id > :past ORDER BY id LIMIT :limit

-- name: drop_bundle_parts
DELETE FROM bundle_parts WHERE id = :id

-- name: drop_bundle
DELETE FROM bundles WHERE id = :id

-- name: closed_appeals
-- With when the last thing happened to each.
SELECT a.body, (SELECT max(p.at_us) FROM appeal_pages p WHERE p.appeal = a.id) AS last_us FROM appeals a
WHERE a.state <> 0 AND a.id > :past ORDER BY a.id LIMIT :limit

-- name: closed_appeal
SELECT a.body, (SELECT max(p.at_us) FROM appeal_pages p WHERE p.appeal = a.id) AS last_us FROM appeals a
WHERE a.state <> 0 AND a.id = :id

-- name: appeal_waits
-- What of an appeal that was heard is still to be done.
SELECT 'measure' AS why FROM appeals WHERE id = :id AND work = 1
UNION ALL
SELECT 'duty' FROM duties WHERE subject = :about AND state < 3

-- name: appeal_letters
SELECT seq FROM letters WHERE cause = :about

-- name: drop_appeal
DELETE FROM appeals WHERE id = :id AND version = :version

-- name: drop_appeal_pages
DELETE FROM appeal_pages WHERE appeal = :id
