"""Which events of a batch look at the labels of an entity, so that a label set in the batch is seen later in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Protocol

from trustward.model.event import Event
from trustward.policy import Policy, TypeProgram
from trustward.policy.nodes import Attribute, Labelled, walk

Entity = tuple[str, str]


class LabelReader:
    """Where the rules of one event type look for entities whose labels they read.

    ``fields`` maps an entity kind to the single-valued fields; ``other`` says that there are more places than that
    (list fields, values made by functions), for which the compiled ``label_entities`` is asked.
    """

    def __init__(self, program: TypeProgram, policy: Policy) -> None:
        self.entities = program.label_entities
        self.fields: dict[str, set[str]] = {}
        self.other = False
        for number in program.rules:
            for node in walk(policy.rules[number].typed[program.type].when):
                if not isinstance(node, Labelled):
                    continue
                if isinstance(node.entity, Attribute) and node.entity.type.base != "list":
                    self.fields.setdefault(node.entity.type.kind, set()).add(node.entity.name)
                else:
                    self.other = True

    def find(self, events: Sequence[Event], wanted: dict[str, set[str]]) -> Iterable[tuple[int, Entity]]:
        """The rows of events whose labels are read for one of the wanted entities (ids by kind), with that entity."""
        if self.other:
            for row, event in enumerate(events):
                for kind, entity in self.entities(event):
                    if entity in wanted.get(kind, ()):
                        yield row, (kind, entity)
            return
        for kind, names in self.fields.items():
            ids = wanted.get(kind)
            if not ids:
                continue
            for name in names:
                for row, entity in enumerate(map(attrgetter(name), events)):
                    if entity in ids:
                        yield row, (kind, entity)


class Group(Protocol):
    """Some events of one type, and where they stand in the batch."""

    @property
    def positions(self) -> Any:
        """Where they stand."""

    @property
    def events(self) -> Sequence[Event]:
        """The events."""


class Followers:
    """For each entity the positions in the batch at which a rule reads its labels.

    One look over the batch finds those of all ``likely`` entities, when the first of them is asked for; any other
    entity costs a look of its own.
    """

    def __init__(self, readers: Sequence[LabelReader], groups: Sequence[Group | None], likely: set[Entity]) -> None:
        self._readers = readers
        self._groups = groups
        self._likely = likely
        self._found: dict[Entity, list[int]] = {}

    def of(self, kind: str, entity: str) -> Sequence[int]:
        """The positions for one entity."""
        key = (kind, entity)
        held = self._found.get(key)
        if held is None:
            self._look(self._likely | {key})
            self._likely = set()
            held = self._found[key]
        return held

    def _look(self, entities: set[Entity]) -> None:
        wanted: dict[str, set[str]] = {}
        for kind, entity in entities:
            wanted.setdefault(kind, set()).add(entity)
            self._found.setdefault((kind, entity), [])
        for reader, group in zip(self._readers, self._groups, strict=True):
            if group is None or not (reader.fields or reader.other):
                continue
            positions = group.positions
            for row, found in reader.find(group.events, wanted):
                self._found[found].append(int(positions[row]))
