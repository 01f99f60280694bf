"""Cases and reports as callers read them: no known answer of a test, no first opinion before the second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from trustward.base.units import format_time
from trustward.model.case import Case, CaseLease, CasePage, Decided, Outcome
from trustward.model.report import LegalNotice, Report

_HIDDEN = frozenset({"proposed", "disputed"})


class DecidedView(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome, by whom, when."""

    reviewer: str
    at: str
    outcome: Outcome


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it stands. ``proposed`` are the outcomes that reviewers did not agree on."""

    id: str
    state: str
    queue: str
    kind: str
    entity: str
    category: str
    market: str
    entities: tuple[tuple[str, str], ...]
    opened: str
    due: str | None
    overdue: bool
    harm: int
    reach: int
    reports: int
    weight: float
    decisions: tuple[int, ...]
    assigned: str
    level: int
    ticked: tuple[str, ...]
    checklist: tuple[str, ...]
    links: tuple[str, ...]
    merged: tuple[str, ...]
    into: str
    proposed: tuple[DecidedView, ...]
    decided: DecidedView | None
    reversed: DecidedView | None
    batch: str
    duty: str


class CasePageView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a case's file."""

    number: int
    at: str
    what: str
    actor: str
    said: str
    party: bool
    detail: dict[str, Any]


class LeaseView(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a case, until when."""

    reviewer: str
    until: str


class ReportView(msgspec.Struct, frozen=True, kw_only=True):
    """A report. ``id`` is the receipt number."""

    id: str
    at: str
    channel: str
    reporter: str
    category: str
    kind: str
    entity: str
    text: str
    refs: tuple[str, ...]
    notice: LegalNotice | None
    market: str
    case: str
    weight: float
    state: str
    why: str
    result: str | None
    told: str | None
    duty: str


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """How a queue is doing: how many cases wait, since when."""

    queue: str
    title: str
    waiting: int
    oldest: str | None


def _decided(one: Decided | None) -> DecidedView | None:
    return None if one is None else DecidedView(reviewer=one.reviewer, at=format_time(one.at_us), outcome=one.outcome)


def case_view(case: Case, checklist: Sequence[str], now_us: int) -> CaseView:
    """A case as it stands at a time."""
    disputed = case.proposed if len(case.proposed) > 1 else ()
    return CaseView(
        id=case.id,
        state=case.state,
        queue=case.queue,
        kind=case.kind,
        entity=case.entity,
        category=case.category,
        market=case.market,
        entities=case.entities,
        opened=format_time(case.opened_us),
        due=None if case.due_us is None else format_time(case.due_us),
        overdue=case.state in {"open", "parked"} and case.due_us is not None and case.due_us < now_us,
        harm=case.harm,
        reach=case.reach,
        reports=case.reports,
        weight=case.weight,
        decisions=case.decisions,
        assigned=case.assigned,
        level=case.level,
        ticked=case.ticked,
        checklist=tuple(checklist),
        links=case.links,
        merged=case.merged,
        into=case.into,
        proposed=tuple(view for view in map(_decided, disputed) if view is not None),
        decided=_decided(case.decided),
        reversed=_decided(case.reversed),
        batch=case.batch,
        duty=case.duty,
    )


def pages_view(case: Case, pages: Sequence[CasePage]) -> tuple[CasePageView, ...]:
    """A case's file; what a first reviewer thought is left out while a second one is wanted."""
    waits = case.state != "closed" and len(case.proposed) == 1
    return tuple(
        CasePageView(
            number=page.number,
            at=format_time(page.at_us),
            what=page.what,
            actor="" if waits and page.what in _HIDDEN else page.actor,
            said="" if waits and page.what in _HIDDEN else page.said,
            party=page.party,
            detail={} if waits and page.what in _HIDDEN else page.detail,
        )
        for page in pages
    )


def lease_view(lease: CaseLease) -> LeaseView:
    """A lease."""
    return LeaseView(reviewer=lease.reviewer, until=format_time(lease.until_us))


def report_view(report: Report) -> ReportView:
    """A report."""
    return ReportView(
        id=report.id,
        at=format_time(report.at_us),
        channel=report.channel,
        reporter=report.reporter,
        category=report.category,
        kind=report.kind,
        entity=report.entity,
        text=report.text,
        refs=report.refs,
        notice=report.notice,
        market=report.market,
        case=report.case,
        weight=report.weight,
        state=report.state,
        why=report.why,
        result=report.result,
        told=None if report.told_us is None else format_time(report.told_us),
        duty=report.duty,
    )
