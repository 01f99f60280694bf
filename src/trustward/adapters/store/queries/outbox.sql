-- name: waiting_actions
SELECT seq, number, at_us, body FROM actions WHERE state = 0 ORDER BY seq, number LIMIT :limit

-- name: action
SELECT seq, number, at_us, body, state FROM actions WHERE seq = :seq AND number = :number

-- name: add_waiting
INSERT INTO actions (seq, number, at_us, state, body) VALUES (:seq, :number, :at_us, 0, :body)
ON CONFLICT (seq, number) DO NOTHING

-- name: leave_waiting
-- Touches a row for whoever comes first: the action is passed on (1) or withdrawn (2) once.
UPDATE actions SET state = :state WHERE seq = :seq AND number = :number AND state = 0

-- name: add_inverse
-- The inverse of an action's number n has the number -n - 1.
INSERT INTO actions (seq, number, at_us, state, body) VALUES (:seq, -:number - 1, :at_us, 1, :body)

-- name: add_delivery
INSERT INTO deliveries (target, lane, seq, number, state, tries, queued_us)
VALUES (:target, :lane, :seq, :number, 0, 0, :queued_us)

-- name: add_lane
INSERT INTO lanes (target, lane, worker, epoch, until_us, due_us) VALUES (:target, :lane, '', 0, 0, 0)
ON CONFLICT (target, lane) DO NOTHING

-- name: free_lanes
SELECT target, lane, epoch FROM lanes
WHERE (until_us <= :now OR until_us > :far) AND (due_us <= :now OR due_us > :far)
AND EXISTS (
    SELECT 1 FROM deliveries
    WHERE deliveries.target = lanes.target AND deliveries.lane = lanes.lane AND deliveries.state = 0
)
ORDER BY due_us, target, lane

-- name: take_lane
UPDATE lanes SET worker = :worker, epoch = epoch + 1, until_us = :until_us
WHERE target = :target AND lane = :lane AND epoch = :epoch
AND (until_us <= :now OR until_us > :far) AND (due_us <= :now OR due_us > :far)

-- name: lane_deliveries
SELECT d.place, d.target, d.lane, d.state, d.tries, d.queued_us, a.seq, a.number, a.at_us, a.body
FROM deliveries d JOIN actions a ON a.seq = d.seq AND a.number = d.number
WHERE d.target = :target AND d.lane = :lane AND d.state = 0 ORDER BY d.place LIMIT :limit

-- name: keep_lane
UPDATE lanes SET until_us = :until_us, due_us = :due_us WHERE target = :target AND lane = :lane AND epoch = :epoch

-- name: settle_delivered
-- Also what was given up: that it arrived is a fact.
UPDATE deliveries SET state = 1
WHERE place = :place AND target = :target AND lane = :lane AND state IN (0, 2)

-- name: settle_failed
UPDATE deliveries SET state = :state, tries = tries + 1
WHERE place = :place AND target = :target AND lane = :lane AND state = 0

-- name: add_receipt
INSERT INTO receipts (place, ok, at_us, worker, status, took_us, said, refused, after_us)
VALUES (:place, :ok, :at_us, :worker, :status, :took_us, :said, :refused, :after_us)

-- name: receipts
SELECT ok, at_us, worker, status, took_us, said, refused, after_us FROM receipts WHERE place = :place ORDER BY id

-- name: action_deliveries
SELECT d.place, d.target, d.lane, d.state, d.tries, d.queued_us, a.seq, a.number, a.at_us, a.body
FROM deliveries d JOIN actions a ON a.seq = d.seq AND a.number = d.number
WHERE d.seq = :seq AND d.number = :number ORDER BY d.place

-- name: dead_deliveries
SELECT d.place, d.target, d.lane, d.state, d.tries, d.queued_us, a.seq, a.number, a.at_us, a.body
FROM deliveries d JOIN actions a ON a.seq = d.seq AND a.number = d.number
WHERE d.target = :target AND d.state = 2 AND d.place > :after ORDER BY d.place LIMIT :limit

-- name: dead_delivery
SELECT d.place, d.target, d.lane, d.state, d.tries, d.queued_us, a.seq, a.number, a.at_us, a.body
FROM deliveries d JOIN actions a ON a.seq = d.seq AND a.number = d.number
WHERE d.place = :place AND d.state = 2

-- name: revive
UPDATE deliveries SET state = 0, tries = 0, queued_us = :queued_us WHERE place = :place AND state = 2

-- name: withdraw_delivery
UPDATE deliveries SET state = 3 WHERE place = :place AND state = 2

-- name: withdraw_dead
UPDATE deliveries SET state = 3 WHERE seq = :seq AND number = :number AND state = 2

-- name: wake_lane
UPDATE lanes SET due_us = 0 WHERE target = :target AND lane = :lane

-- name: backlog
SELECT target,
    SUM(CASE WHEN state = 0 THEN 1 ELSE 0 END) AS waiting,
    SUM(CASE WHEN state = 2 THEN 1 ELSE 0 END) AS dead,
    MIN(CASE WHEN state = 0 THEN queued_us END) AS oldest_us
FROM deliveries WHERE state IN (0, 2) GROUP BY target ORDER BY target

-- name: add_effect
INSERT INTO effects (seq, number, kind, entity, same, at_us, ends_us, body, state, why, actor, reason, undone_by)
VALUES (:seq, :number, :kind, :entity, :same, :at_us, :ends_us, :body, 0, '', '', '', '')

-- name: effect
SELECT seq, number, same, at_us, ends_us, body, state, why, actor, reason, ended_us, undone_by
FROM effects WHERE seq = :seq AND number = :number

-- name: due_effects
SELECT seq, number, same, at_us, ends_us, body, state, why, actor, reason, ended_us, undone_by
FROM effects WHERE state = 0 AND ends_us <= :now ORDER BY ends_us, seq, number LIMIT :limit

-- name: same_effects
SELECT seq, number, same, at_us, ends_us, body, state, why, actor, reason, ended_us, undone_by
FROM effects WHERE kind = :kind AND entity = :entity AND state IN (0, 1) AND same = :same ORDER BY seq, number

-- name: effects_of
SELECT seq, number, same, at_us, ends_us, body, state, why, actor, reason, ended_us, undone_by
FROM effects WHERE kind = :kind AND entity = :entity AND state = 0 ORDER BY seq, number

-- name: end_effect
UPDATE effects SET state = 1, why = :why, actor = :actor, reason = :reason, ended_us = :ended_us
WHERE seq = :seq AND number = :number AND state = 0

-- name: mark_undone
UPDATE effects SET state = 2, undone_by = :undone_by WHERE seq = :seq AND number = :number

-- name: mark_ended
UPDATE effects SET state = 1, undone_by = '' WHERE seq = :seq AND number = :number AND state = 2

-- name: number_deliveries_on
-- PostgreSQL only: after rows were copied with their numbers, new ones go on behind them.
SELECT setval(pg_get_serial_sequence('deliveries', 'place'), (SELECT max(place) FROM deliveries))

-- name: number_receipts_on
-- PostgreSQL only: the same.
SELECT setval(pg_get_serial_sequence('receipts', 'id'), (SELECT max(id) FROM receipts))

-- part: action_is_closed
-- Nothing can be asked of it any more; an inverse has the number -n - 1 of its action.
    AND a.state <> 0
    AND NOT EXISTS (
        SELECT 1 FROM deliveries d
        WHERE d.seq = a.seq AND d.number IN (a.number, -a.number - 1) AND d.state IN (0, 2)
    )
    AND NOT EXISTS (
        SELECT 1 FROM effects e
        WHERE e.seq = a.seq AND e.number IN (a.number, -a.number - 1) AND e.state <> 2
    )

-- name: closed_actions
SELECT a.seq, a.number FROM actions a
WHERE a.seq < :upto AND a.at_us < :before
@action_is_closed
ORDER BY a.seq, a.number LIMIT :limit

-- name: prune_receipts
DELETE FROM receipts WHERE place IN (SELECT place FROM deliveries WHERE seq = :seq AND number = :number)

-- name: prune_deliveries
DELETE FROM deliveries WHERE seq = :seq AND number = :number

-- name: prune_action
DELETE FROM actions WHERE seq = :seq AND number = :number

-- name: prune_effect
DELETE FROM effects WHERE seq = :seq AND number = :number AND state = 2
