"""The stories of operations, joined over one store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trustward.model.appeal import Appeal, AppealPage
    from trustward.model.clocks import Regimes
    from trustward.model.duty import Duty, DutyStep
    from trustward.model.enforcement import Measure
    from trustward.operations.appeals import Appeals
    from trustward.operations.bulk import Bulk
    from trustward.operations.cases import Cases
    from trustward.operations.closing import Closing
    from trustward.operations.dealing import Dealing
    from trustward.operations.directives import Directives
    from trustward.operations.duties import Book, Duties
    from trustward.operations.effort import Effort
    from trustward.operations.enforcing import Enforcing
    from trustward.operations.executing import Executing
    from trustward.operations.following import Following
    from trustward.operations.gathering import Gathering
    from trustward.operations.programmes import Programmes
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
    enforcing: Enforcing
    directives: Directives
    dealing: Dealing
    executing: Executing
    effort: Effort
    programmes: Programmes
    appeals: Appeals


def regimes(settings: Settings) -> Regimes:
    """The clocks, calendars and queues in force: the shipped ones, and those of the service's own files.

    Raises RegimeError for what is wrong in a file, SettingsError for one that cannot be read.
    """
    from trustward.base.errors import SettingsError
    from trustward.model.clocks import decode_regimes, merged, policy_tree, shipped_regimes
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
    policy_tree(found)
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
    from trustward.bootstrap.service import delivering
    from trustward.model.clocks import policy_tree
    from trustward.operations.appeals import Appeals
    from trustward.operations.bulk import Bulk
    from trustward.operations.cases import Cases
    from trustward.operations.closing import Closing
    from trustward.operations.dealing import Dealing
    from trustward.operations.directives import Directives
    from trustward.operations.duties import Book, Duties
    from trustward.operations.effort import Effort
    from trustward.operations.enforcing import Enforcing
    from trustward.operations.executing import Executing
    from trustward.operations.gathering import Gathering
    from trustward.operations.programmes import Programmes
    from trustward.operations.queues import Queues
    from trustward.operations.reports import Reports

    clock = SteadyClock()
    found = regimes(settings)
    owed = Duties(opened, Book(found), clock=clock, ids=new_id)
    cases = Cases(opened, found.queues, owed, clock=clock, ids=new_id)
    sending = delivering(settings, opened)
    enforcing = Enforcing(opened, policy_tree(found), owed, sending, ids=new_id)
    directives = Directives(opened, found.issuers, owed, clock=clock, ids=new_id)
    closing = Closing(cases, enforcing, draw=secrets.SystemRandom().random)
    return Operations(
        duties=owed,
        cases=cases,
        closing=closing,
        queues=Queues(cases),
        bulk=Bulk(cases, closing),
        reports=Reports(cases, clock=clock, ids=new_id),
        gathering=Gathering(cases),
        enforcing=enforcing,
        directives=directives,
        dealing=Dealing(directives),
        executing=Executing(directives, enforcing),
        effort=Effort(directives, enforcing, sending),
        programmes=Programmes(opened, owed, clock=clock, ids=new_id),
        appeals=Appeals(enforcing, closing),
    )


def following(settings: Settings, opened: Store, made: Operations) -> Following:
    """What follows from measures by itself. Raises CatalogueError."""
    from trustward.bootstrap.service import indexing
    from trustward.operations.following import Following
    from trustward.operations.searching import Searching

    index = indexing(settings, opened)
    return Following(made.enforcing, made.cases, Searching(opened, index))


def chores(settings: Settings, opened: Store) -> tuple[Callable[[], int], ...]:
    """What a worker does again and again, because time or the journal asks for it."""
    made = operations(settings, opened)
    after = following(settings, opened, made)
    return (
        made.duties.fire,
        made.gathering.gather,
        made.closing.tell,
        made.enforcing.expire,
        made.appeals.settle,
        after.follow,
        after.watch,
        made.executing.work,
        made.executing.follow,
    )


def list_duties(
    settings: Settings, *, subject: str, owner: str, breached: bool, every: bool, secret: bool, limit: int
) -> tuple[Sequence[Duty], int]:
    """Duties by what is due first, and the time at which they stand so."""
    from trustward.base.clock import now_us
    from trustward.bootstrap.service import store
    from trustward.model.duty import DutyQuery
    from trustward.operations.duties import STILL_OWED

    query = DutyQuery(
        states=() if every or breached else STILL_OWED,
        subject=subject,
        owner=owner,
        breached=True if breached else None,
        secret=secret,
    )
    with closing(store(settings)) as opened:
        return operations(settings, opened).duties.find(query, limit=limit), now_us()


def show_duty(settings: Settings, id: str, *, secret: bool) -> tuple[Duty, Sequence[DutyStep], int]:
    """A duty, its file, and the time at which it stands so. Raises NotFoundError."""
    from trustward.base.clock import now_us
    from trustward.base.errors import NotFoundError
    from trustward.bootstrap.service import store

    with closing(store(settings)) as opened:
        story = operations(settings, opened).duties
        found = story.get(id)
        if found.secret and not secret:
            raise NotFoundError(f"there is no duty {id[:80]}", remedy="trustward duties list lists all")
        return found, story.file(id), now_us()


def list_measures(settings: Settings, *, cause: str, entity: str, secret: bool) -> Sequence[Measure]:
    """Measures by what for, or on whom (kind and id, with a colon)."""
    from trustward.bootstrap.service import store

    with closing(store(settings)) as opened:
        story = operations(settings, opened).enforcing
        kind, _, name = entity.partition(":")
        found = story.of(cause) if cause else story.on(kind, name)
        return [one for one in found if secret or not one.secret]


def show_measure(settings: Settings, id: str, *, secret: bool) -> Measure:
    """A measure. Raises NotFoundError."""
    from trustward.base.errors import NotFoundError
    from trustward.bootstrap.service import store

    with closing(store(settings)) as opened:
        found = operations(settings, opened).enforcing.get(id)
        if found.secret and not secret:
            raise NotFoundError(f"there is no measure {id[:80]}", remedy="trustward measures list finds them")
        return found


def list_appeals(settings: Settings, *, every: bool, account: str, limit: int) -> tuple[Sequence[Appeal], int]:
    """Appeals by what is due first, and the time at which they stand so."""
    from trustward.base.clock import now_us
    from trustward.bootstrap.service import store

    with closing(store(settings)) as opened:
        story = operations(settings, opened).appeals
        return story.find(None if every else "received", account=account, limit=limit), now_us()


def show_appeal(settings: Settings, id: str) -> tuple[Appeal, Sequence[AppealPage], int]:
    """An appeal, its file, and the time at which it stands so. Raises NotFoundError."""
    from trustward.base.clock import now_us
    from trustward.bootstrap.service import store

    with closing(store(settings)) as opened:
        story = operations(settings, opened).appeals
        return story.get(id), story.pages(id), now_us()
