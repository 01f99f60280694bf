-- name: put_label
INSERT INTO label_marks (kind, entity, label, present, expires_us, actor, origin, reason, at_us, seq)
VALUES (:kind, :entity, :label, :present, :expires_us, :actor, :origin, :reason, :at_us, :seq)
ON CONFLICT (kind, entity, label) DO UPDATE SET present = excluded.present, expires_us = excluded.expires_us,
    actor = excluded.actor, origin = excluded.origin, reason = excluded.reason, at_us = excluded.at_us, seq = excluded.seq

-- name: drop_label
DELETE FROM label_marks WHERE kind = :kind AND entity = :entity AND label = :label

-- name: labels
SELECT kind, entity, label, present, expires_us, actor, origin, reason, at_us, seq
FROM label_marks WHERE kind = :kind AND entity = :entity ORDER BY label

-- name: put_list_entry
INSERT INTO list_entries (list, value, present, expires_us, actor, origin, reason, at_us, seq)
VALUES (:list, :value, :present, :expires_us, :actor, :origin, :reason, :at_us, :seq)
ON CONFLICT (list, value) DO UPDATE SET present = excluded.present, expires_us = excluded.expires_us,
    actor = excluded.actor, origin = excluded.origin, reason = excluded.reason, at_us = excluded.at_us, seq = excluded.seq

-- name: list_entries
SELECT list, value, present, expires_us, actor, origin, reason, at_us, seq
FROM list_entries WHERE list = :list AND value > :after ORDER BY value LIMIT :limit

-- name: list_entry
SELECT list, value, present, expires_us, actor, origin, reason, at_us, seq
FROM list_entries WHERE list = :list AND value = :value

-- name: put_snooze
INSERT INTO snoozes (rule, kind, entity, until_us, actor, origin, reason, at_us, seq)
VALUES (:rule, :kind, :entity, :until_us, :actor, :origin, :reason, :at_us, :seq)
ON CONFLICT (rule, kind, entity) DO UPDATE SET until_us = excluded.until_us,
    actor = excluded.actor, origin = excluded.origin, reason = excluded.reason, at_us = excluded.at_us, seq = excluded.seq

-- name: snoozes
SELECT rule, kind, entity, until_us, actor, origin, reason, at_us, seq FROM snoozes ORDER BY rule, kind, entity

-- name: add_policy
INSERT INTO policies (hash, name, sources, mode, actor, at_us)
VALUES (:hash, :name, :sources, 'off', :actor, :at_us)
ON CONFLICT (hash) DO NOTHING

-- name: policy
SELECT hash, name, sources, mode, actor, at_us FROM policies WHERE hash = :hash

-- name: policies
SELECT hash, name, mode, actor, at_us FROM policies ORDER BY at_us DESC, hash

-- name: live_policy
SELECT hash, name, sources, mode, actor, at_us FROM policies WHERE mode = 'live'

-- name: retire_live_policy
UPDATE policies SET mode = 'off' WHERE mode = 'live'

-- name: retire_shadow_policy
UPDATE policies SET mode = 'off' WHERE mode = 'shadow'

-- name: set_policy_mode
-- What is live ends by another one's going live only.
UPDATE policies SET mode = :mode WHERE hash = :hash AND (mode <> 'live' OR :mode = 'live')
