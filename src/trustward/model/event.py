"""Events as frozen records: one class per event type, made from the catalogue."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias, cast

import msgspec
from msgspec import Meta

from trustward.model.catalogue import WHOLE_LIMIT, Catalogue, EventType, Field

ID_LIMIT = 256
"""Most characters that an event id may have."""
ENTITY_LIMIT = 4096
"""Most characters that an entity's id may have: windows and labels keep it."""
DURATION_LIMIT_S = WHOLE_LIMIT / 1_000_000
"""Most seconds that a duration may have, either way: 285 years, of which every JSON reader keeps the microseconds."""
LIST_LIMIT = 1000
"""Most values that a list may have: windows count each of them."""

Whole: TypeAlias = Annotated[int, Meta(ge=-WHOLE_LIMIT, le=WHOLE_LIMIT)]
Duration: TypeAlias = Annotated[float, Meta(ge=-DURATION_LIMIT_S, le=DURATION_LIMIT_S)]
EntityId: TypeAlias = Annotated[str, Meta(max_length=ENTITY_LIMIT)]
EventId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=ID_LIMIT)]


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
):
    """What every event has: its id, its time (RFC 3339, as it came) and where it came from.

    ``truth`` is the known answer of a labelled stream (empty or None: honest); it is for measuring only, and no rule
    can read it. A field that is absent is None.
    """

    id: EventId
    time: str
    source: str | None = None
    truth: str | None = None


_PLAIN: dict[str, Any] = {
    "text": str,
    "number": float,
    "whole": Whole,
    "flag": bool,
    "time": str,
    "duration": Duration,
    "money": Whole,
    "entity": EntityId,
}
_LISTS: dict[str, Any] = {
    "text": Annotated[tuple[str, ...], Meta(max_length=LIST_LIMIT)],
    "entity": Annotated[tuple[EntityId, ...], Meta(max_length=LIST_LIMIT)],
}


def annotation(field: Field) -> Any:
    """The Python type of a field's value, when it is present."""
    return _LISTS[field.of] if field.type == "list" else _PLAIN[field.type]


def event_class(event_type: EventType) -> type[Event]:
    """The record class of one event type: required fields first, every other field None unless given."""
    # The envelope is named again so that it comes first, in the order in which events are usually written.
    fields: list[Any] = [("id", EventId), ("time", str), ("source", str | None, None), ("truth", str | None, None)]
    fields += [(field.name, annotation(field)) for field in event_type.fields.values() if field.required]
    fields += [
        (field.name, annotation(field) | None, None) for field in event_type.fields.values() if not field.required
    ]
    name = "".join(part.capitalize() for part in event_type.name.replace(".", "_").split("_"))
    made = msgspec.defstruct(name, fields, bases=(Event,), tag=event_type.name, module=__name__, kw_only=True)
    return cast(type[Event], made)


def event_classes(catalogue: Catalogue) -> dict[str, type[Event]]:
    """A record class for every type of the catalogue, by the type's name.

    >>> from trustward.model.catalogue import load_catalogue
    >>> sent = event_classes(load_catalogue())["message.sent"]
    >>> sent(id="1", time="2026-01-01T00:00:00Z", sender="a").recipient is None
    True
    """
    return {name: event_class(event_type) for name, event_type in catalogue.types.items()}


def type_of(event: Event | type[Event]) -> str:
    """The type name of an event or of its class."""
    tag = event.__struct_config__.tag
    return tag if isinstance(tag, str) else ""
