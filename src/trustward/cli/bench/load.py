"""A client that asks as much as one core can: HTTP/1.1 over kept connections, with nothing read but the status."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from trustward.base.clock import elapsed_s

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


def requests(path: str, key: str, bodies: Sequence[bytes], kind: str = "application/json") -> Iterator[bytes]:
    """Whole requests, one for each body."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n"
        f"content-type: {kind}\r\ncontent-length: "
    ).encode()
    for body in bodies:
        yield head + str(len(body)).encode() + _END + body


class _Client(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is in, and it is time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._got = b""
        self._due = 0.0
        self.busy = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self.busy = True
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        got = self._got + data if self._got else data
        head = got.find(_END)
        if head >= 0:
            at = got.find(_LENGTH, 0, head) + len(_LENGTH)
            if len(got) >= head + len(_END) + int(got[at : got.find(b"\r", at)]):
                self._got = b""
                self.busy = False
                self._load.answered(self, got[9:12], elapsed_s() - self._due)
                return
        self._got = got

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        self._load.lost(self)


class Load:
    """Sends requests over some connections: as fast as they are answered, or ``rate`` a second.

    ``statuses`` counts the answers; ``seconds`` are their times, from the instant at which each was due.
    """

    def __init__(self, requests: Iterator[bytes], rate: float = 0.0) -> None:
        self._requests = requests
        self._rate = rate
        self._idle: deque[_Client] = deque()
        self._due: deque[float] = deque()
        self._under_way = 0
        self._done = asyncio.Event()
        self._ended = False
        self.statuses: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.took_s = 0.0

    async def run(self, host: str, port: int, connections: int) -> None:
        """Send everything."""
        loop = asyncio.get_running_loop()
        clients = [(await loop.create_connection(lambda: _Client(self), host, port))[1] for _ in range(connections)]
        with _uncollected():
            begun = elapsed_s()
            if self._rate:
                self._idle.extend(clients)
                await self._paced(begun)
            else:
                for client in clients:
                    self._next(client)
            await self._done.wait()
            self.took_s = elapsed_s() - begun
        for client in clients:
            client.transport.close()

    def _next(self, client: _Client, due: float = 0.0) -> bool:
        request = None if self._ended else next(self._requests, None)
        if request is None:
            self._ended = True
            if not self._under_way:
                self._done.set()
            return False
        self._under_way += 1
        client.send(request, due or elapsed_s())
        return True

    async def _paced(self, begun: float) -> None:
        sent = 0
        while not self._ended:
            now = elapsed_s()
            while begun + sent / self._rate <= now and not self._ended:
                due = begun + sent / self._rate
                sent += 1
                if self._idle:
                    self._next(self._idle.popleft(), due)
                else:
                    self._due.append(due)
            await asyncio.sleep(0.0005)

    def answered(self, client: _Client, status: bytes, seconds: float) -> None:
        """An answer is in."""
        self._under_way -= 1
        self.statuses[status.decode()] += 1
        self.seconds.append(seconds)
        if not self._rate:
            self._next(client)
        elif self._due:
            self._next(client, self._due.popleft())
        else:
            self._idle.append(client)
            if self._ended and not self._under_way:
                self._done.set()

    def lost(self, client: _Client) -> None:
        """A connection has ended; what was under way on it is lost."""
        if client.busy:
            self._under_way -= 1
            self.statuses["lost"] += 1
            if self._ended and not self._under_way:
                self._done.set()


@contextmanager
def _uncollected() -> Iterator[None]:
    """The client's own collector of garbage is held back: its pauses would count as the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
