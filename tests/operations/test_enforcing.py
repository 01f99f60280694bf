"""From an outcome to strikes, measures and notices; appeals against them; and what follows by itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.engine.worlds import CATALOGUE
from tests.operations.kit import DAY_US
from tests.operations.test_cases import ACT, NOTHING, World
from tests.service.kit import DECODER, compile_policy, host_over
from trustward.base.errors import NotFoundError, RegimeError, StepError, UsageError
from trustward.base.units import format_time
from trustward.model.appeal import AppealTally
from trustward.model.case import Measure, Outcome
from trustward.model.changes import ListChange
from trustward.model.clocks import decode_regimes, merged, policy_tree, shipped_regimes
from trustward.model.effect import outgoing
from trustward.model.enforcement import ClosedTrace
from trustward.model.stored import StoredPolicy
from trustward.operations.appeals import Appealing, Appeals, Hearing
from trustward.operations.enforcing import Taking
from trustward.operations.errands import Errands
from trustward.operations.following import Following
from trustward.operations.independence import independent
from trustward.operations.indexing import Indexing
from trustward.operations.searching import Searching

RULE = """
rule(
    id="young-device", on="account.registered", when=event.device in listed("closed-device"),
    then=[hold(event.account), label(event.account, "watched")],
    reason="the device of a closed account", fraud="fake_account", owner="me",
    hits=[[given(listed("closed-device", "d1")), {"account": "a", "device": "d1"}]], misses=[{"account": "a"}],
)
"""
SOURCES = (("mine.policy", RULE), ("lists/closed-device.txt", "# kind: device\n"))
HASH = compile_policy(StoredPolicy(hash="", name="mine", sources=SOURCES)).hash
POLICY = StoredPolicy(hash=HASH, name="mine", sources=SOURCES, actor="kim")


def outcome(policy: str, *measures: Measure, **fields: Any) -> Outcome:
    return Outcome(verdict="act", policy=policy, reasons="seen in ten chats", measures=measures, **fields)


class Court(World):
    """Cases, measures, appeals, and an engine behind them."""

    def __init__(self, *, engine: bool = False) -> None:
        super().__init__()
        self.appeals = Appeals(self.enforcing, self.closing)
        index = Indexing(self.store, DECODER)
        self.following = Following(self.enforcing, self.cases, Searching(self.store, index))
        if engine:
            self.host = host_over(self.store, initial=POLICY, clock=self.time)
            self.host.start()
            self.errands = Errands(self.store, self.host, DECODER)

    def close(self, what: Outcome, entity: str = "a1", reviewer: str = "key:k:kim", **fields: Any) -> str:
        case = self.open(entity, **fields)
        self.queues.take(case.id, reviewer)
        self.closing.close(case.id, reviewer, what)
        return f"case:{case.id}"

    def does(self, cause: str) -> list[tuple[str, str, str]]:
        return [(one.do, one.entity, one.state) for one in self.enforcing.of(cause)]

    def said(self, step: str) -> list[dict[str, Any]]:
        bodies = [outgoing(row.body) for row in self.store.outbox.waiting(10_000)]
        return [body.says for body in bodies if body.action.note == step]

    def appeal(self, decision: str, account: str = "a1", **fields: Any) -> str:
        return self.appeals.file(Appealing(decision=decision, account=account, text="not me", **fields), "key:app").id

    def send(self, kind: str, id: str, **fields: object) -> None:
        line = msgspec.json.encode({"type": kind, "id": id, "time": format_time(self.time()), **fields})
        decoded = DECODER.decode_lines(line)
        assert not decoded.rejects, decoded.rejects
        self.host.submit(decoded.events, decoded.faults).result(120)

    def rounds(self) -> None:
        """What workers and the engine's process do, until nothing is left."""
        for _ in range(50):
            done = self.errands.run() + self.following.follow() + self.following.watch() + self.appeals.settle()
            if not done + self.delivering.tidy():
                return
        raise AssertionError("it never ends")


def test_up_the_ladder_with_notices_and_down_again() -> None:
    court = Court()
    causes = []
    for at, wanted in enumerate(["warn", "warn", "limit", "suspend", "suspend"]):
        due = court.enforcing.due("conduct/spam", "account", "a1")
        assert (due.do, due.lenient, due.before, due.after) == (wanted, at == 0, max(0, at - 1), at)
        causes.append(court.close(outcome("conduct/spam")))
        assert [do for do, *_ in court.does(causes[-1])] == [wanted]
    (told,) = [says for says in court.said("measure.taken") if says["do"] == "limit"]
    assert (told["policy_title"], told["strikes"], told["facts"]) == (
        "Unwanted messages in bulk",
        1,
        "seen in ten chats",
    )
    assert told["until"] == format_time(court.time() + 7 * DAY_US)
    assert (told["appeal"]["decision"], told["automated"]) == (causes[2], False)
    court.delivering.tidy()
    court.closing.reverse(causes[2].removeprefix("case:"), "boss", "a mistake")
    assert court.does(causes[2]) == [("limit", "a1", "lifted")]
    assert court.enforcing.sheet("account", "a1").count("standard", court.time()) == 3
    assert {effect.same for effect in court.delivering.in_force("account", "a1")} == {'["suspend","account","a1",""]'}
    court.time.on(91 * DAY_US)
    assert court.enforcing.sheet("account", "a1").count("standard", court.time()) == 0
    assert court.enforcing.due("conduct/spam", "account", "a1").lenient
    assert court.enforcing.expire() == 2
    assert {state for _, _, state in court.does(causes[4])} == {"ended"}


def test_what_a_reviewer_has_chosen_counts_if_it_is_as_harsh() -> None:
    court = Court()
    harsher = Measure(do="close", kind="account", entity="a1")
    assert court.does(court.close(outcome("conduct/fake-account", harsher))) == [("close", "a1", "in_force")]
    milder = Measure(do="limit", kind="account", entity="a2")
    cause = court.close(outcome("fraud/mule", milder), "a2")
    assert sorted(do for do, *_ in court.does(cause)) == ["limit", "suspend"]
    struck = [(one.do, one.strikes) for one in court.enforcing.of(cause) if one.strike]
    assert struck == [("suspend", 1)]
    goods = Measure(do="remove", kind="listing", entity="l1")
    cause = court.close(outcome("goods/banned", goods, struck=(("merchant", "s1"),)), "l1", kind="listing")
    assert sorted((do, entity) for do, entity, _ in court.does(cause)) == [("remove", "l1"), ("warn", "s1")]
    assert court.enforcing.sheet("merchant", "s1").count("goods", court.time()) == 1
    with pytest.raises(UsageError, match="strikes count against"):
        court.close(outcome("goods/banned", struck=(("url", "x"),)), "a9")
    with pytest.raises(NotFoundError):
        court.enforcing.due("no/such", "account", "a1")


def test_a_measure_is_kept_from_the_user_until_secrecy_ends() -> None:
    court = Court()
    plain = Taking(
        do="suspend",
        kind="account",
        entity="a1",
        cause="order:17",
        policy="law",
        reasons="s 9",
        actor="kim",
        secret=True,
    )
    measure = court.enforcing.take(plain)
    assert (measure.notice, measure.appeal_until_us, court.said("measure.taken")) == ("withheld", None, [])
    rows = court.store.outbox.waiting(9)
    assert all(b"order:17" not in row.body and b"s 9" not in row.body for row in rows)
    assert all(b"order:17" not in (row.detail or b"") for row in court.store.audit.read(0, 99))
    with pytest.raises(NotFoundError):
        court.appeal("order:17")
    assert court.enforcing.release("order:17", "kim", "the order is public") == 1
    assert court.enforcing.release("order:17", "kim", "again") == 0
    assert [says["facts"] for says in court.said("measure.taken")] == ["s 9"]
    assert court.appeal("order:17")
    lifted = court.enforcing.lift(measure.id, "kim", "the order was withdrawn")
    assert court.enforcing.lift(measure.id, "kim", "again") == lifted
    assert (lifted.state, lifted.work) == ("lifted", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[policies]]\nid = "x"\ntitle = "X"', "the policy x has no ladder"),
        ('[[policies]]\nid = "x"\ntitle = "X"\nparent = "y"\nladder = "fraud"', "no parent y"),
        ('[[policies]]\nid = "x"\ntitle = "X"\nparent = "x"\nladder = "fraud"', "its own parent"),
        ('[[policies]]\nid = "x"\ntitle = "X"\nparent = "fraud"\nexpires = "soon"', "the policy x: expires"),
        ('[[ladders]]\nid = "l"\nrungs = [{ strikes = 1, do = "fry" }]', "no such measure: fry"),
        (
            '[[ladders]]\nid = "l"\nrungs = [{ strikes = 2, do = "warn" }, { strikes = 1, do = "close" }]',
            "more strikes",
        ),
        ('[[ladders]]\nid = "l"\nrungs = [{ strikes = 1, do = "limit", lasts = "x" }]', "the ladder l: lasts"),
        ('[[appeals]]\nwithin = "soon"', "not a span"),
    ],
)
def test_policies_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(RegimeError, match=message):
        policy_tree(merged([shipped_regimes(), decode_regimes(text, "mine.toml")]))


def test_an_appeal_is_heard_by_somebody_else_and_undoes_what_was_wrong() -> None:
    court = Court()
    cause = court.close(outcome("fraud/mule"))
    name = court.appeal(cause)
    assert court.appeal(cause) == name
    with pytest.raises(StepError, match="has been an appeal"):
        court.appeals.file(Appealing(decision=cause, account="a1", text="other words"), "key:app")
    with pytest.raises(NotFoundError):
        court.appeal(cause, "a2")
    duty = court.duties.get(f"appeal-{name}")
    assert (duty.state, duty.clock.id) == ("open", "appeal-decide")
    for same in ("key:k:kim", "key:other:Kim", "key:k"):
        assert court.appeals.next(same) is None
        with pytest.raises(StepError, match="who decided"):
            court.appeals.take(name, same)
    found = court.appeals.next("key:k:lee")
    assert found is not None
    with pytest.raises(StepError, match="hears the appeal"):
        court.appeals.take(name, "key:k:max")
    with pytest.raises(StepError, match="take it first"):
        court.appeals.decide(name, "key:k:max", Hearing(finding="upheld", reasons="r"))
    court.delivering.tidy()
    done = court.appeals.decide(name, "key:k:lee", Hearing(finding="reversed", reasons="it was the bank"))
    assert (done.state, len(done.undone)) == ("reversed", 1)
    assert court.does(cause) == [("suspend", "a1", "lifted")]
    assert court.delivering.in_force("account", "a1") == []
    assert court.enforcing.sheet("account", "a1").count("fraud", court.time()) == 0
    assert court.cases.get(cause.removeprefix("case:")).reversed is not None
    assert court.duties.get(duty.id).state == "done"
    assert [says["finding"] for says in court.said("appeal.decided")] == ["reversed"]
    (tally,) = court.appeals.rates()
    assert (tally.id, tally.received, tally.reversed, tally.overturned) == ("reviewer:key:k:kim", 1, 1, 1.0)
    with pytest.raises(StepError, match="looked at again once"):
        court.appeals.take(name, "key:k:lee")
    assert [page.what for page in court.appeals.pages(name)] == ["received", "taken", "reversed"]


def test_a_decision_that_stands_in_part() -> None:
    court = Court()
    cause = court.close(outcome("fraud/mule", Measure(do="limit", kind="account", entity="a1")))
    name = court.appeal(cause)
    measures = {one.do: one.id for one in court.enforcing.of(cause)}
    court.appeals.take(name, "lee")
    for hearing in (
        Hearing(finding="partly", reasons="r"),
        Hearing(finding="partly", reasons="r", lift=("other",)),
        Hearing(finding="upheld", reasons="r", lift=(measures["limit"],)),
        Hearing(finding="reversed", reasons="r", lift=(measures["limit"],)),
    ):
        with pytest.raises(UsageError):
            court.appeals.decide(name, "lee", hearing)
    court.appeals.decide(name, "lee", Hearing(finding="partly", reasons="r", lift=(measures["suspend"],), refund=False))
    assert {do: state for do, _, state in court.does(cause)} == {"suspend": "lifted", "limit": "in_force"}
    assert court.enforcing.sheet("account", "a1").count("fraud", court.time()) == 1
    assert court.cases.get(cause.removeprefix("case:")).reversed is None


def test_late_withdrawn_and_given_back() -> None:
    court = Court()
    cause = court.close(ACT)
    late = court.close(ACT, "a1")
    first = court.appeal(cause)
    court.appeals.take(first, "lee")
    court.appeals.give_back(first, "lee")
    court.appeals.take(first, "max")
    court.appeals.withdraw(first, "key:app", "changed its mind")
    assert court.duties.get(f"appeal-{first}").state == "cancelled"
    court.time.on(200 * DAY_US)
    with pytest.raises(StepError, match="cannot be appealed against after"):
        court.appeal(late)
    taken = court.appeals.get(court.appeal(late, exception="was in hospital"))
    assert taken.late == "was in hospital"
    assert court.appeals.next("lee") == court.appeals.get(taken.id)


def test_who_could_be_the_same_person() -> None:
    store = Court().store
    assert independent("user:1", ("user:2", "key:k:kim"), store)
    assert not independent("key:k", ("key:k:kim",), store)
    assert not independent("kim", ("key:k:kim",), store)


def test_against_what_a_rule_decided() -> None:
    assert "account.registered" in CATALOGUE.types
    court = Court(engine=True)
    court.enforcing.take(
        Taking(do="block", kind="device", entity="d1", cause="case:x", policy="p", reasons="r", actor="kim")
    )
    assert court.errands.run() == 1
    (entry,) = court.store.kept.list_entries("blocked-device")
    assert (entry.value, entry.present) == ("d1", True)
    (measure,) = court.enforcing.on("device", "d1")
    court.enforcing.lift(measure.id, "kim", "another one")
    court.errands.run()
    assert [entry.present for entry in court.store.kept.list_entries("blocked-device")] == [False]
    court.host.change(ListChange(actor="kim", list="closed-device", put=("d2",))).result(120)
    court.send("account.registered", "e1", account="b1", device="d2")
    court.delivering.tidy()
    with pytest.raises(NotFoundError):
        court.appeal("event:e1", "b2")
    name = court.appeal("event:e1", "b1")
    appeal = court.appeals.get(name)
    assert (appeal.rules, len(appeal.measures), appeal.deciders) == (("young-device",), 2, ())
    court.appeals.take(name, "lee")
    court.appeals.decide(name, "lee", Hearing(finding="reversed", reasons="a second-hand device"))
    assert court.delivering.in_force("account", "b1") == []
    court.rounds()
    (mark,) = court.store.kept.labels("account", "b1")
    assert (mark.label, mark.present) == ("watched", False)
    assert court.store.records.get(AppealTally, "rule:young-device").overturned == 1.0  # type: ignore[union-attr]
    court.host.close()


def test_what_somebody_has_listed_by_hand_outlives_a_measure() -> None:
    court = Court(engine=True)
    block: dict[str, Any] = {"do": "block", "kind": "device", "policy": "p", "reasons": "r", "actor": "kim"}

    def by_hand(value: str, until_us: int | None = None) -> None:
        change = ListChange(actor="lee", origin="a call", list="blocked-device", put=(value,), expires_us=until_us)
        court.host.change(change).result(120)

    by_hand("before")
    by_hand("shorter", court.time() + DAY_US)
    measures = [court.enforcing.take(Taking(entity=name, cause="case:1", **block)) for name in ("before", "shorter")]
    measures.append(court.enforcing.take(Taking(entity="after", cause="case:2", **block)))
    court.errands.run()
    by_hand("after")
    kept = court.store.kept
    standing = {one.value: (one.origin, one.expires_us) for one in kept.list_entries("blocked-device")}
    assert standing == {"before": ("a call", None), "after": ("a call", None), "shorter": ("case:1", None)}
    for measure in measures:
        court.enforcing.lift(measure.id, "kim", "another one")
    court.errands.run()
    assert {one.value for one in kept.list_entries("blocked-device") if one.present} == {"before", "after"}
    court.host.close()


def test_who_has_reported_something_may_appeal_against_no_action() -> None:
    court = Court()
    report = court.report("u1", text="asked for money", market="SG")
    first = report.case
    cause = f"case:{first}"
    with pytest.raises(NotFoundError):
        court.appeal(cause, "u1")  # nothing is decided
    court.queues.take(first, "key:1:kim")
    court.closing.close(first, "key:1:kim", NOTHING)
    assert court.closing.tell() == 1
    bodies = [outgoing(row.body) for row in court.store.outbox.waiting(99)]
    (says,) = [body.says for body in bodies if body.type == "report.decided"]
    assert says["appeal"]["decision"] == cause
    for nobody in ("a1", "u2"):
        with pytest.raises(NotFoundError):
            court.appeal(cause, nobody)
    name = court.appeal(cause, "u1")
    assert court.appeals.get(name).measures == ()
    with pytest.raises(StepError, match="decided"):
        court.appeals.take(name, "key:2:kim")
    court.appeals.take(name, "ann")
    with pytest.raises(UsageError):
        court.appeals.decide(name, "ann", Hearing(finding="partly", reasons="some of it"))
    court.appeals.decide(name, "ann", Hearing(finding="reversed", reasons="the pictures were not looked at"))
    assert court.cases.get(first).reversed is not None
    again = court.cases.get(court.reports.get(report.id).case)
    assert (again.id != first, again.state, again.entity, again.reports) == (True, "open", "a1", 1)
    with pytest.raises(StepError):
        court.queues.take(again.id, "key:1:kim")
    court.queues.take(again.id, "lee")
    court.closing.close(again.id, "lee", ACT)
    assert court.closing.tell() == 1
    assert court.reports.get(report.id).result == "acted"


def test_a_reporter_whose_appeal_is_not_right_gets_an_answer_and_no_more() -> None:
    court = Court()
    report = court.report("u1")
    court.queues.take(report.case, "key:1:kim")
    court.closing.close(report.case, "key:1:kim", NOTHING)
    court.closing.tell()
    court.time.on(400 * DAY_US)
    with pytest.raises(StepError, match="after"):
        court.appeal(f"case:{report.case}", "u1")
    name = court.appeal(f"case:{report.case}", "u1", exception="ill")
    court.appeals.take(name, "ann")
    assert court.appeals.decide(name, "ann", Hearing(finding="upheld", reasons="a joke")).state == "upheld"
    assert court.cases.get(report.case).reversed is None
    assert court.reports.get(report.id).result == "no_action"


def test_a_link_is_removed_everywhere_and_put_back() -> None:
    court = Court(engine=True)
    link = "http://bad.example/x"
    for at in range(230):
        court.send("message.sent", f"m{at}", sender=f"s{at % 5}", message=f"m{at}", urls=[link] if at % 2 else [])
    taking = Taking(do="block_link", kind="url", entity=link, cause="case:1", policy="p", reasons="r", actor="kim")
    measure = court.enforcing.take(taking)
    assert court.following.follow() == 1
    assert court.enforcing.get(measure.id).place is None  # not before the link is on its list
    court.rounds()
    swept = court.enforcing.get(measure.id)
    assert (swept.work, swept.copies) == ("", 115)
    copies = court.enforcing.following(measure.id, limit=200)
    assert {one.entity for one in copies} == {f"m{at}" for at in range(1, 230, 2)}
    assert court.delivering.in_force("message", "m1") != []
    assert court.delivering.in_force("message", "m2") == []
    lifted = court.enforcing.lift(measure.id, "kim", "a bank after all")
    assert (lifted.state, lifted.work) == ("lifted", "undo")
    court.rounds()
    assert court.enforcing.get(measure.id).work == ""
    assert {one.state for one in court.enforcing.following(measure.id, limit=200)} == {"lifted"}
    assert court.delivering.in_force("message", "m1") == []
    assert [entry.present for entry in court.store.kept.list_entries("blocked-url")] == [False]
    court.host.close()


def test_who_was_closed_is_known_again() -> None:
    court = Court(engine=True)
    court.send("account.registered", "e1", account="a1", device="d1", phone="+6591234567", email="x@y.example")
    for at in range(5):  # a device that many use says nothing
        court.send("signin.succeeded", f"s{at}", account=f"f{at}", device="d9")
    court.send("signin.succeeded", "s9", account="a1", device="d9")
    court.send("signin.succeeded", "h1", account="sister", device="d1")
    court.send("message.sent", "t1", sender="friend", recipient="a1", device="d7")
    court.time.on(DAY_US)
    cause = court.close(outcome("conduct/fake-account", Measure(do="close", kind="account", entity="a1")))
    court.rounds()
    (measure,) = court.enforcing.of(cause)
    assert sorted(measure.traces) == [("device", "d1"), ("email", "x@y.example"), ("phone", "+6591234567")]
    court.time.on(DAY_US)
    court.send("signin.succeeded", "h2", account="sister", device="d1")
    court.send("account.registered", "e2", account="new", device="d1")
    court.send("account.registered", "e3", account="other", device="d9")
    court.rounds()
    assert [mark.label for mark in court.store.kept.labels("account", "new")] == ["returned"]
    assert court.store.kept.labels("account", "sister") == court.store.kept.labels("account", "other") == []
    (case,) = court.store.cases.about("account", "new")
    assert ("account", "a1") in case.entities
    found = court.store.journal.find(["e2"])["e2"]
    assert [hit.id for hit in found.decision.rules] == ["young-device"]
    court.closing.reverse(cause.removeprefix("case:"), "boss", "a mistake")
    court.rounds()
    assert [mark.present for mark in court.store.kept.labels("account", "new")] == [False]
    assert [entry.present for entry in court.store.kept.list_entries("closed-device")] == [False]
    assert court.store.records.get(ClosedTrace, "device:d1").measures == ()  # type: ignore[union-attr]
    court.host.close()
