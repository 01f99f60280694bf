"""The statements of a policy: ``name = expression``, ``rule(...)``, ``export(...)``."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from trustward.base.units import parse_duration
from trustward.model.decision import VERDICTS, Verdict
from trustward.policy import analysis
from trustward.policy.actions import actions, verdict_of
from trustward.policy.aggregates import type_names
from trustward.policy.examples import ExampleReader
from trustward.policy.expressions import Typer
from trustward.policy.faults import Span, nearest, one_of
from trustward.policy.logic import normalise
from trustward.policy.nodes import Attribute, Node
from trustward.policy.reasons import MAX_REASON, reason_parts
from trustward.policy.rules import Rule, RuleMode, Target, TypedRule
from trustward.policy.source import Source
from trustward.policy.workspace import Named, Workspace

SCORES: dict[Verdict, float] = {
    "allow": 0.2,
    "warn": 0.3,
    "challenge": 0.5,
    "limit": 0.6,
    "hold": 0.8,
    "block": 0.95,
}
"""The score of a rule that gives none, by its verdict."""

ARGUMENTS: dict[str, bool] = {
    "id": True,
    "on": True,
    "when": True,
    "then": True,
    "reason": True,
    "owner": True,
    "hits": True,
    "misses": True,
    "fraud": False,
    "answers": False,
    "mode": False,
    "on_fault": False,
    "limit": False,
    "holdout": False,
    "score": False,
}
"""The arguments of a rule and whether every rule must have them."""

MAX_SIZE = 2_000_000
"""The most characters of all conditions, reasons and actions, with the names in them filled in."""
_RULE_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_MODES: tuple[RuleMode, ...] = ("live", "shadow", "draft")
_PER = re.compile(r"([0-9]{1,9})/([0-9]*[a-z]+)")
_STATEMENTS: dict[type[ast.stmt], str] = {
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.FunctionDef: "def",
    ast.AsyncFunctionDef: "def",
    ast.ClassDef: "class",
    ast.For: "for",
    ast.While: "while",
    ast.If: "if",
    ast.With: "with",
    ast.Try: "try",
    ast.Delete: "del",
    ast.Return: "return",
    ast.Raise: "raise",
    ast.Global: "global",
    ast.Assert: "assert",
    ast.AugAssign: "an assignment with an operator",
    ast.AnnAssign: "an assignment with a type",
    ast.Pass: "pass",
    ast.Match: "match",
}


@dataclass(slots=True)
class Statements:
    """What the files of a policy say, before anything is typed."""

    rules: list[tuple[ast.Call, Source]] = field(default_factory=list)
    exports: list[tuple[ast.Call, Source]] = field(default_factory=list)
    whole: bool = True
    """Whether all files could be read and parsed."""


def collect(work: Workspace, source: Source, tree: ast.Module, into: Statements) -> None:
    """Sort the statements of one file; wrong ones are recorded as faults."""
    for number, statement in enumerate(tree.body):
        match statement:
            case ast.Expr(value=ast.Constant(value=str())) if number == 0:
                continue
            case ast.Expr(value=ast.Call(func=ast.Name(id="rule")) as call):
                into.rules.append((call, source))
            case ast.Expr(value=ast.Call(func=ast.Name(id="export")) as call):
                into.exports.append((call, source))
            case ast.Assign(targets=[ast.Name() as target]):
                _define(work, source, target, statement.value)
            case _:
                _stray(work, source, statement)


def _stray(work: Workspace, source: Source, statement: ast.stmt) -> None:
    span = Span.of(source, statement)
    span = (
        span._replace(end_line=span.line, end_column=len(source.lines[span.line - 1]))
        if span.end_line != span.line
        else span
    )
    hint = "a policy has name = expression, rule(...) and export(...)"
    if (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
    ):
        hint = nearest(statement.value.func.id, ["rule", "export"]) or hint
    what = _STATEMENTS.get(type(statement), "this statement")
    work.faults.add("P004", f"{what} cannot be used in a policy", span, hint)


def _define(work: Workspace, source: Source, target: ast.Name, value: ast.expr) -> None:
    span = Span.of(source, target)
    name = target.id
    if name in work.reserved():
        work.faults.add("P019", f"{name} is a word of the language", span, "choose another name")
    elif not _NAME.fullmatch(name):
        work.faults.add(
            "P019",
            f"{name[:60]} cannot be a name",
            span,
            "use lower case letters, digits and _, starting with a letter",
        )
    elif name in work.names:
        before = work.names[name].span
        work.faults.add(
            "P018", f"{name} is already defined in {before.source.name}:{before.line}", span, "choose another name"
        )
    else:
        work.names[name] = Named(name, value, source, span)


class RuleReader:
    """Reads one ``rule(...)``; everything wrong with it is recorded, and then there is no rule."""

    def __init__(self, work: Workspace, call: ast.Call, source: Source, number: int) -> None:
        self.work = work
        self.call = call
        self.source = source
        self.number = number
        # Literals need a typer for their faults only; any event type will do.
        self.words = Typer(work, next(iter(work.catalogue.types.values())), source)
        self.given: dict[str, ast.expr] = {}
        self.head = Span.of(source, call.func)

    def fault(self, code: str, message: str, node: ast.AST | None, hint: str = "") -> None:
        """Record a fault at a piece of the rule, or at its head."""
        self.work.faults.add(code, message, self.head if node is None else Span.of(self.source, node), hint)

    def rule(self) -> Rule | None:
        """The rule, or None after faults."""
        before = len(self.work.faults)
        rule = self._rule(before)
        if rule is None:
            # What a faulty rule mentions is used: it is not to be told of twice.
            _mentions(self.work, self.call)
        return rule

    def _rule(self, before: int) -> Rule | None:
        self._arguments()
        given = self.given
        identity = self._id()
        types = type_names(self.words, given["on"], "on") if "on" in given else None
        if not types:
            self._untyped()
            return None
        typed, targets = self._typed(types)
        texts = {name: self._text(name) for name in ("owner", "fraud")}
        mode = self._one_of("mode", _MODES, "live")
        on_fault = self._one_of("on_fault", (*VERDICTS, "ignore"), "hold")
        limits = self._limits()
        self._reachable(limits, typed)
        holdout = self._share("holdout", 0.0, most=0.5)
        verdict = verdict_of(targets) if targets else "allow"
        score = self._share("score", SCORES[verdict])
        answers = self._answers()
        reader = ExampleReader(self.work, self.source, types[0], tuple(types))
        examples = [
            example
            for name in ("hits", "misses")
            if name in given
            for example in reader.examples(given[name], hit=name == "hits")
        ]
        if len(self.work.faults) > before or identity is None or not typed:
            return None
        return Rule(
            number=self.number,
            id=identity,
            types=tuple(types),
            mode=next(known for known in _MODES if known == mode),
            owner=texts["owner"],
            fraud=texts["fraud"],
            answers=answers,
            verdict=verdict,
            score=score,
            on_fault="ignore" if on_fault == "ignore" else next(v for v in VERDICTS if v == on_fault),
            limits=limits,
            holdout=holdout,
            when_text=Span.of(self.source, given["when"]).text,
            reason_text=self.words.literal_text(given["reason"], "the reason", given["reason"]) or "",
            actions_text=_pieces(self.source, given["then"]),
            sets_labels=tuple(sorted({target.note for target in targets if target.do in ("label", "unlabel")})),
            examples=tuple(examples),
            span=self.head,
            typed=typed,
        )

    # ------------------------------------------------------------------ arguments

    def _arguments(self) -> None:
        for argument in self.call.args:
            self.fault("P051", "the arguments of a rule have names", argument, "write rule(id=..., on=..., when=...)")
        for keyword in self.call.keywords:
            if keyword.arg is None:
                self.fault("P005", "arguments are written out, without * or **", keyword.value)
            elif keyword.arg not in ARGUMENTS:
                hint = nearest(keyword.arg, ARGUMENTS) or f"a rule has {one_of(ARGUMENTS, 20)}"
                self.fault("P051", f"a rule has no argument {keyword.arg}", keyword, hint)
            else:
                self.given[keyword.arg] = keyword.value
        for name, needed in ARGUMENTS.items():
            if needed and name not in self.given:
                self.fault("P050", f"a rule needs {name}=", None, _NEEDED[name])

    def _untyped(self) -> None:
        """The faults that can be told without knowing the event type."""
        self._text("owner")
        self._answers()
        self._limits()

    def _id(self) -> str | None:
        node = self.given.get("id")
        if node is None:
            return None
        text = self.words.literal_text(node, "the id", node)
        if text is None:
            return None
        if not _RULE_ID.fullmatch(text):
            self.fault(
                "P052",
                f"{text[:60]!r} cannot be a rule's id",
                node,
                "use lower case letters, digits, - _ and ., at most 80",
            )
            return None
        return text

    def _text(self, name: str) -> str:
        node = self.given.get(name)
        if node is None:
            return ""
        text = self.words.literal_text(node, name, node) or ""
        if isinstance(node, ast.Constant) and (not text.strip() or len(text) > 120):
            self.fault("P052", f"{name} is a text of 1 to 120 characters", node)
        return text

    def _one_of(self, name: str, known: tuple[str, ...], default: str) -> str:
        node = self.given.get(name)
        if node is None:
            return default
        text = self.words.literal_text(node, name, node)
        if text is not None and text not in known:
            self.fault(
                "P052",
                f"{name} cannot be {text[:40]!r}",
                node,
                nearest(text, known) or f"it is one of {', '.join(known)}",
            )
        return text if text in known else default

    def _share(self, name: str, default: float, most: float = 1.0) -> float:
        node = self.given.get(name)
        if node is None:
            return default
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
            self.fault("P052", f"{name} is a number from 0 to {most:g}, written out", node)
            return default
        return float(value)

    def _limits(self) -> tuple[tuple[int, int], ...]:
        node = self.given.get("limit")
        if node is None:
            return ()
        items = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
        found: list[tuple[int, int]] = []
        for item in items:
            text = self.words.literal_text(item, "a limit", node)
            if text is None:
                continue
            parts = _PER.fullmatch(text)
            try:
                within = parse_duration(parts[2] if parts[2][:1].isdigit() else f"1{parts[2]}") if parts else 0
            except ValueError:
                within = 0
            if parts is None or not 0 < within <= 366 * 86_400_000_000 or int(parts[1]) == 0:
                self.fault(
                    "P052",
                    f"not a limit: {text[:40]!r}",
                    item,
                    'write how many actions in which time, such as "100/h" or "1000/d"',
                )
            else:
                found.append((int(parts[1]), within))
        if not items:
            self.fault("P052", "an empty limit", node, 'write "100/h", or leave it out')
        return tuple(found)

    def _reachable(self, limits: tuple[tuple[int, int], ...], typed: dict[str, TypedRule]) -> None:
        """A limit below what the rule does at each hit would silence it for good."""
        most = min((most for most, _ in limits), default=0)
        for on in typed.values() if limits else ():
            sure = sum(target.entity is None or _surely_one(target.entity) for target in on.actions)
            if sure > most:
                message = f"the rule takes {sure} actions at each hit, and its limit is {most}: it would never act"
                self.fault("P052", message, self.given["limit"], "a limit counts actions, not hits")
                return

    def _answers(self) -> tuple[str, ...]:
        node = self.given.get("answers")
        if node is None:
            return ()
        if not isinstance(node, (ast.List, ast.Tuple)):
            self.fault("P052", "answers is a list of obligations", node, 'write answers=["SG-OCC-1"]')
            return ()
        known = self.work.obligations
        found: list[str] = []
        for item in node.elts:
            text = self.words.literal_text(item, "an obligation", node)
            if text is None:
                continue
            if text not in known:
                self.fault(
                    "P016",
                    f"there is no obligation {text[:60]!r}",
                    item,
                    nearest(text, known) or "they are in trustward/regimes/obligations.toml",
                )
            found.append(text)
        return tuple(found)

    # ------------------------------------------------------------------ what is typed

    def _typed(self, types: list[str]) -> tuple[dict[str, TypedRule], tuple[Target, ...]]:
        typed: dict[str, TypedRule] = {}
        every: list[Target] = []
        for name in types:
            typer = Typer(self.work, self.work.catalogue.types[name], self.source)
            given = self.given
            when = typer.condition(given["when"], "when=") if "when" in given else None
            targets = actions(typer, given["then"]) if "then" in given else None
            reason = reason_parts(typer, given["reason"]) if "reason" in given else None
            normal: Node | None = None
            if when is not None:
                normal = normalise(when)
                analysis.check(self.work.faults, normal)
            if normal is None or targets is None or reason is None:
                continue
            every.extend(targets)
            typed[name] = TypedRule(normal, targets, reason)
            if not self._affordable(typed[name]):
                break
        return typed, tuple(every)

    def _affordable(self, typed: TypedRule) -> bool:
        """Whether code can still be made of the policy: names that are used again and again count each time."""
        values = [typed.when, *(piece for piece in typed.reason if isinstance(piece, Node))]
        values += [target.entity for target in typed.actions if target.entity is not None]
        self.work.size += sum(len(value.key) for value in values)
        if self.work.size <= MAX_SIZE:
            return True
        message = f"the policy has more than {MAX_SIZE:,} characters, with the names in it filled in"
        self.fault("P003", message, None, "use fewer or smaller rules, or fewer event types in each")
        return False


def _surely_one(entity: Node) -> bool:
    """Whether every event of the type names that entity."""
    return isinstance(entity, Attribute) and entity.required and entity.type.base != "list"


def _mentions(work: Workspace, node: ast.AST) -> None:
    """Note the names that some syntax mentions, in reasons and through other names as well, as used."""
    todo: list[ast.AST] = [node]
    while todo:
        for part in ast.walk(todo.pop()):
            words: list[str] = []
            if isinstance(part, ast.Name):
                words = [part.id]
            elif isinstance(part, ast.Constant) and isinstance(part.value, str) and "{" in part.value:
                words = re.findall(r"[a-z]\w*", part.value[:MAX_REASON])
            for word in words:
                if word in work.names and word not in work.used:
                    work.used.add(word)
                    todo.append(work.names[word].expression)


_NEEDED = {
    "id": 'such as id="mass-contact"',
    "on": 'say which events it is about: on="message.sent"',
    "when": "say when it holds: when=event.amount > ...",
    "then": "say what to do: then=[hold(event)]",
    "reason": 'say why, for the people who read the decision: reason="{contacts_1h} people contacted"',
    "owner": 'say who answers for it: owner="messaging-risk"',
    "hits": "show at least one event on which it must hold",
    "misses": "show at least one event on which it must not hold",
}


def _pieces(source: Source, node: ast.expr) -> tuple[str, ...]:
    items = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    return tuple(Span.of(source, item).text for item in items)
