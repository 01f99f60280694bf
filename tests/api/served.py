"""A real server on a loopback port, in a thread of the test, and a plain client."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic, sleep
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from trustward import bootstrap
from trustward.adapters.store.memory import MemoryStore
from trustward.api.frames import EVENTS, REQUESTS, listen_at
from trustward.api.front import Front, make_front
from trustward.api.front import Process as FrontProcess
from trustward.api.server import Process, make_service
from trustward.api.service import Service
from trustward.api.speaking import Speaker, listen
from trustward.base.clock import now_us
from trustward.exchange.decode import EventDecoder
from trustward.model.access import SCOPES
from trustward.operations.keys import make_key
from trustward.ports import Store
from trustward.settings import Settings

POLICY = str(Path(__file__).parents[1] / "engine" / "policy")
CATALOGUE = bootstrap.catalogue()


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[tuple[str, str], ...] = ()

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Served:
    """A service that runs, with a key for everything."""

    def __init__(self, service: Service, process: Process, port: int) -> None:
        self.service = service
        self.process = process
        self.port = port
        self.key = self.make_key(*SCOPES)

    def make_key(self, *scopes: str, lasts_us: int | None = None) -> str:
        key, text = make_key("test", scopes, actor="kim", now_us=now_us(), lasts_us=lasts_us)
        self.service.store.keys.add(key)
        return text

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """One request; ``json`` is a body to encode."""
        said = {"Authorization": f"Bearer {self.key if key is None else key}", **(headers or {})}
        if json is not None:
            body = msgspec.json.encode(json)
        if body is not None:
            said.setdefault("Content-Type", "application/json")
        if key == "":
            del said["Authorization"]
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, said, encode_chunked=not isinstance(body, bytes | None))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            parts = [value.partition(";")[0].partition("=") for value in response.headers.get_all("set-cookie", [])]
            cookies = tuple((name, value) for name, _, value in parts)
            return Answer(response.status, found, response.read(), cookies)
        finally:
            connection.close()

    def raw(self, *parts: bytes, wait_s: float = 5.0) -> bytes:
        """Bytes sent as they are, and all that comes back until the end or until it waits too long."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as connection:
            got = b""
            try:
                for part in parts:
                    connection.sendall(part)
                while piece := connection.recv(65_536):
                    got += piece
            except TimeoutError:
                pass
            except ConnectionError:
                pass
            return got


@contextmanager
def served(store: Store | None = None, *, ready: bool = True, fronted: bool = False, **how: Any) -> Iterator[Served]:
    """A service over a store (by default one in memory).

    ``fronted``: HTTP is spoken by what ``serve --workers`` runs in processes of their own, here in another thread.
    """
    with ExitStack() as ends:
        folder = Path(ends.enter_context(TemporaryDirectory(prefix="tw-")))
        plain = {"policy": POLICY, "port": 0, "drain_s": 5, "workers": int(fronted), "data": str(folder / "data")}
        settings = Settings(**{**plain, **how})
        (listening,) = listen(settings.host, settings.port)
        service = make_service(settings, store or MemoryStore(), CATALOGUE)
        ends.callback(listening.close)
        sockets = [listening]
        if fronted:
            service.open_hatch(listen_at(str(folder / EVENTS)))
            sockets = [listen_at(str(folder / REQUESTS))]
        process = Process(service)
        thread = Thread(target=lambda: process.run(sockets), daemon=True)
        thread.start()
        ends.callback(_end, process, thread)
        if fronted:
            front = Front(settings, service.store, EventDecoder(CATALOGUE), folder)
            speaking = FrontProcess(front, make_front(front, folder))
            other = Thread(target=lambda: speaking.run([listening]), daemon=True)
            other.start()
            ends.callback(_end, speaking, other)
        one = Served(service, process, listening.getsockname()[1])
        until = monotonic() + 120
        while ready and one.ask("GET", "/readyz").status != 200:
            assert monotonic() < until
            assert thread.is_alive(), process.fault
            sleep(0.02)
        yield one


def _end(process: Speaker, thread: Thread) -> None:
    process.should_exit = True
    thread.join(60)


def sent(id: str, **fields: Any) -> dict[str, Any]:
    """A message."""
    return {"type": "message.sent", "id": id, "time": "2026-01-05T10:00:00Z", "sender": "a", **fields}


def path_of(*parts: str) -> str:
    """A path with its parts written safely."""
    return "/" + "/".join(quote(part, safe="") for part in parts)
