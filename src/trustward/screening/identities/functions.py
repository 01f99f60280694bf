"""What rules can ask about telephone numbers, mail addresses, business numbers, cards and documents."""

from __future__ import annotations

from collections.abc import Callable

from trustward.model.signal import Signal
from trustward.screening.contacts.functions import check_region
from trustward.screening.functions import Function
from trustward.screening.identities.batches import scores_by


def phone(number: str) -> Signal:
    """The signal of a telephone number."""
    from trustward.screening.identities.phones import phone as screen  # noqa: PLC0415 - plans load when they are needed

    return screen(number)


def canonical_phone(region: str) -> Callable[[str], str | None]:
    """The E.164 form of a number, national ones read as those of a region. Raises ValueError for no region."""
    if region:
        check_region(region)

    def call(number: str) -> str | None:
        from trustward.screening.identities.phones import canonical_phone as canonical  # noqa: PLC0415

        return canonical(number, region)

    return call


def phone_country(number: str) -> str | None:
    """The region of a valid number."""
    from trustward.screening.identities.phones import country_of  # noqa: PLC0415

    return country_of(number)


def email(address: str) -> Signal:
    """The signal of a mail address."""
    from trustward.screening.identities.mails import email as screen  # noqa: PLC0415

    return screen(address)


def canonical_email(address: str) -> str | None:
    """The address that all spellings of one mailbox share."""
    from trustward.screening.identities.mails import canonical_email as canonical  # noqa: PLC0415

    return canonical(address)


def merchant_number(number: str, country: str) -> Signal:
    """The signal of a business registration number."""
    from trustward.screening.identities.numbers import merchant  # noqa: PLC0415

    return merchant({"value": number, "country": country})


def document_key(number: str) -> str | None:
    """A document's number as all its spellings share it."""
    from trustward.screening.identities.numbers import document_key as key  # noqa: PLC0415

    return key(number)


def card_ok(number: str) -> bool:
    """Whether a text is a payment card number."""
    from trustward.screening.identities.numbers import card_ok as check  # noqa: PLC0415

    return check(number)


def bin_of(number: str) -> str | None:
    """The first six digits of a card number."""
    from trustward.screening.identities.numbers import bin_of as first  # noqa: PLC0415

    return first(number)


def iban_ok(number: str) -> bool:
    """Whether a text is an IBAN with right check digits."""
    from trustward.screening.identities.numbers import iban  # noqa: PLC0415

    return iban(number)


FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="phone",
        arguments=(("number", "text"),),
        result="signal",
        call=phone,
        scores=scores_by(phone),
        cost=60.0,
        about="What a telephone number says: `.category` is mobile, fixed, voip, premium, invalid and so on.",
        example='phone(event.phone).category == "premium"',
    ),
    Function(
        name="canonical_phone",
        arguments=(("number", "text"), ("region", "literal text")),
        result="entity:phone",
        prepare=canonical_phone,
        cost=40.0,
        about="A telephone number in E.164, national ones read as the region's; missing if there is no such number.",
        example='canonical_phone(event.phone, "SG") in listed("blocked_phones")',
    ),
    Function(
        name="phone_country",
        arguments=(("number", "text"),),
        result="text",
        call=phone_country,
        cost=40.0,
        about="The country (ISO 3166) of a valid telephone number.",
        example='phone_country(event.phone) != "SG"',
    ),
    Function(
        name="email",
        arguments=(("address", "text"),),
        result="signal",
        call=email,
        scores=scores_by(email),
        cost=15.0,
        about="What a mail address says: `.category` is disposable, look-alike, free, relay, role, other or invalid.",
        example='email(event.email).category == "disposable"',
    ),
    Function(
        name="canonical_email",
        arguments=(("address", "text"),),
        result="entity:email",
        call=canonical_email,
        cost=5.0,
        about="The address that all spellings of one mailbox share: tags and dots that do not count are gone.",
        example='canonical_email(event.email) in listed("blocked_mailboxes")',
    ),
    Function(
        name="merchant_number",
        arguments=(("number", "text"), ("country", "text")),
        result="signal",
        call=merchant_number,
        cost=20.0,
        about="What a business registration number says, by its country's form and check digits.",
        example='merchant_number(event.document, event.country).category == "wrong check digit"',
    ),
    Function(
        name="document_key",
        arguments=(("number", "text"),),
        result="text",
        call=document_key,
        cost=3.0,
        about="The number of a document or account without spaces, signs and case: a key that all its spellings share.",
        example='document_key(event.document) == "S1234567D"',
    ),
    Function(
        name="card_ok",
        arguments=(("number", "text"),),
        result="flag",
        call=card_ok,
        cost=10.0,
        about="Whether a text is a payment card number of a known brand with the right check digit.",
        example="card_ok(event.text)",
    ),
    Function(
        name="bin_of",
        arguments=(("number", "text"),),
        result="text",
        call=bin_of,
        cost=2.0,
        about="The first six digits of a card number, which name its issuer.",
        example='bin_of(event.text) == "411111"',
    ),
    Function(
        name="iban_ok",
        arguments=(("number", "text"),),
        result="flag",
        call=iban_ok,
        cost=10.0,
        about="Whether a text is an IBAN with its country's form and the right check digits.",
        example="iban_ok(event.text)",
    ),
)
