-- name: add_trial
INSERT INTO trials (id, kind, policy, actor, origin, reason, at_us, after, upto, warm_after, state, seq, worker,
    until_us, tries, fault, ended_us, result)
VALUES (:id, :kind, :policy, :actor, :origin, :reason, :at_us, :after, :upto, :warm_after, 'waiting', :warm_after, '',
    0, 0, '', NULL, :result)

-- name: trial
SELECT id, kind, policy, actor, origin, reason, at_us, after, upto, warm_after, state, seq, worker, until_us, tries, fault, ended_us, result
FROM trials WHERE id = :id

-- name: latest_trials
SELECT id, kind, policy, actor, origin, reason, at_us, after, upto, warm_after, state, seq, worker, until_us, tries, fault, ended_us
FROM trials WHERE kind = :kind ORDER BY at_us DESC, id DESC LIMIT :limit

-- name: trials_after
SELECT id, kind, policy, actor, origin, reason, at_us, after, upto, warm_after, state, seq, worker, until_us, tries, fault, ended_us
FROM trials WHERE kind = :kind AND (at_us < :at_us OR (at_us = :at_us AND id < :id))
ORDER BY at_us DESC, id DESC LIMIT :limit

-- name: open_trials
SELECT id, kind, policy, actor, origin, reason, at_us, after, upto, warm_after, state, seq, worker, until_us, tries, fault, ended_us
FROM trials WHERE state IN ('waiting', 'running') ORDER BY at_us, id

-- name: claim_trial
UPDATE trials SET worker = :worker, until_us = :until_us, tries = tries + 1, state = 'running'
WHERE id = :id AND state IN ('waiting', 'running') AND (worker = :worker OR until_us <= :now OR until_us > :far)

-- name: save_trial
-- Begun anew it sees the first entries again: it gets on where it has never been, or when it has seen all there is.
UPDATE trials SET tries = CASE WHEN :seq > seq OR :idle = 1 THEN 0 ELSE tries END,
    seq = CASE WHEN :seq > seq THEN :seq ELSE seq END,
    until_us = :until_us, state = :state, fault = :fault, ended_us = :ended_us
WHERE id = :id AND worker = :worker AND state = 'running'

-- name: save_trial_result
UPDATE trials SET result = :result WHERE id = :id

-- name: cancel_trial
UPDATE trials SET state = 'cancelled', ended_us = :at_us, until_us = 0
WHERE id = :id AND kind = 'backtest' AND state IN ('waiting', 'running')

-- name: end_shadows
-- What it has not come to yet is still compared, if there is anything; then whoever has it ends it.
UPDATE trials SET upto = :upto,
    state = CASE WHEN seq >= :upto OR after >= :upto THEN 'ended' ELSE state END,
    ended_us = CASE WHEN seq >= :upto OR after >= :upto THEN CAST(:at_us AS BIGINT) ELSE ended_us END
WHERE kind = 'shadow' AND upto IS NULL AND state IN ('waiting', 'running')
    AND (CAST(:policy AS TEXT) = '' OR policy = :policy)
