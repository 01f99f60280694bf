"""What is said to who sends a record of another shape."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from trustward.model.shapes import remedy_for


class Part(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    kind: Literal["account", "domain"]
    until: str = ""


class Done(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="done", tag_field="step"):
    said: str
    parts: list[Part] = []


class Ask(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="ask", tag_field="step"):
    to: str
    pairs: dict[str, Part] = {}


def told(found: Any, kind: Any = Done | Ask) -> str:
    body = msgspec.json.encode(found)
    with pytest.raises(msgspec.ValidationError) as fault:
        msgspec.json.decode(body, type=kind)
    return remedy_for(kind, body, fault.value)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"step": "dome", "said": "x"}, "did you mean done?"),
        ({"step": "xyz"}, "one of: done, ask"),
        ({}, "it needs step"),
        ({"step": "ask"}, "it needs to; it takes to, pairs"),
        ({"step": "ask", "too": "x"}, "one of: to, pairs"),
        ({"step": "done", "said": "x", "person": "y"}, "one of: said, parts"),
        ({"step": "done", "said": "x", "parts": [{"kind": "acount"}]}, "did you mean account?"),
        ({"step": "done", "said": "x", "parts": [{"kind": "domain"}, {"kind": "x"}]}, "one of: account, domain"),
        ({"step": "done", "said": "x", "parts": [{"kind": "domain", "untl": ""}]}, "did you mean until?"),
        ({"step": "ask", "to": "x", "pairs": {"a": {"kind": "acount"}}}, "did you mean account?"),
        ({"step": "done", "said": 1}, "give what is expected there"),
        ([], "give what is expected there"),
    ],
)
def test_the_remedy_names_what_may_stand_there(found: Any, said: str) -> None:
    assert told(found) == said


def test_what_comes_after_the_fault_may_be_anything() -> None:
    for rest in (b'"x": ' + b"[" * 100_000, b"\xff", b"nonsense"):
        body = b'{"step": "dome", ' + rest
        with pytest.raises(msgspec.ValidationError) as fault:
            msgspec.json.decode(body, type=Done | Ask)
        assert remedy_for(Done | Ask, body, fault.value) == "did you mean done?"


@settings(max_examples=50)
@given(
    some.recursive(
        some.none() | some.integers() | some.sampled_from(["done", "ask", "step", "`", "'", "kind"]),
        lambda inner: (
            some.lists(inner, max_size=3)
            | some.dictionaries(
                some.sampled_from(["step", "said", "parts", "pairs", "kind", "a.b]"]), inner, max_size=4
            )
        ),
    )
)
def test_something_is_said_about_everything(found: Any) -> None:
    body = msgspec.json.encode(found)
    for kind in (Done | Ask, Ask, list[Done | Ask], dict[str, Ask]):
        said = "nothing"
        try:
            msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as fault:
            said = remedy_for(kind, body, fault)
        assert said
