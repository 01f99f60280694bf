"""What the checker knows while it reads a policy: catalogue, functions, lists, names, and the faults found so far."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from trustward.model.catalogue import Catalogue
from trustward.policy.faults import Faults, Span
from trustward.policy.features import AGGREGATES
from trustward.policy.source import Source
from trustward.screening.functions import Function

if TYPE_CHECKING:
    from trustward.policy.expressions import Typer
    from trustward.policy.features import Feature
    from trustward.policy.nodes import Node

VERBS: dict[str, str] = {
    "warn": "warn",
    "challenge": "challenge",
    "limit": "limit",
    "hold": "hold",
    "block": "block",
    "remove": "block",
    "suspend": "block",
    "close": "block",
    "delist": "block",
    "block_link": "block",
    "review": "allow",
    "label": "allow",
    "unlabel": "allow",
}
"""The actions of a rule and the verdict that each asks for."""

SPECIAL_FORMS = frozenset(
    {"labelled", "listed", "present", "money", "minor", "abs", "min", "max", "len", "any_in", "hour", "weekday"}
)
"""What the language itself provides beside features and registered functions."""

STATEMENTS = frozenset({"rule", "export", "event", "signal", "repeat", "given"})


class ListSpec(NamedTuple):
    """A list that comes with the policy: the kind of its values (``text`` or an entity kind) and the values."""

    kind: str
    values: tuple[str, ...]


@dataclass(slots=True)
class Named:
    """A name that the policy defines, and its expression."""

    name: str
    expression: ast.expr
    source: Source
    span: Span


@dataclass(slots=True)
class Workspace:
    """One policy under examination."""

    catalogue: Catalogue
    call: Callable[[Typer, ast.Call], Node | None]
    functions: Mapping[str, Function]
    lists: dict[str, ListSpec] = field(default_factory=dict)
    obligations: Mapping[str, str] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    names: dict[str, Named] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    features: dict[str, Feature] = field(default_factory=dict)

    def callables(self) -> set[str]:
        """Everything that can be called in an expression."""
        return {*AGGREGATES, *SPECIAL_FORMS, *self.functions}

    def reserved(self) -> set[str]:
        """Names that a policy cannot define."""
        return {*self.callables(), *STATEMENTS, *VERBS}
