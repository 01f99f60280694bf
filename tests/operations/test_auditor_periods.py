"""What an auditor has tried with clocks that come again and again: an order's periods end with the order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.kit import DAY_US
from tests.operations.orders_kit import Bench
from tests.operations.test_programmes import NOTICE
from trustward.base.errors import StepError, UsageError
from trustward.model.clocks import Clock, Regimes, merged, shipped_regimes
from trustward.model.directive import Directive
from trustward.operations.directives import ClockWanted
from trustward.operations.duties import Book
from trustward.operations.ending import check_by_hand
from trustward.operations.programmes import ItemWanted

WEEKLY = Clock(id="weekly", kind="periodic", title="Progress", every="7 days", pausable=True, extendable=True)


def ordered(bench: Bench, **fields: Any) -> Directive:
    bench.duties.book = Book(merged([shipped_regimes(), Regimes(clocks=(WEEKLY,))]))
    return bench.accepted("a1", clocks=(ClockWanted(clock="weekly", role="progress"),), **fields)


def periods(bench: Bench, order: Directive) -> list[str]:
    return [duty.state for duty in bench.duties.periods(order.duties[0].duty)]


@pytest.mark.parametrize("how", ["withdrawn", "expired"])
def test_each_period_is_ended_by_its_letter_and_the_last_by_the_end_of_the_order(how: str) -> None:
    bench = Bench()
    order = ordered(bench, until_us=bench.time() + 30 * DAY_US)
    for week in range(2):
        bench.time.on(5 * DAY_US)
        bench.dealing.tell(order.id, "kim", "progress", f"week {week}")
    assert periods(bench, order) == ["done", "done", "open"]
    bench.dealing.ask(order.id, "kim", "weekly still?")
    assert periods(bench, order) == ["done", "done", "paused"]
    bench.dealing.clarified(order.id, "kim", "yes")
    last = bench.duties.periods(order.duties[0].duty)[-1]
    with pytest.raises(StepError, match="it ends with that"):
        check_by_hand(bench.store, last)
    until_us = (last.due_us or 0) + DAY_US
    bench.dealing.extend(order.id, "kim", last.id, until_us=until_us, authority="Sgt Lim", reason="a holiday")
    assert [one["duty"]["state"] for one in bench.effort.document(order.id)["clocks"]] == ["done", "done", "open"]
    if how == "withdrawn":
        bench.dealing.withdraw(order.id, "kim", "over", "Sgt Lim")
    else:
        bench.dealing.vary(order.id, "kim", "shorter", until_us=bench.time() + DAY_US)
        bench.time.on(2 * DAY_US)
        bench.work()
    assert periods(bench, order) == ["done", "done", "cancelled"]
    bench.time.on(60 * DAY_US)
    assert bench.duties.fire() == 0


def test_what_was_missed_is_told_before_what_is_due_next() -> None:
    bench = Bench()
    order = ordered(bench)
    bench.time.on(8 * DAY_US)
    bench.duties.fire()
    assert periods(bench, order) == ["open", "open"]
    bench.dealing.tell(order.id, "kim", "progress", "late")
    assert periods(bench, order) == ["done", "open"]
    bench.dealing.withdraw(order.id, "kim", "over", "Sgt Lim")
    assert periods(bench, order) == ["done", "cancelled"]


def test_a_finding_has_no_periods() -> None:
    bench = Bench()
    wrong = ItemWanted(title="weekly", obligation="SG-OCC-3", clock="SG-OCC-10")
    notice = bench.programmes.open(NOTICE, "kim")
    with pytest.raises(UsageError, match="or periods"):
        bench.programmes.add(notice.id, "kim", wrong)
