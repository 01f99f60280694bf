"""Many requests in one commit: which events are new, which came before, and what goes to the journal."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Literal

import msgspec

from trustward.base.errors import ConflictError, RecordError, TrustwardError
from trustward.model.decision import Decision, Fault
from trustward.model.event import Event, type_of
from trustward.model.journal import (
    SEGMENT_EVENTS,
    ActionRow,
    Commit,
    Found,
    Outgoing,
    Segment,
    encode_decisions,
    encode_faults,
    notice,
    plain_allow,
)
from trustward.model.removed import REMOVED, is_removed
from trustward.ports.traces import Trace

_LOG = logging.getLogger(__name__)
_ENCODER = msgspec.json.Encoder()
_CONFLICT = Fault(path="$.id", cause="the id is taken by an event with other content")
_GONE = Fault(path="$.id", cause="the event was removed when its time was over: it is not decided again")
_OURS = Fault(path="$.type", cause="nobody can send this type: it stands for what retention has removed")
NO_FAULTS: Mapping[int, Sequence[Fault]] = {}


class Problem(msgspec.Struct, frozen=True):
    """An event that was not taken in: its id is taken (``conflict``), or it was ``refused``."""

    kind: Literal["conflict", "refused"]
    fault: Fault


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request's events, by their position in it.

    ``seqs`` are their numbers in the journal, 0 where there is a problem. ``decisions`` holds those that are more than
    a plain allow. ``again`` are the events that had come before: their answer is the first one.
    """

    events: Sequence[Event]
    seqs: Sequence[int]
    decisions: Mapping[int, Decision]
    problems: Mapping[int, Problem]
    again: frozenset[int]
    policy: str

    def decision(self, at: int) -> Decision:
        """The decision on one event. Raises ConflictError or RecordError if it was not taken in."""
        problem = self.problems.get(at)
        if problem is not None:
            raise error_of(self.events[at], problem)
        found = self.decisions.get(at)
        if found is not None:
            return found
        event = self.events[at]
        return plain_allow(event.id, type_of(event), event.time, self.policy)


def error_of(event: Event, problem: Problem) -> TrustwardError:
    """A problem as an error."""
    if problem.kind == "conflict":
        return ConflictError(
            f"{problem.fault.cause}: {event.id[:80]}", ids=[event.id], remedy="give every event an id of its own"
        )
    remedy = "send it no more" if problem.fault == _GONE else "mend the field, and send it again"
    return RecordError(problem.fault.cause, path=problem.fault.path, remedy=remedy)


class Ticket:
    """Events of one request on their way. ``notify`` is called once with all tickets of one commit that share it.

    It is called in the engine's thread, after the commit: each ticket has its ``answers`` then, or its ``error``.

    ``dues`` says by position until when the callers wait (:func:`elapsed_s`). When their commit is put together the
    ticket is ``sealed``, and then ``told`` has the positions whose callers have waited too long by then: the commit
    lets their whole decisions follow, so they must get the safe answer, even if it is not given yet.
    """

    __slots__ = (
        "answers",
        "dues",
        "error",
        "events",
        "faults",
        "future",
        "notify",
        "posted_us",
        "sealed",
        "told",
        "trace",
        "tries",
    )

    def __init__(
        self,
        events: Sequence[Event],
        faults: Mapping[int, Sequence[Fault]] = NO_FAULTS,
        notify: Callable[[Sequence[Ticket]], None] | None = None,
    ) -> None:
        self.events = events
        self.faults = faults
        self.notify = notify
        self.future: object = None
        self.answers: Answers | None = None
        self.error: TrustwardError | None = None
        self.tries = 0
        self.trace: Trace | None = None
        self.posted_us = 0
        self.dues: Mapping[int, float] = {}
        self.sealed = False
        self.told: Collection[int] = ()

    def again(self) -> None:
        """What was put together for it is not on disk, or nobody knows: it is tried once more."""
        self.tries += 1
        self.sealed, self.told = False, ()


def notify(tickets: Sequence[Ticket]) -> None:
    """Call everybody who waits, once for all tickets that share a way to be called."""
    together: dict[Callable[[Sequence[Ticket]], None], list[Ticket]] = {}
    for ticket in tickets:
        if ticket.notify is not None:
            together.setdefault(ticket.notify, []).append(ticket)
    for call, mine in together.items():
        try:
            call(mine)
        except Exception as fault:  # noqa: BLE001 - one caller that is gone must not stop the engine for all others
            _LOG.warning("%d callers could not be told: %s", len(mine), type(fault).__name__)


def resolve(tickets: Sequence[Ticket]) -> None:
    """Give each ticket's future its outcome."""
    for ticket in tickets:
        future = ticket.future
        assert isinstance(future, Future)
        if ticket.error is not None:
            future.set_exception(ticket.error)
        else:
            future.set_result(ticket.answers)


class Group:
    """The events of some tickets, in order, sorted out before the engine sees them."""

    def __init__(self, tickets: Sequence[Ticket]) -> None:
        self.tickets = tickets
        self.events: list[Event] = []
        self.faults: dict[int, Sequence[Fault]] = {}
        for ticket in tickets:
            start = len(self.events)
            self.events.extend(ticket.events)
            if ticket.faults:
                self.faults.update((start + at, tuple(found)) for at, found in ticket.faults.items())
        self.problems: dict[int, Problem] = {}
        self.decisions: dict[int, Decision] = {}
        self.again: set[int] = set()
        self.seqs: Sequence[int] = ()
        self._same: dict[int, int] = {}
        self._places: Sequence[int] = range(len(self.events))
        self._known: dict[int, Found] = {}

    def sort_out(self, known: Mapping[str, Found]) -> None:
        """Tell new events from those that came before, in the journal or in this group."""
        seen: dict[str, int] = {}
        places: list[int] = []
        ours = {kind for kind in set(map(type, self.events)) if type_of(kind) == REMOVED}
        for at, event in enumerate(self.events):
            held = known.get(event.id) if known else None
            if held is not None:
                if is_removed(held):
                    self.problems[at] = Problem("refused", _GONE)
                elif same_content(event, self.faults.get(at, ()), held):
                    self._known[at] = held
                    self.again.add(at)
                else:
                    self.problems[at] = Problem("conflict", _CONFLICT)
                continue
            if ours and type(event) in ours:
                self.problems[at] = Problem("refused", _OURS)
                continue
            first = seen.setdefault(event.id, at)
            if first == at:
                places.append(at)
            elif self.events[first] == event and self.faults.get(first) == self.faults.get(at):
                self._same[at] = first
                self.again.add(at)
            else:
                self.problems[at] = Problem("conflict", _CONFLICT)
        if len(places) < len(self.events):
            self._places = places

    def ids(self) -> list[str]:
        """The ids of all events."""
        return [event.id for event in self.events]

    def fresh(self) -> tuple[Sequence[Event], dict[int, Sequence[Fault]]]:
        """The new events and, by their position among them, their faults."""
        if len(self._places) == len(self.events):
            return self.events, self.faults
        faults = {new: self.faults[at] for new, at in enumerate(self._places) if at in self.faults}
        return [self.events[at] for at in self._places], faults

    def decided(
        self,
        decisions: Sequence[tuple[int, Decision]],
        refused: Mapping[int, Fault],
        after: int,
        at_us: int,
        policy: str,
    ) -> Commit | None:
        """Take in what the engine said of the new events: the commit, or None if there is nothing to write."""
        events, faults = self.fresh()
        places = self._places
        if refused:
            kept = [new for new in range(len(events)) if new not in refused]
            self.problems.update((places[new], Problem("refused", fault)) for new, fault in refused.items())
            where = {new: position for position, new in enumerate(kept)}
            decisions = [(where[new], decision) for new, decision in decisions]
            faults = {where[new]: found for new, found in faults.items() if new in where}
            events = [events[new] for new in kept]
            places = [places[new] for new in kept]
        self.decisions.update((places[new], decision) for new, decision in decisions)
        self._number(places, after)
        if not events:
            return None
        return Commit(
            segments=tuple(_segments(events, faults, decisions, after, at_us, policy)),
            ids=tuple([event.id for event in events]),
            actions=tuple(_actions(decisions, after, at_us)),
        )

    def follow(self, commit: Commit, at_us: int, policy: str, steady: Callable[[], float]) -> Commit:
        """Let the whole decision follow where the caller has waited too long: the commit with what tells it.

        What had come before is on disk already, and is none of this commit's.
        """
        rows = []
        start = 0
        for ticket in self.tickets:
            if ticket.dues:
                # In this order: whose time is over, and who finds it not sealed, is told here for certain.
                ticket.sealed = True
                now_s = steady()
                ticket.told = [
                    at
                    for at, due_s in ticket.dues.items()
                    if due_s <= now_s and start + at not in self.problems and start + at not in self.again
                ]
                for at in ticket.told:
                    event = ticket.events[at]
                    found = self.decisions.get(start + at)
                    decision = found or plain_allow(event.id, type_of(event), event.time, policy)
                    rows.append(notice(self.seqs[start + at], decision, at_us))
            start += len(ticket.events)
        return msgspec.structs.replace(commit, actions=(*commit.actions, *rows)) if rows else commit

    def _number(self, places: Sequence[int], after: int) -> None:
        if len(places) == len(self.events):
            self.seqs = range(after + 1, after + 1 + len(places))
            return
        seqs = [0] * len(self.events)
        for position, at in enumerate(places, after + 1):
            seqs[at] = position
        for at, held in self._known.items():
            seqs[at] = held.seq
            self.decisions[at] = held.decision
        for at, first in self._same.items():
            if first in self.problems:
                self.problems[at] = self.problems[first]
                self.again.discard(at)
                continue
            seqs[at] = seqs[first]
            if first in self.decisions:
                self.decisions[at] = self.decisions[first]
        self.seqs = seqs

    def answer(self, policy: str) -> None:
        """Give each ticket its answers."""
        share(self.tickets, self.seqs, self.decisions, self.problems, self.again, policy)


def share(
    tickets: Sequence[Ticket],
    seqs: Sequence[int],
    decisions: Mapping[int, Decision],
    problems: Mapping[int, Problem],
    again: Collection[int],
    policy: str,
) -> None:
    """Give each ticket its part of what became of all their events."""
    start = 0
    ordered = sorted(decisions)
    for ticket in tickets:
        stop = start + len(ticket.events)
        chosen = ordered[bisect_left(ordered, start) : bisect_left(ordered, stop)]
        mine = range(start, stop)
        ticket.answers = Answers(
            events=ticket.events,
            seqs=seqs[start:stop],
            decisions={at - start: decisions[at] for at in chosen},
            problems={at - start: problems[at] for at in mine if at in problems} if problems else {},
            again=frozenset([at - start for at in mine if at in again]) if again else frozenset(),
            policy=policy,
        )
        start = stop


def same_content(event: Event, faults: Sequence[Fault], held: Found) -> bool:
    """Whether an event is the one in the journal, whatever the order of its fields was there."""
    if tuple(faults) != held.faults:
        return False
    data = _ENCODER.encode(event)
    return data == held.body or bool(msgspec.json.decode(data) == msgspec.json.decode(held.body))


def _segments(
    events: Sequence[Event],
    faults: Mapping[int, Sequence[Fault]],
    decisions: Sequence[tuple[int, Decision]],
    after: int,
    at_us: int,
    policy: str,
) -> list[Segment]:
    segments = []
    decided = sorted(decisions, key=lambda pair: pair[0])
    places = [at for at, _ in decided]
    for start in range(0, len(events), SEGMENT_EVENTS):
        chosen = events[start : start + SEGMENT_EVENTS]
        stop = start + len(chosen)
        here = islice(decided, bisect_left(places, start), bisect_left(places, stop))
        segments.append(
            Segment(
                first=after + 1 + start,
                count=len(chosen),
                kind="events",
                at_us=at_us,
                policy=policy,
                body=_ENCODER.encode_lines(chosen),
                decisions=encode_decisions([(at - start, decision) for at, decision in here]),
                faults=encode_faults({at - start: found for at, found in faults.items() if start <= at < stop})
                if faults
                else None,
            )
        )
    return segments


def _actions(decisions: Sequence[tuple[int, Decision]], after: int, at_us: int) -> list[ActionRow]:
    """What is to be done, in order; what a rule only proposes is not."""
    rows = []
    for at, decision in decisions:
        for number, action in enumerate(decision.actions):
            if not action.proposed:
                body = Outgoing(event_id=decision.event_id, type=decision.type, time=decision.time, action=action)
                rows.append(ActionRow(seq=after + 1 + at, number=number, at_us=at_us, body=_ENCODER.encode(body)))
    return rows
