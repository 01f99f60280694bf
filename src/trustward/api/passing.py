"""Requests that are not for this process: handed to the engine's as they are, over a private socket, and back."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httptools
from litestar.types import ASGIApp, Receive

from trustward.api.problems import MEDIA_TYPE, encode, headers_of, problem_of
from trustward.base.errors import InputError, SlowError, TrustwardError, UnavailableError

PEER = b"trustward-peer"
"""The header that says who asks: set here, and believed on the private socket only."""
_HOPS = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect"}
)
_PIECE = 65_536


class Believing:
    """The application behind the private socket: who asks is who the process in front says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            said = next((value for name, value in scope["headers"] if name == PEER), b"")
            scope["client"] = (said.decode("latin-1"), 0) if said else None
        await self._app(scope, receive, send)


class Passing:
    """An application in front of another process: what it knows itself goes to ``native``, all else is passed on.

    Each request has a connection of its own: on a Unix socket that costs little, and an answer may come before the
    body has gone.
    """

    def __init__(
        self, native: ASGIApp, known: frozenset[tuple[str, str]], path: str, *, wait_s: float, own: Any = ()
    ) -> None:
        self._native = native
        self._known = known
        self._path = path
        self._wait_s = wait_s
        self._own = frozenset((name.encode(), value.encode()) for name, value in own)

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        """See ASGI."""
        if scope["type"] != "http" or self._mine(scope):
            await self._native(scope, receive, send)
            return
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._pass_on(scope, receive, sending)
        except TrustwardError as fault:
            if begun:
                raise  # the connection is cut: whoever asked sees that the answer is not whole
            await _problem(fault, send)

    def _mine(self, scope: Any) -> bool:
        """Whether it is answered here: a known route, and no session, which only the engine's process knows."""
        return (scope["method"], scope["path"]) in self._known and all(
            name != b"cookie" for name, _ in scope["headers"]
        )

    async def _pass_on(self, scope: Any, receive: Receive, send: Any) -> None:
        # A bare socket: that no more can be written must not keep an answer from being read that lies there already.
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(link, self._path)
        except OSError as fault:
            link.close()
            raise _ended() from fault
        pump = asyncio.create_task(self._pump(scope, receive, link))
        answer = _Answer(link)
        begin = asyncio.create_task(answer.begin())
        try:
            await asyncio.wait({pump, begin}, return_when=asyncio.FIRST_COMPLETED)
            if not begin.done() and pump.exception() is not None:
                await pump
            await begin
            kept = [
                (name, value)
                for name, value in answer.headers
                if name not in _HOPS and name != b"date" and (name, value) not in self._own
            ]
            await send({"type": "http.response.start", "status": answer.status, "headers": kept, "trailers": False})
            while scope["method"] != "HEAD" and (body := await answer.more()) is not None:
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            for task in (pump, begin):
                task.cancel()
            await asyncio.gather(pump, begin, return_exceptions=True)
            link.close()

    async def _pump(self, scope: Any, receive: Receive, link: socket.socket) -> None:
        """Send the request, its body as it comes. Raises SlowError, InputError."""
        names = {name for name, _ in scope["headers"]}
        chunked = b"transfer-encoding" in names
        headers = [(name, value) for name, value in scope["headers"] if name not in _HOPS and name != PEER]
        headers.append((b"connection", b"close"))
        if chunked:
            headers.append((b"transfer-encoding", b"chunked"))
        if scope.get("client"):
            headers.append((PEER, str(scope["client"][0]).encode()))
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        head = [b"%b %b HTTP/1.1" % (scope["method"].encode(), target), *(b"%b: %b" % pair for pair in headers)]
        send = asyncio.get_running_loop().sock_sendall
        more = chunked or b"content-length" in names
        try:
            await send(link, b"\r\n".join(head) + b"\r\n\r\n")
            while more:
                message: Any = await self._next(receive)
                body, more = message["body"], message["more_body"]
                if body:
                    await send(link, b"%x\r\n%b\r\n" % (len(body), body) if chunked else body)
            if chunked:
                await send(link, b"0\r\n\r\n")
        except OSError:
            pass  # it has answered already, and wants no more

    async def _next(self, receive: Receive) -> Any:
        try:
            async with asyncio.timeout(self._wait_s):
                message: Any = await receive()
        except TimeoutError as fault:
            raise SlowError(f"no more of the body came within {self._wait_s:g} s", remedy="send it again") from fault
        if message["type"] == "http.disconnect":
            raise InputError("the connection broke off", remedy="send it again")
        return message


class _Answer:
    """What comes back, read with the same parser as requests."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0
        self._parser = httptools.HttpResponseParser(self)
        self._begun = False
        self._whole = False
        self._parts: list[bytes] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is there."""
        self.status = self._parser.get_status_code()
        self._begun = True

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._whole = True

    async def begin(self) -> None:
        """Read the head. Raises UnavailableError if the other end breaks off."""
        while not self._begun:
            await self._read()

    async def more(self) -> bytes | None:
        """The next part of the body, None at its end."""
        while not self._parts:
            if self._whole:
                return None
            await self._read()
        parts, self._parts = self._parts, []
        return b"".join(parts)

    async def _read(self) -> None:
        try:
            data = await asyncio.get_running_loop().sock_recv(self._link, _PIECE)
            if not data:
                raise _ended()
            self._parser.feed_data(data)
        except (OSError, httptools.HttpParserError) as fault:
            raise _ended() from fault


def _ended() -> UnavailableError:
    return UnavailableError(
        "the engine's process does not answer", remedy="see whether it was done before asking again"
    )


async def _problem(fault: TrustwardError, send: Any) -> None:
    problem = problem_of(fault)
    headers = {"content-type": MEDIA_TYPE, **headers_of(fault)}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw, "trailers": False})
    await send({"type": "http.response.body", "body": encode(problem), "more_body": False})
