"""Links in plain form, and the public-suffix list."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from trustward.screening.links import kernel, tables
from trustward.screening.links import words as w
from trustward.screening.links.normal import normalise, reading
from trustward.screening.links.screen import registrable, screen_links
from trustward.screening.links.suffixes import registrable_of, suffixes

PLAIN = "http://www.example.com/a/b?c=d#e"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (PLAIN, PLAIN),
        ("hxxp://www.example.com/a/b?c=d#e", PLAIN),
        ("hXXp://www[.]example[.]com/a/b?c=d#e", PLAIN),
        ("h**p://www(.)example{.}com/a/b?c=d#e", PLAIN),
        ("http[:]//www[dot]example(dot)com/a/b?c=d#e", PLAIN),
        ("http[://]www.example.com/a/b?c=d#e", PLAIN),
        ("http // www.example.com/a/b?c=d#e", PLAIN),
        ("http: //www . example . com/a/b?c=d#e", PLAIN),
        ("www dot example dot com/a/b?c=d#e", PLAIN),
        ("http:\\\\www.example.com\\a\\b?c=d#e", PLAIN),
        ("http://www\uff0eexample\u3002com/a/b?c=d#e", PLAIN),
        ("\uff48\uff54\uff54\uff50\uff1a\uff0f\uff0f\uff57\uff57\uff57.example.com/a/b?c=d#e", PLAIN),
        ("http://w\u200bww.exam\u00adple.com/a/b?c=d#e", PLAIN),
        ("\u202ehttp://www.example.com/a/b?c=d#e\u202c", PLAIN),
        ("http://www.example.com./a/b?c=d#e", PLAIN),
        ("http://www.example.com:80/a/b?c=d#e", PLAIN),
        ("HTTP://WWW.EXAMPLE.COM/a/b?c=d#e", PLAIN),
        ("http://bank.example@www.example.com/a/b?c=d#e", PLAIN),
        ("http://www.%65xample.com/%61/%2562?c=d#e", PLAIN),
        ("<http://www.example.com/a/b?c=d#e>,", PLAIN),
        ("//www.example.com/a/b?c=d#e", PLAIN),
        ("http://3232235777/", "http://192.168.1.1/"),
        ("http://0xC0A80101/", "http://192.168.1.1/"),
        ("http://0300.0250.1.1/", "http://192.168.1.1/"),
        ("http://192.168.257/", "http://192.168.1.1/"),
        ("http://[::ffff:192.168.1.1]/", "http://192.168.1.1/"),
        ("http://[::ffff:c0a8:101]/", "http://192.168.1.1/"),
        ("http://[2001:db8::1]:8080/", "http://[2001:db8:0:0:0:0:0:1]:8080/"),
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
        ("http://example.com:8443/x", "http://example.com:8443/x"),
        ("http://[.]example.com", None),
        ("no host here", None),
        ("mailto:a@b.example", None),
        ("http://999999999999/", None),
        ("", None),
    ],
)
def test_plain_form(text: str, url: str | None) -> None:
    link = normalise(text)
    if url is None:
        assert link is None or link.host == "example.com"
    else:
        assert link is not None
        assert link.url == url


@pytest.mark.parametrize(
    ("text", "trick"),
    [
        ("hxxp://a.example/", "defanged"),
        ("http://x@a.example/", "userinfo"),
        ("http://3232235777/", "numeric host"),
        ("http://%61.example/", "encoded host"),
        ("http://p\u0430ypal.com/", "mixed scripts"),
        ("http://\u0440\u0443\u0440\u0430\u0443.com/", "confusable letters"),
        ("http://a\u200b.example/", "invisible marks"),
        ("http://a.example:8443/", "odd port"),
        ("http://a.example/?u=http://b.example/", "redirect"),
        ("http://a.example\\x", "backslash"),
        ("http://a.example/%2561", "double encoding"),
        ("http://\u00fc.example/", "other script"),
    ],
)
def test_tricks_are_named(text: str, trick: str) -> None:
    link = normalise(text)
    assert link is not None
    assert trick in link.tricks


def test_nested_targets() -> None:
    link = normalise("https://a.example/r?to=https%3A%2F%2Fb.example%2Fr%3Fto%3Dhttps%253A%252F%252Fc.example.org")
    assert link is not None
    assert link.target is not None
    assert link.target.host == "b.example"
    assert link.target.target is not None
    assert link.target.target.registrable == "example.org"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.text(alphabet="htp:/.%2[]()dot@\\a\u0430\u200b\uff0e0x1 #?&=", max_size=40))
def test_normalising_is_stable(text: str) -> None:
    link = normalise(text)
    if link is not None:
        again = normalise(link.url)
        assert again is not None
        assert again.url == link.url
        assert reading(link)[0].isascii()


@pytest.mark.parametrize(
    "text", ["http://0.aa?0[.0", "https://a.example/my_dot_file", "a.example/x(dot)y", "http://a.example/x[.]y#(.)"]
)
def test_what_follows_a_plain_host_is_left_as_it_is(text: str) -> None:
    link = normalise(text)
    assert link is not None
    assert link.url.removeprefix("http://") == text.removeprefix("http://")
    assert "defanged" not in link.tricks
    (signal,) = screen_links([text])
    assert signal.entities[0] == ("url", link.url)


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"(https?://)?([a-z0-9-]{1,9}\.){1,4}[a-z]{2,6}([/?#][!-~]{0,24})?", fullmatch=True))
def test_the_quick_way_gives_the_same_entities(text: str) -> None:
    link = normalise(text)
    (signal,) = screen_links([text])
    if link is not None:
        assert signal.entities[0] == ("url", link.url)
        assert signal.entities[1] == ("domain", link.registrable or link.host)


def test_suffixes_equal_the_library() -> None:
    theirs = PublicSuffixList()
    known = suffixes()
    rules = sorted(known.plain | known.wild | known.exceptions)[::7]
    hosts = [f"{front}{rule}" for rule in rules if rule.isascii() for front in ("", "a.", "b.a.", "c.b.a.")]
    for host in hosts:
        assert registrable_of(host) == theirs.privatesuffix(host), host
        if "_" not in host and host.count(".") > 0:
            (signal,) = screen_links([f"http://{host}/"])
            assert signal.entities[1] == ("domain", registrable_of(host) or host), host
    assert registrable("https://b.a.github.io/") == "a.github.io"


def test_the_table_of_hosts_holds_what_was_put_in() -> None:
    keys, values = tables.host_table(())
    data, ends = tables.joined(["co.uk", "bit.ly", "nothing.example"])
    hashes = [0, 0, 0]
    import numpy as np

    out = np.zeros(3, dtype=np.uint64)
    kernel.hash_all(data, ends, out)
    hashes = [int(kernel.find_one(keys, values, one)) for one in out]
    assert hashes[0] & w.RULE
    assert hashes[1] & w.SHORTENER
    assert hashes[2] == 0
