"""The public-suffix list, offline: what anybody can register a name under, and the name that was registered."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from trustward.screening.links.tables import suffix_rules


class Suffixes(NamedTuple):
    """The rules of the list, by what they say."""

    plain: frozenset[str]
    wild: frozenset[str]
    exceptions: frozenset[str]


@cache
def suffixes() -> Suffixes:
    """The bundled list of the package ``publicsuffixlist`` (MPL-2.0), names of other scripts in both spellings."""
    kinds: dict[str, set[str]] = {"": set(), "*.": set(), "!": set()}
    for line in suffix_rules():
        if line and not line.startswith("//"):
            rule = line.split()[0].lower()
            kind = "*." if rule.startswith("*.") else "!" if rule.startswith("!") else ""
            name = rule[len(kind) :]
            kinds[kind].add(name)
            if not name.isascii():
                kinds[kind].add(name.encode("idna").decode("ascii"))
    # A wildcard's parent is a suffix too, as the list's own tests have it.
    return Suffixes(frozenset(kinds[""] | kinds["*."]), frozenset(kinds["*."]), frozenset(kinds["!"]))


def registrable_of(host: str) -> str | None:
    """The registrable domain of a host in lower case; None if it is a public suffix itself or has an empty label.

    Source: the algorithm of publicsuffix.org, its private part included.

    >>> registrable_of("www.shop.example.co.uk"), registrable_of("someone.github.io"), registrable_of("co.uk")
    ('example.co.uk', 'someone.github.io', None)
    """
    labels = host.split(".")
    if "" in labels:
        return None
    known = suffixes()
    size = 1
    # Longer names than the longest rule cannot be rules: the work is bound for any host.
    for count in range(1, min(len(labels), 10) + 1):
        name = ".".join(labels[-count:])
        if name in known.exceptions:
            size = count - 1
            break
        if name in known.plain or (count > 1 and name.partition(".")[2] in known.wild):
            size = count
    return ".".join(labels[-size - 1 :]) if len(labels) > size else None
