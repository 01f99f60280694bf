"""An hour at 1,000 events a second, as fast as it goes: whether memory grows once the windows are full."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from trustward.cli.bench.result import Result, Settings, at_most, figure, rate, result

BATCH = 2_000
HOUR_US = 3_600_000_000
START_US = 1_767_225_600_000_000
ACCOUNTS = 20_000
PARTS = 12
ONCE = 10
_FULL = 4
"""In the third after so many twelfths of the hour what was first forgotten, after thirty minutes, is used again."""
POLICY = """\
\"\"\"Windows of up to ten minutes, over accounts and devices; some come again, some never do.\"\"\"

contacts_5m = distinct(event.recipient, by=event.sender, within="5m", of="message.sent")
sent_10m = count(by=event.sender, within="10m", of="message.sent")
by_device_10m = count(by=event.device, within="10m", of="message.sent")

rule(
    id="many-contacts", on="message.sent", when=contacts_5m >= 20 or by_device_10m >= 20 or sent_10m >= 60,
    then=[hold(event), label(event.sender, "busy", lasts="10m")],
    reason="{contacts_5m} people within five minutes", fraud="spam", owner="bench",
    hits=[[repeat(20, {"sender": "a", "recipient": "r{n}"})]], misses=[{"sender": "a"}],
)
"""


def measure(settings: Settings) -> Result:
    """The engine's host over SQLite, snapshots and all, with the memory of its process every five minutes."""
    events = settings.sized(3_600_000, 24_000)
    accounts = settings.sized(ACCOUNTS, 150)
    runs = []
    for turn in range(settings.repeats):
        settings.say(f"hour: round {turn + 1} of {settings.repeats}")
        runs.append(settings.fresh(live, events=events, accounts=accounts, seed=settings.seed))
    growth = figure("most memory of the last third / of the third before", "x", [one["growth"] for one in runs])
    windows = figure("the same for the windows' arrays", "x", [one["windows"] for one in runs])
    return result(
        "hour",
        "an hour at 1,000 events a second, compressed in time; windows of up to 10 minutes",
        settings,
        figures=[
            growth,
            windows,
            figure("memory of the process at the end", "MB", [one["held"] / 1e6 for one in runs]),
            rate("events decided and committed", "events", events, [one["took"] for one in runs]),
        ],
        bars=[at_most(growth, 1.05), at_most(windows, 1.05)],
        equal=all(one["entries"] == events + 1 for one in runs),
        sizes={"events": events, "accounts": accounts},
        notes=[
            "Of each third the most is taken: ids on their way to their table and snapshots come and go.",
            "The database's page cache fills up to 64 MiB for each connection within the first million events.",
            f"One event in {ONCE} has a sender and a device that never come again; they are kept for half an hour.",
        ],
    )


def live(events: int, accounts: int, seed: int) -> dict[str, float]:
    """Task: live through the hour, and weigh the process at the end of each batch."""
    from trustward import bootstrap
    from trustward.base.clock import elapsed_s
    from trustward.cli.bench.machine import held_bytes
    from trustward.exchange.decode import EventDecoder
    from trustward.settings import Settings as Service

    with tempfile.TemporaryDirectory(prefix="trustward-hour-") as data:
        policy = Path(data, "policy")
        policy.mkdir()
        (policy / "hour.policy").write_text(POLICY, encoding="utf-8")
        known = bootstrap.catalogue()
        settings = Service(data=data, policy=str(policy), snapshot_events=max(events // 7, 1))
        store = bootstrap.store(settings)
        host = bootstrap.deciding(settings, store, known)
        host.start()
        decoder = EventDecoder(known)
        most: list[tuple[float, float]] = [(0.0, 0.0)] * PARTS
        begun = elapsed_s()
        for at, lines in _lines(events, accounts, seed):
            host.submit(decoder.decode_lines(lines).events).result()
            part = at * PARTS // events
            used = float(host.ask(lambda engine: engine.windows.bytes_used()).result())
            held, arrays = most[part]
            most[part] = max(held, float(held_bytes())), max(arrays, used)
        took = elapsed_s() - begun
        entries = host.status().seq
        held = float(held_bytes())
        host.close()
        store.close()
    middle, last = most[_FULL : 2 * _FULL], most[2 * _FULL :]
    return {
        "growth": max(one for one, _ in last) / max(one for one, _ in middle),
        "windows": max(one for _, one in last) / max(one for _, one in middle),
        "held": held,
        "took": took,
        "entries": float(entries),
    }


def _lines(events: int, accounts: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """Batches of lines, each with the number of its first event. The hour is the same however many there are."""
    from trustward.base.units import format_time

    draw = Random(seed)  # noqa: S311 - made-up events, not secrets
    for at in range(0, events, BATCH):
        rows = []
        for number in range(at, min(at + BATCH, events)):
            once = number % ONCE == 0
            sender = int(draw.random() ** 2 * accounts)
            who, where = (f"n{number}", f"n{number}") if once else (f"a{sender}", f"d{sender // 4}")
            time = format_time(START_US + number * HOUR_US // events)
            rows.append(
                f'{{"type":"message.sent","id":"h{number}","time":"{time}","sender":"{who}",'
                f'"recipient":"a{int(draw.random() * accounts)}","device":"{where}"}}\n'
            )
        yield at, "".join(rows).encode()
