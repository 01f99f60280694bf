"""Whatever is thrown at the language: no crash, no hang, and every message has a place."""

from __future__ import annotations

import re
import time
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.kit import GOLDEN, catalogue, rule
from trustward.base.errors import PolicyError
from trustward.policy import Source, load_policy

SECONDS = 10.0
PLACED = re.compile(r"[^\n]*:\d+:\d+: P\d{3} \S")


def throw(*texts: str) -> list[str]:
    """Load texts as a policy; the faults, each with its place, within the time allowed."""
    started = time.process_time()
    sources = [Source(f"f{number}.policy", text) for number, text in enumerate(texts)]
    found: list[str] = []
    try:
        load_policy(sources, catalogue())
    except PolicyError as error:
        found = list(error.faults)
        assert found
    assert time.process_time() - started < SECONDS
    for fault in found:
        assert PLACED.match(fault), fault
        fault.encode("utf-8")
    return found


TOKENS = [
    *'rule ( ) [ ] { } , = == != < <= > >= + - * / ** . : ; @ \\ \' " """ # \n \t ~ ^ | & := -> ... % !'.split(" "),
    *"event sender text length amount and or not in is if else for lambda None True False import yield await".split(),
    *"count distinct total age within by of where delay listed labelled present contains matches money hour".split(),
    *"id on when then reason owner hits misses hold label export repeat given f r b u 0 1 1e999 0x 1_0 9j".split(),
    *[
        '"1h"',
        '"message.sent"',
        '"{event.text}"',
        '"("',
        "event.sender",
        "é",
        "微",
        "\x00",
        "\ud800",
        "\u2028",
        "\ufeff",
    ],
]


@given(st.lists(st.sampled_from(TOKENS), max_size=60), st.sampled_from(["", " "]))
def test_token_soup(tokens: list[str], space: str) -> None:
    throw(space.join(tokens))


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    throw(text)


@given(st.text(max_size=80))
def test_any_text_as_a_condition_a_reason_and_a_list(text: str) -> None:
    throw(rule(text), rule("event.forwarded", reason=text), rule(f"contains(event.text, [{text!r}, {text!r}])"))


VALID = sorted(
    entry.read_text(encoding="utf-8")
    for pack in (files("trustward") / "packs").iterdir()
    if pack.is_dir()
    for entry in pack.iterdir()
    if entry.name.endswith(".policy")
) + sorted(path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.policy"))


@given(st.data())
def test_mutated_policies(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(VALID))[:6_000]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = min(len(text), at + data.draw(st.integers(0, 12)))
        text = text[:at] + data.draw(st.one_of(st.sampled_from(TOKENS), st.text(max_size=3))) + text[end:]
    throw(text)


MANY = 20_000
DEEP = {
    "brackets": "(" * MANY,
    "closed brackets": "(" * 180 + "1" + ")" * 180,
    "square brackets": "[" * MANY,
    "braces": "{" * MANY,
    "minus": "-" * MANY + "1",
    "not": "not " * MANY + "event.forwarded",
    "dots": "event" + ".a" * MANY,
    "sum": "1" + " + 1" * MANY,
    "or": "event.forwarded" + " or event.forwarded" * MANY,
    "compare": "1" + " < 2" * MANY,
    "power": "**".join("9" * MANY),
    "calls": "length(" * MANY,
    "nested calls": "lower(" * 45 + "event.text" + ")" * 45 + ' == "a"',
    "subscripts": "event.text" + "[0]" * MANY,
    "conditional": "1 if 1 else " * MANY + "1",
    "lambda": "lambda: " * MANY + "1",
    "digits": "9" * MANY,
    "string": "'" + "a" * 200_000 + "' == event.text",
    "list": "event.text in [" + "'a'," * MANY + "]",
    "long list": "event.text in [" + ",".join(f"'{n}'" for n in range(5_000)) + "]",
    "words": "contains(event.text, [" + ",".join(f"'w{n}'" for n in range(2_000)) + "])",
    "pattern": f"matches(event.text, '{'(a|b)*' * 300}')",
    "big pattern": "matches(event.text, '((((a{100}){100}){100}){100}){100}')",
    "keywords": "count(" + ",".join(f"a{n}=1" for n in range(MANY // 10)) + ")",
    "comprehension": "[a " + "for a in b " * (MANY // 10) + "]",
    "f-string": 'f"' + "{f'" * 100 + "1" + "'}" * 100 + '"',
    "walrus": "(a := " * 150 + "1" + ")" * 150,
}


@pytest.mark.parametrize("expression", DEEP.values(), ids=DEEP)
def test_deep_long_and_large(expression: str) -> None:
    throw(rule(expression))
    throw(expression)
    throw(f"name = {expression}\n" + rule("name"))


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "rule(\0)",
        "\ud800",
        'a = "\ud800"',
        "# coding: utf-7\na = 1",
        "# -*- coding: no-such-coding -*-\n",
        "\ufeffa = 1",
        "\r\r\n\n\f\v",
        "a = 1\\",
        '"""',
        "if True:\n" + "".join(" " * n + "if True:\n" for n in range(1, 200)),
        "\t" * 5_000 + "a",
        "rule(" * 90 + ")" * 90,
        ";".join("a" for _ in range(5_000)),
        "\n".join(f"rule(id='r{n}')" for n in range(400)),
        "\n".join(f"n{n} = event.zzz{n}" for n in range(2_000)),
        "type x = 1",
        "match event:\n  case 1: pass",
        "async def f(): await f()",
        "@rule\nclass A: pass",
        "print('hello')",
        "exec('1')",
        "rule = 5",
        "rule(rule(rule()))",
    ],
)
def test_odd_texts(text: str) -> None:
    throw(text)


def test_names_that_double_are_stopped_before_they_explode() -> None:
    doubling = "a0 = event.length\n" + "".join(f"a{n} = a{n - 1} + a{n - 1}\n" for n in range(1, 40))
    found = throw(doubling + rule("a39 > 5"))
    assert any(": P003 " in fault for fault in found)


def test_a_long_chain_of_names_is_stopped() -> None:
    chain = "a0 = event.length\n" + "".join(f"a{n} = a{n - 1} + 1\n" for n in range(1, 400))
    found = throw(chain + rule("a399 > 5"))
    assert any(": P003 " in fault for fault in found)


@pytest.mark.parametrize("depth", [5, 20, 38])
def test_what_is_allowed_to_be_deep_compiles(depth: int) -> None:
    assert not throw(rule("lower(" * depth + "event.text" + ")" * depth + ' == "a"'))
    nested = "".join(f"not (labelled(event.sender, 'l{n}') or (event.length > {n} and " for n in range(depth // 4))
    assert not throw(rule(nested + "event.forwarded" + "))" * (depth // 4)))
    assert not throw(rule("abs(" * depth + "event.length" + ")" * depth + " > 5"))
    assert not throw(rule("max(1, " * depth + "event.length" + ")" * depth + " > 5"))


def test_thousands_of_faults_are_cut_short() -> None:
    found = throw("\n".join(rule(f"event.zz{n} == 1", name=f"r{n}") for n in range(600)))
    assert len(found) == 300
