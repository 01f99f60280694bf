"""A process that speaks HTTP in front of the engine's: decodes, checks keys, hands events on, and answers.

``python -m trustward.api.front SOCKET FOLDER``: the number of an open listening socket, and the folder with the
engine's two Unix sockets. ``trustward serve --workers N`` starts N of them. It keeps nothing: whatever it is killed
at, nothing is lost.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from litestar import Litestar

from trustward import bootstrap
from trustward.api import bulk, deciding, health
from trustward.api.asgi import Counting, make_app, routes
from trustward.api.auth import Caller, KeyRing
from trustward.api.counts import Counts
from trustward.api.entrance import Entrance, Safe
from trustward.api.frames import EVENTS, REQUESTS, Counted, Told
from trustward.api.logs import log
from trustward.api.passing import Passing
from trustward.api.quick import Quick
from trustward.api.remote import Remote
from trustward.api.speaking import HEADERS, Speaker, prepare, settled
from trustward.base.clock import elapsed_s
from trustward.base.errors import RateError, TrustwardError
from trustward.exchange.decode import EventDecoder
from trustward.model.decision import Decision
from trustward.model.journal import encode_decisions
from trustward.ports import Store
from trustward.settings import Settings, load_settings

HANDLERS = (health.livez, health.readyz, deciding.decide, bulk.events)
"""What is answered here; everything else is passed on."""
_TEND_S = 0.1
_COUNT_S = 0.5


class Ring(KeyRing):
    """Keys whose rate is counted over all processes: what each has spent goes to the engine's, which says who waits."""

    def __init__(self, store: Store, rate: int, remote: Remote) -> None:
        super().__init__(store.keys, store.people, rate)
        self.spent: Counter[str] = Counter()
        self._remote = remote

    def charge(self, caller: Caller, count: int = 1) -> None:
        """See :class:`KeyRing`."""
        wait = self._owed(caller)
        if wait:
            raise RateError("the key has sent more than it may", wait_s=wait, remedy="send it again after Retry-After")
        super().charge(caller, count)
        self._note(caller, count)

    def owed_s(self, caller: Caller, count: int, *, anyway: bool = True) -> float:
        """See :class:`KeyRing`."""
        if anyway:
            self._note(caller, count)
        return max(super().owed_s(caller, count, anyway=anyway), self._owed(caller))

    def _owed(self, caller: Caller) -> float:
        return max(0.0, self._remote.standing.owed.get(caller.actor, 0.0) - elapsed_s())

    def _note(self, caller: Caller, count: int) -> None:
        if self.limited:
            self.spent[caller.actor] += count


class Front(Entrance):
    """The entrance of such a process."""

    def __init__(self, settings: Settings, store: Store, decoder: EventDecoder, folder: Path) -> None:
        self.remote = Remote(max(1, settings.queue_events // settings.workers), self._changed)
        self.spending = Ring(store, settings.key_rate, self.remote)
        super().__init__(settings, self.remote, decoder, Counts(), self.spending)
        self.when_gone: Callable[[], None] = lambda: None
        self.tracer = bootstrap.tracer(settings)
        self._folder = folder

    @property
    def phase(self) -> str:
        """See :class:`Entrance`."""
        return self.remote.standing.phase

    def tell_late(self, late: Sequence[tuple[int, Decision]]) -> None:
        """See :class:`Entrance`."""
        self.remote.send(Told(encode_decisions(late) or b"[]"))

    async def connect(self) -> bool:
        """Speak to the engine's process, if it is there."""
        loop = asyncio.get_running_loop()
        try:
            await loop.create_unix_connection(lambda: self.remote, str(self._folder / EVENTS))
        except OSError:
            return False
        return True

    async def tend(self) -> None:
        """Tell what was counted, again and again."""
        counted_s = 0.0
        while True:
            await asyncio.sleep(_TEND_S)
            due = elapsed_s() - counted_s > _COUNT_S
            if due or self.spending.spent:
                self.tell(counts=due)
                counted_s = elapsed_s() if due else counted_s

    def tell(self, *, counts: bool = True) -> None:
        """Tell it now."""
        ring = self.spending
        spent, ring.spent = ring.spent, Counter()
        self.remote.send(Counted(self.metrics.samples() if counts else (), dict(spent)))

    def _changed(self) -> None:
        standing = self.remote.standing
        self.warmed = standing.warmed
        self.draining = self.draining or standing.draining
        if standing.policy != self.safe.policy or standing.safe != self.safe.answers:
            self.safe = Safe(standing.policy, standing.safe)
        if standing.phase == "stopped":
            self.when_gone()


def make_front(front: Front, folder: Path) -> Passing:
    """The application of such a process: what it answers itself, and the rest passed on."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        front.open()
        if not await front.connect():
            front.when_gone()
        settled()
        tending = asyncio.create_task(front.tend())
        yield
        front.draining = True
        tending.cancel()
        front.tell()
        front.remote.hang_up()
        if front.tracer is not None:
            await asyncio.to_thread(front.tracer.close)
        front.ring.close()

    app = make_app(front, HANDLERS, lifespan)
    known = frozenset((method, path) for method, path, _ in routes(app))
    place = str(folder / REQUESTS)
    counting = Counting(app, front.metrics, front.tracer, Quick(front))
    return Passing(counting, known, place, wait_s=front.settings.wait_s, own=HEADERS)


class Process(Speaker):
    """The server of such a process: ends when a signal says so, or when the engine's process has gone."""

    def __init__(self, front: Front, app: Passing) -> None:
        super().__init__(front.settings, app)
        self.lost = False
        self._front = front
        front.when_gone = self._gone

    def handle_exit(self, sig: int, frame: Any) -> None:
        """See :class:`Speaker`."""
        self._front.draining = True
        super().handle_exit(sig, frame)

    def _gone(self) -> None:
        if not self.should_exit:
            self.lost = True
            self.should_exit = True


def main(number: int, folder: Path) -> int:
    """Serve until a signal or the engine's end; 0 after a good end."""
    settings = load_settings(os.environ)
    prepare()
    known = bootstrap.catalogue([Path(name) for name in settings.catalogue])
    try:
        with closing(socket.socket(fileno=number)) as listening, closing(bootstrap.store(settings)) as store:
            front = Front(settings, store, EventDecoder(known), folder)
            process = Process(front, make_front(front, folder))
            process.run([listening])
    except TrustwardError as fault:
        log("ended", level="error", code=fault.code, cause=fault.message)
        return 2
    if process.lost:
        log("ended: the engine's process has gone", level="error")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2])))
