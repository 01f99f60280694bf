"""The stories of operations, joined over one store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trustward.model.duty import Duty, DutyStep
    from trustward.operations.duties import Book, Duties
    from trustward.ports import Store
    from trustward.settings import Settings


class Operations(NamedTuple):
    """What people at the service do with what the engine finds."""

    duties: Duties


def book(settings: Settings) -> Book:
    """The clocks and calendars in force: the shipped ones, and those of the service's own files.

    Raises RegimeError for what is wrong in a file, SettingsError for one that cannot be read.
    """
    from trustward.base.errors import SettingsError
    from trustward.model.clocks import decode_regimes, merged, shipped_regimes
    from trustward.operations.duties import Book

    parts = [shipped_regimes()]
    for name in settings.regimes:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise SettingsError(
                f"regimes: cannot read {name}: {fault}", remedy="check the path and its rights"
            ) from fault
        parts.append(decode_regimes(text, name))
    found = Book(merged(parts))
    for one in parts[1:]:
        for market in [*(source.market for source in one.calendars), *(clock.market for clock in one.clocks)]:
            found.calendar(market)
    return found


def operations(settings: Settings, opened: Store) -> Operations:
    """All of them. Raises RegimeError, SettingsError."""
    from trustward.base.clock import SteadyClock
    from trustward.base.ids import new_id
    from trustward.operations.duties import Duties

    return Operations(duties=Duties(opened, book(settings), clock=SteadyClock(), ids=new_id))


def list_duties(
    settings: Settings, *, subject: str, owner: str, breached: bool, every: bool, limit: int
) -> tuple[Sequence[Duty], int]:
    """Duties by what is due first, secret ones included, and the time at which they stand so."""
    from trustward.base.clock import now_us
    from trustward.bootstrap.service import store
    from trustward.model.duty import DutyQuery
    from trustward.operations.duties import STILL_OWED

    query = DutyQuery(
        states=() if every or breached else STILL_OWED,
        subject=subject,
        owner=owner,
        breached=True if breached else None,
        secret=True,
    )
    with closing(store(settings)) as opened:
        return operations(settings, opened).duties.find(query, limit=limit), now_us()


def show_duty(settings: Settings, id: str) -> tuple[Duty, Sequence[DutyStep], int]:
    """A duty, its file, and the time at which it stands so. Raises NotFoundError."""
    from trustward.base.clock import now_us
    from trustward.bootstrap.service import store

    with closing(store(settings)) as opened:
        story = operations(settings, opened).duties
        return story.get(id), story.file(id), now_us()
