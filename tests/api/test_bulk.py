"""Many events in one body."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.served import Served, sent
from trustward.api.bodies import BLOCK_BYTES, Elements, Lines, Unpacker
from trustward.base.errors import InputError, TooLargeError

NDJSON = {"Content-Type": "application/x-ndjson"}


def lines(events: list[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(event) + b"\n" for event in events)


def many(prefix: str, count: int) -> list[dict[str, Any]]:
    """Messages of one account to ever new people: most are held."""
    return [sent(f"{prefix}{number}", sender=f"s{prefix}", recipient=f"r{number % 40}") for number in range(count)]


@pytest.mark.parametrize("form", ["lines", "array", "pretty", "gzip", "cloudevents"])
def test_any_form_gives_the_same_account(one: Served, form: str) -> None:
    events = many(form, 600)
    kind, body, more = "application/x-ndjson", lines(events), {}
    if form == "array":
        kind, body = "application/json", msgspec.json.encode(events)
    elif form == "pretty":
        kind, body = "application/json", msgspec.json.format(msgspec.json.encode(events), indent=2)
    elif form == "gzip":
        body, more = gzip.compress(body), {"Content-Encoding": "gzip"}
    elif form == "cloudevents":
        kind = "application/cloudevents-batch+json"
        body = msgspec.json.encode(
            [
                {
                    "specversion": "1.0",
                    "source": "/x",
                    "type": event.pop("type"),
                    "id": event.pop("id"),
                    "time": event.pop("time"),
                    "data": event,
                }
                for event in events
            ]
        )
    answer = one.ask("POST", "/v1/events", body, headers={"Content-Type": kind, **more})
    assert answer.status == 200, answer.body
    account = answer.json
    assert (account["events"], account["decided"], account["again"], account["rejected"]) == (600, 600, 0, 0)
    assert account["verdicts"]["hold"] == 598
    assert sum(account["verdicts"].values()) == 600
    told = [decision["event_id"] for decision in account["decisions"]]
    assert told == [f"{form}{number}" for number in range(2, 600)]
    again = one.ask("POST", "/v1/events", body, headers={"Content-Type": kind, **more}).json
    assert (again["decided"], again["again"]) == (0, 600)
    assert again["decisions"] == account["decisions"]


def test_faults_have_their_lines(one: Served) -> None:
    body = b"".join(
        [
            lines([sent("f1")]),
            b"nonsense\n\n",
            lines([sent("f2", recipient=5), sent("f1", sender="other"), sent("f3", time="2126-01-01T00:00:00Z")]),
            b'{"type": "message.sent"}',
        ]
    )
    account = one.ask("POST", "/v1/events", body, headers=NDJSON).json
    assert (account["events"], account["decided"], account["rejected"]) == (6, 2, 4)
    faults = {fault["line"]: fault for fault in account["faults"]}
    assert sorted(faults) == [2, 4, 5, 6, 7]
    assert faults[4]["decided"]
    assert (faults[5]["id"], faults[5]["path"]) == ("f1", "$.id")
    assert faults[6]["path"] == "$.time"


def test_a_body_without_a_length_is_taken_in_as_it_comes(one: Served) -> None:
    events = many("chunked", 20_000)

    def pieces() -> Iterator[bytes]:
        for start in range(0, 20_000, 100):
            yield lines(events[start : start + 100])[:-1]
            yield b"\n"

    account = one.ask("POST", "/v1/events", pieces(), headers=NDJSON).json
    assert (account["events"], account["decided"]) == (20_000, 20_000)


def test_an_array_that_breaks_off_leaves_what_was_before(one: Served) -> None:
    body = msgspec.json.encode(many("cut", 4_000))[:-20]
    answer = one.ask("POST", "/v1/events", body)
    assert (answer.status, answer.json["code"]) == (400, "TW-300")
    found = one.service.store.journal.find(["cut0", "cut3998", "cut3999"])
    assert set(found) == {"cut0", "cut3998"}
    assert "(3,999 events are on disk)" in answer.json["remedy"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{}", 400), (b"[", 400), (b"[]x", 400), (b"[]", 200), (b" [ ] ", 200), (b"\xef\xbb\xbf[]", 200)],
)
def test_odd_arrays(one: Served, body: bytes, status: int) -> None:
    assert one.ask("POST", "/v1/events", body).status == status


def test_a_line_without_end_is_passed_over(one: Served) -> None:
    body = lines([sent("l1")]) + b'{"id": "' + b"x" * 3_000_000 + b'"}\n' + lines([sent("l2")])
    account = one.ask("POST", "/v1/events", body, headers=NDJSON).json
    assert (account["decided"], account["rejected"]) == (2, 1)
    assert account["faults"][0]["line"] == 2


def test_a_bomb_is_not_unpacked(one: Served) -> None:
    bomb = gzip.compress(b" " * 400_000_000)
    answer = one.ask("POST", "/v1/events", bomb, headers={**NDJSON, "Content-Encoding": "gzip"})
    assert (answer.status, answer.json["code"]) == (413, "TW-640")
    for packed in (b"nonsense", gzip.compress(b"{}")[:-3]):
        answer = one.ask("POST", "/v1/events", packed, headers={**NDJSON, "Content-Encoding": "gzip"})
        assert (answer.status, answer.json["code"]) == (400, "TW-300")


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(values, max_size=6), st.integers(0, 2), st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_cut_anywhere_an_array_gives_its_elements(elements: list[Any], indent: int, sizes: list[int]) -> None:
    body = msgspec.json.format(msgspec.json.encode(elements), indent=indent)
    cutter = Elements(10_000)
    out: list[bytes] = []
    at = turn = 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        out += cutter.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    out += cutter.finish()
    found = [msgspec.json.decode(line) for line in b"".join(out).splitlines()]
    assert found == msgspec.json.decode(msgspec.json.encode(elements))


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=20), st.integers(1, 50))
def test_cut_anywhere_lines_stay_whole(rows: list[bytes], size: int) -> None:
    body = b"\n".join(rows)
    cutter = Lines(BLOCK_BYTES)
    out = [block for at in range(0, len(body), size) for block in cutter.feed(body[at : at + size])]
    out += cutter.finish()
    assert b"".join(out) == body


def test_elements_hold_no_more_than_they_may() -> None:
    cutter = Elements(1_000)
    with pytest.raises(InputError):
        list(cutter.feed(b'["' + b"x" * (BLOCK_BYTES + 2_000)))


def test_unpacking_stops_in_time() -> None:
    made = 0
    with pytest.raises(TooLargeError):  # noqa: PT012 - the loop is what is watched
        for piece in Unpacker().feed(gzip.compress(bytes(50_000_000))):
            made += len(piece)
            assert made < 15_000_000
