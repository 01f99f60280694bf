"""The engine: decide one event, decide many at once, with the same answers.

Many events go through in four strokes: columns by event type, one pass over the windows in arrival order, the
policy's gate by event type (which finds the few events that any rule matches), and the exact rules for those few,
again in arrival order, so that a label set by one event is seen by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trustward.base.units import MISSING, format_time, parse_duration
from trustward.engine.effects import Draft, apply_fault, apply_match
from trustward.engine.state import FOREVER, State
from trustward.model.decision import Decision, Fault
from trustward.windows import Batch, TypeBatch, Windows, parse_time_us, parse_times

if TYPE_CHECKING:
    from typing import Any

    from trustward.model.event import Event
    from trustward.policy import Policy, TypeProgram

DEFAULT_SKEW_US = parse_duration("5m")
"""How far ahead of the clock an event may be. Beyond it the event is refused, or it would empty every window."""

_NO_FAULTS: Mapping[int, Sequence[Fault]] = {}


class Refused(NamedTuple):
    """An event that could not be decided: its position in the batch, and why."""

    position: int
    fault: Fault


class Outcome(NamedTuple):
    """What came of a batch.

    ``decisions`` are the (position, decision) pairs in order of arrival: all that any rule touched or that are
    degraded, or every one if asked for. ``times`` are all events' times in microseconds. ``features`` holds, if asked for, per event type the positions of its events
    and one array per feature.
    """

    times: np.ndarray[Any, Any]
    decisions: list[tuple[int, Decision]]
    refused: list[Refused]
    features: dict[str, tuple[np.ndarray[Any, Any], list[Sequence[float]]]]


class _Group(NamedTuple):
    """The events of one type in a batch."""

    program: TypeProgram
    positions: np.ndarray[Any, Any]
    events: Sequence[Event]
    times: list[int]
    features: list[Sequence[float]]


class Engine:
    """One policy at work over its own state. Not safe for use from several threads at once.

    ``skew_us`` is how far in the future of ``now_us`` (given with each call) an event may lie.
    """

    def __init__(self, policy: Policy, *, skew_us: int = DEFAULT_SKEW_US, seed: bytes = bytes(16)) -> None:
        self.policy = policy
        self.skew_us = skew_us
        self.state = State()
        for name, listed in policy.lists.items():
            self.state.lists[name] = dict.fromkeys(listed.values, FOREVER)
        self.windows = Windows(policy.plan, seed)
        self._programs = {program.cls: program for program in policy.types.values()}
        self._codes = {program.cls: code for code, program in enumerate(policy.types.values())}
        self._by_code = list(policy.types.values())

    # ------------------------------------------------------------------ one event

    def decide(self, event: Event, faults: Sequence[Fault] = (), *, now_us: int) -> Decision:
        """The decision on one event.

        Raises ValueError if its time is malformed or lies too far in the future; nothing has changed then.
        """
        time = parse_time_us(event.time)
        problem = self._refusal(event.time, time, now_us)
        if problem is not None:
            raise ValueError(problem.cause)
        program = self._programs.get(type(event))
        if program is None:
            return Draft(faults).finish(event, event.__struct_config__.tag, self.policy.hash)
        texts, numbers, flags = program.columns((event,))
        features = self.windows.step_one(program.index, time, texts, numbers, flags)
        draft = Draft(faults)
        self._evaluate(draft, program, event, time, features)
        return draft.finish(event, program.type, self.policy.hash)

    def _refusal(self, text: str, time: int, now_us: int) -> Fault | None:
        if time == MISSING:
            return Fault(path="$.time", cause=f"not a time with a zone: {text[:40]!r} (write it like 2026-01-31T12:00:00Z)")
        if time > now_us + self.skew_us:
            cause = f"in the future: {text[:40]!r} is more than the allowed skew after {format_time(now_us)}"
            return Fault(path="$.time", cause=cause)
        return None

    def _evaluate(self, draft: Draft, program: TypeProgram, event: Event, time: int, features: Sequence[Any]) -> None:
        """Let the rules of the event's type speak, exactly."""
        rules = self.policy.rules
        state = self.state
        if not draft.faults:
            try:
                matched = program.match(event, time, features, state)
            except RULE_FAILURES as failure:
                draft.faults.append(Fault(path="$", cause=f"a function failed: {type(failure).__name__}"))
                draft.degraded = True
            else:
                for number in matched:
                    self._apply(draft, number, program, event, time, features)
                return
        faulty = frozenset(fault.path.removeprefix("$.").partition("[")[0] for fault in draft.faults)
        for number in program.rules:
            rule = rules[number]
            trace = program.trace(number, event, time, features, state, faulty)
            if trace.outcome is True:
                self._apply(draft, number, program, event, time, features)
            elif trace.outcome == "fault":
                apply_fault(draft, rule, trace.cause, event)

    def _apply(
        self, draft: Draft, number: int, program: TypeProgram, event: Event, time: int, features: Sequence[Any]
    ) -> None:
        rule = self.policy.rules[number]
        try:
            apply_match(draft, rule, number, program, event, time, features, self.state)
        except RULE_FAILURES as failure:
            apply_fault(draft, rule, f"a function failed: {type(failure).__name__}", event)

    # ------------------------------------------------------------------ many events

    def decide_batch(
        self,
        events: Sequence[Event],
        faults: Mapping[int, Sequence[Fault]] = _NO_FAULTS,
        *,
        now_us: int,
        every: bool = False,
        features: bool = False,
    ) -> Outcome:
        """Decide events in order of arrival, exactly as :meth:`decide` would one after the other."""
        times = parse_times([event.time for event in events])
        refused = self._refuse(events, times, now_us)
        groups, codes, order = self._advance(events, times, {r.position for r in refused})
        wanted = self._candidates(groups, faults)
        decided = self._settle(events, times, groups, codes, order, wanted, faults)
        decisions = decided
        if every:
            found = dict(decided)
            gone = {r.position for r in refused}
            policy = self.policy.hash
            decisions = [
                (at, found.get(at) or Draft().finish(event, type(event).__struct_config__.tag, policy))
                for at, event in enumerate(events)
                if at not in gone
            ]
        table = {g.program.type: (g.positions, g.features) for g in groups if g is not None} if features else {}
        return Outcome(times, decisions, refused, table)

    def _refuse(self, events: Sequence[Event], times: np.ndarray[Any, Any], now_us: int) -> list[Refused]:
        bad = np.flatnonzero((times == MISSING) | (times > now_us + self.skew_us))
        refused = []
        for at in bad.tolist():
            fault = self._refusal(events[at].time, int(times[at]), now_us)
            if fault is not None:
                refused.append(Refused(at, fault))
        return refused

    def _advance(
        self, events: Sequence[Event], times: np.ndarray[Any, Any], gone: set[int]
    ) -> tuple[list[_Group | None], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Take the events into the windows; the groups by event type, with what was read."""
        unknown = len(self._by_code)
        find = self._codes.get
        codes = np.fromiter((find(cls, unknown) for cls in map(type, events)), np.int64, len(events))
        for at in gone:
            codes[at] = unknown
        within = np.zeros(len(events), np.int64)
        groups: list[_Group | None] = []
        parts: list[TypeBatch] = []
        for code, program in enumerate(self._by_code):
            positions = np.flatnonzero(codes == code)
            if not len(positions):
                groups.append(None)
                continue
            within[positions] = np.arange(len(positions))
            chosen = [events[at] for at in positions.tolist()]
            texts, numbers, flags = program.columns(chosen)
            parts.append(TypeBatch(program.index, texts, numbers, flags))
            groups.append(_Group(program, positions, chosen, times[positions].tolist(), []))
        if parts:
            index = np.array([program.index for program in self._by_code] + [-1], np.int64)
            known = codes != unknown
            outputs = self.windows.step(Batch(index[codes[known]], within[known], times[known], parts))
            for group in groups:
                if group is not None:
                    group.features.extend(self.windows.to_lists(group.program.index, outputs[group.program.index]))
        return groups, codes, within

    def _candidates(self, groups: Iterable[_Group | None], faults: Mapping[int, Sequence[Fault]]) -> list[int]:
        """Positions that need the exact rules: matched by a gate as labels stand now, or faulty."""
        wanted: set[int] = set(faults)
        for group in groups:
            if group is None or not group.program.rules:
                continue
            try:
                hits = group.program.gate(group.events, group.times, group.features, self.state)
                wanted.update(group.positions[hits].tolist())
            except RULE_FAILURES:
                # A function failed on some event; the exact rules find out on which, and say so.
                wanted.update(group.positions.tolist())
        return sorted(wanted)

    def _settle(
        self,
        events: Sequence[Event],
        times: np.ndarray[Any, Any],
        groups: Sequence[_Group | None],
        codes: np.ndarray[Any, Any],
        within: np.ndarray[Any, Any],
        wanted: list[int],
        faults: Mapping[int, Sequence[Fault]],
    ) -> list[tuple[int, Decision]]:
        """Apply the exact rules to the wanted positions in order of arrival, and to those that a new label touches."""
        decided: list[tuple[int, Decision]] = []
        if not wanted:
            return decided
        horizon = int(times.max())
        followers: dict[tuple[str, str], list[int]] | None = None
        queued = set(wanted)
        heapify(wanted)
        unknown = len(self._by_code)
        read = self.policy.labels_read
        while wanted:
            at = heappop(wanted)
            code = int(codes[at])
            event = events[at]
            draft = Draft(faults.get(at, ()), horizon)
            if code == unknown:
                if times[at] != MISSING and type(event) not in self._programs:
                    decided.append((at, draft.finish(event, type(event).__struct_config__.tag, self.policy.hash)))
                continue
            group = groups[code]
            assert group is not None
            row = int(within[at])
            features = [column[row] for column in group.features]
            self._evaluate(draft, group.program, event, group.times[row], features)
            if draft.hits or draft.degraded:
                decided.append((at, draft.finish(event, group.program.type, self.policy.hash)))
            for kind, entity, label in draft.changed:
                if label not in read:
                    continue
                if followers is None:
                    followers = self._followers(groups)
                for later in followers.get((kind, entity), ()):
                    if later > at and later not in queued:
                        queued.add(later)
                        heappush(wanted, later)
        return decided

    @staticmethod
    def _followers(groups: Iterable[_Group | None]) -> dict[tuple[str, str], list[int]]:
        """For each entity whose labels a rule may read: the positions of the events that name it."""
        followers: dict[tuple[str, str], list[int]] = {}
        for group in groups:
            if group is None or not group.program.reads_labels:
                continue
            entities = group.program.label_entities
            for at, event in zip(group.positions.tolist(), group.events, strict=True):
                for entity in entities(event):
                    followers.setdefault(entity, []).append(at)
        return followers


RULE_FAILURES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError, RuntimeError, OSError)
"""What a rule's function may raise. It is recorded, and the rule's safe answer applies; nothing else is caught."""
