"""What every process of the service counts, and how the counts of several become one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import Counter, Histogram
from prometheus_client.core import Metric

from trustward.api.frames import Sample, labels_of
from trustward.operations.grouping import Answers

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Counts:
    """Requests, events and decisions of one process."""

    def __init__(self) -> None:
        self.waiting: dict[Any, float] = {}
        """Requests that wait for their commit, the oldest first, and since when."""
        self.requests = Counter(
            "trustward_requests", "Requests by route, method and status.", ("route", "method", "status"), registry=None
        )
        self.seconds = Histogram(
            "trustward_request_seconds", "Time to a request's answer.", ("route",), buckets=_SECONDS, registry=None
        )
        self.events = Counter("trustward_events", "Events by what became of them.", ("outcome",), registry=None)
        self.verdicts = Counter("trustward_decisions", "Decisions by verdict.", ("verdict",), registry=None)
        self.degraded = Counter("trustward_decisions_degraded", "Degraded decisions.", registry=None)
        self.late = Counter("trustward_deadlines_passed", "Answers after a caller's deadline.", registry=None)
        self.hits = Counter(
            "trustward_rule_hits", "Rules that matched, by mode; fault: not evaluated.", ("rule", "mode"), registry=None
        )
        self._allowed = self.verdicts.labels("allow")
        self._new = self.events.labels("decided")
        self._again = self.events.labels("again")
        self._problems = {kind: self.events.labels(kind) for kind in ("conflict", "refused")}
        self._rejected = self.events.labels("rejected")
        self._routes: dict[tuple[str, str, int], Counter] = {}
        self._times: dict[str, Histogram] = {}

    def answered(self, answers: Answers) -> None:
        """Count what became of a request's events."""
        again = answers.again
        new = len(answers.events) - len(again) - len(answers.problems)
        if again:
            self._again.inc(len(again))
        for problem in answers.problems.values():
            self._problems[problem.kind].inc()
        if not new:
            return
        self._new.inc(new)
        plain = new
        for at, decision in answers.decisions.items():
            if at in again:
                continue
            plain -= 1
            self.verdicts.labels(decision.verdict).inc()
            if decision.degraded:
                self.degraded.inc()
            for hit in decision.rules:
                self.hits.labels(hit.id, hit.mode).inc()
        if plain:
            self._allowed.inc(plain)

    def rejected(self, count: int) -> None:
        """Count records that gave no event."""
        self._rejected.inc(count)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        key = (route, method, status)
        counter = self._routes.get(key)
        if counter is None:
            counter = self._routes[key] = self.requests.labels(route, method, str(status))
        counter.inc()
        histogram = self._times.get(route)
        if histogram is None:
            histogram = self._times[route] = self.seconds.labels(route)
        histogram.observe(seconds)

    def families(self) -> Iterator[Metric]:
        """What this process has counted."""
        counters = (self.requests, self.seconds, self.events, self.verdicts, self.degraded, self.late, self.hits)
        for one in counters:
            yield from one.collect()

    def samples(self) -> tuple[Sample, ...]:
        """The same in the form that goes to the engine's process."""
        return tuple(
            (sample.name, labels_of(sample.labels), sample.value)
            for family in self.families()
            for sample in family.samples
            if not sample.name.endswith("_created")
        )


class Sums:
    """The counts of other processes, living and gone: a process that is started again counts from nothing."""

    def __init__(self) -> None:
        self._gone: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        self._living: dict[object, tuple[Sample, ...]] = {}

    def put(self, process: object, samples: tuple[Sample, ...]) -> None:
        """What a process has counted so far."""
        self._living[process] = samples

    def end(self, process: object) -> None:
        """A process has gone; what it counted stays."""
        for name, labels, value in self._living.pop(process, ()):
            self._gone[name, labels] = self._gone.get((name, labels), 0.0) + value

    def added(self, families: Iterable[Metric]) -> Iterator[Metric]:
        """Families with the other processes' counts added to their own."""
        sums = dict(self._gone)
        for samples in list(self._living.values()):
            for name, labels, value in samples:
                sums[name, labels] = sums.get((name, labels), 0.0) + value
        for family in families:
            known = _names(family)
            mine = {(sample.name, labels_of(sample.labels)): sample.value for sample in family.samples}
            whole = Metric(family.name, family.documentation, family.type)
            for key in [*mine, *(key for key in sums if key[0] in known and key not in mine)]:
                whole.add_sample(key[0], dict(key[1]), mine.get(key, 0.0) + sums.get(key, 0.0))
            yield whole


def _names(family: Metric) -> Mapping[str, None]:
    """The names that a family's samples can have."""
    ends = ("_total",) if family.type == "counter" else ("_bucket", "_count", "_sum")
    return dict.fromkeys(family.name + end for end in ends)
