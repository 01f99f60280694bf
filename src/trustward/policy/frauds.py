"""Which kind of fraud each rule of a policy is after: read off its text, without the catalogue, nothing compiled."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from trustward.policy.source import Source, parse


def frauds(sources: Iterable[Source]) -> dict[str, str]:
    """The kinds by the ids of the rules that say one; what cannot be parsed says none.

    >>> text = 'rule(id="a", fraud="luring", on="message.sent")'
    >>> frauds([Source("a.policy", text), Source("b.policy", "rule(")])
    {'a': 'luring'}
    """
    found: dict[str, str] = {}
    for source in sources:
        tree = parse(source)
        if not isinstance(tree, ast.Module):
            continue
        for statement in tree.body:
            match statement:
                case ast.Expr(value=ast.Call(func=ast.Name(id="rule")) as call):
                    said = {one.arg: one.value for one in call.keywords}
                    match said.get("id"), said.get("fraud"):
                        case ast.Constant(value=str(id)), ast.Constant(value=str(fraud)):
                            found[id] = fraud
    return found
