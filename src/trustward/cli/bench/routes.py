"""Every route at size: a million cases, five million reports, ten million decisions, in SQLite and in PostgreSQL."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from trustward import bootstrap
from trustward.base.clock import now_us
from trustward.base.errors import UsageError
from trustward.base.units import format_time
from trustward.cli.bench.fresh import fresh
from trustward.cli.bench.load import Load
from trustward.cli.bench.result import Figure, Result, Settings, at_most, figure, result
from trustward.cli.bench.routes_asks import Ask, Known, asks
from trustward.cli.bench.routes_fill import Part, fill_postgresql, fill_sqlite, part_of
from trustward.cli.bench.routes_world import live
from trustward.cli.bench.serve import free_port, postgresql, server
from trustward.settings import Settings as Service
from trustward.testing.postgres import PostgresServer

CASES = 1_000_000
_PART = 1_000
_TIMES = 400
_AT_ONCE = 8
LIMITS = {"SQLite": 50.0, "PostgreSQL": 20.0}
"""In milliseconds, for 99 of 100 answers to one client, on the slowest route."""
_BULK = {"wal_level": "minimal", "max_wal_senders": "0", "shared_buffers": "2GB", "max_wal_size": "4GB"}


def measure(settings: Settings) -> Result:
    """Fill each database, start the service over it, and ask."""
    cases = settings.sized(CASES, 50)
    part = min(cases, _PART)
    copies = -(-cases // part)
    # In a trial, so often that each of the clients that ask at once has its turn.
    times = max(_AT_ONCE if settings.trial else 20, min(_TIMES, round(_TIMES * settings.scale * 10)))
    figures: list[Figure] = []
    worst: list[Figure] = []
    sizes: dict[str, float] = {}
    good = True
    lived = settings.folder / "routes-part"
    fresh(live_once, folder=str(lived), part=part, seed=settings.seed)
    for kind in LIMITS:
        if kind == "PostgreSQL" and not postgresql():
            continue
        settings.say(f"routes: {kind}, {cases:,} cases")
        found = fresh(
            drive,
            kind=kind,
            folder=str(settings.folder),
            lived=str(lived),
            copies=copies,
            times=times,
            seed=settings.seed,
        )
        sizes |= {f"{name}, {kind}": count for name, count in found["sizes"].items()}
        good = good and found["wrong"] == []
        if found["wrong"]:
            settings.say(f"routes: not answered as they should: {found['wrong']}")
        for clients in ("1", str(_AT_ONCE)):
            late = {name: told[clients] for name, told in found["routes"].items()}
            figures += [figure(f"{kind}, {clients} at a time: {name}", "ms, p99", [late[name]]) for name in late]
            slowest = max(late, key=late.__getitem__)
            worst.append(
                figure(f"{kind}, {clients} at a time: the slowest route ({slowest})", "ms, p99", [late[slowest]])
            )
    return result(
        "routes",
        "every route over HTTP, 99th percentiles, the server on one core",
        settings,
        figures=[*worst, *figures],
        bars=[at_most(one, LIMITS[one.name.partition(",")[0]]) for one in worst if ", 1 at a time" in one.name],
        equal=good,
        sizes=sizes,
        notes=[
            "A part of a service's life is lived by the stories, and repeated within the database under other names.",
            "The engine's windows hold what one part has left in them; the journal and its index hold all of them.",
            "No worker runs beside it. Equal: every answer had the status that it should have.",
            *(() if postgresql() else ("PostgreSQL: SKIPPED, no server for tests is installed.",)),
        ],
    )


def live_once(folder: str, part: int, seed: int) -> dict[str, Any]:
    """Task: the part of a service's life that is repeated in both databases."""
    live(Path(folder), part, seed, say=_quiet)
    return {}


def drive(kind: str, folder: str, lived: str, copies: int, times: int, seed: int) -> dict[str, Any]:
    """Task: one database from the part to its figures."""
    with tempfile.TemporaryDirectory(prefix="trustward-routes-", dir=folder) as room:
        made = part_of(Path(lived))
        with _filled(kind, made, Path(room, "data"), copies) as settings:
            return ask(settings, made, copies, times, seed)


def _quiet(_line: str) -> None:
    """Says nothing."""


@contextlib.contextmanager
def _filled(kind: str, part: Part, data: Path, copies: int) -> Iterator[Service]:
    """The settings of a service whose database is full."""
    if kind == "SQLite":
        fill_sqlite(part, data, copies, _quiet)
        yield Service(data=str(data))
        shutil.rmtree(data)
        return
    data.mkdir()
    with PostgresServer(durable=True, settings=_BULK) as running:
        settings = Service(data=str(data), database=running.database())
        bootstrap.upgrade(settings)
        fill_postgresql(part, settings.database, copies, _quiet)
        yield settings


def ask(
    settings: Service, part: Part, copies: int, times: int, seed: int, say: Callable[[str], None] = _quiet
) -> dict[str, Any]:
    """Start the service over a full database, and ask every route: by one client, then by eight."""
    with contextlib.closing(bootstrap.store(settings)) as store:
        indexing = bootstrap.indexing(settings, store)
        while indexing.step(rest=True) or store.journal.head() > indexing.upto():
            pass
        entries = store.journal.head()
    scopes = ["read", "operate", "report", "change", "admin", "metrics", "act", "actions", "decide", "audit"]
    key = bootstrap.create_key(settings, "bench", scopes, None)[1]
    port = free_port()
    words = {
        "TRUSTWARD_DATA": settings.data,
        "TRUSTWARD_DATABASE": settings.database,
        "TRUSTWARD_PORT": str(port),
        "TRUSTWARD_DELIVER": "false",
    }
    known = Known(part, copies, seed)
    routes: dict[str, dict[str, float]] = {}
    wrong: list[str] = []
    with server(port, words):
        _once(port, key, "PUT", "/v1/lists/trusted-domains/entries", {"values": ["a", "b"], "reason": "for the bench"})
        outcome = {"verdict": "no_action", "policy": "p", "reasons": "r"}
        batch = _once(
            port, key, "POST", "/v1/batches", {"cases": [known.waiting(n) for n in (-1, -2)], "outcome": outcome}
        )
        every = asks(known, batch["id"], format_time(now_us())[:10] + "T00:00:00Z")
        for clients in (1, _AT_ONCE):
            shift = 0 if clients == 1 else times
            for one in every:
                load = Load(_requests(one, key, range(shift, shift + times)))
                uvloop.run(load.run("127.0.0.1", port, clients))
                if not all(status.startswith("20") for status in load.statuses):
                    wrong.append(f"{one.name}: {dict(load.statuses)}")
                seconds = sorted(load.seconds)
                late = seconds[int(0.99 * (len(seconds) - 1))] * 1e3
                routes.setdefault(one.name, {})[str(clients)] = late
                say(f"{clients} at a time: {seconds[len(seconds) // 2] * 1e3:.1f} ms, p99 {late:.1f} ms  {one.name}")
    sizes = {"cases": len(known.cases) * copies, "reports": len(known.reports) * copies, "entries": entries}
    return {"routes": routes, "wrong": wrong, "sizes": sizes}


def _requests(one: Ask, key: str, numbers: Sequence[int]) -> Iterator[bytes]:
    for number in numbers:
        path, body, who = one.make(number)
        data = b"" if body is None else msgspec.json.encode(body)
        person = f"trustward-person: {who}\r\n" if who else ""
        yield (
            f"{one.method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n{person}"
            f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        ).encode() + data


def _once(port: int, key: str, method: str, path: str, body: Any) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request(method, path, msgspec.json.encode(body), headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    if response.status >= 300:
        raise UsageError(f"{path} was answered with {response.status}", remedy=data.decode(errors="replace")[:300])
    return msgspec.json.decode(data) if data else None
