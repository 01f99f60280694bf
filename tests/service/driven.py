"""A service in a process of its own that can be killed at any instant: takes batches, prints what it has acknowledged.

python -m tests.service.driven DATABASE DATA FIRST COUNT SNAPSHOT_EVENTS
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import sleep

from tests.service.kit import NOW_US, TRIAL, compile_policy, faulty, host_over, stream
from trustward.adapters.store.opened import open_store
from trustward.engine.engine import Engine
from trustward.model.changes import LabelChange, ListChange

BATCH = 40


def batch(number: int) -> tuple[list[object], dict[int, object]]:
    """The events of one batch, and their faults; the same for every process."""
    events = stream(BATCH, number, f"b{number}-")
    return list(events), dict(faulty(events))


def change(number: int) -> LabelChange | ListChange | None:
    """What a person changes before a batch, now and then."""
    if number % 5 == 0:
        return LabelChange(
            actor="kim", kind="account", entity="abcd"[number % 4], label="busy", present=number % 2 == 0
        )
    if number % 7 == 0:
        return ListChange(actor="kim", list="partners", put=("abcd"[number % 4],), gone=("abcd"[(number + 1) % 4],))
    return None


def say(*words: object) -> None:
    """A line that is out before anything else happens."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(database: str, data: str, first: int, count: int, snapshot_events: int) -> None:
    """Send batches from ``first`` on; a line for each that is acknowledged."""
    store = open_store(database, Path(data))
    host = host_over(store, snapshot_events=snapshot_events, commit_events=64, standby=bool(database))
    host.start()
    while host.status().phase != "ready":
        sleep(0.01)
    # The first decisions of a process load what was compiled: be killed at work, not at that.
    Engine(compile_policy(TRIAL)).decide_batch(stream(50), now_us=NOW_US)
    say("ready")
    for number in range(first, first + count):
        said = change(number)
        if said is not None:
            say("changed", number, host.change(said).result())
        events, faults = batch(number)
        futures = [
            host.submit(
                events[at : at + 8],  # type: ignore[arg-type]
                {place - at: found for place, found in faults.items() if at <= place < at + 8},  # type: ignore[misc]
            )
            for at in range(0, BATCH, 8)
        ]
        answers = [future.result() for future in futures]
        verdicts = [one.decision(at).verdict[0] for one in answers for at in range(8)]
        say("done", number, "".join(verdicts))
    host.close()
    store.close()
    say("closed")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
