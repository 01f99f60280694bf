"""The stories of operations, joined over one store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trustward.model.clocks import Regimes
    from trustward.model.duty import Duty, DutyStep
    from trustward.operations.bulk import Bulk
    from trustward.operations.cases import Cases
    from trustward.operations.closing import Closing
    from trustward.operations.duties import Book, Duties
    from trustward.operations.gathering import Gathering
    from trustward.operations.queues import Queues
    from trustward.operations.reports import Reports
    from trustward.ports import Store
    from trustward.settings import Settings


class Operations(NamedTuple):
    """What people at the service do with what the engine finds."""

    duties: Duties
    cases: Cases
    closing: Closing
    queues: Queues
    bulk: Bulk
    reports: Reports
    gathering: Gathering


def regimes(settings: Settings) -> Regimes:
    """The clocks, calendars and queues in force: the shipped ones, and those of the service's own files.

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
    found = merged(parts)
    book = Book(found)
    for one in parts[1:]:
        for market in [*(source.market for source in one.calendars), *(clock.market for clock in one.clocks)]:
            book.calendar(market)
    return found


def book(settings: Settings) -> Book:
    """The clocks and calendars among them. Raises as :func:`regimes` does."""
    from trustward.operations.duties import Book

    return Book(regimes(settings))


def operations(settings: Settings, opened: Store) -> Operations:
    """All of them. Raises RegimeError, SettingsError."""
    import secrets

    from trustward.base.clock import SteadyClock
    from trustward.base.ids import new_id
    from trustward.base.units import parse_duration
    from trustward.bootstrap.service import delivering
    from trustward.model.report import Abuse
    from trustward.operations.bulk import Bulk
    from trustward.operations.cases import Cases
    from trustward.operations.closing import Closing
    from trustward.operations.duties import Book, Duties
    from trustward.operations.gathering import Gathering
    from trustward.operations.queues import Queues, Terms
    from trustward.operations.reports import Reports

    clock = SteadyClock()
    found = regimes(settings)
    owed = Duties(opened, Book(found), clock=clock, ids=new_id)
    cases = Cases(opened, found.queues, owed, clock=clock, ids=new_id)
    abuse = Abuse(
        hourly=settings.report_hourly,
        warn_at=settings.report_warn_at,
        suspend_at=settings.report_suspend_at,
        share=settings.report_right / 100,
        lasts_us=parse_duration(settings.report_suspension),
    )
    terms = Terms(
        lease_us=parse_duration(settings.case_lease),
        risk_us=parse_duration(settings.case_risk),
        exposure=settings.case_exposure,
        break_us=parse_duration(settings.case_break),
    )
    closing = Closing(cases, delivering(settings, opened), draw=secrets.SystemRandom().random, abuse=abuse)
    return Operations(
        duties=owed,
        cases=cases,
        closing=closing,
        queues=Queues(cases, terms),
        bulk=Bulk(cases, closing),
        reports=Reports(cases, clock=clock, ids=new_id, abuse=abuse),
        gathering=Gathering(cases),
    )


def chores(settings: Settings, opened: Store) -> tuple[Callable[[], int], ...]:
    """What a worker does again and again, because time or the journal asks for it."""
    made = operations(settings, opened)
    return made.duties.fire, made.gathering.gather, made.closing.tell


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
