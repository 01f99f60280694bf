"""HTTP/1.1 by uvicorn, with limits that it does not have by itself, signals, and the end in good order."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from asyncio import Transport
from typing import Any

from litestar.types import ASGIApp
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trustward.api.logs import Handler
from trustward.api.problems import MEDIA_TYPE, encode, problem_of
from trustward.base.errors import RequestError, TrustwardError, UnavailableError, UsageError
from trustward.settings import Settings

HEAD_BYTES = 65_536
"""Most bytes of a request's line and headers."""

HEADERS = [
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
]
"""What every response says. No CORS header is ever sent: no page of another origin may read an answer."""


COLLECT = (50_000, 20, 100)
"""How seldom the collector looks for circles: nearly everything here goes by itself, and a look at all stops all."""

BACKLOG = 4096
"""How many new connections may wait to be taken."""

SWITCH_S = 0.0005
"""How long one thread may keep another one waiting: the engine's must not hold up the event loop's."""


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 with a limit to the time and the size of a request's head, and to the number of connections."""

    head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """See :class:`asyncio.Protocol`."""
        super().connection_made(transport)
        if len(self.connections) > self.config.connections:  # type: ignore[attr-defined]
            self.send_problem(UnavailableError("too many connections are open", remedy="close some"))
            return
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        self._end_timer()
        super().connection_lost(exc)

    def _unset_keepalive_if_required(self) -> None:
        """Nothing: time runs on until the head is there, however slowly it comes."""

    def _end_timer(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def on_message_begin(self) -> None:
        """A request begins."""
        self.head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._weigh(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._weigh(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._end_timer()
        super().on_headers_complete()

    def _weigh(self, more: int) -> None:
        self.head_bytes += more
        if self.head_bytes > HEAD_BYTES:
            raise ValueError("the head is too large")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the words are ours
        """Say that this is no HTTP request that one could answer."""
        what = f"the head has more than {HEAD_BYTES:,} bytes" if self.head_bytes > HEAD_BYTES else "this is no HTTP/1.1"
        self.send_problem(RequestError(what, remedy="see what sends it"))

    def send_problem(self, error: TrustwardError) -> None:
        """Answer without the application, and close."""
        problem = problem_of(error)
        body = encode(problem)
        headers = [
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"connection", b"close"),
        ]
        headers.append((b"content-length", str(len(body)).encode()))
        if problem.status == 503:
            headers.append((b"retry-after", b"1"))
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(b"HTTP/1.1 %d \r\n%b\r\n%b" % (problem.status, head, body))
        self.transport.close()


class Speaker(Server):
    """A server over an application, ended by a signal in good order."""

    def __init__(self, settings: Settings, app: ASGIApp) -> None:
        super().__init__(_config(settings, app))

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Drain: no new connections, requests under way are answered."""
        super().handle_exit(sig, frame)
        # A signal that was followed is no reason to end with its number.
        self._captured_signals.clear()


def prepare() -> None:
    """Set this process up to serve: where logs go, how threads take turns."""
    root = logging.getLogger()
    root.handlers[:] = [Handler()]
    root.setLevel(logging.WARNING)
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(*COLLECT)


def settled() -> None:
    """What is there now stays: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


def listen(host: str, port: int, count: int = 1) -> list[socket.socket]:
    """The sockets to listen on: one, or several that share the port's connections. Raises UsageError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # Alone first: a port that another service has is not to be shared with it.
        first = socket.create_server(address[:2], family=family, backlog=BACKLOG)
        if count == 1:
            return [first]
        place = first.getsockname()[:2]
        first.close()
        return [socket.create_server(place, family=family, backlog=BACKLOG, reuse_port=True) for _ in range(count)]
    except OSError as fault:
        raise UsageError(
            f"cannot listen on {host} port {port}: {fault.strerror}", remedy="choose another --host or --port"
        ) from fault


class _Config(Config):
    """uvicorn's, with the most connections that may be open."""

    connections = 0


def _config(settings: Settings, app: ASGIApp) -> Config:
    config = _Config(
        app=app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=HEADERS,
        timeout_keep_alive=settings.wait_s,
        timeout_graceful_shutdown=settings.drain_s,
        backlog=BACKLOG,
    )
    config.connections = settings.connections
    return config
