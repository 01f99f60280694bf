"""The readers of each kind of contact point, in the order in which they take their parts of a text."""

from __future__ import annotations

from collections.abc import Container

from trustward.screening.contacts import accounts, handles, links, mails, phones, trigger
from trustward.screening.contacts.finding import Finding
from trustward.screening.contacts.view import plain_view, view

_ORDER = (
    (trigger.MAILS, mails.find),
    (trigger.LINKS, links.find),
    (trigger.CHECKED, accounts.find_checked),
    (trigger.HANDLES, handles.find_named),
    (trigger.WALLETS, accounts.find_wallets),
    (trigger.MAILS, handles.find_plain),
)
_NUMBERS = ((trigger.BANKS, accounts.find_banks), (trigger.DIGITS, accounts.find_cards), (trigger.DIGITS, phones.find))


def found_in(text: str, region: str, kinds: Container[int], *, plain: bool = False) -> Finding:
    """All contact points of a text that may hold these kinds. ``plain``: it is known to be its own view."""
    seen = plain_view(text) if plain else view(text)
    if not plain and (seen.plain != text[: len(seen.plain)] or seen.places is not None):
        kinds = trigger.kinds()(seen.low)
    finding = Finding(seen, region.upper() if len(region) == 2 and region.isascii() else "")
    for kind, find in _ORDER:
        if kind in kinds:
            find(finding)
            finding.next_kind()
    if trigger.DIGITS in kinds:
        for kind, find in _NUMBERS:
            if kind in kinds:
                finding.next_kind()
                find(finding)
    return finding
