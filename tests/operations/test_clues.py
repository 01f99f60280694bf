"""Clues out: who is told, in which form, once, with evidence that can be verified."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from threading import Barrier, Thread

import msgspec
import pytest

from tests.operations.clue_kit import MANY, POLICE, REGULATOR, WHOLE, Telling, plain, refused, reported
from tests.operations.kit import DAY_US, HOUR_US
from tests.operations.test_cases import World
from trustward.base.errors import NotFoundError, RegimeError, StepError, TooLargeError, UsageError
from trustward.exchange.evidence import verify
from trustward.model.authority import Authority, Facts, Loss
from trustward.model.changes import decode_change
from trustward.model.clocks import decode_regimes, merged, shipped_regimes
from trustward.model.dossier import DossierQuery
from trustward.model.effect import outgoing
from trustward.model.request import Scope
from trustward.operations.archiving import Archiving
from trustward.operations.clues import SENT_LABEL, TAKEN_LABEL
from trustward.ports import Store


def letters(telling: Telling) -> list[tuple[str, str, str]]:
    bodies = [outgoing(row.body) for row in telling.store.outbox.waiting(1000)]
    return [(body.event_id, body.action.do, body.to) for body in bodies if body.action.do == "submit"]


def labels(telling: Telling) -> list[tuple[str, str, bool | None]]:
    found = [decode_change(one.body) for one in telling.store.errands.waiting(99) if one.kind == "change"]
    return [(one.entity, one.label, one.present) for one in found]  # type: ignore[union-attr]


def test_from_a_case_to_feedback() -> None:
    world, case = reported()
    telling = Telling(world)
    clues = telling.clues
    clue = telling.draft(case=case, fields={})
    assert (clue.subject, clue.state, clue.facts.category) == ("account:a1", "drafted", "scam")
    assert clue.why == ("competent for SG", "a threshold is met: 2 victims or more")
    duty = telling.duties.get(clue.duty)
    assert (duty.state, duty.subject, duty.clock.id) == ("open", f"case:{case}", "clue")
    with pytest.raises(StepError, match=r"what \(What happened\); contact"):
        clues.approve(clue.id, "lee")
    clues.amend(clue.id, "kim", fields={"contact": "no address", "remark": "x" * 21, "odd": "1", "what": "much"})
    with pytest.raises(StepError, match=r"contact: not as its form.*remark: more than 20.*odd: the form has no"):
        clues.approve(clue.id, "lee")
    clues.amend(clue.id, "kim", fields={"contact": "desk@shop.example", "remark": "", "odd": ""})
    with pytest.raises(StepError, match="a second person"):
        clues.approve(clue.id, "kim")
    approved = clues.approve(clue.id, "lee")
    with pytest.raises(StepError, match="approved"):
        clues.amend(clue.id, "kim", summary="other words")
    telling.time.on(3 * HOUR_US)
    sent = clues.send(clue.id, "kim")
    assert (sent.state, sent.bundle) == ("sent", approved.bundle)
    with pytest.raises(StepError, match="sent"):
        clues.send(clue.id, "kim")
    assert letters(telling) == [(f"clue:{clue.id}", "submit", "bridge")]
    done = telling.duties.get(clue.duty)
    assert (done.state, done.latency_us) == ("done", 3 * HOUR_US)
    assert done.evidence is not None
    assert done.evidence.refs == (f"clue:{clue.id}", f"bundle:{sent.bundle}")
    received = clues.receipt(clue.id, "kim", "SPF-2026-7")
    assert (received.state, received.receipt) == ("received", "SPF-2026-7")
    assert clues.receipt(clue.id, "kim", "SPF-2026-7") == received
    with pytest.raises(StepError, match="already"):
        clues.receipt(clue.id, "kim", "SPF-2026-8")
    clues.feedback(clue.id, "kim", "taken_up", "an officer looks at it")
    clues.feedback(clue.id, "kim", "closed", "two arrests")
    assert labels(telling) == [("a1", SENT_LABEL, True), ("a1", TAKEN_LABEL, True), ("a1", TAKEN_LABEL, None)]
    said = [page.said for page in telling.cases.file(case) if page.what == "noted"]
    assert said == [
        "a clue to Police was drafted",
        "the clue was sent to Police",
        "Police has confirmed the clue: SPF-2026-7",
        "Police: taken up: an officer looks at it",
        "Police: closed: two arrests",
    ]
    whats = ["drafted", "amended", "amended", "approved", "sent", "received", "feedback", "feedback"]
    assert [page.what for page in clues.file(clue.id)] == whats
    rows = [row.action for row in telling.store.audit.read(0, 999) if row.subject == f"clue:{clue.id}"]
    assert rows == [f"clue.{what}" for what in whats]
    (given,) = telling.requests.disclosures(DossierQuery())
    assert (given.by, given.cause, given.bundle) == ("police", f"clue:{clue.id}", sent.bundle)


def test_the_letter_goes_to_its_target_alone() -> None:
    telling = plain()
    telling.sent()
    delivering = telling.world.delivering
    delivering.pass_on()
    assert delivering.lease(["pull"], "me") is None
    handed = delivering.lease(["bridge"], "me")
    assert handed is not None
    (delivery,) = handed.deliveries
    body = outgoing(delivery.row.body)
    assert body.says["bundle"]
    # It says where the evidence is, and nothing of what is in it.
    assert not {"a1", "one ring", "desk@shop.example"} & set(map(str, body.says.values()))


def test_the_evidence() -> None:
    world, case = reported()
    telling = Telling(world)
    clue = telling.draft(case=case)
    first = telling.bundling.of_clue(clue)
    telling.time.on(DAY_US)
    assert telling.bundling.of_clue(clue).id == first.id
    content = b"".join(telling.store.bundles.read(first.id))
    verdict = verify(io.BytesIO(content), telling.key.public)
    assert (verdict.fine, verdict.sha256, verdict.size) == (True, first.id, first.size)
    files = telling.files(first.id)
    assert list(files)[:2] == ["readme.txt", "about.json"]
    assert {item.name for item in verdict.files} == {
        "readme.txt",
        "about.json",
        "reports.ndjson",
        "cases.ndjson",
        "case-files.ndjson",
        "events.ndjson",
        "decisions.ndjson",
        "explanations.ndjson",
        f"policies/{world.host.status().policy}.json",
    }
    about = msgspec.json.decode(files["about.json"])
    assert (about["subject"]["id"], about["form"], about["facts"]["victims"]) == ("a1", WHOLE, 3)
    decided, _ = map(msgspec.json.decode, files["decisions.ndjson"].splitlines())
    assert decided["decision"]["rules"][0]["id"] == "reported"
    explained, _ = map(msgspec.json.decode, files["explanations.ndjson"].splitlines())
    assert explained["rules"][0]["when"] == "told >= 2"
    assert "told = count(" in files[verdict.files[-1].name]
    reports = [msgspec.json.decode(line) for line in files["reports.ndjson"].splitlines()]
    assert [one["reporter"] for one in reports] == ["reporter-1", "reporter-2", "service:shop".partition(":")[2]]
    assert reports[0]["text"] == "asked for money, says reporter-2 too"
    assert not any('"u1"' in text or '"u2"' in text for text in files.values())
    # What has changed is another bundle.
    telling.cases.note(case, "kim", "more")
    assert telling.bundling.of_clue(clue).id != first.id


@pytest.mark.parametrize("mode", ["none", "named"])
def test_reporters_as_the_form_allows(mode: str) -> None:
    world, case = reported()
    authority = msgspec.structs.replace(REGULATOR, reporters=mode)
    telling = Telling(world, authority)
    clue = telling.draft(case=case, authority="regulator", fields={})
    files = telling.files(telling.bundling.of_clue(clue).id)
    every = "".join(files.values())
    assert ('"u1"' in every) == (mode == "named")
    assert ("call me" in every) == (mode == "named")


def test_a_bundle_that_is_too_large() -> None:
    world, case = reported()
    telling = Telling(world, REGULATOR, limit=4000)
    clue = telling.draft(case=case, authority="regulator", fields={})
    with pytest.raises(TooLargeError, match="larger than 4,000 bytes"):
        telling.clues.approve(clue.id, "lee")
    assert telling.clues.get(clue.id).state == "drafted"


def test_who_is_told() -> None:
    telling = plain()

    def chosen(**facts: object) -> dict[str, str]:
        found = telling.clues.choose(Facts(**facts))  # type: ignore[arg-type]
        return {one.authority: one.clock for one in found if one.told}

    assert chosen(category="scam", markets=("SG",), victims=2) == {"police": "clue", "regulator": "clue"}
    assert chosen(category="scam", markets=("SG",), threat_to_life=True)["police"] == "clue-at-once"
    lost = (Loss(amount=99_999, currency="SGD"), Loss(amount=1, currency="SGD"), Loss(amount=9, currency="USD"))
    assert "police" in chosen(category="scam", markets=("SG",), losses=lost)
    assert "police" not in chosen(category="scam", markets=("SG",), losses=lost[:1])
    # Where nobody else is competent.
    assert chosen(category="scam", markets=("FR",)) == {"office": "clue"}
    told = {one.authority: one.why for one in telling.clues.choose(Facts(category="spam", markets=("SG",)))}
    assert told["police"] == ("it is not competent for: spam",)
    assert told["office"] == ("another authority is competent",)
    with pytest.raises(StepError, match="not competent for: spam"):
        telling.draft(facts=Facts(category="spam", markets=("SG",)))
    below = telling.draft(facts=Facts(category="scam", markets=("SG",), victims=1))
    assert (below.duty, below.why[0]) == ("", "below its thresholds")


def test_owed_from_the_moment_that_it_is_known() -> None:
    telling = plain()
    clues = telling.clues
    facts = Facts(category="scam", markets=("SG",), victims=2)
    known_us = telling.time() - HOUR_US
    _, duties = clues.assess("kim", facts, subject=("account", "a1"), known_us=known_us)
    assert [(duty.clock.id, duty.starts_us) for duty in duties] == [("clue", known_us)] * 2
    _, again = clues.assess("kim", facts, subject=("account", "a1"))
    assert [duty.id for duty in again] == [duty.id for duty in duties]
    clue = telling.draft()
    assert clue.duty in {duty.id for duty in duties}
    clues.withdraw(clue.id, "kim", "first another look")
    assert telling.duties.get(clue.duty).state == "open"
    other = telling.draft()
    assert other.duty == clue.duty
    clues.withdraw(other.id, "kim", "it was a joke", owed=False)
    assert telling.duties.get(clue.duty).state == "cancelled"
    with pytest.raises(UsageError, match="case or a subject"):
        clues.assess("kim", facts)
    with pytest.raises(NotFoundError):
        clues.assess("kim", facts, case="none")


def test_told_twice_is_refused_or_a_supplement() -> None:
    telling = plain()
    clues = telling.clues
    first = telling.draft(decisions=(3, 5))
    with pytest.raises(StepError, match=f"{first.id} about it has not been sent"):
        telling.draft(decisions=(9,))
    clues.approve(first.id, "lee")
    clues.send(first.id, "kim")
    with pytest.raises(StepError, match=f"supplement it: of = {first.id}"):
        telling.draft(decisions=(5, 6))
    with pytest.raises(StepError, match="no clue about it"):
        telling.draft(decisions=(5, 6), of="k99999")
    clues.feedback(first.id, "kim", "more_wanted", "bank statements?")
    clues.feedback(first.id, "kim", "more_wanted", "please")
    more = clues.get(first.id).more
    assert telling.duties.get(more).state == "open"
    supplement = telling.sent(decisions=(5, 6), of=first.id)
    assert (supplement.of, supplement.duty) == (first.id, "")
    assert telling.duties.get(more).state == "done"
    # Other evidence, another subject, another authority.
    telling.sent(decisions=(7,))
    telling.sent(entity="a2", kind="account", decisions=(5,), facts=msgspec.structs.replace(MANY, category="scam"))
    telling.sent(authority="regulator", decisions=(5,), fields={})
    assert len(letters(telling)) == 4
    assert len(clues.find(DossierQuery(party="police"))) == 4
    assert len(clues.find(DossierQuery(subject="account:a1", states=("sent",)))) == 3


def test_by_hand_says_how() -> None:
    telling = plain()
    clue = telling.draft(authority="regulator", fields={})
    telling.clues.approve(clue.id, "kim")
    with pytest.raises(StepError, match="by hand"):
        telling.clues.send(clue.id, "kim")
    telling.clues.reopen(clue.id, "kim", "a word is wrong")
    assert telling.clues.get(clue.id).bundle == ""
    with pytest.raises(NotFoundError, match="no evidence yet"):
        telling.clues.bundle(telling.clues.get(clue.id))
    telling.clues.approve(clue.id, "kim")
    assert telling.clues.send(clue.id, "kim", "on its portal, number 7").sent_as == "on its portal, number 7"
    assert letters(telling) == []
    police = telling.draft()
    telling.clues.approve(police.id, "lee")
    with pytest.raises(StepError, match="by outbox"):
        telling.clues.send(police.id, "kim", "by post")


def test_sent_once_whoever_comes_at_the_same_time(opened: Callable[[], Store]) -> None:
    world = World(opened())
    case = world.open(market="SG").id
    telling = Telling(world)
    won: list[str] = []
    start = Barrier(4)

    def run(name: str, take: Callable[[], object]) -> None:
        start.wait()
        if not refused(take):
            won.append(name)

    def together(*takes: tuple[str, Callable[[], object]]) -> None:
        threads = [Thread(target=run, args=take) for take in takes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    together(*[("draft", partial(telling.draft, case=case))] * 4)
    (clue,) = telling.clues.find(DossierQuery())
    telling.clues.approve(clue.id, "lee")
    together(
        *[("send", partial(telling.clues.send, clue.id, "kim"))] * 3,
        ("note", partial(telling.cases.note, case, "max", "meanwhile")),
    )
    assert sorted(won) == ["draft", "note", "send"]
    assert len(letters(telling)) == 1
    assert len(telling.duties.of(f"case:{case}")) == 3  # to decide it, to tell the police, to tell the regulator


def test_authorities_are_data() -> None:
    shipped = {one.id for one in shipped_regimes().authorities}
    assert {"SG-SPF", "CN-PSB", "EU-POLICE", "EU-EUROPOL", "TW-NPA", "AU-ACCC"} <= shipped
    telling = Telling(World(), *shipped_regimes().authorities)
    life = telling.clues.choose(Facts(markets=("FR",), threat_to_life=True))
    assert [one.authority for one in life if one.told] == ["EU-EUROPOL"]
    own = decode_regimes('[[authorities]]\nid = "SG-SPF"\nname = "Ours"', "mine.toml")
    assert {one.id: one.name for one in merged([shipped_regimes(), own]).authorities}["SG-SPF"] == "Ours"
    for wrong, why in (
        ('way = "outbox"', "needs a target"),
        ('fields = [{name = "a", title = "A"}, {name = "a", title = "B"}]', "same name"),
        ('fields = [{name = "a", title = "A", pattern = "("}]', "the field a"),
        ("odd = 1", "odd"),
    ):
        with pytest.raises(RegimeError, match=why):
            decode_regimes(f'[[authorities]]\nid = "x"\nname = "X"\n{wrong}', "mine.toml")
    for clock in ("none", "order"):
        with pytest.raises(RegimeError):
            Telling(World(), Authority(id="x", name="X", clock=clock))
    with pytest.raises(NotFoundError, match="did you mean police"):
        Telling(World(), POLICE).clues.authority("polise")


def test_archived_days_give_the_same_evidence() -> None:
    world, case = reported()
    telling = Telling(world)
    clue = telling.draft(case=case)
    before = telling.bundling.of_clue(clue)
    asked = telling.ask()
    scope = telling.bundling.upto_now(Scope(entities=asked.entities, data=("events", "decisions")))
    answer = telling.bundling.of_request(asked, scope)
    telling.time.on(DAY_US)
    world.report("later", entity="a9")
    world.errands.run()
    world.host.snapshot().result()
    store = telling.store
    moved: list[str] = []
    archiving = Archiving(store.journal, store.archived, store.snapshots, store.shelf, telling.time)
    archiving.run(None, lambda day: moved.append(day.day))
    assert moved == ["2026-01-05"]
    assert telling.bundling.of_clue(clue).id == before.id
    assert telling.bundling.of_request(asked, scope).id == answer.id
    assert len(telling.files(answer.id)["events.ndjson"].splitlines()) == 3
