"""The nearest right name: what it finds, and that no input makes it slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustward.model.nearest import NameIndex, nearest

NAMES = ["amount", "account", "user_agent", "url", "ip", "message.sent", "payment_account"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("amonut", "amount"),
        ("Amount", "amount"),
        ("acount", "account"),
        ("userAgent", "user_agent"),
        ("user-agent", "user_agent"),
        ("message_sent", "message.sent"),
        ("mesage.send", "message.sent"),
        ("uri", "url"),
        ("IP", "ip"),
        ("id", None),
        ("colour", None),
        ("", None),
        ("___", None),
        ("a" * 1000, None),
        ("\ud800", None),
    ],
)
def test_nearest(wrong: str, right: str | None) -> None:
    assert nearest(wrong, NAMES) == right


@given(st.sampled_from(NAMES), st.integers(0, 20), st.characters())
def test_one_wrong_letter_in_a_long_name_is_found(name: str, at: int, letter: str) -> None:
    wrong = name[: at % len(name)] + letter + name[at % len(name) + 1 :]
    if len(name) >= 6:
        assert nearest(wrong, NAMES) is not None


def test_no_name_makes_it_slow() -> None:
    index = NameIndex(NAMES)
    began = time.process_time()
    for number in range(300):
        index.nearest("x" * 40 + str(number))
        index.nearest("y" * 1_000_000)
    assert time.process_time() - began < 3
