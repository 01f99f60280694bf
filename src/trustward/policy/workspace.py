"""What the checker knows while it reads a policy: catalogue, functions, lists, names, and the faults found so far."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from trustward.model.catalogue import Catalogue
from trustward.model.decision import VERDICT_OF_ACTION
from trustward.policy.faults import Faults, Span
from trustward.policy.features import AGGREGATES
from trustward.policy.source import Source
from trustward.screening.functions import Function

if TYPE_CHECKING:
    from trustward.policy.expressions import Typer
    from trustward.policy.features import Feature
    from trustward.policy.nodes import Node

VERBS = VERDICT_OF_ACTION
"""The actions of a rule and the verdict that each asks for."""

VERB_MEANINGS: dict[str, str] = {
    "warn": "Show a warning to the user.",
    "challenge": "Ask for a proof first, such as a strong sign-in; the note says which.",
    "limit": "Allow less of it for a while.",
    "hold": "Keep it back until somebody has looked.",
    "block": "Do not let it through.",
    "remove": "Take down what is already there.",
    "suspend": "Suspend an account, merchant or group for a while.",
    "close": "Close it for good.",
    "delist": "Take a listing or an advertisement out of sight.",
    "block_link": "Block a link or a domain (only `url` and `domain`).",
    "review": "Let it through, and have a person look.",
    "label": 'Put a label on an entity: `label(event.sender, "spammer", lasts="7d")`.',
    "unlabel": "Take a label off an entity.",
}
"""What each action asks the service to do."""

SPECIAL_FORMS: dict[str, tuple[str, str]] = {
    "present": ("present(event.device)", "Whether a value is there. The only test that a missing value answers."),
    "labelled": ('labelled(event.sender, "spammer")', "Whether an entity bears a label now."),
    "listed": ('event.domain in listed("blocked_domains")', "A list of the policy, after `in` or in `any_in`."),
    "any_in": ('any_in(event.urls, listed("blocked_urls"))', "Whether any value of a list field is on a list."),
    "len": ("len(event.urls) > 3", "How many values a list field holds."),
    "money": ('event.amount > money("500 SGD", "350 EUR")', "Amounts by currency; others do not compare."),
    "minor": ("minor(event.amount) > 50000", "The bare number of minor units of an amount."),
    "hour": ('hour(event.time, "Asia/Singapore") < 6', "The hour, 0 to 23, in a zone or at an offset (`+08:00`)."),
    "weekday": ('weekday(event.time, "UTC") >= 6', "The day of the week, 1 Monday to 7 Sunday."),
    "abs": ("abs(event.price - event.market_price)", "A number, duration or amount without its sign."),
    "min": ("min(event.price, event.market_price)", "The smallest of two or more values of one type."),
    "max": ("max(event.attempt, 1)", "The largest of two or more values of one type."),
}
"""What the language itself provides beside features and registered functions: an example and what it says."""

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
    broken: set[str] = field(default_factory=set)
    """Names whose definition does not parse: nothing is said of their uses."""
    typed: int = 0
    """Expressions typed so far."""
    size: int = 0
    """Characters of all conditions, reasons and actions, with the names in them filled in."""
    steps: int = 0
    """Events in all examples."""
    example_size: int = 0
    """Characters in all examples."""
    features: dict[str, Feature] = field(default_factory=dict)

    def callables(self) -> set[str]:
        """Everything that can be called in an expression."""
        return {*AGGREGATES, *SPECIAL_FORMS, *self.functions}

    def reserved(self) -> set[str]:
        """Names that a policy cannot define."""
        return {*self.callables(), *STATEMENTS, *VERBS}
