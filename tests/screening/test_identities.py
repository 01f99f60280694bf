"""Telephone numbers, mail addresses, business numbers, cards and documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trustward.model.signal import Signal
from trustward.screening.functions import load_functions
from trustward.screening.identities import SCREENER
from trustward.screening.identities.fingerprints import fingerprint
from trustward.screening.identities.functions import FUNCTIONS
from trustward.screening.identities.machine import DATA, is_made
from trustward.screening.identities.mails import _book, canonical_email, email, looks_like
from trustward.screening.identities.numbers import (
    CATEGORIES,
    _registers,
    bin_of,
    card_brand,
    card_mask,
    card_ok,
    document_key,
    iban,
    merchant,
)
from trustward.screening.identities.phones import canonical_phone, country_of, phone, range_of
from trustward.screening.screeners import screeners


@pytest.mark.parametrize(
    ("number", "category", "verdict"),
    [
        ("+65 9123 4567", "mobile", "ok"),
        ("SG:91234567", "mobile", "ok"),
        ("＋６５ ９１２３ ４５６７", "mobile", "ok"),
        ("00447911123456", "mobile", "ok"),
        ("+44 20 7183 8750", "fixed", "ok"),
        ("+65 3123 4567", "voip", "ok"),
        ("+1 900 555 0123", "premium", "suspicious"),
        ("+44 70 1234 5678", "personal", "suspicious"),
        ("+44 7700 900123", "other", "suspicious"),
        ("+881 6123 45678", "mobile", "suspicious"),
        ("+86 1410 1234 56789", "other", "suspicious"),
        ("+86 170 1234 5678", "mobile", "ok"),
        ("+65 8001 2345", "invalid", "suspicious"),
        ("+65 912345", "invalid", "suspicious"),
        ("+65 9123 4567 8901", "invalid", "suspicious"),
        ("+999 1234 5678", "unreadable", "suspicious"),
        ("12", "unreadable", "suspicious"),
        ("call me", "unreadable", "suspicious"),
        ("9123 4567", "unreadable", "ok"),
    ],
)
def test_phones(number: str, category: str, verdict: str) -> None:
    found = phone(number)
    assert (found.category, found.verdict) == (category, verdict)


def test_phone_keys() -> None:
    assert canonical_phone("9123-4567", "sg") == canonical_phone("+65 (9123) 4567") == "+6591234567"
    assert canonical_phone("9123-4567") is None
    assert country_of("+6591234567") == "SG"
    assert country_of("+88161234") is None
    assert phone("+6591234567").entities == (("phone", "+6591234567"),)


def test_a_country_alone_is_no_sign_of_fraud() -> None:
    for number in ("+2348012345678", "+18762101234", "+254712345678", "+8613912345678", "+67571234567", "+25261234567"):
        assert phone(number).verdict == "ok", number


def test_every_range_can_be_met() -> None:
    found = range_of("+861440123456789")
    assert found is not None
    assert found.kind == "iot"
    assert range_of("+6591234567") is None


@pytest.mark.parametrize(
    ("address", "category", "verdict"),
    [
        ("maria.garcia@gmail.com", "free", "ok"),
        ("13800138000@163.com", "free", "ok"),
        ("john@corp.example.com", "other", "ok"),
        ("info@dhl.com", "role", "ok"),
        ("x1@duck.com", "relay", "ok"),
        ("a@mailinator.com", "disposable", "suspicious"),
        ("a@deep.sub.mailinator.com", "disposable", "suspicious"),
        ("z@my-temp-mail.example", "invalid", "suspicious"),
        ("z@my-tempmail.org", "disposable", "suspicious"),
        ("maria@gmial.com", "look-alike", "suspicious"),
        ("maria@outlok.com", "look-alike", "suspicious"),
        ("maria@yahoo.con", "look-alike", "suspicious"),
        ("maria@gmail.com.secure.net", "look-alike", "suspicious"),
        ("maria@gmail-login.com", "look-alike", "suspicious"),
        ("maria@gmаil.com", "look-alike", "suspicious"),
        ("a b@c.com", "invalid", "suspicious"),
        ("a@b@c.com", "invalid", "suspicious"),
        (".a@c.com", "invalid", "suspicious"),
        ("a..b@c.com", "invalid", "suspicious"),
        ("a@-c.com", "invalid", "suspicious"),
        ("a@localhost", "invalid", "suspicious"),
        ("a@b.notatld", "invalid", "suspicious"),
        ("x" * 65 + "@c.com", "invalid", "suspicious"),
        ("", "invalid", "suspicious"),
        ("李四@中国.cn", "other", "ok"),
    ],
)
def test_mails(address: str, category: str, verdict: str) -> None:
    found = email(address)
    assert (found.category, found.verdict) == (category, verdict)


def test_a_drawn_name_on_a_throw_away_domain_is_more_than_either() -> None:
    both = email("xq7zk0vjw2hf@mailinator.com")
    assert both.score > max(email("ann@mailinator.com").score, email("xq7zk0vjw2hf@gmail.com").score)
    assert email("xq7zk0vjw2hf@gmail.com").verdict == "ok"


@pytest.mark.parametrize(
    "name", ["mariagarcia", "zhangwei1988", "nguyenvanthanh", "krzysztof1985", "srinivasvenkat", "john.smith", "ab"]
)
def test_names_that_people_choose(name: str) -> None:
    assert not is_made(name)


@pytest.mark.parametrize(
    "domain", ["gmail.com", "yahoo.co.uk", "ymail.com", "mail.com", "email.com", "example.org", "gmx.de"]
)
def test_domains_that_look_like_nothing_else(domain: str) -> None:
    assert looks_like(domain) == ""


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("J.O.Hn+promo@GoogleMail.com", "john@gmail.com"),
        ("john@gmail.com", "john@gmail.com"),
        ("ann+x@corp.example.com", "ann@corp.example.com"),
        ("bob-shop@yahoo.com", "bob@yahoo.com"),
        ("i-v.a-n@ya.ru", "i.v.a.n@yandex.ru"),
        ("a.b_c@protonmail.com", "abc@proton.me"),
        ("x@me.com", "x@icloud.com"),
        ("<mailto:x@me.com>", "x@icloud.com"),
        ("+x@gmail.com", "+x@gmail.com"),
    ],
)
def test_mailboxes(address: str, key: str) -> None:
    assert canonical_email(address) == key
    assert canonical_email(key) == key


def test_no_mailbox() -> None:
    assert canonical_email("nobody") is None


@pytest.mark.parametrize(
    ("value", "category"),
    [
        ("SG:201912345R", "valid"),
        ("SG:201912345K", "wrong check digit"),
        ("SG:2019", "wrong form"),
        ("CN:91110000600037341L", "valid"),
        ("CN:91110000600037341X", "wrong check digit"),
        ("cn: 9111 0000 6000 3734 1L", "valid"),
        ("MY:201901012345", "well-formed"),
        ("MY:201999012345", "wrong form"),
        ("DE:DE136695976", "valid"),
        ("UK:980780684", "valid"),
        ("EL:094259216", "valid"),
        ("IN:27AAPFU0939F1ZV", "valid"),
        ("BR:16.727.230/0001-97", "valid"),
        ("KR:116-82-00276", "valid"),
        ("VN:0100233488", "valid"),
        ("US:12-3456789", "well-formed"),
        ("213800KUD8LAJWSQ9D15", "valid"),
        ("213800KUD8LAJWSQ9D16", "wrong check digit"),
        ("XX:1", "unknown country"),
        ("", "unknown country"),
        ({"value": "213800KUD8LAJWSQ9D15", "country": "", "kind": "lei"}, "valid"),
        ({"value": "201912345R", "country": "sg"}, "valid"),
        ({"value": 136695976, "country": "DE", "kind": "vat"}, "valid"),
        ({"value": None, "country": None}, "unknown country"),
    ],
)
def test_business_numbers(value: Any, category: str) -> None:
    assert merchant(value).category == category


def test_every_country_of_the_table_can_be_asked() -> None:
    for country in _registers()["countries"]:
        for number in ("1", "123456789", "91110000600037341L", "中文"):
            assert merchant({"value": number, "country": country}).category in CATEGORIES


def test_cards() -> None:
    assert card_ok("4111 1111-1111 1111")
    assert not card_ok("4111 1111 1111 1112")
    assert not card_ok("0000 0000 0000 0000")
    assert not card_ok("4111x1111")
    assert bin_of("411111******1111") == "411111"
    assert bin_of("4111") is None
    assert card_brand("6200 0000 0000 0005") == "unionpay"
    assert card_brand("1234") is None
    assert card_mask("4111 1111 1111 1111") == "411111******1111"
    assert card_mask("4111 1111 1111 1112") is None
    assert iban("DE89 3704 0044 0532 0130 00")
    assert not iban("DE88 3704 0044 0532 0130 00")
    assert not iban("")


def test_documents() -> None:
    assert document_key(" s1234567-d ") == document_key("Ｓ１２３４５６７Ｄ") == "S1234567D"
    assert document_key("--") is None


values = st.one_of(
    st.text(max_size=80), st.from_regex(r"[+0-9 ()-]{1,20}"), st.from_regex(r"[a-z.+]{1,12}@[a-z.-]{1,12}")
)


@given(values)
@example("\ud800@\udfff.com")
@example("@" * 500)
@example("1" * 100_000)
@example("İ@İ.com")
@example("a@xn--a.com")
@example("a@" + "x" * 70 + ".com")
def test_any_value_is_survived(value: str) -> None:
    calls: tuple[Callable[[str], Signal], ...] = (phone, email, merchant)
    for call in calls:
        found = call(value)
        assert found == call(value)
        assert 0 <= found.score <= 1
        for kind, name in found.entities:
            assert kind in ("phone", "email", "domain")
            assert name
    for key in (canonical_email, canonical_phone, document_key, card_mask, bin_of, card_brand):
        key(value)
    card_ok(value)
    iban(value)


@given(st.text(max_size=40))
def test_canonical_mail_is_stable(value: str) -> None:
    key = canonical_email(value)
    if key is not None:
        assert canonical_email(key) == key


def test_long_values_cost_no_more() -> None:
    for call in (phone, email, merchant):
        call("9" * 10_000_000)
        call("a@" * 5_000_000)


def test_screeners_keep_their_word() -> None:
    for screener in SCREENER:
        assert screeners()[screener.name] is screener
        for value in screener.harmless:
            assert screener.screen(value).verdict == "ok"
        for value in screener.harmful:
            assert screener.screen(value).verdict != "ok"
        both = [*screener.harmless, *screener.harmful]
        assert screener.screen_many(both) == [screener.screen(value) for value in both]
        assert {screener.screen(value).category for value in both} <= set(screener.categories)


def test_no_reason_holds_the_value() -> None:
    for found in (phone("+447700900123"), email("johnny.secret@gmial.com"), merchant("SG:201912345K")):
        for reason in found.reasons:
            assert "7700900123" not in reason
            assert "johnny" not in reason
            assert "201912345" not in reason


def test_functions_can_be_registered_and_called() -> None:
    known = load_functions(function for function in FUNCTIONS if function.name not in load_functions())
    for function in FUNCTIONS:
        call = known[function.name].call
        if call is None:
            prepare = known[function.name].prepare
            assert prepare is not None
            call = prepare("SG")
        call(*["201912345R"] * sum(kind == "text" for _, kind in function.arguments))


def test_the_lists_are_small_and_sorted() -> None:
    assert sum(path.stat().st_size for path in DATA.glob("disposable*.npy")) <= 1_000_000
    book = _book()
    for domains in (book.sure, book.broad):
        numbers = domains._numbers
        assert (numbers[1:] > numbers[:-1]).all()
    assert fingerprint("mailinator.com") in book.sure._numbers
    assert "gmail.com" not in book.sure
    assert "gmail.com" not in book.broad
    assert 7 not in book.sure
