"""What comes out of reading: events, and the records that were set aside."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from trustward.model.decision import Fault
from trustward.model.event import Event

RAW_LIMIT = 2000
"""Most characters of a faulty record that are kept beside its cause."""


_VALUES = re.compile(r"(?<=\btext )(?:'.*'|\".*\")|(?<=got )[-+.\de]+|(?<=this is )[-+.\de]+|(?<=this one )[\d,]+")
"""Where a cause shows the value that was found."""


class Reject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fault of one record: the line or row (from 1), the place in it, the cause and the record as it came.

    ``decided`` says whether the event was kept, without the faulty field, and went on to be decided as degraded.
    ``file`` is empty until somebody who knows the file fills it in.
    """

    file: str = ""
    line: int
    path: str
    cause: str
    decided: bool = False
    raw: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """What faults have in common that differ in nothing but the value: the place, and the cause without it."""
        return self.path, _VALUES.sub("", self.cause)


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk of a file: its events, the faults of those that have any (by position) and what was set aside.

    ``lines[i]`` is the line or row of ``events[i]``. ``first_line`` and ``line_count`` say which lines were read.
    """

    events: Sequence[Event]
    faults: dict[int, tuple[Fault, ...]]
    rejects: list[Reject]
    lines: Sequence[int]
    first_line: int = 1
    line_count: int = 0

    @property
    def set_aside(self) -> int:
        """How many records gave no event at all."""
        return sum(not reject.decided for reject in self.rejects)


def excerpt(raw: bytes) -> str:
    r"""The first characters of a faulty record, safe to print and to write.

    >>> excerpt(b"caf\xff")
    'caf\ufffd'
    """
    return raw[: 4 * RAW_LIMIT].decode("utf-8", "replace")[:RAW_LIMIT]


def safe_text(text: str, limit: int = 60) -> str:
    """Text from a faulty record for use in a message: short, and without lone surrogates."""
    short = text if len(text) <= limit else text[: limit - 3] + "..."
    return short.encode("utf-8", "replace").decode("utf-8")
