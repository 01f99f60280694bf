"""The page of the rule language: its tables are made from the code.

TRUSTWARD_APPROVE=1 python -m pytest tests/policy/test_docs.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.policy.kit import GOLDEN, catalogue, policy, rule
from trustward.policy.faults import CODES
from trustward.policy.features import AGGREGATES, SHAPES
from trustward.policy.statements import ARGUMENTS
from trustward.policy.workspace import SPECIAL_FORMS, VERB_MEANINGS, VERBS, ListSpec
from trustward.screening.functions import BUILT_IN, of_screeners

PAGE = Path(__file__).parents[2] / "docs" / "rule-language.md"


def table(*rows: tuple[str, ...]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"|{' --- |' * len(rows[0])}")
    return "\n".join(lines)


def code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


TABLES = {
    "actions": table(
        ("action", "verdict", "what it asks for"),
        *((code(verb), verdict, VERB_MEANINGS[verb]) for verb, verdict in VERBS.items()),
    ),
    "features": table(
        ("feature", "what it says"),
        *((code(SHAPES[name]), f"{says[0].upper()}{says[1:]}.") for name, says in AGGREGATES.items()),
    ),
    "functions": table(
        ("function", "what it says", "such as"),
        *((code(name), about, code(example)) for name, (example, about) in SPECIAL_FORMS.items()),
        *((code(found.name), found.about, code(found.example)) for found in (*BUILT_IN, *of_screeners())),
    ),
    "faults": table(("code", "what it stands for"), *((code(name), about) for name, about in CODES.items())),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_those_of_the_code(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- end -->)", re.DOTALL)
    if os.environ.get("TRUSTWARD_APPROVE"):
        page = pattern.sub(lambda found: f"{found[1]}{TABLES[name]}\n{found[3]}", page)
        PAGE.write_text(page, encoding="utf-8")
    found = pattern.search(page)
    assert found is not None
    assert found[2].strip() == TABLES[name]


def test_every_argument_of_a_rule_is_described() -> None:
    page = PAGE.read_text(encoding="utf-8")
    section = page[page.index("## Rules") : page.index("### Actions")]
    assert set(re.findall(r"`(\w+)`", section)) >= set(ARGUMENTS)


def test_every_verb_has_a_meaning() -> None:
    assert set(VERB_MEANINGS) == set(VERBS)


def test_the_message_that_is_shown_is_what_is_said() -> None:
    shown = re.search(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    golden = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("P012-fields.txt"))
    for line in shown[1].splitlines()[3:]:
        assert line in golden


@pytest.mark.parametrize("name", SHAPES)
def test_every_example_of_a_feature_is_sound(name: str) -> None:
    for shape in SHAPES[name].split(" or "):
        fed_by = re.search(r'of="([a-z._]+)"', shape)
        on = fed_by[1] if fed_by else "message.sent"
        required = {f.name: "a" for f in catalogue().types[on].fields.values() if f.required}
        bound = {"total": 'money("5 SGD")', "age": '"1h"', "since": '"1h"'}.get(name, "5")
        assert policy(rule(f"{shape} > {bound}", on=f'"{on}"', hit=repr(required))).rules


@pytest.mark.parametrize("name", SPECIAL_FORMS)
def test_every_example_of_a_form_is_sound(name: str) -> None:
    example = SPECIAL_FORMS[name][0]
    fields = set(re.findall(r"event\.(\w+)", example)) - {"time"}
    on = next(t for t in catalogue().types.values() if fields <= set(t.fields) and t.name != "x")
    lists = {"blocked_domains": ListSpec("domain", ()), "blocked_urls": ListSpec("url", ())}
    when = example
    if not any(sign in example for sign in (" > ", " < ", " >= ", " in ", "any_in", "present", "labelled")):
        when = f"present({example})"
    required = {f.name: "a" for f in on.fields.values() if f.required}
    assert policy(rule(when, on=f'"{on.name}"', hit=repr(required)), lists=lists).rules
