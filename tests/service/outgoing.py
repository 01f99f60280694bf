"""Receivers of actions, and actions to receive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self

import msgspec
from standardwebhooks import Webhook

from trustward.model.decision import Action
from trustward.model.delivery import Delivery, Target
from trustward.model.stored import Lease
from trustward.operations.delivering import Delivering, Retries
from trustward.ports import Store
from trustward.testing.outbox_contracts import acting

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
S = 1_000_000
START = 1_800_000_000 * S
RETRIES = Retries(rests_us=(2 * S, 10 * S), give_up_us=60 * S)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self, at_us: int = START) -> None:
        self.at_us = at_us

    def __call__(self) -> int:
        return self.at_us


def story_over(store: Store, *targets: Target, clock: Callable[[], int], **how: Any) -> Delivering:
    """The story with plain retries and no spread."""
    return Delivering(store, targets, **{"clock": clock, "draw": lambda: 0.5, "retries": RETRIES, **how})


class Writing:
    """Writes actions as decisions do."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lease: Lease = store.writer.acquire("test", 1)

    def add(self, *actions: Action, at_us: int = START) -> list[str]:
        """Decide on some actions; their ids."""
        commit = acting(self.store.journal.head() + 1, *actions)
        rows = tuple(msgspec.structs.replace(row, at_us=at_us) for row in commit.actions)
        self.store.journal.append(self.lease, msgspec.structs.replace(commit, actions=rows))
        return [row.key for row in rows]


def action(do: str = "hold", entity: str = "a", lasts_us: int | None = None, note: str = "") -> Action:
    """An action on an account."""
    return Action(do=do, kind="account", entity=entity, rule="r", note=note, lasts_us=lasts_us)


class Receiver:
    """An HTTP server on the loopback that checks signatures and remembers all that it was sent.

    ``answer`` gives the status for each request; ``seen`` are the requests, ``taken`` those answered with 2xx.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], int] = lambda _: 204, port: int = 0) -> None:
        self.answer = answer
        self.seen: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.forged = 0
        self.lock = Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Two small writes would wait for each other.
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # the sender was killed in the middle
                    self.close_connection = True
                    return
                try:
                    said = Webhook(SECRET).verify(body, dict(self.headers.items()))
                except Exception:  # noqa: BLE001 - counted, and looked at by the test
                    receiver.forged += 1
                    said = {}
                said = {
                    **said,
                    "key": self.headers["idempotency-key"],
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                }
                with receiver.lock:
                    receiver.seen.append(said)
                    status = receiver.answer(said) if "data" in said else 401
                    if 200 <= status < 300:
                        receiver.taken.append(said)
                self.send_response(status)
                self.send_header("content-length", "0")
                if status in (301, 302, 307, 308):
                    self.send_header("location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that was killed

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = int(self.server.server_address[1])
        self._thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def ids(self) -> list[str]:
        """The ids of the actions taken, in order."""
        return [said["data"]["id"] for said in self.taken]


def ids(deliveries: Sequence[Delivery]) -> list[str]:
    """The ids of the actions."""
    return [one.row.key for one in deliveries]
