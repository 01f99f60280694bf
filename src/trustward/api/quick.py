"""``POST /v1/decisions`` past the framework's routing: the same steps in one function, for requests that need no more.

A bare request with a key is let in, read, decided and answered with the very functions that its route uses. Whatever
has more to it (a parameter, a session, a trace) takes the route.
"""

from __future__ import annotations

from typing import Any

from litestar.types import Receive, Send

from trustward.api.access import ROUTES
from trustward.api.auth import credentials, let_in, nobody
from trustward.api.bodies import media_type_in, whole_of
from trustward.api.deciding import FORMATS, Said, answer_to
from trustward.api.entrance import Entrance
from trustward.api.problems import MEDIA_TYPE, encode, told

_PATH = "/v1/decisions"
_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", MEDIA_TYPE.encode())


class Quick:
    """The short way over an entrance."""

    route = _PATH

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._access = ROUTES["POST", _PATH]
        self._limit = entrance.settings.event_bytes
        self._wait_s = entrance.settings.wait_s

    def takes(self, scope: Any) -> bool:
        """Whether a request may go this way: one with parameters or with cookies may not."""
        if scope["path"] != _PATH or scope["method"] != "POST" or scope["query_string"]:
            return False
        return all(name != b"cookie" for name, _ in scope["headers"])

    async def answer(self, scope: Any, receive: Receive, send: Send) -> int:
        """Answer it; the status is given back."""
        kind = _JSON
        try:
            said = await self._said(scope["headers"], receive)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the caller hears of it as a problem
            problem, more = told(fault, _PATH, "POST")
            headers = tuple((name.lower().encode(), value.encode()) for name, value in more.items())
            kind, said = _PROBLEM, Said(problem.status, encode(problem), headers)
        body = said.body
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": said.status, "headers": [*said.headers, kind, length]})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return said.status

    async def _said(self, headers: Any, receive: Receive) -> Said:
        entrance = self._entrance
        key, _ = credentials(headers)
        if key is None:
            raise nobody()
        let_in(entrance.ring, await entrance.ring.caller(key), self._access)
        media_type_in(headers, FORMATS)
        return await answer_to(entrance, await whole_of(headers, receive, self._limit, self._wait_s))
