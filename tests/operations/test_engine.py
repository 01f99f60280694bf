"""What the stories ask of the engine, and what the engine gives them: a real host over a real store."""

from __future__ import annotations

import msgspec

from tests.engine.worlds import CATALOGUE
from tests.operations.test_cases import QUEUES, World
from tests.service.kit import DECODER, host_over, stored
from trustward.adapters.store.memory import MemoryStore
from trustward.base.units import format_time, parse_time
from trustward.bootstrap.operations import frauds_of
from trustward.bootstrap.policies import packs
from trustward.model.case import Case
from trustward.model.changes import LabelChange
from trustward.model.clocks import shipped_regimes
from trustward.model.errand import Errand, change_errand
from trustward.model.queue import Queue
from trustward.model.report import CATEGORIES
from trustward.operations.errands import Errands
from trustward.operations.gathering import Gathering
from trustward.policy.faults import Faults
from trustward.policy.files import read_sources
from trustward.policy.frauds import frauds

POLICY = stored(
    """
told = count(by=event.subject, within="1d", of="report.filed")
rule(
    id="reported", on="report.filed", when=told >= 2,
    then=[review(event.subject, "reported twice"), label(event.subject, "reported", lasts="7d")],
    reason="{told} reports within a day", fraud="scam", owner="me",
    hits=[[repeat(2, {"subject": "a"})]], misses=[{"subject": "a"}],
)
rule(
    id="lured", on="message.sent", when=contains(event.text, ["telegram"]), then=[review(event.sender)],
    reason="asked away", fraud="luring", owner="me",
    hits=[{"sender": "a", "text": "telegram"}], misses=[{"sender": "a"}],
)
rule(
    id="many", on="message.sent", when=contains(event.text, ["prize"]), then=[review(event.sender), hold(event)],
    reason="the same to all", fraud="spam_wave", owner="me",
    hits=[{"sender": "a", "text": "prize"}], misses=[{"sender": "a"}],
)
rule(
    id="ours", on="message.sent", when=contains(event.text, ["gem"]), then=[review(event.sender)],
    reason="gems", fraud="gem_trade", owner="me",
    hits=[{"sender": "a", "text": "gem"}], misses=[{"sender": "a"}],
)
rule(
    id="plain", on="message.sent", when=contains(event.text, ["odd"]), then=[review(event.sender)],
    reason="odd", owner="me",
    hits=[{"sender": "a", "text": "odd"}], misses=[{"sender": "a"}],
)
"""
)
CALLED = {one.fraud: one.category for one in shipped_regimes().frauds}


class Engine(World):
    """The stories with an engine behind them."""

    def __init__(self, queues: tuple[Queue, ...] = QUEUES) -> None:
        super().__init__(MemoryStore(), queues)
        self.time.now_us = parse_time("2026-01-05T10:00:00Z")
        self.host = host_over(self.store, initial=POLICY, clock=self.time)
        self.host.start()
        self.errands = Errands(self.store, self.host, DECODER)
        self.gathering = Gathering(self.cases, frauds_of(self.store), CALLED)


def test_a_report_raises_features_and_rules_answer_with_a_case() -> None:
    assert "report.filed" in CATALOGUE.types
    world = Engine()
    first = world.report("u1")
    world.report("u2", kind="message", entity="m1")
    assert world.errands.run() == 2
    assert world.errands.run() == 0
    assert world.gathering.gather() == 0
    second = world.report("u3", text="me too", market="SG")
    world.errands.run()
    found = world.store.journal.find([f"report:{second.id}"])[f"report:{second.id}"]
    assert found.decision.rules[0].reason == "2 reports within a day"
    body = msgspec.json.decode(found.body)
    assert (body["account"], body["subject"], body["reporter"]) == ("u3", "a1", "user")
    assert world.gathering.gather() == 1
    assert world.gathering.gather() == 0
    case = world.cases.get(first.case)
    assert case.decisions == (found.seq,)
    assert world.whats(case.id) == ["opened", "reported", "reported", "decided_on"]
    world.queues.take(case.id, "kim")
    from tests.operations.test_cases import NOTHING

    world.closing.close(case.id, "kim", NOTHING)
    world.closing.tell()
    assert world.errands.run() == 2
    assert world.store.journal.find([f"report:{second.id}:resolved"])
    world.host.close()


def test_what_cannot_be_done_is_in_the_audit_and_the_rest_goes_on() -> None:
    world = Engine()
    label = LabelChange(actor="kim", kind="account", entity="a9", label="watched", reason="r")
    event = {"type": "report.filed", "id": "e1", "time": format_time(world.time())}
    world.store.records.write(
        [
            Errand(id="1", at_us=1, kind="event", body=b"{}"),
            Errand(id="2", at_us=2, kind="event", body=msgspec.json.encode(event)),
            Errand(id="3", at_us=3, kind="event", body=msgspec.json.encode({**event, "text": "other"})),
            change_errand("4", label, 4),
        ]
    )
    assert world.errands.run() == 4
    failed = [row.subject for row in world.store.audit.read(0, 99) if row.action == "errand.failed"]
    assert failed == ["1", "3"]
    assert [mark.label for mark in world.store.kept.labels("account", "a9")] == ["watched"]
    world.host.close()
    world.store.records.write([change_errand("5", label, 5)])
    assert world.errands.run() == 0
    assert [one.id for one in world.store.errands.waiting(9)] == ["5"]


def test_a_case_is_opened_by_a_decision_alone() -> None:
    world = Engine()
    events = [
        {"type": "report.filed", "id": f"e{number}", "time": format_time(world.time()), "subject": "z"}
        for number in range(3)
    ]
    decoded = DECODER.decode_lines(b"\n".join(map(msgspec.json.encode, events)))
    world.host.submit(decoded.events).result()
    assert world.gathering.gather() == 1
    case = world.store.cases.open_on("account:z")
    assert case is not None
    assert (len(case.decisions), case.reports, case.queue) == (2, 0, "all")
    world.host.close()


SG = (Queue(name="sg", categories=("scam",), markets=("SG",)), Queue(name="gems", categories=("gem_trade",)), *QUEUES)


def seen_by_queues(*said: tuple[str, str, str]) -> list[Case]:
    """The cases that messages have opened: of whom, what they say, from which country."""
    world = Engine(SG)
    events = [
        {
            "type": "message.sent",
            "id": f"e{number}",
            "time": format_time(world.time()),
            "sender": sender,
            "text": text,
            "country": country,
        }
        for number, (sender, text, country) in enumerate(said)
    ]
    decoded = DECODER.decode_lines(b"\n".join(map(msgspec.json.encode, events)))
    world.host.submit(decoded.events).result()
    assert world.gathering.gather() == len({sender for sender, *_ in said})
    world.host.close()
    found = [world.store.cases.open_on(f"account:{sender}") for sender in dict.fromkeys(one for one, *_ in said)]
    return [case for case in found if case is not None]


def test_what_a_rule_is_after_and_where_the_event_was_chooses_the_queue_of_its_case() -> None:
    cases = seen_by_queues(
        ("a", "telegram", "SG"),
        ("b", "telegram", "my"),
        ("c", "a gem", "ZZ"),
        ("d", "odd", "SG"),
        ("e", "a prize", ""),
    )
    assert [(case.category, case.market, case.queue, case.harm) for case in cases] == [
        ("scam", "SG", "sg", 60),
        ("scam", "MY", "all", 60),
        ("gem_trade", "", "gems", 20),  # a kind of one's own; and no market that anybody has a calendar of
        ("", "SG", "all", 20),
        ("spam", "", "listed", 15),
    ]


def test_of_several_rules_the_worst_kind_counts() -> None:
    (case,) = seen_by_queues(("a", "a prize", ""), ("a", "a prize on telegram", "SG"), ("a", "odd", "MY"))
    assert (case.category, case.market, case.queue, len(case.decisions)) == ("scam", "SG", "sg", 3)


def test_the_clock_of_a_rules_case_is_counted_on_its_markets_calendar() -> None:
    world = Engine()
    event = {"type": "message.sent", "id": "e1", "time": format_time(world.time()), "sender": "a", "text": "odd"}
    decoded = DECODER.decode_lines(msgspec.json.encode({**event, "country": "SG"}))
    world.host.submit(decoded.events).result()
    world.gathering.gather()
    case = world.store.cases.open_on("account:a")
    assert case is not None
    assert world.duties.get(case.duty).market == "SG"
    world.host.close()


def test_every_kind_of_the_starter_pack_is_a_category_of_reports() -> None:
    sources, _ = read_sources(packs()["starter"], Faults())
    kinds = set(frauds(sources).values())
    assert len(kinds) > 10
    assert {CALLED.get(kind, kind) for kind in kinds} <= set(CATEGORIES)
