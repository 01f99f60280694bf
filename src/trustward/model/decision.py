"""The answer to one event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Verdict = Literal["allow", "warn", "challenge", "limit", "hold", "block"]
VERDICTS: tuple[Verdict, ...] = ("allow", "warn", "challenge", "limit", "hold", "block")
"""Mildest first; the harshest matched one wins."""

RANK: Mapping[str, int] = {verdict: rank for rank, verdict in enumerate(VERDICTS)}
"""How harsh a verdict is: 0 for ``allow``."""

VERDICT_OF_ACTION: Mapping[str, Verdict] = {
    "warn": "warn",
    "challenge": "challenge",
    "limit": "limit",
    "hold": "hold",
    "block": "block",
    "remove": "block",
    "suspend": "block",
    "close": "block",
    "delist": "block",
    "block_link": "block",
    "review": "allow",
    "label": "allow",
    "unlabel": "allow",
}
"""Everything that a rule can do, and the verdict that it asks for."""

Mode = Literal["live", "shadow", "proposed", "held_out", "snoozed", "fault"]
"""How a matched rule counted: ``live`` acted; ``shadow`` is recorded only; ``proposed`` was over its limit;
``held_out`` was let through at random to measure precision; ``snoozed`` for this entity; ``fault`` could not be
evaluated and took its safe answer."""


class RuleHit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rule that matched (or could not be evaluated), with the values that made it so."""

    id: str
    mode: Mode
    reason: str
    values: dict[str, Any] = {}


class Action(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something to do to an entity. ``lasts_us`` is microseconds; without it the action has no end."""

    do: str
    kind: str
    entity: str
    rule: str
    note: str = ""
    lasts_us: int | None = None
    proposed: bool = False


class Fault(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that could not be read or evaluated: where, and why."""

    path: str
    cause: str


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to one event. ``score`` runs from 0 (harmless) to 1."""

    event_id: str
    type: str
    time: str
    verdict: Verdict
    score: float
    degraded: bool
    rules: tuple[RuleHit, ...]
    actions: tuple[Action, ...]
    faults: tuple[Fault, ...] = ()
    policy: str = ""
