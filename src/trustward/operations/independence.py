"""Whether somebody may hear an appeal: not whoever decided, by whatever key or name."""

from __future__ import annotations

from collections.abc import Iterable

from trustward.operations.proposing import person
from trustward.ports import Store


def same_person(one: str, other: str, store: Store) -> bool:
    """Whether two actors are, or could be, the same person.

    A key that names nobody could be anybody who uses it; a name is the same person, through whatever key.

    >>> from trustward.adapters.store.memory import MemoryStore
    >>> store = MemoryStore()
    >>> pairs = [("key:1:kim", "key:2:Kim"), ("key:1:kim", "key:1:lee"), ("key:1", "key:1:lee"), ("user:1", "user:2")]
    >>> [same_person(one, other, store) for one, other in pairs]
    [True, False, True, False]
    """
    if _key(one) and _key(one) == _key(other) and not (_named(one) and _named(other)):
        return True
    return bool(_marks(one, store) & _marks(other, store))


def independent(hearer: str, deciders: Iterable[str], store: Store) -> bool:
    """Whether nobody of those who decided could be the one who hears."""
    return not any(same_person(hearer, decider, store) for decider in deciders)


def _key(actor: str) -> str:
    return actor.split(":")[1] if actor.startswith("key:") else ""


def _named(actor: str) -> str:
    parts = actor.split(":", 2)
    return parts[2] if actor.startswith("key:") and len(parts) == 3 else ""


def _marks(actor: str, store: Store) -> set[str]:
    """Everything that an actor may be known by."""
    name = _named(actor)
    if name:
        user = store.people.named(name)
        return {f"name:{name.casefold()}"} | ({f"user:{user.id}"} if user is not None else set())
    behind = person(actor, store.keys)
    found = {actor, behind}
    if behind.startswith("user:"):
        user = store.people.get(behind.removeprefix("user:"))
        if user is not None:
            found.add(f"name:{user.name.casefold()}")
    elif not behind.startswith("key:"):
        # A word from the command line, or a test.
        found.add(f"name:{behind.casefold()}")
    return found
