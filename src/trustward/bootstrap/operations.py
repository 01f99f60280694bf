"""The stories of operations, joined over one store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from trustward.exchange.evidence import SigningKey
    from trustward.model.appeal import Appeal, AppealPage
    from trustward.model.clocks import Regimes
    from trustward.model.duty import Duty, DutyStep
    from trustward.model.enforcement import Measure
    from trustward.operations.appeals import Appeals
    from trustward.operations.bulk import Bulk
    from trustward.operations.bundling import Bundling, Rules
    from trustward.operations.cases import Cases
    from trustward.operations.closing import Closing
    from trustward.operations.clues import Clues
    from trustward.operations.dealing import Dealing
    from trustward.operations.directives import Directives
    from trustward.operations.duties import Book, Duties
    from trustward.operations.effort import Effort
    from trustward.operations.enforcing import Enforcing
    from trustward.operations.executing import Executing
    from trustward.operations.following import Following
    from trustward.operations.gathering import Frauds, Gathering
    from trustward.operations.holds import Holds, Links
    from trustward.operations.keeping import Keeping
    from trustward.operations.programmes import Programmes
    from trustward.operations.queues import Queues
    from trustward.operations.reports import Reports
    from trustward.operations.requests import Requests
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
    holds: Holds
    clues: Clues
    requests: Requests
    enforcing: Enforcing
    directives: Directives
    dealing: Dealing
    executing: Executing
    effort: Effort
    programmes: Programmes
    appeals: Appeals
    keeping: Keeping


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
    from trustward.base.units import parse_duration
    from trustward.bootstrap.service import delivering
    from trustward.model.clocks import policy_tree
    from trustward.model.report import Abuse
    from trustward.operations.appeals import Appeals
    from trustward.operations.bulk import Bulk
    from trustward.operations.cases import Cases
    from trustward.operations.closing import Closing
    from trustward.operations.clues import Clues
    from trustward.operations.dealing import Dealing
    from trustward.operations.directives import Directives
    from trustward.operations.duties import Book, Duties
    from trustward.operations.effort import Effort
    from trustward.operations.enforcing import Enforcing
    from trustward.operations.executing import Executing
    from trustward.operations.gathering import Gathering
    from trustward.operations.holds import Holds
    from trustward.operations.keeping import Keeping
    from trustward.operations.programmes import Programmes
    from trustward.operations.queues import Queues, Terms
    from trustward.operations.reports import Reports
    from trustward.operations.requests import Requests

    clock = SteadyClock()
    found = regimes(settings)
    owed = Duties(opened, Book(found), clock=clock, ids=new_id)
    cases = Cases(opened, found.queues, owed, clock=clock, ids=new_id)
    evidence = bundling(settings, opened)
    sending = delivering(settings, opened)
    enforcing = Enforcing(opened, policy_tree(found), owed, sending, ids=new_id)
    directives = Directives(opened, found.issuers, owed, clock=clock, ids=new_id)
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
    clues = Clues(cases, evidence, found.authorities, clock=clock, ids=new_id)
    holds = Holds(opened, owed, clock=clock, ids=new_id, links=links(settings, opened))
    draw = secrets.SystemRandom().random
    closing = Closing(cases, enforcing, draw=draw, abuse=abuse, owed=clues.to_owe, holding=holds.to_place)
    return Operations(
        duties=owed,
        cases=cases,
        closing=closing,
        queues=Queues(cases, terms),
        bulk=Bulk(cases, closing),
        reports=Reports(cases, clock=clock, ids=new_id, abuse=abuse),
        gathering=Gathering(cases, frauds_of(opened), {one.fraud: one.category for one in found.frauds}),
        holds=holds,
        clues=clues,
        requests=Requests(opened, owed, evidence, clock=clock, ids=new_id),
        enforcing=enforcing,
        directives=directives,
        dealing=Dealing(directives),
        executing=Executing(directives, enforcing),
        effort=Effort(directives, enforcing, sending),
        programmes=Programmes(opened, owed, clock=clock, ids=new_id),
        appeals=Appeals(enforcing, closing),
        keeping=Keeping(directives),
    )


def bundling(settings: Settings, opened: Store) -> Bundling:
    """What puts evidence together. Its key is read when it is first needed."""
    from trustward.base.clock import now_us
    from trustward.bootstrap.service import indexing
    from trustward.operations.bundling import Bundling
    from trustward.operations.searching import Searching

    return Bundling(
        opened,
        lambda: Searching(opened, indexing(settings, opened)),
        _rules(settings, opened),
        lambda: evidence_key(settings),
        limit=settings.evidence_mb << 20,
        clock=now_us,
    )


def evidence_key(settings: Settings) -> SigningKey:
    """The key that evidence is signed with; made if the settings name none. Raises SettingsError."""
    from trustward.adapters.evidence_key import KEY_FILE, signing_key

    own = settings.evidence_key
    return signing_key(Path(own) if own else Path(settings.data) / KEY_FILE, make=not own)


def _rules(settings: Settings, opened: Store) -> Rules:
    """What tells the rules of a stored policy."""
    from functools import lru_cache

    from trustward.base.errors import TrustwardError
    from trustward.bootstrap.policies import catalogue, compiler

    @lru_cache(maxsize=8)
    def rules(hash: str) -> dict[str, dict[str, Any]]:
        stored = opened.policies.get(hash)
        if stored is None:
            return {}
        try:
            policy = compiler(catalogue([Path(name) for name in settings.catalogue]))(stored)
        except TrustwardError:
            return {}  # of a catalogue that this process does not have: the decision has its reasons all the same
        return {
            rule.id: {
                "when": " ".join(rule.when_text.split()),
                "then": list(rule.actions_text),
                "fraud": rule.fraud,
                "owner": rule.owner,
                "answers": list(rule.answers),
            }
            for rule in policy.rules
        }

    return rules


def frauds_of(opened: Store) -> Frauds:
    """What tells which kinds of fraud the rules of a stored policy are after."""
    from functools import lru_cache

    @lru_cache(maxsize=8)
    def known(hash: str) -> dict[str, str]:
        from trustward.policy.frauds import frauds
        from trustward.policy.source import Source

        stored = opened.policies.get(hash)
        return {} if stored is None else frauds(Source(name, text) for name, text in stored.sources)

    return known


def links(settings: Settings, opened: Store) -> Links:
    """What finds the entities that took part in the same events as one."""

    def met(kind: str, entity: str) -> list[tuple[str, str]]:
        from trustward.bootstrap.service import indexing
        from trustward.operations.searching import Searching

        found = Searching(opened, indexing(settings, opened)).links(kind, entity)
        return [(one.kind, one.id) for one in found.met]

    return met


def following(settings: Settings, opened: Store, made: Operations) -> Following:
    """What follows from measures by itself. Raises CatalogueError."""
    from trustward.bootstrap.service import indexing
    from trustward.operations.following import Following
    from trustward.operations.searching import Searching

    index = indexing(settings, opened)
    return Following(made.enforcing, made.cases, Searching(opened, index))


def chores(settings: Settings, opened: Store) -> tuple[Callable[[], int], ...]:
    """What a worker does again and again, because time or the journal asks for it."""
    from trustward.bootstrap.retention import retaining
    from trustward.operations.daily import Daily

    made = operations(settings, opened)
    after = following(settings, opened, made)
    story, _ = retaining(settings, opened)
    removing = (Daily(story).tend,) if story.ends() else ()
    return (
        made.duties.fire,
        made.gathering.gather,
        made.closing.tell,
        made.holds.tend,
        made.enforcing.expire,
        made.appeals.settle,
        after.follow,
        after.watch,
        made.executing.work,
        made.executing.follow,
        *removing,
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
    with closing(store(settings, there=True)) as opened:
        return operations(settings, opened).duties.find(query, limit=limit), now_us()


def show_duty(settings: Settings, id: str, *, secret: bool) -> tuple[Duty, Sequence[DutyStep], int]:
    """A duty, its file, and the time at which it stands so. Raises NotFoundError."""
    from trustward.base.clock import now_us
    from trustward.base.errors import NotFoundError
    from trustward.bootstrap.service import store

    with closing(store(settings, there=True)) as opened:
        story = operations(settings, opened).duties
        found = story.get(id)
        if found.secret and not secret:
            raise NotFoundError(f"there is no duty {id[:80]}", remedy="trustward duties list lists all")
        return found, story.file(id), now_us()


def list_measures(settings: Settings, *, cause: str, entity: str, secret: bool) -> Sequence[Measure]:
    """Measures by what for, or on whom (kind and id, with a colon)."""
    from trustward.bootstrap.service import store

    with closing(store(settings, there=True)) as opened:
        story = operations(settings, opened).enforcing
        kind, _, name = entity.partition(":")
        found = story.of(cause) if cause else story.on(kind, name)
        return [one for one in found if secret or not one.secret]


def show_measure(settings: Settings, id: str, *, secret: bool) -> Measure:
    """A measure. Raises NotFoundError."""
    from trustward.base.errors import NotFoundError
    from trustward.bootstrap.service import store

    with closing(store(settings, there=True)) as opened:
        found = operations(settings, opened).enforcing.get(id)
        if found.secret and not secret:
            raise NotFoundError(f"there is no measure {id[:80]}", remedy="trustward measures list finds them")
        return found


def list_appeals(settings: Settings, *, every: bool, account: str, limit: int) -> tuple[Sequence[Appeal], int]:
    """Appeals by what is due first, and the time at which they stand so."""
    from trustward.base.clock import now_us
    from trustward.bootstrap.service import store

    with closing(store(settings, there=True)) as opened:
        story = operations(settings, opened).appeals
        return story.find(None if every else "received", account=account, limit=limit), now_us()


def show_appeal(settings: Settings, id: str) -> tuple[Appeal, Sequence[AppealPage], int]:
    """An appeal, its file, and the time at which it stands so. Raises NotFoundError."""
    from trustward.base.clock import now_us
    from trustward.bootstrap.service import store

    with closing(store(settings, there=True)) as opened:
        story = operations(settings, opened).appeals
        return story.get(id), story.pages(id), now_us()
