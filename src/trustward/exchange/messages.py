"""Messages to events: one event in each message, whatever its white space."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from trustward.exchange.decode import BOM, EventDecoder
from trustward.exchange.records import Decoded, Reject

LINE_ENDS = bytes.maketrans(b"\r\n", b"\t\t")
"""Puts JSON on one line: between values a tab is as good, and within a text it is as wrong."""


MOST_TOLD = 50
"""How many faults of one message are told: they go into a header."""


def by_message(faults: Iterable[Reject]) -> dict[int, list[dict[str, Any]]]:
    """What is told of each faulty message, by its place (from 0).

    >>> by_message([Reject(line=1, path=f"$.{number}", cause="") for number in range(60)])[0][-1]
    {'path': '$', 'cause': 'and 10 more', 'decided': False}
    """
    found: dict[int, list[Reject]] = {}
    for fault in faults:
        found.setdefault(fault.line - 1, []).append(fault)
    told = {}
    for at, many in found.items():
        told[at] = [{"path": one.path, "cause": one.cause, "decided": one.decided} for one in many[:MOST_TOLD]]
        if len(many) > MOST_TOLD:
            told[at].append({"path": "$", "cause": f"and {len(many) - MOST_TOLD} more", "decided": many[-1].decided})
    return told


def decode_messages(decoder: EventDecoder, bodies: Sequence[bytes]) -> Decoded:
    r"""The events of some messages; the line of an event or a fault is the number of its message, from 1.

    >>> from trustward.model.catalogue import load_catalogue
    >>> decoder = EventDecoder(load_catalogue())
    >>> good = b'{\n"type": "password.changed", "id": "1", "time": "2026-01-31T12:00:00Z", "account": "a"}'
    >>> found = decode_messages(decoder, [b"", good])
    >>> list(found.lines), [(reject.line, reject.path, reject.cause) for reject in found.rejects]
    ([2], [(1, '$', 'the message is empty')])
    """
    rows = [body.removeprefix(BOM).translate(LINE_ENDS) for body in bodies]
    empty = {number for number, row in enumerate(rows, 1) if not row.strip()}
    chunk = b"".join((b"null" if number in empty else row) + b"\n" for number, row in enumerate(rows, 1))
    decoded = decoder.decode_lines(chunk)
    rejects = [
        replace(one, cause="the message is empty", raw="") if one.line in empty else one for one in decoded.rejects
    ]
    return replace(decoded, rejects=rejects) if empty else decoded
