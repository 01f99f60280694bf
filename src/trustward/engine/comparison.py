"""What a policy on trial would have done otherwise than what was decided: counters and examples, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from trustward.model.decision import RANK, Decision, Verdict
from trustward.model.event import Event, type_of

MOST_EXAMPLES = 10
"""Most examples of one change of verdict."""
MOST_ENTITIES = 1_000
"""Most entities that are counted; further ones are counted together."""
_MOST_REASONS = 3
_LONGEST_REASON = 300


class RuleCompared(msgspec.Struct, kw_only=True):
    """How often a rule matched: as it was decided (``live``), on trial, in both; ``faults``: not evaluated on trial."""

    live: int = 0
    trial: int = 0
    both: int = 0
    faults: int = 0


class EntityCompared(msgspec.Struct, kw_only=True):
    """On how many events something was done to an entity by one side only, or by both sides something else."""

    only_live: int = 0
    only_trial: int = 0
    otherwise: int = 0


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """One event that both sides answered differently."""

    entry: int
    event_id: str
    type: str
    time: str
    live: Verdict
    trial: Verdict
    only_live: tuple[str, ...]
    only_trial: tuple[str, ...]
    reasons: tuple[str, ...]


class Comparison(msgspec.Struct, kw_only=True):
    """What was decided on entries up to ``last``, beside what the policy on trial says.

    ``verdicts`` counts events by ``live>trial`` where either is no ``allow``; ``differing`` those with other rules or
    actions. ``only_live`` and ``only_trial`` are events with a verdict other than ``allow`` on one side only; the trial
    was ``harsher`` or ``milder``. ``policies`` are those that decided, with how many events.

    >>> found = Comparison(policy="0f3a")
    >>> found.events, found.changed
    (0, 0)
    """

    policy: str
    first: int = 0
    last: int = 0
    events: int = 0
    differing: int = 0
    harsher: int = 0
    milder: int = 0
    only_live: int = 0
    only_trial: int = 0
    degraded_live: int = 0
    degraded_trial: int = 0
    verdicts: dict[str, int] = {}
    rules: dict[str, RuleCompared] = {}
    entities: dict[str, dict[str, EntityCompared]] = {}
    entities_more: int = 0
    examples: dict[str, list[Differing]] = {}
    policies: dict[str, int] = {}
    spent_s: float = 0.0

    @property
    def changed(self) -> int:
        """Events with another verdict."""
        return self.harsher + self.milder

    def add(
        self,
        first: int,
        events: Sequence[Event],
        policy: str,
        live: Mapping[int, Decision],
        trial: Mapping[int, Decision],
    ) -> None:
        """Compare events from the entry ``first`` on, by their position; who has no decision was plainly allowed."""
        if not self.first:
            self.first = first
        self.last = first + len(events) - 1
        self.events += len(events)
        self.policies[policy] = self.policies.get(policy, 0) + len(events)
        for at in sorted(live.keys() | trial.keys()):
            self._compare(first + at, events[at], live.get(at), trial.get(at))

    def _compare(self, entry: int, event: Event, live: Decision | None, trial: Decision | None) -> None:
        was: Verdict = live.verdict if live is not None else "allow"
        now: Verdict = trial.verdict if trial is not None else "allow"
        if live is not None:
            self.degraded_live += live.degraded
        if trial is not None:
            self.degraded_trial += trial.degraded
        had, has = _matched(live), _matched(trial)
        for rule in had | has:
            count = self.rules.setdefault(rule, RuleCompared())
            count.live += rule in had
            count.trial += rule in has
            count.both += rule in had and rule in has
        for hit in trial.rules if trial is not None else ():
            if hit.mode == "fault":
                self.rules.setdefault(hit.id, RuleCompared()).faults += 1
        pair = f"{was}>{now}"
        if (was, now) != ("allow", "allow"):
            self.verdicts[pair] = self.verdicts.get(pair, 0) + 1
        self.harsher += RANK[now] > RANK[was]
        self.milder += RANK[now] < RANK[was]
        self.only_live += was != "allow" and now == "allow"
        self.only_trial += was == "allow" and now != "allow"
        acted = self._entities(live, trial)
        if was == now and had == has and not acted:
            return
        self.differing += 1
        kept = self.examples.setdefault(pair, [])
        if len(kept) < MOST_EXAMPLES:
            kept.append(_differing(entry, event, (live, trial), (had, has)))

    def _entities(self, live: Decision | None, trial: Decision | None) -> bool:
        """Count the entities to which something else is done; whether anything is."""
        was, now = _done(live), _done(trial)
        if was == now:
            return False
        for entity in was.keys() | now.keys():
            mine, theirs = was.get(entity), now.get(entity)
            if mine == theirs or entity[0] == "event":
                continue
            count = self._entity(*entity)
            if count is None:
                self.entities_more += 1
                continue
            count.only_live += theirs is None
            count.only_trial += mine is None
            count.otherwise += mine is not None and theirs is not None
        return True

    def _entity(self, kind: str, entity: str) -> EntityCompared | None:
        held = self.entities.setdefault(kind, {})
        found = held.get(entity)
        if found is None and sum(map(len, self.entities.values())) < MOST_ENTITIES:
            found = held[entity] = EntityCompared()
        return found


def _matched(decision: Decision | None) -> set[str]:
    return {hit.id for hit in decision.rules if hit.mode != "fault"} if decision is not None else set()


def _done(decision: Decision | None) -> dict[tuple[str, str], frozenset[tuple[str, str]]]:
    """What is done, by entity: verbs with their notes."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for action in decision.actions if decision is not None else ():
        if not action.proposed:
            found.setdefault((action.kind, action.entity), set()).add((action.do, action.note))
    return {entity: frozenset(done) for entity, done in found.items()}


def _differing(
    entry: int,
    event: Event,
    decisions: tuple[Decision | None, Decision | None],
    matched: tuple[set[str], set[str]],
) -> Differing:
    live, trial = decisions
    had, has = matched
    reasons = [*_reasons(trial, has - had), *_reasons(live, had - has)]
    return Differing(
        entry=entry,
        event_id=event.id,
        type=type_of(event),
        time=event.time,
        live=live.verdict if live is not None else "allow",
        trial=trial.verdict if trial is not None else "allow",
        only_live=tuple(sorted(had - has)),
        only_trial=tuple(sorted(has - had)),
        reasons=tuple(reasons[:_MOST_REASONS]),
    )


def _reasons(decision: Decision | None, rules: set[str]) -> Iterable[str]:
    for hit in decision.rules if decision is not None else ():
        if hit.id in rules:
            yield f"{hit.id}: {hit.reason[:_LONGEST_REASON]}"


def encode(comparison: Comparison) -> bytes:
    """A comparison as JSON."""
    return msgspec.json.encode(comparison)


def decode(data: bytes) -> Comparison:
    """What :func:`encode` wrote."""
    return msgspec.json.decode(data, type=Comparison)
