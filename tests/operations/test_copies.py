"""What an order names comes again: whatever kind it is of, it is stopped, on record, and let in when the order ends."""

from __future__ import annotations

import msgspec

from tests.operations.orders_kit import Bench
from tests.service.kit import DECODER, compile_policy, host_over
from trustward.base.units import format_time
from trustward.bootstrap.policies import packs
from trustward.model.stored import StoredPolicy
from trustward.operations.copies import CopyWanted
from trustward.operations.deciding import Deciding
from trustward.operations.directives import TargetWanted
from trustward.operations.errands import Errands

BLOCKED = {
    "phone": "+6591234567",
    "email": "s@evil.example.info",
    "device": "d1",
    "payment_account": "p1",
    "card": "c1",
    "url": "http://evil.example.info/a",
    "domain": "evil.example.info",
}
WORDS = "please send the money to this account"
COPIES = (CopyWanted(kind="text", value=WORDS), CopyWanted(kind="image", value="ffee"))
IN_TEXTS = """
rule(
    id="blocked-contact-again-in-texts", on="message.sent", when=any_in(phones(event.text), listed("blocked-phone")),
    then=hold(event), reason="a number that has been blocked", owner="me",
    hits=[[given(listed("blocked-phone", "+6591234567")), {"sender": "a", "text": "+65 9123 4567"}]],
    misses=[{"sender": "a", "text": "+65 9123 4567"}],
)
"""
NAMING: dict[str, dict[str, object]] = {
    "phone": {"type": "account.registered", "account": "a1", "phone": "+6591234567"},
    "phone in a text": {"type": "message.sent", "sender": "a1", "text": "call me: +65 9123 4567"},
    "email": {"type": "merchant.updated", "account": "a1", "merchant": "m1", "email": "s@evil.example.info"},
    "device": {"type": "signin.succeeded", "account": "a1", "device": "d1"},
    "payment_account": {"type": "beneficiary.added", "account": "a1", "payment_account": "p1"},
    "card": {"type": "card.added", "account": "a1", "card": "c1"},
    "url": {"type": "listing.created", "account": "a1", "listing": "l1", "urls": ["http://evil.example.info/a"]},
    "domain": {"type": "comment.posted", "account": "a1", "comment": "c1", "domains": ["evil.example.info"]},
    "text": {
        "type": "review.posted",
        "account": "a1",
        "review": "r1",
        "text": "Please send: the money to this account!",
    },
    "text on offer": {"type": "listing.updated", "account": "a1", "listing": "l1", "description": WORDS},
    "image": {"type": "listing.created", "account": "a1", "listing": "l2", "images": ["ffee"]},
    "domain alone": {
        "type": "link.posted",
        "account": "a1",
        "url": "http://evil.example.info/b",
        "domain": "evil.example.info",
    },
}


def policy() -> StoredPolicy:
    """The pack's rules on what is blocked, and one of the service's own that reads texts."""
    root = packs()["starter"]
    texts = [(f"lists/{path.name}", path.read_text("utf-8")) for path in sorted(root.glob("lists/blocked-*.txt"))]
    sources = (
        ("blocked.policy", (root / "blocked.policy").read_text("utf-8")),
        ("own.policy", IN_TEXTS),
        *((name, text) for name, text in texts if "likeness" not in name),
    )
    made = compile_policy(StoredPolicy(hash="", name="mine", sources=sources))
    return StoredPolicy(hash=made.hash, name="mine", sources=sources, actor="kim")


def stopped(bench: Bench, host: Deciding, what: str) -> dict[str, bool]:
    """What of all that names something blocked is held."""
    events = [
        {**fields, "id": f"{what}-{number}", "time": format_time(bench.time())}
        for number, fields in enumerate(NAMING.values())
    ]
    decoded = DECODER.decode_lines(b"\n".join(map(msgspec.json.encode, events)))
    assert not decoded.rejects
    answers = host.submit(decoded.events).result()
    return {name: answers.decision(at).verdict == "hold" for at, name in enumerate(NAMING)}


def test_whatever_an_order_blocks_is_kept_out_from_then_on() -> None:
    bench = Bench()
    host = host_over(bench.store, initial=policy(), clock=bench.time)
    host.start()
    errands = Errands(bench.store, host, DECODER)
    assert set(stopped(bench, host, "before").values()) == {False}
    targets = tuple(TargetWanted(kind=kind, entity=entity, do="block") for kind, entity in BLOCKED.items())
    order = bench.executed(type="stop_communication", targets=targets, similar="identical", copies=COPIES)
    assert set(bench.states(order.id)) == {"done"}
    assert errands.run() == len(BLOCKED) + len(COPIES)
    assert set(stopped(bench, host, "while").values()) == {True}
    assert bench.executing.follow() == len(NAMING)
    found = {copy.kind: copy.hits for copy in bench.store.orders.copies(order.id)}
    assert found == {**dict.fromkeys(BLOCKED, 1), "phone": 2, "domain": 2, "text": 2, "image": 1}
    bench.dealing.withdraw(order.id, "kim", "the case is closed", "Sgt Lim")
    bench.work()
    errands.run()
    assert set(stopped(bench, host, "after").values()) == {False}
    assert bench.executing.follow() == 0
    host.close()


def test_a_target_that_is_not_blocked_is_not_watched() -> None:
    bench = Bench()
    limited = TargetWanted(kind="phone", entity="+6591234567", do="limit")
    order = bench.executed(targets=(limited,), similar="identical")
    assert bench.states(order.id) == ["done"]
    assert list(bench.store.orders.copies(order.id)) == []
