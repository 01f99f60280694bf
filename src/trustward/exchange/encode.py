"""Events to lines, fast."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trustward.model.event import Event


class EventEncoder:
    r"""Writes events in the flat form, one JSON object to a line; absent fields are left out.

    >>> from trustward.model.catalogue import load_catalogue
    >>> from trustward.model.event import event_classes
    >>> changed = event_classes(load_catalogue())["password.changed"]
    >>> EventEncoder().encode_lines([changed(id="1", time="2026-01-31T12:00:00Z", account="a7")])
    b'{"type":"password.changed","id":"1","time":"2026-01-31T12:00:00Z","account":"a7"}\n'
    """

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def encode_lines(self, events: Sequence[Event]) -> bytes:
        """Whole lines, each ended by a newline; empty for no events."""
        return self._encoder.encode_lines(events)
