"""What leaves by the outbox without an event's decision: a reminder, an answer to a reporter, a person's action."""

from __future__ import annotations

from typing import Any

import msgspec

from trustward.base.units import format_time
from trustward.model.decision import Action
from trustward.model.journal import ActionRow, Outgoing

LETTERS = ("inform", "message", "remind", "breach", "escalate", "submit")
"""The verbs of letters. A target names those that it wants; ``submit`` goes to the one target that it is for."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do or to say, and because of what.

    ``cause`` is the record that asks for it, such as ``case:7``, ``step`` what happened to that, such as
    ``case.closed``. ``says`` are the words and values that its receiver needs. ``filed``: under which record it is
    found again, if not under its cause. A ``secret`` one goes to confidential targets only.
    """

    cause: str
    step: str
    at_us: int
    action: Action
    reason: str = ""
    says: dict[str, Any] = {}
    to: str = ""
    """The only target that it goes to; empty: to those that want its verb."""
    secret: bool = False
    filed: str = ""

    def row(self, seq: int) -> ActionRow:
        """The letter as the outbox keeps it."""
        body = Outgoing(
            event_id=self.cause,
            type=self.step,
            time=format_time(self.at_us),
            action=self.action,
            reason=self.reason,
            says=self.says,
            to=self.to,
            secret=self.secret,
        )
        return ActionRow(seq=seq, number=0, at_us=self.at_us, body=msgspec.json.encode(body))


def told(do: str, kind: str, entity: str, note: str = "") -> Action:
    """An action that only says something.

    >>> told("remind", "duty", "d1").do
    'remind'
    """
    return Action(do=do, kind=kind, entity=entity, rule="", note=note)
