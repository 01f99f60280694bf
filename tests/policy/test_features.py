"""What features become: shared streams, distinct windows, columns."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.policy.kit import State, codes, event, policy, rule
from trustward.base.units import MISSING, parse_duration
from trustward.model.catalogue import EventType, Field
from trustward.policy import Policy, Source, load_policy
from trustward.policy.streams import Slots
from trustward.windows.plan import Operation, Read

HOUR, DAY = parse_duration("1h"), parse_duration("1d")


def stream(made: Policy, name: str) -> Any:
    return next(found for found in made.plan.streams if found.id == name)


def test_features_of_one_key_share_a_stream_and_equal_ones_a_read() -> None:
    made = policy(
        'a = count(by=event.sender, within="1h", of="message.sent")\n'
        'b = distinct(event.recipient, by=event.sender, within="60m", of=["message.sent"])\n'
        'c = count(by=event.sender, within="1d", of="message.sent")\n'
        + rule('a > 1 and b > 2 and c > 3 and count(by=event.sender, within="3600s", of="message.sent") < 50')
    )
    assert [found.id for found in made.plan.streams] == ["(event.sender) of message.sent"]
    assert set(made.plan.streams[0].reads) == {
        Read(aggregate="count", window=HOUR),
        Read(aggregate="count", window=DAY),
        Read(aggregate="distinct", window=HOUR, value=0),
    }
    assert made.plan.streams[0].values == ("hash",)
    assert made.plan.streams[0].keyspace == "account"


def test_a_condition_makes_a_stream_of_its_own() -> None:
    made = policy(
        rule(
            'count(by=event.sender, within="1h", of="message.sent") > 5 '
            'and count(by=event.sender, within="1h", of="message.sent", where=event.forwarded) > 5'
        )
    )
    assert len(made.plan.streams) == 2
    (plan,) = made.plan.types
    assert plan.flags == 1
    assert [operation.where for operation in plan.operations if operation.feeds] in ([-1, 0], [0, -1])


def test_a_delay_is_the_difference_of_two_windows() -> None:
    made = policy('a = count(by=event.sender, within="1d", delay="7d", of="message.sent")\nexport(a)\n')
    assert set(made.plan.streams[0].reads) == {
        Read(aggregate="count", window=8 * DAY),
        Read(aggregate="count", window=7 * DAY),
    }
    assert made.types["message.sent"].exports["a"].kind == "difference"


def test_a_delayed_mean_is_of_events_that_have_the_value() -> None:
    made = policy('a = mean(event.length, by=event.sender, within="1d", delay="7d", of="message.sent")\nexport(a)\n')
    assert made.plan.streams[0].id == "(event.sender) of message.sent where present(event.length)"
    assert made.types["message.sent"].exports["a"] == Slots("mean_difference", (0, 1, 2, 3))


def test_reading_for_another_entity() -> None:
    made = policy(
        'contacts = distinct(event.recipient, by=event.sender, within="1h", of="message.sent")\n'
        + rule("contacts(event.account) > 5", on='"payment.requested"', hit='{"account": "a"}')
    )
    assert [plan.type for plan in made.plan.types] == ["message.sent", "payment.requested"]
    sent, paid = made.plan.types
    assert sent.operations == (Operation(stream=0, key=(0,), feeds=True, values=(1,)),)
    assert paid.operations == (Operation(stream=0, key=(0,), feeds=False, reads=(0,)),)
    assert sent.texts == ("account", "")
    assert paid.texts == ("account",)


def test_the_age_of_an_entity_is_fed_by_every_event_that_names_it() -> None:
    made = policy(rule('age(event.sender) < "3d"'))
    assert [found.id for found in made.plan.streams] == ["every account"]
    sent = made.plan.types[made.types["message.sent"].index]
    assert [(operation.feeds, operation.reads) for operation in sent.operations] == [(True, (0,)), (True, ())]
    assert "payment.requested" in made.types
    assert not made.types["payment.requested"].rules


def test_composite_and_list_keys() -> None:
    made = policy(
        rule(
            'count(by=(event.sender, template(event.text)), within="1h", of="message.sent") > 5 '
            'and count(by=event.urls, within="1h", of="message.sent") > 5'
        )
    )
    assert {found.keyspace for found in made.plan.streams} == {"(account, text:template(event.text))", "url"}
    program = made.types["message.sent"]
    events = [event(made, sender="a", text="Hi 1", urls=("u", "v")), event(made, sender="b")]
    texts, numbers, flags = program.columns(events)
    assert sorted(map(repr, texts)) == sorted(
        map(repr, [["a", "b"], [texts_of(program, events)[0], ""], (["u", "v"], [2, 0])])
    )
    assert (numbers, flags) == ([], [])


def texts_of(program: Any, events: list[Any]) -> list[str]:
    from trustward.screening.plain import template

    return [template(one.text) or "" for one in events if one.text]


def test_columns_of_every_kind() -> None:
    made = policy(
        'a = total(minor(event.amount), by=event.account, within="1d", of="payment.requested", '
        "where=event.attempt > 1)\n"
        'b = distinct(event.attempt, by=event.account, within="1d", of="payment.requested")\n'
        'c = mean(event.attempt * 0.5, by=event.account, within="1d", of="payment.requested")\n'
        "export(a, b, c)\n"
    )
    program = made.types["payment.requested"]
    events = [
        event(made, "payment.requested", account="a", amount=500, attempt=2, currency="SGD"),
        event(made, "payment.requested", account="b"),
    ]
    texts, numbers, flags = program.columns(events)
    assert sorted(texts) == [["2", ""], ["a", "b"]]
    assert flags == [[True, False]]
    whole = next(column for column in numbers if column[0] == 500)
    fraction = next(column for column in numbers if column[0] == 1.0)
    assert whole == [500, MISSING]
    assert math.isnan(fraction[1])


def test_money_keeps_its_currency() -> None:
    made = policy(
        'spent = total(event.amount, by=(event.account, event.currency), within="1d", of="payment.requested")\n'
        + rule(
            'spent > money("500 SGD", "40000 JPY")',
            on='"payment.requested"',
            reason="{spent} spent",
            hit='{"account": "a"}',
        )
    )
    program = made.types["payment.requested"]
    for currency, amount, holds in (
        ("SGD", 50_001, True),
        ("SGD", 50_000, False),
        ("JPY", 40_001, True),
        ("EUR", 10**9, False),
    ):
        one = event(made, "payment.requested", account="a", currency=currency, amount=1)
        assert bool(program.match(one, 0, (amount,), State())) is holds
        assert bool(program.hits([one], [0], [[amount]], State())) is holds
        assert (program.trace(0, one, 0, (amount,), State()).outcome is True) is holds
    one = event(made, "payment.requested", account="a", currency="SGD", amount=1)
    assert program.reason(0, one, 0, (123_456,)) == "1,234.56 SGD spent"
    assert program.values(0, one, 0, (123_456,), State()) == {"spent": "1,234.56 SGD"}


def test_keys_must_be_of_the_same_type_everywhere() -> None:
    from tests.policy.kit import catalogue
    from trustward.base.errors import PolicyError

    known = catalogue()
    types = dict(known.types)
    types["note.made"] = EventType(
        name="note.made", about="x", retention="activity", fields={"sender": Field(name="sender", type="text")}
    )
    other = type(known)(types=types, kinds=known.kinds, personal=known.personal, retention=known.retention)
    text = rule('count(by=event.sender, within="1h", of=["message.sent", "note.made"]) > 5')
    with pytest.raises(PolicyError) as found:
        load_policy([Source("a.policy", text)], other)
    assert "P044" in found.value.faults[0]


@pytest.mark.parametrize("name", ["total", "mean", "count"])
def test_a_fact_known_later_needs_a_delay(name: str) -> None:
    value = "" if name == "count" else "minor(event.amount), "
    given = 'by=event.terminal, within="7d", of="payment.authorised", where=event.fraud_confirmed'
    late = f'a = {name}({value}{given}, delay="7d")\nexport(a)\n'
    assert codes(late) == []
    assert codes(late.replace(', delay="7d"', "")) == ["P012"]


def test_the_name_of_a_policy_is_that_of_its_sources_and_lists() -> None:
    text = rule("event.forwarded")
    assert policy(text).hash == policy(text).hash
    assert policy(text).hash != policy(text + "\n").hash
    assert len(policy(text).hash) == 64


def test_drafts_cost_nothing_until_they_are_asked_for() -> None:
    text = rule('count(by=event.sender, within="1h", of="message.sent") > 5', more='mode="draft", ')
    made = policy(text)
    assert made.plan.streams == ()
    assert made.rules[0].mode == "draft"
    assert policy(text, drafts=True).types["message.sent"].rules == (0,)


def test_shadow_rules_are_evaluated() -> None:
    made = policy(rule("event.forwarded", more='mode="shadow", '))
    assert list(made.types["message.sent"].match(event(made, sender="a", forwarded=True), 0, (), State())) == [0]


def test_how_long_a_silent_key_is_known_is_said_by_the_rule() -> None:
    made = policy(
        rule(
            'count(by=event.sender, within="1h", of="message.sent") > 5 '
            'and age(by=event.sender, of="message.sent", kept="30d") < "1d" and age(event.sender, kept="1d") < "2h"'
        )
    )
    assert {found.id: found.reads for found in made.plan.streams} == {
        "(event.sender) of message.sent": (Read(aggregate="count", window=HOUR),),
        f"(event.sender) of message.sent kept {30 * DAY}": (Read(aggregate="age", window=30 * DAY),),
        f"every account kept {DAY}": (Read(aggregate="age", window=DAY),),
    }


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ('age(event.sender, kept="0s") < "1d"', "P043"),
        ('age(event.sender, within="1d") < "1d"', "P017"),
        ('count(by=event.sender, within="1h", of="message.sent", kept="1d") > 1', "P017"),
    ],
)
def test_what_is_kept_makes_sense(when: str, code: str) -> None:
    assert codes(rule(when)) == [code]
