"""Negation normal form: ``not`` is pushed down to the single comparisons.

With missing values, logic has three values (Kleene). In negation normal form a condition is true exactly if it is
true when each unknown comparison counts as not holding, so that compiled code needs only two values.
"""

from __future__ import annotations

from dataclasses import replace

from trustward.policy.nodes import (
    All,
    AnyIn,
    Compare,
    Const,
    Holds,
    Labelled,
    Member,
    Node,
    Not,
    Operator,
    Present,
    Some,
)

INVERSE: dict[Operator, Operator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def normalise(node: Node, *, negated: bool = False) -> Node:
    """The condition in negation normal form, nested ``and`` and ``or`` flattened."""
    match node:
        case Not():
            return normalise(node.part, negated=not negated)
        case All() | Some():
            conjunction = isinstance(node, All) != negated
            kind: type[All | Some] = All if conjunction else Some
            parts: list[Node] = []
            for part in node.parts:
                done = normalise(part, negated=negated)
                parts.extend(done.parts if isinstance(done, kind) else (done,))
            word = " and " if conjunction else " or "
            return kind(node.type, node.span, f"({word.join(part.key for part in parts)})", tuple(parts))
        case _:
            return opposite(node) if negated else node


def opposite(node: Node) -> Node:
    """The single comparison that holds where this one does not (and neither where a value is missing)."""
    span = node.span._replace(negated=not node.span.negated)
    match node:
        case Compare():
            op = INVERSE[node.op]
            return replace(node, span=span, op=op, key=compare_key(op, node.left, node.right))
        case Member() | AnyIn() | Holds() | Present() | Labelled():
            key = node.key.removeprefix("not ") if node.negated else f"not {node.key}"
            return replace(node, span=span, negated=not node.negated, key=key)
        case Const():
            return replace(node, span=span, value=not node.value, key=repr(not node.value))
        case _:
            raise AssertionError(f"not a condition: {type(node).__name__}")


def compare_key(op: Operator, left: Node, right: Node) -> str:
    """The canonical text of a comparison."""
    return f"({left.key} {op} {right.key})"


def conjuncts(node: Node) -> tuple[Node, ...]:
    """The parts that must all hold."""
    return node.parts if isinstance(node, All) else (node,)
