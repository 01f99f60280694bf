"""What changes step by step: a record with a page of its file for each step, a line of the audit, and letters.

Every step is written with the record, all or nothing, and only if nobody else was first; then it is taken anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from trustward.base.errors import StaleError, StepError, UsageError
from trustward.model.appeal import Appeal, AppealPage
from trustward.model.case import Case, CasePage
from trustward.model.clue import Clue
from trustward.model.decision import Action
from trustward.model.directive import Directive, OrderPage
from trustward.model.dossier import TEXT_LIMIT, FilePage
from trustward.model.hold import Hold
from trustward.model.letter import Letter, told
from trustward.model.programme import Programme
from trustward.model.request import Asked
from trustward.model.stored import AuditRow
from trustward.ports import Store, Write

R = TypeVar("R", bound=Clue | Hold | Asked | Directive | Programme | Case | Appeal)
T = TypeVar("T")
AHEAD_US = 3_600_000_000
"""How far another clock may be ahead of this one's."""
TRIES = 100
_UNAUDITED = "case.skipped"
"""What is in a case's file, and not in the audit."""
_NAMES: dict[type, str] = {
    Clue: "clue",
    Hold: "hold",
    Asked: "request",
    Directive: "order",
    Programme: "programme",
    Case: "case",
    Appeal: "appeal",
}


class Filing(Generic[R]):
    """A record while it changes. What is said of a secret one lies in the secret book. Raises UsageError."""

    def __init__(self, record: R, actor: str, now_us: int) -> None:
        self.record: R = record
        self.actor = needed(actor, "an actor", 200)
        self.now_us = now_us
        self.writes: list[Write] = []
        self._kind = _NAMES[type(record)]
        self._secret = not isinstance(record, Case | Appeal) and record.secret

    @property
    def name(self) -> str:
        """What measures, duties and letters call the record, such as ``clue:4f1c``."""
        return f"{self._kind}:{self.record.id}"

    def change(self, **fields: Any) -> None:
        """Change fields of the record."""
        self.record = msgspec.structs.replace(self.record, **fields)

    def page(self, what: str, said: str = "", **detail: Any) -> None:
        """Add a page to its file, and a line to the audit."""
        self.change(pages=self.record.pages + 1)
        page = {"number": self.record.pages, "at_us": self.now_us, "what": what, "actor": self.actor, "said": said}
        self.writes.append(_page(self.record, self.name, page, detail))
        action = f"{self._kind}.{what}"
        if action == _UNAUDITED:
            return
        row = AuditRow(
            at_us=self.now_us,
            actor=self.actor,
            action=action,
            subject=self.name,
            detail=_audited(self.record, said),
            secret=self._secret,
        )
        self.writes.append(row)

    def letter(self, what: str, action: Action, says: dict[str, Any], to: str = "") -> None:
        """A letter about this step, to one target or to all. One about what is secret goes to confidential targets."""
        self.writes.append(
            Letter(
                cause=self.name,
                step=f"{self._kind}.{what}",
                at_us=self.now_us,
                action=action,
                says=says,
                to=to,
                secret=self._secret,
            )
        )

    def add(self, writes: Iterable[Write]) -> None:
        """Write this too."""
        self.writes += writes

    def end(self) -> list[Write]:
        """All that is to be written."""
        self.change(version=self.record.version + 1)
        return [self.record, *self.writes]

    def whole(self, *more: Write) -> tuple[R, list[Write]]:
        """The record as it is from now on, and all that is to be written."""
        writes = self.end()
        return self.record, [*writes, *more]


def _page(record: Any, name: str, said: dict[str, Any], detail: dict[str, Any]) -> Write:
    """A page as the file of this kind of record has it."""
    match record:
        case Case():
            return CasePage(case=record.id, party=detail.pop("party", False), detail=detail, **said)
        case Appeal():
            return AppealPage(appeal=record.id, **said)
        case Directive() | Programme():
            return OrderPage(order=record.id, detail=_filled(detail), **said)
    return FilePage(record=name, detail=detail, **said)


def _audited(record: Any, said: str) -> bytes:
    """What the audit says beside who has done what: of an appeal also against what, and why."""
    if not isinstance(record, Appeal):
        return b"{}"
    return msgspec.json.encode({"decision": record.decision, **({"reason": said} if said else {})})


def tell_issuer(filing: Filing[Directive] | Filing[Programme], what: str, **says: Any) -> None:
    """A letter to whom an order or a programme comes from. What is empty is left out."""
    record = filing.record
    words = {"reference": record.reference, "id": record.id, **says}
    filing.letter(what, told("inform", "authority", record.issuer, what), _filled(words))


def _filled(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if value not in ("", None, (), [])}


def until_written(store: Store, what: str, attempt: Callable[[], tuple[T, Sequence[Write]]], tries: int = TRIES) -> T:
    """Write what an attempt gives, and attempt it again while somebody else was first; what it gave beside that.

    Raises whatever the attempt does; StaleError if others are always first.
    """
    for _ in range(tries):
        made, writes = attempt()
        try:
            if writes:
                store.records.write(writes)
        except StaleError:
            continue
        return made
    raise StaleError(f"{what[:80]} changes all the time", remedy="try again in a moment")


def take_step(
    store: Store, what: str, begin: Callable[[], Filing[R]], step: Callable[[Filing[R]], None], *more: Write
) -> R:
    """Begin on a record as it stands, take a step, and write it together with ``more``; the record after it.

    Raises as :func:`until_written`.
    """

    def attempt() -> tuple[R, list[Write]]:
        filing = begin()
        step(filing)
        return filing.whole(*more)

    return until_written(store, what, attempt)


def needed(text: str, what: str, limit: int = TEXT_LIMIT) -> str:
    """A text that has to be there, and is not too long. Raises UsageError."""
    if not text.strip() or len(text) > limit:
        raise UsageError(f"{what} is needed, of up to {limit} characters", remedy="say it")
    return text


def check_step(what: str, state: str, step: str, states: Sequence[str]) -> None:
    """Raise StepError unless a step can be taken."""
    if state not in states:
        raise StepError(
            f"the {what} is {state}: not a step for it: {step}", remedy=f"only what is {' or '.join(states)} can be"
        )
