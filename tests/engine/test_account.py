"""The account of a replay and of a backtest, held against counting by hand."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import pyarrow.parquet as pq
from tests.engine.worlds import CATALOGUE, NOW_US, POLICY, START_US, in_batches, make, one_by_one, streams
from trustward import bootstrap
from trustward.engine.backtest import Backtest
from trustward.engine.engine import Engine
from trustward.engine.measure import Tally
from trustward.engine.recorder import Recorder
from trustward.exchange.encode import EventEncoder
from trustward.model.decision import Decision, Fault
from trustward.model.event import Event
from trustward.policy import Source, load_policy

MINUTE = 60_000_000


def record(events: list[Event], labels: str | None, size: int) -> tuple[Recorder, list[Decision]]:
    engine, recorder = Engine(POLICY), Recorder(POLICY, labels)
    decisions: list[Decision] = []
    for start in range(0, len(events), size):
        outcome = engine.decide_batch(events[start : start + size], now_us=NOW_US)
        recorder.add(events[start : start + size], outcome)
        decisions += [decision for _, decision in outcome.decisions]
    return recorder, decisions


def labelled_stream() -> list[Event]:
    """Two kinds of fraud among honest messages; the trial policy finds one kind from its third message on."""
    events = []
    for number in range(60):
        truth = {0: "spam", 1: "quiet"}.get(number % 3)
        sender = {"spam": "s", "quiet": "q"}.get(truth or "", f"h{number}")
        recipient = f"r{number}" if truth == "spam" else "one"
        time = START_US + number * 1_000_000
        events.append(make("message.sent", number, time, sender=sender, recipient=recipient, truth=truth))
    return events


def test_quality_and_campaigns() -> None:
    events = labelled_stream()
    for size in (1, 7, 1000):
        recorder, decisions = record(events, "truth", size)
        flagged = {d.event_id for d in decisions if d.verdict != "allow"}
        fraud = {event.id for event in events if event.truth}
        quality = recorder.quality()
        assert quality is not None
        assert quality.caught == len(flagged & fraud) == 18
        assert quality.false_alarms == len(flagged - fraud) == 0
        assert quality.missed == len(fraud - flagged)
        assert quality.passed == 20
        assert (quality.precision, quality.recall) == (1.0, 18 / 40)
        spam, quiet = sorted(recorder.campaigns(), key=lambda stat: stat.name, reverse=True)
        assert (spam.events, spam.flagged, spam.events_before) == (20, 18, 2)
        assert spam.first_flagged_after_us == 6_000_000
        assert (quiet.flagged, quiet.first_flagged_after_us) == (0, None)
        stat = next(stat for stat in recorder.rules() if stat.id == "many-contacts")
        assert (stat.hits, stat.caught, stat.precision, stat.recall) == (18, 18, 1.0, 18 / 40)
        assert recorder.verdict_counts() == {"allow": 42, "hold": 18}
        assert sum(b.high > 0 and b.honest + b.fraud for b in recorder.scores()) == 60


def test_no_labels_no_quality() -> None:
    recorder, _ = record(labelled_stream(), None, 10)
    assert recorder.quality() is None
    assert recorder.campaigns() == ()
    assert {stat.precision for stat in recorder.rules()} == {None}


def test_any_field_can_hold_the_answer() -> None:
    recorder, _ = record(labelled_stream(), "sender", 10)
    assert {stat.name for stat in recorder.campaigns()} >= {"s", "q", "h2"}


@given(streams())
def test_the_timeline_counts_every_event_once(stream: tuple[list[Event], dict[int, tuple[Fault, ...]]]) -> None:
    recorder, decisions = record(stream[0], None, 13)
    _, buckets = recorder.timeline()
    assert sum(bucket.events for bucket in buckets) == len(stream[0]) == recorder.events
    assert sum(bucket.flagged for bucket in buckets) == sum(d.verdict != "allow" for d in decisions)
    assert sum(recorder.verdict_counts().values()) == len(stream[0])


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9]), st.booleans()), min_size=1))
def test_average_precision_is_the_sum_over_thresholds(scored: list[tuple[float, bool]]) -> None:
    tally = Tally()
    for score, harmful in scored:
        tally.add(score, harmful=harmful)
    positives = sum(harmful for _, harmful in scored)
    expected = before = 0.0
    for threshold in sorted({score for score, _ in scored}, reverse=True):
        above = [harmful for score, harmful in scored if score >= threshold]
        recall = sum(above) / positives if positives else 0.0
        expected += (recall - before) * sum(above) / len(above)
        before = recall
    assert abs(tally.average_precision() - expected) < 1e-12


NEWER = """
sent_1m = count(by=event.sender, within="1m", of="message.sent")
rule(
    id="many-contacts", on="message.sent", when=sent_1m >= 5, then=[block(event)], reason="{sent_1m}", fraud="spam",
    owner="tests", hits=[[repeat(5, {"sender": "a"})]], misses=[{"sender": "a"}],
)
rule(
    id="fresh", on="message.sent", when=event.country == "MY", then=[warn(event)], reason="new", fraud="spam",
    owner="tests", hits=[{"sender": "a", "country": "MY"}], misses=[{"sender": "a"}],
)
"""


@given(streams(), st.integers(1, 20))
def test_a_backtest_compares_event_by_event(
    stream: tuple[list[Event], dict[int, tuple[Fault, ...]]], size: int
) -> None:
    events, _ = stream
    new = load_policy([Source("newer.policy", NEWER)], CATALOGUE)
    test = Backtest(POLICY, new, None)
    for start in range(0, len(events), size):
        test.add(events[start : start + size], {}, now_us=NOW_US)
    was = one_by_one(Engine(POLICY), events, {})
    now = in_batches(Engine(new), events, {}, [])
    changed = [(a.verdict, b.verdict) for a, b in zip(was, now, strict=True) if a.verdict != b.verdict]
    assert test.changed == len(changed)
    assert {(c.old, c.new): c.events for c in test.verdicts()} == {pair: changed.count(pair) for pair in set(changed)}
    changes = {change.id: change for change in test.rules()}
    assert changes["fresh"].change == "added"
    assert changes["spends"].change == "removed"
    assert changes["many-contacts"].change == "changed"
    assert changes["fresh"].gained == changes["fresh"].new_hits == sum(event_is_from_my(event) for event in events)


def test_an_event_counts_once_for_an_entity_that_both_policies_act_on() -> None:
    rule = """
rule(
    id="far", on="message.sent", when=event.country == "MY", then=[VERB(event.sender)], reason="far", owner="tests",
    hits=[{"sender": "a", "country": "MY"}], misses=[{"sender": "a"}],
)
"""
    old, new = (
        load_policy([Source("far.policy", rule.replace("VERB", verb))], CATALOGUE) for verb in ("hold", "block")
    )
    test = Backtest(old, new, None)
    test.add([make("message.sent", n, START_US + n, sender="a", country="MY") for n in range(3)], {}, now_us=NOW_US)
    assert [(c.kind, c.id, c.old, c.new, c.events) for c in test.entities()] == [("account", "a", "hold", "block", 3)]


def test_what_is_only_proposed_acts_on_nobody() -> None:
    """Beyond its limit a rule proposes: nobody is suspended, whatever else is done about the event."""
    rules = """
rule(
    id="far", on="message.sent", when=event.country == "MY", then=[suspend(event.sender)], reason="far", owner="tests",
    hits=[{"sender": "a", "country": "MY"}], misses=[{"sender": "a"}], limit=LIMIT,
)
rule(
    id="all", on="message.sent", when=event.country != "SG", then=[warn(event)], reason="all", owner="tests",
    hits=[{"sender": "a", "country": "MY"}], misses=[{"sender": "a", "country": "SG"}],
)
"""
    told = (rules.replace("LIMIT", limit) for limit in ('["9/h"]', '["1/h"]'))
    old, new = (load_policy([Source("far.policy", text)], CATALOGUE) for text in told)
    events = [make("message.sent", n, START_US + n, sender=f"a{n}", country="MY") for n in range(3)]
    test = Backtest(old, new, None)
    test.add(events, {}, now_us=NOW_US)
    assert [(e.id, e.decisions, e.verdict) for e in test.new_record.entities()] == [("a0", 1, "block")]
    assert [(c.id, c.old, c.new) for c in test.entities()] == [("a1", "block", "allow"), ("a2", "block", "allow")]


def event_is_from_my(event: Event) -> bool:
    return event.__struct_config__.tag == "message.sent" and getattr(event, "country", None) == "MY"


def test_features_and_state_come_out_of_a_replay(tmp_path: Path) -> None:
    """Two halves with a snapshot between them give what one run gives."""
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "features.policy").write_text(
        'sent = count(by=event.sender, within="1h", of="message.sent")\n'
        'met = distinct(event.recipient, by=event.sender, within="1h", of="message.sent")\n'
        'paid = mean(event.amount, by=(event.account, event.currency), within="1h", of="payment.requested")\n'
        'late = count(by=event.device, within="1h", delay="5m", of="message.sent")\n'
        "export(sent, met, paid, late)\n"
    )
    events: list[Event] = [
        make(
            "message.sent", n, START_US + n * MINUTE, sender="a", recipient=f"r{n % 3}", truth="spam" if n % 2 else None
        )
        for n in range(40)
    ]
    events.append(make("payment.requested", 99, START_US + 50 * MINUTE, account="a", amount=700, currency="SGD"))
    paths = {"all": events, "first": events[:20], "second": events[20:]}
    for name, part in paths.items():
        (tmp_path / name).write_bytes(EventEncoder().encode_lines(part))
    state = tmp_path / "state"

    def run(name: str, **options: Path) -> list[dict[str, object]]:
        table = tmp_path / f"{name}.parquet"
        bootstrap.replay([str(tmp_path / name)], str(folder), features_out=table, now_us=NOW_US, **options)  # type: ignore[arg-type]
        rows: list[dict[str, object]] = pq.read_table(table).to_pylist()
        return rows

    whole = sorted(run("all"), key=lambda row: str(row["event_id"]))
    halves = run("first", snapshot_out=state) + run("second", snapshot_in=state)
    assert whole == sorted(halves, key=lambda row: str(row["event_id"]))
    assert [(row["sent"], row["met"]) for row in whole if row["event_id"] == "e30"] == [(31, 3)]
    assert [row["paid"] for row in whole if row["event_id"] == "e99"] == [700.0]
    assert [row["truth"] for row in whole if row["event_id"] == "e1"] == ["spam"]
    assert [row["paid"] for row in whole if row["event_id"] == "e1"] == [None]
    # A delayed number is the difference of two: of an event without a key it is missing, and not 0.
    assert [row["late"] for row in whole if row["event_id"] == "e30"] == [None]
