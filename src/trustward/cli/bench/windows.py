"""Windows alone: counts and totals over a minute, ten minutes and an hour, against DuckDB's own window functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustward.cli.bench.columns import BATCH, DAY_US, name, read, write
from trustward.cli.bench.fresh import Clock
from trustward.cli.bench.inputs import needs
from trustward.cli.bench.result import Result, Settings, at_least, rate, ratio, result

if TYPE_CHECKING:
    import numpy as np

    from trustward.windows.plan import Plan

    Column = np.ndarray[Any, np.dtype[Any]]

_MINUTE_US = 60_000_000
WIDTHS_US = (_MINUTE_US, 10 * _MINUTE_US, 60 * _MINUTE_US)
KINDS = ("text", "number")


def measure(settings: Settings) -> Result:
    """Five million rows of half a million skewed keys; every row's six numbers are compared with DuckDB's."""
    needs("duckdb")
    rows, keys = settings.sized(5_000_000, 1_000), settings.sized(500_000, 100)
    settings.say(f"windows: {rows:,} rows of {keys:,} keys")
    folder = settings.folder / "windows"
    folder.mkdir()
    occurring = write(folder, rows, keys, settings.sized(DAY_US), settings.seed)
    if not settings.trial:
        # Compiles and caches the kernels.
        settings.fresh(ours, folder=str(folder), kind="text", rows=min(rows, 10_000), keep=False)
    taken: dict[str, list[dict[str, float]]] = {f"{who} {kind}": [] for kind in KINDS for who in ("ours", "theirs")}
    for turn in range(settings.repeats):
        for kind in KINDS:
            settings.say(f"windows: round {turn + 1} of {settings.repeats}, {kind} keys")
            keep = turn == 0
            for who, task in (("ours", ours), ("theirs", theirs)):
                one = settings.fresh(task, folder=str(folder), kind=kind, rows=rows, keep=keep)
                taken[f"{who} {kind}"].append(one)
    figures, yardsticks, ratios = [], [], []
    for mark, label in (("seconds", ""), ("busy", ", by processor time")):
        for kind in KINDS:
            ours_ = rate(f"windows, {kind} keys{label}", "rows", rows, [one[mark] for one in taken[f"ours {kind}"]])
            duck = [one[mark] for one in taken[f"theirs {kind}"]]
            theirs_ = rate(f"DuckDB, one thread, {kind} keys{label}", "rows", rows, duck)
            figures.append(ours_)
            yardsticks.append(theirs_)
            ratios.append(ratio(f"times DuckDB, {kind} keys{label}", ours_, theirs_))
    return result(
        "windows",
        "count and total over 1 minute, 10 minutes and 1 hour, one core",
        settings,
        figures=figures,
        yardsticks=yardsticks,
        ratios=ratios,
        bars=[at_least(one, 3_000_000) for one in figures[:2]] + [at_least(one, 15) for one in ratios[:2]],
        equal=all(_equal(folder, kind) for kind in KINDS),
        sizes={"rows": rows, "keys": keys, "keys that occur": occurring, "rows at once": BATCH},
        notes=[
            "All columns lie in memory before the clock starts: lists of str, arrays of int64, DuckDB's table.",
            "So does the room where our results are kept for the comparison; DuckDB's go into a table of its own.",
            "DuckDB's ranges are over whole numbers, which it does faster than intervals.",
        ],
    )


def plan(widths_us: tuple[int, ...] = WIDTHS_US) -> Plan:
    """One stream by account, with count and total over each width."""
    from trustward.windows.plan import Operation, Plan, Read, Stream, TypePlan

    reads = [Read(aggregate="count", window=width) for width in widths_us]
    reads += [Read(aggregate="total", window=width, value=0) for width in widths_us]
    stream = Stream(id="payments", keyspace="account", values=("whole",), reads=tuple(reads))
    feed = Operation(stream=0, key=(0,), feeds=True, values=(0,), reads=tuple(range(len(reads))))
    kind = TypePlan(type="payment.requested", texts=("account",), numbers=("whole",), operations=(feed,))
    return Plan(streams=(stream,), types=(kind,))


def ours(folder: str, kind: str, rows: int, *, keep: bool) -> dict[str, float]:
    """Task: the rows through the windows, batch by batch."""
    import numpy as np

    from trustward.windows.batch import Batch, Rows
    from trustward.windows.memory import words
    from trustward.windows.state import Windows

    keys, times, amounts = (column[:rows] for column in read(folder))
    steps = [slice(at, min(at + BATCH, rows)) for at in range(0, rows, BATCH)]
    texts = [[name(key) for key in keys[step].tolist()] for step in steps] if kind == "text" else []
    values = [amounts[step].tolist() for step in steps] if kind == "text" else []
    # In large pages, as all that the windows hold; written to, so that the system gives them before the clock starts.
    found = words(2 * len(WIDTHS_US) * rows).reshape(2 * len(WIDTHS_US), rows)
    found.fill(0)
    windows = Windows(plan(), bytes(16))
    one_type = np.zeros(BATCH, np.int64)
    row_of = np.arange(BATCH)
    # Loads the kernels from the cache before the clock starts.
    warm = Windows(plan(), bytes(16))
    warm.step(Batch([Rows(0, 1, [["x"]], [[1]], [])], one_type[:1], row_of[:1], times[:1]))
    warm.step_keys(0, times[:1], [keys[:1]], [amounts[:1]])
    with Clock() as clock:
        for number, step in enumerate(steps):
            count = step.stop - step.start
            if kind == "text":
                part = Rows(0, count, [texts[number]], [values[number]], [])
                found[:, step] = windows.step(Batch([part], one_type[:count], row_of[:count], times[step]))[0]
            else:
                found[:, step] = windows.step_keys(0, times[step], [keys[step]], [amounts[step]])
    if keep:
        np.save(f"{folder}/ours-{kind}.npy", found)
    return clock.read()


def theirs(folder: str, kind: str, rows: int, *, keep: bool) -> dict[str, float]:
    """Task: the same rows through DuckDB's window functions, on one thread."""
    import duckdb
    import numpy as np

    import pyarrow as pa

    keys, times, amounts = read(folder)
    key = pa.array([name(one) for one in keys.tolist()]) if kind == "text" else pa.array(keys)
    given = pa.table({"i": np.arange(rows), "k": key, "t": times, "v": amounts})
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.register("given", given)
    connection.execute("CREATE TABLE rows AS SELECT * FROM given")
    counts = ", ".join(f"count(*) OVER w{n} AS c{n}" for n in range(len(WIDTHS_US)))
    totals = ", ".join(f"sum(v) OVER w{n} AS s{n}" for n in range(len(WIDTHS_US)))
    frames = ", ".join(
        f"w{n} AS (PARTITION BY k ORDER BY t RANGE BETWEEN {width - 1} PRECEDING AND CURRENT ROW)"
        for n, width in enumerate(WIDTHS_US)
    )
    with Clock() as clock:
        connection.execute(f"CREATE TABLE found AS SELECT i, {counts}, {totals} FROM rows WINDOW {frames}")  # noqa: S608
    if keep:
        wide = len(WIDTHS_US)
        columns = connection.execute("SELECT * FROM found ORDER BY i").fetchnumpy()
        names = [f"c{n}" for n in range(wide)] + [f"s{n}" for n in range(wide)]
        np.save(f"{folder}/theirs-{kind}.npy", np.stack([columns[one].astype(np.int64) for one in names]))
    return clock.read()


def _equal(folder: Any, kind: str) -> bool:
    import numpy as np

    return bool(np.array_equal(np.load(folder / f"ours-{kind}.npy"), np.load(folder / f"theirs-{kind}.npy")))
