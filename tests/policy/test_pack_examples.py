"""The examples of the starter pack guard its rules: turn a comparison round or move its bound, and one fails."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files

import pytest

from tests.policy.kit import catalogue
from trustward.base.errors import PolicyError
from trustward.base.units import parse_duration
from trustward.engine.examples import run_examples
from trustward.policy import Policy, Source, load_policy
from trustward.policy.workspace import ListSpec

PACK = files("trustward") / "packs" / "starter"
TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
Change = Callable[[ast.Compare], None]


def read_pack() -> tuple[dict[str, ast.expr], dict[str, ast.Call]]:
    names: dict[str, ast.expr] = {}
    rules: dict[str, ast.Call] = {}
    for entry in sorted(PACK.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".policy"):
            for statement in ast.parse(entry.read_text(encoding="utf-8")).body:
                if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                    names[statement.targets[0].id] = statement.value
                elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                    rules[str(ast.literal_eval(part(statement.value, "id")))] = statement.value
    return names, rules


def part(rule: ast.Call, name: str) -> ast.expr:
    return next(keyword.value for keyword in rule.keywords if keyword.arg == name)


NAMES, RULES = read_pack()


@pytest.fixture(scope="module")
def pack() -> Policy:
    return load_policy(str(PACK), catalogue())


def bounds(node: ast.expr) -> Iterator[ast.expr]:
    """A bound ten times as large, and a tenth of it; nothing for what is no number or duration."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return
    if isinstance(node.value, (int, float)):
        yield ast.Constant(node.value * 10 or 10)
        if node.value:
            yield ast.Constant(type(node.value)(node.value / 10))
    elif isinstance(node.value, str):
        try:
            us = parse_duration(node.value)
        except ValueError:
            return
        yield ast.Constant(f"{us * 10}us")
        yield ast.Constant(f"{us // 10}us")


def turned(at: int) -> Change:
    def change(compare: ast.Compare) -> None:
        compare.ops[at] = TURNED[type(compare.ops[at])]()

    return change


def moved(at: int, bound: ast.expr) -> Change:
    def change(compare: ast.Compare) -> None:
        compare.comparators[at] = bound

    return change


def changed(when: ast.expr) -> Iterator[ast.expr]:
    """The condition with one comparison turned round, or one bound moved far off."""
    for place, compare in enumerate(ast.walk(when)):
        if not isinstance(compare, ast.Compare):
            continue
        changes = [turned(at) for at in range(len(compare.ops))]
        changes += [moved(at, bound) for at, side in enumerate(compare.comparators) for bound in bounds(side)]
        for change in changes:
            copied = copy.deepcopy(when)
            found = next(node for number, node in enumerate(ast.walk(copied)) if number == place)
            assert isinstance(found, ast.Compare)
            change(found)
            yield copied


def alone(rule: ast.Call, when: ast.expr) -> str:
    """A policy of one rule with another condition, and the names that it needs."""
    made = ast.Call(rule.func, [], [ast.keyword(k.arg, when if k.arg == "when" else k.value) for k in rule.keywords])
    needed: dict[str, None] = {}
    todo: list[ast.expr] = [made]
    while todo:
        for node in ast.walk(todo.pop()):
            words = [node.id] if isinstance(node, ast.Name) else []
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = re.findall(r"[a-z]\w*", " ".join(re.findall(r"{[^}]*}", node.value)))
            for word in words:
                if word in NAMES and word not in needed:
                    needed[word] = None
                    todo.append(NAMES[word])
    return "\n".join([*(f"{name} = {ast.unparse(NAMES[name])}" for name in needed), ast.unparse(made)]) + "\n"


def notices(text: str, lists: Mapping[str, ListSpec]) -> bool:
    """Whether the checker refuses a policy, or one of its examples fails."""
    try:
        made = load_policy([Source("changed.policy", text)], catalogue(), lists=lists, drafts=True)
    except PolicyError:
        return True
    return bool(run_examples(made, catalogue()))


@pytest.mark.parametrize("name", RULES)
def test_examples_notice_a_changed_comparison(name: str, pack: Policy) -> None:
    rule = RULES[name]
    when = part(rule, "when")
    assert not notices(alone(rule, when), pack.lists)
    unnoticed = [ast.unparse(other) for other in changed(when) if not notices(alone(rule, other), pack.lists)]
    assert not unnoticed, f"{ast.unparse(when)} can become {unnoticed}"
