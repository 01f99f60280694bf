"""The text of a policy: files read with limits, and parsed by ``ast`` without ever being run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import NamedTuple

MAX_CHARACTERS = 400_000
"""The most characters in one policy file."""
MAX_TOTAL = 4_000_000
"""The most characters in all policy files of a policy."""
MAX_DEPTH = 50
"""How deep expressions may be nested."""
MAX_TYPED_DEPTH = 40
"""How deep an expression may be nested with the names in it filled in."""
MAX_NODES = 100_000
"""The most syntax nodes in one policy file."""


class Source:
    """One file of a policy: its name within the policy and its text."""

    __slots__ = ("lines", "marked", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        # A byte order mark says nothing, but it is a part of the file, and so of the policy's hash.
        self.marked = text.startswith("\ufeff")
        self.text = text = text.removeprefix("\ufeff")
        # The line ends that Python's own parser knows; str.splitlines knows more and would count differently.
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ").split("\n")

    def characters(self, line: int, offset: int) -> int:
        """The column in characters of a byte offset in a line."""
        if not 0 < line <= len(self.lines):
            return 0
        text = self.lines[line - 1]
        if text.isascii():
            return min(offset, len(text))
        return len(text.encode("utf-8", "replace")[:offset].decode("utf-8", "ignore"))

    def __repr__(self) -> str:
        return f"Source({self.name!r})"


class Unparsed(NamedTuple):
    """Why a text is not a policy, and where: line from 1, column from 0."""

    code: str
    message: str
    line: int
    column: int
    end_column: int
    hint: str = ""


def parse(source: Source) -> ast.Module | Unparsed:
    """The syntax tree of a source, or why there is none. Nothing of it is executed."""
    if len(source.text) > MAX_CHARACTERS:
        return Unparsed("P003", f"the file has more than {MAX_CHARACTERS:,} characters", 1, 0, 1)
    try:
        # A wrong escape in a text literal is only a warning to Python; regexes are checked on their own later.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text, filename="policy", mode="exec")
    except SyntaxError as fault:
        return _syntax_fault(source, fault)
    except (RecursionError, MemoryError):
        line = max(range(len(source.lines)), key=lambda i: len(source.lines[i]))
        return Unparsed("P003", "too deeply nested", line + 1, 0, len(source.lines[line]))
    except (ValueError, OverflowError) as fault:
        return _odd_text(source, fault)
    return _limits(source, tree) or tree


def _syntax_fault(source: Source, fault: SyntaxError) -> Unparsed:
    line = min(max(fault.lineno or 1, 1), len(source.lines))
    width = len(source.lines[line - 1])
    column = min(max((fault.offset or 1) - 1, 0), width)
    end = (fault.end_offset or 0) - 1 if fault.end_lineno == fault.lineno else column
    message = (fault.msg or "invalid syntax").split("\n")[0]
    if "too many nested" in message or "too many statically nested" in message:
        return Unparsed("P003", "too deeply nested", line, column, max(end, column + 1))
    return Unparsed("P002", f"does not parse: {message}", line, column, max(end, column + 1))


def _odd_text(source: Source, fault: Exception) -> Unparsed:
    for number, line in enumerate(source.lines, 1):
        for column, character in enumerate(line):
            if character == "\0" or "\ud800" <= character <= "\udfff":
                return Unparsed(
                    "P002", f"a character that no text may hold (U+{ord(character):04X})", number, column, column + 1
                )
    return Unparsed("P002", f"does not parse: {type(fault).__name__}", 1, 0, 1)


def _limits(source: Source, tree: ast.Module) -> Unparsed | None:
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    count = 0
    last: ast.AST = tree
    while stack:
        node, depth = stack.pop()
        count += 1
        if hasattr(node, "lineno"):
            last = node
        if depth > MAX_DEPTH or count > MAX_NODES:
            what = (
                f"more than {MAX_DEPTH} levels deep"
                if depth > MAX_DEPTH
                else f"more than {MAX_NODES:,} parts in one file"
            )
            line = getattr(last, "lineno", 1)
            column = source.characters(line, getattr(last, "col_offset", 0))
            return Unparsed(
                "P003", f"too deeply nested: {what}" if depth > MAX_DEPTH else what, line, column, column + 1
            )
        stack.extend((child, depth + 1) for child in _children(node))
    return None


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.Load, ast.Store, ast.operator, ast.boolop, ast.cmpop, ast.unaryop)):
            yield child
