"""Sign-in and users: for the service, and for commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustward.bootstrap.service import store

if TYPE_CHECKING:
    from trustward.model.people import User
    from trustward.operations.people import People
    from trustward.operations.signing_in import Rules, SigningIn
    from trustward.operations.sso import SingleSignOn
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
    """The story of sessions over a store. The key for authenticators is read when it is first needed."""
    from trustward.adapters.totp_key import KEY_FILE, TotpKey
    from trustward.base.clock import now_us
    from trustward.operations.passwords import Passwords
    from trustward.operations.signing_in import SigningIn

    own = settings.totp_key
    sealing = TotpKey(Path(own) if own else Path(settings.data) / KEY_FILE, make=not own)
    return SigningIn(opened, clock=now_us, rules=rules(settings), passwords=Passwords(), sealing=sealing)


def single_sign_on(settings: Settings, story: SigningIn) -> SingleSignOn | None:
    """The story of people who come by a provider; None if none is set. Raises SettingsError."""
    if not settings.sso_issuer:
        return None
    from trustward.adapters.oidc import OidcProvider, is_safe
    from trustward.base.errors import SettingsError, UsageError
    from trustward.model.access import check_roles
    from trustward.operations.sso import Client, SingleSignOn

    if not is_safe(settings.sso_issuer):
        raise SettingsError("sso_issuer: not an https address", remedy="write it like https://id.example")
    pairs = [text.rpartition("=") for text in settings.sso_roles]
    try:
        check_roles([role for _, _, role in pairs])
    except UsageError as fault:
        raise SettingsError(f"sso_roles: {fault.message}", remedy=fault.remedy) from fault
    if not settings.sso_client or not all(group for group, _, _ in pairs):
        raise SettingsError("single sign-on needs sso_client, and sso_roles of GROUP=ROLE", remedy="set both")
    client = Client(
        issuer=settings.sso_issuer,
        id=settings.sso_client,
        secret=settings.sso_secret,
        claim=settings.sso_claim,
        scope=settings.sso_scope,
        roles=tuple((group, role) for group, _, role in pairs),
    )
    return SingleSignOn(story, OidcProvider(settings.sso_issuer), client)


def with_people(settings: Settings, story: Callable[[People], Any], *, there: bool = True) -> Any:
    """Open the store (``there``: if there is one), do something about users, close it.

    Raises what the story raises, UsageError and StoreError.
    """
    from trustward.operations.people import People

    with closing(store(settings, there=there)) as opened:
        return story(People(signing_in(settings, opened)))


def create_link(settings: Settings, name: str | None, roles: Sequence[str]) -> str:
    """The address of a link for a user, or for a new one with these roles (none: an admin).

    Raises UsageError, NotFoundError, ForbiddenError.
    """
    from trustward.base.errors import UsageError

    if name is not None and roles:
        raise UsageError(
            f"{name[:80]} has roles already", remedy="leave out --role, or leave out the name for a new user"
        )

    def story(people: People) -> str:
        if name is not None:
            return people.link(people.named(name), actor=COMMAND)
        return people.open_link(roles or ("admin",), actor=COMMAND)

    return rules(settings).link(with_people(settings, story, there=name is not None))


def list_users(settings: Settings) -> Sequence[User]:
    """Every user."""
    with closing(store(settings, there=True)) as opened:
        return opened.people.all()


def disable_user(settings: Settings, name: str) -> None:
    """Let a user in no more. Raises NotFoundError, ForbiddenError."""
    with_people(settings, lambda people: people.disable(people.named(name).id, actor=COMMAND))


def enable_user(settings: Settings, name: str) -> None:
    """Let a user in again. Raises NotFoundError."""
    with_people(settings, lambda people: people.enable(people.named(name).id, actor=COMMAND))


def reset_user(settings: Settings, name: str) -> str:
    """Forget what a user signs in with; the address of a link to begin anew. Raises NotFoundError."""
    secret: str = with_people(settings, lambda people: people.reset(people.named(name).id, actor=COMMAND)[1])
    return rules(settings).link(secret)
