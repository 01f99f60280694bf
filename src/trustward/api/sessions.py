"""Signing in and out, and what people change about their own sign-in."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath
from msgspec import Meta

from trustward.api.access import HALF, OPEN, OWN
from trustward.api.changing import clean, read_json
from trustward.api.desk import SessionTold, cookie, desk_of, own, whence
from trustward.base.errors import NotFoundError
from trustward.exchange.shown import shown

Text = Annotated[str, Meta(max_length=1_000)]
Secret = Annotated[str, Meta(min_length=1, max_length=200)]


class SignInWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name and a password; with ``code`` (of an authenticator, or a recovery code) in one go."""

    name: Text
    password: Text
    code: Text = ""


class LinkWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret of a one-time link, and the password to set; ``name`` where the link leaves it open."""

    token: Secret
    password: Text
    name: Text = ""


class CodeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code of an authenticator, or a recovery code."""

    code: Text


class TotpWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first code of a new authenticator; ``id`` names its secret."""

    id: Secret
    code: Text


class PasskeyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser's answer to the challenge ``id``, as its JSON form; ``name`` for a new passkey."""

    id: Secret
    credential: dict[str, Any]
    name: Annotated[str, Meta(max_length=100)] = ""


class PasswordWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password that was, and the one to be."""

    old: Text = ""
    new: Text


class TotpTold(msgspec.Struct, frozen=True, kw_only=True):
    """A secret for an authenticator, shown once; ``uri`` is what its picture holds."""

    id: str
    secret: str
    uri: str


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser is asked: ``options`` for ``navigator.credentials``, in its JSON form."""

    id: str
    options: dict[str, Any]


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """Recovery codes, each good once, shown once."""

    recovery_codes: tuple[str, ...]


class SessionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One of your sessions; ``this`` is the one that asks."""

    id: str
    how: str
    began: str
    seen: str
    ends: str
    address: str
    agent: str
    this: bool


class SessionList(msgspec.Struct, frozen=True, kw_only=True):
    """Your sessions, the oldest first."""

    sessions: tuple[SessionLine, ...]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How many have ended."""

    ended: int


@post("/v1/session", opt={"scope": OPEN}, security=[{}], status_code=200, summary="Sign in with name and password")
async def sign_in(request: Request[Any, Any, Any]) -> Response[SessionTold]:
    """A whole session with a good code, a half one without. The cookie in the answer is the session."""
    wanted: SignInWanted = await read_json(request, SignInWanted)
    desk = desk_of(request)
    signed = await desk.run(desk.signing_in.by_password, wanted.name, wanted.password, wanted.code, whence(request))
    return await desk.let_in(signed)


@post("/v1/session/link", opt={"scope": OPEN}, security=[{}], status_code=200, summary="Use a one-time link")
async def use_link(request: Request[Any, Any, Any]) -> Response[SessionTold]:
    """Set a password by a link, once; the second factor comes next."""
    wanted: LinkWanted = await read_json(request, LinkWanted)
    desk = desk_of(request)
    signed = await desk.run(desk.people.redeem, wanted.token, wanted.password, wanted.name, whence(request))
    return await desk.let_in(signed)


@post(
    "/v1/session/passkey/options",
    opt={"scope": OPEN},
    security=[{}],
    status_code=200,
    summary="A challenge to sign in with a passkey",
)
async def passkey_challenge(request: Request[Any, Any, Any]) -> Challenge:
    """For any passkey of this site."""
    desk = desk_of(request)
    desk.pace(whence(request).network)
    name, options = await desk.run(desk.signing_in.passkey_options)
    return Challenge(id=name, options=options)


@post("/v1/session/passkey", opt={"scope": OPEN}, security=[{}], status_code=200, summary="Sign in with a passkey")
async def sign_in_by_passkey(request: Request[Any, Any, Any]) -> Response[SessionTold]:
    """A passkey that has checked its owner is both factors."""
    wanted: PasskeyWanted = await read_json(request, PasskeyWanted)
    desk = desk_of(request)
    signed = await desk.run(desk.signing_in.by_passkey, wanted.id, wanted.credential, whence(request))
    return await desk.let_in(signed)


@get("/v1/session", opt={"scope": HALF}, security=[{"session": []}], summary="Who you are")
async def session(request: Request[Any, Any, Any]) -> SessionTold:
    """You, your session, and the token for changes."""
    user, mine, caller = own(request)
    desk = desk_of(request)
    return await desk.run(desk.told, user, mine, caller.token)


@delete("/v1/session", opt={"scope": HALF}, security=[{"session": []}], status_code=200, summary="Sign out")
async def sign_out(request: Request[Any, Any, Any]) -> Response[Ended]:
    """The session ends at once."""
    user, mine, _ = own(request)
    desk = desk_of(request)
    ended = await desk.run(desk.signing_in.end, user, mine.id)
    return Response(Ended(ended=int(ended)), headers={"Set-Cookie": cookie("", 0)})


@post(
    "/v1/session/code",
    opt={"scope": HALF},
    security=[{"session": []}],
    status_code=200,
    summary="Add the second factor",
)
async def add_code(request: Request[Any, Any, Any]) -> Response[SessionTold]:
    """A half session and a code make a whole one, with a new cookie."""
    wanted: CodeWanted = await read_json(request, CodeWanted)
    user, mine, _ = own(request)
    desk = desk_of(request)
    return await desk.let_in(await desk.run(desk.signing_in.by_code, user, mine, wanted.code, whence(request)))


@post(
    "/v1/session/totp", opt={"scope": HALF}, security=[{"session": []}], status_code=200, summary="A new authenticator"
)
async def begin_totp(request: Request[Any, Any, Any]) -> TotpTold:
    """Its secret. It is in force when its first code has come."""
    user, mine, _ = own(request)
    desk = desk_of(request)
    name, secret, uri = await desk.run(desk.factors.begin_totp, user, mine)
    return TotpTold(id=name, secret=secret, uri=uri)


@put("/v1/session/totp", opt={"scope": HALF}, security=[{"session": []}], summary="Put an authenticator in force")
async def confirm_totp(request: Request[Any, Any, Any]) -> Response[SessionTold]:
    """Its first code; the answer has a new cookie, and recovery codes if there were none."""
    wanted: TotpWanted = await read_json(request, TotpWanted)
    user, mine, _ = own(request)
    desk = desk_of(request)
    signed, codes = await desk.run(desk.factors.confirm_totp, user, mine, wanted.id, wanted.code, whence(request))
    return await desk.let_in(signed, codes)


@delete(
    "/v1/session/totp",
    opt={"scope": OWN},
    security=[{"session": []}],
    status_code=200,
    summary="Drop the authenticator",
)
async def drop_totp(request: Request[Any, Any, Any]) -> Ended:
    """If a passkey is left."""
    user, mine, _ = own(request)
    desk = desk_of(request)
    await desk.run(desk.factors.drop_totp, user, mine)
    return Ended(ended=1)


@post(
    "/v1/session/passkeys/options",
    opt={"scope": HALF},
    security=[{"session": []}],
    status_code=200,
    summary="A challenge for a new passkey",
)
async def new_passkey(request: Request[Any, Any, Any]) -> Challenge:
    """Options for ``navigator.credentials.create``."""
    user, mine, _ = own(request)
    desk = desk_of(request)
    name, options = await desk.run(desk.factors.begin_passkey, user, mine)
    return Challenge(id=name, options=options)


@post("/v1/session/passkeys", opt={"scope": HALF}, security=[{"session": []}], status_code=200, summary="Add a passkey")
async def add_passkey(request: Request[Any, Any, Any]) -> Response[SessionTold]:
    """The browser's answer; the answer has a new cookie, and recovery codes if there were none."""
    wanted: PasskeyWanted = await read_json(request, PasskeyWanted)
    user, mine, _ = own(request)
    desk = desk_of(request)
    name = clean(wanted.name, "$.name")
    signed, codes = await desk.run(
        desk.factors.add_passkey, user, mine, wanted.id, wanted.credential, name, whence(request)
    )
    return await desk.let_in(signed, codes)


@delete(
    "/v1/session/passkeys/{id:str}",
    opt={"scope": OWN},
    security=[{"session": []}],
    status_code=200,
    summary="Drop a passkey",
)
async def drop_passkey(request: Request[Any, Any, Any], id: FromPath[str]) -> Ended:
    """If another second factor is left."""
    user, mine, _ = own(request)
    desk = desk_of(request)
    await desk.run(desk.factors.drop_passkey, user, mine, id)
    return Ended(ended=1)


@post(
    "/v1/session/recovery-codes",
    opt={"scope": OWN},
    security=[{"session": []}],
    status_code=200,
    summary="New recovery codes",
)
async def recovery_codes(request: Request[Any, Any, Any]) -> Codes:
    """The old ones are void."""
    user, mine, _ = own(request)
    desk = desk_of(request)
    return Codes(recovery_codes=tuple(await desk.run(desk.factors.new_codes, user, mine)))


@put("/v1/session/password", opt={"scope": OWN}, security=[{"session": []}], summary="Another password")
async def set_password(request: Request[Any, Any, Any]) -> Response[SessionTold]:
    """Every session ends; the answer has the cookie of a new one."""
    wanted: PasswordWanted = await read_json(request, PasswordWanted)
    user, _, _ = own(request)
    desk = desk_of(request)
    signed = await desk.run(desk.factors.set_password, user, wanted.old, wanted.new, whence(request))
    return await desk.let_in(signed)


@get("/v1/sessions", opt={"scope": OWN}, security=[{"session": []}], summary="Your sessions")
async def sessions(request: Request[Any, Any, Any]) -> SessionList:
    """Where you are signed in."""
    user, mine, _ = own(request)
    desk = desk_of(request)
    found = await desk.run(desk.store.sessions.of, user.id)
    return SessionList(sessions=tuple(shown(SessionLine, one, this=one.id == mine.id) for one in found))


@delete(
    "/v1/sessions/{id:str}", opt={"scope": OWN}, security=[{"session": []}], status_code=200, summary="End a session"
)
async def end_session(request: Request[Any, Any, Any], id: FromPath[str]) -> Ended:
    """One of yours."""
    user, _, _ = own(request)
    desk = desk_of(request)
    if not await desk.run(desk.signing_in.end, user, id):
        raise NotFoundError("you have no such session", remedy="GET /v1/sessions lists yours")
    return Ended(ended=1)


HANDLERS = (
    sign_in,
    use_link,
    passkey_challenge,
    sign_in_by_passkey,
    session,
    sign_out,
    add_code,
    begin_totp,
    confirm_totp,
    drop_totp,
    new_passkey,
    add_passkey,
    drop_passkey,
    recovery_codes,
    set_password,
    sessions,
    end_session,
)
