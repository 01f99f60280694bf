"""What an action leaves in force, and what ends it: every action's inverse, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from trustward.model.decision import Action
from trustward.model.journal import ActionRow, Outgoing

INVERSES: Mapping[str, str] = {
    "challenge": "waive",
    "limit": "unlimit",
    "hold": "release",
    "block": "unblock",
    "remove": "restore",
    "suspend": "reinstate",
    "close": "reopen",
    "delist": "relist",
    "block_link": "unblock_link",
    "label": "unlabel",
}
"""What undoes an action, for every action that can be undone."""

IRREVERSIBLE: Mapping[str, str] = {
    "warn": "what has been read cannot be unread",
    "review": "a person has been asked to look; the case is closed by its outcome",
    "unlabel": "what the label was before is not known; set it by hand",
}
"""Why the other actions cannot be undone."""

_NAMED = frozenset({"label", "challenge"})
"""Actions whose note is part of what they do: two labels are two effects, two remarks on a hold are one."""

Why = Literal["ended", "reversed"]
"""``ended``: its time was over. ``reversed``: somebody took it back."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an action has put in force. Where several actions do the same to one entity, the last one ends it.

    ``same`` is what makes two effects the same. ``state`` is ``in_force``; ``ended``, while another action still does
    the same; ``undone`` by the inverse ``undone_by``.
    """

    seq: int
    number: int
    same: str
    at_us: int
    ends_us: int | None
    body: bytes
    state: Literal["in_force", "ended", "undone"] = "in_force"
    why: str = ""
    actor: str = ""
    reason: str = ""
    ended_us: int | None = None
    undone_by: str = ""

    @property
    def key(self) -> str:
        """The key of the action."""
        return ActionRow(seq=self.seq, number=self.number, at_us=self.at_us, body=b"").key


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """The wish to end an effect: by whom and why, as far as a person is behind it."""

    seq: int
    number: int
    at_us: int
    why: Why
    actor: str = ""
    reason: str = ""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How an effect ended: the inverse that is on its way, or the actions that still do the same (``still``)."""

    effect: Effect
    inverse: ActionRow | None
    still: tuple[str, ...] = ()


def same(action: Action) -> str:
    """What makes two actions' effects the same.

    >>> same(Action(do="hold", kind="account", entity="a1", rule="r1", note="seen before"))
    '["hold","account","a1",""]'
    """
    note = action.note if action.do in _NAMED else ""
    return msgspec.json.encode((action.do, action.kind, action.entity, note)).decode()


def effect_of(row: ActionRow) -> Effect | None:
    """What an action puts in force; None for one that cannot be undone, or that itself undoes another one.

    Its end is counted from the decision on.
    """
    action = outgoing(row.body).action
    if row.number < 0 or action.do not in INVERSES:
        return None
    ends_us = None if action.lasts_us is None else row.at_us + action.lasts_us
    return Effect(seq=row.seq, number=row.number, same=same(action), at_us=row.at_us, ends_us=ends_us, body=row.body)


def inverse(effect: Effect, undone: Sequence[Effect], ending: Ending) -> ActionRow:
    """The action that undoes an effect, and those that had ended before while it was in force (``undone``, with it)."""
    original = outgoing(effect.body)
    action = original.action
    body = Outgoing(
        event_id=original.event_id,
        type=original.type,
        time=original.time,
        action=Action(
            do=INVERSES[action.do],
            kind=action.kind,
            entity=action.entity,
            rule=action.rule,
            note=action.note if action.do in _NAMED else "",
        ),
        undoes=tuple(each.key for each in undone),
        why=ending.why,
        reason=ending.reason,
    )
    return ActionRow(seq=effect.seq, number=-effect.number - 1, at_us=ending.at_us, body=msgspec.json.encode(body))


def outgoing(body: bytes) -> Outgoing:
    """The body of an action's row, read."""
    return _DECODER.decode(body)


_DECODER = msgspec.json.Decoder(Outgoing)
