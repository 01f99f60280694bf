-- name: add_proposal
INSERT INTO proposals (id, policy, base, actor, at_us, reason, origin, back, state, decided_by, decided_us,
    decided_reason, entry)
VALUES (:id, :policy, :base, :actor, :at_us, :reason, :origin, :back, 'open', '', NULL, '', NULL)

-- name: proposal
SELECT id, policy, base, actor, at_us, reason, origin, back, state, decided_by, decided_us, decided_reason, entry
FROM proposals WHERE id = :id

-- name: latest_proposals
SELECT id, policy, base, actor, at_us, reason, origin, back, state, decided_by, decided_us, decided_reason, entry
FROM proposals ORDER BY at_us DESC, id DESC LIMIT :limit

-- name: proposals_after
SELECT id, policy, base, actor, at_us, reason, origin, back, state, decided_by, decided_us, decided_reason, entry
FROM proposals WHERE at_us < :at_us OR (at_us = :at_us AND id < :id) ORDER BY at_us DESC, id DESC LIMIT :limit

-- name: rule_proposal
UPDATE proposals SET state = :state, decided_by = :actor, decided_us = :at_us, decided_reason = :reason, entry = :entry
WHERE id = :id AND state = :before_state
