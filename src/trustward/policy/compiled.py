"""A policy, loaded, checked and compiled."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from trustward.base.errors import PolicyError
from trustward.model.catalogue import Catalogue
from trustward.model.decision import Action
from trustward.model.event import Event, event_class
from trustward.model.regimes import load_obligations
from trustward.policy.aggregates import type_names
from trustward.policy.calls import call
from trustward.policy.cells import FEW
from trustward.policy.columns import careful_columns
from trustward.policy.expressions import Typer
from trustward.policy.faults import Span, nearest
from trustward.policy.features import Feature
from trustward.policy.files import read_lists, read_sources
from trustward.policy.nodes import Labelled, Node, Reading, walk
from trustward.policy.program import Generated, StateLike, Writer
from trustward.policy.rules import Rule
from trustward.policy.source import MAX_TOTAL, Source
from trustward.policy.statements import RuleReader, Statements, collect
from trustward.policy.streams import PlanBuilder, Slots
from trustward.policy.syntax import read
from trustward.policy.trace import Trace, trace
from trustward.policy.workspace import ListSpec, Workspace
from trustward.screening.functions import Function, load_functions
from trustward.windows.plan import Plan, TypePlan


class TypeProgram:
    """The compiled rules and columns of one event type.

    ``rules`` are the numbers of the rules that are evaluated on it. ``index`` is its place in ``Plan.types``.
    """

    def __init__(
        self,
        index: int,
        plan: TypePlan,
        cls: type[Event],
        rules: Sequence[Rule],
        generated: Generated,
        slots: Mapping[str, Slots],
        exports: Mapping[str, Slots],
    ) -> None:
        name = plan.type
        self.index = index
        self.type = name
        self._plan = plan
        self.cls = cls
        self.rules = tuple(rule.number for rule in rules)
        self.exports = dict(exports)
        self.reads_labels = any(isinstance(p, Labelled) for rule in rules for p in walk(rule.typed[name].when))
        self._generated = generated
        self._by_number = {rule.number: rule for rule in rules}
        self._slots = slots
        self._width = generated.width
        self.entities: Callable[[Event], list[tuple[str, str]]] = generated.entities
        """Every (kind, id) that an event names."""
        self.label_entities: Callable[[Event], list[tuple[str, str]]] = generated.label_entities
        """The (kind, id) whose labels a rule of this type may read."""
        self.match: Callable[[Event, int, Sequence[Any], StateLike], Sequence[int]] = generated.match
        """The numbers of the rules that hold on one event."""

    def columns(
        self, events: Sequence[Event], failed: set[int] | None = None, whole: Collection[int] = ()
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """(texts, numbers, flags) of some events, in the order of the type's plan; a list-valued key is a pair.

        Of many events, costly keys are made only where they matter: where they are fed, or where a condition that
        looks at what is read under them can hold by the event's plain fields. At the positions in ``whole`` all are.
        Where a function fails on an event, its cell is missing and the event's position is added to ``failed``: its
        rules must be traced, for they cannot be trusted to have seen everything.
        """
        try:
            made: tuple[list[Any], list[Any], list[Any]] = self._generated.columns(events, whole)
        except Exception:  # noqa: BLE001 - whatever a function raised, the careful way finds out on which event
            noted = failed if failed is not None else set()
            return careful_columns(self._generated, self._plan.numbers, events, noted, whole)
        return made

    def hits(
        self, events: Sequence[Event], times: Sequence[int], features: Sequence[Any], state: StateLike
    ) -> list[tuple[int, list[int] | None]]:
        """The events on which rules hold: pairs of position and rule numbers, in order.

        ``features`` are one column each: arrays, or lists of numbers. None instead of rule numbers: something failed
        on this event, and its rules must be traced.
        """
        found: dict[int, list[int] | None] = {}
        failed: list[int] = []
        width = self._width
        for packed in sorted(self._packed(events, times, features, state, 0, failed)):
            at, rule = divmod(packed, width)
            held = found.setdefault(at, [])
            assert held is not None
            held.append(rule)
        if failed:
            found.update(dict.fromkeys(failed))
            return sorted(found.items())
        return list(found.items())

    def gate(
        self, events: Sequence[Event], times: Sequence[int], features: Sequence[Any], state: StateLike
    ) -> list[int]:
        """The positions of the events on which at least one rule holds or something failed, in order."""
        failed: list[int] = []
        width = self._width
        found = {packed // width for packed in self._packed(events, times, features, state, 0, failed)}
        return sorted(found.union(failed))

    def _packed(
        self,
        events: Sequence[Event],
        times: Sequence[int],
        features: Sequence[Any],
        state: StateLike,
        offset: int,
        failed: list[int],
    ) -> list[int]:
        """Position * width + rule number of every hit; positions of events on which something fails are noted."""
        if not self.rules:
            return []
        try:
            look = self._one_by_one if len(events) < FEW else self._generated.hits
            found = look(events, times, features, state)
        except Exception:  # noqa: BLE001 - the halves are tried until the failing events are found
            if len(events) == 1:
                failed.append(offset)
                return []
            middle = len(events) // 2
            first = [column[:middle] for column in features]
            second = [column[middle:] for column in features]
            return [
                *self._packed(events[:middle], times[:middle], first, state, offset, failed),
                *self._packed(events[middle:], times[middle:], second, state, offset + middle, failed),
            ]
        return [packed + offset * self._width for packed in found] if offset else found

    def _one_by_one(
        self, events: Sequence[Event], times: Sequence[int], features: Sequence[Any], state: StateLike
    ) -> list[int]:
        """The same for a few events: array operations would cost more than they save."""
        width, match = self._width, self.match
        columns = [np.asarray(column).tolist() for column in features]
        return [
            at * width + number
            for at, event in enumerate(events)
            for number in match(event, times[at], [column[at] for column in columns], state)
        ]

    def values(self, rule: int, event: Event, time: int, features: Sequence[Any], state: StateLike) -> dict[str, Any]:
        """The values behind a match, by source text. ``state`` is the one by which the rule matched."""
        return self._generated.values[rule](event, time, features, state)

    def reason(self, rule: int, event: Event, time: int, features: Sequence[Any]) -> str:
        """The rule's reason, filled in."""
        return self._generated.reasons[rule](event, time, features)

    def actions(self, rule: int, event: Event, time: int, features: Sequence[Any]) -> list[Action]:
        """The rule's actions on this event; one on an entity that the event does not name is left out."""
        return self._generated.actions[rule](event, time, features)

    def trace(
        self,
        rule: int,
        event: Event,
        time: int,
        features: Sequence[Any],
        state: StateLike,
        faulty: frozenset[str] = frozenset(),
    ) -> Trace:
        """How the rule came out, part by part; fields in ``faulty`` could not be read."""
        typed = self._by_number[rule].typed[self.type]
        return trace(typed.when, event, time, features, state, faulty, self._slots)

    @property
    def source(self) -> str:
        """The text of the generated code."""
        return self._generated.source


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Policy:
    """A policy, ready to use. ``hash`` names exactly these sources and lists."""

    hash: str
    rules: tuple[Rule, ...]
    plan: Plan
    types: dict[str, TypeProgram]
    features: dict[str, Feature]
    lists: dict[str, ListSpec]
    labels_read: frozenset[str]
    exports: tuple[str, ...]
    sources: tuple[Source, ...]


def load_policy(
    origin: Path | str | Sequence[Source],
    catalogue: Catalogue,
    *,
    drafts: bool = False,
    functions: Iterable[Function] = (),
    lists: Mapping[str, ListSpec] | None = None,
) -> Policy:
    """Read, check and compile a policy: a folder, one file, or sources that are at hand.

    Among sources, those called ``lists/NAME.txt`` are lists, as in a folder.
    ``drafts`` evaluates draft rules as well (to run their examples). Raises PolicyError with all faults, rendered.
    """
    work = Workspace(catalogue, call, load_functions(functions), obligations=load_obligations())
    sources, list_files = (
        _parted(origin) if not isinstance(origin, (Path, str)) else read_sources(Path(origin), work.faults)
    )
    readable = not work.faults
    work.lists = dict(lists or {})
    work.lists.update(read_lists(list_files, catalogue, work.faults))
    statements = _statements(work, sources)
    statements.whole = statements.whole and readable
    rules = _rules(work, statements)
    exports = _exports(work, statements)
    if statements.whole:
        _unused(work)
    if len(rules) == len(statements.rules):
        _misspelt_labels(work, rules)
    if not rules and not exports and not work.faults:
        where = Span(sources[0], 1, 0, 1, 1) if sources else Span(Source(str(origin), ""), 1, 0, 1, 0)
        work.faults.add("P007", "a policy without rules", where, "write at least one rule(...) or export(...)")
    if work.faults:
        rendered = [fault.render() for fault in work.faults.sorted()]
        count = len(rendered) + work.faults.more
        raise PolicyError(
            f"the policy has {count} fault{'s' if count > 1 else ''}",
            faults=rendered,
            remedy="see the marked places",
        )
    return _compile(work, rules, exports, policy_hash(sources, list_files, lists or {}), sources, drafts=drafts)


def _parted(sources: Iterable[Source]) -> tuple[list[Source], list[Source]]:
    """Policy files and list files, in order of their names."""
    held = sorted(sources, key=lambda source: (source.name, source.text))
    lists = [source for source in held if source.name.startswith("lists/") and source.name.endswith(".txt")]
    return [source for source in held if source not in lists], lists


def _statements(work: Workspace, sources: Iterable[Source]) -> Statements:
    statements = Statements()
    total = 0
    for source in sources:
        total += len(source.text)
        if total > MAX_TOTAL:
            where = Span(source, 1, 0, 1, len(source.lines[0]))
            work.faults.add("P003", f"the policy has more than {MAX_TOTAL:,} characters", where)
            statements.whole = False
            break
        found = read(source)
        for slip in found.faults:
            span = Span(source, slip.line, slip.column, slip.line, slip.end_column)
            work.faults.add(slip.code, slip.message, span, slip.hint)
        statements.whole = statements.whole and not found.faults
        work.broken |= found.broken
        collect(work, source, found.tree, statements)
    return statements


def _rules(work: Workspace, statements: Statements) -> list[Rule]:
    rules: list[Rule] = []
    seen: dict[str, Span] = {}
    for number, (node, source) in enumerate(statements.rules):
        rule = RuleReader(work, node, source, number).rule()
        for keyword in node.keywords:
            if keyword.arg == "id" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
                span = Span.of(source, keyword.value)
                before = seen.setdefault(keyword.value.value, span)
                if before is not span:
                    place = f"{before.source.name}:{before.line}"
                    work.faults.add(
                        "P022", f'the id "{keyword.value.value[:80]}" is taken by the rule in {place}', span
                    )
        if rule is not None:
            rules.append(rule)
    return rules


def _exports(work: Workspace, statements: Statements) -> dict[str, dict[str, Node]]:
    """For each exported name and event type its value."""
    found: dict[str, dict[str, Node]] = {}
    for node, source in statements.exports:
        words = Typer(work, next(iter(work.catalogue.types.values())), source)
        on: list[str] | None = None
        for keyword in node.keywords:
            if keyword.arg == "on":
                on = type_names(words, keyword.value, "on")
            else:
                words.fault(
                    "P017",
                    f"export has no argument {keyword.arg}",
                    keyword,
                    'write export(name, ..., on="message.sent")',
                )
        for argument in node.args:
            if not isinstance(argument, ast.Name) or argument.id not in work.names:
                words.fault("P010", "export takes names that the policy defines", argument)
            else:
                found[argument.id] = _exported(work, source, argument, on)
    return found


def _exported(work: Workspace, source: Source, name: ast.Name, on: list[str] | None) -> dict[str, Node]:
    """An exported feature is given out on the event types that feed it, unless ``on`` says otherwise."""
    types = on
    if types is None:
        types = _feeding(work, name.id)
    values: dict[str, Node] = {}
    for type_name in types:
        typed = Typer(work, work.catalogue.types[type_name], source).expression(name)
        if typed is None:
            continue
        if not isinstance(typed, Reading):
            work.faults.add("P030", f"{name.id} is not a feature; only features are exported", Span.of(source, name))
            return {}
        values[type_name] = typed
    if not types:
        work.faults.add(
            "P040", f"it is not clear on which events {name.id} is wanted", Span.of(source, name), "add on=..."
        )
    return values


def _feeding(work: Workspace, name: str) -> list[str]:
    expression = work.names[name].expression
    if isinstance(expression, ast.Call):
        for keyword in expression.keywords:
            if keyword.arg == "of":
                items = keyword.value.elts if isinstance(keyword.value, (ast.List, ast.Tuple)) else [keyword.value]
                texts = [item.value for item in items if isinstance(item, ast.Constant)]
                return [text for text in texts if isinstance(text, str) and text in work.catalogue.types]
    return []


def _unused(work: Workspace) -> None:
    for name, named in work.names.items():
        if name not in work.used:
            work.faults.add(
                "P021", f"nothing uses {name}", named.span, "use it in a rule, export(...) it, or take it out"
            )


def _misspelt_labels(work: Workspace, rules: Iterable[Rule]) -> None:
    """Labels that no rule sets may be set by people, but not if they are nearly named like one that a rule sets."""
    rules = list(rules)
    put = {
        target.note
        for rule in rules
        for typed in rule.typed.values()
        for target in typed.actions
        if target.do == "label"
    }
    for rule in rules:
        for typed in rule.typed.values():
            for part in walk(typed.when):
                hint = nearest(part.label, sorted(put)) if isinstance(part, Labelled) and part.label not in put else ""
                if hint and isinstance(part, Labelled):
                    work.faults.add("P023", f'no rule sets the label "{part.label[:60]}"', part.span, hint)


def policy_hash(sources: Iterable[Source], lists: Iterable[Source], given: Mapping[str, ListSpec] | None = None) -> str:
    """The name of exactly these sources: SHA-256 over names and texts, in order of names.

    ``given`` are lists that come from elsewhere than files.
    """
    pieces = [
        [source.name, "\ufeff" * source.marked + source.text]
        for source in sorted([*sources, *lists], key=lambda source: (source.name, source.text))
    ]
    pieces += [["", name, spec.kind, *spec.values] for name, spec in sorted((given or {}).items())]
    digest = sha256()
    for piece in pieces:
        if not piece[0]:
            digest.update(len(piece).to_bytes(8, "big"))
        for text in piece:
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.hexdigest()


def _compile(
    work: Workspace,
    rules: Sequence[Rule],
    exports: Mapping[str, Mapping[str, Node]],
    identity: str,
    sources: Sequence[Source],
    *,
    drafts: bool,
) -> Policy:
    active = [rule for rule in rules if drafts or rule.mode != "draft"]
    builder = PlanBuilder()
    for rule in active:
        for type_name, typed in rule.typed.items():
            builder.include(type_name)
            nodes = [typed.when, *(piece for piece in typed.reason if isinstance(piece, Node))]
            nodes += [target.entity for target in typed.actions if target.entity is not None]
            for part in (part for node in nodes for part in walk(node)):
                if isinstance(part, Reading):
                    builder.want(type_name, part)
    for values in exports.values():
        for type_name, value in values.items():
            assert isinstance(value, Reading)
            builder.want(type_name, value)
    plan, slots = builder.build()
    types: dict[str, TypeProgram] = {}
    for index, type_plan in enumerate(plan.types):
        name = type_plan.type
        types[name] = _program(work, index, type_plan, active, exports, builder, slots[name], len(rules))
    labels = {
        part.label
        for rule in active
        for typed in rule.typed.values()
        for part in walk(typed.when)
        if isinstance(part, Labelled)
    }
    return Policy(
        hash=identity,
        rules=tuple(rules),
        plan=plan,
        types=types,
        features=dict(work.features),
        lists=dict(work.lists),
        labels_read=frozenset(labels),
        exports=tuple(exports),
        sources=tuple(sources),
    )


def _program(
    work: Workspace,
    index: int,
    plan: TypePlan,
    active: Sequence[Rule],
    exports: Mapping[str, Mapping[str, Node]],
    builder: PlanBuilder,
    slots: Mapping[str, Slots],
    every: int,
) -> TypeProgram:
    name = plan.type
    on_type = [rule for rule in active if name in rule.typed]
    event_type = work.catalogue.types[name]
    entities = [(field.name, field.kind, field.type == "list") for field in event_type.fields.values() if field.kind]
    read = [value.id for values in exports.values() if isinstance(value := values.get(name), Reading)]
    writer = Writer(
        [(rule, rule.typed[name]) for rule in on_type],
        slots,
        builder.columns[name],
        entities,
        every,
        needs=builder.needs(name),
        exported=read,
    )
    generated = Generated(writer, name)
    given: dict[str, Slots] = {}
    for exported, values in exports.items():
        value = values.get(name)
        if isinstance(value, Reading):
            given[exported] = slots[value.id]
    return TypeProgram(index, plan, event_class(event_type), on_type, generated, slots, given)
