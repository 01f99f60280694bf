"""Requests for information: genuine or not, each against its clocks, and every disclosure on record."""

from __future__ import annotations

import io
from collections.abc import Callable

import msgspec
import pytest

from tests.operations.clue_kit import Telling, plain, reported
from tests.operations.kit import DAY_US, HOUR_US
from tests.operations.test_cases import World
from trustward.base.errors import NotFoundError, StepError, UsageError
from trustward.base.units import format_time
from trustward.exchange.evidence import verify
from trustward.model.dossier import DossierQuery
from trustward.model.duty import DutyQuery
from trustward.model.effect import outgoing
from trustward.model.request import Withheld
from trustward.operations.requests import Answering, Due
from trustward.ports import Store

WHY = (Withheld(what="chats", reason="needs a judge"),)


def test_answered_in_whole() -> None:
    world, case = reported()
    telling = Telling(world)
    requests = telling.requests
    asked = telling.ask(cause="order:17", clocks=(Due(clock="SG-OCC-information", due_us=telling.time() + DAY_US),))
    (duty,) = map(telling.duties.get, asked.duties)
    assert (duty.subject, duty.due_us) == (f"request:{asked.id}", telling.time() + DAY_US)
    given = Answering(actor="kim", handed="by its portal")
    with pytest.raises(StepError, match="received"):
        requests.answer(asked.id, given)
    requests.verify(asked.id, "lee", "rang the station back", genuine=True)
    telling.time.on(HOUR_US)
    answered = requests.answer(asked.id, given)
    assert (answered.state, answered.withheld) == ("answered", ())
    assert telling.duties.get(duty.id).state == "done"
    bundle = requests.bundle(answered)
    content = b"".join(telling.store.bundles.read(bundle.id))
    assert verify(io.BytesIO(content), telling.key.public).fine
    files = telling.files(bundle.id)
    about = msgspec.json.decode(files["about.json"])
    assert (about["basis"], about["given"]["up_to_entry"]) == ("s 47", telling.store.journal.head())
    assert len(files["events.ndjson"].splitlines()) == 3
    assert case in files["cases.ndjson"]
    # Who had reported is not what was asked.
    assert not any('"u1"' in text or '"u2"' in text for text in files.values())
    (made,) = requests.disclosures(DossierQuery())
    assert (made.by, made.basis, made.actor, made.cause) == ("police", "s 47", "kim", f"request:{asked.id}")
    assert requests.disclosures(DossierQuery(), ("account", "a1")) == [made]
    assert requests.disclosures(DossierQuery(), ("account", "a9")) == []
    # The same again, made of what was given then: whatever came in since changes nothing.
    world.report("u9")
    world.errands.run()
    assert answered.scope is not None
    again = msgspec.structs.replace(answered.scope, data=("events",))
    before = telling.bundling.of_request(answered, again)
    world.report("u8")
    world.errands.run()
    assert telling.bundling.of_request(answered, again).id == before.id
    with pytest.raises(StepError, match="answered"):
        requests.refuse(asked.id, "kim", "no", "by letter")
    assert [page.what for page in requests.file(asked.id)] == ["received", "verified", "answered"]
    assert [one.id for one in requests.find(DossierQuery(cause="order:17"))] == [asked.id]


def test_less_than_was_asked_needs_a_reason() -> None:
    world, _ = reported()
    telling = Telling(world)
    requests = telling.requests
    asked = telling.ask(entities=(("account", "a1"), ("account", "a2")), to_us=telling.time() + DAY_US)
    requests.verify(asked.id, "lee", "known desk", genuine=True)
    less = Answering(actor="kim", handed="by courier", data=("events",), entities=(("account", "a1"),))
    with pytest.raises(UsageError, match="no reason"):
        requests.answer(asked.id, less)
    more = msgspec.structs.replace(less, entities=(("account", "a3"),), data=("odd",))
    with pytest.raises(StepError, match="account:a3, odd"):
        requests.answer(asked.id, more)
    with pytest.raises(UsageError, match="by hand"):
        requests.answer(asked.id, msgspec.structs.replace(less, handed=""))
    answered = requests.answer(asked.id, msgspec.structs.replace(less, withheld=WHY, to_us=telling.time() - DAY_US))
    files = telling.files(answered.bundle)
    assert set(files) == {"readme.txt", "about.json", "manifest.json", "manifest.sig"}
    about = msgspec.json.decode(files["about.json"])
    assert about["withheld"] == [{"what": "chats", "reason": "needs a judge"}]
    assert about["given"]["to"] == format_time(telling.time() - DAY_US)


def test_not_genuine_refused_nothing_withdrawn(opened: Callable[[], Store]) -> None:
    telling = Telling(World(opened()))
    requests = telling.requests
    false = telling.ask()
    assert requests.verify(false.id, "lee", "no such officer", genuine=False).state == "rejected"
    assert telling.duties.get(false.duties[0]).state == "cancelled"
    with pytest.raises(StepError, match="rejected"):
        requests.answer(false.id, Answering(actor="kim", handed="x"))
    refused = telling.ask()
    requests.verify(refused.id, "lee", "known desk", genuine=True)
    assert requests.refuse(refused.id, "kim", "no power to ask", "by letter").reasons == "no power to ask"
    nothing = telling.ask()
    requests.verify(nothing.id, "lee", "known desk", genuine=True)
    assert requests.nothing_found(nothing.id, "kim", "no such account", "by letter").state == "nothing_found"
    gone = telling.ask()
    requests.withdraw(gone.id, "kim", "they have it by now")
    requests.note(gone.id, "kim", "a call")
    for one, state in ((refused, "done"), (nothing, "done"), (gone, "cancelled")):
        assert telling.duties.get(one.duties[0]).state == state
    with pytest.raises(NotFoundError):
        requests.bundle(requests.get(refused.id))
    assert requests.disclosures(DossierQuery(secret=True)) == []
    with pytest.raises(NotFoundError):
        requests.get("none")


def test_emergencies_go_first() -> None:
    telling = plain()
    asked = telling.ask(emergency=True, clocks=(Due(clock="information"),))
    clocks = {telling.duties.get(duty).clock.id: telling.duties.get(duty).due_us for duty in asked.duties}
    assert clocks["information-emergency"] == telling.time() + HOUR_US
    assert set(clocks) == {"information-emergency", "information"}
    assert len(telling.ask(emergency=True).duties) == 1


def test_by_the_outbox() -> None:
    telling = plain()
    asked = telling.ask(target="police-bridge")
    telling.requests.verify(asked.id, "lee", "known desk", genuine=True)
    with pytest.raises(UsageError, match="by the outbox"):
        telling.requests.answer(asked.id, Answering(actor="kim", handed="x"))
    telling.requests.answer(asked.id, Answering(actor="kim"))
    bodies = [outgoing(row.body) for row in telling.store.outbox.waiting(99)]
    assert [(body.to, body.says["reference"]) for body in bodies if body.action.do == "submit"] == [
        ("police-bridge", "P/1")
    ]


def test_a_secret_one_leaves_no_trace() -> None:
    world, _ = reported()
    telling = Telling(world)
    audit = len(telling.store.audit.read(0, 999))
    letters = len(telling.store.outbox.waiting(999))
    asked = telling.ask(secret=True, emergency=True)
    telling.requests.verify(asked.id, "lee", "rang back", genuine=True)
    telling.requests.answer(asked.id, Answering(actor="kim", handed="in person"))
    assert len(telling.store.audit.read(0, 999)) == audit
    assert len(telling.store.outbox.waiting(999)) == letters
    assert list(telling.requests.find(DossierQuery())) == []
    assert list(telling.requests.disclosures(DossierQuery())) == []
    assert list(telling.requests.disclosures(DossierQuery(), ("account", "a1"))) == []
    assert len(telling.requests.disclosures(DossierQuery(secret=True), ("account", "a1"))) == 1
    assert not any(asked.id in duty.subject for duty in telling.duties.find(DutyQuery()))
    assert all(telling.duties.get(duty).secret for duty in asked.duties)
    bundle = telling.requests.bundle(telling.requests.get(asked.id))
    assert bundle.secret
    assert len(telling.requests.file(asked.id)) == 3


def test_what_cannot_be_asked() -> None:
    telling = plain()
    for wrong in (
        {"basis": ""},
        {"by": " "},
        {"contact": ""},
        {"entities": ()},
        {"data": ()},
        {"from_us": 5, "to_us": 5},
        {"secret": True, "target": "bridge"},
        {"clocks": (Due(clock="information"),) * 11},
        {"clocks": (Due(clock="SG-OCC-information"),)},
    ):
        with pytest.raises(UsageError):
            telling.ask(**wrong)
    first = telling.ask(id="mine")
    assert telling.ask(id="mine") == first
    with pytest.raises(StepError, match="another"):
        telling.ask(id="mine", basis="s 48")
