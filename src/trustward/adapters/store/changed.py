"""What follows from a change in the journal: the rows that say how things stand, and the audit's row."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.queries import named
from trustward.adapters.store.trials import follow_shadow
from trustward.model.changes import Change, LabelChange, ListChange, PolicyChange, SnoozeChange
from trustward.model.journal import Segment


def follow(connection: Connection, segment: Segment, change: Change) -> None:
    """Bring the tables up to a change, in the transaction that writes it to the journal."""
    said = {
        "actor": change.actor,
        "origin": change.origin,
        "reason": change.reason,
        "at_us": segment.at_us,
        "seq": segment.first,
    }
    match change:
        case LabelChange():
            subject = f"label:{change.kind}:{change.entity}:{change.label}"
            key = {"kind": change.kind, "entity": change.entity, "label": change.label}
            if change.present is None:
                connection.execute(named("drop_label"), key)
            else:
                held = {"present": int(change.present), "expires_us": change.expires_us}
                connection.execute(named("put_label"), {**key, **held, **said})
        case ListChange():
            subject = f"list:{change.list}"
            _follow_list(connection, change, said)
        case SnoozeChange():
            subject = f"rule:{change.rule}:{change.kind}:{change.entity}"
            row = {
                "rule": change.rule,
                "kind": change.kind,
                "entity": change.entity,
                "until_us": change.until_us,
            }
            connection.execute(named("put_snooze"), {**row, **said})
        case PolicyChange():
            subject = f"policy:{change.policy}"
            if change.mode == "live":
                connection.execute(named("retire_live_policy"))
            follow_shadow(connection, segment, change)
            connection.execute(named("set_policy_mode"), {"hash": change.policy, "mode": change.mode})
    audit = {
        "at_us": segment.at_us,
        "actor": change.actor,
        "action": f"{type(change).__name__.removesuffix('Change').lower()}.changed",
        "subject": subject,
        "detail": msgspec.json.encode({"origin": change.origin, "reason": change.reason}),
        "seq": segment.first,
    }
    connection.execute(named("add_audit"), audit)


def _follow_list(connection: Connection, change: ListChange, said: dict[str, Any]) -> None:
    rows = [
        {"list": change.list, "value": value, "present": present, "expires_us": until, **said}
        for values, present, until in ((change.gone, 0, None), (change.put, 1, change.expires_us))
        for value in values
    ]
    if rows:
        connection.execute(named("put_list_entry"), rows)
