"""How the engine's host is set up, and how it stands."""

from __future__ import annotations

from typing import Literal

import msgspec

from trustward.engine.engine import DEFAULT_SKEW_US

Phase = Literal["new", "standby", "recovering", "ready", "stopped"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the host works; ``Settings`` says what each means."""

    owner: str = "this process"
    skew_us: int = DEFAULT_SKEW_US
    commit_events: int = 4096
    queue_events: int = 100_000
    snapshot_events: int = 500_000
    snapshot_keep: int = 2
    snapshot_us: int = 0
    """How long after a snapshot the next one is taken, however few entries came; 0: that does not count."""
    standby: bool = False
    pause_s: float = 0.2
    """How long to wait before asking again for the writer's place, or for a database that is gone."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the host is: what it does, the last entry, the live policy, how many events wait, what went wrong last."""

    phase: Phase
    seq: int
    policy: str
    waiting: int
    commits: int
    snapshot_seq: int
    fault: str
