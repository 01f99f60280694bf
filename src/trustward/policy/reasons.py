"""Reasons: texts with ``{expressions}`` in them."""

from __future__ import annotations

import ast

from trustward.policy.expressions import Typer
from trustward.policy.faults import Span
from trustward.policy.nodes import Node
from trustward.policy.source import MAX_DEPTH

MAX_REASON = 1_000
"""The most characters in a reason."""


def reason_parts(typer: Typer, node: ast.expr) -> tuple[str | Node, ...] | None:
    """The pieces of a reason: plain texts and typed values; None after a fault."""
    if isinstance(node, ast.JoinedStr):
        typer.fault("P053", "a reason is a plain text", node, 'write "..." without the f in front; {...} is filled in')
        return None
    text = typer.literal_text(node, "the reason", node)
    if text is None:
        return None
    if not text.strip() or len(text) > MAX_REASON:
        typer.fault("P053", f"a reason has 1 to {MAX_REASON} characters", node)
        return None
    pieces = split(text)
    if isinstance(pieces, str):
        typer.fault("P053", pieces, node, "write {{ or }} for a brace that is meant as such")
        return None
    parts: list[str | Node] = []
    for is_value, piece in pieces:
        if not is_value:
            parts.append(piece)
            continue
        typed = _value(typer, node, piece)
        if typed is None:
            return None
        parts.append(typed)
    return tuple(parts)


def split(text: str) -> list[tuple[bool, str]] | str:
    """The pieces of a template as (is a value, text), or what is wrong with it.

    >>> split("{a} of {{b}}")
    [(True, 'a'), (False, ' of {b}')]
    >>> split("{a")
    'a brace is opened and not closed'
    """
    pieces: list[tuple[bool, str]] = []
    plain: list[str] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character in "{}" and text[at + 1 : at + 2] == character:
            plain.append(character)
            at += 2
        elif character == "}":
            return "a brace is closed and not opened"
        elif character == "{":
            end = _closing(text, at + 1)
            if end < 0:
                return "a brace is opened and not closed"
            if plain:
                pieces.append((False, "".join(plain)))
                plain = []
            pieces.append((True, text[at + 1 : end]))
            at = end + 1
        else:
            plain.append(character)
            at += 1
    if plain:
        pieces.append((False, "".join(plain)))
    return pieces


def _closing(text: str, at: int) -> int:
    """Where the brace is closed, texts in quotes skipped; -1 if nowhere."""
    quote = ""
    while at < len(text):
        character = text[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "}":
            return at
        elif character == "{":
            return -1
        at += 1
    return -1


def _value(typer: Typer, literal: ast.expr, piece: str) -> Node | None:
    try:
        tree = ast.parse(piece.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        typer.fault(
            "P053",
            f"{{{piece[:60]}}} in the reason does not parse",
            literal,
            "write an expression, such as {event.sender}",
        )
        return None
    if _deeper(tree, MAX_DEPTH):
        typer.fault("P053", "an expression in the reason is too deeply nested", literal)
        return None
    _move(typer, tree, literal, piece)
    typed = typer.expression(tree.body)
    if typed is None:
        return None
    if typed.type.base == "signal" or type(typed).__name__ in ("Amounts", "Listed"):
        typer.fault(
            "P053", f"{{{piece[:60]}}} in the reason has nothing to show", tree.body, "show a value, such as its .score"
        )
        return None
    if type(typed).__name__ in ("Compare", "Member", "AnyIn", "Labelled", "Present", "All", "Some", "Not", "Holds"):
        typer.fault(
            "P053",
            f"{{{piece[:60]}}} in the reason is a condition, not a value",
            tree.body,
            "show the values behind it",
        )
        return None
    return typed


def _deeper(tree: ast.AST, limit: int) -> bool:
    stack = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > limit:
            return True
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
    return False


def _move(typer: Typer, tree: ast.AST, literal: ast.expr, piece: str) -> None:
    """Give the expression the place in the file where it stands, if that can be told; else the whole reason's."""
    span = Span.of(typer.source, literal)
    for line in range(span.line, span.end_line + 1):
        text = typer.source.lines[line - 1]
        start = text.find("{" + piece + "}", span.column if line == span.line else 0)
        if start >= 0 and "\n" not in piece:
            lead = len(piece) - len(piece.lstrip())
            offset = len(text[: start + 1 + lead].encode("utf-8", "replace"))
            for node in ast.walk(tree):
                if isinstance(node, ast.expr):
                    node.lineno = node.end_lineno = line
                    node.col_offset += offset
                    node.end_col_offset = (node.end_col_offset or 0) + offset
            return
    for node in ast.walk(tree):
        if isinstance(node, (ast.expr, ast.keyword)):
            ast.copy_location(node, literal)
