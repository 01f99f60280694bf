"""A service that was killed, a million events after its last snapshot: how long until it answers again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from trustward.base.clock import elapsed_s
from trustward.base.errors import UsageError
from trustward.cli.bench.fresh import fresh
from trustward.cli.bench.inputs import FORTY, stream
from trustward.cli.bench.result import Result, Settings, at_most, figure, result
from trustward.cli.bench.serve import SCREENED, free_port

BEFORE, AFTER, ACCOUNTS = 5_000_000, 1_000_000, 3_400_000
_BATCH = 4_096
_LONGEST_S = 300.0
_ASKS_S = 0.1
"""It is asked this often: asking takes time from what is measured, on the same core."""


def measure(settings: Settings) -> Result:
    """Fill a service, leave it as a kill would, start it, ask it, kill it; and again."""
    before, after = settings.sized(BEFORE, 1_000), settings.sized(AFTER, 500)
    path = stream(settings, before + after, settings.sized(ACCOUNTS, 200))
    policy, data = settings.folder / "forty-restart", settings.folder / "restart"
    shutil.copytree(FORTY, policy, dirs_exist_ok=True)
    shutil.copytree(SCREENED, policy, dirs_exist_ok=True)
    settings.say(f"restart: {before:,} events, a snapshot, {after:,} more")
    filled = fresh(fill, path=str(path), policy=str(policy), data=str(data), before=before, after=after)
    if not settings.trial:
        fresh(start, data=str(data), policy=str(policy), number=0)
    runs = []
    for turn in range(settings.repeats):
        settings.say(f"restart: round {turn + 1} of {settings.repeats}")
        runs.append(fresh(start, data=str(data), policy=str(policy), number=turn + 1))
    shutil.rmtree(data)
    first = figure("first decision after the start", "s", [one["took"] for one in runs])
    return result(
        "restart",
        "the service over SQLite, 40 rules, 24 windows, texts and links screened; killed",
        settings,
        figures=[first, figure("loading and migrating, before anything listens", "s", [one["deaf"] for one in runs])],
        bars=[at_most(first, 15)],
        equal=all(one["seq"] == before + after + 2 + at for at, one in enumerate(runs, int(not settings.trial))),
        sizes={"events before the snapshot": before, "events after it": after, "keys": filled["keys"]},
        notes=[
            "From the start of the process to its first answer; then it is killed: a good end would take a snapshot.",
            "Results equal means: each first decision is the entry right behind all that were acknowledged.",
        ],
    )


def fill(path: str, policy: str, data: str, before: int, after: int) -> dict[str, Any]:
    """Task: decide the events, with one snapshot between; the process ends without closing anything."""
    from itertools import islice

    from trustward import bootstrap
    from trustward.exchange.decode import EventDecoder
    from trustward.settings import Settings as Service

    known = bootstrap.catalogue()
    settings = Service(data=data, policy=policy, snapshot_events=before + after + 1)
    store = bootstrap.store(settings)
    host = bootstrap.deciding(settings, store, known)
    host.start()
    decoder = EventDecoder(known)
    with Path(path).open("rb") as source:
        for count in (before, after):
            left = count
            while left:
                lines = list(islice(source, min(_BATCH, left)))
                host.submit(decoder.decode_lines(b"".join(lines)).events).result()
                left -= len(lines)
            if count == before and not store.snapshots.stored():
                host.snapshot().result()
    return {"keys": host.ask(lambda engine: engine.windows.retained()["keys"]).result()}


def start(data: str, policy: str, number: int) -> dict[str, float]:
    """Task: start the service, ask until it decides, and kill it."""
    from trustward.bootstrap import create_key
    from trustward.settings import Settings as Service

    key = create_key(Service(data=data), "bench", ["decide"], None)[1]
    port = free_port()
    told = {
        "TRUSTWARD_DATA": data,
        "TRUSTWARD_POLICY": policy,
        "TRUSTWARD_PORT": str(port),
        "TRUSTWARD_DELIVER": "false",
        "TRUSTWARD_SNAPSHOT_EVENTS": str(10 * (BEFORE + AFTER)),
    }
    begun = elapsed_s()
    process = subprocess.Popen(
        [sys.executable, "-m", "trustward.api"], env={**os.environ, **told}, stderr=subprocess.DEVNULL
    )
    deaf = 0.0
    try:
        while True:
            if process.poll() is not None or elapsed_s() - begun > _LONGEST_S:
                raise UsageError("the service did not start", remedy="trustward serve says why")
            answer = _ask(port, key, number)
            if answer is not None and not deaf:
                deaf = elapsed_s() - begun
            if answer:
                return {"took": elapsed_s() - begun, "deaf": deaf, "seq": answer}
            time.sleep(_ASKS_S)
    finally:
        process.kill()
        process.wait()


def _ask(port: int, key: str, number: int) -> int | None:
    """The entry of a first decision; 0 where it is not time yet, None where nobody listens."""
    import msgspec

    event = {"type": "account.registered", "id": f"restart-{number}", "time": "2026-01-31T12:00:00Z", "account": "r"}
    connection = HTTPConnection("127.0.0.1", port, timeout=_LONGEST_S)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/decisions", msgspec.json.encode(event), headers)
        response = connection.getresponse()
        body = response.read()
    except OSError:
        return None
    finally:
        connection.close()
    if response.status == 503:
        return 0
    if response.status != 200:
        raise UsageError(f"it was answered with {response.status}", remedy=body.decode(errors="replace")[:300])
    return int(response.headers["trustward-entry"]) if "trustward-entry" in response.headers else -1
