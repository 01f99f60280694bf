"""What every screener must do, whichever there are: these checks find them by themselves."""

from __future__ import annotations

import re
import socket
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustward.model.signal import Signal
from trustward.screening.screeners import Screener, screeners

ALL = screeners()
DOCS = Path(__file__).resolve().parents[2] / "docs" / "models"
TEXTS = st.text(st.characters(), max_size=300)
HOSTILE = (
    "",
    " ",
    "\0",
    "\ud800 lone \udfff",
    "a" * 10_000_000,
    "." * 300_000,
    "@" * 300_000,
    "9" * 300_000,
    "http://a.example/x " * 100_000,
    "http://" * 50_000,
    "%25" * 100_000,
    "a\u0301" * 100_000,
    "\u202e\u200b\ufeff" * 50_000,
    "&" * 100_000 + ";",
    "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF),
    "x. " * 100_000,
    "f r e e " * 50_000,
    "1 2 3 4 5 6 7 8 " * 20_000,
    "{'[(<" * 50_000,
)


@pytest.fixture(params=sorted(ALL), autouse=False)
def screener(request: pytest.FixtureRequest) -> Screener:
    return ALL[request.param]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a screener asked the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def value_of(screener: Screener, text: str) -> Any:
    """A text as a value of the screener: alone, or in each of its fields of text."""
    if not screener.fields:
        return text
    return {name: text if kind == "text" else 12.5 for name, kind in screener.fields.items()}


def check(screener: Screener, signal: Signal) -> None:
    """A signal is what it says that it is."""
    assert isinstance(signal, Signal)
    assert 0.0 <= signal.score <= 1.0
    assert signal.score == signal.score
    assert signal.verdict in ("ok", "suspicious", "harmful")
    assert signal.version
    assert all(isinstance(reason, str) and 0 < len(reason) <= 200 for reason in signal.reasons)
    assert all(kind and entity for kind, entity in signal.entities)
    assert len(signal.entities) <= 200
    assert signal.category in (*screener.categories, "", "none")


def test_there_are_screeners_for_every_kind_of_value() -> None:
    assert {"link", "text", "listing", "phone", "email", "merchant", "address", "agent"} <= set(ALL)


def test_its_examples_hold(screener: Screener) -> None:
    assert screener.harmless
    assert screener.harmful
    for value in screener.harmless:
        assert screener.screen(value).verdict == "ok", (value, screener.screen(value))
    for value in screener.harmful:
        signal = screener.screen(value)
        assert signal.verdict != "ok", (value, signal)
        assert signal.reasons


def test_it_has_a_model_card(screener: Screener) -> None:
    cards = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    assert re.search(rf"`{screener.name}`|trustward screen {screener.name}", cards), screener.name


@given(text=TEXTS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_screened_the_same_every_time(screener: Screener, text: str) -> None:
    value = value_of(screener, text)
    first = screener.screen(value)
    check(screener, first)
    assert screener.screen(value) == first


@given(texts=st.lists(TEXTS, max_size=12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_are_screened_like_one_by_one(screener: Screener, texts: list[str]) -> None:
    values = [*screener.harmful, *(value_of(screener, text) for text in texts), *screener.harmless]
    assert screener.screen_many(values) == [screener.screen(value) for value in values]
    assert screener.screen_many([]) == []


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_it_survives(screener: Screener, number: int) -> None:
    value = value_of(screener, HOSTILE[number])
    signal = screener.screen(value)
    check(screener, signal)
    assert screener.screen_many([value]) == [signal]


def test_reasons_hold_no_personal_data(screener: Screener) -> None:
    text = "Call Anna Tan 91234567 or +6591234567, anna.tan@mail.example, IBAN DE89370400440532013000, 4111111111111111"
    reasons = " ".join(screener.screen(value_of(screener, text)).reasons)
    for secret in ("91234567", "anna", "Anna", "Tan", "DE89", "4111111111111111"):
        assert secret not in reasons


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_it_is_stable_under_normalising(screener: Screener, form: Any) -> None:
    for value in (*screener.harmful, *screener.harmless):
        if isinstance(value, str):
            assert screener.screen(unicodedata.normalize(form, value)).score == screener.screen(value).score
    text = "Прошу été đặt ゲーム 가나다 เงิน ﬁne ①②③ ﷺ Ａｃｃｏｕｎｔ é.example"
    composed = value_of(screener, unicodedata.normalize("NFC", text))
    assert (
        screener.screen(composed).score == screener.screen(value_of(screener, unicodedata.normalize(form, text))).score
    )
