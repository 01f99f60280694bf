"""Sign-in and users: for the service, and for commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from trustward.bootstrap.service import store

if TYPE_CHECKING:
    from trustward.model.people import User
    from trustward.operations.people import People
    from trustward.operations.signing_in import Rules, SigningIn
    from trustward.ports import Store
    from trustward.settings import Settings

COMMAND = "the command line"
"""By what name changes are recorded that a command makes."""


def rules(settings: Settings) -> Rules:
    """How long sessions and links last, and where the console is."""
    from trustward.base.units import parse_duration
    from trustward.operations.signing_in import Rules

    return Rules(
        idle_us=parse_duration(settings.session_idle),
        lasts_us=parse_duration(settings.session_lasts),
        link_us=parse_duration(settings.link_lasts),
        origin=settings.origin or f"http://localhost:{settings.port}",
    )


def signing_in(settings: Settings, opened: Store) -> SigningIn:
    """The story of sessions over a store."""
    from trustward.base.clock import now_us
    from trustward.operations.passwords import Passwords
    from trustward.operations.signing_in import SigningIn

    return SigningIn(opened, clock=now_us, rules=rules(settings), passwords=Passwords())


def with_people(settings: Settings, story: Callable[[People], Any]) -> Any:
    """Open the store, do something about users, close it. Raises what the story raises, and StoreError."""
    from trustward.operations.people import People

    with closing(store(settings)) as opened:
        return story(People(signing_in(settings, opened)))


def create_link(settings: Settings, name: str | None, roles: Sequence[str]) -> str:
    """The address of a link for a user, or for a new one with these roles. Raises UsageError, NotFoundError."""

    def story(people: People) -> str:
        if name is not None:
            return people.link(people.named(name), actor=COMMAND)
        return people.open_link(roles, actor=COMMAND)

    return rules(settings).link(with_people(settings, story))


def list_users(settings: Settings) -> Sequence[User]:
    """Every user."""
    with closing(store(settings)) as opened:
        return opened.people.all()


def disable_user(settings: Settings, name: str) -> None:
    """Let a user in no more. Raises NotFoundError, ForbiddenError."""
    with_people(settings, lambda people: people.disable(people.named(name).id, actor=COMMAND))


def reset_user(settings: Settings, name: str) -> str:
    """Forget what a user signs in with; the address of a link to begin anew. Raises NotFoundError."""
    secret: str = with_people(settings, lambda people: people.reset(people.named(name).id, actor=COMMAND)[1])
    return rules(settings).link(secret)
