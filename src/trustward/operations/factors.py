"""What people sign in with, changed by themselves: password, authenticator, passkeys, recovery codes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyotp
from webauthn import generate_registration_options, options_to_json, verify_registration_response
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from trustward.base.errors import ForbiddenError, NotFoundError, SignInError
from trustward.model.people import Passkey, Session, User
from trustward.operations.passwords import check_password, hash_of, new_codes, plain_code
from trustward.operations.signing_in import Signed, SigningIn, Where

MOST_PASSKEYS = 20


class Factors:
    """The story of a user's own means of signing in. May be called from any thread."""

    def __init__(self, signing_in: SigningIn) -> None:
        self._in = signing_in
        self._people = signing_in.store.people

    def has(self, user: User) -> list[str]:
        """The second factors that a user has: ``code``, ``passkey``."""
        return ["code"] * bool(user.totp) + ["passkey"] * bool(self._people.passkeys(user.id))

    def _may_add(self, user: User, session: Session) -> None:
        """A half session may enrol the first factor only; a whole one must have begun a moment ago."""
        _no_provider(user)
        self._in.check_stands(session)
        if session.level == "half":
            if self.has(user):
                raise ForbiddenError("the second factor is missing", remedy="sign in with the one that you have")
        elif self._in.clock() - session.began_us > self._in.rules.fresh_us:
            raise ForbiddenError("you signed in some time ago", remedy="sign in again, then change it")

    # ------------------------------------------------------------------ password

    def set_password(self, user: User, old: str, new: str, where: Where) -> Signed:
        """Another password; every session ends, and a new one begins. Raises SignInError, LockedError, UsageError."""
        _no_provider(user)
        check_password(new, user.name)
        if user.password:
            self._in.by_password(user.name, old, "", where)
        changed = msgspec.structs.replace(self._now(user), password=self._in.passwords.hashed(new))
        self._people.update(changed, self._in.row(user, "user.password"), keep="")
        return self._in.begin(changed, "full", "password changed", where)

    def _now(self, user: User) -> User:
        """The user as stored now."""
        found = self._people.get(user.id)
        if found is None:
            raise NotFoundError("there is no such user any more", remedy="ask an admin")
        return found

    # ------------------------------------------------------------------ authenticator

    def begin_totp(self, user: User, session: Session) -> tuple[str, str, str]:
        """A secret for an authenticator, not in force yet: what names it, the secret, and its address for a picture."""
        self._may_add(user, session)
        secret = pyotp.random_base32()
        ticket = self._in.ticket("totp", user.id, self._in.sealing.seal(user.id, secret).encode())
        uri = pyotp.TOTP(secret).provisioning_uri(name=user.name, issuer_name=f"Trustward {self._in.rules.site}")
        return ticket, secret, uri

    def confirm_totp(
        self, user: User, session: Session, ticket: str, code: str, where: Where
    ) -> tuple[Signed, list[str]]:
        """Put the authenticator in force by its first code: a whole new session, and recovery codes if there are none.

        Every other session ends. Raises SignInError, ForbiddenError.
        """
        self._may_add(user, session)
        now = self._in.clock()
        held = self._in.store.tickets.look(hash_of(ticket), "totp", now)
        step = None
        if held is not None and held.user == user.id:
            step = self._in.step_of(self._in.sealing.open(user.id, held.body.decode()), plain_code(code))
        if held is None or step is None:
            raise SignInError(
                "the code is not the authenticator's", remedy="see that its clock is right, and try again"
            )
        if self._in.store.tickets.take(hash_of(ticket), "totp", now) is None:
            raise SignInError("this was done already", remedy="sign in again")
        changed = msgspec.structs.replace(self._now(user), totp=held.body.decode())
        self._people.update(changed, self._in.row(user, "user.totp"), keep=session.id)
        self._people.use_step(user.id, step)
        return self._enrolled(changed, session, "totp", where)

    def drop_totp(self, user: User, session: Session) -> None:
        """Take the authenticator out of force, if a passkey is left."""
        self._may_add(user, session)
        if not self._people.passkeys(user.id):
            raise ForbiddenError("it is the only second factor", remedy="add a passkey first")
        changed = msgspec.structs.replace(self._now(user), totp="")
        self._people.update(changed, self._in.row(user, "user.totp_dropped"), keep=session.id)

    def new_codes(self, user: User, session: Session) -> list[str]:
        """New recovery codes in the place of the old ones. They are shown once."""
        self._may_add(user, session)
        return self._codes(user)

    def _codes(self, user: User) -> list[str]:
        codes = new_codes()
        kept = [hash_of(plain_code(code)) for code in codes]
        self._people.set_codes(user.id, kept, self._in.row(user, "user.recovery_codes"))
        return codes

    def _enrolled(self, user: User, session: Session, how: str, where: Where) -> tuple[Signed, list[str]]:
        codes = [] if self._people.codes(user.id) else self._codes(user)
        return self._in.begin(user, "full", f"enrolled {how}", where, instead=session.id), codes

    # ------------------------------------------------------------------ passkeys

    def begin_passkey(self, user: User, session: Session) -> tuple[str, dict[str, Any]]:
        """A challenge for a new passkey: what names it, and the options for the browser."""
        self._may_add(user, session)
        challenge = secrets.token_bytes(32)
        held = self._people.passkeys(user.id)
        if len(held) >= MOST_PASSKEYS:
            raise ForbiddenError(f"a user has {MOST_PASSKEYS} passkeys at most", remedy="drop one first")
        options = generate_registration_options(
            rp_id=self._in.rules.site,
            rp_name="Trustward",
            user_id=user.id.encode(),
            user_name=user.name,
            user_display_name=user.full or user.name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id)) for one in held],
        )
        return self._in.ticket("passkey.new", user.id, challenge), json.loads(options_to_json(options))

    def add_passkey(
        self, user: User, session: Session, ticket: str, credential: Mapping[str, Any], name: str, where: Where
    ) -> tuple[Signed, list[str]]:
        """Keep a passkey by its answer to the challenge: a whole new session, and recovery codes if there are none."""
        self._may_add(user, session)
        now = self._in.clock()
        taken = self._in.store.tickets.take(hash_of(ticket), "passkey.new", now)
        if taken is None or taken.user != user.id:
            raise SignInError("the challenge is over", remedy="try again")
        try:
            found = verify_registration_response(
                credential=dict(credential),
                expected_challenge=taken.body,
                expected_rp_id=self._in.rules.site,
                expected_origin=self._in.rules.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as fault:
            raise SignInError("the passkey's answer is not good", remedy="try again") from fault
        passkey = Passkey(
            id=bytes_to_base64url(found.credential_id),
            user=user.id,
            name=name,
            key=found.credential_public_key,
            count=found.sign_count,
            created_us=now,
        )
        self._people.add_passkey(passkey, self._in.row(user, "user.passkey", passkey=passkey.id, name=name))
        self._in.store.sessions.end_all(user.id, self._in.row(user, "session.ended"), keep=session.id)
        return self._enrolled(user, session, "passkey", where)

    def drop_passkey(self, user: User, session: Session, id: str) -> None:
        """Drop a passkey, if another second factor is left. Raises NotFoundError, ForbiddenError."""
        self._may_add(user, session)
        others: Sequence[Passkey] = [one for one in self._people.passkeys(user.id) if one.id != id]
        if not others and not user.totp:
            raise ForbiddenError("it is the only second factor", remedy="add another one first")
        if not self._people.drop_passkeys(user.id, self._in.row(user, "user.passkey_dropped", passkey=id), id):
            raise NotFoundError("there is no such passkey", remedy="GET /v1/session lists yours")


def _no_provider(user: User) -> None:
    """Who comes by a provider has no other way in: what the provider takes away must be away."""
    if user.issuer:
        raise ForbiddenError("you sign in at your provider", remedy="change it there")
