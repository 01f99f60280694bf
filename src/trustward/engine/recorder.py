"""Keeps the account of a replay while it runs, in a size that does not grow with the stream."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from trustward.base.units import parse_duration
from trustward.engine.measure import Tally, is_harmful, share
from trustward.engine.summary import (
    Bucket,
    CampaignStat,
    CurvePoint,
    EntityStat,
    Example,
    Quality,
    RuleStat,
    ScoreBin,
)
from trustward.model.decision import RANK, VERDICTS, Decision, Verdict

if TYPE_CHECKING:
    from typing import Any

    from trustward.engine.engine import Outcome
    from trustward.model.event import Event
    from trustward.policy import Policy, Rule

_STEP_US = parse_duration("10m")
_WIDTHS_US = tuple(map(parse_duration, ("10m", "1h", "2h", "6h", "1d", "7d", "28d")))
_MOST_BUCKETS = 200
_MOST_ENTITIES = 200_000
_MOST_KINDS = 1_000
_OTHER_KINDS = "other kinds"
_LONGEST_KIND = 200
_LONGEST_SHOWN = 2_000
_MOST_SHOWN = 50


class _RuleCount:
    __slots__ = ("acted", "caught", "faults", "hits", "reason")

    def __init__(self) -> None:
        self.hits = self.acted = self.faults = self.caught = 0
        self.reason = ""


class _Campaign:
    __slots__ = ("before", "events", "first_flagged_us", "first_us", "flagged", "rules")

    def __init__(self, first_us: int) -> None:
        self.events = self.flagged = 0
        self.first_us = first_us
        self.first_flagged_us: int | None = None
        self.before = 0
        self.rules: Counter[str] = Counter()


class Recorder:
    """Take in batch after batch with what was decided; ask for the figures at the end.

    ``labels`` names the field with the known answer (``truth``, or any field of the events), or is None.
    """

    def __init__(self, policy: Policy, labels: str | None) -> None:
        self._policy = policy
        self._labels = labels
        self.events = self.degraded = self.fraud = 0
        self.first_us: int | None = None
        self.last_us: int | None = None
        self.verdicts: Counter[Verdict] = Counter()
        self._rules: dict[str, _RuleCount] = defaultdict(_RuleCount)
        self._entities: dict[tuple[str, str], list[Any]] = {}
        self._all: Counter[int] = Counter()
        self._flagged: dict[int, Counter[Verdict]] = defaultdict(Counter)
        self._fraud: Counter[int] = Counter()
        self._tally = Tally()
        self._campaigns: dict[str, _Campaign] = {}
        self._examples: dict[str, Example] = {}

    # ------------------------------------------------------------------ taking in

    def add(self, events: Sequence[Event], outcome: Outcome) -> None:
        """Count one batch."""
        gone = {refused.position for refused in outcome.refused}
        times = outcome.times
        if gone:
            times = np.delete(times, sorted(gone))
        if not len(times):
            return
        self.events += len(times)
        first, last = int(times.min()), int(times.max())
        self.first_us = first if self.first_us is None else min(first, self.first_us)
        self.last_us = last if self.last_us is None else max(last, self.last_us)
        steps, counts = np.unique(times // _STEP_US, return_counts=True)
        self._all.update(dict(zip(steps.tolist(), counts.tolist(), strict=True)))
        truths = self._truths(events, outcome, gone) if self._labels else {}
        scored = 0
        fraud_scored = 0
        for at, decision in outcome.decisions:
            truth = truths.get(at)
            if truth is not None and decision.verdict != "allow":
                self._flag(truth, at, int(outcome.times[at]), decision, truths)
            self._count(decision, int(outcome.times[at]), truth, events[at])
            if self._labels and decision.score > 0:
                scored += 1
                fraud_scored += truth is not None
                self._tally.add(decision.score, harmful=truth is not None)
        for kind in truths.values():
            self._campaigns[kind].events += 1
        if self._labels:
            self._tally.add(0.0, harmful=True, times=len(truths) - fraud_scored)
            self._tally.add(0.0, harmful=False, times=len(times) - len(truths) - (scored - fraud_scored))

    def _truths(self, events: Sequence[Event], outcome: Outcome, gone: set[int]) -> dict[int, str]:
        """The known answers of the harmful events, by position; campaigns are opened and counted on the way."""
        name = self._labels or ""
        if name == "truth":
            values: list[object] = [event.truth for event in events]
        else:
            values = [getattr(event, name, None) for event in events]
        truths: dict[int, str] = {}
        for at, value in enumerate(values):
            if not value or at in gone or not is_harmful(value):
                continue
            kind = value if isinstance(value, str) and value not in {"1", "true", "True"} else "fraud"
            if len(kind) > _LONGEST_KIND:
                kind = kind[: _LONGEST_KIND - 3] + "..."
            if kind not in self._campaigns and len(self._campaigns) >= _MOST_KINDS:
                kind = _OTHER_KINDS
            truths[at] = kind
            time = int(outcome.times[at])
            if kind not in self._campaigns:
                self._campaigns[kind] = _Campaign(time)
            self._fraud[time // _STEP_US] += 1
        self.fraud += len(truths)
        return truths

    def _flag(self, kind: str, at: int, time: int, decision: Decision, truths: Mapping[int, str]) -> None:
        campaign = self._campaigns[kind]
        if campaign.first_flagged_us is None:
            campaign.first_flagged_us = time
            campaign.before = campaign.events + sum(1 for p, other in truths.items() if other == kind and p < at)
        campaign.flagged += 1
        campaign.rules.update(hit.id for hit in decision.rules if hit.mode == "live")

    def _count(self, decision: Decision, time: int, truth: str | None, event: Event) -> None:
        self.degraded += decision.degraded
        for hit in decision.rules:
            count = self._rules[hit.id]
            if hit.mode == "fault":
                count.faults += 1
                continue
            count.hits += 1
            count.acted += hit.mode == "live"
            count.caught += truth is not None
            if not count.reason:
                count.reason = hit.reason
        if decision.verdict == "allow":
            return
        self.verdicts[decision.verdict] += 1
        self._flagged[time // _STEP_US][decision.verdict] += 1
        self._remember(decision, truth, event)
        for kind, entity in entities_of(decision):
            self._count_entity(kind, entity, decision)

    def _count_entity(self, kind: str, entity: str, decision: Decision) -> None:
        held = self._entities.get((kind, entity))
        if held is None:
            if len(self._entities) >= _MOST_ENTITIES:
                return
            held = self._entities[(kind, entity)] = [0, 0, set()]
        held[0] += 1
        held[1] = max(held[1], RANK[decision.verdict])
        held[2].update(hit.id for hit in decision.rules if hit.mode == "live")

    def _remember(self, decision: Decision, truth: str | None, event: Event) -> None:
        """Keep for each leading rule the example with the highest score."""
        leading = next((hit.id for hit in decision.rules if hit.mode == "live"), None)
        if leading is None:
            return
        held = self._examples.get(leading)
        if held is not None and held.decision.score >= decision.score:
            return
        self._examples[leading] = Example(decision=decision, fields=shown_fields(event), truth=truth)

    # ------------------------------------------------------------------ the figures

    def verdict_counts(self) -> dict[Verdict, int]:
        """Events by verdict, mildest first; verdicts that did not occur are left out."""
        counts = {"allow": self.events - sum(self.verdicts.values()), **self.verdicts}
        return {verdict: counts[verdict] for verdict in VERDICTS if counts.get(verdict)}

    def quality(self) -> Quality | None:
        """Flagged events against the known answers, or None without them."""
        if self._labels is None:
            return None
        caught = sum(campaign.flagged for campaign in self._campaigns.values())
        flagged = sum(self.verdicts.values())
        curve = [CurvePoint(score=s, precision=p, recall=r) for s, p, r in self._tally.curve()]
        return Quality(
            caught=caught,
            false_alarms=flagged - caught,
            missed=self.fraud - caught,
            passed=self.events - self.fraud - (flagged - caught),
            precision=share(caught, flagged),
            recall=share(caught, self.fraud),
            pr_auc=self._tally.average_precision() if self.fraud else None,
            curve=tuple(curve),
        )

    def rules(self) -> tuple[RuleStat, ...]:
        """Every rule of the policy, those with most hits first."""
        stats = [self._rule(rule) for rule in self._policy.rules]
        return tuple(sorted(stats, key=lambda stat: (-stat.hits, stat.id)))

    def _rule(self, rule: Rule) -> RuleStat:
        count = self._rules.get(rule.id) or _RuleCount()
        known = self._labels is not None
        return RuleStat(
            id=rule.id,
            mode=rule.mode,
            verdict=rule.verdict,
            hits=count.hits,
            acted=count.acted,
            faults=count.faults,
            owner=rule.owner,
            fraud=rule.fraud,
            reason=count.reason,
            caught=count.caught if known else None,
            precision=share(count.caught, count.hits) if known else None,
            recall=share(count.caught, self.fraud) if known else None,
        )

    def entities(self, most: int = 50) -> tuple[EntityStat, ...]:
        """The entities that were acted on most harshly and most often."""
        ranked = sorted(self._entities.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
        return tuple(
            EntityStat(kind=kind, id=entity, decisions=n, verdict=VERDICTS[rank], rules=tuple(sorted(rules)))
            for (kind, entity), (n, rank, rules) in ranked[:most]
        )

    def campaigns(self) -> tuple[CampaignStat, ...]:
        """Each kind of fraud in the known answers, the largest first."""
        stats = [
            CampaignStat(
                name=name,
                events=c.events,
                flagged=c.flagged,
                first_us=c.first_us,
                first_flagged_after_us=None if c.first_flagged_us is None else c.first_flagged_us - c.first_us,
                events_before=None if c.first_flagged_us is None else c.before,
                rules=tuple(rule for rule, _ in c.rules.most_common(5)),
            )
            for name, c in self._campaigns.items()
        ]
        return tuple(sorted(stats, key=lambda stat: (-stat.events, stat.name)))

    def timeline(self) -> tuple[int, tuple[Bucket, ...]]:
        """The width of a step in microseconds, and the steps."""
        if self.first_us is None or self.last_us is None:
            return _WIDTHS_US[1], ()
        span = self.last_us - self.first_us
        fitting = [width for width in _WIDTHS_US if span // width < _MOST_BUCKETS]
        width = fitting[0] if fitting else span // _MOST_BUCKETS + 1
        every: Counter[int] = Counter()
        flagged: dict[int, Counter[Verdict]] = defaultdict(Counter)
        fraud: Counter[int] = Counter()
        for step, count in self._all.items():
            every[step * _STEP_US // width] += count
        for step, verdicts in self._flagged.items():
            flagged[step * _STEP_US // width].update(verdicts)
        for step, count in self._fraud.items():
            fraud[step * _STEP_US // width] += count
        buckets = []
        for index in sorted(every):
            counts = flagged[index]
            allowed: dict[Verdict, int] = {"allow": every[index] - sum(counts.values())}
            buckets.append(Bucket(start_us=index * width, verdicts={**allowed, **counts}, fraud=fraud[index]))
        return width, tuple(buckets)

    def scores(self, bins: int = 20) -> tuple[ScoreBin, ...]:
        """The distribution of scores, in equal bins from 0 to 1."""
        counts = [[0, 0] for _ in range(bins)]
        for score, (honest, harmful) in self._tally.counts.items():
            pair = counts[min(int(score * bins), bins - 1)]
            pair[0] += honest
            pair[1] += harmful
        return tuple(
            ScoreBin(low=i / bins, high=(i + 1) / bins, honest=pair[0], fraud=pair[1]) for i, pair in enumerate(counts)
        )

    def examples(self, most: int = 12) -> tuple[Example, ...]:
        """For the rules that led, their strongest decision each."""
        ranked = sorted(self._examples.values(), key=lambda e: (-e.decision.score, e.decision.event_id))
        return tuple(ranked[:most])


def entities_of(decision: Decision | None) -> set[tuple[str, str]]:
    """The entities that a decision does something to: what is only proposed does nothing."""
    actions = decision.actions if decision is not None else ()
    return {(action.kind, action.entity) for action in actions if action.kind != "event" and not action.proposed}


def shown_fields(event: Event) -> dict[str, Any]:
    """The fields of an event that are there, for an example: long texts and lists cut short."""
    return {key: _short(value) for key, value in msgspec.structs.asdict(event).items() if value is not None}


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "..."
    if isinstance(value, tuple):
        return tuple(_short(item) for item in value[:_MOST_SHOWN])
    return value
