"""No construct of a policy reaches Python: no builtins, no attributes, no imports, no code of its own."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.kit import State, catalogue, event, faults, policy, rule
from trustward.policy import Policy, load_policy
from trustward.policy.runtime import CONSTANTS

HOSTILE = [
    "__import__('os').system('true')",
    "event.__class__",
    "event.__class__.__mro__[1].__subclasses__()",
    "().__class__.__bases__[0]",
    "event.sender.__class__",
    "event.__struct_fields__",
    "event.sender.format(event)",
    "'{0.__class__}'.format(event) == 'a'",
    "length.__globals__",
    "contains.__self__",
    "length(event.text).__class__",
    "getattr(event, 'sender')",
    "globals()",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "type(event)",
    "print(1)",
    "(lambda: 1)()",
    "[x for x in ().__class__.__bases__]",
    "f'{event.__class__}' == 'a'",
    "event.text % event",
    "event.text @ event",
    "event[0]",
    "event.urls[0].__class__",
    "U",
    "Len(event.text)",
    "k0",
    "e",
    "t",
    "s.labels",
    "L",
    "F[0]",
    "__builtins__",
    "CONSTANTS",
    "Action",
    "Dict",
    "AsArray",
    "event.clone()",
    "present(event)",
    "event.time.__class__",
    "money.__class__",
    "hour(event.time, '../../../etc/passwd') > 1",
    "not event.__dict__",
    "event.text.__len__() > 1",
    "labelled(event.sender, event.__class__)",
    "event.sender in listed('../../x')",
    "count(by=event.__class__, within='1h', of='message.sent') > 1",
    "count(by=event.sender, within='1h', of='message.sent', where=event.__class__) > 1",
    "matches(event.text, '(?P<x>a)(?P=x)')",
    "template.cache_clear()",
    "abs.__self__",
    "max.__self__.open('x')",
]


@pytest.mark.parametrize("expression", HOSTILE)
def test_hostile_expressions_are_refused(expression: str) -> None:
    assert faults(rule(expression))
    assert faults(f"name = {expression}\n" + rule("name"))


@pytest.mark.parametrize("expression", HOSTILE)
def test_hostile_expressions_are_refused_in_reasons_actions_and_examples(expression: str) -> None:
    inner = expression.replace('"', "'")
    assert faults(rule("event.forwarded", reason="{" + inner + "}"))
    assert faults(rule("event.forwarded", then=f"[hold({expression})]"))
    assert faults(rule("event.forwarded", then=f"[{expression}]"))
    assert faults(rule("event.forwarded", hit='{"sender": ' + expression + "}"))
    assert faults(rule("event.forwarded", more=f"score={expression}, "))
    assert faults(rule("event.forwarded", more=f"mode={expression}, "))


def codes_in(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def allowed_names(made: Policy) -> set[str]:
    """Names that generated code may mention: fields, helpers, constants k0.., and a few attributes."""
    fields = {name for kind in catalogue().types.values() for name in kind.fields}
    own = {"columns", "hits", "match", "label_entities", "entities"}
    own |= {f"{stem}{n}" for stem in ("values", "reason", "actions") for n in range(len(made.rules))}
    own |= {f"{stem}{n}" for stem in ("text", "number", "flag", "cell", "rows", "some") for n in range(200)}
    helpers = {*CONSTANTS, "Rows", "AsArray", "Action", "Dict", "KeyText", "WholeCell", "FloatCell"} - {"__builtins__"}
    attributes = {"id", "time", "labels", "lists", "get", "append", "lower", "startswith", "endswith", "fromkeys"}
    attributes |= {"tolist", "size", "score", "category", "reasons"}
    return fields | own | helpers | attributes | {f"k{n}" for n in range(5_000)}


def policies() -> Iterator[Policy]:
    packs = Path(load_policy.__code__.co_filename).parent.parent / "packs"
    for pack in sorted(packs.iterdir()):
        if any(pack.glob("*.policy")):
            yield load_policy(pack, catalogue())


def test_generated_code_names_nothing_but_fields_and_helpers() -> None:
    seen = 0
    for made in policies():
        allowed = allowed_names(made)
        for program in made.types.values():
            module = compile(program.source, "generated", "exec")
            for code in codes_in(module):
                stray = set(code.co_names) - allowed
                assert not stray, (program.type, stray)
                assert not any(name.startswith("_") for name in code.co_names)
                seen += 1
    assert seen > 50


def test_generated_code_has_no_builtins() -> None:
    made = policy(rule("event.length > 5 and contains(event.text, 'a')"))
    program = made.types["message.sent"]
    for function in (program.match, program.entities, program.label_entities):
        space: dict[str, Any] = getattr(function, "__globals__")  # noqa: B009 - mypy knows only a callable
        assert space["__builtins__"] == {}
        assert not {name for name in dir(builtins) if name in space} - {"__doc__", "__name__", "__builtins__"}


TRICKY = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "'",
            '"',
            "\\",
            "\\'",
            "'''",
            '"""',
            "\n",
            "\r\n",
            "{",
            "}",
            "{{}}",
            "\u2028",
            "\u0085",
            "#",
            "'); exec('1')",
            "\\N{DOT}",
        ]
    ),
).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


@given(TRICKY, TRICKY, TRICKY, TRICKY)
def test_texts_stay_texts(first: str, second: str, third: str, fourth: str) -> None:
    """Whatever stands in a literal comes out as it went in, wherever it is used."""
    braces = second.replace("{", "{{").replace("}", "}}")
    made = policy(
        f'rule(id="r", on="message.sent", when=event.text == {first!r} or event.language in [{third!r}, "x"] '
        f"or contains(event.text, {[fourth + 'q', third + 'q']!r}) or starts(event.text, {fourth + 'z'!r}), "
        f"then=[label(event.sender, {'n' + third[:20]!r}), hold(event, {fourth[:20]!r})], reason={'r' + braces!r}, "
        'owner="team", hits=[{"sender": "a"}], misses=[{"sender": "a"}])'
    )
    program = made.types["message.sent"]
    one = event(made, sender="a", text=first)
    assert list(program.match(one, 0, (), State())) == [0]
    assert program.hits([one] * 3, [0] * 3, [], State()) == [(0, [0]), (1, [0]), (2, [0])]
    assert program.reason(0, one, 0, ()) == "r" + second
    assert [action.note for action in program.actions(0, one, 0, ())] == ["n" + third[:20], fourth[:20]]
    assert list(program.match(event(made, sender="a", language=third), 0, (), State())) == [0]
    assert list(program.match(event(made, sender="a", text=f"..{fourth}Q.."), 0, (), State())) == [0]
