"""The synthetic world: events a second to disk."""

from __future__ import annotations

from trustward.cli.bench.result import Result, Settings, at_least, figure, result


def measure(settings: Settings) -> Result:
    """A day of 200,000 accounts, written as NDJSON."""
    accounts = settings.sized(200_000, 200)
    path = str(settings.folder / "world.ndjson")
    settings.fresh(world, path=path, accounts=200, seed=settings.seed)  # compiles and caches the kernel
    runs = []
    for turn in range(settings.repeats):
        settings.say(f"simulate: round {turn + 1} of {settings.repeats}")
        runs.append(settings.fresh(world, path=path, accounts=accounts, seed=settings.seed))
    speed = figure("simulate", "events/s", [one["events"] / one["seconds"] for one in runs])
    return result(
        "simulate",
        f"a day of {accounts:,} accounts to disk, one core",
        settings,
        figures=[
            speed,
            figure("bytes", "MB/s", [one["bytes"] / one["seconds"] / 1e6 for one in runs]),
            figure("peak memory", "MB", [one["peak"] / 1e6 for one in runs]),
        ],
        bars=[at_least(speed, 200_000)],
        equal=len({one["events"] for one in runs}) == 1,
        sizes={"accounts": accounts, "events": runs[0]["events"], "bytes": runs[0]["bytes"]},
        notes=["From the call to the finished file: people, words and tables are made within that time."],
    )


def world(path: str, accounts: int, seed: int) -> dict[str, float]:
    """Task: make the world and write it."""
    from trustward.base.clock import elapsed_s
    from trustward.cli.bench.machine import peak_bytes
    from trustward.simulate import simulate

    begin = elapsed_s()
    made = simulate(accounts, 1.0, seed, path)
    return {"seconds": elapsed_s() - begin, "events": made.events, "bytes": made.bytes, "peak": peak_bytes()}
