"""Single sign-on by OpenID Connect: the code flow with PKCE, and nothing but it.

What is checked of an ID token is section 3.1.3.7 of OpenID Connect Core 1.0; the issuer in the answer is RFC 9207.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Any, NoReturn
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from trustward.base.errors import ForbiddenError, SignInError, UsageError
from trustward.model.people import User
from trustward.model.stored import AuditRow
from trustward.operations.passwords import check_name, hash_of, new_secret
from trustward.operations.signing_in import SECOND_US, Signed, SigningIn, Where
from trustward.ports import Provider

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""Signatures by a key that only the provider has. Not ``none``, and none that the shared secret could make."""
SKEW_S = 60
OLDEST_S = 600
"""How old an ID token may be that was made for this sign-in."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider knows this service by, and which of its groups have which role."""

    issuer: str
    id: str
    secret: str
    claim: str
    scope: str
    roles: tuple[tuple[str, str], ...]


class _Way(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered while somebody is at the provider."""

    nonce: str
    verifier: str
    browser: str


class SingleSignOn:
    """The story of people who come by a provider. May be called from any thread."""

    def __init__(self, signing_in: SigningIn, provider: Provider, client: Client) -> None:
        self._in = signing_in
        self._provider = provider
        self._client = client

    def close(self) -> None:
        """Close the connections to the provider."""
        self._provider.close()

    @property
    def _back(self) -> str:
        return f"{self._in.rules.origin}/v1/sso/return"

    def begin(self) -> tuple[str, str]:
        """Where to send the browser, and a secret for it to keep. Raises UnavailableError."""
        found = self._provider.discover()
        browser, kept = new_secret()
        way = _Way(nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48), browser=kept)
        state = self._in.ticket("sso", "", msgspec.json.encode(way))
        challenge = urlsafe_b64encode(sha256(way.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._back,
            "scope": self._client.scope,
            "state": state,
            "nonce": way.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        base = _text(found, "authorization_endpoint")
        return f"{base}{'&' if '?' in base else '?'}{urlencode(asked)}", browser

    def finish(self, asked: Mapping[str, str], browser: str, where: Where) -> Signed:
        """A session for who has come back. Raises SignInError, ForbiddenError, LockedError, UnavailableError."""
        self._in.count_address(where)
        now = self._in.clock()
        taken = self._in.store.tickets.take(hash_of(asked.get("state", "")), "sso", now)
        way = msgspec.json.decode(taken.body, type=_Way) if taken is not None else None
        if way is None or not compare_digest(way.browser, hash_of(browser)):
            _refuse("this sign-in is not known here, or was finished")
        if asked.get("iss", self._client.issuer) != self._client.issuer:
            _refuse("the answer is another provider's")
        if not asked.get("code"):
            _refuse(f"the provider has let nobody in ({asked.get('error', 'no code')[:60]})")
        found = self._provider.discover()
        form = {
            "grant_type": "authorization_code",
            "code": asked["code"],
            "redirect_uri": self._back,
            "client_id": self._client.id,
            "client_secret": self._client.secret,
            "code_verifier": way.verifier,
        }
        token = self._provider.redeem(_text(found, "token_endpoint"), form).get("id_token")
        if not isinstance(token, str):
            _refuse("the provider gave no ID token")
        claims = self._claims(token, _text(found, "jwks_uri"), way.nonce, now // SECOND_US)
        user = self._user(claims)
        self._in.forgive_address(where)
        return self._in.begin(user, "full", "sso", where)

    # ------------------------------------------------------------------ the token

    def _claims(self, token: str, keys_url: str, nonce: str, now_s: int) -> Mapping[str, Any]:
        """What a token says, if it is the provider's, for this service, of now, and for this sign-in."""
        claims = self._verified(token, keys_url)
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
        if claims.get("iss") != self._client.issuer:
            _refuse("the token is another issuer's")
        if self._client.id not in audiences or (len(audiences) > 1 and "azp" not in claims):
            _refuse("the token is for somebody else")
        if claims.get("azp", self._client.id) != self._client.id:
            _refuse("the token was given to somebody else")
        ends, made, begins = (claims.get(name, default) for name, default in (("exp", 0), ("iat", 0), ("nbf", 0)))
        for at in (ends, made, begins):
            if isinstance(at, bool) or not isinstance(at, int | float):
                _refuse("the token has a time that is none")
        if now_s >= ends + SKEW_S or now_s < begins - SKEW_S or not -SKEW_S <= now_s - made <= OLDEST_S + SKEW_S:
            _refuse("the token is not of now")
        said = claims.get("nonce")
        if not isinstance(said, str) or not compare_digest(said.encode(), nonce.encode()):
            _refuse("the token was made for another sign-in")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            _refuse("the token names nobody")
        return claims

    def _verified(self, token: str, keys_url: str) -> Mapping[str, Any]:
        """The claims of a token with a good signature; the keys are asked for again once if none fits."""
        if token.count(".") != 2 or len(token) > 100_000:
            _refuse("the token is not signed")
        for fresh in (False, True):
            try:
                keys = KeySet.import_key_set(self._provider.keys(keys_url, fresh=fresh))  # type: ignore[arg-type]
                return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError, KeyError, TypeError, AttributeError) as fault:
                if fresh:
                    raise SignInError("the token's signature is not good", remedy="sign in again") from fault
        raise AssertionError  # the second round returns or raises

    # ------------------------------------------------------------------ the person

    def _user(self, claims: Mapping[str, Any]) -> User:
        """The user that a token names, with the roles of the groups; made when they come for the first time."""
        people, subject = self._in.store.people, claims["sub"]
        groups = claims.get(self._client.claim)
        groups = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        roles = tuple(dict.fromkeys(role for group, role in self._client.roles if group in groups))
        user = people.known_as(self._client.issuer, subject)
        if user is not None and user.disabled_us is not None:
            _refuse("the user is disabled")
        if user is not None and user.roles != roles:
            user = msgspec.structs.replace(user, roles=roles)
            people.update(user, self._row(user, "user.roles", after=roles), keep="")
        if not roles:
            raise ForbiddenError("none of your groups has a role here", remedy="ask an admin of the provider")
        if user is None:
            user = self._new(claims, roles)
        return user

    def _new(self, claims: Mapping[str, Any], roles: tuple[str, ...]) -> User:
        people, subject = self._in.store.people, claims["sub"]
        name = f"sso-{hash_of(self._client.issuer + ' ' + subject)[:16]}"
        for wanted in (claims.get("preferred_username"), claims.get("email")):
            try:
                free = check_name(wanted) if isinstance(wanted, str) else ""
            except UsageError:
                continue
            if free and people.named(free) is None:
                name = free
                break
        full = claims.get("name")
        user = User(
            id=secrets.token_hex(8),
            name=name,
            full="".join(one for one in full if one.isprintable())[:200] if isinstance(full, str) else "",
            roles=roles,
            issuer=self._client.issuer,
            subject=subject,
            created_us=self._in.clock(),
            actor="single sign-on",
        )
        people.add(user, self._row(user, "user.joined", roles=roles))
        return user

    def _row(self, user: User, action: str, **detail: Any) -> AuditRow:
        return msgspec.structs.replace(self._in.row(user, action, **detail), actor="single sign-on")


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise SignInError(f"the provider does not say its {name}", remedy="see to the setting sso_issuer")
    return value


def _refuse(why: str) -> NoReturn:
    raise SignInError(why, remedy="sign in again")
