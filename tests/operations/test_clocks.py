from __future__ import annotations

from pathlib import Path

import pytest

from tests.operations.kit import book_of
from trustward import bootstrap
from trustward.base.errors import RegimeError, SettingsError
from trustward.model.clocks import KINDS, NEEDS, decode_regimes, merged, shipped_regimes
from trustward.model.regimes import load_obligations
from trustward.model.spans import parse_span
from trustward.operations.duties import Book
from trustward.settings import Settings

FINE = '[[clocks]]\nid = "x"\nkind = "duration"\ntitle = "X"\nwithin = "24h"\n'


def test_the_shipped_ones_are_whole() -> None:
    shipped = shipped_regimes()
    book = Book(shipped)
    assert len(book.clocks) == len(shipped.clocks)
    assert {clock.kind for clock in shipped.clocks} == set(KINDS) == set(NEEDS)
    for clock in shipped.clocks:
        assert clock.source, clock.id
        assert not clock.obligation or clock.obligation in load_obligations(), clock.id
        assert clock.title
        assert book.calendar(clock.market)
    for source in shipped.calendars:
        assert book.calendar(source.market).market == source.market


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clocks = 1", "array"),
        ("[[clocks]", "not TOML"),
        (FINE + "extra = 1", "extra"),
        (FINE.replace("24h", "soon"), "the clock x: not a span"),
        (FINE.replace('within = "24h"\n', ""), "the clock x: a duration needs within"),
        (FINE + 'event = "e"', "a duration has no event"),
        (FINE + 'remind = ["1d"]', "not a span"),
        (FINE + 'escalate = [{ to = "a" }]', "before or after"),
        (FINE + 'escalate = [{ to = "a", before = "1h", after = "1h" }]', "before or after"),
        (FINE.replace("duration", "hour"), "Invalid enum value 'hour'"),
        (FINE.replace('"x"', '"x y"'), "id"),
        ('[[clocks]]\nid = "x"\nkind = "hold"\ntitle = "X"', "a hold needs least or most"),
        ('[[clocks]]\nid = "x"\nkind = "order"\ntitle = "X"\nwithin = "1h"', "an order has no within"),
        ('[[clocks]]\nid = "x"\nkind = "periodic"\ntitle = "X"\nevery = "0 days"', "no length"),
        (
            FINE.replace("duration", "dates").replace(
                'within = "24h"', 'dates = [{name="a",by=2026-01-01}, {name="a",by=2026-02-01}]'
            ),
            "same name",
        ),
        ('[[calendars]]\nmarket = "sg"\nzone = "UTC"', "market"),
    ],
)
def test_what_is_wrong_in_a_file(text: str, said: str) -> None:
    with pytest.raises(RegimeError) as fault:
        decode_regimes(text, "mine.toml")
    assert fault.value.message.startswith("mine.toml: ")
    assert said in fault.value.message
    assert fault.value.remedy


def test_files_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[[clocks]]\nid = "order"\nkind = "order"\ntitle = "Ours"\n'
        '[[calendars]]\nmarket = "SG"\nzone = "Asia/Singapore"\nclosed = [2026-01-02]\n',
        encoding="utf-8",
    )
    book = bootstrap.book(Settings(regimes=(str(file),)))
    assert book.clock("order").title == "Ours"
    assert book.clock("SG-OCC-10").title
    file.write_text('[[calendars]]\nmarket = "SG"\nzone = "Asia/Nowhere"\n', encoding="utf-8")
    with pytest.raises(RegimeError, match="Asia/Nowhere"):
        bootstrap.book(Settings(regimes=(str(file),)))
    file.write_text('[[calendars]]\nmarket = "SG"\nzone = "UTC"\nholidays = "ZZ"\n', encoding="utf-8")
    with pytest.raises(RegimeError, match="ZZ"):
        bootstrap.book(Settings(regimes=(str(file),)))
    with pytest.raises(SettingsError, match=r"gone\.toml"):
        bootstrap.book(Settings(regimes=(str(tmp_path / "gone.toml"),)))


def test_names_that_nobody_knows() -> None:
    book = book_of()
    with pytest.raises(RegimeError, match="SG-OCC-99") as fault:
        book.clock("SG-OCC-99")
    assert "did you mean SG-OCC-" in fault.value.remedy
    with pytest.raises(RegimeError, match="XX"):
        book.calendar("XX")


def test_later_files_win() -> None:
    one, two = decode_regimes(FINE, "a"), decode_regimes(FINE.replace("24h", "2h"), "b")
    assert [clock.within for clock in merged([one, two]).clocks] == ["2h"]
    assert parse_span("2h").length == 7_200_000_000
