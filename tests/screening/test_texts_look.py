"""What the compiled look says of many texts is what the readers say of each."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.screening.test_contacts_quick import PIECES
from trustward.screening.contacts import contacts
from trustward.screening.contacts.view import has_numerals, is_plain, view
from trustward.screening.contacts.words import tables, tlds
from trustward.screening.texts import look, signs
from trustward.screening.texts.look import named_in

_NAMES = [word for forms in tables()["messengers"].values() for words in forms.values() for word in words]
_FILLERS = [
    word
    for words in (*(tables()["fillers"][kind] for kind in ("signs", "weak", "plain")), tables()["invitations"]["words"])
    for word in words
]
_PAYING = [word for words in tables()["wallets"].values() for word in words]
_SIGNS = [
    *" .,:;!?/\\@$-_*([{<>)=+&%#\n\t\0",
    "//",
    "->",
    "→",
    "👉",
    "。",
    "，",
    "·",
    "🙂",
    "\u200b",
    "é",
    "ไ",
    "加",
    "Σ",
    "İ",
]
_ODD = [
    "anna",
    "maria_88",
    "bob7",
    "down",
    "error",
    "live:bob",
    "maria_8 on ",
    "x_y (",
    "7788",
    "1234",
    "9 1 2 3 4 5 6",
    "o1l2s3z4",
    "二",
    "一二三四五六",
    "2024-05-06",
    "me 17 for the cake when we",
    "GB29NWBK60161331926819",
    "IS14 0159 2600 7654 5510 7303 39",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "abcdefab-abcd-abcd-abcd-abcdefabcdef",
    "EQ" + "a" * 46,
    "name at host dot com",
    "bob (at) host",
    "ok.so",
    "end.But",
    "好。com",
    "a.b/c",
    "http",
    "ftp",
    "https://a.example/x?u=http://b.test",
    "http://t.me/bob",
    "https://A.example",
    "https://a.example/12",
    "http://a.b.example:80/x",
    "\ufb01",
    "Ｗ",
    "а",
]
_PARTS = st.sampled_from([*PIECES, *_NAMES]) | st.sampled_from(_FILLERS) | st.sampled_from(_SIGNS + _ODD + _PAYING)


def _agree(texts: list[str]) -> None:
    seen = named_in(texts)
    for row, text in enumerate(texts):
        found = contacts(text)
        assert seen.entities[row] == tuple(dict.fromkeys((one.kind, one.id) for one in found)), text
        assert seen.links.get(row, ()) == tuple(dict.fromkeys(one.id for one in found if one.kind == "url")), text


@given(st.lists(st.lists(_PARTS | st.text(max_size=3), max_size=8), max_size=6), st.sampled_from(["", " ", ". ", ": "]))
@example([["maria_8 on ", "telegram"], ["whatsapp", "is", "anna"], ["signal", "id", "anna"], ["二 1 2 3 4 5"]], "")
@example([["https://a.example/12", "三 4 5 6 7 8"], ["see", "https://a.example/x"], ["wechat", "加", "anna5"]], " ")
@settings(max_examples=300)
def test_what_is_seen_of_many_is_what_is_read_of_each(parts: list[list[str]], between: str) -> None:
    _agree([between.join(part) for part in parts])


@given(st.lists(st.text(st.characters() | st.sampled_from("0123456789.:/ abht@"), max_size=40), max_size=5))
@settings(max_examples=100)
def test_any_text_is_seen_as_it_is_read(texts: list[str]) -> None:
    _agree(texts)


def test_each_name_and_each_ending_is_seen() -> None:
    _agree([f"{name}{between}anna_77" for name in (*_NAMES, *_FILLERS) for between in (" ", ": ", "")])
    _agree([f"see {name}: maria and shop.{ending}/x" for name, ending in zip(_PAYING, sorted(tlds()), strict=False)])
    _agree([f"a shop.{ending}, isn't it" for ending in sorted(tlds())[::7]])


def test_most_texts_need_no_reader() -> None:
    texts = [
        "WhatsApp is down again?",
        "the class has a Signal group, want me to add you?",
        "会议改到10点半。您的包裹12345将于今晚送达。",
        "lunch at the gym? I can be there soon.But not later",
        "see https://www.shop.example/p?a=1 now",
        "pay with PayPal, thanks",
    ]
    seen, spans = look.seen_in(texts)
    assert seen.tolist() == [0, 0, 0, 0, 1, 0]
    assert [texts[4][spans[0] : spans[1]], texts[4][12 : spans[2]]] == [
        "https://www.shop.example/p?a=1",
        "www.shop.example",
    ]


def test_what_a_character_is_agrees_with_the_plain_view() -> None:
    table = look.characters()
    for code in range(1 << 16):
        letter = chr(code)
        if table[code] >> 16 & signs.READ:
            continue
        assert is_plain(letter) or letter == "。"
        assert not has_numerals(letter * 6) or table[code] >> 16 & signs.NUMERAL
        assert view.__wrapped__(letter).low == chr(table[code] & 65535), hex(code)
    for code in range(0x1F300, 0x1FBF0):
        assert is_plain(chr(code))
        assert not chr(code).isalnum()
        assert chr(code).lower() == chr(code)
