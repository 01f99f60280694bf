"""Tricky conditions against a reader of their own: each is told a second time, plainly, over the bare history.

Nothing of the language is used on the second side: values are looked up in the events' fields, windows are counted by
going through all earlier events, and logic has three values. The engine must agree one by one, in batches and when it
traces rules part by part.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.policy.kit import event, policy, rule
from trustward.engine.engine import Engine
from trustward.policy import Policy
from trustward.policy.workspace import ListSpec

FOREVER = 2**62
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
START = datetime(2026, 1, 5, tzinfo=UTC)
LISTS = {
    "partners": ListSpec("account", ("a1", "a2")),
    "words": ListSpec("text", ("SGD", "en")),
    "nothing": ListSpec("account", ()),
    "bad": ListSpec("url", ("u1",)),
}
NAMES = """
sent_10m = count(by=event.sender, within="10m", of="message.sent")
met_10m = distinct(event.recipient, by=event.sender, within="10m", of="message.sent")
forwarded_10m = count(by=event.sender, within="10m", of="message.sent", where=event.forwarded)
not_short_10m = count(by=event.sender, within="10m", of="message.sent", where=not event.length < 5)
pair_10m = count(by=(event.sender, event.recipient), within="10m", of="message.sent")
link_10m = count(by=event.urls, within="10m", of="message.sent")
mean_10m = mean(event.length, by=event.sender, within="10m", of="message.sent")
least_10m = smallest(event.length, by=event.sender, within="10m", of="message.sent")
before = previous(event.length, by=event.sender, of="message.sent")
pause = since(by=event.sender, of="message.sent")
seen = age(event.sender)
spent_10m = total(event.amount, by=(event.account, event.currency), within="10m", of="payment.requested")
spent_sgd_10m = total(event.amount, by=event.account, within="10m", of="payment.requested",
    where=event.currency == "SGD")
confirmed = count(by=event.account, within="10m", delay="5m", of="payment.requested", where=event.fraud_confirmed)
paid_then = mean(minor(event.amount), by=event.account, within="10m", delay="5m", of="payment.requested")
"""
Three = bool | None
_OPS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def both(*parts: Three) -> Three:
    return False if False in parts else None if None in parts else True


def either(*parts: Three) -> Three:
    return True if True in parts else None if None in parts else False


def no(part: Three) -> Three:
    return None if part is None else not part


def cmp(left: Any, op: str, right: Any) -> Three:
    return None if left is None or right is None else bool(_OPS[op](left, right))


def isin(value: Any, group: Iterable[Any] | None) -> Three:
    return None if value is None or group is None else value in group


def div(left: Any, right: Any) -> Any:
    return None if left is None or not right else left / right


def sub(left: Any, right: Any) -> Any:
    return None if left is None or right is None else left - right


class Past:
    """The history up to and with the present event, as bare fields."""

    def __init__(self, history: list[dict[str, Any]], labels: dict[tuple[str, str], int]) -> None:
        self.now = history[-1]
        self.t: int = self.now["us"]
        self.history = history
        self.labels = labels

    def __getattr__(self, name: str) -> Any:
        return self.now.get(name)

    def fed(
        self,
        kind: str,
        fields: tuple[str, ...],
        window: int,
        keep: Callable[[dict[str, Any]], Three] = lambda _: True,
        delay: int = 0,
        read: tuple[str, ...] = (),
    ) -> list[dict[str, Any]] | None:
        """The events in a window, or None where the present one lacks the key."""
        key = [self.now.get(field) for field in read or fields]
        if None in key or "" in key:
            return None
        return [
            past
            for past in self.history
            if past["type"] == kind
            and [past.get(field) for field in fields] == key
            and keep(past) is True
            and self.t - delay - window < past["us"] <= self.t - delay
        ]

    def count(self, *given: Any, **more: Any) -> Any:
        found = self.fed(*given, **more)
        return None if found is None else len(found)

    def values(self, field: str, *given: Any, **more: Any) -> list[Any] | None:
        found = self.fed(*given, **more)
        return None if found is None else [past[field] for past in found if past.get(field) is not None]

    def earlier(self) -> list[dict[str, Any]]:
        return [p for p in self.history[:-1] if p["type"] == "message.sent" and p["sender"] == self.sender]

    def labelled(self, entity: str | None, label: str) -> Three:
        return None if not entity else self.labels.get((entity, label), 0) > self.t


S = ("message.sent", ("sender",), 10 * MINUTE)
P = ("payment.requested", ("account",), 10 * MINUTE)
Meaning = Callable[[Past], Three]


def mean(values: list[Any] | None) -> Any:
    return sum(values) / len(values) if values else None


def least(values: list[Any] | None) -> Any:
    return min(values) if values else None


def spent(past: Past) -> Any:
    found = past.values("amount", "payment.requested", ("account", "currency"), 10 * MINUTE)
    return None if found is None else sum(found)


def paid_then(past: Past) -> Any:
    return mean(past.values("amount", *P, delay=5 * MINUTE))


def table(past: Past, amount: Any, op: str, amounts: dict[str, int]) -> Three:
    return cmp(amount, op, amounts.get(past.currency))


def link_count(past: Past) -> Any:
    seen = [
        sum(
            url in dict.fromkeys(p.get("urls") or ()) and past.t - 10 * MINUTE < p["us"]
            for p in past.history
            if p["type"] == "message.sent"
        )
        for url in past.urls or ()
    ]
    return max(seen) if seen else None


MESSAGES: list[tuple[str, Meaning]] = [
    ("not (event.length > 5 and event.forwarded)", lambda p: no(both(cmp(p.length, ">", 5), p.forwarded))),
    ("not (event.length > 5 or not event.forwarded)", lambda p: no(either(cmp(p.length, ">", 5), no(p.forwarded)))),
    (
        "not (event.recipient in listed('partners') or event.length == 3)",
        lambda p: no(either(isin(p.recipient, ("a1", "a2")), cmp(p.length, "==", 3))),
    ),
    ("event.recipient not in listed('nothing')", lambda p: no(isin(p.recipient, ()))),
    ("not 2 < event.length <= 6", lambda p: no(both(cmp(2, "<", p.length), cmp(p.length, "<=", 6)))),
    ("event.length / (event.length - 4) != 3", lambda p: cmp(div(p.length, sub(p.length, 4)), "!=", 3)),
    ("not event.length / (sent_10m - 2) > 1", lambda p: no(cmp(div(p.length, p.count(*S) - 2), ">", 1))),
    ("'u1' not in event.urls", lambda p: no(isin("u1", p.urls))),
    (
        "not any_in(event.urls, listed('bad')) and len(event.urls) < 2",
        lambda p: both(
            None if p.urls is None else "u1" not in p.urls, cmp(None if p.urls is None else len(p.urls), "<", 2)
        ),
    ),
    ("not labelled(event.recipient, 'vip')", lambda p: no(p.labelled(p.recipient, "vip"))),
    (
        "labelled(event.sender, 'vip') or not present(event.recipient)",
        lambda p: either(p.labelled(p.sender, "vip"), p.recipient is None),
    ),
    (
        "met_10m >= 3 and not pair_10m > 1",
        lambda p: both(
            cmp(len(set(p.values("recipient", *S) or ())), ">=", 3),
            no(cmp(p.count("message.sent", ("sender", "recipient"), 10 * MINUTE), ">", 1)),
        ),
    ),
    (
        "forwarded_10m == 0 or not_short_10m > 2",
        lambda p: either(
            cmp(p.count(*S, keep=lambda e: e.get("forwarded")), "==", 0),
            cmp(p.count(*S, keep=lambda e: no(cmp(e.get("length"), "<", 5))), ">", 2),
        ),
    ),
    ("link_10m > 2", lambda p: cmp(link_count(p), ">", 2)),
    ("not link_10m > 2", lambda p: no(cmp(link_count(p), ">", 2))),
    (
        "mean_10m != 4 and least_10m < 3.5",
        lambda p: both(cmp(mean(p.values("length", *S)), "!=", 4), cmp(least(p.values("length", *S)), "<", 3.5)),
    ),
    ("before < event.length", lambda p: cmp(p.earlier()[-1].get("length") if p.earlier() else None, "<", p.length)),
    (
        "not pause >= '90s'",
        lambda p: no(cmp(sub(p.t, p.earlier()[-1]["us"]) if p.earlier() else None, ">=", 90 * 10**6)),
    ),
    (
        "seen + '1m' > '5m' and event.time >= '2026-01-05T00:10:00Z'",
        lambda p: both(
            cmp(
                p.t
                - min(
                    e["us"] for e in p.history if p.sender in (e.get("sender"), e.get("recipient"), e.get("account"))
                ),
                ">",
                4 * MINUTE,
            ),
            cmp(p.t, ">=", int(START.timestamp()) * 10**6 + 10 * MINUTE),
        ),
    ),
    (
        "hour(event.time, '+08:00') == 8 and weekday(event.time, '-01:00') == 7",
        lambda p: both((p.t // HOUR + 8) % 24 == 8, ((p.t - HOUR) // DAY + 3) % 7 + 1 == 7),
    ),
    (
        "not (contains(event.text, ['Win', 'x']) or length(event.text) > 3)",
        lambda p: no(
            either(
                None if p.text is None else "win" in p.text.lower() or "x" in p.text.lower(),
                cmp(None if p.text is None else len(p.text), ">", 3),
            )
        ),
    ),
    (
        "max(event.length, 4) - min(event.length, 4) > 1 or abs(0 - event.length) == 4",
        lambda p: either(cmp(None if p.length is None else abs(p.length - 4), ">", 1), cmp(p.length, "==", 4)),
    ),
]
PAYMENTS: list[tuple[str, Meaning]] = [
    ("event.amount >= money('5 SGD', '400 JPY')", lambda p: table(p, p.amount, ">=", {"SGD": 500, "JPY": 400})),
    ("not event.amount >= money('5 SGD', '400 JPY')", lambda p: no(table(p, p.amount, ">=", {"SGD": 500, "JPY": 400}))),
    ("event.amount != money('5 SGD')", lambda p: table(p, p.amount, "!=", {"SGD": 500})),
    (
        "spent_10m * 2 > money('20 SGD', '2000 JPY')",
        lambda p: cmp(None if spent(p) is None else spent(p) * 2, ">", {"SGD": 2000, "JPY": 2000}.get(p.currency)),
    ),
    (
        "spent_sgd_10m >= money('10 SGD', '1 JPY')",
        lambda p: cmp(
            sum(p.values("amount", *P, keep=lambda e: cmp(e.get("currency"), "==", "SGD")) or ()), ">=", 1000
        ),
    ),
    ("event.currency not in listed('words')", lambda p: no(isin(p.currency, ("SGD", "en")))),
    ("confirmed >= 1", lambda p: cmp(p.count(*P, keep=lambda e: e.get("fraud_confirmed"), delay=5 * MINUTE), ">=", 1)),
    ("not paid_then > 400", lambda p: no(cmp(paid_then(p), ">", 400))),
    (
        "met_10m(event.account) >= 2 and not labelled(event.account, 'vip')",
        lambda p: both(
            cmp(len(set(p.values("recipient", *S, read=("account",)) or ())), ">=", 2), no(p.labelled(p.account, "vip"))
        ),
    ),
]


def tricky() -> Policy:
    text = NAMES + "".join(rule(when, name=f"m{n}") for n, (when, _) in enumerate(MESSAGES))
    text += "".join(
        rule(when, name=f"p{n}", on='"payment.requested"', hit='{"account": "a1"}')
        for n, (when, _) in enumerate(PAYMENTS)
    )
    return policy(text, lists=LISTS)


def maybe(chance: random.Random, values: list[Any]) -> Any:
    return chance.choice([*values, None])


def stream(chance: random.Random, size: int) -> list[dict[str, Any]]:
    """Events in order of time, some at the same one, with holes everywhere."""
    found = []
    us = int(START.timestamp()) * 10**6 - 10 * MINUTE
    people = ["a1", "a2", "a3", "a4"]
    for number in range(size):
        us += chance.choice([0, 0, 1, 20 * 10**6, 90 * 10**6, 5 * MINUTE, 10 * MINUTE])
        one = {"id": f"e{number}", "us": us}
        if chance.random() < 0.6:
            one |= {
                "type": "message.sent",
                "sender": chance.choice(people),
                "recipient": maybe(chance, people),
                "length": maybe(chance, [0, 2, 3, 4, 5, 6, 7]),
                "forwarded": maybe(chance, [True, False]),
                "urls": maybe(chance, [(), ("u1",), ("u2", "u2"), ("u1", "u3")]),
                "text": maybe(chance, ["", "WINNER", "abc", "xyz!", "\u0130"]),
            }
        else:
            one |= {
                "type": "payment.requested",
                "account": chance.choice(people),
                "amount": maybe(chance, [0, 400, 500, 900]),
                "currency": maybe(chance, ["SGD", "JPY", "EUR"]),
                "fraud_confirmed": maybe(chance, [True, False]),
            }
        found.append({name: value for name, value in one.items() if value is not None})
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_engine_agrees_with_a_plain_reader(seed: int) -> None:
    chance = random.Random(seed)
    made = tricky()
    rows = stream(chance, 120)
    events = []
    for row in rows:
        fields = {name: value for name, value in row.items() if name not in ("us", "type")}
        time = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row["us"])).isoformat()
        events.append(event(made, row["type"], **(fields | {"time": time})))
    # Labels that end exactly at an event's time, and one that never does.
    labels = {("a2", "vip"): rows[60]["us"], ("a3", "vip"): FOREVER, ("a4", "vip"): rows[60]["us"] + 1}
    single, batch = Engine(made, seed=b"s" * 16), Engine(made, seed=b"s" * 16)
    for engine in (single, batch):
        for (entity, label), until in labels.items():
            engine.state.set_label(("account", entity, label), until, time_us=0)
    plainly = []
    for at in range(len(rows)):
        past = Past(rows[: at + 1], labels)
        stem, told = ("m", MESSAGES) if past.now["type"] == "message.sent" else ("p", PAYMENTS)
        plainly.append([f"{stem}{n}" for n, (_, meaning) in enumerate(told) if meaning(past) is True])
    for at, one in enumerate(events):
        seen = single.examine(one, now_us=FOREVER // 2)
        assert [hit.id for hit in seen.decision.rules] == plainly[at], (at, rows[at])
        assert seen.program is not None
        traced = [
            made.rules[number].id
            for number in seen.program.rules
            if seen.program.trace(number, one, seen.time, seen.features, single.state).outcome is True
        ]
        assert traced == plainly[at]
    answered = dict(batch.decide_batch(events, now_us=FOREVER // 2, features=True).decisions)
    many = [[hit.id for hit in answered[at].rules] if at in answered else [] for at in range(len(events))]
    assert many == plainly
    # Every condition came out both ways, or the comparison would show nothing.
    if seed == 0:
        held = {name for names in plainly for name in names}
        assert len(held) >= 28
