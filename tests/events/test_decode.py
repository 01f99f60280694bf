"""Lines to events: whole chunks and single lines agree, faults are named, no neighbour matters."""

# ruff: noqa: E501  # texts that are compared are kept whole

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.events.lines import BAD, CATALOGUE, HEAD, good_lines, lines, mutated, records
from trustward.exchange.cloudevents import encode_cloudevents, to_cloudevent
from trustward.exchange.decode import BOM, EventDecoder, _aligned_large, _aligned_small
from trustward.exchange.diagnose import UnusableError, has_doubled_keys, parse_object
from trustward.exchange.encode import EventEncoder
from trustward.exchange.records import RAW_LIMIT, Decoded, Reject
from trustward.model.decision import Fault
from trustward.model.event import Event

DECODER = EventDecoder(CATALOGUE)
THOROUGH = EventDecoder(CATALOGUE, thorough=True)


def told(line: str | bytes, decoder: EventDecoder = DECODER) -> list[tuple[str, str, bool]]:
    """Path, cause and whether the event was kept, for each fault of one line."""
    decoded = decoder.decode_lines(line.encode() if isinstance(line, str) else line, 5)
    assert all(reject.line == 5 for reject in decoded.rejects)
    return [(reject.path, reject.cause, reject.decided) for reject in decoded.rejects]


def test_a_good_chunk_is_read_in_one_go() -> None:
    decoded = DECODER.decode_lines((HEAD + "}\n" + HEAD + ',"text":"hé"}\n').encode(), 11)
    assert [event.id for event in decoded.events] == ["e1", "e1"]
    assert decoded.lines == range(11, 13)
    assert (decoded.faults, decoded.rejects, decoded.line_count) == ({}, [], 2)


def test_both_forms_give_the_same_event() -> None:
    flat = DECODER.decode_lines((HEAD + ',"source":"/app","truth":"spam","text":"hi"}').encode()).events[0]
    cloud = encode_cloudevents([flat])
    assert json.loads(cloud) == {
        "specversion": "1.0",
        "id": "e1",
        "source": "/app",
        "type": "message.sent",
        "time": "2026-01-31T12:00:00Z",
        "truth": "spam",
        "data": {"sender": "a1", "text": "hi"},
    }
    assert DECODER.decode_lines(cloud).events == [flat]


@given(st.lists(records(), max_size=5))
def test_what_is_written_is_read_back(made: list[dict[str, Any]]) -> None:
    content = "".join(json.dumps(record) + "\n" for record in made).encode()
    events = DECODER.decode_lines(content).events
    assert len(events) == len(made)
    assert DECODER.decode_lines(EventEncoder().encode_lines(events)).events == events
    assert DECODER.decode_lines(
        encode_cloudevents([msgspec.structs.replace(e, source="s") for e in events])
    ).events == [msgspec.structs.replace(event, source="s") for event in events]
    assert all(to_cloudevent(event)["source"] == "trustward" for event in events)


def one_by_one(rows: list[bytes], decoder: EventDecoder = DECODER) -> Decoded:
    """The chunk's answer put together from those of its lines."""
    events: list[Event] = []
    faults: dict[int, tuple[Fault, ...]] = {}
    rejects: list[Reject] = []
    numbers: list[int] = []
    for number, row in enumerate(rows, 2):
        part = decoder.decode_lines(row, number)
        assert part.line_count == (1 if row else 0)
        faults |= {len(events) + at: found for at, found in part.faults.items()}
        events += part.events
        numbers += part.lines
        rejects += part.rejects
    return Decoded(events=events, faults=faults, rejects=rejects, lines=numbers, first_line=2, line_count=len(rows))


@given(st.lists(lines(), max_size=8), st.sampled_from([DECODER, THOROUGH]))
@example([HEAD.encode() + b"}" + HEAD.encode() + b"}", b"", HEAD.encode() + b"}"], DECODER)
@example([HEAD.encode(), b"}", HEAD.encode() + b"}" + HEAD.encode() + b"}"], DECODER)
@example([HEAD.encode() + b',"urls":', b'[]}{"a":1}'], DECODER)
def test_no_line_depends_on_its_neighbours(rows: list[bytes], decoder: EventDecoder) -> None:
    chunk = b"\n".join(rows) + b"\n"
    whole, parts = decoder.decode_lines(chunk, 2), one_by_one(rows, decoder)
    assert list(whole.events) == list(parts.events)
    assert (whole.faults, whole.rejects, list(whole.lines)) == (parts.faults, parts.rejects, list(parts.lines))
    assert whole.line_count == (len(rows) or 1)
    # Nothing is lost and nothing is counted twice.
    blank = sum(not row.strip(b" \t\r") for row in rows)
    assert len(whole.events) + whole.set_aside + blank == len(rows)
    assert set(whole.faults) <= set(range(len(whole.events)))


@given(st.lists(st.tuples(good_lines(), st.sampled_from(BAD)), min_size=1, max_size=5))
def test_no_good_line_is_lost(pairs: list[tuple[bytes, bytes]]) -> None:
    good = b"\n".join(row for row, _ in pairs)
    mixed = b"\n".join(row + b"\n" + bad for row, bad in pairs)
    expected = DECODER.decode_lines(good)
    found = DECODER.decode_lines(mixed)
    kept = [event for event, line in zip(found.events, found.lines, strict=True) if line % 2]
    assert kept == list(expected.events)
    assert not any(found.lines[at] % 2 for at in found.faults)


@given(st.one_of(good_lines(), mutated(), st.sampled_from(BAD)))
def test_the_slow_reader_agrees_with_the_fast_one(line: bytes) -> None:
    """Where the fast one takes a line, the slow one takes it too, without a fault and with the same values."""
    fast = DECODER.decode_lines(line, 2)
    try:
        doubled = has_doubled_keys(parse_object(line))
        slow = DECODER.diagnoser.line(line)
    except UnusableError:
        assert not fast.events
        return
    assert not (doubled and fast.events and not fast.faults)
    if fast.events and not fast.faults:
        assert slow.event == fast.events[0]
        assert not slow.faults
    if not fast.events and line.strip(b" \t\r"):
        assert not slow.faults


@given(st.text("0123456789.eE+-", min_size=1, max_size=30))
@example("1e400")
@example("123456789012345678901234567890.5")
@example("1e-400")
@example("-0")
@example("9" * 309)
def test_numbers_are_read_alike(digits: str) -> None:
    line = f'{{"type":"review.posted","id":"1","time":"t","account":"a","rating":{digits}}}'.encode()
    fast = DECODER.decode_lines(line, 2)
    try:
        slow = DECODER.diagnoser.line(line)
    except UnusableError:
        assert not fast.events
    else:
        assert [slow.event] == list(fast.events)
        assert bool(slow.faults) == bool(fast.faults)


FAULTS: dict[str, list[tuple[str, str, bool]]] = {
    "nonsense": [("$", "not JSON: expecting value at column 1, before 'nonsense'", False)],
    "[1]": [("$", "expected one JSON object on the line, got a list", False)],
    HEAD: [("$", "not JSON: the line breaks off at column 77", False)],
    HEAD + ',"text":"ab': [("$", "not JSON: the line breaks off at column 88", False)],
    HEAD + "} {}": [("$", "more than one JSON value on the line: the second at column 79", False)],
    HEAD + ',"text":"a\tb"}': [("$", "not JSON: invalid control character at column 87, before '\\tb\"}'", False)],
    HEAD + ',"urls":' + "[" * 70: [("$", "lists and objects more than 64 deep in one another", False)],
    '{"id":"1","time":"t"}': [("$.type", "missing: say which event this is, such as message.sent", False)],
    '{"type":5,"id":"1","time":"t"}': [("$.type", "expected text, got 5", False)],
    '{"type":"Message_Send","id":"1","time":"t"}': [
        ("$.type", "no such event type: 'Message_Send'; did you mean 'message.sent'?", False)
    ],
    '{"type":"chat","id":"1","time":"t"}': [
        ("$.type", "no such event type: 'chat' (trustward events list shows those there are)", False)
    ],
    '{"type":"message.sent","time":"t"}': [("$.id", "missing: every event needs an id of its own", False)],
    '{"type":"message.sent","id":"","time":"t"}': [("$.id", "empty: every event needs an id of its own", False)],
    '{"type":"message.sent","id":7,"time":"t"}': [("$.id", "expected text, got 7", False)],
    '{"type":"message.sent","id":"' + "x" * 257 + '","time":"t"}': [
        ("$.id", "an id has at most 256 characters, this one 257", False)
    ],
    '{"type":"message.sent","id":"\\ud800","time":"t"}': [
        ("$.id", "half of a surrogate pair, which is no character", False)
    ],
    '{"type":"message.sent","id":"1"}': [
        ("$.time", "missing: write when it happened, like 2026-01-31T12:00:00Z", False)
    ],
    '{"type":"message.sent","id":"1","time":1700000000}': [("$.time", "expected text, got 1700000000", False)],
    '{"specversion":"0.3","type":"message.sent","id":"1","time":"t","data":{}}': [
        ("$.specversion", "expected CloudEvents 1.0, got text '0.3'", False)
    ],
    '{"specversion":"1.0","type":"message.sent","id":"1","time":"t"}': [
        ("$.data", "missing: the fields of the event belong in data", False)
    ],
    '{"specversion":"1.0","type":"message.sent","id":"1","time":"t","data":5}': [
        ("$.data", "expected an object, got 5", False)
    ],
    '{"specversion":"1.0","type":"message.sent","id":"1","time":"t","data":{"sender":"a","id":"2"}}': [
        ("$.data.id", "belongs beside data, not in it", True)
    ],
    '{"type":"message.sent","id":"1","time":"t"}': [("$.sender", "missing, and message.sent needs it", True)],
    '{"type":"message.sent","id":"1","time":"t","sender":null}': [
        ("$.sender", "missing, and message.sent needs it", True)
    ],
    '{"type":"message.sent","id":"1","time":"t","sender":5}': [("$.sender", "expected text, got 5", True)],
    '{"type":"message.sent","id":"1","time":"t","sendr":"a"}': [
        ("$.sender", "missing, and message.sent needs it", True),
        ("$.sendr", "message.sent has no such field; did you mean 'sender'?", True),
        ("$.sender", "missing, but there is 'sendr'", True),
    ],
    HEAD + ',"lenght":5}': [
        ("$.lenght", "message.sent has no such field; did you mean 'length'?", True),
        ("$.length", "missing, but there is 'lenght'", True),
    ],
    HEAD + ',"length":3,"lenght":5}': [("$.lenght", "message.sent has no such field; did you mean 'length'?", True)],
    HEAD + ',"a b\\n":5}': [('$["a b\\n"]', "message.sent has no such field", True)],
    HEAD + ',"length":NaN}': [("$.length", "expected a whole number, got NaN", True)],
    HEAD + ',"length":1e999}': [("$.length", "out of range: a whole number here is at most 2**53 in size", True)],
    HEAD + ',"length":9007199254740993}': [
        ("$.length", "out of range: a whole number here is at most 2**53 in size, this is 9007199254740993", True)
    ],
    HEAD + ',"length":' + "9" * 100 + "}": [
        ("$.length", "out of range: a whole number here is at most 2**53 in size, this is a number of 100 digits", True)
    ],
    HEAD + ',"length":5.5}': [("$.length", "expected a whole number, got 5.5", True)],
    HEAD + ',"length":true}': [("$.length", "expected a whole number, got true", True)],
    HEAD + ',"first_contact":1}': [("$.first_contact", "expected true or false, got 1", True)],
    HEAD + ',"text":{"a":1}}': [("$.text", "expected text, got an object", True)],
    HEAD + ',"text":"\\udc00"}': [("$.text", "half of a surrogate pair, which is no character", True)],
    HEAD + ',"urls":"u"}': [("$.urls", "expected a list, got text 'u'", True)],
    HEAD + ',"urls":["u",null]}': [("$.urls[1]", "expected text, got null", True)],
    HEAD + ',"urls":[' + '"u",' * 1000 + '"u"]}': [("$.urls", "a list has at most 1,000 values, this one 1,001", True)],
    HEAD + ',"recipient":"' + "x" * 4097 + '"}': [
        ("$.recipient", "the id of an entity has at most 4,096 characters, this one 4,097", True)
    ],
    HEAD + ',"truth":1}': [("$.truth", "expected text, got 1", True)],
    HEAD + ',"length":"1","length":"2"}': [
        ("$.length", "given more than once", True),
        ("$.length", "expected a whole number, got text '2'", True),
    ],
    '{"type":"payment.requested","id":"1","time":"t","account":"a","amount":19.99}': [
        ("$.amount", "expected whole minor units of the currency, got 19.99", True)
    ],
    '{"type":"review.posted","id":"1","time":"t","account":"a","rating":Infinity}': [
        ("$.rating", "out of range: too large for a number", True)
    ],
}


@pytest.mark.parametrize("line", list(FAULTS), ids=range(len(FAULTS)))
def test_a_fault_is_told_with_its_place_and_cause(line: str) -> None:
    assert told(line) == FAULTS[line]


def test_bytes_that_are_no_text_are_told() -> None:
    assert told(b"\xff{}") == [("$", "not UTF-8: byte 0xff at column 1", False)]


def test_a_faulty_field_is_left_out_and_the_rest_is_kept() -> None:
    decoded = DECODER.decode_lines((HEAD + ',"length":"x","text":"hi"}').encode())
    event: Any = decoded.events[0]
    assert (event.sender, event.length, event.text) == ("a1", None, "hi")
    assert [fault.path for fault in decoded.faults[0]] == ["$.length"]


def test_a_record_with_countless_faults_stays_small() -> None:
    line = HEAD + "".join(f',"x{n}":1' for n in range(5000)) + "}"
    decoded = DECODER.decode_lines(line.encode())
    assert len(decoded.faults[0]) == 17
    assert decoded.faults[0][-1].cause == "and 4984 faults more"
    assert all(len(reject.raw) <= RAW_LIMIT for reject in decoded.rejects)


def test_keys_given_twice() -> None:
    """The last one counts, in a chunk as on its own; a thorough reading names them."""
    line = HEAD + ',"length":1,"length":2}'
    event: Any = DECODER.decode_lines(line.encode()).events[0]
    assert event.length == 2
    assert told(line, THOROUGH) == [("$.length", "given more than once", True)]
    cloud = '{"specversion":"1.0","type":"message.sent","id":"1","time":"2026-01-31T12:00:00Z","data":{"sender":"a","sender":"b"}}'
    assert told(cloud, THOROUGH) == [("$.sender", "given more than once", True)]


@pytest.mark.parametrize(
    ("time", "cause"),
    [
        (
            "2026-01-31T12:00:00",
            "no zone in the time '2026-01-31T12:00:00' (end it with Z or an offset such as +08:00)",
        ),
        ("yesterday", "not a time: 'yesterday' (write it like 2026-01-31T12:00:00Z)"),
        ("", "not a time: '' (write it like 2026-01-31T12:00:00Z)"),
        ("10000-01-01T00:00:00Z", "not a time: '10000-01-01T00:00:00Z' (write it like 2026-01-31T12:00:00Z)"),
    ],
)
def test_malformed_times_are_told_by_a_thorough_reading(time: str, cause: str) -> None:
    line = f'{{"type":"message.sent","id":"1","time":"{time}","sender":"a"}}'
    assert told(line) == []
    assert told(line, THOROUGH) == [("$.time", cause, False)]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00"])
def test_times_at_the_ends_of_the_calendar_are_times(time: str) -> None:
    assert told(f'{{"type":"message.sent","id":"1","time":"{time}","sender":"a"}}', THOROUGH) == []


def test_a_malformed_time_in_a_field_is_a_fault_of_that_field() -> None:
    line = '{"type":"merchant.document_submitted","id":"1","time":"2026-01-31T12:00:00Z","account":"a","merchant":"m","expires":"soon"}'
    assert told(line, THOROUGH) == [("$.expires", "not a time: 'soon' (write it like 2026-01-31T12:00:00Z)", True)]


def test_a_byte_order_mark_is_skipped_at_the_start_only() -> None:
    content = BOM + HEAD.encode() + b"}\r\n"
    assert len(DECODER.decode_lines(content).events) == 1
    assert len(DECODER.decode_lines(memoryview(content)).events) == 1
    assert told(content) == [("$", "not JSON: a byte order mark in the middle of the file", False)]


def test_a_line_over_the_limit_is_set_aside() -> None:
    decoder = EventDecoder(CATALOGUE, line_limit=100)
    chunk = (HEAD + "}\n" + HEAD + ',"text":"' + "x" * 100 + '"}\n' + HEAD + "}").encode()
    decoded = decoder.decode_lines(chunk)
    assert list(decoded.lines) == [1, 3]
    assert [reject.cause for reject in decoded.rejects] == ["a line has at most 100 bytes, this one 187"]


def test_texts_of_many_megabytes() -> None:
    text = "é" * 5_000_000
    event: Any = DECODER.decode_lines((HEAD + f',"text":"{text}"}}').encode()).events[0]
    assert len(event.text) == 5_000_000
    assert told(HEAD + f',"length":"{text}"}}')[0][1].startswith("expected a whole number, got text 'éé")


@given(st.lists(st.sampled_from([b"{", b"}", b"\n", b" "]), min_size=1, max_size=12).map(b"".join), st.integers(0, 5))
def test_the_two_ways_to_count_lines_agree(text: bytes, count: int) -> None:
    """Large chunks are counted by other means than small ones."""
    assert _aligned_large(text, count) == _aligned_small(text, count)
