"""Keys given twice are found on every line, in small chunks and in large ones, and never by accident missed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustward.exchange import doubled
from trustward.exchange.decode import EventDecoder
from trustward.exchange.diagnose import UnusableError, has_doubled_keys, parse_object
from trustward.exchange.scan import scan
from trustward.model.catalogue import load_catalogue

DECODER = EventDecoder(load_catalogue())

keys = st.sampled_from(
    ["a", "b", "id", "amount", "amounts", "a_long_field_name", "a_long_fiel_name", "\u00e4", 'q"', "n\n", ""]
)
values = st.sampled_from(
    [1, None, True, "x", 'with "quotes": and', "line\nbreak", "back\\slash", [], ["a", "b"], "0123456789", {"a": 1}]
)
spaces = st.sampled_from(["", " ", "\t", "  "])


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """A JSON object on one line, in which keys may come more than once, with or without escapes."""
    parts = []
    for key, value in draw(st.lists(st.tuples(keys, values), max_size=8)):
        name = json.dumps(key, ensure_ascii=draw(st.booleans()))
        if key == "amount" and draw(st.booleans()):
            name = '"\\u0061mount"'
        parts.append(f"{name}{draw(spaces)}:{draw(spaces)}{json.dumps(value)}")
    return ("{" + f",{draw(spaces)}".join(parts) + "}").encode()


broken = st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b""))


@given(st.lists(st.one_of(records(), records(), broken), max_size=12))
def test_no_doubled_key_is_passed_over(lines: list[bytes]) -> None:
    chunk = b"\n".join(lines)
    wanted = set()
    for number, line in enumerate(chunk.split(b"\n")):
        try:
            if has_doubled_keys(parse_object(line)):
                wanted.add(number)
        except UnusableError:
            continue
    assert wanted <= set(scan(chunk))
    assert wanted <= set(doubled.suspicious_lines(chunk))


@given(
    st.lists(
        st.dictionaries(
            st.text("abcdefgh_", min_size=1, max_size=12), values.filter(lambda v: not isinstance(v, dict)), max_size=12
        ),
        max_size=9,
    )
)
def test_honest_lines_are_hardly_ever_suspected(rows: list[dict[str, object]]) -> None:
    """Escapes in texts, texts that look like keys, keys that begin alike: none of it is enough in a large chunk."""
    assert scan(b"\n".join(json.dumps(row, ensure_ascii=False).encode() for row in rows)) == []


def test_lines_count_on_through_a_large_chunk() -> None:
    good = b'{"type":"password.changed","id":"%d","time":"2026-01-31T12:00:00Z","account":"a"}\n'
    bad = b'{"type":"password.changed","id":"%d","time":"2026-01-31T12:00:00Z","account":"a","account":"b"}\n'
    at = {0, 7, 999, 4_000, 4_999}
    chunk = b"".join((bad if number in at else good) % number for number in range(5_000))
    assert set(scan(chunk)) == at
    assert set(scan(chunk.removesuffix(b"\n"))) == at
    every = scan(b"".join(bad % number for number in range(5_000)))
    assert every == list(range(5_000))
    for part in (chunk, chunk[: chunk.index(b"\n") + 1]):
        decoded = DECODER.decode_lines(part)
        assert len(decoded.events) == part.count(b"\n")
        assert set(decoded.faults) == {number for number in at if number < len(decoded.events)}
        assert {(r.path, r.cause, r.decided) for r in decoded.rejects} == {("$.account", "given more than once", True)}


@pytest.mark.parametrize("key", ["id", "type", "time"])
def test_an_envelope_that_says_two_things_is_set_aside(key: str) -> None:
    first = {"id": "1", "type": "password.changed", "time": "2026-01-31T12:00:00Z"}[key]
    line = f'{{"type":"password.changed","id":"1","time":"2026-01-31T12:00:00Z","account":"a","{key}":"{first}"}}'
    decoded = DECODER.decode_lines(line.encode())
    assert not decoded.events
    assert [(reject.path, reject.decided) for reject in decoded.rejects] == [(f"$.{key}", False)]
