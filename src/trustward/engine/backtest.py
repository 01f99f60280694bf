"""What would change: one stream through two policies, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from trustward.engine.engine import Engine
from trustward.engine.measure import is_harmful, share
from trustward.engine.recorder import Recorder, entities_of, shown_fields
from trustward.engine.summary import ChangedDecision, EntityChange, RuleChange, VerdictChange
from trustward.model.decision import RANK, VERDICTS, Decision, Fault, Verdict

if TYPE_CHECKING:
    from typing import Literal

    from trustward.model.event import Event
    from trustward.policy import Policy, Rule


class Backtest:
    """Feed events in order; ask for what changes when ``new`` takes the place of ``old``.

    ``labels`` names the field with the known answer, or is None.
    """

    def __init__(self, old: Policy, new: Policy, labels: str | None, most_examples: int = 20) -> None:
        self.old = Engine(old)
        self.new = Engine(new)
        self.old_record = Recorder(old, labels)
        self.new_record = Recorder(new, labels)
        self.changed = 0
        self._labels = labels
        self._most = most_examples
        self._verdicts: Counter[tuple[Verdict, Verdict]] = Counter()
        self._fraud: Counter[tuple[Verdict, Verdict]] = Counter()
        self._gained: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._entities: dict[tuple[str, str], list[int]] = {}
        self._examples: dict[tuple[Verdict, Verdict], list[ChangedDecision]] = {}

    def add(
        self, events: Sequence[Event], faults: Mapping[int, Sequence[Fault]], *, now_us: int
    ) -> list[tuple[int, Fault]]:
        """Decide a batch under both policies and compare; the events that could not be decided come back."""
        before = self.old.decide_batch(events, faults, now_us=now_us)
        after = self.new.decide_batch(events, faults, now_us=now_us)
        self.old_record.add(events, before)
        self.new_record.add(events, after)
        was, now = dict(before.decisions), dict(after.decisions)
        for at in sorted(was.keys() | now.keys()):
            self._compare(events[at], was.get(at), now.get(at))
        return [(refused.position, refused.fault) for refused in after.refused]

    def _compare(self, event: Event, was: Decision | None, now: Decision | None) -> None:
        had = {hit.id for hit in was.rules if hit.mode != "fault"} if was else set()
        has = {hit.id for hit in now.rules if hit.mode != "fault"} if now else set()
        self._gained.update(has - had)
        self._lost.update(had - has)
        old: Verdict = was.verdict if was else "allow"
        new: Verdict = now.verdict if now else "allow"
        for decision, side in ((was, 0), (now, 1)):
            for entity in entities_of(decision):
                pair = self._entities.setdefault(entity, [0, 0, 0])
                pair[side] = max(pair[side], RANK[decision.verdict if decision else "allow"])
        if old == new:
            return
        self.changed += 1
        self._verdicts[old, new] += 1
        truth = getattr(event, self._labels, None) if self._labels else None
        self._fraud[old, new] += is_harmful(truth)
        for entity in entities_of(was) | entities_of(now):
            self._entities[entity][2] += 1
        kept = self._examples.setdefault((old, new), [])
        if len(kept) < self._most:
            tag = str(event.__struct_config__.tag)
            kept.append(
                ChangedDecision(
                    old=was or _allowed(event, tag, self.old.policy.hash),
                    new=now or _allowed(event, tag, self.new.policy.hash),
                    fields=shown_fields(event),
                    truth=str(truth) if is_harmful(truth) else None,
                )
            )

    def verdicts(self) -> tuple[VerdictChange, ...]:
        """Changes of verdict, the most frequent first."""
        return tuple(
            VerdictChange(old=old, new=new, events=n, fraud=self._fraud[old, new] if self._labels else None)
            for (old, new), n in self._verdicts.most_common()
        )

    def rules(self) -> tuple[RuleChange, ...]:
        """Every rule of either policy, the most changed first."""
        old_rules = {rule.id: rule for rule in self.old.policy.rules}
        new_rules = {rule.id: rule for rule in self.new.policy.rules}
        old_stats = {stat.id: stat for stat in self.old_record.rules()}
        new_stats = {stat.id: stat for stat in self.new_record.rules()}
        changes = []
        for rule in old_rules.keys() | new_rules.keys():
            was, now = old_stats.get(rule), new_stats.get(rule)
            change: Literal["added", "removed", "changed", "same"]
            if was is None:
                change = "added"
            elif now is None:
                change = "removed"
            else:
                change = "same" if _terms(old_rules[rule]) == _terms(new_rules[rule]) else "changed"
            changes.append(
                RuleChange(
                    id=rule,
                    change=change,
                    old_hits=was.hits if was else 0,
                    new_hits=now.hits if now else 0,
                    gained=self._gained[rule],
                    lost=self._lost[rule],
                    old_precision=share(was.caught, was.hits) if was and was.caught is not None else None,
                    new_precision=share(now.caught, now.hits) if now and now.caught is not None else None,
                )
            )
        return tuple(sorted(changes, key=lambda c: (-(c.gained + c.lost), c.change == "same", c.id)))

    def entities(self, most: int = 50) -> tuple[EntityChange, ...]:
        """Entities that are treated otherwise, those with most changed events first."""
        changed = [
            EntityChange(kind=kind, id=entity, old=VERDICTS[old], new=VERDICTS[new], events=events)
            for (kind, entity), (old, new, events) in self._entities.items()
            if old != new
        ]
        return tuple(sorted(changed, key=lambda c: (-c.events, c.kind, c.id))[:most])

    def examples(self) -> tuple[ChangedDecision, ...]:
        """Changed decisions, some of each kind of change."""
        pools = [list(pool) for _, pool in sorted(self._examples.items(), key=lambda item: -self._verdicts[item[0]])]
        chosen: list[ChangedDecision] = []
        while len(chosen) < self._most and any(pools):
            for pool in pools:
                if pool and len(chosen) < self._most:
                    chosen.append(pool.pop(0))
        return tuple(chosen)


def _allowed(event: Event, tag: str, policy: str) -> Decision:
    return Decision(
        event_id=event.id,
        type=tag,
        time=event.time,
        verdict="allow",
        score=0.0,
        degraded=False,
        rules=(),
        actions=(),
        policy=policy,
    )


def _terms(rule: Rule) -> tuple[object, ...]:
    """What makes a rule this rule; whether its features changed shows in its hits."""
    return (
        rule.types,
        rule.mode,
        rule.when_text,
        rule.actions_text,
        rule.score,
        rule.on_fault,
        rule.limits,
        rule.holdout,
    )
