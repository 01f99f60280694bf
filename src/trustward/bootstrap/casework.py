"""What commands show of reports, cases and queues."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from trustward.bootstrap.operations import operations
from trustward.bootstrap.service import store

if TYPE_CHECKING:
    from trustward.exchange.case_view import BatchView, CasePageView, CaseView, QueueView, ReportView
    from trustward.model.case import State
    from trustward.settings import Settings


def list_cases(
    settings: Settings, *, queue: str, state: State | None, assigned: str, after: str, limit: int
) -> Sequence[CaseView]:
    """Cases by their ids. Raises NotFoundError for a queue that there is not."""
    from trustward.exchange.case_view import case_view
    from trustward.model.case import CaseQuery

    with closing(store(settings, there=True)) as opened:
        cases = operations(settings, opened).cases
        if queue:
            cases.queue(queue)
        found = cases.find(CaseQuery(queue=queue, state=state, assigned=assigned), after, limit)
        now_us = cases.clock()
        return [case_view(case, (), now_us) for case in found]


def show_case(settings: Settings, id: str) -> tuple[CaseView, Sequence[CasePageView]]:
    """A case and its file. Raises NotFoundError."""
    from trustward.exchange.case_view import case_view, pages_view

    with closing(store(settings, there=True)) as opened:
        cases = operations(settings, opened).cases
        found = cases.get(id)
        queue = cases.queues.get(found.queue)
        view = case_view(found, queue.checklist if queue is not None else (), cases.clock())
        return view, pages_view(found, cases.file(id))


def list_batches(settings: Settings, *, after: str, limit: int) -> Sequence[BatchView]:
    """Batches of cases, the latest first."""
    from trustward.exchange.case_view import batch_view

    with closing(store(settings, there=True)) as opened:
        return [batch_view(one) for one in operations(settings, opened).bulk.find(after, limit)]


def list_reports(settings: Settings, *, case: str, reporter: str, after: str, limit: int) -> Sequence[ReportView]:
    """The reports of a case, or of a sender. Raises UsageError, NotFoundError."""
    from trustward.base.errors import UsageError
    from trustward.exchange.case_view import report_view

    if bool(case) == bool(reporter):
        raise UsageError("the reports of what?", remedy="give --case or --reporter")
    if after and reporter:
        raise UsageError("--after goes with --case", remedy="raise --limit instead")
    with closing(store(settings, there=True)) as opened:
        made = operations(settings, opened)
        if case:
            made.cases.get(case)
            return [report_view(one) for one in made.reports.of_case(case, after, limit)]
        return [report_view(one) for one in opened.reports.by(reporter, limit)]


def show_report(settings: Settings, id: str) -> ReportView:
    """A report. Raises NotFoundError."""
    from trustward.exchange.case_view import report_view

    with closing(store(settings, there=True)) as opened:
        return report_view(operations(settings, opened).reports.get(id))


def list_queues(settings: Settings) -> Sequence[QueueView]:
    """How every queue is doing."""
    from trustward.base.units import format_time
    from trustward.exchange.case_view import QueueView

    with closing(store(settings, there=True)) as opened:
        return [
            QueueView(
                queue=one.queue,
                title=one.title,
                waiting=one.waiting,
                oldest=None if one.oldest_us is None else format_time(one.oldest_us),
            )
            for one in operations(settings, opened).queues.waiting()
        ]
