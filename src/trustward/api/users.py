"""Users and keys, as admins see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath
from msgspec import Meta

from trustward.api.auth import caller_of
from trustward.api.changing import clean, expiry, read_json
from trustward.api.desk import desk_of
from trustward.api.service import Service
from trustward.api.sessions import Ended
from trustward.base.clock import now_us
from trustward.base.errors import RecordError
from trustward.base.units import parse_duration
from trustward.exchange.shown import in_words, shown
from trustward.model.people import User
from trustward.model.stored import ApiKey
from trustward.operations.keys import make_key, rotate_key

Names = Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(min_length=1, max_length=50)]
Short = Annotated[str, Meta(max_length=200)]


class UserTold(msgspec.Struct, frozen=True, kw_only=True):
    """A user. ``link`` is the address of a one-time link, shown once, where the request made one."""

    id: str
    name: str
    full: str
    roles: tuple[str, ...]
    created: str
    disabled: str | None
    single_sign_on: bool
    ready: bool
    link: str | None = None


class UserList(msgspec.Struct, frozen=True, kw_only=True):
    """All users, the oldest first."""

    users: tuple[UserTold, ...]


class UserWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is invited: the name to sign in with, the full name, and roles."""

    name: Short
    full: Short = ""
    roles: Names


class RolesWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Roles in the place of those that a user has."""

    roles: Names


class KeyTold(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret. ``key`` is the whole, shown once, where the request made one."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: str
    ends: str | None
    actor: str
    usable: bool
    key: str | None = None


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """All keys, the oldest first, those that have ended included."""

    keys: tuple[KeyTold, ...]


class KeyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a key is for, what it is good for, and until when (null: for good)."""

    name: Short
    scopes: Names
    expires: str | None = None


class RotateWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the old key is still good, such as ``1d``."""

    overlap: Annotated[str, Meta(max_length=20)] = "1d"


def _told(request: Request[Any, Any, Any], user: User, secret: str | None = None) -> UserTold:
    desk = desk_of(request)
    return shown(
        UserTold,
        user,
        single_sign_on=bool(user.issuer),
        ready=bool(user.issuer or user.password),
        link=None if secret is None else desk.signing_in.rules.link(secret),
    )


@get("/v1/users", opt={"scope": "admin"}, summary="All users")
async def users(request: Request[Any, Any, Any]) -> UserList:
    """Also those who are disabled."""
    desk = desk_of(request)
    found = await desk.run(desk.store.people.all)
    return UserList(users=tuple(_told(request, user) for user in found))


@post("/v1/users", opt={"scope": "admin"}, status_code=201, summary="Invite a user")
async def invite(request: Request[Any, Any, Any]) -> UserTold:
    """The answer has a one-time link, to be handed on: by it the user sets a password."""
    wanted: UserWanted = await read_json(request, UserWanted)
    desk = desk_of(request)
    full = clean(wanted.full, "$.full")
    user, secret = await desk.run(desk.people.invite, wanted.name, full, wanted.roles, actor=caller_of(request).actor)
    return _told(request, user, secret)


@put("/v1/users/{id:str}/roles", opt={"scope": "admin"}, summary="Give a user other roles")
async def set_roles(request: Request[Any, Any, Any], id: FromPath[str]) -> UserTold:
    """Every session of the user ends. Keys to users and keys that they have made are good while they are an admin."""
    wanted: RolesWanted = await read_json(request, RolesWanted)
    desk = desk_of(request)
    user = await desk.run(desk.people.set_roles, id, wanted.roles, actor=caller_of(request).actor)
    service: Service = request.app.state.service
    service.ring.forget()
    return _told(request, user)


@post("/v1/users/{id:str}/link", opt={"scope": "admin"}, status_code=201, summary="A new link for a user")
async def new_link(request: Request[Any, Any, Any], id: FromPath[str]) -> UserTold:
    """The one before is void. What the user signs in with stays as it is until the link is used."""
    desk = desk_of(request)
    user, secret = await desk.run(desk.people.link_for, id, actor=caller_of(request).actor)
    return _told(request, user, secret)


@post("/v1/users/{id:str}/reset", opt={"scope": "admin"}, status_code=200, summary="Let a user begin anew")
async def reset(request: Request[Any, Any, Any], id: FromPath[str]) -> UserTold:
    """Password, second factors and sessions are gone; the answer has a link."""
    desk = desk_of(request)
    user, secret = await desk.run(desk.people.reset, id, actor=caller_of(request).actor)
    return _told(request, user, secret)


@post("/v1/users/{id:str}/disable", opt={"scope": "admin"}, status_code=200, summary="Let a user in no more")
async def disable(request: Request[Any, Any, Any], id: FromPath[str]) -> UserTold:
    """Sessions and links end, and keys that the user has made are good for nothing."""
    desk = desk_of(request)
    user = await desk.run(desk.people.disable, id, actor=caller_of(request).actor)
    service: Service = request.app.state.service
    service.ring.forget()
    return _told(request, user)


@post("/v1/users/{id:str}/enable", opt={"scope": "admin"}, status_code=200, summary="Let a user in again")
async def enable(request: Request[Any, Any, Any], id: FromPath[str]) -> UserTold:
    """With what the user signed in with before."""
    desk = desk_of(request)
    return _told(request, await desk.run(desk.people.enable, id, actor=caller_of(request).actor))


@delete("/v1/users/{id:str}/sessions", opt={"scope": "admin"}, status_code=200, summary="Sign a user out")
async def end_sessions(request: Request[Any, Any, Any], id: FromPath[str]) -> Ended:
    """Everywhere."""
    desk = desk_of(request)
    return Ended(ended=await desk.run(desk.people.end_sessions, id, actor=caller_of(request).actor))


def _key(key: ApiKey, text: str | None = None) -> KeyTold:
    ends_us = min((at for at in (key.expires_us, key.revoked_us) if at is not None), default=None)
    return shown(KeyTold, key, ends=in_words(ends_us), usable=key.usable(now_us()), key=text)


async def _changed(request: Request[Any, Any, Any], story: Callable[[], ApiKey | tuple[ApiKey, str]]) -> KeyTold:
    service: Service = request.app.state.service
    try:
        found = await service.desk.run(story)
    finally:
        service.ring.forget()
    return _key(*found) if isinstance(found, tuple) else _key(found)


@get("/v1/keys", opt={"scope": "admin"}, summary="All keys")
async def keys(request: Request[Any, Any, Any]) -> KeyList:
    """Without their secrets."""
    desk = desk_of(request)
    return KeyList(keys=tuple(_key(key) for key in await desk.run(desk.store.keys.all)))


@post("/v1/keys", opt={"scope": "admin"}, status_code=201, summary="Make a key")
async def create_key(request: Request[Any, Any, Any]) -> KeyTold:
    """The answer has the key itself, once."""
    wanted: KeyWanted = await read_json(request, KeyWanted)
    ends_us, now = expiry(wanted.expires), now_us()
    lasts_us = None if ends_us is None else ends_us - now
    actor, name = caller_of(request).actor, clean(wanted.name, "$.name")
    store = desk_of(request).store

    def story() -> tuple[ApiKey, str]:
        key, text = make_key(name, wanted.scopes, actor=actor, now_us=now, lasts_us=lasts_us)
        store.keys.add(key)
        return key, text

    return await _changed(request, story)


@delete("/v1/keys/{id:str}", opt={"scope": "admin"}, status_code=200, summary="Revoke a key")
async def revoke_key(request: Request[Any, Any, Any], id: FromPath[str]) -> Response[KeyTold]:
    """At once; another process believes in it for two seconds more."""
    actor, store = caller_of(request).actor, desk_of(request).store

    def story() -> ApiKey:
        store.keys.revoke(id, actor, now_us())
        found = store.keys.get(id)
        assert found is not None  # or it could not have been revoked
        return found

    return Response(await _changed(request, story))


@post("/v1/keys/{id:str}/rotate", opt={"scope": "admin"}, status_code=201, summary="Replace a key")
async def rotate(request: Request[Any, Any, Any], id: FromPath[str]) -> KeyTold:
    """A new key with the same name and scopes, shown once; the old one is good for ``overlap`` more."""
    wanted: RotateWanted = await read_json(request, RotateWanted)
    try:
        overlap_us = parse_duration(wanted.overlap)
    except ValueError as fault:
        raise RecordError(f"$.overlap: {fault}", path="$.overlap", remedy="write it like 1d") from fault
    actor, store = caller_of(request).actor, desk_of(request).store
    return await _changed(
        request, lambda: rotate_key(store.keys, id, actor=actor, now_us=now_us(), overlap_us=overlap_us)
    )


HANDLERS = (
    users,
    invite,
    set_roles,
    new_link,
    reset,
    disable,
    enable,
    end_sessions,
    keys,
    create_key,
    revoke_key,
    rotate,
)
