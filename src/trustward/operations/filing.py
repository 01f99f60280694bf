"""What clues, holds and requests share: a record that changes step by step, with a page of its file for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec

from trustward.base.errors import StaleError, StepError, UsageError
from trustward.model.clue import Clue
from trustward.model.dossier import TEXT_LIMIT, FilePage
from trustward.model.hold import Hold
from trustward.model.request import Asked
from trustward.model.stored import AuditRow
from trustward.ports import Write

F = TypeVar("F", Clue, Hold, Asked)
TRIES = 50
NAMES: dict[type, str] = {Clue: "clue", Hold: "hold", Asked: "request"}
"""What the kinds of record are called."""


def name_of(one: Clue | Hold | Asked) -> str:
    """A record's name, such as ``clue:4f1c``."""
    return f"{NAMES[type(one)]}:{one.id}"


class Filing(Generic[F]):
    """A record while it changes. What the audit says of a secret one lies in the secret book."""

    def __init__(self, record: F, actor: str, now_us: int) -> None:
        self.record: F = record
        self.actor = needed(actor, "an actor", 200)
        self.now_us = now_us
        self.writes: list[Write] = []

    def change(self, **fields: Any) -> None:
        """Change fields of the record."""
        self.record = msgspec.structs.replace(self.record, **fields)

    def page(self, what: str, said: str = "", **detail: Any) -> None:
        """Add a page to its file, and a line to the audit."""
        number = self.record.pages + 1
        self.change(pages=number)
        name = name_of(self.record)
        page = FilePage(
            record=name, number=number, at_us=self.now_us, what=what, actor=self.actor, said=said, detail=detail
        )
        self.writes.append(page)
        kind = name.partition(":")[0]
        secret = self.record.secret
        row = AuditRow(at_us=self.now_us, actor=self.actor, action=f"{kind}.{what}", subject=name, secret=secret)
        self.writes.append(row)

    def add(self, writes: Iterable[Write]) -> None:
        """Write this too."""
        self.writes += writes

    def end(self) -> list[Write]:
        """All that is to be written."""
        self.change(version=self.record.version + 1)
        return [self.record, *self.writes]


def needed(text: str, what: str, limit: int = TEXT_LIMIT) -> str:
    """A text that has to be there, and is not too long. Raises UsageError."""
    if not text.strip() or len(text) > limit:
        raise UsageError(f"{what} is needed, of up to {limit} characters", remedy="say it")
    return text


def check_step(what: str, state: str, step: str, states: tuple[str, ...]) -> None:
    """Raise StepError unless a step can be taken."""
    if state not in states:
        raise StepError(
            f"the {what} is {state}: not a step for it: {step}", remedy=f"only what is {' or '.join(states)} can be"
        )


def busy(what: str) -> StaleError:
    """Others were always first."""
    return StaleError(f"{what[:80]} changes all the time", remedy="try again in a moment")
