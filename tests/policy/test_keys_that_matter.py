"""Costly keys are made only for the events for which they matter, and nothing that is decided shows it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.kit import event, policy, rule
from trustward.engine.engine import Engine
from trustward.model.decision import Fault
from trustward.policy import Policy
from trustward.screening.functions import Function

_NOW = 1_800_000_000_000_000
_KEYED = 'distinct(event.recipient, by=slow(event.text), within="1h", of="message.sent", where=event.first_contact)'


def made(when: str, asked: Counter[str], more: str = "") -> Policy:
    """A policy with one rule and a costly key that fails on the text ``boom``."""

    def slow(text: str) -> str:
        asked[text] += 1
        if text == "boom":
            raise RuntimeError
        return text[:1]

    function = Function(
        name="slow", arguments=(("text", "text"),), result="text", call=slow, cost=10.0, about="x", example="x"
    )
    return policy(f"told = {_KEYED}\n" + rule(when) + more, functions=[function])


def sent(one: Policy, number: int, text: str | None, first: bool | None) -> Any:  # noqa: FBT001 - a field's value
    return event(
        one,
        id=f"e{number}",
        time=f"2026-01-05T10:{number // 60 % 60:02}:{number % 60:02}Z",
        sender="a",
        recipient=f"b{number}",
        text=text,
        first_contact=first,
    )


def test_keys_are_made_where_they_are_fed_or_looked_at() -> None:
    asked: Counter[str] = Counter()
    one = made("event.first_contact and told > 2", asked)
    asked.clear()
    events = [sent(one, number, f"t{number}", number % 4 == 0) for number in range(40)]
    program = one.types["message.sent"]
    texts, _, _ = program.columns(events)
    assert ["t" if number % 4 == 0 else "" for number in range(40)] in texts
    assert sum(asked.values()) == 10
    texts, _, _ = program.columns(events, None, {1, 2})
    assert [number for number, key in enumerate(next(column for column in texts if "" in column)) if key][:4] == [
        0,
        1,
        2,
        4,
    ]


@pytest.mark.parametrize(
    ("when", "more"),
    [
        ("told > 2", ""),
        ("event.first_contact or told > 2", ""),
        ("labelled(event.sender, 'x') and told > 2", ""),
        ("event.first_contact and told > 2", "export(told)\n"),
    ],
)
def test_keys_are_made_for_all_where_nothing_cheap_says_that_they_do_not_matter(when: str, more: str) -> None:
    asked: Counter[str] = Counter()
    one = made(when, asked, more)
    asked.clear()
    one.types["message.sent"].columns([sent(one, number, "t", number % 4 == 0) for number in range(40)])
    assert asked["t"] == 40


@given(
    st.lists(
        st.tuples(st.sampled_from(["ab", "b", "boom", None]), st.sampled_from([True, False, None])),
        min_size=20,
        max_size=60,
    ),
    st.sets(st.integers(0, 59), max_size=6),
)
def test_many_are_decided_as_one_by_one(rows: list[tuple[str | None, bool | None]], broken: set[int]) -> None:
    one = made("event.first_contact and told > 2", Counter())
    events = [sent(one, number, text, first) for number, (text, first) in enumerate(rows)]
    faults = {at: (Fault(path="$.first_contact", cause="not a flag"),) for at in broken if at < len(events)}
    single = Engine(one)
    expected = [single.decide(each, faults.get(at, ()), now_us=_NOW) for at, each in enumerate(events)]
    found = Engine(one).decide_batch(events, faults, now_us=_NOW, every=True, features=True)
    assert [decision for _, decision in found.decisions] == expected
