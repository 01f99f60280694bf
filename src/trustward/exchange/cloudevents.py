"""CloudEvents 1.0 in JSON: the same events with their fields in ``data``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Union

import msgspec

from trustward.model.catalogue import Catalogue
from trustward.model.event import Event, EventId, annotation, type_of

_DATA_OPTIONS: dict[str, Any] = {"frozen": True, "kw_only": True, "gc": False, "forbid_unknown_fields": True}
_EVENT_OPTIONS: dict[str, Any] = {"frozen": True, "kw_only": True, "gc": False, "tag_field": "type"}


class CloudEvents:
    """Decodes lines that hold CloudEvents into the catalogue's record classes."""

    def __init__(self, catalogue: Catalogue, classes: Mapping[str, type[Event]]) -> None:
        self._flat: dict[Any, type[Event]] = {}
        for name, event_type in catalogue.types.items():
            required = [(f.name, annotation(f)) for f in event_type.fields.values() if f.required]
            optional = [(f.name, annotation(f) | None, None) for f in event_type.fields.values() if not f.required]
            data = msgspec.defstruct("Data", [*required, *optional], **_DATA_OPTIONS)
            # Attributes beyond these are extensions, which every reader tolerates (CloudEvents 1.0, section 3.1).
            fields: list[Any] = [
                ("specversion", Literal["1.0"]),
                ("id", EventId),
                ("time", str),
                ("source", str | None, None),
                ("truth", str | None, None),
                ("data", data),
            ]
            self._flat[msgspec.defstruct("CloudEvent", fields, tag=name, **_EVENT_OPTIONS)] = classes[name]
        self._decoder = msgspec.json.Decoder(Union[tuple(self._flat)])  # noqa: UP007  # a union made of data

    def decode(self, line: bytes | bytearray | memoryview) -> Event:
        """The event of one line. Raises msgspec's errors where it is no CloudEvent."""
        return self._flatten(self._decoder.decode(line))

    def _flatten(self, event: Any) -> Event:
        fields = msgspec.structs.asdict(event.data)
        return self._flat[type(event)](id=event.id, time=event.time, source=event.source, truth=event.truth, **fields)


def to_cloudevent(event: Event, *, source: str = "trustward") -> dict[str, Any]:
    """An event as a CloudEvents 1.0 object; ``source`` stands in where the event names none.

    >>> from trustward.model.catalogue import load_catalogue
    >>> from trustward.model.event import event_classes
    >>> sent = event_classes(load_catalogue())["password.changed"]
    >>> to_cloudevent(sent(id="1", time="2026-01-31T12:00:00Z", account="a7"), source="/app")["data"]
    {'account': 'a7'}
    """
    flat = msgspec.structs.asdict(event)
    envelope = {key: flat.pop(key) for key in ("id", "time", "source", "truth")}
    made: dict[str, Any] = {
        "specversion": "1.0",
        "id": envelope["id"],
        "source": envelope["source"] or source,
        "type": type_of(event),
        "time": envelope["time"],
    }
    if envelope["truth"] is not None:
        made["truth"] = envelope["truth"]
    return made | {"data": {name: value for name, value in flat.items() if value is not None}}


def encode_cloudevents(events: Iterable[Event], *, source: str = "trustward") -> bytes:
    """Events as CloudEvents lines."""
    return msgspec.json.Encoder().encode_lines([to_cloudevent(event, source=source) for event in events])
