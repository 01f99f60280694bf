"""What clues, holds and requests have in common: a file of pages, and how they are looked for."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

TEXT_LIMIT = 4_000
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Words = Annotated[str, Meta(max_length=TEXT_LIMIT)]
Pair = tuple[str, str]
"""An entity: its kind and its id."""


class FilePage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to a record, such as ``clue:4f1c``. ``number`` counts from 1."""

    record: str
    number: int
    at_us: int
    what: str
    actor: str
    said: str = ""
    detail: dict[str, Any] = {}


class DossierQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which records are wanted; what is empty asks for nothing.

    ``party`` is the authority or office on the other side, ``subject`` what it is about, as one text.
    """

    states: tuple[str, ...] = ()
    subject: str = ""
    party: str = ""
    cause: str = ""
    secret: bool = False
    """Whether secret ones are wanted too."""
