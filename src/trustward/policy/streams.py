"""From features to the windows' plan: shared streams, the columns of each event type, and where each reading lands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from trustward.policy.features import Feature
from trustward.policy.nodes import Node, Reading
from trustward.windows.plan import Aggregate, Carried, Operation, Plan, Read, Stream, TypePlan


class Slots(NamedTuple):
    """Where the numbers behind one reading stand among an event type's features.

    ``plain``: one. ``difference``: a - b. ``mean_difference``: (a - b) / (c - d).
    """

    kind: Literal["plain", "difference", "mean_difference"]
    at: tuple[int, ...]


class Need(NamedTuple):
    """When a text column of an event type matters: where one of some flag columns is true, or a reading is looked at.

    ``always``: it is fed whatever the event says.
    """

    always: bool
    flags: frozenset[int]
    readings: frozenset[str]


@dataclass(slots=True)
class _StreamDraft:
    id: str
    keyspace: str
    values: dict[tuple[str, str], int] = field(default_factory=dict)
    carried: list[Carried] = field(default_factory=list)
    reads: dict[Read, int] = field(default_factory=dict)


@dataclass(slots=True)
class _OperationDraft:
    stream: int
    key: tuple[int, ...]
    feeds: bool
    where: int = -1
    values: dict[int, int] = field(default_factory=dict)
    reads: list[int] = field(default_factory=list)


class Columns:
    """The columns of one event type, each expression once: texts with their keyspace, numbers, flags."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], tuple[int, Node]] = {}
        self.numbers: dict[tuple[str, str], tuple[int, Node]] = {}
        self.flags: dict[str, tuple[int, Node]] = {}

    def text(self, node: Node, keyspace: str) -> int:
        """The index of a text column interned into a keyspace ("" if it only hashes or is part of a key)."""
        if not keyspace:
            for (key, _), (index, _node) in self.texts.items():
                if key == node.key:
                    return index
        elif (node.key, "") in self.texts:
            # A column that so far only hashed serves as the interned one too.
            self.texts = {
                (key, keyspace if (key, space) == (node.key, "") else space): column
                for (key, space), column in self.texts.items()
            }
        return self.texts.setdefault((node.key, keyspace), (len(self.texts), node))[0]

    def number(self, node: Node, carried: str) -> int:
        """The index of a number column."""
        return self.numbers.setdefault((node.key, carried), (len(self.numbers), node))[0]

    def flag(self, node: Node) -> int:
        """The index of a flag column."""
        return self.flags.setdefault(node.key, (len(self.flags), node))[0]


class PlanBuilder:
    """Collects readings and makes the plan. Features are planned once; equal ones share everything."""

    def __init__(self) -> None:
        self._streams: dict[str, _StreamDraft] = {}
        self._order: list[str] = []
        self._planned: set[str] = set()
        self._features: dict[str, Feature] = {}
        self.columns: dict[str, Columns] = {}
        self._operations: dict[str, list[_OperationDraft]] = {}
        self._wanted: dict[str, dict[str, Reading]] = {}

    def want(self, type_name: str, reading: Reading) -> None:
        """Note that an event type reads this."""
        self._type(type_name)
        self._wanted[type_name].setdefault(reading.id, reading)
        self._features.setdefault(reading.feature.id, reading.feature)

    def include(self, type_name: str) -> None:
        """Make sure that an event type has a program, even without features."""
        self._type(type_name)

    def _type(self, name: str) -> None:
        if name not in self.columns:
            self.columns[name] = Columns()
            self._operations[name] = []
            self._wanted[name] = {}

    def build(self) -> tuple[Plan, dict[str, dict[str, Slots]]]:
        """The plan, and for each event type where its readings stand, by reading id."""
        for _, feature in sorted(self._features.items()):
            self._feed(feature)
        for type_name in sorted(self._wanted):
            for _, reading in sorted(self._wanted[type_name].items()):
                for read in reads_of(reading.feature, self._value_index(reading.feature)):
                    self._read(type_name, reading, read)
        slots = {name: self._slots(name) for name in sorted(self.columns)}
        streams = tuple(
            Stream(
                id=draft.id,
                keyspace=draft.keyspace,
                values=tuple(draft.carried),
                reads=tuple(draft.reads),
                told=tuple(text for text, _ in draft.values),
            )
            for draft in (self._streams[key] for key in self._order)
        )
        return Plan(streams=streams, types=tuple(self._type_plan(name) for name in sorted(self.columns))), slots

    # ------------------------------------------------------------------ feeding

    def _stream(self, feature: Feature) -> int:
        if feature.stream not in self._streams:
            self._streams[feature.stream] = _StreamDraft(feature.stream, feature.keyspace)
            self._order.append(feature.stream)
        return self._order.index(feature.stream)

    def _value_index(self, feature: Feature) -> int:
        if feature.value_carried is None:
            return -1
        draft = self._streams[feature.stream]
        found = draft.values.get((feature.value_key, feature.value_carried))
        if found is None:
            found = draft.values[(feature.value_key, feature.value_carried)] = len(draft.carried)
            draft.carried.append(feature.value_carried)
        return found

    def _feed(self, feature: Feature) -> None:
        stream = self._stream(feature)
        value = self._value_index(feature)
        for type_name, feeds in feature.feeds.items():
            self._type(type_name)
            columns = self.columns[type_name]
            for feed in feeds:
                key = self._key(columns, feature, feed.key)
                where = columns.flag(feed.where) if feed.where is not None else -1
                operation = self._operation(type_name, stream, key, feeds=True, where=where)
                if value >= 0 and feed.value is not None:
                    if feature.value_carried == "hash":
                        operation.values[value] = columns.text(feed.value, "")
                    else:
                        assert feature.value_carried is not None
                        operation.values[value] = columns.number(feed.value, feature.value_carried)

    @staticmethod
    def _key(columns: Columns, feature: Feature, key: Iterable[Node]) -> tuple[int, ...]:
        parts = tuple(key)
        if len(parts) == 1:
            return (columns.text(parts[0], feature.keyspace),)
        return tuple(columns.text(part, "") for part in parts)

    def _operation(
        self, type_name: str, stream: int, key: tuple[int, ...], *, feeds: bool, where: int = -1
    ) -> _OperationDraft:
        for draft in self._operations[type_name]:
            if draft.stream == stream and draft.key == key and (draft.feeds or not feeds):
                return draft
        made = _OperationDraft(stream, key, feeds, where)
        self._operations[type_name].append(made)
        return made

    # ------------------------------------------------------------------ reading

    def _read(self, type_name: str, reading: Reading, read: Read) -> None:
        feature = reading.feature
        stream = self._stream(feature)
        draft = self._streams[feature.stream]
        index = draft.reads.setdefault(read, len(draft.reads))
        key = self._key(self.columns[type_name], feature, reading.keys)
        operation = self._operation(type_name, stream, key, feeds=False)
        if index not in operation.reads:
            operation.reads.append(index)

    def _ordered(self, type_name: str) -> list[_OperationDraft]:
        """Those that feed first, so that an event sees itself under whichever key it reads."""
        return sorted(self._operations[type_name], key=lambda draft: not draft.feeds)

    def _slots(self, type_name: str) -> dict[str, Slots]:
        position: dict[tuple[int, int], int] = {}
        operations = self._ordered(type_name)
        count = 0
        for number, operation in enumerate(operations):
            for read in operation.reads:
                position[(number, read)] = count
                count += 1
        slots: dict[str, Slots] = {}
        for identity, reading in self._wanted[type_name].items():
            feature = reading.feature
            stream = self._stream(feature)
            key = self._key(self.columns[type_name], feature, reading.keys)
            number = next(i for i, draft in enumerate(operations) if draft.stream == stream and draft.key == key)
            reads = self._streams[feature.stream].reads
            at = tuple(position[(number, reads[read])] for read in reads_of(feature, self._value_index(feature)))
            kind: Literal["plain", "difference", "mean_difference"]
            kind = "plain" if len(at) == 1 else "difference" if len(at) == 2 else "mean_difference"
            slots[identity] = Slots(kind, at)
        return slots

    def needs(self, type_name: str) -> dict[int, Need]:
        """When each text column of a type matters; after :meth:`build`."""
        columns = self.columns[type_name]
        fed: dict[int, set[int]] = {}
        read: dict[int, set[str]] = {}
        for draft in self._operations[type_name]:
            carried = self._streams[self._order[draft.stream]].carried
            hashed = [column for value, column in draft.values.items() if carried[value] == "hash"]
            for column in (*draft.key, *hashed) if draft.feeds else ():
                fed.setdefault(column, set()).add(draft.where)
        for identity, reading in self._wanted[type_name].items():
            for column in self._key(columns, reading.feature, reading.keys):
                read.setdefault(column, set()).add(identity)
        return {
            number: Need(
                -1 in fed.get(number, ()), frozenset(fed.get(number, ())) - {-1}, frozenset(read.get(number, ()))
            )
            for number, _ in columns.texts.values()
        }

    def _type_plan(self, name: str) -> TypePlan:
        columns = self.columns[name]
        operations = tuple(
            Operation(
                stream=draft.stream,
                key=draft.key,
                feeds=draft.feeds,
                where=draft.where,
                values=tuple(
                    draft.values.get(i, -1) for i in range(len(self._streams[self._order[draft.stream]].carried))
                )
                if draft.feeds
                else (),
                reads=tuple(draft.reads),
            )
            for draft in self._ordered(name)
        )
        return TypePlan(
            type=name,
            texts=tuple(keyspace for _, keyspace in columns.texts),
            numbers=tuple("whole" if carried == "whole" else "float" for _, carried in columns.numbers),
            flags=len(columns.flags),
            operations=operations,
        )


def reads_of(feature: Feature, value: int) -> list[Read]:
    """The reads behind a feature; a delayed one is the difference of a long window and a short one."""
    name: Aggregate = feature.aggregate
    if not feature.delay:
        return [Read(aggregate=name, window=feature.window, baseline=feature.baseline, value=value)]
    long, short = feature.delay + feature.window, feature.delay
    if name in ("count", "total"):
        at = value if name == "total" else -1
        return [Read(aggregate=name, window=long, value=at), Read(aggregate=name, window=short, value=at)]
    return [
        Read(aggregate="total", window=long, value=value),
        Read(aggregate="total", window=short, value=value),
        Read(aggregate="count", window=long),
        Read(aggregate="count", window=short),
    ]
