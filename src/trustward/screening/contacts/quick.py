"""Texts whose contact points are seen without reading them: most have none, and most of the others a plain link.

What is said here is what the readers would say; where that is not certain, they read.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache, lru_cache

from trustward.screening.contacts import trigger
from trustward.screening.contacts.finding import MOST, Contact
from trustward.screening.contacts.places import HANDLE_HOSTS, PAYEES
from trustward.screening.contacts.view import has_numerals, is_plain
from trustward.screening.contacts.words import tlds

_READ = frozenset([trigger.MAILS, trigger.HANDLES, trigger.WALLETS, trigger.DIGITS, trigger.CHECKED])
"""Questions whose yes only the readers can look into."""
_LINK = re.compile(
    r"https?://((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24})((?:[/?#](?:[!#-;=?-Z_a-z~-]*[A-Za-z0-9/_=-])?)?)(?!\S)"
)
_ANOTHER = re.compile(
    r"[\w-]\.(?:xn--|[^\W\d_])|[\[({<]\s?(?:\.|dot|punto|ponto|点|點)|\s(?:dot|d0t)\s|(?:\s\.\s?|\.\s)[a-z]{2,24}/|//|\\\\|/\s/|http|hxxp|htxp|hxtp|ftp"
)
_LONGEST_LINK = 2_000


def is_settled(text: str, kinds: Collection[int]) -> bool:
    """Whether a text that may hold these kinds is its own plain view, so that the closer questions count."""
    return trigger.UNSEEN not in kinds and is_plain(text) and not (trigger.DIGITS in kinds and has_numerals(text))


def closer(kinds: Collection[int]) -> list[int]:
    """The kinds that a settled text may hold by the closer questions."""
    without = {
        trigger.DIGITS if trigger.NUMBERS not in kinds and trigger.WALLETS not in kinds else -1,
        trigger.CHECKED if trigger.SUMMED not in kinds else -1,
    }
    return [kind for kind in kinds if kind not in without]


def known(text: str, kinds: Collection[int]) -> tuple[Contact, ...] | None:
    """The contact points of a settled text that may hold these kinds; None if it has to be read."""
    if not _READ.isdisjoint(kinds):
        return None
    return _links(text) if trigger.LINKS in kinds else ()


def _links(text: str) -> tuple[Contact, ...] | None:
    """The links of a text whose links are all plain and stand apart from their neighbours."""
    found: list[Contact] = []
    rest: list[str] = []
    at = 0
    for link in _LINK.finditer(text):
        start, end = link.span()
        if not is_sure(link[1]) or text[start - 1 : start].isalpha() or end - start > _LONGEST_LINK:
            return None
        rest.append(text[at:start])
        found.append(Contact("url", link[0], start, end))
        at = end
    rest.append(text[at:])
    left = "\0".join(rest).lower()
    if _has_signs(left) and _ANOTHER.search(left) is not None:
        return None
    return tuple(found) if len(found) <= MOST else None


def _has_signs(low: str) -> bool:
    """Whether anything stands in a text that every other way to write a link has: quicker than the pattern."""
    return (
        "." in low
        or "/" in low
        or "\\" in low
        or "dot" in low
        or "d0t" in low
        or "点" in low
        or "點" in low
        or "punto" in low
        or "ponto" in low
    )


@cache
def _names() -> frozenset[str]:
    return frozenset([*HANDLE_HOSTS, *PAYEES])


@lru_cache(maxsize=4_096)
def is_sure(host: str) -> bool:
    """Whether a host is taken as it stands: by its ending, or because nothing in it is one; and is nobody's account."""
    if host.removeprefix("www.") in _names():
        return False
    _, *labels = host.split(".")
    known_endings = tlds()
    return labels[-1] in known_endings or known_endings.isdisjoint(labels)
