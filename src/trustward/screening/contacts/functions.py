"""What rules can ask about the contact points of a text."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from trustward.screening.contacts import Read, contacts, read
from trustward.screening.functions import Function


@lru_cache(maxsize=32)
def _read(text: str, region: str) -> Read:
    # Rules ask for phones, links and handles of one text: it is read once.
    return read(text, region)


def _named(kind: str, text: str, region: str = "") -> tuple[str, ...]:
    return tuple(dict.fromkeys(contact.id for contact in _read(text, region).found if contact.kind == kind))


def phones(text: str) -> tuple[str, ...]:
    """Telephone numbers of a text, each once."""
    return _named("phone", text)


def check_region(region: str) -> None:
    """Raises ValueError for what names no region that has telephone numbers of its own (such as UK, which is GB)."""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415  # needed by few

    if region.upper() not in SUPPORTED_REGIONS:
        raise ValueError(
            f"{region[:20]!r} is no region with telephone numbers: write two letters of ISO 3166, such as SG or GB"
        )


def phones_of(region: str) -> Callable[[str], tuple[str, ...]]:
    """Like :func:`phones`, with national numbers read as those of a region (ISO 3166, such as ``SG``).

    Raises ValueError for a region without a numbering plan.
    """
    check_region(region)
    return lambda text: _named("phone", text, region.upper())


def links(text: str) -> tuple[str, ...]:
    """Links of a text, each once, cleaned."""
    return _named("url", text)


def emails(text: str) -> tuple[str, ...]:
    """Mail addresses of a text, each once."""
    return _named("email", text)


def handles(text: str) -> tuple[str, ...]:
    """Names on messengers in a text, each once, such as ``telegram:maria88``."""
    return _named("handle", text)


def payment_accounts(text: str) -> tuple[str, ...]:
    """Bank accounts, IBAN, wallets and crypto addresses of a text, each once."""
    return _named("payment_account", text)


def contact_count(text: str) -> int:
    """How many different contact points a text holds, at most 100."""
    return len({(contact.kind, contact.id) for contact in contacts(text)})


_TEXT = (("text", "text"),)

FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="phones",
        arguments=_TEXT,
        result="list:entity:phone",
        call=phones,
        cost=8.0,
        about="Telephone numbers in a text, also written with tricks; of unknown countries without `+`.",
        example='any_in(phones(event.text), listed("blocked_phones"))',
    ),
    Function(
        name="phones_in",
        arguments=(*_TEXT, ("region", "literal text")),
        result="list:entity:phone",
        prepare=phones_of,
        cost=8.0,
        about="Telephone numbers in a text; national ones are read as those of the region.",
        example='len(phones_in(event.text, "SG")) > 0',
    ),
    Function(
        name="links",
        arguments=_TEXT,
        result="list:entity:url",
        call=links,
        cost=8.0,
        about="Links in a text, also bare and defanged ones.",
        example="len(links(event.text)) > 3",
    ),
    Function(
        name="emails",
        arguments=_TEXT,
        result="list:entity:email",
        call=emails,
        cost=8.0,
        about="Mail addresses in a text, also `name (at) host dot com`.",
        example="len(emails(event.text)) > 0",
    ),
    Function(
        name="handles",
        arguments=_TEXT,
        result="list:entity:handle",
        call=handles,
        cost=8.0,
        about="Names on messengers in a text, as `telegram:maria88`, or `@maria88` of no named service.",
        example="len(handles(event.text)) > 0",
    ),
    Function(
        name="payment_accounts",
        arguments=_TEXT,
        result="list:entity:payment_account",
        call=payment_accounts,
        cost=8.0,
        about="Where money is asked to go in a text: `iban:`, `bank:`, `btc:`, `upi:`, `paynow:` and others.",
        example="len(payment_accounts(event.text)) > 0",
    ),
    Function(
        name="contact_count",
        arguments=_TEXT,
        result="whole",
        call=contact_count,
        cost=8.0,
        about="How many different contact points a text holds.",
        example="contact_count(event.text) >= 3",
    ),
)
