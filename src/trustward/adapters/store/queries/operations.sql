-- name: last_made
-- Actions that people or clocks have made have numbers of their own, behind all the journal can have.
-- Secret ones have theirs behind those.
SELECT max(seq) FROM actions WHERE seq > :above AND seq < :below

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

-- name: oldest_alarm
SELECT next_us FROM duties WHERE next_us <= :now ORDER BY next_us LIMIT 1

-- name: duty_place
SELECT due_us FROM duties WHERE id = :id

-- name: add_letter
INSERT INTO letters (seq, cause) VALUES (:seq, :cause)

-- name: letters
SELECT seq FROM letters WHERE cause = :cause ORDER BY seq

-- name: add_plain
INSERT INTO plain_records (kind, id, version, body) VALUES (:kind, :id, :version, :body) ON CONFLICT (kind, id) DO NOTHING

-- name: change_plain
UPDATE plain_records SET version = :version, body = :body WHERE kind = :kind AND id = :id AND version = :version - 1

-- name: plain
SELECT body FROM plain_records WHERE kind = :kind AND id = :id

-- name: add_errand
INSERT INTO errands (id, state, at_us, kind, body) VALUES (:id, 0, :at_us, :kind, :body) ON CONFLICT (id) DO NOTHING

-- name: waiting_errands
SELECT id, at_us, kind, body FROM errands WHERE state = 0 ORDER BY at_us, id LIMIT :limit

-- name: errand_backlog
-- Counted up to a limit: whoever looks wants to know whether they are few.
SELECT COUNT(*) AS waiting, MIN(at_us) AS oldest_us
FROM (SELECT at_us FROM errands WHERE state = 0 ORDER BY at_us, id LIMIT :most) AS first

-- name: end_errand
UPDATE errands SET state = 1 WHERE id = :id

-- name: add_report
INSERT INTO reports (id, version, state, case_id, reporter, subject, at_us, untold, body)
VALUES (:id, :version, :state, :case_id, :reporter, :subject, :at_us, :untold, :body) ON CONFLICT (id) DO NOTHING

-- name: change_report
UPDATE reports SET version = :version, state = :state, case_id = :case_id, reporter = :reporter, subject = :subject,
    at_us = :at_us, untold = :untold, body = :body
WHERE id = :id AND version = :version - 1

-- name: report
SELECT body FROM reports WHERE id = :id

-- name: report_before
SELECT body FROM reports WHERE subject = :subject AND reporter = :reporter AND untold = 1 ORDER BY at_us LIMIT 1

-- name: case_reports
SELECT body FROM reports WHERE case_id = :case_id AND id > :past ORDER BY id LIMIT :limit

-- name: untold_reports
SELECT body FROM reports WHERE case_id = :case_id AND untold = 1 ORDER BY id LIMIT :limit

-- name: reports_by
SELECT body FROM reports WHERE reporter = :reporter ORDER BY at_us DESC LIMIT :limit

-- name: add_case
INSERT INTO cases (id, version, state, queue, open_on, due_us, rank, opened_us, assigned, untold, body)
VALUES (:id, :version, :state, :queue, :open_on, :due_us, :rank, :opened_us, :assigned, :untold, :body)
ON CONFLICT DO NOTHING

-- name: change_case
UPDATE cases SET version = :version, state = :state, queue = :queue, open_on = :open_on, due_us = :due_us, rank = :rank,
    opened_us = :opened_us, assigned = :assigned, untold = :untold, body = :body
WHERE id = :id AND version = :version - 1

-- name: add_case_entity
INSERT INTO case_entities (kind, entity, case_id, opened_us) VALUES (:kind, :entity, :case_id, :opened_us)
ON CONFLICT DO NOTHING

-- name: add_case_page
INSERT INTO case_pages (case_id, number, at_us, what, body) VALUES (:case_id, :number, :at_us, :what, :body)

-- name: case
SELECT body FROM cases WHERE id = :id

-- name: case_pages
SELECT body FROM case_pages WHERE case_id = :case_id AND number > :number ORDER BY number LIMIT :limit

-- name: case_on
SELECT body FROM cases WHERE open_on = :subject

-- name: case_at_risk
SELECT c.id FROM cases c WHERE c.queue = :queue AND c.state = 0 AND c.due_us <= :risk AND c.assigned IN ('', :reviewer)
AND NOT EXISTS (SELECT 1 FROM case_leases l WHERE l.case_id = c.id AND l.until_us > :now)
AND NOT EXISTS (SELECT 1 FROM case_barred b WHERE b.case_id = c.id AND b.reviewer = :reviewer)
ORDER BY c.due_us, c.id LIMIT 1

-- name: case_at_risk_postgresql
-- What somebody else is just taking is passed over.
SELECT c.id FROM cases c WHERE c.queue = :queue AND c.state = 0 AND c.due_us <= :risk AND c.assigned IN ('', :reviewer)
AND NOT EXISTS (SELECT 1 FROM case_leases l WHERE l.case_id = c.id AND l.until_us > :now)
AND NOT EXISTS (SELECT 1 FROM case_barred b WHERE b.case_id = c.id AND b.reviewer = :reviewer)
ORDER BY c.due_us, c.id LIMIT 1 FOR UPDATE SKIP LOCKED

-- name: case_by_rank
SELECT c.id FROM cases c WHERE c.queue = :queue AND c.state = 0 AND c.assigned IN ('', :reviewer)
AND NOT EXISTS (SELECT 1 FROM case_leases l WHERE l.case_id = c.id AND l.until_us > :now)
AND NOT EXISTS (SELECT 1 FROM case_barred b WHERE b.case_id = c.id AND b.reviewer = :reviewer)
ORDER BY c.rank, c.opened_us, c.id LIMIT 1

-- name: case_by_rank_postgresql
SELECT c.id FROM cases c WHERE c.queue = :queue AND c.state = 0 AND c.assigned IN ('', :reviewer)
AND NOT EXISTS (SELECT 1 FROM case_leases l WHERE l.case_id = c.id AND l.until_us > :now)
AND NOT EXISTS (SELECT 1 FROM case_barred b WHERE b.case_id = c.id AND b.reviewer = :reviewer)
ORDER BY c.rank, c.opened_us, c.id LIMIT 1 FOR UPDATE SKIP LOCKED

-- name: take_case
-- Touches a row for whoever comes first, and for whoever has it already.
INSERT INTO case_leases (case_id, reviewer, until_us, epoch) VALUES (:case_id, :reviewer, :until_us, 1)
ON CONFLICT (case_id) DO UPDATE SET reviewer = excluded.reviewer, until_us = excluded.until_us,
    epoch = case_leases.epoch + CASE WHEN case_leases.reviewer = excluded.reviewer THEN 0 ELSE 1 END
WHERE case_leases.until_us <= :now OR case_leases.reviewer = excluded.reviewer
RETURNING case_id, reviewer, until_us, epoch

-- name: case_lease
SELECT case_id, reviewer, until_us, epoch FROM case_leases WHERE case_id = :case_id

-- name: hold_case
UPDATE case_leases SET until_us = until_us WHERE case_id = :case_id AND reviewer = :reviewer AND until_us > :now

-- name: leave_case
UPDATE case_leases SET until_us = 0 WHERE case_id = :case_id AND reviewer = :reviewer AND until_us > :now

-- name: add_barred
INSERT INTO case_barred (case_id, reviewer) VALUES (:case_id, :reviewer) ON CONFLICT DO NOTHING

-- name: barred
SELECT 1 FROM case_barred WHERE case_id = :case_id AND reviewer = :reviewer

-- name: cases_about
SELECT c.body FROM case_entities e JOIN cases c ON c.id = e.case_id
WHERE e.kind = :kind AND e.entity = :entity AND (e.opened_us, e.case_id) < (:opened_us, :past)
ORDER BY e.opened_us DESC, e.case_id DESC LIMIT :limit

-- name: untold_cases
SELECT body FROM cases WHERE untold = 1 ORDER BY id LIMIT :limit

-- name: plain_of
SELECT body FROM plain_records WHERE kind = :kind AND id > :past ORDER BY id LIMIT :limit

-- name: oldest_waiting
SELECT opened_us FROM cases WHERE queue = :queue AND state = 0 ORDER BY opened_us LIMIT 1

-- name: add_tally
INSERT INTO tallies (what, name, count) VALUES (:what, :name, :count)
ON CONFLICT (what, name) DO UPDATE SET count = tallies.count + excluded.count

-- name: tallies
SELECT name, count FROM tallies WHERE what = :what AND count > 0 ORDER BY name
