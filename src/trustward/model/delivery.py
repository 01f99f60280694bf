"""An action on its way to one target: where it stands, who has it, what came back."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Literal
from zlib import crc32

import msgspec

from trustward.model.journal import HIDDEN, MADE, NOTICE, ActionRow

State = Literal["waiting", "delivered", "dead", "withdrawn"]
"""``dead``: given up, until somebody replays it. ``withdrawn``: overtaken by its inverse while it was dead."""
STATES: tuple[State, ...] = ("waiting", "delivered", "dead", "withdrawn")

_KEY = re.compile(r"([ms]?)([1-9][0-9]{0,17})-(?:([0-9]{1,4})(-undo)?|decision)")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where actions go: to a ``url``, or (without one) to whoever polls.

    ``actions`` are the verbs that it wants, none: all. Inverses go where their action went. ``decisions``: it also
    wants each decision that came after its caller's deadline. Within one of its ``lanes`` everything is in order; what
    is done to one entity is always in the same lane. What is secret goes to ``confidential`` targets, and nothing else.
    """

    name: str
    url: str = ""
    secrets: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    lanes: int = 1
    decisions: bool = False
    confidential: bool = False

    @property
    def polled(self) -> bool:
        """Whether its actions are fetched, not sent."""
        return not self.url

    def wants(self, verb: str) -> bool:
        """Whether an action with this verb goes there."""
        return not self.actions or verb in self.actions

    def lane(self, kind: str, entity: str) -> int:
        """The lane of what is done to an entity.

        >>> Target(name="t", lanes=8).lane("account", "a1") == Target(name="u", lanes=8).lane("account", "a1")
        True
        """
        return crc32(f"{kind}:{entity}".encode("utf-8", "surrogatepass")) % self.lanes


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One action for one target. ``place`` is its place in the order, ``tries`` how often it has been tried in vain."""

    place: int
    target: str
    lane: int
    row: ActionRow
    state: State
    tries: int
    queued_us: int

    @property
    def idempotency_key(self) -> str:
        """What a receiver knows it again by: the same for every try, another one for other content.

        An id alone would come again after a database has been made anew or put back to an earlier state.

        >>> row = ActionRow(seq=7, number=0, at_us=0, body=b"{}")
        >>> Delivery(place=1, target="t", lane=0, row=row, state="waiting", tries=0, queued_us=0).idempotency_key
        '7-0-b4b8bf78e9ad'
        """
        return f"{self.row.key}-{blake2b(self.row.body, digest_size=6).hexdigest()}"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """On what terms a lane is handed out: until when, how much of it, and how long any wait can be.

    A lane that is handed out or resting for longer than ``longest_us`` was written with a clock that ran ahead: it
    counts as free.
    """

    until_us: int
    limit: int
    longest_us: int


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of one lane in order, handed to one worker until ``until_us``. A later ``epoch`` ends all earlier."""

    target: str
    lane: int
    epoch: int
    until_us: int
    deliveries: tuple[Delivery, ...]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try. ``status`` is HTTP's, 0 without an answer; ``said`` what was said, cut short."""

    ok: bool
    at_us: int
    worker: str = ""
    status: int = 0
    took_us: int = 0
    said: str = ""
    refused: bool = False
    """The receiver has read it and will never take it: it is not tried again."""
    after_us: int = 0
    """How long the receiver asks to be left alone."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a delivery after a try."""

    place: int
    state: State
    receipt: Receipt


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """How one target is doing: what waits, since when, what was given up."""

    target: str
    waiting: int
    dead: int
    oldest_us: int | None


def parse_key(key: str) -> tuple[int, int] | None:
    """The ``seq`` and ``number`` of an action's id; None if it is none.

    >>> parse_key("7-0"), parse_key("7-0-undo"), parse_key("7-decision"), parse_key("7")
    ((7, 0), (7, -1), (7, 10000), None)
    """
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    seq = int(found[2]) + {"": 0, "m": MADE, "s": HIDDEN}[found[1]]
    if found[3] is None:
        return seq, NOTICE
    number = int(found[3])
    return seq, -number - 1 if found[4] else number
