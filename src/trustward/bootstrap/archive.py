"""Looking back from the command line: the archive, queries over it, and past decisions derived again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trustward.base.errors import NotFoundError, UsageError
from trustward.bootstrap.policies import catalogue, compiler
from trustward.bootstrap.service import store

if TYPE_CHECKING:
    from trustward.adapters.archive.query import Answer
    from trustward.adapters.store.opened import DatabaseStore
    from trustward.model.archived import ArchivedDay
    from trustward.model.journal import Found, Segment
    from trustward.model.stored import AuditRow
    from trustward.operations.archiving import Stopped
    from trustward.operations.auditing import Audited, Difference
    from trustward.operations.recovery import Replayer
    from trustward.operations.retelling import Retold
    from trustward.settings import Settings


def archive(settings: Settings, before: str | None, tell: Callable[[ArchivedDay], None]) -> Stopped:
    """Move every day to the archive that may be moved, before the day ``before``; each is told.

    Raises UsageError, StateError, StoreError.
    """
    from trustward.base.clock import now_us
    from trustward.operations.archiving import Archiving

    _day(before)
    with closing(store(settings, there=True)) as opened:
        story = Archiving(opened.journal, opened.archived, opened.snapshots, opened.shelf, now_us)
        return story.run(before, tell)


def check_archive(settings: Settings) -> list[tuple[ArchivedDay, Sequence[str]]]:
    """Every archived day, and what is wrong with its files."""
    with closing(store(settings, there=True)) as opened:
        return [(day, opened.shelf.check(day)) for day in opened.archived.days()]


@contextmanager
def query(settings: Settings, text: str) -> Iterator[Answer]:
    """The answer to a query over archived and live entries, as they were when it began.

    Raises UsageError, InputError.
    """
    from trustward.adapters.archive import query as asking
    from trustward.adapters.archive.shelf import write_rows
    from trustward.adapters.held import held_folder

    views = asking.wanted(text)
    with closing(store(settings, there=True)) as opened, held_folder() as folder:
        upto, head = opened.archived.upto(), opened.journal.head()
        days = [day for day in opened.archived.days() if day.last <= upto]
        live = _segments(opened, upto, head) if set(views) - {"actions"} else iter(())
        actions = [*opened.archived.actions(upto + 1, head), *opened.archived.actions(1, head, inverses=True)]
        rows = write_rows(folder, live, actions if "actions" in views else ())
        files = {
            name: [
                *[opened.shelf.path(day, name) for day in days if getattr(day, name)],
                *([folder / f"{name}.parquet"] if rows[name] else []),
            ]
            for name in views
        }
        answer = asking.ask(text, files, folder, settings.query_memory)
        yield answer


def _segments(opened: DatabaseStore, after: int, last: int) -> Iterator[Segment]:
    while after < last:
        for segment in opened.journal.read(after, min(8192, last - after)):
            if segment.first > last:
                return
            yield segment
            after = segment.last


def audit_replay(settings: Settings, day: str, start: int | None, tell: Callable[[Difference], None]) -> Audited:
    """Derive a day's decisions again; each that comes out otherwise is told. Raises UsageError, StateError."""
    from trustward.model.archived import DAY_US, start_of
    from trustward.operations.auditing import Auditing

    _day(day)
    with closing(store(settings, there=True)) as opened:
        story = Auditing(opened.journal, _replayer(settings, opened))
        first, last = story.span(start_of(day), start_of(day) + DAY_US)
        if last < first:
            raise NotFoundError(f"the journal has no entry of {day}", remedy="days are those of UTC")
        return story.replay(first, last, tell, start=start)


def audit_explain(settings: Settings, event_id: str) -> tuple[Found, Retold]:
    """A past decision, and how it came about. Raises NotFoundError, StateError."""
    from trustward.engine.state import FOREVER
    from trustward.model.removed import is_removed
    from trustward.operations.retelling import Retelling

    with closing(store(settings, there=True)) as opened:
        found = opened.journal.find([event_id]).get(event_id)
        if found is None:
            raise NotFoundError(f"no event has the id {event_id[:80]}", remedy="see how the id was written")
        if is_removed(found):
            raise NotFoundError(
                f"the event {event_id[:80]} was removed when its time was over",
                remedy=f"entry {found.seq} says which class it had",
            )
        retold = Retelling(opened, _replayer(settings, opened)).retell(found, FOREVER)
        assert retold is not None  # nothing is too far
        return found, retold


def audit_list(
    settings: Settings, *, actor: str, action: str, subject: str, begin: str, end: str, secret: bool, limit: int
) -> Sequence[AuditRow]:
    """Who did what to what, the newest first; or what of it an order keeps secret. UsageError for what is no time."""
    from trustward.base.units import parse_time
    from trustward.model.stored import AuditQuery

    try:
        from_us = parse_time(begin) if begin else -(2**62)
        to_us = parse_time(end) if end else 2**62
    except ValueError as fault:
        raise UsageError(f"no time: {fault}", remedy="write it like 2026-01-31T12:00:00Z") from fault
    query = AuditQuery(
        actor=actor, action=action, subject=subject, from_us=from_us, to_us=to_us, secret=True, hidden=secret
    )
    with closing(store(settings, there=True)) as opened:
        return opened.audit.find(query, None, limit)


def audit_index(settings: Settings, *, rebuild: bool) -> int:
    """Bring the index up to the journal's end, or make it anew; the last entry in it."""
    from trustward.bootstrap.service import indexing

    with closing(store(settings, there=True)) as opened:
        work = indexing(settings, opened)
        if rebuild:
            return work.rebuild()
        while work.step(rest=True) or opened.journal.head() > work.upto():
            pass
        return work.upto()


def _replayer(settings: Settings, opened: DatabaseStore) -> Replayer:
    from trustward.exchange.decode import EventDecoder
    from trustward.operations.recovery import Replayer

    known = catalogue([Path(name) for name in settings.catalogue])
    return Replayer(opened, EventDecoder(known), compiler(known), settings.skew_us)


def _day(text: str | None) -> None:
    from trustward.model.archived import start_of

    if text is not None:
        try:
            start_of(text)
        except ValueError as fault:
            raise UsageError(f"no such day: {text[:40]}", remedy="write it like 2026-01-31") from fault
