"""The reference of event types in ``docs/events.md``, made from the catalogue.

``python -m trustward.cli.events_page FILE`` writes it: only what stands between the two marks; the rest of the page is
written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from trustward.cli.events import about_words, type_words
from trustward.model.catalogue import Catalogue, EventType, Field, load_catalogue

BEGIN = "<!-- Written from here on by `make docs` from the catalogue; a test fails when it is out of date. -->"
END = "<!-- Written up to here. -->"
CLIENT = ("device", "ip", "country", "user_agent", "session")


def render(catalogue: Catalogue) -> str:
    """The reference as Markdown, from mark to mark."""
    client = catalogue.types["signin.succeeded"].fields
    parts = [
        BEGIN,
        "",
        f"The catalogue holds {len(catalogue.types)} event types.",
        "",
        "### Fields of whoever acts",
        "",
        "Types that end with *and the client's fields* have these as well:",
        "",
        *_fields(client[name] for name in CLIENT),
        "### Types",
        "",
    ]
    for event_type in catalogue.types.values():
        parts += _type(event_type)
    parts += ["### Kinds of entity", "", *_names("kind", catalogue.kinds)]
    parts += ["### Classes of personal data", "", *_names("class", catalogue.personal)]
    parts += ["### Classes of retention", "", *_names("class", catalogue.retention)]
    return "\n".join([*parts, END])


def inserted(page: str, reference: str) -> str:
    """A page with the reference between its marks. Raises ValueError where a mark is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has lost its marks")
    return before + reference + after


def _type(event_type: EventType) -> Iterator[str]:
    shared = all(name in event_type.fields for name in CLIENT)
    yield f"#### {event_type.name}"
    yield ""
    yield f"{event_type.about} Retention: {event_type.retention}."
    yield ""
    yield from _fields(field for field in event_type.fields.values() if not (shared and field.name in CLIENT))
    if shared:
        yield "… and the client's fields."
        yield ""


def _fields(fields: Iterable[Field]) -> Iterator[str]:
    yield "| field | type | needed | personal data | meaning |"
    yield "| --- | --- | --- | --- | --- |"
    for field in fields:
        personal = "" if field.personal == "none" else field.personal
        needed = "yes" if field.required else ""
        yield f"| `{field.name}` | {type_words(field)} | {needed} | {personal} | {about_words(field)} |"
    yield ""


def _names(head: str, names: Mapping[str, str]) -> Iterator[str]:
    yield f"| {head} | meaning |"
    yield "| --- | --- |"
    for name, about in names.items():
        yield f"| `{name}` | {about} |"
    yield ""


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(inserted(place.read_text(encoding="utf-8"), render(load_catalogue())), encoding="utf-8")
