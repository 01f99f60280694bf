"""Every windowed aggregate against DuckDB's own window functions, row by row, on a file or on made-up rows.

    python benchmarks/oracle_windows.py --simulate 200000
    python benchmarks/oracle_windows.py FILE.csv.gz --time ts --key CUSTOMER_ID --text TERMINAL_ID --amount TX_AMOUNT

Ends with 0 if all values of all rows are equal, with 1 if one is not. Whole numbers must be equal; floats, whose sums
DuckDB rounds at each step, to 12 digits.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

import pyarrow as pa
from trustward.base.units import MISSING, parse_duration
from trustward.windows.batch import Batch, Rows
from trustward.windows.plan import Operation, Plan, Read, Stream, TypePlan
from trustward.windows.state import Windows

CHUNK = 8192


@dataclass
class Table:
    """Rows in order of arrival; times in microseconds."""

    time: list[int]
    key: list[str]
    text: list[str]
    whole: list[int]
    real: list[float]
    flag: list[bool]


def simulated(rows: int, keys: int = 2_000, seed: int = 7) -> Table:
    """Skewed keys, many ties in time, one row in ten late, some values missing."""
    draw = np.random.default_rng(seed)
    times = 1_700_000_000_000_000 + np.cumsum(draw.choice([0, 0, 250_000, 1_000_000, 30_000_000], rows))
    times -= np.where(draw.random(rows) < 0.1, draw.integers(0, 600_000_000, rows), 0)
    wholes = np.where(draw.random(rows) < 0.05, MISSING, draw.integers(-1_000, 1_000_000, rows))
    # Quarters add up without rounding, so even the order in which DuckDB adds cannot matter.
    reals = np.where(draw.random(rows) < 0.05, np.nan, draw.integers(-4_000, 4_000_000, rows) / 4)
    return Table(
        time=times.tolist(),
        key=[f"k{k}" for k in (keys * draw.random(rows) ** 3).astype(int)],
        text=[f"t{t}" if t else "" for t in draw.integers(0, 40, rows)],
        whole=wholes.tolist(),
        real=reals.tolist(),
        flag=(draw.random(rows) < 0.3).tolist(),
    )


def from_file(path: str, names: argparse.Namespace) -> Table:
    """Rows of a CSV or Parquet file, in its order of time."""
    query = (
        f"select epoch_us(try_cast({names.time} as timestamp)) t, cast({names.key} as varchar) k, "  # noqa: S608 - own file
        f"cast({names.text} as varchar) x, cast({names.amount} as double) a from '{path}' order by t"
    )
    columns = list(zip(*duckdb.connect().execute(query).fetchall(), strict=True))
    amounts = [float(amount) for amount in columns[3]]
    return Table(
        time=list(columns[0]),
        key=list(columns[1]),
        text=list(columns[2]),
        whole=[round(100 * amount) for amount in amounts],
        real=amounts,
        flag=[amount > 100 for amount in amounts],
    )


def plan_of(lengths: list[int]) -> Plan:
    """All aggregates by key; a composite key; a condition."""
    reads: list[Read] = [Read(aggregate="age"), Read(aggregate="since"), Read(aggregate="previous", value=0)]
    for length in lengths:
        reads += [
            Read(aggregate="count", window=length),
            Read(aggregate="total", window=length, value=0),
            Read(aggregate="mean", window=length, value=0),
            Read(aggregate="largest", window=length, value=0),
            Read(aggregate="smallest", window=length, value=0),
            Read(aggregate="total", window=length, value=1),
            Read(aggregate="mean", window=length, value=1),
            Read(aggregate="largest", window=length, value=1),
            Read(aggregate="smallest", window=length, value=1),
            Read(aggregate="distinct", window=length, value=2),
        ]
    reads.append(Read(aggregate="surge", window=lengths[0], baseline=lengths[-1]))
    pair = (Read(aggregate="count", window=lengths[0]), Read(aggregate="total", window=lengths[-1], value=0))
    flagged = (Read(aggregate="count", window=lengths[-1]), Read(aggregate="previous", value=0))
    streams = (
        Stream(id="all", keyspace="key", values=("whole", "float", "hash"), reads=tuple(reads)),
        Stream(id="pair", keyspace="key+text", values=("whole",), reads=pair),
        Stream(id="flagged", keyspace="key", values=("whole",), reads=flagged),
    )
    operations = (
        Operation(stream=0, key=(0,), feeds=True, values=(0, 1, 1), reads=tuple(range(len(reads)))),
        Operation(stream=1, key=(0, 1), feeds=True, values=(0,), reads=(0, 1)),
        Operation(stream=2, key=(0,), feeds=True, where=0, values=(0,), reads=(0, 1)),
    )
    kind = TypePlan(type="row", texts=("key", ""), numbers=("whole", "float"), flags=1, operations=operations)
    return Plan(streams=streams, types=(kind,))


def ours(table: Table, plan: Plan) -> list[list[Any]]:
    """Our results, a list for each read."""
    windows = Windows(plan, bytes(16))
    results: list[list[Any]] = [[] for _ in windows.float_reads(0)]
    for at in range(0, len(table.time), CHUNK):
        part = slice(at, at + CHUNK)
        count = len(table.time[part])
        rows = Rows(
            0, count, [table.key[part], table.text[part]], [table.whole[part], table.real[part]], [table.flag[part]]
        )
        batch = Batch([rows], np.zeros(count, np.int64), np.arange(count), np.array(table.time[part]))
        for place, more in enumerate(windows.to_lists(0, windows.step(batch)[0])):
            results[place] += more
    return results


def theirs(table: Table, lengths: list[int]) -> list[list[Any]]:
    """DuckDB's results, in the same order.

    Rows are ordered by ``o`` = effective time * rows + arrival, so that among equal times a row sees what came before
    it only; ``i + (length - 1) * rows`` before a row's ``o`` is where its window begins.
    """
    rows = pa.table(
        {
            "i": np.arange(len(table.time)),
            "t": np.array(table.time) - min(table.time),
            "k": table.key,
            "s": pa.array([text or None for text in table.text]),
            "v": pa.array([None if whole == MISSING else whole for whole in table.whole], pa.int64()),
            "x": pa.array([None if math.isnan(real) else real for real in table.real], pa.float64()),
            "g": table.flag,
        }
    )
    scale = len(table.time)
    base = duckdb.connect()
    base.execute("set threads = 1")
    base.register("given", rows)
    base.execute("""
        create table rows as
        with started as (select *, sum(g::int) over (partition by k order by i) > 0 as on_ from given)
        select *, max(t) over (partition by k order by i) as e, max(t) over (partition by k, s order by i) as ep,
            max(t) over (partition by k, on_ order by i) as eg
        from started""")

    def over(column: str, length: int, by: str = "k") -> str:
        begin = f"(i + ({length} - 1) * {scale}::bigint)"
        return (
            f"over (partition by {by} order by {column} * {scale} + i range between {begin} preceding and current row)"
        )

    first, last = lengths[0], lengths[-1]
    columns = [
        "e - first_value(t) over (partition by k order by i)",
        "e - lag(e) over (partition by k order by i)",
        "lag(v) over (partition by k order by i)",
    ]
    for length in lengths:
        window = over("e", length)
        columns += [f"count(*) {window}", f"coalesce(sum(v) {window}, 0)", f"avg(v) {window}", f"max(v) {window}"]
        columns += [f"min(v) {window}", f"coalesce(sum(x) {window}, 0)", f"avg(x) {window}", f"max(x) {window}"]
        columns += [f"min(x) {window}", f"count(distinct s) {window}"]
    short, long = f"(count(*) {over('e', first)})", f"(count(*) {over('e', last)})"
    columns.append(f"({short} / {first}.0) / (({long} - {short} + 0.5) / ({last} - {first})::double)")
    columns.append(f"case when s is not null then count(*) {over('ep', first, 'k, s')} end")
    columns.append(f"case when s is not null then coalesce(sum(v) {over('ep', last, 'k, s')}, 0) end")
    columns.append(f"count(*) filter (g) {over('eg', last, 'k, on_')}")
    columns.append(
        "last_value(case when g then struct_pack(v := v) end ignore nulls) over (partition by k order by i "
        "rows between unbounded preceding and 1 preceding).v"
    )
    query = ", ".join(f"{column} as c{number}" for number, column in enumerate(columns))
    answer = base.execute(f"select {query} from rows order by i").fetchall()  # noqa: S608 - our own text
    return [list(column) for column in zip(*answer, strict=True)]


def differences(got: list[list[Any]], wanted: list[list[Any]]) -> list[str]:
    """What is not equal: read, row, ours, theirs; the first of each read."""
    found = []
    for read, (mine, other) in enumerate(zip(got, wanted, strict=True)):
        for row, (a, b) in enumerate(zip(mine, other, strict=True)):
            missing = a == MISSING or (isinstance(a, float) and math.isnan(a))
            if missing != (b is None) or not (missing or a == b or math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-6)):
                found.append(f"read {read}, row {row}: {a} here, {b} in DuckDB")
                break
    return found


def main() -> int:
    """Compare and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--simulate", type=int, default=200_000)
    parser.add_argument("--windows", default="1m,10m,1h")
    for name, default in (("time", "ts"), ("key", "CUSTOMER_ID"), ("text", "TERMINAL_ID"), ("amount", "TX_AMOUNT")):
        parser.add_argument(f"--{name}", default=default)
    told = parser.parse_args()
    table = from_file(told.file, told) if told.file else simulated(told.simulate)
    lengths = [parse_duration(text) for text in told.windows.split(",")]
    plan = plan_of(lengths)
    started = time.perf_counter()
    mine = ours(table, plan)
    middle = time.perf_counter()
    other = theirs(table, lengths)
    ended = time.perf_counter()
    faults = differences(mine, other)
    values = len(mine) * len(table.time)
    print(f"{len(table.time):,} rows, {len(mine)} reads: {values - len(faults):,} values equal" if not faults else "")
    print(f"here {middle - started:.2f} s, DuckDB on one thread {ended - middle:.2f} s")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
