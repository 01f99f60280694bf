"""What is said of a text without reading it is what the readers say."""

from __future__ import annotations

import re

import stdnum.iban
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trustward.screening.contacts import Contact, contacts, quick, reading, trigger
from trustward.screening.contacts import view as views
from trustward.screening.contacts.view import is_plain, view

PIECES = (
    "see https://www.example.com/a/b1?q=2#x now",
    "https://shop.example/p",
    "http://a.test",
    "https://paypal.me/anna",
    "https://t.me/anna_88",
    "HTTP://B.example",
    "https://x.com.",
    "hxxp://bad[.]example",
    "bare.com/path",
    "dot com",
    "(dot)",
    "end.Start",
    "下周见。好",
    "点",
    "，好！",
    "13:30, bilik 7",
    "9:30, 5号",
    "517525",
    "order 123 4567",
    "+65 9123 4567",
    "9123 4567",
    "91234 o67",
    "九一二三四五六七",
    "⑩⑪⑫⑬",
    "RM46 untuk kunci ya",
    "GB29 NWBK 6016 1331 9268 19",
    "DE12 34",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    "bank 123-456-789",
    "WhatsApp down again?",
    "line 2 is late",
    "telegram: maria_88",
    "add me on signal 91234567",
    "wechat vip8866",
    "kakaotalk id: anna",
    "paynow to 91234567",
    "cashapp $anna",
    "cash app $maria88",
    "$maria88 on cash app",
    "evil . com/x",
    "evil .net/a1",
    "evil. org/a",
    "a@b.example",
    "p\u0430y",
    "ent\u200brega",
    "\u0663\u0664\u0665\u0666\u0667\u0668",
    " ",
    "\n",
    "x",
    ".",
    "/",
    "\\\\",
    "İ",
    "\ud800",
)


def slowly(text: str, region: str) -> tuple[Contact, ...]:
    """The contact points by all readers that the first questions call for."""
    kinds = trigger.kinds()(text)
    if trigger.says_nothing(kinds, text):
        return ()
    found = reading.found_in(text, region, kinds).found
    return tuple(sorted(dict.fromkeys(found), key=lambda contact: (contact.start, contact.end, contact.kind)))


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.sampled_from(["", " ", ". "]), st.sampled_from(["", "SG"]))
@example(list(PIECES[:3]), " ", "")
@settings(max_examples=400)
def test_what_is_seen_is_what_is_read(pieces: list[str], between: str, region: str) -> None:
    text = between.join(pieces)
    assert contacts(text, region) == slowly(text, region)


def test_plain_links_are_seen_and_others_read() -> None:
    kinds = trigger.kinds()
    for text, seen in (
        ("see https://www.example.com/a/b1?p=2#c now", ("https://www.example.com/a/b1?p=2#c",)),
        ("https://a.example 好 http://b.test/", ("https://a.example", "http://b.test/")),
        ("https://t.me/anna_88", None),
        ("https://a.example and b.com", None),
        ("room 13:30, bilik 7", ()),
        ("order 517525, thanks", ()),
    ):
        asked = kinds(text)
        assert quick.is_settled(text, asked)
        found = quick.known(text, quick.closer(asked))
        assert (None if found is None else tuple(contact.id for contact in found)) == seen


def test_a_plain_text_is_its_own_view() -> None:
    wide = dict(zip("，！？；～", ",!?;~", strict=True))
    for code in range(0x80, 0x110000):
        letter = chr(code)
        if is_plain(letter):
            assert view.__wrapped__(letter).plain == wide.get(letter, letter), hex(code)
            assert views.plain_view(letter) == view.__wrapped__(letter), hex(code)


def test_every_country_with_iban_is_asked_for() -> None:
    database = stdnum.iban._ibandb
    listed = {prefix.lower() for _, prefix, *_ in database.prefixes if re.fullmatch("[A-Z]{2}", prefix)}
    assert listed
    assert listed == set(trigger.COUNTRIES)
