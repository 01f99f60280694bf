"""The register of functions, extensions, signals, and functions that fail."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
import pytest

from tests.policy.kit import State, catalogue, codes, event, policy, rule
from trustward.base.errors import UsageError
from trustward.base.units import MISSING
from trustward.model.signal import Signal
from trustward.policy.workspace import ListSpec
from trustward.screening import functions
from trustward.screening.functions import BUILT_IN, Function, load_functions


class Counter:
    """A function that counts its calls and fails on some texts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, text: str) -> Signal | None:
        self.calls += 1
        if "boom" in text:
            raise ZeroDivisionError(f"secret: {text}")
        if "none" in text:
            return None
        return Signal(score=len(text) / 10, category="long", reasons=("it is long",), version="1")


def screener(call: Any) -> Function:
    return Function(
        name="screen_text",
        arguments=(("text", "text"),),
        result="signal",
        call=call,
        cost=50.0,
        about="Scores a text.",
        example="screen_text(event.text).score > 0.5",
    )


WHEN = "risk.score > 0.5 and risk.category == 'long' and 'it is long' in risk.reasons and risk.score < 2"


def test_a_signal_is_computed_once_for_an_event() -> None:
    counter = Counter()
    made = policy(
        "risk = screen_text(event.text)\n"
        + rule(WHEN, reason="score {risk.score}: {risk.reasons}")
        + rule("risk.score > 0.9", name="second"),
        functions=[screener(counter)],
    )
    program = made.types["message.sent"]
    one = event(made, sender="a", text="123456")
    assert list(program.match(one, 0, (), State())) == [0]
    assert counter.calls == 1
    assert program.reason(0, one, 0, ()) == "score 0.6: it is long"
    assert program.values(0, one, 0, (), State()) == {"risk.score": 0.6, "risk.category": "long"}
    assert list(program.match(event(made, sender="a", text="none"), 0, (), State())) == []
    assert list(program.match(event(made, sender="a"), 0, (), State())) == []


def test_a_function_that_fails_loses_only_its_own_event() -> None:
    made = policy(
        "risk = screen_text(event.text)\n" + rule(WHEN) + rule("event.forwarded", name="other"),
        functions=[screener(Counter())],
    )
    program = made.types["message.sent"]
    texts = ["123456", "boom", "1", "1234567", "boom boom", None]
    events = [event(made, sender="a", text=text, forwarded=True) for text in texts]
    times = [0] * len(events)
    assert program.hits(events, times, [], State()) == [
        (0, [0, 1]),
        (1, None),
        (2, [1]),
        (3, [0, 1]),
        (4, None),
        (5, [1]),
    ]
    assert program.gate(events, times, [], State()) == [0, 1, 2, 3, 4, 5]
    traced = program.trace(0, events[1], 0, (), State())
    assert traced.outcome == "fault"
    assert traced.cause == "screen_text failed: ZeroDivisionError"
    assert "secret" not in str(traced)
    assert program.trace(1, events[1], 0, (), State()).outcome is True


def test_a_fault_counts_only_where_the_outcome_depends_on_it() -> None:
    made = policy(
        rule("event.forwarded or screen_text(event.text).score > 0.5")
        + rule("event.forwarded and screen_text(event.text).score > 0.5", name="both"),
        functions=[screener(Counter())],
    )
    program = made.types["message.sent"]
    yes = event(made, sender="a", text="boom", forwarded=True)
    no = event(made, sender="a", text="boom", forwarded=False)
    nothing = event(made, sender="a", text="boom")
    outcomes = [[program.trace(number, one, 0, (), State()).outcome for number in (0, 1)] for one in (yes, no, nothing)]
    assert outcomes == [[True, "fault"], ["fault", False], ["fault", None]]


def test_a_function_that_fails_while_a_feature_is_fed() -> None:
    def prefix(text: str) -> str:
        if text == "boom":
            raise RuntimeError
        return text[:2]

    made = policy(
        rule('count(by=prefix(event.text), within="1h", of="message.sent") > 5 and event.length > 1'),
        functions=[
            Function(
                name="prefix",
                arguments=(("text", "text"),),
                result="text",
                call=prefix,
                cost=1.0,
                about="x",
                example="x",
            )
        ],
    )
    program = made.types["message.sent"]
    events = [event(made, sender="a", text=text) for text in ("abc", "boom", None, "abd")]
    failed: set[int] = set()
    assert program.columns(events, failed) == ([["ab", "", "", "ab"]], [], [])
    assert failed == {1}
    assert program.columns(events[:1], failed) == ([["ab"]], [], [])
    assert program.trace(0, events[1], 0, (MISSING,), State()).outcome is None
    long = event(made, sender="a", text="boom", length=5)
    assert program.trace(0, long, 0, (MISSING,), State()).outcome == "fault"


def test_a_condition_that_fails_while_a_feature_is_fed() -> None:
    made = policy(
        rule('count(by=event.sender, within="1h", of="message.sent", where=screen_text(event.text).score > 0.5) > 5'),
        functions=[screener(Counter())],
    )
    program = made.types["message.sent"]
    events = [event(made, sender="a", text=text) for text in ("123456", "boom", "1")]
    failed: set[int] = set()
    assert program.columns(events, failed) == ([["a"] * 3], [], [[True, False, False]])
    assert failed == {1}
    assert program.trace(0, events[1], 0, (0,), State()).outcome == "fault"
    assert program.trace(0, events[0], 0, (6,), State()).outcome is True


def test_a_required_field_that_could_not_be_read_does_not_stop_the_others() -> None:
    made = policy(rule("event.sender in ['a1', 'a2']") + rule("length(event.sender) > 1", name="long"))
    program = made.types["message.sent"]
    sound = event(made, sender="a1")
    broken = msgspec.structs.replace(sound, sender=None)
    assert program.hits([broken, sound], [0, 0], [], State()) == [(0, None), (1, [0, 1])]
    trace = program.trace(1, broken, 0, (), State(), frozenset({"sender"}))
    assert (trace.outcome, trace.cause) == ("fault", "event.sender could not be read")


@pytest.mark.parametrize(
    "when", ["screen_text(event.text)", "screen_text(event.text) > 5", "screen_text(event.text) == 'a'"]
)
def test_a_signal_is_no_number(when: str) -> None:
    assert codes(rule(when), functions=[screener(Counter())]) in (["P032"], ["P031"])
    assert codes(rule("screen_text(event.text).scroe > 1"), functions=[screener(Counter())]) == ["P012"]


@pytest.mark.parametrize("function", BUILT_IN, ids=lambda function: function.name)
def test_every_function_says_what_it_does_by_an_example_that_runs(function: Function) -> None:
    fields = {
        "title": "listing.created",
        "bin": "payment.requested",
        "email": "account.registered",
        "url": "link.posted",
    }
    type_name = next((fields[name] for name in fields if f"event.{name}" in function.example), "message.sent")
    when = function.example
    if not any(word in when for word in (" > ", "==", " in ", "contains", "starts", "ends", "matches")):
        when = f"present({when})"
    hit = {field.name: "a" for field in catalogue().types[type_name].fields.values() if field.required}
    lists = {"blocked_domains": ListSpec("domain", ("x.example",))}
    made = policy(rule(when, on=f'"{type_name}"', hit=repr(hit)), lists=lists)
    assert made.rules[0].types == (type_name,)


def described(**changes: Any) -> Function:
    given = {
        "name": "shout",
        "arguments": (("text", "text"),),
        "result": "text",
        "call": str.upper,
        "cost": 1.0,
        "about": "x",
        "example": "x",
        **changes,
    }
    return Function(**given)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Shout"},
        {"name": "contains"},
        {"arguments": ()},
        {"arguments": (("text", "texts"),)},
        {"arguments": (("a", "literal text"), ("b", "text"))},
        {"arguments": (("a", "literal text"),)},
        {"arguments": (("a", "signal"),)},
        {"result": "list"},
        {"call": None},
        {"prepare": str.upper},
        {"about": ""},
        {"example": ""},
        {"cost": 0.0},
    ],
)
def test_a_description_that_is_wrong_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        load_functions([described(**changes)])


def test_extensions_are_found_and_fail_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    points: list[EntryPoint] = []
    monkeypatch.setattr(functions, "entry_points", lambda group: [p for p in points if p.group == group])
    points.append(EntryPoint("words", "tests.policy.extension:FUNCTIONS", functions.GROUP))
    assert "shout" in load_functions()
    points.append(EntryPoint("gone", "tests.policy.extension:GONE", functions.GROUP))
    with pytest.raises(UsageError, match="'gone'"):
        load_functions()
    points[-1] = EntryPoint("odd", "tests.policy.extension:NOT_A_FUNCTION", functions.GROUP)
    with pytest.raises(UsageError, match="no Function"):
        load_functions()


def test_functions_with_literals_are_prepared_once() -> None:
    made: list[Sequence[str]] = []

    def prepare(words: Sequence[str]) -> Any:
        made.append(words)
        if "bad" in words:
            raise ValueError("a bad word")
        return lambda text: sum(text.count(word) for word in words)

    count = Function(
        name="occurrences",
        arguments=(("text", "text"), ("words", "literal texts")),
        result="whole",
        prepare=prepare,
        cost=1.0,
        about="x",
        example="x",
    )
    loaded = policy(rule("occurrences(event.text, ['a', 'b']) >= 2"), functions=[count])
    assert made == [("a", "b")]
    assert list(loaded.types["message.sent"].match(event(loaded, sender="x", text="ab"), 0, (), State())) == [0]
    assert codes(rule("occurrences(event.text, 'bad') >= 2"), functions=[count]) == ["P017"]
