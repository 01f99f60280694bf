"""Orders from authorities: taken in, checked, carried out, answered, varied, withdrawn, challenged."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.operations.kit import DAY_US, HOUR_US, START_US
from tests.operations.orders_kit import KEY, PEM, Bench
from trustward.base.errors import ConflictError, NotFoundError, RegimeError, StepError, UsageError
from trustward.model.changes import ListChange, decode_change
from trustward.model.directive import OrderQuery
from trustward.model.effect import outgoing
from trustward.operations.authenticity import decoded, fits
from trustward.operations.copies import CopyWanted
from trustward.operations.directives import ClockWanted, TargetWanted
from trustward.ports import Store


def test_a_straight_order(opened: Callable[[], Store]) -> None:
    bench = Bench(opened())
    order = bench.receive("a1", "a2")
    assert (order.state, order.market, "acknowledgement" in order.told) == ("received", "SG", True)
    with pytest.raises(StepError):
        bench.dealing.execute(order.id, "kim")
    assert bench.work() == 0
    bench.directives.call_back(order.id, "kim", channel="desk", spoke_to="Sgt Lim", said="it is ours")
    bench.dealing.execute(order.id, "kim")
    assert bench.work() == 3
    order = bench.directives.get(order.id)
    assert (order.state, bench.states(order.id)) == ("executed", ["done", "done"])
    assert (bench.in_force("a1"), bench.in_force("a2")) == (["suspend"], ["suspend"])
    comply, completion = (bench.duties.get(clocked.duty) for clocked in order.duties)
    assert (comply.state, completion.state) == ("done", "open")
    order = bench.dealing.report(order.id, "kim", "both are stopped")
    assert (order.state, bench.duties.get(completion.id).state) == ("reported", "done")
    assert bench.whats(order.id) == [
        "received", "told", "authentic", "executing", "executed", "carried_out", "reported",
    ]  # fmt: skip
    assert len(bench.store.audit.read(0, 99)) > 7
    assert list(bench.store.audit.read_secret(0, 99)) == []
    with pytest.raises(StepError, match="reported"):
        bench.dealing.report(order.id, "kim")


def test_the_same_order_again_is_the_first_one() -> None:
    bench = Bench()
    first = bench.receive("a1")
    assert bench.receive("a1").id == first.id
    assert bench.receive("a1", channel="portal").id == first.id
    with pytest.raises(ConflictError):
        bench.receive("a2")
    # A secret one under the same reference is another: the answer tells nothing of it.
    secret = bench.receive("a2", secret=True)
    assert secret.id != first.id
    assert bench.receive("a1").id == first.id
    assert [one.id for one in bench.directives.find(OrderQuery())] == [first.id]
    with pytest.raises(NotFoundError):
        bench.directives.get(secret.id, secret=False)


def test_what_cannot_be_taken_in() -> None:
    bench = Bench()
    for fields in ({"basis": " "}, {"targets": ()}, {"signature": b"x"}, {"clocks": (ClockWanted(clock="order"),)}):
        with pytest.raises(UsageError):
            bench.receive("a1", **fields)
    with pytest.raises(RegimeError):
        bench.receive("a1", clocks=(ClockWanted(clock="nonsense", due_us=1),))
    with pytest.raises(UsageError, match="lifted"):
        bench.receive(targets=(TargetWanted(kind="account", entity="a", do="warn"),))
    with pytest.raises(UsageError, match="words"):
        bench.receive(copies=(CopyWanted(kind="text", value="12 34"),))
    assert bench.directives.find(OrderQuery()) == []


# ---------------------------------------------------------------------- is it theirs?


def test_a_signature_makes_it_authentic() -> None:
    bench = Bench()
    document = b"stop a1"
    order = bench.receive("a1", document=document, signature=KEY.sign(document))
    assert order.authentic is not None
    assert (order.state, order.authentic.how, order.digest) == ("accepted", "signature", sha256(document).hexdigest())


def test_a_signature_that_does_not_fit_changes_nothing() -> None:
    bench = Bench()
    order = bench.receive("a1", document=b"stop a1", signature=KEY.sign(b"stop a2"))
    assert (order.state, "signature_wrong" in bench.whats(order.id)) == ("received", True)
    with pytest.raises(StepError, match="another document"):
        bench.directives.signature(order.id, "kim", b"stop a2", KEY.sign(b"stop a2"))
    with pytest.raises(StepError):
        bench.dealing.execute(order.id, "kim")
    order = bench.directives.signature(order.id, "kim", b"stop a1", KEY.sign(b"stop a1"))
    assert order.state == "accepted"


def test_a_signed_document_makes_one_order_authentic() -> None:
    bench = Bench()
    document = b"stop a1"
    bench.receive("a1", document=document, signature=KEY.sign(document))
    other = bench.receive("a2", reference="R/2", document=document, signature=KEY.sign(document))
    assert (other.state, "signature_used" in bench.whats(other.id)) == ("received", True)
    again = bench.directives.signature(other.id, "kim", document, KEY.sign(document))
    assert again.state == "received"
    called = bench.directives.call_back(other.id, "kim", channel="desk", spoke_to="Ms Tan", said="a2 as well")
    assert called.state == "accepted"


def test_a_channel_of_its_own_makes_it_authentic() -> None:
    bench = Bench()
    order = bench.receive("a1", actor="key:k1")
    assert order.authentic is not None
    assert (order.state, order.authentic.how, order.authentic.channel) == ("accepted", "channel", "api")


def test_calling_back_takes_a_channel_that_is_known() -> None:
    bench = Bench()
    order = bench.receive("a1")
    for channel in ("api", "the number in the letter", ""):
        with pytest.raises(StepError, match="verified"):
            bench.directives.call_back(order.id, "kim", channel=channel, spoke_to="x", said="y")
    with pytest.raises(UsageError):
        bench.directives.call_back(order.id, "kim", channel="desk", spoke_to="", said="y")
    stranger = bench.receive("a1", issuer="polise")
    assert (stranger.state, "acknowledgement" in stranger.told) == ("received", False)
    with pytest.raises(StepError, match="known issuers"):
        bench.directives.call_back(stranger.id, "kim", channel="desk", spoke_to="x", said="y")
    gone = bench.directives.reject(stranger.id, "kim", "nobody there knows of it")
    assert gone.state == "rejected"
    assert {bench.duties.get(one.duty).state for one in gone.duties} == {"cancelled"}
    assert bench.work() == 0
    assert bench.in_force("a1") == []


@pytest.mark.parametrize("kind", ["rsa", "ec", "late"])
def test_certificates(kind: str) -> None:
    private = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "police")])
    begins = datetime.fromtimestamp(START_US / 1e6, UTC) - timedelta(days=1 if kind != "late" else -1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=30))
        .sign(private, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM).decode()
    if isinstance(private, rsa.RSAPrivateKey):
        signature = private.sign(b"x", PKCS1v15(), SHA256())
    else:
        signature = private.sign(b"x", ec.ECDSA(SHA256()))
    if kind == "late":
        with pytest.raises(UsageError, match="not valid"):
            fits(pem, b"x", signature, START_US)
        return
    assert fits(pem, b"x", signature, START_US)[0]
    assert not fits(pem, b"y", signature, START_US)[0]
    with pytest.raises(RegimeError):
        fits("-----BEGIN CERTIFICATE-----", b"x", signature, START_US)


def test_base64_is_strict() -> None:
    assert decoded(b64encode(KEY.sign(b"x")).decode(), "signature") == KEY.sign(b"x")
    with pytest.raises(UsageError, match="base64"):
        decoded("n*t", "signature")
    assert not fits(PEM, b"x", b"short", START_US)[0]


# ---------------------------------------------------------------------- carrying out


def test_thousands_of_targets_go_on_where_a_worker_stopped() -> None:
    bench = Bench()
    order = bench.accepted(*[f"a{at}" for at in range(160)])
    bench.dealing.execute(order.id, "kim")
    assert bench.executing.work() == 50
    other = Bench(bench.store)
    other.enforcing = bench.enforcing
    assert bench.store.orders.counts(order.id) == {"done": 50, "waiting": 110}
    assert bench.executing.work() == 50
    assert bench.work() == 61
    assert bench.store.orders.counts(order.id) == {"done": 160}
    assert len({target.measure for target in bench.targets(order.id)}) == 160
    assert len(bench.enforcing.of(order.cause)) == 160


def test_what_no_measure_does_is_for_a_person() -> None:
    bench = Bench()
    order = bench.accepted(
        type="disable", targets=(TargetWanted(kind="message", entity="m1"), TargetWanted(kind="email", entity="a@b.c"))
    )
    bench.dealing.execute(order.id, "kim")
    bench.work()
    assert bench.states(order.id) == ["done", "by_hand"]
    assert bench.directives.get(order.id).state == "executing"
    with pytest.raises(StepError):
        bench.dealing.report(order.id, "kim")
    bench.dealing.mark(order.id, "lee", 2, "unclear", "which mailbox?")
    bench.work()
    assert bench.directives.get(order.id).state == "executing"
    bench.dealing.mark(order.id, "lee", 2, "unable", "there is no such mailbox here")
    with pytest.raises(StepError):
        bench.dealing.mark(order.id, "lee", 1, "unable", "no")
    with pytest.raises(NotFoundError):
        bench.dealing.mark(order.id, "lee", 3, "done", "yes")
    bench.work()
    order = bench.directives.get(order.id)
    comply = bench.duties.get(order.duties[0].duty)
    assert (order.state, comply.state) == ("executed", "open")
    bench.dealing.report(order.id, "kim")
    assert bench.duties.get(comply.id).state == "done"
    outcome = [body for body in bench.told() if body[1] == "order.outcome"]
    assert outcome == [("inform", "order.outcome", False)]


def test_the_note_of_a_label_is_the_label() -> None:
    bench = Bench()
    targets = (
        TargetWanted(kind="account", entity="a1", do="label", note="watched"),
        TargetWanted(kind="account", entity="a2", do="label"),
    )
    order = bench.accepted(type="account_restriction", targets=targets, territory=("SG",))
    bench.dealing.execute(order.id, "kim")
    bench.work()
    assert bench.states(order.id) == ["done", "unable"]  # of the other nobody has said which label
    assert [(one.do, one.note) for one in bench.enforcing.of(order.cause)] == [("label", "watched")]


def test_a_question_stops_the_clocks() -> None:
    bench = Bench()
    order = bench.accepted("a1")
    comply = order.duties[0].duty
    bench.dealing.execute(order.id, "kim")
    bench.dealing.ask(order.id, "kim", "which a1?")
    assert bench.work() == 0
    assert bench.in_force("a1") == []
    assert bench.duties.get(comply).state == "paused"
    # The clock of completion cannot stand still: it goes on, and the file says so.
    assert bench.duties.get(order.duties[1].duty).state == "open"
    bench.time.on(2 * HOUR_US)
    bench.dealing.clarified(order.id, "kim", "the one of January")
    assert bench.duties.get(comply).due_us == START_US + 6 * HOUR_US
    bench.work()
    assert bench.in_force("a1") == ["suspend"]


def test_more_time(opened: Callable[[], Store]) -> None:
    bench = Bench(opened())
    order = bench.accepted("a1")
    until_us = START_US + 9 * HOUR_US
    bench.dealing.extend(order.id, "kim", order.duties[0].duty, until_us=until_us, authority="Sgt Lim", reason="asked")
    assert bench.duties.get(order.duties[0].duty).due_us == until_us
    with pytest.raises(NotFoundError):
        bench.dealing.extend(order.id, "kim", "d1", until_us=until_us, authority="x", reason="y")
    with pytest.raises(UsageError):
        bench.dealing.extend(order.id, "kim", order.duties[0].duty, until_us=until_us, authority="x", reason="y")


def test_what_the_issuer_takes_back_is_lifted(opened: Callable[[], Store]) -> None:
    bench = Bench(opened())
    order = bench.executed("a1", "a2", similar="identical", copies=(CopyWanted(kind="text", value="send money now"),))
    changed = bench.dealing.vary(
        order.id, "kim", "a1 was a mistake", drop=(1,), add=(TargetWanted(kind="account", entity="a3"),)
    )
    assert changed.state == "executing"
    bench.work()
    assert bench.states(order.id) == ["lifted", "done", "done"]
    assert [bench.in_force(entity) for entity in ("a1", "a2", "a3")] == [[], ["suspend"], ["suspend"]]
    bench.time.on(1)
    gone = bench.dealing.withdraw(order.id, "kim", "the case is closed", "Sgt Lim")
    assert gone.state == "withdrawn"
    bench.work()
    assert bench.states(order.id) == ["lifted", "lifted", "lifted"]
    assert [bench.in_force(entity) for entity in ("a1", "a2", "a3")] == [[], [], []]
    assert [one.active for one in bench.store.orders.copies(order.id)] == [False]
    # What was done in time stays so.
    assert bench.duties.get(order.duties[0].duty).state == "done"
    assert bench.duties.get(order.duties[1].duty).state == "cancelled"
    changes = [decode_change(one.body) for one in bench.store.errands.waiting(99) if one.kind == "change"]
    found = [(bool(one.put), bool(one.gone)) for one in changes if isinstance(one, ListChange)]
    assert found == [(True, False), (False, True)]


def test_an_order_that_ends_by_itself() -> None:
    bench = Bench()
    order = bench.executed("a1", until_us=START_US + DAY_US)
    assert bench.in_force("a1") == ["suspend"]
    bench.time.on(DAY_US)
    bench.work()
    assert (bench.directives.get(order.id).state, bench.states(order.id)) == ("expired", ["lifted"])
    assert bench.in_force("a1") == []


def test_another_order_keeps_what_one_lets_go() -> None:
    bench = Bench()
    text = (CopyWanted(kind="text", value="send money now"),)
    first = bench.executed("a1", copies=text)
    second = bench.executed("a1", reference="R-2", copies=text)
    bench.dealing.withdraw(first.id, "kim", "over", "x")
    bench.work()
    assert bench.in_force("a1") == ["suspend"]
    put = [decode_change(one.body) for one in bench.store.errands.waiting(99) if one.kind == "change"]
    assert not any(getattr(one, "gone", ()) for one in put)
    bench.dealing.withdraw(second.id, "kim", "over", "x")
    bench.work()
    assert bench.in_force("a1") == []


def test_objecting_does_not_stop_it() -> None:
    bench = Bench()
    order = bench.accepted("a1")
    bench.dealing.challenge(order.id, "legal", "reconsideration", "it names the wrong account")
    bench.dealing.execute(order.id, "kim")
    bench.work()
    assert bench.in_force("a1") == ["suspend"]
    order = bench.dealing.decided(order.id, "legal", 1, "upheld", "it is the right one", clock="SG-ACT-16")
    appeal = bench.duties.get(order.duties[-1].duty)
    assert (appeal.clock.id, appeal.state) == ("SG-ACT-16", "open")
    with pytest.raises(StepError, match="is decided"):
        bench.dealing.decided(order.id, "legal", 1, "cancelled", "no")
    bench.dealing.challenge(order.id, "legal", "appeal", "the same", to="tribunal")
    assert bench.dealing.decided(order.id, "legal", 2, "cancelled", "the tribunal agrees").state == "withdrawn"
    bench.work()
    assert bench.in_force("a1") == []


def test_plan_and_progress_end_their_clocks_one_by_one() -> None:
    bench = Bench()
    clocks = (
        ClockWanted(clock="SG-ACT-plan", due_us=START_US + HOUR_US),
        ClockWanted(clock="SG-ACT-progress", due_us=START_US + 2 * HOUR_US),
        ClockWanted(clock="SG-ACT-progress", due_us=START_US + 3 * HOUR_US),
        ClockWanted(clock="report-acknowledge", role="acknowledge"),
    )
    order = bench.accepted("a1", clocks=clocks)

    def states() -> list[str]:
        return [bench.duties.get(one.duty).state for one in order.duties]

    assert states() == ["open", "open", "open", "done"]
    bench.dealing.tell(order.id, "kim", "plan", "today")
    assert states() == ["done", "open", "open", "done"]
    bench.dealing.tell(order.id, "kim", "progress", "half of it")
    assert states() == ["done", "done", "open", "done"]
    with pytest.raises(UsageError):
        bench.dealing.tell(order.id, "kim", "outcome", "all of it")


def test_a_secret_order_leaves_by_confidential_targets_only() -> None:
    bench = Bench()
    order = bench.executed("a1", secret=True)
    bench.dealing.report(order.id, "kim")
    measures = bench.enforcing.of(order.cause)
    assert [(one.secret, one.notice) for one in measures] == [(True, "withheld")]
    bench.time.on(2 * DAY_US)
    bench.duties.fire()
    bench.delivering.tidy()
    seen = bench.delivering.lease(["pull"], "w")
    assert seen is not None
    assert [
        outgoing(one.row.body) for one in seen.deliveries if b"R-1" in one.row.body or b"police" in one.row.body
    ] == []
    hidden = bench.delivering.lease(["confidential"], "w")
    assert hidden is not None
    assert all(one.row.key.startswith("s") for one in hidden.deliveries)
    assert not any(order.id.encode() in one.row.body for one in seen.deliveries)
    rows = msgspec.json.encode(list(bench.store.audit.read(0, 999)))
    for canary in (order.id, "R-1", "OCHA", "police"):
        assert canary.encode() not in rows
    assert len(bench.store.audit.read_secret(0, 999)) > 5


def test_the_effort_file_holds_everything() -> None:
    bench = Bench()
    order = bench.executed("a1", "a2", copies=(CopyWanted(kind="image", value="ffee"),))
    handed = bench.delivering.lease(["pull"], "w")
    assert handed is not None
    found = bench.effort.document(order.id)
    assert [target["measures"][0]["do"] for target in found["targets"]] == ["suspend", "suspend"]
    assert found["targets"][0]["measures"][0]["actions"][0]["deliveries"][0]["state"] == "waiting"
    assert [page["what"] for page in found["pages"]] == bench.whats(order.id)
    assert [clock["duty"]["clock"] for clock in found["clocks"]] == ["SG-ACT-comply", "SG-ACT-completion"]
    assert found["kept_out"][0]["value"] == "ffee"
    assert [letter["step"] for letter in found["letters"]][:1] == ["order.acknowledgement"]
    digest = found.pop("digest")
    assert sha256(msgspec.json.encode(found, order="sorted")).hexdigest() == digest
