"""The page on events: its reference is the catalogue's, and what it says of the code is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from tests.events.lines import CATALOGUE
from trustward.adapters.files import _PACKED, _SUFFIXES
from trustward.cli.events_page import inserted, render
from trustward.exchange.decode import LINE_LIMIT, EventDecoder
from trustward.exchange.diagnose import DEPTH_LIMIT, FAULT_LIMIT
from trustward.exchange.mapping import RowMapping, Take, parse_mapping
from trustward.exchange.records import RAW_LIMIT, Reject
from trustward.model.catalogue import parse_catalogue
from trustward.model.event import ENTITY_LIMIT, ID_LIMIT, LIST_LIMIT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")


def fenced(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_reference_is_up_to_date() -> None:
    assert inserted(PAGE, render(CATALOGUE)) == PAGE, "run: make docs"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        inserted("# Events", "x")


def test_the_events_shown_are_events() -> None:
    flat, cloud, reject = fenced("json")
    decoder = EventDecoder(CATALOGUE, thorough=True)
    for text in (flat, cloud):
        decoded = decoder.decode_lines(msgspec.json.format(text.encode(), indent=-1))
        assert len(decoded.events) == 1
        assert not decoded.rejects
    assert msgspec.json.decode(reject).keys() == set(Reject.__struct_fields__)


def test_the_mapping_and_the_catalogue_shown_are_such() -> None:
    mapping, own = fenced("toml")
    assert len(parse_mapping("page", mapping.encode(), CATALOGUE).events) == 2
    folder = ROOT / "src" / "trustward" / "catalogue"
    shipped = [(path.name, path.read_bytes()) for path in sorted(folder.glob("*.toml"))]
    assert "ticket.bought" in parse_catalogue([*shipped, ("page", own.encode())]).types
    assert tomllib.loads(own)["ticket.bought"]["retention"] == "trade"


@pytest.mark.parametrize(
    "words",
    [
        f"1 to {ID_LIMIT} characters",
        f"at most {ENTITY_LIMIT:,} characters",
        f"at most {LIST_LIMIT:,} values",
        f"over {LINE_LIMIT // 2**20} MiB",
        f"more than {DEPTH_LIMIT} levels",
        f"at most {RAW_LIMIT:,} characters",
        f"{FAULT_LIMIT} and one",
        *(f"`{suffix}`" for suffix in _SUFFIXES),
        *sorted(
            {f"`{key}`" for key in (*Take.__struct_fields__, *RowMapping.__struct_fields__)} - {"`name`", "`events`"}
        ),
    ],
)
def test_the_page_says(words: str) -> None:
    assert words in PAGE.replace("\n", " ")


def test_every_compression_is_named() -> None:
    assert len(_PACKED) == 4
    assert all(name in PAGE for name in ("gzip", "bzip2", "xz", "zstd"))
