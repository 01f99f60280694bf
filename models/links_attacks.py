"""Attacks: links written so that a simple reader misses them, one for each trick that is undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from models.links_data import draw, host_of, rest_of


def _scheme(url: str) -> str:
    return url.split("://", maxsplit=1)[0] if "://" in url else "http"


def _escaped(text: str) -> str:
    return "".join(
        f"%{ord(letter):02x}" if letter.isalpha() and number % 2 == 0 else letter for number, letter in enumerate(text)
    )


def _wide(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def _built(url: str, host: str, *, mark: str = "://", scheme: str = "") -> str:
    return f"{scheme or _scheme(url)}{mark}{host}{rest_of(url)}"


_LOOKS = str.maketrans("aeopcxyi", "аеорсхуі")
ATTACKS: dict[str, Callable[[str], str]] = {
    "hxxp": lambda url: _built(url, host_of(url), scheme="hxxp"),
    "[.]": lambda url: _built(url, host_of(url).replace(".", "[.]")),
    "(dot)": lambda url: _built(url, host_of(url).replace(".", "(dot)")),
    "{.}": lambda url: _built(url, host_of(url).replace(".", "{.}")),
    " dot ": lambda url: _built(url, host_of(url).replace(".", " dot ")),
    "http // x": lambda url: _built(url, host_of(url), mark=" // "),
    "blanks around dots": lambda url: _built(url, host_of(url).replace(".", " . ")),
    "wide letters": lambda url: _built(url, _wide(host_of(url))),
    "ideographic dots": lambda url: _built(url, host_of(url).replace(".", "\u3002")),
    "userinfo": lambda url: _built(url, "www.wikipedia.org@" + host_of(url)),
    "escaped host": lambda url: _built(url, _escaped(host_of(url))),
    "escaped path": lambda url: f"{_scheme(url)}://{host_of(url)}{_escaped(rest_of(url))}",
    "path escaped twice": lambda url: f"{_scheme(url)}://{host_of(url)}{_escaped(rest_of(url)).replace('%', '%25')}",
    "odd port": lambda url: _built(url, host_of(url) + ":8443"),
    "zero-width marks": lambda url: _built(url, "\u200b".join(host_of(url))),
    "direction marks": lambda url: _built(url, "\u202e" + host_of(url) + "\u202c"),
    "soft hyphens": lambda url: _built(url, "\u00ad".join(host_of(url))),
    "backslashes": lambda url: _built(url, host_of(url), mark=":\\\\"),
    "trailing dot": lambda url: _built(url, host_of(url) + "."),
    "upper case": lambda url: _built(url, host_of(url).upper(), scheme=_scheme(url).upper()),
    "look-alike letters": lambda url: _built(
        url, host_of(url).rpartition(".")[0].translate(_LOOKS) + "." + host_of(url).rpartition(".")[2]
    ),
    "redirect": lambda url: "https://www.google.com/url?q=" + quote(_built(url, host_of(url)), safe="") + "&sa=D",
    "redirect in the path": lambda url: "https://web.archive.org/web/2020/" + _built(url, host_of(url)),
}
"""By name: what makes a link into one that is harder to read."""


def kept(links: Sequence[str], score: Callable[[Sequence[str]], Sequence[float]], border: float) -> dict[str, float]:
    """For each attack, the share of links at or above ``border`` that stay there."""
    found = [link for link, value in zip(links, score(links), strict=True) if value >= border]
    result = {}
    for name, attack in ATTACKS.items():
        values = score([attack(link) for link in found])
        result[name] = sum(value >= border for value in values) / max(len(found), 1)
    return result


def sample(links: Sequence[str], count: int) -> list[str]:
    """``count`` of the links, always the same ones."""
    return sorted(links, key=lambda link: draw(link, "sample"))[:count]
