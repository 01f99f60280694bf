"""Identities: telephone numbers, mail addresses, business numbers, cards and documents.

Three screeners say what one value by itself tells: ``phone``, ``email`` and ``merchant``. What it cannot tell is
whether the value is already used by somebody else: that is a window's work. The functions ``canonical_email``,
``canonical_phone`` and ``document_key`` give all spellings of one mailbox, number or document the same key, so that a
policy can count its users::

    users_of_mailbox = distinct(event.account, by=canonical_email(event.email), within="30d", of="account.registered")
    users_of_paper = distinct(event.merchant, by=document_key(event.number), within="365d", of="merchant.registered")

    rule(
        id="mailbox-of-many",
        on="account.registered",
        when=users_of_mailbox >= 3,
        then=[challenge(event.account)],
        reason="{users_of_mailbox} accounts share one mailbox",
        owner="identity",
        hits=[...],
        misses=[...],
    )

A function in ``by=`` is worked out once for an event, and its result is a key like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trustward.model.signal import Signal
from trustward.screening.screeners import Screener

CATEGORIES_OF_PHONES = (
    "mobile",
    "fixed",
    "fixed_or_mobile",
    "toll_free",
    "premium",
    "shared_cost",
    "voip",
    "personal",
    "other",
    "invalid",
    "unreadable",
)
CATEGORIES_OF_MAIL = ("disposable", "look-alike", "free", "relay", "role", "other", "invalid")
CATEGORIES_OF_NUMBERS = ("valid", "well-formed", "wrong check digit", "wrong form", "unknown country")


def _phone(value: str) -> Signal:
    from trustward.screening.identities.phones import phone  # noqa: PLC0415 - plans load when they are needed

    return phone(value)


def _phones(values: Sequence[str]) -> list[Signal]:
    from trustward.screening.identities.phones import phone_many  # noqa: PLC0415

    return phone_many(values)


def _email(value: str) -> Signal:
    from trustward.screening.identities.mails import email  # noqa: PLC0415

    return email(value)


def _emails(values: Sequence[str]) -> list[Signal]:
    from trustward.screening.identities.mails import email_many  # noqa: PLC0415

    return email_many(values)


def _merchant(value: str | Mapping[str, object]) -> Signal:
    from trustward.screening.identities.numbers import merchant  # noqa: PLC0415

    return merchant(value)


def _merchants(values: Sequence[str | Mapping[str, object]]) -> list[Signal]:
    from trustward.screening.identities.numbers import merchant_many  # noqa: PLC0415

    return merchant_many(values)


SCREENER: tuple[Screener, ...] = (
    Screener(
        name="phone",
        about="A telephone number: whether its country's plan has it, what kind of line it is, ranges of tricks.",
        screen=_phone,
        screen_many=_phones,
        categories=CATEGORIES_OF_PHONES,
        harmless=("+65 9123 4567", "+44 20 7183 8750", "SG:91234567"),
        harmful=("+1 900 555 0123", "+99912345678", "+447700900123"),
    ),
    Screener(
        name="email",
        about="A mail address: its form, throw-away and look-alike domains, names drawn by programs.",
        screen=_email,
        screen_many=_emails,
        categories=CATEGORIES_OF_MAIL,
        harmless=("maria.garcia@gmail.com", "sales@example.org", "ann+shop@posteo.de"),
        harmful=("a1b2c3@mailinator.com", "maria@gmial.com", "not an address"),
    ),
    Screener(
        name="merchant",
        about="A business registration number: its country's form and check digits.",
        screen=_merchant,
        screen_many=_merchants,
        categories=CATEGORIES_OF_NUMBERS,
        fields={"value": "text", "country": "text", "kind": "text"},
        harmless=({"value": "201912345R", "country": "SG"}, {"value": "91110000600037341L", "country": "CN"}),
        harmful=({"value": "201912345K", "country": "SG"}, {"value": "12", "country": "DE"}),
    ),
)
