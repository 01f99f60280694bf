"""What the tests of the rule language share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from trustward.base.errors import PolicyError
from trustward.model.catalogue import Catalogue, load_catalogue
from trustward.model.event import Event
from trustward.policy import Policy, Source, load_policy
from trustward.policy.workspace import ListSpec
from trustward.screening.functions import Function

GOLDEN = Path(__file__).parent / "golden"
FOREVER = 2**62


@cache
def catalogue() -> Catalogue:
    """The shipped catalogue, read once."""
    return load_catalogue()


class State:
    """Labels and lists for a test."""

    def __init__(
        self,
        labels: Mapping[tuple[str, str, str], int] | None = None,
        lists: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        self.labels = dict(labels or {})
        self.lists = {name: dict(values) for name, values in (lists or {}).items()}


def policy(
    text: str, *, lists: Mapping[str, ListSpec] | None = None, functions: Sequence[Function] = (), drafts: bool = False
) -> Policy:
    """A policy of one file."""
    return load_policy([Source("test.policy", text)], catalogue(), lists=lists, functions=functions, drafts=drafts)


def rule(
    when: str,
    *,
    name: str = "r",
    on: str = '"message.sent"',
    then: str = "[hold(event)]",
    reason: str = "...",
    hit: str = '{"sender": "a1"}',
    more: str = "",
) -> str:
    """The text of one rule."""
    return (
        f'rule(id="{name}", on={on}, when={when}, then={then}, reason="{reason}", owner="team", {more}'
        f"hits=[{hit}], misses=[{hit}])\n"
    )


def faults(text: str, **given: Any) -> list[str]:
    """The faults of a policy, rendered; empty if there are none."""
    try:
        policy(text, **given)
    except PolicyError as error:
        return list(error.faults)
    return []


def codes(text: str, **given: Any) -> list[str]:
    """The codes of a policy's faults, in order."""
    return [fault.split(": ", 1)[1][:4] for fault in faults(text, **given)]


def event(made: Policy, type_name: str = "message.sent", **fields: Any) -> Event:
    """An event of one type of a policy."""
    given = {"id": "e1", "time": "2026-01-05T12:00:00Z", **fields}
    return made.types[type_name].cls(**given)
