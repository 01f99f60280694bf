"""Contact points in running text: how a stranger wants to be reached or paid.

``contacts(text, region)`` gives links, telephone numbers, mail addresses, names on messengers, and where money goes
(bank accounts near a bank's name, IBAN, wallets by name or number, crypto addresses, cards masked to their first six
and last four digits), in the order in which they stand. Ids are canonical, so that the same contact written
differently is one key of a window:

* ``url``: the link cleaned (``hxxp://a[.]example`` becomes ``http://a.example``); without a scheme where none stood.
* ``phone``: E.164. Where the country is not known (no ``region``, Latin letters, no ``+``) a number that is announced
  as one ("call", "tel") keeps its digits without ``+``.
* ``email``: lower case, ``name (at) host dot com`` undone.
* ``handle``: ``SERVICE:name`` (``telegram:maria88``, ``whatsapp:+6591234567``), or ``@name`` where no service is named.
* ``payment_account``: ``iban:``, ``bank:``, ``btc:``, ``eth:``, ``tron:`` ..., ``upi:``, ``paynow:``, ``pix:``,
  ``paypal:``, ``cashapp:`` and so on, then the number or name.
* ``card``: masked.

Full-width, circled and mathematical forms, numerals (零一二三), invisible characters, spaced digits, and letters for
digits are undone; where a contact point stands is said in places of the text as given. At most 100 are given, from
the first 100,000 characters; :func:`read` says whether there was more.
"""

from __future__ import annotations

from typing import NamedTuple

from trustward.screening.contacts import quick, trigger
from trustward.screening.contacts.finding import MOST, Contact
from trustward.screening.contacts.view import LONGEST

__all__ = ["LONGEST", "MOST", "Contact", "Read", "contacts", "read"]


class Read(NamedTuple):
    """The contact points of a text, and whether the text was too long, or had too many, to give all."""

    found: tuple[Contact, ...]
    more: bool


_NOTHING = Read((), more=False)
_CUT = Read((), more=True)


def contacts(text: str, region: str = "") -> tuple[Contact, ...]:
    """The contact points of a text in their order; ``region`` (ISO 3166, such as ``SG``) reads national numbers.

    >>> [(found.kind, found.id) for found in contacts("Add me on Telegram: @maria_88 or call 9123 4567", "SG")]
    [('handle', 'telegram:maria_88'), ('phone', '+6591234567')]
    """
    return read(text, region).found


def read(text: str, region: str = "") -> Read:
    """Like :func:`contacts`, and whether there was more than is given."""
    whole = len(text) <= LONGEST
    kinds = trigger.kinds()(text if whole else text[:LONGEST])
    if trigger.says_nothing(kinds, text):
        return _NOTHING if whole else _CUT
    plain = whole and quick.is_settled(text, kinds)
    if plain:
        kinds = quick.closer(kinds)
        if (seen := quick.known(text, kinds)) is not None:
            return Read(seen, more=False) if seen else _NOTHING
    from trustward.screening.contacts import reading  # noqa: PLC0415 - numbering plans load when they are needed

    finding = reading.found_in(text, region, kinds, plain=plain)
    found = sorted(dict.fromkeys(finding.found), key=lambda contact: (contact.start, contact.end, contact.kind))
    return Read(tuple(found[:MOST]), finding.more or len(found) > MOST or not whole)
