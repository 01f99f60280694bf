"""Counts and times for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import TrustwardError
from trustward.operations.deciding import Deciding
from trustward.operations.grouping import Answers
from trustward.operations.sourcing import SourceStatus
from trustward.ports import Store

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PHASES = ("new", "standby", "recovering", "ready", "stopped")


class Metrics(Collector):
    """All of the service's metrics, in a registry of their own."""

    def __init__(self, host: Deciding, store: Store) -> None:
        self._host = host
        self._store = store
        self.waiting: dict[Any, float] = {}
        """Requests that wait for their commit, the oldest first, and since when."""
        self.sources: Callable[[], Sequence[SourceStatus]] = tuple
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "trustward_requests", "Requests by route, method and status.", ("route", "method", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "trustward_request_seconds", "Time to a request's answer.", ("route",), buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.events = Counter(
            "trustward_events", "Events by what became of them.", ("outcome",), registry=self.registry
        )
        self.verdicts = Counter("trustward_decisions", "Decisions by verdict.", ("verdict",), registry=self.registry)
        self.degraded = Counter("trustward_decisions_degraded", "Degraded decisions.", registry=self.registry)
        self.late = Counter("trustward_deadlines_passed", "Answers after a caller's deadline.", registry=self.registry)
        self.hits = Counter(
            "trustward_rule_hits", "Rules that matched, by mode; fault: not evaluated.", ("rule", "mode"),
            registry=self.registry,
        )  # fmt: skip
        self.registry.register(self)
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

    def collect(self) -> Iterator[Metric]:
        """What is read when somebody asks: the host, queues, windows, the outbox."""
        status = self._host.status()
        phase = GaugeMetricFamily("trustward_phase", "1 for what the engine does at present.", labels=("phase",))
        for name in _PHASES:
            phase.add_metric((name,), float(name == status.phase))
        yield phase
        oldest = next(iter(list(self.waiting.values())), None)
        gauges: Mapping[str, tuple[str, float]] = {
            "trustward_entry": ("The journal's last entry.", status.seq),
            "trustward_queue_events": ("Events that wait for their decision.", status.waiting),
            "trustward_queue_age_seconds": (
                "How long the oldest request has waited for its commit.",
                elapsed_s() - oldest if oldest is not None else 0.0,
            ),
            "trustward_commits": ("Commits since the start.", status.commits),
            "trustward_snapshot_entry": ("The entry of the latest snapshot.", status.snapshot_seq),
        }
        for name, (about, value) in gauges.items():
            yield GaugeMetricFamily(name, about, value=value)
        yield from self._windows()
        yield from self._outbox()
        yield from self._sources()

    def _windows(self) -> Iterator[Metric]:
        try:
            held, size = self._host.ask(lambda engine: (engine.windows.retained(), engine.windows.bytes_used())).result(
                5
            )
        except (TrustwardError, TimeoutError):
            return
        yield GaugeMetricFamily("trustward_window_bytes", "Memory of all windows.", value=size)
        kept = GaugeMetricFamily("trustward_window_items", "What the windows hold.", labels=("what",))
        for name, count in held.items():
            kept.add_metric((name,), count)
        yield kept

    def _outbox(self) -> Iterator[Metric]:
        try:
            first = self._store.outbox.waiting(1)
        except TrustwardError:
            return
        age = max(0.0, (now_us() - first[0].at_us) / 1e6) if first else 0.0
        yield GaugeMetricFamily("trustward_outbox_age_seconds", "Age of the oldest action not delivered.", value=age)

    def _sources(self) -> Iterator[Metric]:
        """What sources have brought, whether they work, and how long they have waited for the engine."""
        found = self.sources()
        events = CounterMetricFamily(
            "trustward_source_events", "Events of sources by what became of them.", labels=("source", "outcome")
        )
        up = GaugeMetricFamily("trustward_source_up", "1 while a source can be read.", labels=("source",))
        wait = GaugeMetricFamily(
            "trustward_source_wait_seconds", "How long a source has waited for a batch's answers.", labels=("source",)
        )
        now_s = elapsed_s()
        for one in found:
            for outcome, count in (("decided", one.decided), ("again", one.again), ("rejected", one.rejected)):
                events.add_metric((one.name, outcome), count)
            up.add_metric((one.name,), float(one.phase == "reading"))
            since_s = one.since_s
            wait.add_metric((one.name,), now_s - since_s if since_s is not None else 0.0)
        if found:
            yield from (events, up, wait)

    def text(self) -> bytes:
        """All of it as text. Asks the engine, so it is called in a thread that may wait."""
        return generate_latest(self.registry)
