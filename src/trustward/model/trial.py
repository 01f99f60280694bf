"""A policy on trial: put through the journal beside what was decided, once (a backtest) or on and on (in shadow)."""

from __future__ import annotations

from typing import Literal

import msgspec

TrialKind = Literal["backtest", "shadow"]
TrialState = Literal["waiting", "running", "done", "cancelled", "failed", "ended"]
"""``ended`` is a shadow that another one has replaced, or that went live or off."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried, on which entries, and how far it has come.

    Entries after ``after`` are compared, up to ``upto`` (None: while it is in shadow); windows and labels are built up
    by those after ``warm_after``. ``seq`` is the last entry it has come to. ``worker`` has it until ``until_us``;
    ``tries`` counts how often somebody has begun with it since it last got on. ``result`` is an encoded comparison.
    """

    id: str
    kind: TrialKind
    policy: str
    actor: str
    at_us: int
    after: int
    upto: int | None
    warm_after: int = 0
    origin: str = ""
    reason: str = ""
    state: TrialState = "waiting"
    seq: int = 0
    worker: str = ""
    until_us: int = 0
    tries: int = 0
    fault: str = ""
    ended_us: int | None = None
    result: bytes = b""

    @property
    def open(self) -> bool:
        """Whether there is something left to do."""
        return self.state in ("waiting", "running")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far a trial has come: by whom, and until when that worker keeps it. ``result`` None: as it was.

    ``idle``: there is nothing more to see at present.
    """

    id: str
    worker: str
    seq: int
    until_us: int
    at_us: int
    state: TrialState = "running"
    fault: str = ""
    result: bytes | None = None
    idle: bool = False
