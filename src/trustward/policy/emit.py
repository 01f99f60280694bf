"""From typed expressions to the text of Python expressions.

Only this module and :mod:`trustward.policy.program` write code, and they write it from typed nodes: names are made
here (``e`` the event, ``t`` its time, ``f3`` a feature, ``k5`` a constant, ``c2`` a call's result, ``w1`` a lowered
text, ``l0`` a list), field names are those of the catalogue, and literals go through ``repr``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from trustward.base.units import MISSING
from trustward.policy.carry import integral
from trustward.policy.nodes import (
    FLIPPED,
    All,
    Amounts,
    AnyIn,
    Arithmetic,
    Attribute,
    Call,
    Choice,
    Clock,
    Compare,
    Const,
    EventId,
    Holds,
    Labelled,
    Listed,
    Member,
    Minor,
    Node,
    Now,
    Operator,
    Part,
    Present,
    Reading,
    Size,
    Some,
    oriented,
    walk,
)
from trustward.policy.runtime import CONSTANTS, clock
from trustward.policy.streams import Slots
from trustward.screening.patterns import words_of

_MISSING = repr(MISSING)


class Names:
    """Constants of one generated module: the same value keeps its name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = dict(CONSTANTS)
        self._known: dict[Any, str] = {}

    def bind(self, key: Any, value: Any) -> str:
        """The name of a constant; ``key`` tells equal ones."""
        name = self._known.get(key)
        if name is None:
            name = self._known[key] = f"k{len(self._known)}"
            self.values[name] = value
        return name


class Emitter:
    """Writes the expressions of one generated function and notes what they need.

    ``many``: the function looks at many events, so that it pays to find the bearers of a label once.
    """

    def __init__(
        self,
        names: Names,
        slots: Mapping[str, Slots],
        conditions: Iterable[Node] = (),
        *,
        many: bool = False,
    ) -> None:
        self.names = names
        self.slots = slots
        self.many = many
        self.bearers: dict[tuple[str, str], str] = {}
        self.features: set[int] = set()
        self.lists: dict[str, str] = {}
        self.locals: dict[str, str] = {}
        self.labels = False
        self.time = False
        self._writers: dict[type[Node], Callable[[Any], str]] = {
            Const: self._const,
            Attribute: self._attribute,
            Now: self._now,
            EventId: lambda _: "e.id",
            Reading: self._reading,
            Arithmetic: self._arithmetic,
            Choice: self._choice,
            Call: self._called,
            Part: lambda node: f"{self.value(node.signal)}.{node.name}",
            Clock: self._clock,
            Size: lambda node: f"Len({self.value(node.list)})",
            Minor: lambda node: self.value(node.amount),
        }
        self._uses = Counter(
            part.key for condition in conditions for part in walk(condition) if isinstance(part, (Call, Clock))
        )

    # ------------------------------------------------------------------ values

    def value(self, node: Node) -> str:
        """The code of a value, for use after its guards."""
        write = self._writers.get(type(node))
        return write(node) if write is not None else f"(True if {self.condition(node)} else False)"

    def _const(self, node: Const) -> str:
        return self._text(node.value) if isinstance(node.value, str) else repr(node.value)

    def _now(self, _: Now) -> str:
        self.time = True
        return "t"

    def _arithmetic(self, node: Arithmetic) -> str:
        return f"({self.value(node.left)} {node.op} {self.value(node.right)})"

    def _choice(self, node: Choice) -> str:
        return f"{node.op.capitalize()}({', '.join(self.value(part) for part in node.parts)})"

    def _called(self, node: Call) -> str:
        """The local name of a call's result: its guard has made the call."""
        if node.function.name == "length":
            return f"Len({self.value(node.arguments[0])})"
        return self._local(node)

    def _local(self, node: Call) -> str:
        return self.locals.setdefault(node.key, f"c{len(self.locals)}")

    def _text(self, value: str) -> str:
        return repr(value) if value.isascii() and len(value) < 200 else self.names.bind(("text", value), value)

    def _attribute(self, node: Attribute) -> str:
        if node.type.base == "time":
            return f"Moment(e.{node.name})"
        if node.type.base == "duration":
            return f"Microseconds(e.{node.name})"
        return f"e.{node.name}"

    def _reading(self, node: Reading) -> str:
        kind, at = self.slots[node.id]
        self.features.update(at)
        names = [f"f{i}" for i in at]
        if kind == "plain":
            return names[0]
        if kind == "difference":
            return f"({names[0]} - {names[1]})"
        return f"(({names[0]} - {names[1]}) / ({names[2]} - {names[3]}))"

    def _call(self, node: Call) -> str:
        """A call, computed at most once for an event."""
        local = self._local(node)
        return f"({local} if {local} is not U else ({local} := {self._fresh_call(node)}))"

    def _fresh_call(self, node: Call) -> str:
        """The call itself; missing if an argument is."""
        name = self.names.bind(("call", node.function.name, node.literals), node.call)
        arguments = ", ".join(self.value(argument) for argument in node.arguments)
        guards = [guard for argument in node.arguments for guard in self.guards(argument)]
        call = f"{name}({arguments})"
        return f"({call} if {' and '.join(guards)} else None)" if guards else call

    def _clock(self, node: Clock) -> str:
        name = self.names.bind(("clock", node.unit, node.zone), clock(node.unit, node.zone))
        code = f"{name}({self.value(node.moment)})"
        if self._uses[node.key] < 2:
            return code
        local = self.locals.setdefault(node.key, f"c{len(self.locals)}")
        return f"({local} if {local} is not U else ({local} := {code}))"

    # ------------------------------------------------------------------ presence

    def guards(self, node: Node) -> list[str]:
        """Conditions that together say whether a value is there, cheapest first where order does not matter."""
        match node:
            case Attribute():
                return [] if node.required else [f"e.{node.name} is not None"]
            case Reading():
                return self._reading_guards(node)
            case Arithmetic():
                found = [*self.guards(node.left), *self.guards(node.right)]
                if node.op == "/":
                    found.append(self.value(node.right))
                return list(dict.fromkeys(found))
            case Choice():
                return list(dict.fromkeys(guard for part in node.parts for guard in self.guards(part)))
            case Call():
                if self._inlined(node):
                    return self.guards(node.arguments[0])
                return [f"{self._call(node)} is not None"]
            case Part():
                return self.guards(node.signal)
            case Clock():
                return self.guards(node.moment)
            case Size():
                return self.guards(node.list)
            case Minor():
                return self.guards(node.amount)
            case _:
                return []

    def _reading_guards(self, node: Reading) -> list[str]:
        kind, at = self.slots[node.id]
        self.features.update(at)
        first = f"f{at[0]}"
        found = [] if node.certain else [f"{first} != {_MISSING}" if self._whole(node) else f"{first} == {first}"]
        if kind == "mean_difference":
            found.append(f"f{at[2]} != f{at[3]}")
        return found

    @staticmethod
    def _whole(node: Reading) -> bool:
        """Whether the numbers behind a reading are whole: those of a delayed mean are its totals."""
        feature = node.feature
        return (
            feature.value_carried == "whole"
            if feature.delay and feature.aggregate == "mean"
            else feature.carried == "whole"
        )

    def optional(self, node: Node) -> str:
        """The code of a value that is None where it is missing."""
        guards = self.guards(node)
        return f"({self.value(node)} if {' and '.join(guards)} else None)" if guards else self.value(node)

    @staticmethod
    def _inlined(node: Node) -> bool:
        return isinstance(node, Call) and node.function.name in ("contains", "starts", "ends", "length")

    # ------------------------------------------------------------------ conditions

    def condition(self, node: Node) -> str:
        """The code of a condition in negation normal form: true exactly if it holds."""
        match node:
            case All() | Some():
                word = " and " if isinstance(node, All) else " or "
                parts = sorted(node.parts, key=cost)
                return f"({word.join(self.condition(part) for part in parts)})"
            case Const():
                return repr(bool(node.value))
            case Compare():
                return self._compare(node)
            case Member():
                return self._member(node)
            case AnyIn():
                return self._any_in(node)
            case Holds():
                return self._holds(node)
            case Present():
                return self._present(node)
            case Labelled():
                return self._labelled(node)
            case _:
                raise AssertionError(f"not a condition: {type(node).__name__}")

    @staticmethod
    def _joined(guards: Iterable[str], test: str) -> str:
        parts = [*dict.fromkeys(guards), test]
        return parts[0] if len(parts) == 1 else f"({' and '.join(parts)})"

    def _compare(self, node: Compare) -> str:
        left, op, right = oriented(node)
        if isinstance(right, Amounts) or isinstance(left, Amounts):
            return self._compare_amounts(left, op, right)
        if isinstance(right, Const):
            found = self._compare_const(left, op, right)
            if found is not None:
                return found
        guards = [*self.guards(left), *self.guards(right)]
        a, b = self.value(left), self.value(right)
        if op == "!=" and not (_exact(left) and _exact(right)):
            # A float that is no number (infinity minus infinity) compares as missing.
            guards += [f"{side} == {side}" for side, n in ((a, left), (b, right)) if not _exact(n)]
        return self._joined(guards, f"{a} {op} {b}")

    def _compare_const(self, left: Node, op: Operator, right: Const) -> str | None:
        """The cases where a missing value fails the comparison by itself."""
        bound = right.value
        if isinstance(left, Reading) and self.slots[left.id].kind == "plain":
            name = self.value(left)
            if left.feature.carried == "float":
                return f"{name} {op} {bound!r}" if op != "!=" else None
            op, bound = whole_bound(op, bound)
            if op in (">", ">=") or (op in ("==", "!=") and (op == "==" or left.certain)):
                return f"{name} {op} {bound!r}"
            if op in ("<", "<="):
                return f"{name} {op} {bound!r}" if left.certain else f"{_MISSING} < {name} {op} {bound!r}"
            return self._joined(self.guards(left), f"{name} {op} {bound!r}")
        if op == "==" and (
            isinstance(left, (Attribute, EventId)) and left.type.base in ("text", "entity", "whole", "number", "money")
        ):
            return f"{self.value(left)} == {self.value(right)}"
        if op == "==" and isinstance(left, Call) and not self._inlined(left):
            return f"{self._call_once(left)} == {self.value(right)}"
        return None

    def _call_once(self, node: Call) -> str:
        """The call where its result is used only here, so that it needs no local name."""
        return self._fresh_call(node) if self._uses[node.key] == 1 and node.key not in self.locals else self._call(node)

    def _compare_amounts(self, left: Node, op: Operator, right: Node) -> str:
        if isinstance(left, Amounts):
            left, op, right = right, FLIPPED[op], left
        assert isinstance(right, Amounts)
        table = self.names.bind(("amounts", tuple(sorted(right.amounts.items()))), right.amounts.get)
        value = self.value(left)
        currency = currency_of(left)
        # A currency without an amount gives something that the comparison does not hold for.
        absent = value if op == "!=" else "Nan"
        code = self.optional(currency) if not isinstance(currency, Attribute) else self.value(currency)
        return self._joined(self.guards(left), f"{value} {op} {table}({code}, {absent})")

    def _member(self, node: Member) -> str:
        value, group = node.value, node.group
        code = self.value(value)
        guards = self.guards(value)
        if isinstance(group, Listed) and group.name:
            test = f"({code} in {self._list(group.name)} and {self._list(group.name)}[{code}] > t)"
            self.time = True
        elif isinstance(group, Listed):
            test = f"{code} in {self._literal(group)}"
        else:
            guards = [*guards, *self.guards(group)]
            test = f"{code} in {self.value(group)}"
        if node.negated:
            if not _exact(value):
                # A float that is no number is on no list, and not off one either: it is missing.
                guards = [*guards, f"{code} == {code}"]
            return self._joined(guards, f"not {test}" if test.startswith("(") else f"not ({test})")
        # None is on no list, so that a plain field needs no guard; an empty list field holds nothing.
        if isinstance(value, (Attribute, EventId)) and isinstance(group, Listed):
            return test
        return self._joined(guards, test)

    def _literal(self, group: Listed) -> str:
        values = group.values
        if len(values) <= 4 and all(isinstance(value, (int, float)) or len(value) < 200 for value in values):
            inner = ", ".join(self._text(value) if isinstance(value, str) else repr(value) for value in values)
            return f"({inner},)"
        return self.names.bind(("set", values), frozenset(values))

    def _list(self, name: str) -> str:
        return self.lists.setdefault(name, f"l{len(self.lists)}")

    def _any_in(self, node: AnyIn) -> str:
        values, group = node.values, node.group
        guards = self.guards(values)
        if group.name:
            self.time = True
            test = f"AnyListed({self.value(values)}, {self._list(group.name)}, t)"
        else:
            name = self.names.bind(("disjoint", group.values), frozenset(group.values).isdisjoint)
            test = f"{name}({self.value(values)})"
            return self._joined(guards, test if node.negated else f"not {test}")
        return self._joined(guards, f"not {test}" if node.negated else test)

    def _holds(self, node: Holds) -> str:
        flag = node.flag
        if isinstance(flag, Attribute):
            return f"e.{flag.name} is False" if node.negated else f"e.{flag.name}"
        if isinstance(flag, Call) and self._inlined(flag):
            return self._inline_test(flag, negated=node.negated)
        if isinstance(flag, Call) and not node.negated:
            if self._uses[flag.key] == 1 and flag.key not in self.locals:
                guards = [guard for argument in flag.arguments for guard in self.guards(argument)]
                name = self.names.bind(("call", flag.function.name, flag.literals), flag.call)
                return self._joined(guards, f"{name}({', '.join(self.value(a) for a in flag.arguments)})")
            return self._call(flag)
        guards = self.guards(flag)
        return self._joined(guards, f"not {self.value(flag)}" if node.negated else self.value(flag))

    def _inline_test(self, node: Call, *, negated: bool) -> str:
        argument = node.arguments[0]
        guards = self.guards(argument)
        name = node.function.name
        if name in ("starts", "ends"):
            texts = node.literals[0]
            wanted = self._text(texts[0]) if len(texts) == 1 else self.names.bind(("texts", texts), tuple(texts))
            test = f"{self.value(argument)}.{name}with({wanted})"
            return self._joined(guards, f"not {test}" if negated else test)
        key = f"lowered {argument.key}"
        local = self.locals.setdefault(key, f"w{len(self.locals)}")
        needles = [self._text(needle) for needle in dict.fromkeys(text.lower() for text in node.literals[0])]
        text = f"({local} if {local} is not U else ({local} := {self.value(argument)}.lower()))"
        tests = [f"{needles[0]} in {text}", *(f"{needle} in {local}" for needle in needles[1:])]
        test = tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"
        return self._joined(guards, f"not ({test})" if negated else test)

    def _present(self, node: Present) -> str:
        guards = self.guards(node.value)
        test = " and ".join(guards) if guards else "True"
        return f"not ({test})" if node.negated else f"({test})"

    def _labelled(self, node: Labelled) -> str:
        guards = self.guards(node.entity)
        self.time = True
        if self.many:
            held = self.bearers_of(node)
            value = self.value(node.entity)
            test = f"({value} in {held} and {held}[{value}] > t)"
        else:
            self.labels = True
            key = f"({node.entity.type.kind!r}, {self.value(node.entity)}, {self._text(node.label)})"
            test = f"(L and L.get({key}, {_MISSING}) > t)"
        if isinstance(node.entity, Attribute) and not node.negated:
            return test
        return self._joined(guards, f"not {test}" if node.negated else test)

    def bearers_of(self, node: Labelled) -> str:
        """The local name of those who bear a label, where the function looks at many events."""
        return self.bearers.setdefault((node.entity.type.kind, node.label), f"b{len(self.bearers)}")


# ---------------------------------------------------------------- shared with traces and masks


def whole_bound(op: Operator, bound: float) -> tuple[Operator, int]:
    """The same comparison of a whole number, with a whole bound.

    >>> whole_bound(">", 2.5), whole_bound("<=", 2.0)
    (('>', 2), ('<=', 2))
    """
    if isinstance(bound, int):
        return op, bound
    if bound == int(bound):
        return op, int(bound)
    if op in (">", "<="):
        return op, math.floor(bound)
    if op in (">=", "<"):
        return op, math.ceil(bound)
    # No whole number equals a broken one.
    return op, 2**62


def _exact(node: Node) -> bool:
    """Whether a value can never be a float that is no number once its guards have passed."""
    return integral(node) or isinstance(node, (Reading, Attribute, Const, Call)) or node.type.base in ("text", "entity")


def currency_of(node: Node) -> Node:
    """What says the currency of an amount of money."""
    match node:
        case Attribute():
            name = node.type.currency.removeprefix("event.")
            return Attribute(node.type._replace(base="text", currency=""), node.span, node.type.currency, name, False)
        case Reading():
            assert node.currency is not None
            return node.currency
        case Arithmetic():
            return currency_of(node.left if node.left.type.base == "money" else node.right)
        case Choice():
            return currency_of(node.parts[0])
        case _:
            raise AssertionError(f"not money: {type(node).__name__}")


def cost(node: Node) -> float:
    """A rough time in microseconds, by which the parts of ``and`` and ``or`` are ordered."""
    match node:
        case Const() | Amounts() | Listed():
            return 0.0
        case Reading():
            return 0.003 * (2 if node.feature.delay else 1)
        case Attribute():
            return 0.8 if node.type.base == "time" else 0.1 if node.type.base == "duration" else 0.006
        case Call():
            return _call_cost(node) + sum(cost(argument) for argument in node.arguments)
        case Clock():
            return 0.2 + cost(node.moment)
        case Member() | AnyIn():
            value = node.value if isinstance(node, Member) else node.values
            return (0.03 if isinstance(node, Member) else 0.2) + cost(value)
        case Labelled():
            return 0.09 + cost(node.entity)
        case _:
            return 0.005 + sum(cost(child) for child in node.below)


def _call_cost(node: Call) -> float:
    if node.function.name == "contains":
        return 0.06 + 0.05 * len(node.literals[0])
    if node.function.name == "matches":
        words = words_of(node.literals[0])
        if words.exact:
            return 0.15 + 0.05 * len(words.words)
    return node.function.cost
