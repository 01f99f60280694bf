"""What a receiver of an action reads: one JSON document, the same for every try and for who polls.

The outer form (``type``, ``timestamp``, ``data``) is that of Standard Webhooks, https://www.standardwebhooks.com.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trustward.base.units import format_time
from trustward.model.delivery import Delivery
from trustward.model.effect import outgoing
from trustward.model.journal import MADE


def document(delivery: Delivery) -> dict[str, Any]:
    """An action as its receiver reads it; what is empty is left out."""
    row = delivery.row
    body = outgoing(row.body)
    action = body.action
    if body.decision is not None:
        told = {
            "id": row.key,
            "idempotency_key": delivery.idempotency_key,
            "entry": row.seq,
            "decision": msgspec.to_builtins(body.decision),
        }
        return {"type": "decision.made", "timestamp": format_time(row.at_us), "data": told}
    ends_at = None if action.lasts_us is None else format_time(row.at_us + action.lasts_us)
    data = {
        "id": row.key,
        "idempotency_key": delivery.idempotency_key,
        "do": action.do,
        "kind": action.kind,
        "entity": action.entity,
        "note": action.note,
        "rule": action.rule,
        "ends_at": ends_at,
        "undoes": list(body.undoes),
        "why": body.why,
        "reason": body.reason,
        "says": body.says,
    }
    if row.seq > MADE:
        data["cause"] = {"record": body.event_id, "step": body.type, "time": body.time}
    else:
        data["event"] = {"id": body.event_id, "type": body.type, "time": body.time}
    return {
        "type": f"action.{action.do}",
        "timestamp": format_time(row.at_us),
        "data": {name: value for name, value in data.items() if value},
    }


def message(delivery: Delivery) -> bytes:
    """The same as JSON, byte for byte the same for every try."""
    return msgspec.json.encode(document(delivery))
