"""The process: uvicorn with limits that it does not have by itself, signals, and the end in good order."""

from __future__ import annotations

import logging
import socket
import sys
from asyncio import Transport
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

from litestar import Litestar
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trustward import bootstrap
from trustward.api.app import Counted, create_app
from trustward.api.beside import Beside
from trustward.api.logs import Handler, log
from trustward.api.problems import MEDIA_TYPE, encode, problem_of
from trustward.api.service import Service
from trustward.api.trialling import Trialling
from trustward.base.errors import RequestError, TrustwardError, UnavailableError, UsageError
from trustward.exchange.decode import EventDecoder
from trustward.model.catalogue import Catalogue
from trustward.operations.sourcing import Sources, Told
from trustward.ports import Store
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


SWITCH_S = 0.0005
"""How long one thread may keep another one waiting: the engine's must not hold up the event loop's."""

_END_S = 5.0
"""How much longer than requests processes beside this one are given to end."""


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 with a limit to the time and the size of a request's head, and to the number of connections."""

    head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """See :class:`asyncio.Protocol`."""
        super().connection_made(transport)
        if len(self.connections) > self.config.app.connections:  # type: ignore[union-attr]
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


class Process(Server):
    """The server over a service; ``fault`` says why it ended, if nobody asked for that."""

    def __init__(self, service: Service, beside: Sequence[Beside | Sources] = ()) -> None:
        super().__init__(_config(service.settings))
        self.fault: TrustwardError | None = None
        self._service = service
        self._beside = beside
        self.config.app = _Limited(create_app(service, told=self._told), service)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Drain: no new connections, requests under way are answered, then the engine ends."""
        self._service.draining = True
        super().handle_exit(sig, frame)
        # A signal that was followed is no reason to end with its number.
        self._captured_signals.clear()

    def _told(self, fault: TrustwardError | None) -> None:
        """The host decides, or cannot."""
        if fault is not None:
            self.fault = fault
            self.should_exit = True
        else:
            log("ready")
            self._service.desk.welcome()
            for one in self._beside:
                one.start()


class _Limited(Counted):
    """The application, and what the protocol asks of it."""

    def __init__(self, app: Litestar, service: Service) -> None:
        super().__init__(app, service)
        self.connections = service.settings.connections


def run(settings: Settings) -> None:
    """Serve until a signal ends it. Raises what keeps the service from starting."""
    listening = listen(settings.host, settings.port)
    root = logging.getLogger()
    root.handlers[:] = [Handler()]
    root.setLevel(logging.WARNING)
    sys.setswitchinterval(SWITCH_S)
    known = bootstrap.catalogue([Path(name) for name in settings.catalogue])
    with closing(listening), closing(bootstrap.store(settings)) as store:
        host, port = listening.getsockname()[:2]
        log("listening", host=host, port=port)
        service = make_service(settings, store, known)
        trials = Trialling(lambda: bool(store.trials.open()))
        service.on_trials = trials.tell
        beside: list[Beside | Sources] = [*([_worker(settings, service)] if settings.deliver else []), trials]
        if settings.sources:
            beside.append(_sources(settings, service, known))
        process = Process(service, beside)
        try:
            process.run([listening])
        finally:
            for one in beside:
                one.end()
            for one in beside:
                one.join(settings.drain_s + _END_S)
        if process.fault is not None:
            raise process.fault
        log("ended")


def _worker(settings: Settings, service: Service) -> Beside:
    """What delivers actions beside the engine, told of each commit that has some. Raises SettingsError."""
    # What is wrong with its settings is to be known now, and not in a process that dies again and again.
    bootstrap.working(settings, service.store, Event())[1].close()
    worker = Beside("worker", ["-m", "trustward.worker", "beside"])
    service.host.on_actions = worker.tell
    return worker


def make_service(settings: Settings, store: Store, known: Catalogue) -> Service:
    """The service over a store, not started. Raises UsageError, PolicyError."""
    host = bootstrap.deciding(settings, store, known)
    return Service(
        settings, host, store, EventDecoder(known), bootstrap.compiler(known), bootstrap.operations(settings, store)
    )


def _sources(settings: Settings, service: Service, known: Catalogue) -> Sources:
    """What brings events besides HTTP, not started. Raises SettingsError, MappingError."""
    metrics = service.metrics
    made = bootstrap.sources(
        settings,
        known,
        service.host.submit,
        Told(
            metrics.answered,
            metrics.rejected,
            lambda name, words: log("source", source=name, said=words),
            service.tracer,
        ),
    )
    metrics.sources = made.status
    return made


def listen(host: str, port: int) -> socket.socket:
    """The socket to listen on. Raises UsageError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=4096)
    except OSError as fault:
        raise UsageError(
            f"cannot listen on {host} port {port}: {fault.strerror}", remedy="choose another --host or --port"
        ) from fault


def _config(settings: Settings) -> Config:
    return Config(
        app=_nothing,
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
        backlog=4096,
    )


async def _nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    """Stands in until the application is made."""
