"""Looking at texts: short cuts and screens say what the engine itself says."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import re2
from trustward.screening.patterns import PatternError, searcher, words_of
from trustward.screening.plain import contains, domain, template
from trustward.screening.screen import Screen, contains_piece, odd_letters, pattern_piece, quote, words_piece

LETTERS = "abkKsSſKİi̇éÉßσςΣ微1 .-\n\0"
texts = st.text(alphabet=LETTERS, max_size=12)
atoms = st.one_of(
    st.sampled_from(list("abkKsS1 ")),
    st.sampled_from(
        ["é", "微", "[ab]", "[^a]", ".", r"\d", r"\w", r"\s", r"\.", "[a-c]", "[k-s]", "(?:ab|k)", r"\b", r"\x41"]
    ),
)
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.builds(
            lambda part, times: f"(?:{part}){times}",
            inner,
            st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "{,2}", "*?"]),
        ),
        inner.map(lambda part: f"^{part}"),
        inner.map(lambda part: f"{part}$"),
    ),
    max_leaves=5,
).flatmap(lambda pattern: st.sampled_from([pattern, f"(?i){pattern}"]))


def plainly(pattern: str, text: str) -> bool:
    """What the engine says, asked the plain way."""
    return re2.search(pattern, text) is not None


@given(patterns, texts)
@example("(?i)s", "ſ")
@example("(?i)k", "K")
@example("ba{,3}", "b")
@example("a|", "x")
def test_the_short_cut_says_what_the_engine_says(pattern: str, text: str) -> None:
    assert searcher(pattern)(text) == plainly(pattern, text)
    words, exact, lowered = words_of(pattern)
    if words and text.isascii():
        low = text.lower() if lowered else text
        found = any(word in low for word in words)
        assert found or not plainly(pattern, text)
        assert not (exact and found) or plainly(pattern, text)


@given(
    st.lists(patterns, max_size=3),
    st.lists(st.text(alphabet=LETTERS, min_size=1, max_size=3), min_size=1, max_size=3),
    st.lists(texts, min_size=1, max_size=200),
)
def test_a_screen_passes_over_no_text_that_matches(regexes: list[str], words: list[str], lines: list[str]) -> None:
    pieces = [piece for piece in map(pattern_piece, regexes) if piece is not None]
    tests = [searcher(regex) for regex in regexes if pattern_piece(regex) is not None]
    marks = Screen([*pieces, contains_piece(words), words_piece(words)])(lines)
    lowered = contains(words)
    for text, mark in zip(lines, marks.tolist(), strict=True):
        if lowered(text) or any(word in text for word in words) or any(test(text) for test in tests):
            assert mark


def test_a_screen_over_long_texts() -> None:
    lines = ["x" * 5_000] * 100 + ["y" * 5_000 + "telegram"]
    assert Screen([contains_piece(["telegram"])])(lines).tolist() == [False] * 100 + [True]


def test_a_screen_where_nearly_all_match_marks_the_rest_unseen() -> None:
    assert Screen([words_piece(["a"])])(["a"] * 300 + ["b"]).tolist() == [True] * 301


def test_texts_that_hold_a_separator_shift_no_mark() -> None:
    assert Screen([words_piece(["b"])])(["a\0", "b", "\0\0", "ab"]).tolist() == [False, True, False, True]


def test_a_screen_among_some_rows() -> None:
    assert Screen([words_piece(["b"])]).among([0, 3], ["b", "a"], 4).tolist() == [True, False, False, False]
    assert Screen([words_piece(["b"])]).among([], [], 2).tolist() == [False, False]


def test_lone_surrogates_are_survived() -> None:
    assert searcher("[0-9]+")("\ud800 12") is True
    assert Screen([words_piece(["b"])])(["a\ud800", "b\ud800"]).tolist() == [False, True]
    assert contains(["a"])("\ud800A") is True
    assert template("\ud800 x") is not None
    assert domain("https://\ud800.x/") is not None


def test_the_odd_letters_are_few() -> None:
    assert "İ" in odd_letters()
    assert len(odd_letters()) < 200


@given(st.text(max_size=20).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)))
def test_a_quoted_text_matches_itself(text: str) -> None:
    assert plainly(f"^(?:{quote(text)})$", text) or "\n" in text
    assert plainly(quote(text), text)


def test_patterns_that_cannot_be_used_say_why() -> None:
    for pattern in ("(", "(?=a)", r"\1", "a" * 3_000, "(?:a{500}){500}", "\ud800", "\bword"):
        with pytest.raises(PatternError, match=r"\w"):
            searcher(pattern)


def test_domains() -> None:
    known = {
        "https://www.Example.org/a": "example.org",
        "HTTP://user:pass@shop.example.com:8080/x?y#z": "shop.example.com",
        "example.org": "example.org",
        "someone@mail.example": "mail.example",
        "http://[2001:db8::1]:80/": "2001:db8::1",
        "localhost": None,
        "": None,
        "https://": None,
        "a b.c": None,
        "//x.example/y": None,
    }
    assert {link: domain(link) for link in known} == known


def test_fingerprints() -> None:
    assert template("Buy NOW!!! 50% off at https://a.example/1") == template("buy now 70 off, at http://b.example/2?x")
    assert template("Buy now") != template("Sell now")
    assert template("微信 123") == template("微信:9")
    assert template("🙂 12") is None
