"""What the stories ask of the engine, and what the engine gives them: a real host over a real store."""

from __future__ import annotations

import msgspec

from tests.engine.worlds import CATALOGUE
from tests.operations.test_cases import QUEUES, World
from tests.service.kit import DECODER, host_over, stored
from trustward.adapters.store.memory import MemoryStore
from trustward.base.units import format_time, parse_time
from trustward.model.changes import LabelChange
from trustward.model.errand import Errand, change_errand
from trustward.operations.errands import Errands
from trustward.operations.gathering import Gathering

POLICY = stored(
    """
told = count(by=event.subject, within="1d", of="report.filed")
rule(
    id="reported", on="report.filed", when=told >= 2,
    then=[review(event.subject, "reported twice"), label(event.subject, "reported", lasts="7d")],
    reason="{told} reports within a day", fraud="scam", owner="me",
    hits=[[repeat(2, {"subject": "a"})]], misses=[{"subject": "a"}],
)
"""
)


class Engine(World):
    """The stories with an engine behind them."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(), QUEUES)
        self.time.now_us = parse_time("2026-01-05T10:00:00Z")
        self.host = host_over(self.store, initial=POLICY, clock=self.time)
        self.host.start()
        self.errands = Errands(self.store, self.host, DECODER)
        self.gathering = Gathering(self.cases)


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
