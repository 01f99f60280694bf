"""Signing in: a password and a second factor, or a passkey; sessions; pauses that grow with every failure."""

from __future__ import annotations

import ipaddress
import json
import secrets
from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Any, NamedTuple

import msgspec
import pyotp
from webauthn import generate_authentication_options, options_to_json, verify_authentication_response
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import UserVerificationRequirement

from trustward.base.errors import LockedError, SignInError
from trustward.model.people import Pace, Session, Ticket, User
from trustward.model.stored import AuditRow
from trustward.operations.passwords import Passwords, hash_of, new_secret, plain_code
from trustward.ports import Sealing, Store

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
USER_PACE = Pace(free=5, pause_us=SECOND_US, most_us=15 * MINUTE_US, forget_us=24 * 60 * MINUTE_US)
"""Failures of one user: about a hundred guesses a day."""
ADDRESS_PACE = Pace(free=30, pause_us=SECOND_US, most_us=15 * MINUTE_US, forget_us=60 * MINUTE_US)
"""Failures from one address, whoever they name."""
HALF_US = 10 * MINUTE_US
SEEN_US = MINUTE_US
_STEP_S = 30
_WRONG = "the name, the password or the code is wrong"


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How long things last, and where the console is."""

    idle_us: int = 30 * MINUTE_US
    lasts_us: int = 12 * 60 * MINUTE_US
    link_us: int = 24 * 60 * MINUTE_US
    fresh_us: int = 15 * MINUTE_US
    origin: str = "http://localhost:8080"

    @property
    def site(self) -> str:
        """The host that passkeys are bound to.

        >>> Rules(origin="https://trust.example:8443").site
        'trust.example'
        """
        return self.origin.partition("://")[2].rpartition("@")[2].partition("/")[0].partition(":")[0]

    def link(self, secret: str) -> str:
        """Where a one-time link leads. What is behind # stays in the browser: no log and no other site sees it.

        >>> Rules().link("s")
        'http://localhost:8080/setup#s'
        """
        return f"{self.origin}/setup#{secret}"


class Where(NamedTuple):
    """Where a request comes from: an address, and what the program calls itself."""

    address: str = ""
    agent: str = ""

    @property
    def network(self) -> str:
        """What one attacker has at least: an IPv4 address, or an IPv6 network of 64 bits.

        >>> Where("2001:db8::1:2:3:4").network, Where("10.1.2.3").network, Where("").network
        ('2001:db8::/64', '10.1.2.3', 'unknown')
        >>> Where("::ffff:10.1.2.3").network
        '10.1.2.3'
        """
        try:
            found = ipaddress.ip_address(self.address)
        except ValueError:
            return "unknown"
        if found.version == 6 and found.ipv4_mapped is not None:
            # As a proxy on a socket for both says it: all of these together would be one network.
            found = found.ipv4_mapped
        if found.version == 4:
            return str(found)
        return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))


class Signed(NamedTuple):
    """A session that has begun, with its token, which is shown once."""

    user: User
    session: Session
    token: str


class SigningIn:
    """The story of sessions. May be called from any thread."""

    def __init__(
        self, store: Store, *, clock: Callable[[], int], rules: Rules, passwords: Passwords, sealing: Sealing
    ) -> None:
        self.store = store
        self.clock = clock
        self.rules = rules
        self.passwords = passwords
        self.sealing = sealing

    # ------------------------------------------------------------------ in

    def by_password(self, name: str, password: str, code: str, where: Where) -> Signed:
        """A session for a name and a password, whole if the code is good too, or half without one.

        Raises SignInError, LockedError.
        """
        # One spelling for all: pauses must not tell who is there by whether ABBA waits for Abba.
        name = name.strip().lower()
        user = self.store.people.named(name)
        who = f"user:{user.id}" if user is not None else f"name:{hash_of(name)[:32]}"
        self._count(who, where)
        fits = self.passwords.fits(user.password if user is not None else "", password)
        if user is None or not fits or user.disabled_us is not None:
            self._refused(user, "password", where)
            raise SignInError(_WRONG, remedy="try again, or ask for a new link")
        if self.passwords.stale(user.password):
            kept = msgspec.structs.replace(user, password=self.passwords.hashed(password))
            self.store.people.update(kept, self.row(user, "user.rehashed"))
            user = msgspec.structs.replace(kept, version=kept.version + 1)
        if not code:
            # The attempt was good; what failed before is forgotten with the second factor only.
            self._forgive(who, where)
            return self.begin(user, "half", "password", where)
        how = self._check_code(user, code, where)
        self._forgive(who, where)
        self.store.attempts.forgive(who, all=True)
        return self.begin(user, "full", f"password+{how}", where)

    def by_code(self, user: User, session: Session, code: str, where: Where) -> Signed:
        """A whole session for a half one and a code of the authenticator, or a recovery code."""
        self.check_stands(session)
        self.count_address(where)
        how = self._check_code(user, code, where)
        self.forgive_address(where)
        self.store.attempts.forgive(f"user:{user.id}", all=True)
        return self.begin(user, "full", f"password+{how}", where, instead=session.id)

    def passkey_options(self) -> tuple[str, dict[str, Any]]:
        """A challenge for any passkey: the secret that names it, and the options for the browser."""
        challenge = secrets.token_bytes(32)
        options = generate_authentication_options(
            rp_id=self.rules.site, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
        )
        return self.ticket("passkey.use", "", challenge), json.loads(options_to_json(options))

    def by_passkey(self, ticket: str, credential: Mapping[str, Any], where: Where) -> Signed:
        """A whole session for a passkey that has checked its owner. Raises SignInError, LockedError."""
        self.count_address(where)
        now = self.clock()
        taken = self.store.tickets.take(hash_of(ticket), "passkey.use", now)
        name = credential.get("id")
        passkey = self.store.people.passkey(name) if isinstance(name, str) else None
        user = self.store.people.get(passkey.user) if passkey is not None else None
        if taken is None or passkey is None or user is None or user.disabled_us is not None:
            raise SignInError("the passkey is unknown, or the challenge is over", remedy="try again")
        try:
            found = verify_authentication_response(
                credential=dict(credential),
                expected_challenge=taken.body,
                expected_rp_id=self.rules.site,
                expected_origin=self.rules.origin,
                credential_public_key=passkey.key,
                credential_current_sign_count=passkey.count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as fault:
            self._refused(user, "passkey", where)
            raise SignInError("the passkey's answer is not good", remedy="try again") from fault
        if not self.store.people.used_passkey(passkey.id, found.new_sign_count, now):
            self._refused(user, "passkey: its count does not go on, it may have been copied", where)
            raise SignInError("the passkey's answer is not good", remedy="try again, and tell an admin")
        self.forgive_address(where)
        return self.begin(user, "full", "passkey", where)

    def begin(self, user: User, level: str, how: str, where: Where, *, instead: str = "") -> Signed:
        """A new session with a new token; ``instead`` ends the one that it takes the place of."""
        token, kept = new_secret()
        now = self.clock()
        session = Session(
            id=secrets.token_hex(8),
            hash=kept,
            user=user.id,
            level="full" if level == "full" else "half",
            how=how,
            began_us=now,
            seen_us=now,
            ends_us=now + (self.rules.lasts_us if level == "full" else HALF_US),
            address=where.address[:64],
            agent=where.agent[:200],
        )
        audit = self.row(user, "session.began", session=session.id, how=how) if level == "full" else None
        self.store.sessions.begin(session, audit, instead=instead)
        return Signed(user, session, token)

    # ------------------------------------------------------------------ while in, and out

    def look_up(self, token: str) -> tuple[User, Session] | None:
        """Whose session a token is, if it may still be used; notes now and then that it is."""
        now = self.clock()
        session = self.store.sessions.get(hash_of(token))
        if session is None or not session.usable(now, self.rules.idle_us):
            return None
        user = self.store.people.get(session.user)
        if user is None or user.disabled_us is not None:
            return None
        if now - session.seen_us >= SEEN_US:
            self.store.sessions.seen(session.id, now)
            session = msgspec.structs.replace(session, seen_us=now)
        return user, session

    def check_stands(self, session: Session) -> None:
        """See that a session has not ended since it was looked up: another one must not grow out of it.

        Raises SignInError.
        """
        if self.store.sessions.get(session.hash) is None:
            raise SignInError("the session has ended", remedy="sign in again")

    def end(self, user: User, id: str) -> bool:
        """Sign out; False if there is no such session."""
        return self.store.sessions.end(id, user.id, self.row(user, "session.ended", session=id))

    def sweep(self) -> None:
        """Drop what is over."""
        now = self.clock()
        self.store.sessions.sweep(now, self.rules.idle_us)
        self.store.tickets.sweep(now)
        self.store.attempts.sweep(now - USER_PACE.forget_us)

    # ------------------------------------------------------------------ parts

    def ticket(self, kind: str, user: str, body: bytes, *, lasts_us: int = HALF_US) -> str:
        """Something that may be used once: its secret."""
        secret, kept = new_secret()
        made = {"hash": kept, "kind": kind, "user": user, "ends_us": self.clock() + lasts_us, "body": body}
        self.store.tickets.issue(Ticket(**made))  # type: ignore[arg-type]
        return secret

    def row(self, user: User, action: str, **detail: Any) -> AuditRow:
        """What the audit says of something that a user does about themselves."""
        who = f"user:{user.id}"
        return AuditRow(at_us=self.clock(), actor=who, action=action, subject=who, detail=msgspec.json.encode(detail))

    def step_of(self, secret: str, code: str) -> int | None:
        """The time step of a code of an authenticator; None if it is none of now (or half a minute around it)."""
        now = self.clock() // SECOND_US // _STEP_S
        totp = pyotp.TOTP(secret)
        said = code.encode("utf-8", "replace")
        fits = [step for step in (now - 1, now, now + 1) if compare_digest(totp.generate_otp(step).encode(), said)]
        return fits[0] if fits else None

    def _check_code(self, user: User, code: str, where: Where) -> str:
        """What kind of second factor a code is; it cannot be used again. Raises SignInError, LockedError."""
        self._wait(f"code:{user.id}", USER_PACE)
        plain = plain_code(code)
        how = ""
        if len(plain) == 6 and plain.isascii() and plain.isdigit() and user.totp:
            step = self.step_of(self.sealing.open(user.id, user.totp), plain)
            if step is not None and self.store.people.use_step(user.id, step):
                how = "totp"
                self._seal(user)
        elif len(plain) == 16 and self.store.people.use_code(
            user.id, hash_of(plain), self.row(user, "user.recovery_code_used")
        ):
            how = "recovery"
        if not how:
            self._refused(user, "code", where)
            raise SignInError(_WRONG, remedy="wait for the next code, or use a recovery code")
        self.store.attempts.forgive(f"code:{user.id}", all=True)
        return how

    def _seal(self, user: User) -> bool:
        """Encrypt the authenticator's secret if it is not yet; whether it was done."""
        if not user.totp or self.sealing.is_sealed(user.totp):
            return False
        return self.store.people.seal_totp(user.id, user.totp, self.sealing.seal(user.id, user.totp))

    def seal_all(self) -> int:
        """Encrypt the secrets that earlier versions kept as they were; how many. Raises SettingsError."""
        users = self.store.people.all()
        for user in users:
            # A second key beside a lost one would only hide the loss.
            self.sealing.open(user.id, user.totp)
        return sum(self._seal(user) for user in users)

    def _count(self, who: str, where: Where) -> None:
        self.count_address(where)
        try:
            self._wait(who, USER_PACE)
        except LockedError:
            self.forgive_address(where)
            raise

    def count_address(self, where: Where) -> None:
        """Count an attempt from an address as failed, until it is forgiven. Raises LockedError."""
        self._wait(f"address:{where.network}", ADDRESS_PACE)

    def _wait(self, subject: str, pace: Pace) -> None:
        wait = self.store.attempts.begin(subject, self.clock(), pace)
        if wait:
            raise LockedError(
                "too many attempts to sign in have failed", wait_s=wait / SECOND_US, remedy="wait, then try again"
            )

    def forgive_address(self, where: Where) -> None:
        """The attempt was good."""
        self.store.attempts.forgive(f"address:{where.network}", all=False)

    def _forgive(self, who: str, where: Where) -> None:
        self.store.attempts.forgive(who, all=False)
        self.forgive_address(where)

    def _refused(self, user: User | None, how: str, where: Where) -> None:
        # Of a name that is nobody's too, but for the name, which may be a password: the one would take longer than
        # the other.
        detail = msgspec.json.encode({"how": how, "address": where.address[:64]})
        subject = f"user:{user.id}" if user is not None else "user:nobody"
        row = AuditRow(at_us=self.clock(), actor="nobody", action="session.refused", subject=subject, detail=detail)
        self.store.audit.record(row)


def csrf_of(token: str) -> str:
    """The token that a page sends beside the cookie: it follows from the session's, and tells nothing of it."""
    return hash_of(f"csrf:{token}")[:32]
