"""What orders and programmes have in common while they change: pages for their file, letters, lines of the audit."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from trustward.base.errors import StaleError, StepError, UsageError
from trustward.model.directive import TEXT_LIMIT, Directive, OrderPage
from trustward.model.letter import Letter, told
from trustward.model.programme import Programme
from trustward.model.stored import AuditRow
from trustward.ports import Write

TRIES = 100
R = TypeVar("R", Directive, Programme)


class Filing(Generic[R]):
    """A record while it changes. What it writes is all or nothing, and only if nobody else was first."""

    def __init__(self, record: R, actor: str, now_us: int) -> None:
        self.record: R = record
        self.actor = actor
        self.now_us = now_us
        self.writes: list[Write] = []

    def change(self, **fields: Any) -> None:
        """Change fields of the record."""
        self.record = msgspec.structs.replace(self.record, **fields)

    def page(self, what: str, said: str = "", **detail: Any) -> None:
        """Add a page to the file, and a line to the audit; of a secret one to the book of secrets."""
        self.change(pages=self.record.pages + 1)
        self.writes.append(
            OrderPage(
                order=self.record.id,
                number=self.record.pages,
                at_us=self.now_us,
                what=what,
                actor=self.actor,
                said=said,
                detail={name: value for name, value in detail.items() if value not in ("", None, (), [])},
            )
        )
        self.writes.append(
            AuditRow(
                at_us=self.now_us,
                actor=self.actor,
                action=f"{self.record.cause.partition(':')[0]}.{what}",
                subject=self.record.cause,
                secret=self.record.secret,
            )
        )

    def letter(self, what: str, **says: Any) -> None:
        """A letter to the issuer. One about a secret order goes to confidential targets only."""
        record = self.record
        words = {"reference": record.reference, "id": record.id, **says}
        self.writes.append(
            Letter(
                cause=record.cause,
                step=f"{record.cause.partition(':')[0]}.{what}",
                at_us=self.now_us,
                action=told("inform", "authority", record.issuer, what),
                says={name: value for name, value in words.items() if value not in ("", None, (), [])},
                secret=record.secret,
            )
        )

    def end(self) -> list[Write]:
        """All that is to be written."""
        self.change(version=self.record.version + 1)
        return [self.record, *self.writes]


def needed(text: str, what: str) -> str:
    """A text that has to be there, and is not too long. Raises UsageError."""
    if not text.strip() or len(text) > TEXT_LIMIT:
        raise UsageError(f"{what} is needed, of up to {TEXT_LIMIT} characters", remedy="say it")
    return text


def check_state(record: str, state: str, allowed: tuple[str, ...], step: str) -> None:
    """Raise StepError if a step cannot be taken in this state."""
    if state not in allowed:
        raise StepError(f"{record} is {state}: no {step} now", remedy=f"what is {' or '.join(allowed)} can be")


def busy(what: str) -> StaleError:
    """Somebody else was first, again and again."""
    return StaleError(f"{what[:80]} changes all the time", remedy="try again in a moment")
