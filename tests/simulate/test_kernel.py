"""The compiled writer against plain Python."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trustward.base.units import format_time
from trustward.model.catalogue import load_catalogue
from trustward.simulate import kernel
from trustward.simulate.campaigns.stage import account_id
from trustward.simulate.draws import Draws, mix
from trustward.simulate.layout import layouts
from trustward.simulate.tables import Vocabulary
from trustward.simulate.texts import twisted

SHAPES = layouts(load_catalogue())
WORDS = Vocabulary(SHAPES, ("", "spam_wave"))
WORDS.name_parts(["go", "view"], ["ana", "lee"])


def written(event_type: str, time: int = 0, truth: int = 0, **columns: int) -> dict[str, Any]:
    shape = SHAPES[event_type]
    row = np.full(shape.width, kernel.NOTHING, dtype=np.int64)
    row[:2] = time, truth
    for name, value in columns.items():
        row[shape.places[name]] = value
    out = np.zeros(2 * kernel.LARGEST_EVENT, dtype=np.uint8)
    tables = WORDS.tables()
    size, done = kernel.write_events(
        out,
        np.zeros(kernel.PIECES, dtype=np.int64),
        tables.blob,
        tables.numbers,
        np.array([shape.number]),
        row,
        np.array([0]),
        0,
        41,
    )
    assert done == 1
    line = out[:size].tobytes()
    assert line.endswith(b"}\n")
    event: dict[str, Any] = msgspec.json.decode(line)
    return event


def test_the_envelope() -> None:
    assert written("account.closed", 1_500, 1, account=7) == {
        "id": "e0000000041",
        "type": "account.closed",
        "time": "1970-01-01T00:00:01.500Z",
        "truth": "spam_wave",
        "account": account_id(7),
    }


@given(st.integers(0, 4_102_444_800_000))
def test_times_are_those_of_the_calendar(time: int) -> None:
    whole = time // 1_000 * 1_000
    assert written("account.closed", whole)["time"] == format_time(whole * 1_000).replace("Z", ".000Z")
    assert written("account.closed", time)["time"].endswith(f".{time % 1_000:03d}Z")


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_are_exact(amount: int) -> None:
    assert written("payment.requested", amount=amount)["amount"] == amount


@given(st.integers(0, 10**9))
def test_thousandths(taken: int) -> None:
    assert written("challenge.passed", taken=taken)["taken"] == taken / 1_000


@given(st.integers(0, 2**32 - 1))
def test_addresses(number: int) -> None:
    assert written("account.closed", ip=number)["ip"] == str(ipaddress.IPv4Address(number))
    wide = written("account.closed", ip=kernel.IPV6 + number)["ip"]
    assert ipaddress.ip_address(wide) in ipaddress.ip_network("2001:db8::/32")


@given(st.integers(0, 10**9 - 1))
def test_ids_of_accounts_are_those_of_the_truth(number: int) -> None:
    assert written("account.closed", account=number)["account"] == account_id(number)


@given(st.sets(st.integers(0, 2**47), min_size=2, max_size=20))
def test_fingerprints_differ(numbers: set[int]) -> None:
    assert len({written("account.closed", device=number)["device"] for number in numbers}) == len(numbers)


def test_lists_and_flags() -> None:
    name = WORDS.string("price")
    event = written("account.updated", account=1, changed=name, changed_1=WORDS.string("title"))
    assert event["changed"] == ["price", "title"]
    assert written("account.updated", account=1, changed=name)["changed"] == ["price"]
    assert written("message.sent", sender=1, is_reply=1, forwarded=0)["is_reply"] is True
    assert written("message.sent", sender=1, is_reply=1, forwarded=0)["forwarded"] is False


def test_a_text_shows_what_its_event_carries() -> None:
    pool = {"day": WORDS.pool(["today", "\u4eca\u5929"])}
    text = WORDS.template("{day} {n:5-7}: {url} or {phone}!", pool) + (77 << kernel.TEMPLATE_BITS)
    url = WORDS.string("a.example") * kernel.URL_PATHS + 9
    phone = WORDS.string("+6500") * kernel.PHONE_NUMBERS + 42
    event = written("message.sent", sender=1, text=text, urls=url, _phone=phone)
    day, number, link, _, call = event["text"].split()
    assert day in {"today", "\u4eca\u5929"}
    assert number in {"5:", "6:", "7:"}
    assert [link] == event["urls"]
    assert link.startswith("https://a.example/")
    assert call == "+65000000042!"
    assert "_phone" not in event
    assert WORDS.shows_link(np.array([text])).all()
    bare = written("message.sent", sender=1, text=text)
    assert bare["text"].endswith(":  or !")


def test_mail_addresses() -> None:
    email = written("account.registered", account=1, email=5 * kernel.EMAIL_DOMAINS + WORDS.string("b.test"))["email"]
    assert email in {"ana5@b.test", "lee5@b.test"}


def test_texts_that_need_escaping_are_refused() -> None:
    for text in ('say "hi"', "back\\slash", "line\nbreak"):
        try:
            WORDS.template(text, {})
        except ValueError as fault:
            assert "escaping" in str(fault)  # noqa: PT017  three texts, one test
        else:
            raise AssertionError(text)


@given(st.integers(0, 2**31 - 1), st.sampled_from(["plain", "leet", "lookalike", "spaced", "zero_width", "dotted"]))
def test_spelling_tricks_leave_the_slots(seed: int, trick: str) -> None:
    text = "Earn {n:2-9} a day, register {url} or ask {phone}"
    changed = twisted(text, trick, Draws(seed))
    assert all(slot in changed for slot in ("{n:2-9}", "{url}", "{phone}"))
    assert (changed == text) or trick != "plain"


@given(st.integers(0, 2**63 - 1), st.integers(0, 100))
def test_the_scramble_is_splitmix(value: int, salt: int) -> None:
    mask = 2**64 - 1
    x = (value + salt * 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    assert int(mix(np.array([value]), salt)[0]) == (x ^ (x >> 31)) >> 33


@given(st.integers(0, 2**31), st.integers(1, 2**31 - 1))
def test_draws_stay_in_their_range(seed: int, limit: int) -> None:
    found = Draws(seed, "test").below(50, limit)
    assert found.min() >= 0
    assert found.max() < limit


def test_counts_scatter_about_their_mean() -> None:
    draws = Draws(1)
    for mean in (0.3, 5, 40, 2_000):
        counts = [draws.around(mean) for _ in range(400)]
        assert abs(sum(counts) / 400 - mean) < 4 * (mean / 400) ** 0.5 + 0.05
