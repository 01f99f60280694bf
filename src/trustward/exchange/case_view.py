"""Cases and reports as callers read them: no known answer of a test, no first opinion before the second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from trustward.exchange.shown import each_shown, shown
from trustward.model.case import Batch, Case, CaseLease, CasePage, Decided, Outcome
from trustward.model.report import LegalNotice, Report

_HIDDEN = frozenset({"proposed", "disputed", "held"})


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


class BatchView(msgspec.Struct, frozen=True, kw_only=True):
    """A batch in short: who has planned, run and taken back what, when, and of how many cases how many were closed."""

    id: str
    at: str
    actor: str
    state: str
    verdict: str
    policy: str
    cases: int
    closed: int
    run_by: str
    run: str | None
    reversed_by: str
    reversed: str | None
    why: str


def _decided(one: Decided | None) -> DecidedView | None:
    return None if one is None else shown(DecidedView, one)


def case_view(case: Case, checklist: Sequence[str], now_us: int) -> CaseView:
    """A case as it stands at a time."""
    return shown(
        CaseView,
        case,
        overdue=case.state in {"open", "parked"} and case.due_us is not None and case.due_us < now_us,
        checklist=tuple(checklist),
        proposed=each_shown(DecidedView, case.proposed if len(case.proposed) > 1 else ()),
        decided=_decided(case.decided),
        reversed=_decided(case.reversed),
    )


def pages_view(case: Case, pages: Sequence[CasePage]) -> tuple[CasePageView, ...]:
    """A case's file; what a first reviewer thought is left out while a second one is wanted."""
    waits = case.state != "closed" and len(case.proposed) == 1
    hidden = {"actor": "", "said": "", "detail": {}}
    return tuple(shown(CasePageView, page, **(hidden if waits and page.what in _HIDDEN else {})) for page in pages)


def lease_view(lease: CaseLease) -> LeaseView:
    """A lease."""
    return shown(LeaseView, lease)


def report_view(report: Report) -> ReportView:
    """A report."""
    return shown(ReportView, report)


def batch_view(batch: Batch) -> BatchView:
    """A batch in short."""
    outcome = batch.outcome
    return shown(BatchView, batch, verdict=outcome.verdict, policy=outcome.policy, cases=len(batch.cases))
