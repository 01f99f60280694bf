"""Random conditions, each with its meaning told a second time, in the plainest way.

A drawn expression is a pair: its source text, and a function from a world to its value (None: missing). Conditions
have three values (Kleene): True, False and None.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from trustward.base.units import MISSING, parse_duration
from trustward.policy.workspace import ListSpec

NAMES = """
sent_1h = count(by=event.sender, within="1h", of="message.sent")
sent_again = count(by=event.sender, within="1d", of="message.sent")
senders = distinct(event.sender, by=event.recipient, within="1d", of="message.sent")
mean_length = mean(event.length, by=event.sender, within="1d", of="message.sent")
last_length = previous(event.length, by=event.sender, of="message.sent")
late = count(by=event.sender, within="1d", delay="7d", of="message.sent")
late_mean = mean(event.length, by=event.group, within="1d", delay="7d", of="message.sent")
wave = surge(by=event.device, within="1h", baseline="7d", of="message.sent")
known_for = age(event.sender)
silent_for = since(by=event.recipient, of="message.sent")
export(sent_1h, sent_again, senders, mean_length, last_length, late, late_mean, wave, silent_for)
export(known_for, on="message.sent")
"""
WHOLES = ("sent_1h", "sent_again", "senders", "last_length", "late")
FLOATS = ("mean_length", "late_mean", "wave")
DURATIONS = ("known_for", "silent_for")
FEATURES = (*WHOLES, *FLOATS, *DURATIONS)
LISTS = {"partners": ListSpec("account", ("a1",)), "words": ListSpec("text", ("en",)), "bad": ListSpec("url", ("u1",))}
TEXTS = (
    "",
    "hello",
    "find me on TELEGRAM",
    "whats app 91234567",
    "a\nb\x00c",
    "İstanbul telegram",
    "ſignal",
    "电报 wechat",
)
WORDS = ("telegram", "whats", "signal", "hello", "电报", "i̇stanbul", "a\nb")
PATTERNS = (
    r"(?i)whats ?app|telegram",
    r"[0-9]{4,}",
    r"^hello$",
    r"\bfind\b",
    r"(?i)SIGNAL",
    r"[^a-z]c",
    r"(?s)a.b",
    r"x*",
    r"(?i)t[e3]legram.*",
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class World(NamedTuple):
    """One event with all that rules can see of it."""

    event: Any
    time: int
    features: dict[str, Any]
    labels: dict[tuple[str, str, str], int]
    lists: dict[str, dict[str, int]]


Value = tuple[str, Callable[[World], Any]]
Condition = tuple[str, Callable[[World], "bool | None"]]


def missing(value: Any) -> bool:
    """Whether a value is not there."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or value == MISSING


def _field(name: str) -> Value:
    return f"event.{name}", lambda world: getattr(world.event, name)


def _feature(name: str) -> Value:
    def read(world: World) -> Any:
        value = world.features[name]
        return None if missing(value) else value

    return name, read


def _constant(value: Any) -> Value:
    return repr(value), lambda _: value


def _arithmetic(op: str, left: Value, right: Value) -> Value:
    def compute(world: World) -> Any:
        a, b = left[1](world), right[1](world)
        if a is None or b is None or (op == "/" and b == 0):
            return None
        return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[op]()

    return f"({left[0]} {op} {right[0]})", compute


def _length(text: Value) -> Value:
    def measure(world: World) -> Any:
        value = text[1](world)
        return None if value is None else len(value)

    return f"length({text[0]})", measure


def _many() -> Value:
    return "len(event.urls)", lambda world: None if world.event.urls is None else len(world.event.urls)


wholes = st.integers(-3, 60)
numbers: st.SearchStrategy[Value] = st.recursive(
    st.one_of(
        st.sampled_from([_feature(name) for name in (*WHOLES, *FLOATS)]),
        st.just(_field("length")),
        st.just(_length(_field("text"))),
        st.just(_many()),
        st.builds(_constant, wholes),
    ),
    lambda inner: st.builds(_arithmetic, st.sampled_from("+-*/"), inner, inner),
    max_leaves=3,
)


def _compare(op: str, left: Value, right: Value) -> Condition:
    def test(world: World) -> bool | None:
        a, b = left[1](world), right[1](world)
        if missing(a) or missing(b):
            return None
        return _COMPARE[op](a, b)

    return f"{left[0]} {op} {right[0]}", test


def _chain(low: int, value: Value, high: int) -> Condition:
    def test(world: World) -> bool | None:
        found = value[1](world)
        return None if missing(found) else low < found <= high

    return f"{low} < {value[0]} <= {high}", test


def _duration(name: str, op: str, length: str) -> Condition:
    value = _feature(name)[1]

    def test(world: World) -> bool | None:
        found = value(world)
        return None if found is None else _COMPARE[op](found, parse_duration(length))

    return f'{name} {op} "{length}"', test


def _flag(name: str, form: str) -> Condition:
    wanted = form not in (" == False", " != True")

    def test(world: World) -> bool | None:
        value = getattr(world.event, name)
        return None if value is None else value is wanted

    return f"event.{name}{form}", test


def _text_test(function: str, text: str, test: Callable[[str], bool]) -> Condition:
    def run(world: World) -> bool | None:
        return None if world.event.text is None else test(world.event.text)

    return f"{function}(event.text, {text})", run


def _contains(words: list[str]) -> Condition:
    return _text_test("contains", repr(words), lambda text: any(word.lower() in text.lower() for word in words))


def _starts(words: list[str]) -> Condition:
    return _text_test("starts", repr(words), lambda text: any(text.startswith(word) for word in words))


def _matches(pattern: str) -> Condition:
    import re2

    # The patterns mean the same to both engines but for letters that fold; RE2 itself is asked, one text at a time.
    return _text_test("matches", repr(pattern), lambda text: re2.search(pattern, text) is not None)


def _equals(name: str, op: str, value: str) -> Condition:
    def test(world: World) -> bool | None:
        found = getattr(world.event, name)
        return None if found is None else (found == value) == (op == "==")

    return f"event.{name} {op} {value!r}", test


def _in_literal(name: str, op: str, values: list[str]) -> Condition:
    def test(world: World) -> bool | None:
        found = getattr(world.event, name)
        return None if found is None else (found in values) == (op == "in")

    return f"event.{name} {op} {values!r}", test


def _listed(name: str, op: str, listed: str) -> Condition:
    def test(world: World) -> bool | None:
        found = getattr(world.event, name)
        if found is None:
            return None
        return (world.lists[listed].get(found, MISSING) > world.time) == (op == "in")

    return f'event.{name} {op} listed("{listed}")', test


def _any_in(group: str, values: list[str]) -> Condition:
    def test(world: World) -> bool | None:
        if world.event.urls is None:
            return None
        if group:
            return any(world.lists["bad"].get(url, MISSING) > world.time for url in world.event.urls)
        return any(url in values for url in world.event.urls)

    return f"any_in(event.urls, {group or repr(values)})", test


def _among(value: str, op: str) -> Condition:
    def test(world: World) -> bool | None:
        if world.event.urls is None:
            return None
        return (value in world.event.urls) == (op == "in")

    return f"{value!r} {op} event.urls", test


def _present(value: Value) -> Condition:
    return f"present({value[0]})", lambda world: not missing(value[1](world))


def _labelled(name: str, kind: str, label: str) -> Condition:
    def test(world: World) -> bool | None:
        found = getattr(world.event, name)
        return None if found is None else world.labels.get((kind, found, label), MISSING) > world.time

    return f'labelled(event.{name}, "{label}")', test


def _not(part: Condition) -> Condition:
    def test(world: World) -> bool | None:
        found = part[1](world)
        return None if found is None else not found

    return f"not ({part[0]})", test


def _joined(word: str, parts: list[Condition]) -> Condition:
    decisive = word == "or"

    def test(world: World) -> bool | None:
        found = [part[1](world) for part in parts]
        if decisive in found:
            return decisive
        return None if None in found else not decisive

    return f"({f' {word} '.join(part[0] for part in parts)})", test


operators = st.sampled_from(list(_COMPARE))
membership = st.sampled_from(["in", "not in"])
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6, unique=True)
urls = st.lists(st.sampled_from(["u1", "u2", "u3"]), min_size=1, max_size=3, unique=True)
optional_values = [_field("recipient"), _field("text"), _feature("senders"), _feature("wave"), _many()]
single: st.SearchStrategy[Condition] = st.one_of(
    st.builds(_compare, operators, numbers, numbers),
    st.builds(
        _compare, operators, st.sampled_from([_feature(n) for n in (*WHOLES, *FLOATS)]), st.builds(_constant, wholes)
    ),
    st.builds(
        _compare,
        operators,
        st.sampled_from([_feature(n) for n in (*WHOLES, *FLOATS)]),
        st.builds(_constant, st.sampled_from([0.5, 2.5, 10.0, 1e300, -0.5])),
    ),
    st.builds(_chain, wholes, numbers, wholes),
    st.builds(_duration, st.sampled_from(DURATIONS), operators, st.sampled_from(["1h", "3d", "0s"])),
    st.builds(
        _flag, st.sampled_from(["forwarded", "is_reply"]), st.sampled_from(["", " == True", " == False", " != True"])
    ),
    st.builds(_contains, words),
    st.builds(_starts, words),
    st.builds(_matches, st.sampled_from(PATTERNS)),
    st.builds(
        _equals,
        st.sampled_from(["language", "recipient"]),
        st.sampled_from(["==", "!="]),
        st.sampled_from(["en", "a1"]),
    ),
    st.builds(
        _in_literal,
        st.just("language"),
        membership,
        st.lists(st.sampled_from(["en", "ms", "zh", "ta", "id", "th"]), min_size=1, unique=True),
    ),
    st.builds(_listed, st.sampled_from(["sender", "recipient"]), membership, st.just("partners")),
    st.builds(_listed, st.just("language"), membership, st.just("words")),
    st.builds(_any_in, st.sampled_from(["", 'listed("bad")']), urls),
    st.builds(_among, st.sampled_from(["u1", "u2"]), membership),
    st.builds(_present, st.sampled_from(optional_values)),
    st.builds(
        _labelled, st.sampled_from(["sender", "recipient"]), st.just("account"), st.sampled_from(["spammer", "vip"])
    ),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    single,
    lambda inner: st.one_of(
        st.builds(_not, inner),
        st.builds(_joined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=6,
)

accounts = st.sampled_from(["a1", "a2", "a3"])
fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"sender": accounts},
    optional={
        "recipient": accounts,
        "text": st.one_of(st.sampled_from(TEXTS), st.text(max_size=20)),
        "length": st.integers(0, 60),
        "forwarded": st.booleans(),
        "is_reply": st.booleans(),
        "language": st.sampled_from(["en", "ms", "zh"]),
        "urls": st.lists(st.sampled_from(["u1", "u2", "u3"]), max_size=3).map(tuple),
    },
)
whole_values = st.one_of(st.integers(0, 60), st.just(MISSING))
certain_values = st.integers(0, 60)
float_values = st.one_of(st.floats(0, 60), st.just(math.nan), st.sampled_from([0.0, 2.5, math.inf]))
duration_values = st.one_of(st.sampled_from([0, parse_duration("1h"), parse_duration("3d"), 10**14]), st.just(MISSING))
