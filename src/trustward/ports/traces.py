"""Traces: how long each step of a request took. Off, nothing of it is loaded, and nobody asks for the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

MOST_STEPS = 200
"""The most steps of one trace: a stream of events has no end."""


class Trace:
    """One request that is traced: when it began, and its steps so far. ``span`` is the tracer's own."""

    __slots__ = ("begun_us", "span", "steps")

    def __init__(self, begun_us: int, span: Any) -> None:
        self.begun_us = begun_us
        self.span = span
        self.steps: list[tuple[str, int, int]] = []

    def step(self, name: str, begun_us: int, ended_us: int) -> None:
        """Note a step. Any thread may."""
        if len(self.steps) < MOST_STEPS:
            self.steps.append((name, begun_us, ended_us))


class Tracer(Protocol):
    """Where traces go. What it is told holds no id and no value of an event. Any thread may call it."""

    def begin(self, traceparent: str = "") -> Trace | None:
        """A trace, the caller's own if it sent one (W3C Trace Context); None if this one is not to be traced."""

    def end(self, trace: Trace, name: str, facts: Mapping[str, str | int]) -> None:
        """A trace is whole: hand it on."""

    def traceparent(self, trace: Trace) -> str:
        """What goes to whoever is called next."""

    def close(self) -> None:
        """Send what waits."""
