"""What a replay, a backtest and a policy check found: plain records that a table, a page and ``--json`` show alike.

*Flagged* means that the verdict is not ``allow``. *Fraud* means that an event's known answer (``truth``) is neither
absent nor empty. Times are microseconds since 1970 (``_us``), shares run from 0 to 1, and a share over nothing is None.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from trustward.engine.measure import share
from trustward.model.decision import Decision, Verdict


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Precision and recall when everything with at least this score counts as found."""

    score: float
    precision: float
    recall: float


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How the answers compare with the truth, event by event.

    ``pr_auc`` is the average precision over the scores: the sum of precision times the gain in recall, threshold by
    threshold, without interpolation. It is None where no event is fraud.
    """

    caught: int
    false_alarms: int
    missed: int
    passed: int
    precision: float | None
    recall: float | None
    pr_auc: float | None
    curve: tuple[CurvePoint, ...] = ()

    @property
    def base_rate(self) -> float | None:
        """The share of fraud among all events: the precision of a coin."""
        return share(self.caught + self.missed, self.caught + self.missed + self.false_alarms + self.passed)


class RuleStat(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule did. ``hits`` counts the events on which it held, in any mode; ``acted`` those where it acted.

    ``verdict`` is what it asks for, ``faults`` how often it could not be evaluated. ``reason`` is the rendered reason
    of one hit. With the truth known, ``caught`` of its hits were fraud; ``precision`` is their share of the hits and
    ``recall`` their share of all fraud.
    """

    id: str
    mode: str
    verdict: Verdict
    hits: int
    acted: int = 0
    faults: int = 0
    owner: str = ""
    fraud: str = ""
    reason: str = ""
    caught: int | None = None
    precision: float | None = None
    recall: float | None = None


class EntityStat(msgspec.Struct, frozen=True, kw_only=True):
    """An entity that was acted on: how often, how harshly at most, and by which rules."""

    kind: str
    id: str
    decisions: int
    verdict: Verdict
    rules: tuple[str, ...] = ()


class CampaignStat(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of fraud in the truth: how much of it was flagged, and how soon.

    ``first_flagged_after_us`` is the time from its first event to its first flagged one, ``events_before`` how many of
    its events had passed by then; both None if none was flagged.
    """

    name: str
    events: int
    flagged: int
    first_us: int
    first_flagged_after_us: int | None = None
    events_before: int | None = None
    rules: tuple[str, ...] = ()

    @property
    def recall(self) -> float | None:
        """The flagged share of its events."""
        return share(self.flagged, self.events)


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the timeline: events by verdict (a verdict that did not occur may be left out)."""

    start_us: int
    verdicts: dict[Verdict, int]
    fraud: int = 0

    @property
    def events(self) -> int:
        """All events of the step."""
        return sum(self.verdicts.values())

    @property
    def flagged(self) -> int:
        """Those that were not simply allowed."""
        return self.events - self.verdicts.get("allow", 0)


class ScoreBin(msgspec.Struct, frozen=True, kw_only=True):
    """How many events had a score in [low, high) (the last bin includes 1), by truth where it is known."""

    low: float
    high: float
    honest: int
    fraud: int = 0


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One decision worth showing, with the event's fields and, where known, the truth."""

    decision: Decision
    fields: dict[str, Any] = {}
    truth: str | None = None


class RejectStat(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of faulty record: where in the record, why, how often, and the first line."""

    path: str
    cause: str
    count: int
    line: int


class ReplaySummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found. ``seconds`` is wall time from the first byte read to the last decision written.

    ``rejected`` records are no events and were set aside; ``degraded`` decisions took a safe answer because something
    in them could not be read or evaluated. ``written`` decisions went to ``out``.
    """

    policy: str
    policy_name: str
    sources: tuple[str, ...]
    events: int
    rejected: int
    degraded: int
    seconds: float
    verdicts: dict[Verdict, int]
    first_us: int | None = None
    last_us: int | None = None
    written: int = 0
    out: str | None = None
    rejects: tuple[RejectStat, ...] = ()
    rules: tuple[RuleStat, ...] = ()
    entities: tuple[EntityStat, ...] = ()
    bucket_us: int = 3_600_000_000
    timeline: tuple[Bucket, ...] = ()
    quality: Quality | None = None
    campaigns: tuple[CampaignStat, ...] = ()
    scores: tuple[ScoreBin, ...] = ()
    examples: tuple[Example, ...] = ()

    @property
    def flagged(self) -> int:
        """Events that were not simply allowed."""
        return self.events - self.verdicts.get("allow", 0)

    @property
    def events_per_s(self) -> float:
        """The rate over the whole run."""
        return self.events / self.seconds if self.seconds > 0 else 0.0


class RuleChange(msgspec.Struct, frozen=True, kw_only=True):
    """One rule under the old and the new policy. ``gained`` events it hits only now, ``lost`` only before."""

    id: str
    change: Literal["added", "removed", "changed", "same"]
    old_hits: int
    new_hits: int
    gained: int
    lost: int
    old_precision: float | None = None
    new_precision: float | None = None


class VerdictChange(msgspec.Struct, frozen=True, kw_only=True):
    """How many events had the verdict ``old`` and now have ``new``; ``fraud`` of them are fraud where that is known."""

    old: Verdict
    new: Verdict
    events: int
    fraud: int | None = None


class EntityChange(msgspec.Struct, frozen=True, kw_only=True):
    """An entity that is acted on under one of the policies and not, or otherwise, under the other."""

    kind: str
    id: str
    old: Verdict
    new: Verdict
    events: int


class ChangedDecision(msgspec.Struct, frozen=True, kw_only=True):
    """One event that is answered otherwise."""

    old: Decision
    new: Decision
    fields: dict[str, Any] = {}
    truth: str | None = None


class BacktestSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What changes when the new policy takes the old one's place. ``changed`` events get another verdict."""

    old_policy: str
    new_policy: str
    old_name: str
    new_name: str
    sources: tuple[str, ...]
    events: int
    rejected: int
    seconds: float
    changed: int
    verdicts: tuple[VerdictChange, ...] = ()
    rules: tuple[RuleChange, ...] = ()
    entities: tuple[EntityChange, ...] = ()
    examples: tuple[ChangedDecision, ...] = ()
    old_quality: Quality | None = None
    new_quality: Quality | None = None


class ExampleFailure(msgspec.Struct, frozen=True, kw_only=True):
    """An example that fails: ``example`` is ``hits[0]`` or ``misses[2]``, ``why`` says what came instead."""

    rule: str
    example: str
    why: str


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy check found. A policy is fine if it has neither faults nor failures.

    ``faults`` are rendered with file, line and the marked source line.
    """

    name: str
    policy: str = ""
    rules: int = 0
    features: int = 0
    examples: int = 0
    faults: tuple[str, ...] = ()
    failures: tuple[ExampleFailure, ...] = ()

    @property
    def fine(self) -> bool:
        """Whether the policy may go live."""
        return not self.faults and not self.failures
