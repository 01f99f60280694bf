"""The links screener: its signals, look-alikes, functions, and that one and many agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustward.base.errors import UsageError
from trustward.screening.links import SCREENER, tables
from trustward.screening.links.functions import FUNCTIONS
from trustward.screening.links.lists import LinkList
from trustward.screening.links.reasons import CATEGORIES, FACTS, UNDONE
from trustward.screening.links.screen import (
    Brands,
    link_scores,
    look_alike,
    official,
    popular,
    registrable,
    screen_link,
    screen_links,
    shared_host,
    shortened,
)

ODD = [
    "",
    "\0",
    "hello",
    "http://",
    "http://[::1",
    "http://a\ud800b.com/\udfff",
    "\u202e\u200b",
    "http://" + "a." * 5000 + "com",
    "http://example.com/" + "%25" * 3000,
    "http://example.com/?u=" + "http://example.com/?u=" * 500,
    "x" * 300_000,
    "javascript:alert(1)",
    "data:text/html;base64,PGgxPg==",
    "mailto:a@b.example",
    "http://1.2.3.4.5/",
    "http://0x7f.1/",
    "http://-a-.com/",
    "http://xn--a.com/",
    "http://xn--\u00fc.com/",
    "http://example.com\\@evil.example/",
]
links = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"(https?://)?([a-z0-9-]{1,12}\.){1,4}[a-z]{2,6}(/[!-~]{0,20})?", fullmatch=True),
    st.sampled_from(ODD),
)


@pytest.mark.parametrize("link", SCREENER.harmful)
def test_harmful_examples(link: str) -> None:
    assert screen_link(link).verdict != "ok"


@pytest.mark.parametrize("link", SCREENER.harmless)
def test_harmless_examples(link: str) -> None:
    assert screen_link(link).verdict == "ok"


@settings(max_examples=60, deadline=None)
@given(st.lists(links, max_size=12))
def test_one_and_many_agree(texts: list[str]) -> None:
    signals = screen_links(texts)
    assert signals == [screen_link(text) for text in texts]
    assert np.array_equal(link_scores(texts), np.array([signal.score for signal in signals], dtype=np.float32))
    for signal in signals:
        assert 0 <= signal.score <= 1
        assert signal.category in ("", *CATEGORIES)
        assert signal.version == tables.meta().version


@pytest.mark.parametrize("link", ODD)
def test_any_input(link: str) -> None:
    assert screen_link(link) == screen_link(link)


@pytest.mark.parametrize(
    ("link", "brand"),
    [
        ("http://faceb00k.com/", "Facebook"),
        ("http://rnicrosoft.com", "Microsoft"),
        ("http://dlscord-nitro.ru", "Discord"),
        ("http://paypal-secure.example.com/", "PayPal"),
        ("http://dbs-secure-login.com/", "DBS Bank"),
        ("http://dbs.com.evil.co.uk/", "DBS Bank"),
        ("https://xn--pple-43d.com/", "Apple"),
        ("https://\u0430pple.com/", "Apple"),
        ("steamcommnunity.com", "SteamCommunity"),
        ("https://www.paypal.com/", None),
        ("https://pay.google.com/", None),
        ("https://wikipedia.org/", None),
    ],
)
def test_look_alikes(link: str, brand: str | None) -> None:
    assert look_alike(link) == brand


def test_a_service_names_its_own_brands() -> None:
    own = Brands(["Kopi_Club kopiclub.example +kopikelab"])
    assert look_alike("https://kopiclub.top/", own) == "Kopi Club"
    assert look_alike("https://kopikelab-login.top/", own) == "Kopi Club"
    assert look_alike("https://www.kopiclub.example/", own) is None
    assert look_alike("https://kopiclub.top/") is None
    assert look_alike("https://paypal-login.top/", own) == "PayPal"
    assert look_alike("https://paypal-login.top/", Brands(["Kopi kopi.example"], shipped=False)) is None
    with pytest.raises(UsageError):
        Brands(["OnlyAName"])


def test_the_target_of_a_redirect_counts() -> None:
    inner = "http://paypal-secure-login.top/webscr"
    outer = screen_link("https://www.google.com/url?q=http%3A%2F%2Fpaypal-secure-login.top%2Fwebscr&sa=D")
    assert outer.score == pytest.approx(screen_link(inner).score)
    assert ("domain", "google.com") in outer.entities
    assert ("domain", "paypal-secure-login.top") in outer.entities
    assert UNDONE[128][1] in outer.reasons


@pytest.mark.parametrize(
    "pair",
    [
        ("http://paypal-secure-login.top/a", "hxxp://paypal-secure-login[.]top/a"),
        ("http://paypal-secure-login.top/a", "http://paypal-secure-login\uff0etop/a"),
        ("http://paypal-secure-login.top/a", "HTTP://PayPal-Secure-Login.TOP/a"),
    ],
)
def test_tricks_change_no_score(pair: tuple[str, str]) -> None:
    assert screen_link(pair[0]).score == screen_link(pair[1]).score


def test_userinfo_and_numbers_raise_the_score() -> None:
    assert screen_link("http://www.dbs.com@plain-name.com/").score > screen_link("http://plain-name.com/").score
    assert screen_link("http://3232235777/").verdict != "ok"


def test_what_is_said_holds_nothing_of_the_link() -> None:
    signal = screen_link("http://paypal-login-zq81.top/wp-content/x/login.php?email=anna.lim@mail.example")
    for reason in signal.reasons:
        assert "zq81" not in reason
        assert "anna" not in reason


def test_entities_are_normal() -> None:
    signal = screen_link("hxxps://WWW[.]Example[.]co.uk./Path")
    assert signal.entities == (("url", "https://www.example.co.uk/Path"), ("domain", "example.co.uk"))
    assert screen_link("WWW.Example.co.uk/Path").entities[0] == ("url", "http://www.example.co.uk/Path")


def test_kinds_of_host() -> None:
    assert shortened("https://bit.ly/abc")
    assert not shortened("https://rabbit.ly.example/abc")
    assert shared_host("https://x.pages.dev/")
    assert not shared_host("https://www.weebly.com/")
    assert official("https://www.dbs.com.sg/")
    assert not official("https://someone.github.io/")
    assert popular("https://www.wikipedia.org/")
    assert not popular("https://qzkxwvbn.example/")
    assert registrable("http://1.2.3.4/") is None


def test_a_shortened_link_is_not_harmful_by_itself() -> None:
    signal = screen_link("https://bit.ly/3abcDe")
    assert signal.verdict != "harmful"
    assert signal.category == "shortener"


def test_a_country_or_script_is_no_sign() -> None:
    """Names that differ in their country's ending only are the same to the models."""
    endings = ["de", "ru", "cn", "ng", "in", "vn", "br", "pk"]
    scores = link_scores([f"https://www.garden-friends.{ending}/about" for ending in endings])
    assert np.ptp(scores) < 1e-6
    assert (
        link_scores(
            ["https://m\u00fcller-garten.de/", "https://\u4e2d\u6587\u7f51.cn/", "https://\u0440\u0443\u0441.ru/"]
        )
        < 0.7
    ).all()


def test_functions_answer() -> None:
    for function in FUNCTIONS:
        assert function.call is not None
        function.call("https://paypal-login.top/")
        function.call("nothing")


def test_facts_have_distinct_names() -> None:
    names = [name for name, _ in (*FACTS.values(), *UNDONE.values())]
    assert len(names) == len(set(names))


def test_lists() -> None:
    known = LinkList(["bad.example", "=only.example", "host.example/path/", "# comment", "", "hxxp://evil[.]example/x"])
    assert known.matches("https://a.b.bad.example/x") == "bad.example"
    assert known.matches("bad.example") == "bad.example"
    assert known.matches("notbad.example") is None
    assert known.matches("http://only.example/x") == "=only.example"
    assert known.matches("http://www.sub.only.example/x") is None
    assert known.matches("http://host.example/path/deep") == "host.example/path/"
    assert known.matches("http://host.example/other") is None
    assert known.matches("http://evil.example/xyz") == "evil.example/x"
    assert known.matches("https://www.google.com/url?q=http://bad.example/") == "bad.example"
    assert known.matches("no link") is None
