"""Counts and times for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trustward.api.counts import Counts, Sums
from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import TrustwardError
from trustward.model.effect import outgoing
from trustward.model.tally import SECRET
from trustward.operations.deciding import Deciding
from trustward.operations.sourcing import SourceStatus
from trustward.ports import Store

MOST_ERRANDS = 10_000
_PHASES = ("new", "standby", "recovering", "ready", "stopped")


class Metrics(Counts, Collector):
    """All of the service's metrics, in a registry of their own: what was counted here and elsewhere, and what is."""

    def __init__(self, host: Deciding, store: Store, hidden: Callable[[str], bool] = lambda _target: False) -> None:
        super().__init__()
        self._hidden = hidden
        self._host = host
        self._store = store
        self.sums = Sums()
        self.sources: Callable[[], Sequence[SourceStatus]] = tuple
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """What is read when somebody asks: the host, queues, windows, the outbox."""
        yield from self.sums.added(self.families())
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
        yield from self._operations()
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
            # Nothing is counted of what goes to confidential targets: a count would say that there is a secret.
            first = [row for row in self._store.outbox.waiting(50) if not outgoing(row.body).secret][:1]
            targets = [one for one in self._store.outbox.backlog() if not self._hidden(one.target)]
            behind = [(one, self._host.status().seq) for one in self._store.trials.open()]
        except TrustwardError:
            return
        since = [row.at_us for row in first] + [one.oldest_us for one in targets if one.oldest_us is not None]
        age = max(0.0, (now_us() - min(since)) / 1e6) if since else 0.0
        yield GaugeMetricFamily("trustward_outbox_age_seconds", "Age of the oldest action not delivered.", value=age)
        waiting = GaugeMetricFamily("trustward_deliveries_waiting", "Actions on their way.", labels=("target",))
        dead = GaugeMetricFamily("trustward_dead_letters", "Actions that were given up.", labels=("target",))
        for target in targets:
            waiting.add_metric((target.target,), target.waiting)
            dead.add_metric((target.target,), target.dead)
        yield from (waiting, dead)
        left = GaugeMetricFamily("trustward_trial_behind_entries", "What trials have not seen.", labels=("kind",))
        for kind in ("backtest", "shadow"):
            mine = [
                max(0, (seq if one.upto is None else one.upto) - one.seq) for one, seq in behind if one.kind == kind
            ]
            left.add_metric((kind,), float(sum(mine)))
        yield left

    def _operations(self) -> Iterator[Metric]:
        """What is owed and what waits for people: from counts that are kept up, not from looking at all of it."""
        now = now_us()
        try:
            duties, queues = self._store.duties.counts(now), self._store.cases.waiting()
            errands = self._store.errands.backlog(MOST_ERRANDS)
        except TrustwardError:
            return
        for name, about, counts in (
            ("trustward_duties", "Duties that are owed, by clock.", duties.owed),
            ("trustward_duties_overdue", "Those that were not done when they were due.", duties.overdue),
            ("trustward_duties_breached", "Duties that were ever missed, done or not.", duties.breached),
        ):
            by_clock = GaugeMetricFamily(name, about, labels=("clock",))
            for clock, count in counts.items():
                if clock != SECRET:  # a count would say that there is a secret
                    by_clock.add_metric((clock,), count)
            yield by_clock
        yield _age("trustward_duty_alarm_age_seconds", "How late reminders and breaches are.", duties.alarm_us, now)
        waiting = GaugeMetricFamily("trustward_cases_waiting", "Open cases.", labels=("queue",))
        oldest = GaugeMetricFamily("trustward_case_age_seconds", "Age of the oldest open case.", labels=("queue",))
        for queue, (count, oldest_us) in queues.items():
            waiting.add_metric((queue,), count)
            oldest.add_metric((queue,), max(0.0, (now - oldest_us) / 1e6))
        yield from (waiting, oldest)
        about = f"What is asked of the engine; at most {MOST_ERRANDS:,} are counted."
        yield GaugeMetricFamily("trustward_errands_waiting", about, value=errands.waiting)
        yield _age("trustward_errand_age_seconds", "How long the oldest errand has waited.", errands.oldest_us, now)

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


def _age(name: str, about: str, since_us: int | None, now: int) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=0.0 if since_us is None else max(0.0, (now - since_us) / 1e6))
