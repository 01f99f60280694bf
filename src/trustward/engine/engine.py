"""The engine: decide one event, decide many at once, with the same answers.

Many events go through in four strokes: columns by event type, one pass over the windows in arrival order, the
policy's gate by event type (which finds the few events that any rule matches), and the exact rules for those few,
again in arrival order, so that a label set by one event is seen by the next.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from trustward.base.units import MISSING, format_time, parse_duration
from trustward.engine.effects import Draft, apply_fault, apply_match
from trustward.engine.followers import Followers, LabelReader
from trustward.engine.state import FOREVER, State
from trustward.model.decision import Decision, Fault
from trustward.model.event import Event, type_of
from trustward.policy import Policy, TypeProgram
from trustward.windows.batch import Batch, Rows
from trustward.windows.state import Windows
from trustward.windows.times import parse_times

Column: TypeAlias = npt.NDArray[Any]

DEFAULT_SKEW_US = parse_duration("5m")
"""How far ahead of the clock an event may be. Beyond it the event is refused, or it would empty every window."""

_FEW = 12
"""Batches of up to so many events are decided one by one: the columns of a batch cost more than they save."""
_FUNCTION_FAILED = Fault(path="$", cause="a function failed on this event")
_NO_FAULTS: Mapping[int, Sequence[Fault]] = {}


class Refused(NamedTuple):
    """An event that could not be decided: its position in the batch, and why."""

    position: int
    fault: Fault


class Outcome(NamedTuple):
    """What came of a batch.

    ``decisions`` are the (position, decision) pairs in order of arrival: all that any rule touched or that are
    degraded, or every one if asked for. ``times`` are all events' times in microseconds. ``features`` holds, if asked
    for, per event type the positions of its events and one array per feature.
    """

    times: Column
    decisions: list[tuple[int, Decision]]
    refused: list[Refused]
    features: dict[str, tuple[Column, list[Column]]]


class Examined(NamedTuple):
    """A decision, the event's time, and what the rules were given: their program and the values of its features."""

    decision: Decision
    time: int
    program: TypeProgram | None
    features: Sequence[Any]


class _Group(NamedTuple):
    """The events of one type in a batch: where they stand in it, and what was read from the windows for them."""

    program: TypeProgram
    positions: Column
    events: Sequence[Event]
    times: list[int]
    features: list[Column]


class _Codes(dict[type, int]):
    """The number of the program for each class of events; -1 for types that the policy does not look at."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self._names = {name: code for code, name in enumerate(names)}

    def __missing__(self, cls: type[Event]) -> int:
        code = self[cls] = self._names.get(type_of(cls), -1)
        return code


class Engine:
    """One policy at work over its own state. Not safe for use from several threads at once.

    ``skew_us`` is how far in the future of ``now_us`` (given with each call) an event may lie. ``seed`` (16 bytes,
    secret) keys the fingerprints of values in the windows, so that nobody can make two values meet; no answer depends
    on it. By default it is drawn at random.
    """

    def __init__(self, policy: Policy, *, skew_us: int = DEFAULT_SKEW_US, seed: bytes | None = None) -> None:
        self.policy = policy
        self.skew_us = skew_us
        self.seed = secrets.token_bytes(16) if seed is None else seed
        self.reset()
        self._programs = list(policy.types.values())
        self._codes = _Codes(program.type for program in self._programs)
        self._readers = [LabelReader(program, policy) for program in self._programs]
        self._setters = {rule.number for rule in policy.rules if not policy.labels_read.isdisjoint(rule.sets_labels)}
        self._index = np.array([program.index for program in self._programs] + [-1], np.int64)

    # ------------------------------------------------------------------ one event

    def decide(self, event: Event, faults: Sequence[Fault] = (), *, now_us: int) -> Decision:
        """The decision on one event.

        Raises ValueError if its time is malformed or lies too far in the future; nothing has changed then.
        """
        return self.examine(event, faults, now_us=now_us).decision

    def examine(self, event: Event, faults: Sequence[Fault] = (), *, now_us: int) -> Examined:
        """The decision on one event, with all that was read for it. Raises as :meth:`decide` does."""
        time = int(parse_times([event.time])[0])
        problem = self._refusal(event.time, time, now_us)
        if problem is not None:
            raise ValueError(problem.cause)
        return self._examined(event, time, faults)

    def _examined(self, event: Event, time: int, faults: Sequence[Fault]) -> Examined:
        draft = Draft(faults)
        code = self._codes[type(event)]
        if code < 0:
            return Examined(draft.finish(event, type_of(event), self.policy.hash), time, None, ())
        program = self._programs[code]
        index = program.index
        failed: set[int] = set()
        texts, numbers, flags = program.columns((event,), failed, (0,) if faults else ())
        if faults:
            _fill(texts, (0,))
        if failed:
            draft.faults.append(_FUNCTION_FAILED)
            draft.degraded = True
        features = self.windows.step_row(index, time, texts, numbers, flags)
        self._evaluate(draft, program, event, time, features)
        return Examined(draft.finish(event, program.type, self.policy.hash), time, program, features)

    def reset(self) -> None:
        """Forget everything: empty windows, no labels, the policy's own lists."""
        self.state = State()
        for name, listed in self.policy.lists.items():
            self.state.lists[name] = dict.fromkeys(listed.values, FOREVER)
        self.windows = Windows(self.policy.plan, self.seed)

    def _refusal(self, text: str, time: int, now_us: int) -> Fault | None:
        if time == MISSING:
            return Fault(
                path="$.time", cause=f"not a time with a zone: {text[:40]!r} (write it like 2026-01-31T12:00:00Z)"
            )
        if time > now_us + self.skew_us:
            cause = f"in the future: {text[:40]!r} is more than the allowed skew after {format_time(now_us)}"
            return Fault(path="$.time", cause=cause)
        return None

    def _evaluate(
        self,
        draft: Draft,
        program: TypeProgram,
        event: Event,
        time: int,
        features: Sequence[Any],
        matched: Sequence[int] | None = None,
    ) -> None:
        """Let the rules of the event's type speak, exactly. ``matched`` are those that hold, where that is known."""
        state = self.state
        if not draft.faults:
            try:
                if matched is None:
                    matched = program.match(event, time, features, state)
            except Exception:  # noqa: BLE001 - whatever a function of an extension raises, it is a fault of the rule
                draft.faults.append(_FUNCTION_FAILED)
                draft.degraded = True
            else:
                self._apply(draft, [(number, None) for number in matched], program, event, time, features)
                return
        faulty = frozenset(fault.path.removeprefix("$.").partition("[")[0] for fault in draft.faults)
        traces = [(number, program.trace(number, event, time, features, state, faulty)) for number in program.rules]
        said = [(number, trace.cause if trace.outcome == "fault" else None) for number, trace in traces]
        held = [pair for pair, (_, trace) in zip(said, traces, strict=True) if trace.outcome in (True, "fault")]
        self._apply(draft, held, program, event, time, features)

    def _apply(
        self,
        draft: Draft,
        outcomes: Sequence[tuple[int, str | None]],
        program: TypeProgram,
        event: Event,
        time: int,
        features: Sequence[Any],
    ) -> None:
        """Add rules that hold, or could not be evaluated (with the cause), to the decision.

        What they looked at is noted before any of them acts: labels take effect from the next event.
        """
        values: dict[int, dict[str, Any]] = {}
        causes = dict(outcomes)
        for number, cause in outcomes:
            if cause is None:
                try:
                    values[number] = program.values(number, event, time, features, self.state)
                except Exception as failure:  # noqa: BLE001 - told by kind only: its text may hold personal data
                    causes[number] = f"a function failed: {type(failure).__name__}"
        for number, cause in causes.items():
            rule = self.policy.rules[number]
            if cause is not None:
                apply_fault(draft, rule, cause, event)
                continue
            try:
                apply_match(draft, rule, program, event, time, features, self.state, values[number])
            except Exception as failure:  # noqa: BLE001 - told by kind only: its text may hold personal data
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
        broken: list[int] = []
        gone = {r.position for r in refused}
        if len(events) <= _FEW and not features:
            decided = [
                (at, self._examined(event, int(times[at]), faults.get(at, ())).decision)
                for at, event in enumerate(events)
                if at not in gone
            ]
            touched = [(at, decision) for at, decision in decided if every or decision.rules or decision.degraded]
            return Outcome(times, touched, refused, {})
        if gone and faults:
            faults = {at: found for at, found in faults.items() if at not in gone}
        groups, codes, rows = self._advance(events, times, gone, faults, broken)
        if broken:
            faults = {**faults, **{at: (*faults.get(at, ()), _FUNCTION_FAILED) for at in broken}}
        batch = _Batch(events, times, groups, codes, rows, faults)
        decisions = self._settle(batch, self._matches(batch))
        if every:
            found = dict(decisions)
            policy = self.policy.hash
            decisions = [
                (at, found.get(at) or Draft().finish(event, type_of(event), policy))
                for at, event in enumerate(events)
                if at not in gone
            ]
        table = {g.program.type: (g.positions, g.features) for g in groups if g is not None} if features else {}
        return Outcome(times, decisions, refused, table)

    def _refuse(self, events: Sequence[Event], times: Column, now_us: int) -> list[Refused]:
        bad = np.flatnonzero((times == MISSING) | (times > now_us + self.skew_us))
        refused = []
        for at in bad.tolist():
            fault = self._refusal(events[at].time, int(times[at]), now_us)
            if fault is not None:
                refused.append(Refused(at, fault))
        return refused

    def _advance(
        self, events: Sequence[Event], times: Column, gone: set[int], faulty: Iterable[int], broken: list[int]
    ) -> tuple[list[_Group | None], Column, Column]:
        """Take the events into the windows: the groups by event type, each event's program and its row there.

        The positions where a function failed are added to ``broken``.
        """
        codes = np.fromiter(map(self._codes.__getitem__, map(type, events)), np.int16, len(events))
        codes[sorted(gone)] = -1
        # One sort for all types; of whole numbers so short it takes one pass over each byte.
        order = np.argsort(codes, kind="stable")
        ends = np.searchsorted(codes[order], np.arange(-1, len(self._programs)), side="right").tolist()
        sorted_events, sorted_times = list(map(events.__getitem__, order.tolist())), times[order].tolist()
        rows = np.zeros(len(events), np.int64)
        gaps = np.array(sorted(faulty), np.int64)
        groups: list[_Group | None] = []
        parts: list[Rows] = []
        for program, begin, end in zip(self._programs, ends, ends[1:], strict=False):
            if begin == end:
                groups.append(None)
                continue
            positions = order[begin:end]
            rows[positions] = np.arange(end - begin)
            chosen = sorted_events[begin:end]
            failed: set[int] = set()
            whole = np.flatnonzero(np.isin(positions, gaps)).tolist() if len(gaps) else ()
            texts, numbers, flags = program.columns(chosen, failed, frozenset(whole))
            broken.extend(positions[sorted(failed)].tolist())
            if whole:
                _fill(texts, whole)
            parts.append(Rows(program.index, len(chosen), texts, numbers, flags))
            groups.append(_Group(program, positions, chosen, sorted_times[begin:end], []))
        if parts:
            known = codes >= 0
            outputs = self.windows.step(Batch(parts, self._index[codes[known]], rows[known], times[known]))
            for group in groups:
                if group is not None:
                    index = group.program.index
                    floats = self.windows.float_reads(index)
                    group.features.extend(
                        column.view(np.float64) if real else column
                        for column, real in zip(outputs[index], floats, strict=True)
                    )
        return groups, codes, rows

    def _matches(self, batch: _Batch) -> dict[int, Sequence[int] | None]:
        """Which rules hold on which positions as labels stand now; None where only the exact way can tell."""
        found: dict[int, Sequence[int] | None] = dict.fromkeys(batch.faults)
        for group in batch.groups:
            if group is None or not group.program.rules:
                continue
            hits = group.program.hits(group.events, group.times, group.features, self.state)
            if hits:
                places = group.positions[[row for row, _ in hits]].tolist()
                found.update((at, numbers) for at, (_, numbers) in zip(places, hits, strict=True) if at not in found)
        return found

    def _soon_labelled(self, batch: _Batch, found: Mapping[int, Sequence[int] | None]) -> set[tuple[str, str]]:
        """Entities that the matches found so far will label, as far as rules read those labels."""
        setters = self._setters
        soon: set[tuple[str, str]] = set()
        for at, numbers in found.items():
            if not numbers or setters.isdisjoint(numbers):
                continue
            group = batch.groups[int(batch.codes[at])]
            if group is not None:
                names = group.program.entities(batch.events[at])
                soon.update(names)
        return soon

    def _settle(self, batch: _Batch, found: dict[int, Sequence[int] | None]) -> list[tuple[int, Decision]]:
        """Decide the positions found, in order of arrival, and those that a label set on the way touches."""
        decided: list[tuple[int, Decision]] = []
        if not found:
            return decided
        queue = list(found)
        heapify(queue)
        horizon = int(batch.times.max())
        followers = Followers(self._readers, batch.groups, self._soon_labelled(batch, found))
        read, policy = self.policy.labels_read, self.policy.hash
        # Whoever comes after the first change of an entity's labels is looked at in any case, also after the next one.
        told: set[tuple[str, str]] = set()
        while queue:
            at = heappop(queue)
            code = int(batch.codes[at])
            event = batch.events[at]
            draft = Draft(batch.faults.get(at, ()), horizon)
            if code < 0:
                if self._codes[type(event)] < 0:
                    decided.append((at, draft.finish(event, type_of(event), policy)))
                continue
            group = batch.groups[code]
            assert group is not None  # for the type checker: a code is given to events of a group only
            row = int(batch.rows[at])
            features = [column.item(row) for column in group.features]
            self._evaluate(draft, group.program, event, group.times[row], features, found[at])
            if draft.hits or draft.degraded:
                decided.append((at, draft.finish(event, group.program.type, policy)))
            for kind, entity, label in draft.changed:
                if label not in read or (kind, entity) in told:
                    continue
                told.add((kind, entity))
                for later in followers.of(kind, entity):
                    if later > at:
                        if later not in found:
                            heappush(queue, later)
                        found[later] = None
        return decided


class _Batch(NamedTuple):
    """A batch on its way: for each event its time, its program (or -1) and its row among that program's events."""

    events: Sequence[Event]
    times: Column
    groups: Sequence[_Group | None]
    codes: Column
    rows: Column
    faults: Mapping[int, Sequence[Fault]]


def _fill(texts: Sequence[Any], rows: Iterable[int]) -> None:
    """Make the required fields that faulty events lack plain missing: the columns read those without a look."""
    for column in texts:
        if isinstance(column, list):
            for row in rows:
                if column[row] is None:
                    column[row] = ""
