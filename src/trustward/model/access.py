"""Who may: the scopes that there are, and the roles of people as sets of them. The only table of roles."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from trustward.base.errors import UsageError

SCOPES: dict[str, str] = {
    "decide": "Send events, and have them decided.",
    "read": "Look up decisions, entities, labels, lists and policies.",
    "actions": "Fetch actions and confirm them, as a receiver that polls does.",
    "act": "Reverse actions, and replay those that were given up.",
    "change": "Change labels, lists and snoozes.",
    "policies": "Store policies, and put them live.",
    "report": "Send reports.",
    "order": "Send orders, as an authority's own key does, and nothing else.",
    "operate": "Work off duties, reports, cases, clues, holds and requests.",
    "secret": "See, with another scope, what an order keeps secret.",
    "metrics": "Read metrics.",
    "audit": "Read the audit.",
    "admin": "Invite users, give them roles, make and revoke keys.",
}
"""What a key or a role can be good for."""

ROLES: dict[str, tuple[str, ...]] = {
    "analyst": ("read", "change", "policies"),
    "reviewer": ("read", "act", "operate"),
    "senior-reviewer": ("read", "act", "change", "operate"),
    "compliance": ("read", "act", "change", "order", "operate", "secret", "audit"),
    "auditor": ("read", "audit"),
    "admin": ("admin", "audit"),
    "engineer": ("read", "actions", "act", "metrics"),
}
"""What each role of a person is good for: as little as its work needs. Who does two kinds of work has two roles."""


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """All that these roles are good for; a role that is not known (any more) is good for nothing.

    >>> sorted(scopes_of(["auditor", "reviewer", "king"]))
    ['act', 'audit', 'operate', 'read']
    """
    return frozenset(scope for role in roles for scope in ROLES.get(role, ()))


def check_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """These scopes, each once. Raises UsageError for an unknown one, or for none.

    >>> check_scopes(["read", "read"])
    ('read',)
    """
    return _checked(scopes, SCOPES, "scope")


def check_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """These roles, each once. Raises UsageError for an unknown one, or for none.

    >>> check_roles(["analist"])
    Traceback (most recent call last):
    ...
    trustward.base.errors.UsageError: TW-100: no such role: analist (did you mean analyst?)
    """
    return _checked(roles, ROLES, "role")


def _checked(names: Iterable[str], known: Iterable[str], what: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(names))
    known = tuple(known)
    for name in found:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
            raise UsageError(f"no such {what}: {name[:40]}", remedy=hint)
    if not found:
        raise UsageError(f"without a {what} it is good for nothing", remedy=f"give one of {', '.join(known)}")
    return found
