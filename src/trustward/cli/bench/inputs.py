"""Inputs that several benchmarks share: a simulated stream of events on disk, made once for each size and seed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from trustward.base.errors import UsageError
from trustward.cli.bench.result import Settings

PACK = "starter"
FORTY = str(Path(__file__).with_name("forty"))
"""Forty rules over 24 windowed features and six kinds of key, taken from the starter policies: a policy of known size,
which does not change when the pack grows."""
EVENTS = 1_000_000
ACCOUNTS = 200_000


def needs(package: str) -> None:
    """UsageError if a package of the ``bench`` extra is missing."""
    if importlib.util.find_spec(package) is None:
        raise UsageError(
            f"this benchmark needs {package}, which is not installed",
            remedy='install it with: pip install "trustward[bench]"',
        )


def stream(settings: Settings, events: int = EVENTS, accounts: int = ACCOUNTS) -> Path:
    """A file with exactly ``events`` simulated events of ``accounts`` accounts; made if it is not there yet."""
    path = settings.folder / f"events-{events}-{accounts}-{settings.seed}.ndjson"
    if not path.exists():
        settings.say(f"simulating {events:,} events of {accounts:,} accounts")
        settings.fresh(make, path=str(path), events=events, accounts=accounts, seed=settings.seed)
    return path


def make(path: str, events: int, accounts: int, seed: int) -> dict[str, int]:
    """Task: simulate until there are enough events, and cut the file after the last one wanted."""
    from trustward.simulate import simulate

    target = Path(path)
    whole = target.with_suffix(".whole")
    # A world has about six events for each account and day.
    days = max(0.1, events / accounts / 5)
    while (made := simulate(accounts, days, seed, whole).events) < events:
        days *= max(1.2, 1.1 * events / max(made, 1))
    with whole.open("rb") as source, target.open("wb") as cut:
        left = events
        while left:
            block = source.read(1 << 24)
            lines = block.count(b"\n")
            if lines > left:
                end = 0
                for _ in range(left):
                    end = block.index(b"\n", end) + 1
                block, lines = block[:end], left
            cut.write(block)
            left -= lines
    whole.unlink()
    return {"bytes": target.stat().st_size}
