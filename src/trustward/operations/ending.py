"""What ends a duty that belongs to a record: the record's own step, and nobody's word beside it."""

from __future__ import annotations

from trustward.base.errors import StepError
from trustward.model.duty import Duty, first_period
from trustward.ports import Store

_STEPS = {
    "order": "a step of the order ends it (tell, report), or withdraws or rejects the order",
    "programme": "attest the item, tell the progress, or withdraw the programme",
    "case": "close the case",
    "report": "close the case of the report: who sent it is told then",
    "appeal": "decide the appeal, or withdraw it",
}


def check_by_hand(store: Store, duty: Duty) -> None:
    """Raise StepError for a duty that a record's own steps end: a word beside it would say that it was done.

    What an order leaves to a person (``by_hand``), such as a hold, and whatever was opened by hand, ends by that.
    """
    what, _, name = duty.subject.partition(":")
    if not duty.ended and what in _STEPS and first_period(duty.id) in _mine(store, what, name):
        raise StepError(f"the duty {duty.id} belongs to {duty.subject[:80]}: it ends with that", remedy=_STEPS[what])


def _mine(store: Store, what: str, name: str) -> set[str]:
    """The duties that a record's own steps end, as long as it can take them."""
    match what:
        case "order":
            order = store.orders.get(name)
            if order is None or order.ended:
                return set()
            return {one.duty for one in order.duties if one.role != "by_hand"}
        case "programme":
            programme = store.orders.programme(name)
            if programme is None or programme.state != "open":
                return set()
            return {item.duty for item in programme.items} | {one.duty for one in programme.progress}
        case "case":
            case = store.cases.get(name)
            while case is not None and case.into:
                case = store.cases.get(case.into)
            return {case.duty} if case is not None and case.state in {"open", "parked"} else set()
        case "report":
            report = store.reports.get(name)
            return {report.duty} if report is not None and report.told_us is None else set()
    appeal = store.appeals.get(name)
    return {appeal.duty} if appeal is not None and appeal.state == "received" else set()
