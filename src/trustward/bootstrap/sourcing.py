"""Sources of events: which kinds there are, and those that the settings name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from threading import Event
from typing import TYPE_CHECKING, Any

import msgspec

from trustward.base.errors import SettingsError
from trustward.model.catalogue import Catalogue

if TYPE_CHECKING:
    from trustward.operations.sourcing import Sources, Submit, Told
    from trustward.ports.sources import Source, SourceKind
    from trustward.settings import Settings

GROUP = "trustward.sources"
"""The entry points of other packages' kinds."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def source_kinds() -> dict[str, Callable[[], SourceKind]]:
    """Every kind of source by name: shipped, and of installed packages. Each is loaded when it is called."""
    from trustward.adapters import sources

    shipped = [module.name for module in iter_modules(sources.__path__)]
    found: dict[str, Callable[[], SourceKind]] = {
        point.name: point.load for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)
    }
    return {**found, **{name: _shipped(name) for name in shipped}}


def _shipped(name: str) -> Callable[[], SourceKind]:
    def load() -> SourceKind:
        kind: SourceKind = import_module(f"trustward.adapters.sources.{name}").KIND
        return kind

    return load


def make_sources(settings: Settings, known: Catalogue) -> dict[str, tuple[str, Source]]:
    """The sources of the settings by name, each with its kind; none is open. Raises SettingsError, MappingError."""
    from trustward.base.clock import now_us
    from trustward.exchange.decode import EventDecoder
    from trustward.exchange.mapping import load_mapping
    from trustward.ports.sources import Tools

    made: dict[str, tuple[str, Source]] = {}
    kinds = source_kinds()
    for table in settings.sources:
        name, kind, fields = _named(table, kinds)
        if name in made:
            raise SettingsError(f"sources: two are called {name}", remedy="give each a name of its own")
        tools = Tools(
            decoder=EventDecoder(known, line_limit=settings.event_bytes),
            mapping=lambda path: load_mapping(Path(path), known),
            folder=Path(settings.data) / "sources" / name,
            clock=now_us,
        )
        loaded = kinds[kind]()
        made[name] = kind, loaded(name, _settings(name, loaded, fields), tools)
    return made


def _named(table: Mapping[str, Any], kinds: Mapping[str, object]) -> tuple[str, str, dict[str, Any]]:
    fields = dict(table)
    name, kind = fields.pop("name", None), fields.pop("kind", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsError("sources: one has no name of letters, digits, - and _", remedy='write name = "orders"')
    if kind not in kinds:
        near = get_close_matches(str(kind), kinds, 1)
        hint = f"did you mean {near[0]}?" if near else f"write one of: {', '.join(sorted(kinds))}"
        raise SettingsError(f"sources: {name}: no such kind: {str(kind)[:40]}", remedy=hint)
    return name, kind, fields


def _settings(name: str, kind: SourceKind, fields: Mapping[str, Any]) -> msgspec.Struct:
    wanted = kind.Settings.__struct_fields__
    for field in fields:
        if field not in wanted:
            near = get_close_matches(field, wanted, 1)
            hint = f"did you mean {near[0]}?" if near else f"it takes: {', '.join(wanted)}"
            raise SettingsError(f"sources: {name}: no such setting: {field[:40]}", remedy=hint)
    try:
        return msgspec.convert(fields, kind.Settings)
    except msgspec.ValidationError as fault:
        raise SettingsError(f"sources: {name}: {fault}", remedy="docs/sources.md says what it takes") from fault


def sources(settings: Settings, known: Catalogue, submit: Submit, told: Told) -> Sources:
    """All sources, not started. Raises SettingsError, MappingError."""
    from trustward.operations.sourcing import Sources, Sourcing

    stop = Event()
    return Sources(
        [
            Sourcing(
                name,
                source,
                submit,
                stop=stop,
                most=settings.source_events,
                told=told,
            )
            for name, (_, source) in make_sources(settings, known).items()
        ],
        stop,
    )


def source_fields(kind: SourceKind) -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of every field of a kind's settings."""
    from trustward.settings import described

    return described(kind.Settings)
