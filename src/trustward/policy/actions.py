"""The actions of a rule: ``then=[hold(event), label(event.sender, "spammer", lasts="7d")]``."""

from __future__ import annotations

import ast

from trustward.model.decision import VERDICTS, Verdict
from trustward.policy.expressions import Typer
from trustward.policy.faults import nearest, one_of
from trustward.policy.nodes import Const, Node
from trustward.policy.rules import Target
from trustward.policy.workspace import VERBS

MAX_NOTE = 200
_LINKS = ("url", "domain")


def actions(typer: Typer, node: ast.expr) -> tuple[Target, ...] | None:
    """The typed actions, or None after a fault."""
    items = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    if not items:
        typer.fault("P057", "a rule must do something", node, "then=[review(event)] only asks a person to look")
        return None
    found = [_action(typer, item) for item in items]
    done = tuple(action for action in found if action is not None)
    return done if len(done) == len(found) else None


def verdict_of(targets: tuple[Target, ...]) -> Verdict:
    """The harshest verdict that any action asks for.

    >>> verdict_of((Target("warn", None), Target("hold", None)))
    'hold'
    """
    return max((_verdict(target.do) for target in targets), key=VERDICTS.index)


def _verdict(verb: str) -> Verdict:
    return next(verdict for verdict in VERDICTS if verdict == VERBS[verb])


def _action(typer: Typer, node: ast.expr) -> Target | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        typer.fault("P057", "an action is a call", node, "such as hold(event)")
        return None
    verb = node.func.id
    if verb not in VERBS:
        typer.fault(
            "P015",
            f"there is no action {verb}",
            node.func,
            nearest(verb, VERBS) or f"the actions are {one_of(VERBS, 20)}",
        )
        return None
    marks = verb in ("label", "unlabel")
    shape = f'{verb}(event.ENTITY, "name")' if marks else f"{verb}(event) or {verb}(event.ENTITY)"
    lasts = _lasts(typer, node, verb)
    if not 1 <= len(node.args) <= 2 or lasts == -1 or any(isinstance(a, ast.Starred) for a in node.args):
        if lasts != -1:
            typer.fault("P057", f"{verb} takes what it acts on and a text", node, f"write {shape}")
        return None
    if marks and len(node.args) != 2:
        typer.fault("P057", f"{verb} needs the label's name", node, f"write {shape}")
        return None
    note = typer.literal_text(node.args[1], "the note", node) if len(node.args) == 2 else ""
    if note is None:
        return None
    if len(note) > MAX_NOTE or (marks and not note.strip()):
        typer.fault("P057", f"a name or note has 1 to {MAX_NOTE} characters", node.args[1])
        return None
    first = node.args[0]
    if isinstance(first, ast.Name) and first.id == "event":
        if marks or verb == "block_link":
            what = "an entity" if marks else "a link"
            hint = f"write {shape}" if marks else f"write {verb}(event.FIELD), of a field that is a url or a domain"
            typer.fault("P057", f"{verb} needs {what}, not the event", first, hint)
            return None
        return Target(verb, None, note, lasts)
    entity = typer.expression(first)
    if entity is None or not _acts_on(typer, verb, entity, first):
        return None
    return Target(verb, entity, note, lasts)


def _acts_on(typer: Typer, verb: str, entity: Node, at: ast.expr) -> bool:
    kind = entity.type.element if entity.type.base == "list" else entity.type
    if kind.base != "entity" or isinstance(entity, Const):
        typer.fault("P057", f"{verb} acts on the event or an entity, but this is {entity.type.a}", at)
        return False
    if verb == "block_link" and kind.kind not in _LINKS:
        typer.fault("P057", f"block_link acts on a url or domain, but this is {kind.a}", at)
        return False
    return True


def _lasts(typer: Typer, node: ast.Call, verb: str) -> int | None:
    """Microseconds of ``lasts=``, None without one, -1 after a fault."""
    lasts: int | None = None
    for keyword in node.keywords:
        if keyword.arg != "lasts" or verb == "unlabel":
            hint = 'lasts="7d" says how long' if verb != "unlabel" else ""
            typer.fault("P057", f"{verb} has no argument {keyword.arg}", keyword, hint)
            return -1
        lasts = typer.duration(keyword.value, "lasts", node)
        if lasts is None:
            return -1
        if lasts == 0:
            typer.fault("P057", "lasts must be more than 0", keyword.value)
            return -1
    return lasts
