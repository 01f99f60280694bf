"""How values travel in columns and compare in code: as whole numbers, floats or texts."""

from __future__ import annotations

from trustward.policy.nodes import Arithmetic, Choice, Const, Minor, Node, Reading


def integral(node: Node) -> bool:
    """Whether the value of a numeric node is always a whole number (of microseconds, minor units or as such)."""
    match node:
        case Const():
            return isinstance(node.value, int)
        case Reading():
            return node.feature.carried == "whole"
        case Arithmetic():
            return node.op != "/" and integral(node.left) and integral(node.right)
        case Choice():
            return all(integral(part) for part in node.parts)
        case Minor():
            return integral(node.amount)
        case _:
            return node.type.base in ("whole", "money", "duration", "time")
