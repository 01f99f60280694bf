"""Lists out and in again: nothing that is said of an entry is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.served import Served, served
from trustward.base.units import format_time

KINDS = {"json": "application/json", "csv": "text/csv", "text": "text/plain"}
LATER_US = 4_000_000_000_000_000
LETTERS = st.characters(min_codepoint=32, max_codepoint=0x2FFFF, exclude_categories=["Cs"])
TEXTS = st.text(LETTERS, min_size=1, max_size=12) | st.sampled_from(
    ["#tag", " x ", "a,b", 'say "so"', "'", "=1+1", "\u2028", "a\u2028b", "a\x85b", "\ufeffx", "a;b", "\x7f", "-"]
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "value": TEXTS.filter(str.strip),
            "expires": st.none() | st.integers(LATER_US, LATER_US + 10**14).map(format_time),
            "origin": TEXTS,
            "reason": TEXTS,
        }
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda entry: entry["value"],
)


@pytest.fixture(scope="module")
def mine() -> Iterator[Served]:
    with served() as found:
        yield found


def put(one: Served, kind: str, body: bytes) -> None:
    done = one.ask("POST", "/v1/lists/partners/import?reason=bulk", body, headers={"Content-Type": kind})
    assert done.status == 200, done.body


def told(one: Served) -> dict[str, Any]:
    page = one.ask("GET", "/v1/lists/partners/entries?limit=10000").json
    assert page["next"] is None
    return {entry["value"]: entry for entry in page["entries"]}


def clear(one: Served) -> None:
    from urllib.parse import urlencode

    values = [("value", value) for value in told(one)]
    if values:
        query = urlencode([*values, ("reason", "over")])
        assert one.ask("DELETE", f"/v1/lists/partners/entries?{query}").status == 200


@settings(max_examples=30, deadline=None)
@given(entries=ENTRIES)
def test_what_is_exported_comes_back_as_it_was(mine: Served, entries: list[dict[str, Any]]) -> None:
    clear(mine)
    put(mine, KINDS["json"], msgspec.json.encode(entries))
    before = told(mine)
    assert sorted(before) == sorted(entry["value"] for entry in entries)
    for entry in entries:
        held = before[entry["value"]]
        assert {name: held[name] for name in ("origin", "reason", "expires")} == {
            name: entry[name] for name in ("origin", "reason", "expires")
        }
    for form, kind in KINDS.items():
        out = mine.ask("GET", f"/v1/lists/partners/export?format={form}")
        if form == "text" and any(value != value.strip() or value[0] in "#\ufeff" for value in before):
            assert out.status == 400
            continue
        assert out.status == 200
        assert out.headers["content-type"].count("charset") == (form != "json")
        clear(mine)
        assert told(mine) == {}
        put(mine, kind, out.body)
        after = told(mine)
        for value, entry in before.items():
            fields = ("value",) if form == "text" else ("value", "expires", "origin", "reason")
            assert {name: after[value][name] for name in fields} == {name: entry[name] for name in fields}
        assert after.keys() == before.keys()
        clear(mine)
        put(mine, KINDS["json"], msgspec.json.encode(entries))


def test_of_a_value_that_comes_twice_the_last_word_counts(mine: Served) -> None:
    clear(mine)
    rows = [("x", "2126-01-01T00:00:00Z"), ("y", None), ("x", None), ("y", "2126-01-01T00:00:00Z")]
    put(mine, KINDS["json"], msgspec.json.encode([{"value": value, "expires": expires} for value, expires in rows]))
    assert {value: entry["expires"] for value, entry in told(mine).items()} == {
        "x": None,
        "y": "2126-01-01T00:00:00Z",
    }


def test_entries_that_each_have_a_reason_of_their_own_wait_for_one_commit(mine: Served) -> None:
    clear(mine)
    before = mine.service.host.status().commits
    put(mine, KINDS["json"], msgspec.json.encode([{"value": f"v{at}", "reason": f"case {at}"} for at in range(500)]))
    assert mine.service.host.status().commits == before + 1
    assert {value: entry["reason"] for value, entry in told(mine).items()} == {
        f"v{at}": f"case {at}" for at in range(500)
    }
    clear(mine)


def test_a_column_that_comes_twice_is_refused(mine: Served) -> None:
    said = mine.ask(
        "POST",
        "/v1/lists/partners/import?reason=r",
        b"value,expires,value\na,,b\n",
        headers={"Content-Type": KINDS["csv"]},
    )
    assert (said.status, said.json["path"]) == (400, "line 1")
