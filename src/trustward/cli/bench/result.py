"""What a benchmark reports: figures with their spread, yardsticks, ratios, and the bar that is to be met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from trustward.cli.bench.fresh import fresh

_UNDISTURBED = 0.9
Say = Callable[[str], None]
"""Is told what a benchmark is doing."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to measure.

    ``scale`` multiplies every size (1 is the full benchmark), ``repeats`` is how often each figure is measured,
    ``folder`` is where inputs and outputs lie, ``seed`` decides the inputs. ``cores`` gathers the share of its time
    that each fresh process had a core.
    """

    folder: Path
    scale: float = 1.0
    repeats: int = 5
    seed: int = 7
    say: Say = print
    cores: list[float] = []

    @property
    def trial(self) -> bool:
        """Whether everything is so small that no figure means anything: only whether it works, and results are equal.

        Then no round goes before the others to compile and cache, and nothing is done more often than that takes.
        """
        return self.scale < 0.01

    def sized(self, full: int, least: int = 1) -> int:
        """A size at this scale.

        >>> Settings(folder=Path("."), scale=0.01).sized(1_000_000)
        10000
        """
        return max(least, round(full * self.scale))

    def fresh(self, task: Callable[..., Mapping[str, Any]], /, **arguments: Any) -> dict[str, Any]:
        """Run a task in a process of its own (:func:`trustward.cli.bench.fresh.fresh`)."""
        answer = fresh(task, **arguments)
        self.cores.append(answer["core"])
        return answer


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured quantity: its median over ``repeats`` measurements, the least and the most."""

    name: str
    unit: str
    median: float
    least: float
    most: float
    repeats: int


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """What a figure must reach (``at_least``) or must not exceed."""

    figure: str
    limit: float
    unit: str
    at_least: bool
    value: float
    met: bool


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All that one benchmark found. ``equal`` says whether results that must be equal were, None if there are none."""

    name: str
    about: str
    command: str
    figures: Sequence[Figure]
    yardsticks: Sequence[Figure] = ()
    ratios: Sequence[Figure] = ()
    bars: Sequence[Bar] = ()
    met: bool = True
    equal: bool | None = None
    sizes: Mapping[str, float] = {}
    notes: Sequence[str] = ()
    seed: int
    scale: float
    machine: Mapping[str, str] = {}


def figure(name: str, unit: str, values: Iterable[float]) -> Figure:
    """The figure of some measurements.

    >>> figure("rate", "events/s", [3.0, 1.0, 2.0]).median
    2.0
    """
    taken = [float(value) for value in values]
    return Figure(name=name, unit=unit, median=median(taken), least=min(taken), most=max(taken), repeats=len(taken))


def rate(name: str, what: str, count: int, seconds: Iterable[float]) -> Figure:
    """``count`` things in each of these times, as things per second.

    >>> rate("replay", "events", 100, [0.5]).median
    200.0
    """
    return figure(name, f"{what}/s", [count / taken for taken in seconds])


def ratio(name: str, one: Figure, other: Figure) -> Figure:
    """How many times ``other`` ``one`` is: of the medians, and the least and most that the spreads allow."""
    return Figure(
        name=name,
        unit="x",
        median=one.median / other.median,
        least=one.least / other.most,
        most=one.most / other.least,
        repeats=min(one.repeats, other.repeats),
    )


def at_least(measured: Figure, limit: float) -> Bar:
    """The bar that a figure's median must reach."""
    return Bar(
        figure=measured.name,
        limit=limit,
        unit=measured.unit,
        at_least=True,
        value=measured.median,
        met=measured.median >= limit,
    )


def at_most(measured: Figure, limit: float) -> Bar:
    """The bar that a figure's median must not exceed."""
    return Bar(
        figure=measured.name,
        limit=limit,
        unit=measured.unit,
        at_least=False,
        value=measured.median,
        met=measured.median <= limit,
    )


def result(
    name: str,
    about: str,
    settings: Settings,
    *,
    figures: Sequence[Figure],
    yardsticks: Sequence[Figure] = (),
    ratios: Sequence[Figure] = (),
    bars: Sequence[Bar] = (),
    equal: bool | None = None,
    sizes: Mapping[str, float] | None = None,
    notes: Sequence[str] = (),
) -> Result:
    """Put a result together; it is met if every bar is, and nothing that must be equal differs."""
    from trustward.cli.bench.machine import facts

    if settings.scale != 1:
        notes = (*notes, f"Sizes are {settings.scale:g} of the full ones: the bars are meant for full size.")
    least = min(settings.cores, default=1.0)
    settings.cores.clear()
    if least < _UNDISTURBED:
        notes = (*notes, f"DISTURBED by other work: one of the processes had its core only {least:.0%} of the time.")
    return Result(
        name=name,
        about=about,
        command=f"trustward bench {name}",
        figures=figures,
        yardsticks=yardsticks,
        ratios=ratios,
        bars=bars,
        met=equal is not False and all(bar.met for bar in bars),
        equal=equal,
        sizes=sizes or {},
        notes=notes,
        seed=settings.seed,
        scale=settings.scale,
        machine=facts(),
    )
