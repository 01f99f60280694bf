"""Where the time of a replay goes: nanoseconds per event for each stage.

Run it with a file of events (``trustward simulate`` makes one) and a policy::

    python benchmarks/stages.py events.ndjson --policy starter

Every stage is a function that is called once for a batch, so the clocks themselves cost next to nothing. A stage's
time excludes the stages within it; the figures add up to the whole. The clock is the processor's time of this process,
so that other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trustward import bootstrap
from trustward.adapters import files, output
from trustward.base.clock import now_us
from trustward.cli.bench.machine import pin
from trustward.engine import engine, recorder
from trustward.exchange.decode import EventDecoder
from trustward.windows import kernel, packing, state


class Stages:
    """Clocks on functions; time within a nested stage counts for that stage only."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self._running: list[str] = []
        self._since = 0.0

    def enter(self, stage: str) -> None:
        """The time up to now belongs to what ran before; from now on to this stage."""
        now = time.process_time()
        if self._running:
            self.taken[self._running[-1]] = self.taken.get(self._running[-1], 0.0) + now - self._since
        self.calls[stage] = self.calls.get(stage, 0) + 1
        self._running.append(stage)
        self._since = time.process_time()

    def leave(self) -> None:
        """Back to the stage around this one."""
        now = time.process_time()
        stage = self._running.pop()
        self.taken[stage] = self.taken.get(stage, 0.0) + now - self._since
        self._since = time.process_time()

    def clocked(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, with a clock."""

        def run(*arguments: Any, **named: Any) -> Any:
            self.enter(stage)
            try:
                return function(*arguments, **named)
            finally:
                self.leave()

        return run

    def clock(self, owner: Any, name: str, stage: str) -> None:
        """Put a clock on a method of a class, or a function of a module."""
        setattr(owner, name, self.clocked(stage, getattr(owner, name)))

    def clock_iterator(self, owner: Any, name: str, stage: str) -> None:
        """Put a clock on each step of a generator method."""
        original = getattr(owner, name)

        def run(*arguments: Any, **named: Any) -> Iterator[Any]:
            steps = original(*arguments, **named)
            while True:
                self.enter(stage)
                try:
                    step = next(steps)
                except StopIteration:
                    return
                finally:
                    self.leave()
                yield step

        setattr(owner, name, run)


def place_clocks(stages: Stages) -> None:
    """On everything that a replay calls once for a batch."""
    stages.clock_iterator(files.EventFiles, "_chunks", "read the file")
    stages.clock(EventDecoder, "decode_lines", "decode")
    stages.clock(engine.Engine, "decide_batch", "engine: the rest")
    stages.clock(engine, "parse_times", "times")
    stages.clock(engine.Engine, "_advance", "engine: sort by type")
    stages.clock(engine.Engine, "_matches", "engine: gather hits")
    stages.clock(engine.Engine, "_settle", "exact rules and decisions")
    stages.clock(packing.Packed, "add_rows", "windows: pack columns")
    stages.clock(state.Windows, "step", "windows: step around the kernel")
    stages.clock(kernel, "run", "windows: kernel (hash, find keys, move windows, read)")
    stages.clock(state.Windows, "_grow", "windows: grow")
    stages.clock(output.LineFile, "write_records", "encode and write decisions")
    stages.clock(recorder.Recorder, "add", "account of the replay")

    make = engine.Engine.__init__

    def make_with_clocks(self: Any, policy: Any, *arguments: Any, **named: Any) -> None:
        make(self, policy, *arguments, **named)
        place_program_clocks(stages, policy)

    engine.Engine.__init__ = make_with_clocks  # type: ignore[method-assign]


def place_program_clocks(stages: Stages, policy: Any) -> None:
    """On the generated code, which exists only once the policy is loaded."""
    for program in policy.types.values():
        for name, stage in (("columns", "columns (generated)"), ("hits", "rules over columns (generated)")):
            setattr(program, name, stages.clocked(stage, getattr(program, name)))


def main() -> None:
    """Replay some times without clocks, some times with them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events")
    parser.add_argument("--policy", default="starter")
    parser.add_argument("--repeats", type=int, default=5)
    told = parser.parse_args()
    pin()
    stages = Stages()
    bare: list[float] = []
    rounds: list[dict[str, float]] = []
    calls: dict[str, int] = {}
    events = 0
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "decisions.ndjson"
        bootstrap.replay([told.events], told.policy, out, now_us=now_us())
        for _ in range(told.repeats):
            begin = time.process_time()
            events = bootstrap.replay([told.events], told.policy, out, now_us=now_us()).events
            bare.append(time.process_time() - begin)
        place_clocks(stages)
        for _ in range(told.repeats):
            stages.enter("everything else (policy, dropping events, glue)")
            bootstrap.replay([told.events], told.policy, out, now_us=now_us())
            stages.leave()
            calls = dict(stages.calls)
            rounds.append(dict(stages.taken))
            stages.taken.clear()
            stages.calls.clear()
    print(f"{events:,} events; processor time of {told.repeats} replays without clocks, ns per event:", end=" ")
    print(", ".join(f"{taken / events * 1e9:.0f}" for taken in sorted(bare)))
    print("  least  median    calls  stage (ns per event)")
    table = {stage: sorted(one.get(stage, 0.0) / events * 1e9 for one in rounds) for stage in rounds[0]}
    for stage, taken in sorted(table.items(), key=lambda item: -item[1][0]):
        print(f"{taken[0]:7.0f} {taken[len(taken) // 2]:7.0f} {calls[stage]:8,}  {stage}")
    print(f"{sum(taken[0] for taken in table.values()):7.0f}  sum of the least")


if __name__ == "__main__":
    main()
