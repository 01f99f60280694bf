"""Lines of events, good and bad, for the tests beside it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from trustward.model.catalogue import EventType, Field, load_catalogue

CATALOGUE = load_catalogue()
HEAD = '{"type":"message.sent","id":"e1","time":"2026-01-31T12:00:00Z","sender":"a1"'

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_WHOLES = st.integers(-(2**53), 2**53)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXTS,
    "entity": _TEXTS,
    "time": st.just("2026-01-31T12:00:00+08:00"),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**25), 10**25),
    "duration": st.floats(0, 1e6),
    "whole": _WHOLES,
    "money": _WHOLES,
    "flag": st.booleans(),
    "list": st.lists(_TEXTS, max_size=3),
}


def value_of(field: Field) -> st.SearchStrategy[Any]:
    """What a field may hold."""
    return _VALUES[field.type]


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A good event in the flat form, as an object."""
    event_type: EventType = draw(st.sampled_from(list(CATALOGUE.types.values())))
    made: dict[str, Any] = {
        "type": event_type.name,
        "id": draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)),
        "time": "2026-01-31T12:00:00Z",
    }
    for field in event_type.fields.values():
        if field.required or draw(st.integers(0, 3)) == 0:
            made[field.name] = draw(value_of(field))
    if draw(st.booleans()):
        made["truth"] = draw(_TEXTS)
    return dict(draw(st.permutations(list(made.items()))))


@st.composite
def good_lines(draw: st.DrawFn) -> bytes:
    """A line that is an event, in any of the ways to write JSON, flat or as a CloudEvent."""
    record = draw(records())
    if draw(st.integers(0, 3)) == 0:
        envelope: dict[str, Any] = {key: record.pop(key) for key in ("type", "id", "time", "truth") if key in record}
        record = {"specversion": "1.0", "source": "/app", "extension": [1, {}], **envelope, "data": record}
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " : ")]))
    text = json.dumps(record, ensure_ascii=draw(st.booleans()), separators=separators)
    return text.encode() + draw(st.sampled_from([b"", b"\r", b" "]))


BAD = [
    b"",
    b"  \t",
    b"nonsense",
    b"[1, 2]",
    b"17",
    b"null",
    b'"text"',
    b"{",
    b"{}",
    b"\xff\xfe",
    b"\x00",
    b"\xef\xbb\xbf{}",
    b"[" * 3000,
    b'{"a":' * 3000,
    HEAD.encode()[:-9],
    HEAD.encode() + b"} {}",
    HEAD.encode() + b'},"x":{}}',
    HEAD.encode() + b',"length":1e999}',
    HEAD.encode() + b',"length":' + b"9" * 5000 + b"}",
    HEAD.encode() + b',"length":NaN}',
    HEAD.encode() + b',"length":-Infinity}',
    HEAD.encode() + b',"length":5.0}',
    HEAD.encode() + b',"length":"5"}',
    HEAD.encode() + b',"lenght":5}',
    HEAD.encode() + b',"text":"\\ud800"}',
    HEAD.encode() + b',"text":"\\udc00 \\ud83d"}',
    HEAD.encode() + b',"\\ud800":1}',
    HEAD.encode() + b',"text":"a\tb"}',
    HEAD.encode() + b',"text":"\xed\xa0\x80"}',
    HEAD.encode() + b',"urls":["a",null]}',
    HEAD.encode() + b',"urls":' + b"[" * 3000,
    HEAD.encode() + b',"id":5}',
    HEAD.encode() + b',"sender":"b","sender":null}',
    HEAD.encode() + b',"truth":5,"source":[]}',
    b'{"type":"message.send","id":"1","time":"x"}',
    b'{"type":5,"id":"1","time":"x"}',
    b'{"type":"message.sent","id":"","time":"x","sender":"a"}',
    b'{"type":"message.sent","id":"1","sender":"a"}',
    b'{"type":"message.sent","id":"1","time":null,"sender":"a"}',
    b'{"specversion":"0.3","type":"message.sent","id":"1","time":"x","data":{"sender":"a"}}',
    b'{"specversion":"1.0","type":"message.sent","id":"1","time":"x","data":[]}',
    b'{"specversion":"1.0","type":"message.sent","id":"1","time":"x","data":{"sender":"a","id":"2","x":1}}',
]


def lines() -> st.SearchStrategy[bytes]:
    """A line, good or bad; a mutated one is either."""
    return st.one_of(good_lines(), good_lines(), st.sampled_from(BAD), mutated(), st.binary(max_size=30)).map(
        lambda line: line.replace(b"\n", b" ")
    )


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good line with a few bytes changed, taken out or put in."""
    line = bytearray(draw(good_lines()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(line)))
        new = draw(st.sampled_from([b"", b'"', b"{", b"}", b",", b"\\", b"0", b"e9", b"null", b"\xff", b"[", b"  "]))
        line[at : at + draw(st.integers(0, 3))] = new
    return bytes(line)
