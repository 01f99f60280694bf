"""The engine's process: the service over a store, and the processes beside it, from the start to the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket
from threading import Event, Thread
from typing import Any

import msgspec

from trustward import bootstrap
from trustward.api.app import create_app
from trustward.api.asgi import Counting
from trustward.api.beside import Beside
from trustward.api.frames import EVENTS, REQUESTS, listen_at
from trustward.api.logs import log
from trustward.api.passing import Believing
from trustward.api.quick import Quick
from trustward.api.service import Service
from trustward.api.speaking import Speaker, listen, prepare
from trustward.api.trialling import Trialling
from trustward.base.errors import TrustwardError
from trustward.exchange.decode import EventDecoder
from trustward.model.catalogue import Catalogue
from trustward.operations.sourcing import Sources, Told
from trustward.ports import Store
from trustward.settings import Settings

_END_S = 5.0
"""How much longer than requests processes beside this one are given to end."""


class Group:
    """The processes beside the engine's: ``fronts`` speak HTTP from the start, ``others`` work when it is ready."""

    def __init__(
        self, fronts: Sequence[Beside] = (), others: Sequence[Beside | Sources] = (), *, drain_s: float = 0.0
    ) -> None:
        self.fronts = fronts
        self.others = others
        self._within_s = drain_s + _END_S

    def open(self) -> None:
        """The sockets are there."""
        for one in self.fronts:
            one.start()

    def ready(self) -> None:
        """Events are decided."""
        for one in self.others:
            one.start()

    def drain(self) -> None:
        """Let what speaks HTTP answer what is under way, and end."""
        for one in self.fronts:
            one.end()
        for one in self.fronts:
            one.join(self._within_s)

    def close(self) -> None:
        """End all of them."""
        for one in self.others:
            one.end()
        self.drain()
        for one in self.others:
            one.join(self._within_s)


class Process(Speaker):
    """The server over a service; ``fault`` says why it ended, if nobody asked for that."""

    def __init__(self, service: Service, group: Group | None = None) -> None:
        app: Any = Counting(create_app(service, told=self._told), service.metrics, service.tracer, Quick(service))
        super().__init__(service.settings, Believing(app) if service.hatch is not None else app)
        self.fault: TrustwardError | None = None
        self._service = service
        self._group = group or Group()
        self._draining: Thread | None = None

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Drain: no new connections, requests under way are answered, then the engine ends."""
        self._service.draining = True
        if self._group.fronts and self._draining is None:
            # They still need the engine.
            self._draining = Thread(target=self._drain, args=(sig, frame), name="drain", daemon=True)
            self._draining.start()
            return
        super().handle_exit(sig, frame)

    def _drain(self, sig: int, frame: Any) -> None:
        self._group.drain()
        super().handle_exit(sig, frame)

    def _told(self, fault: TrustwardError | None) -> None:
        """The host decides, or cannot."""
        if fault is not None:
            self.fault = fault
            self.should_exit = True
        else:
            self._group.ready()
            log("ready")
            self._service.desk.welcome()


def run(settings: Settings) -> None:
    """Serve until a signal ends it. Raises what keeps the service from starting."""
    listening = listen(settings.host, settings.port, max(1, settings.workers))
    prepare()
    known = bootstrap.catalogue([Path(name) for name in settings.catalogue])
    with _closing(listening), closing(bootstrap.store(settings)) as store, bootstrap.held_folder() as folder:
        host, port = listening[0].getsockname()[:2]
        log("listening", host=host, port=port, processes=settings.workers)
        # Links lead to where it listens, also where the system has chosen the port.
        settings = msgspec.structs.replace(settings, port=port)
        service = make_service(settings, store, known)
        fronts: list[Beside] = []
        if settings.workers:
            fronts = [_front(number, one, folder) for number, one in enumerate(listening, 1)]
            service.open_hatch(listen_at(str(folder / EVENTS)))
            listening = [listen_at(str(folder / REQUESTS))]
        trials = Trialling(lambda: bool(store.trials.open()))
        service.on_trials = trials.tell
        others: list[Beside | Sources] = [*([_worker(settings, service)] if settings.deliver else []), trials]
        if settings.sources:
            others.append(_sources(settings, service, known))
        group = Group(fronts, others, drain_s=settings.drain_s)
        process = Process(service, group)
        try:
            group.open()
            process.run(listening)
        finally:
            group.close()
        if process.fault is not None:
            raise process.fault
        log("ended")


def _front(number: int, listening: socket, folder: Path) -> Beside:
    """A process that speaks HTTP. Its socket stays open here: what waits there is answered by its next one."""
    words = ["-m", "trustward.api.front", str(listening.fileno()), str(folder)]
    return Beside(f"http {number}", words, files=[listening.fileno()])


@contextmanager
def _closing(sockets: Sequence[socket]) -> Iterator[None]:
    try:
        yield
    finally:
        for one in sockets:
            one.close()


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
