"""What an auditor has tried once more: what is left behind, taken back by side doors, or loses its clock on the way."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.operations.kit import DAY_US, HOUR_US, START_US
from tests.operations.orders_kit import Bench


@pytest.mark.parametrize("state", ["unable", "unclear"])
@pytest.mark.parametrize("how", ["withdrawn", "expired"])
def test_nothing_is_left_of_what_was_to_be_done_anew_and_could_not(
    how: str, state: Literal["unable", "unclear"]
) -> None:
    bench = Bench()
    order = bench.executed("a1", until_us=START_US + DAY_US)
    bench.dealing.ask(order.id, "kim", "for how long?")
    bench.dealing.vary(order.id, "kim", "for a week", until_us=START_US + 7 * DAY_US)
    bench.dealing.mark(order.id, "kim", 1, state, "the account is being moved")
    assert bench.in_force("a1") == ["suspend"]
    if how == "withdrawn":
        bench.dealing.withdraw(order.id, "kim", "a mistake", "Sgt Lim")
    else:
        bench.dealing.vary(order.id, "kim", "at once", until_us=START_US + HOUR_US)
        bench.time.on(2 * HOUR_US)
    bench.work()
    assert bench.in_force("a1") == []
    assert [one.state for one in bench.enforcing.of(order.cause)] == ["lifted"]
    assert bench.states(order.id) == ["lifted"]
