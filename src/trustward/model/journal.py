"""The journal's records. Every entry has a sequence number, from 1, without gaps; entries lie together in segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

import msgspec

from trustward.model.decision import Action, Decision, Fault

SEGMENT_EVENTS = 512
"""Most events in one segment."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """Entries that were committed together: some events with what was decided on them, or one change.

    ``first`` is the sequence number of the first entry, ``count`` how many there are. ``policy`` is the hash of the
    policy that was live. ``body`` holds one event a line (JSON), or the change. ``faults`` and ``decisions`` are
    JSON: the faults of an event by its position, and pairs of position and decision. An event without a decision was
    plainly allowed.
    """

    first: int
    count: int
    kind: Literal["events", "change"]
    at_us: int
    policy: str
    body: bytes
    faults: bytes | None = None
    decisions: bytes | None = None

    @property
    def last(self) -> int:
        """The sequence number of the last entry."""
        return self.first + self.count - 1

    def lines(self) -> list[bytes]:
        """The events as JSON, without line ends."""
        return self.body.split(b"\n")[: self.count]

    def ids(self) -> list[str]:
        """The ids of the events; none of a change."""
        if self.kind != "events":
            return []
        return [event.id for event in _envelopes().decode_lines(self.body)]

    def decided(self) -> dict[int, Decision]:
        """The decisions by position, as far as they were more than a plain allow."""
        return dict(_decisions().decode(self.decisions)) if self.decisions else {}

    def faulty(self) -> dict[int, tuple[Fault, ...]]:
        """The faults by position."""
        return _faults().decode(self.faults) if self.faults else {}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the journal: where it is, when it came, what it said, what was decided."""

    seq: int
    at_us: int
    policy: str
    body: bytes
    faults: tuple[Fault, ...]
    decision: Decision


MADE = 1 << 60
"""From here on an action's ``seq`` is none of the journal's: people or clocks have made it (``m1-0``)."""
HIDDEN = 1 << 61
"""From here on it is a secret one, with numbers of its own (``s1-0``): who may not know of it sees no gap."""
NOTICE = 10_000
"""The number of the row that tells a decision itself, beside the row of each of its actions (0, 1, ...)."""


class ActionRow(msgspec.Struct, frozen=True, kw_only=True):
    """An action on its way out, known by ``seq`` and ``number``. The inverse of number n has the number -n - 1.

    A row with the number ``NOTICE`` tells the whole decision to who asked for it.
    """

    seq: int
    number: int
    at_us: int
    body: bytes

    @property
    def key(self) -> str:
        """The action's id.

        >>> ActionRow(seq=7, number=0, at_us=0, body=b"{}").key
        '7-0'
        >>> ActionRow(seq=7, number=-1, at_us=0, body=b"{}").key
        '7-0-undo'
        >>> ActionRow(seq=7, number=NOTICE, at_us=0, body=b"{}").key
        '7-decision'
        >>> ActionRow(seq=MADE + 7, number=0, at_us=0, body=b"{}").key
        'm7-0'
        >>> ActionRow(seq=HIDDEN + 7, number=0, at_us=0, body=b"").key
        's7-0'
        """
        seq = f"{self.seq}"
        if self.seq > MADE:
            seq = f"s{self.seq - HIDDEN}" if self.seq > HIDDEN else f"m{self.seq - MADE}"
        if self.number == NOTICE:
            return f"{seq}-decision"
        return f"{seq}-{self.number}" if self.number >= 0 else f"{seq}-{-self.number - 1}-undo"


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to disk in one transaction, or not at all.

    ``ids`` are the ids of all the segments' events, in their order.
    """

    segments: tuple[Segment, ...]
    ids: tuple[str, ...] = ()
    actions: tuple[ActionRow, ...] = ()

    @property
    def first(self) -> int:
        """The sequence number of the first entry."""
        return self.segments[0].first

    @property
    def last(self) -> int:
        """The sequence number of the last entry."""
        return self.segments[-1].last


class Outgoing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an action's row: what to do, and because of which event.

    An inverse names the actions that it undoes, ``why`` (``ended`` or ``reversed``) and the ``reason`` given. A
    ``decision`` is told as a whole: ``action`` only says about what. What people or clocks have made (:data:`MADE`)
    has a record instead of the event, and a step instead of its type.
    """

    event_id: str
    type: str
    time: str
    action: Action
    undoes: tuple[str, ...] = ()
    why: str = ""
    reason: str = ""
    decision: Decision | None = None
    says: dict[str, Any] = {}
    """The words and values that the receiver needs."""
    to: str = ""
    """The only target that it goes to."""
    secret: bool = False
    """Nobody may know of it who may not see what an order keeps secret."""


def notice(seq: int, decision: Decision, at_us: int) -> ActionRow:
    """The row that tells a decision, the entry ``seq``, to targets that want to hear of it."""
    about = Action(do="decision", kind="event", entity=decision.event_id, rule="")
    body = Outgoing(event_id=decision.event_id, type=decision.type, time=decision.time, action=about, decision=decision)
    return ActionRow(seq=seq, number=NOTICE, at_us=at_us, body=msgspec.json.encode(body))


class _Envelope(msgspec.Struct):
    id: str
    type: str
    time: str


# Decoders are made when they are first needed, once: `import` stays quick.
@cache
def _envelopes() -> msgspec.json.Decoder[_Envelope]:
    return msgspec.json.Decoder(_Envelope)


@cache
def _decisions() -> msgspec.json.Decoder[list[tuple[int, Decision]]]:
    return msgspec.json.Decoder(list[tuple[int, Decision]])


@cache
def _unread() -> msgspec.json.Decoder[list[tuple[int, msgspec.Raw]]]:
    return msgspec.json.Decoder(list[tuple[int, msgspec.Raw]])


@cache
def _pair() -> msgspec.json.Decoder[tuple[int, Decision]]:
    return msgspec.json.Decoder(tuple[int, Decision])


@cache
def _decision() -> msgspec.json.Decoder[Decision]:
    return msgspec.json.Decoder(Decision)


@cache
def _faults() -> msgspec.json.Decoder[dict[int, tuple[Fault, ...]]]:
    return msgspec.json.Decoder(dict[int, tuple[Fault, ...]])


def encode_decisions(decisions: Sequence[tuple[int, Decision]]) -> bytes | None:
    """Pairs of position and decision as JSON, None for none."""
    return msgspec.json.encode(decisions) if decisions else None


def decisions_unread(decisions: bytes) -> list[tuple[int, msgspec.Raw]]:
    """The pairs of position and decision, each decision as its JSON."""
    return _unread().decode(decisions)


def encode_faults(faults: Mapping[int, Sequence[Fault]]) -> bytes | None:
    """The faults by position as JSON, None for none."""
    return msgspec.json.encode(faults) if faults else None


def plain_allow(event_id: str, type: str, time: str, policy: str) -> Decision:
    """The decision on an event that no rule touched.

    >>> plain_allow("e1", "message.sent", "2026-01-31T12:00:00Z", "").verdict
    'allow'
    """
    return Decision(
        event_id=event_id,
        type=type,
        time=time,
        verdict="allow",
        score=0.0,
        degraded=False,
        rules=(),
        actions=(),
        policy=policy,
    )


def found_in(segment: Segment, positions: Iterable[int]) -> list[Found]:
    """The events at these positions of a segment, each with its decision."""
    lines, faulty = segment.lines(), segment.faulty()
    # Of some hundred decisions a few are wanted: the others are passed over unread.
    decided = dict(_unread().decode(segment.decisions)) if segment.decisions else {}
    found = []
    for at in positions:
        raw = decided.get(at)
        if raw is not None:
            decision = _decision().decode(raw)
        else:
            envelope = _envelopes().decode(lines[at])
            decision = plain_allow(envelope.id, envelope.type, envelope.time, segment.policy)
        found.append(
            Found(
                seq=segment.first + at,
                at_us=segment.at_us,
                policy=segment.policy,
                body=lines[at],
                faults=faulty.get(at, ()),
                decision=decision,
            )
        )
    return found


def found_alone(segment: Segment, at: int, line: bytes, pair: bytes) -> Found:
    """The event at one position, by its line and its pair of position and decision (empty for none).

    Nothing else is read of the segment's body and decisions.
    """
    if pair:
        _, decision = _pair().decode(pair)
    else:
        envelope = _envelopes().decode(line)
        decision = plain_allow(envelope.id, envelope.type, envelope.time, segment.policy)
    return Found(
        seq=segment.first + at,
        at_us=segment.at_us,
        policy=segment.policy,
        body=line,
        faults=segment.faulty().get(at, ()),
        decision=decision,
    )
