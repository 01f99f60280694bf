"""Single sign-on: to the provider, and back."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.params import QueryParameter
from litestar.response import Redirect

from trustward.api.access import OPEN
from trustward.api.desk import cookie, desk_of, whence
from trustward.base.errors import NotFoundError, SignInError
from trustward.operations.sso import SingleSignOn

BROWSER = "__Host-trustward-sso"
"""What binds a sign-in to the browser that began it. Lax, for the way back comes from another site."""
_LASTS_S = 600
# The session's cookie is Strict: a page of our own has to ask for the next one, not the provider's redirect.
_PAGE = b'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>Trustward</title>'


def _cookie(value: str, lasts_s: int) -> Cookie:
    return Cookie(key=BROWSER, value=value, max_age=lasts_s, path="/", secure=True, httponly=True, samesite="lax")


def _story(request: Request[Any, Any, Any]) -> SingleSignOn:
    found = desk_of(request).sso
    if found is None:
        raise NotFoundError("single sign-on is not set up", remedy="set sso_issuer, sso_client and sso_roles")
    return found


@get("/v1/sso/begin", opt={"scope": OPEN}, security=[{}], status_code=303, summary="Sign in at the provider")
async def begin(request: Request[Any, Any, Any]) -> Redirect:
    """Sends the browser there."""
    desk, story = desk_of(request), _story(request)
    desk.pace(whence(request).network)
    address, secret = await desk.run(story.begin)
    return Redirect(address, status_code=303, cookies=[_cookie(secret, _LASTS_S)])


@get("/v1/sso/return", opt={"scope": OPEN}, security=[{}], media_type="text/html", summary="Back from the provider")
async def back(
    request: Request[Any, Any, Any],
    way: Annotated[str, QueryParameter(name="state", max_length=200)] = "",
    code: Annotated[str, QueryParameter(max_length=4_000)] = "",
    iss: Annotated[str, QueryParameter(max_length=1_000)] = "",
    error: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Response[bytes]:
    """The provider sends the browser here; with a good answer it has a session."""
    asked = {name: text for name, text in (("state", way), ("code", code), ("iss", iss), ("error", error)) if text}
    desk = desk_of(request)
    secret = request.cookies.get(BROWSER, "")
    story = _story(request)
    if not secret:
        raise SignInError("this browser has begun no sign-in", remedy="begin again")
    signed = await desk.run(story.finish, asked, secret, whence(request))
    lasts_s = (signed.session.ends_us - signed.session.began_us) // 1_000_000
    return Response(
        _PAGE,
        media_type="text/html",
        headers={"Set-Cookie": cookie(signed.token, lasts_s)},
        cookies=[_cookie("", 0)],
    )


HANDLERS = (begin, back)
