"""Texts that do not parse: what the analyst probably meant, and the statements around them that are sound.

One slip must not hide everything else that is wrong in a file, and Python's own messages speak of things that a policy
does not have. So a file that does not parse as a whole is read statement by statement.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from trustward.policy.source import Source, Unparsed, parse

MAX_STATEMENTS = 3_000
"""The most statements that are read one by one; a longer file with a slip shows that slip alone."""
_ARGUMENTS = (
    "id on when then reason owner hits misses fraud answers mode on_fault limit holdout score "
    "by within baseline of where delay lasts every"
)
_START = re.compile(
    rf"^(?:(?!(?:{'|'.join(_ARGUMENTS.split())})\b)(?P<name>[A-Za-z_]\w*)[ \t]*=(?!=)|[A-Za-z_]\w*[ \t]*\()",
    re.MULTILINE,
)
_TRIPLE = re.compile(r'"""|\'\'\'')
_ON_LINE = re.compile(r" on line (\d+)")
_SMART = "\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019\u201a"
_NEAR = (
    ("&&", "write and"),
    ("||", "write or"),
    ("<>", "write !="),
    ("=>", "write >="),
    ("=<", "write <="),
)
_SAID = (
    ("never closed", "close the bracket"),
    ("unterminated", "end the text with the quote that it begins with, on the same line"),
    ("unexpected indent", "a statement starts at the left edge"),
    ("unindent", "a statement starts at the left edge"),
    ("tabs", "indent with spaces"),
    ("decimal literal", 'a number stands alone; a duration is a text, such as "7d"'),
    ("leading zeros", "write the number without zeros in front, or as a text in quotes"),
    ("positional argument follows", "write name=value for every argument, and numbers without commas, such as 5000"),
    ("forgot a comma", "put a comma between the two, or an operator such as `and`"),
    ("non-printable", "write a plain space"),
    ("Maybe you meant", "write == to compare"),
    ("perhaps you meant", "write == to compare"),
)


class Parsed(NamedTuple):
    """What could be read of a source: its sound statements, what is wrong, and the names whose definition is wrong."""

    tree: ast.Module
    faults: tuple[Unparsed, ...]
    broken: frozenset[str]


def read(source: Source) -> Parsed:
    """The statements of a source; where it does not parse as a whole, those that do, and all slips."""
    whole = parse(source)
    if not isinstance(whole, Unparsed):
        return Parsed(whole, (), frozenset())
    empty = ast.Module([], [])
    pieces = _pieces(source.text) if whole.code == "P002" else []
    if not 1 < len(pieces) <= MAX_STATEMENTS:
        names = frozenset(name for _, name, _ in pieces if name)
        return Parsed(empty, (explained(source, whole),), names)
    faults: list[Unparsed] = []
    broken: set[str] = set()
    for start, name, text in pieces:
        found = parse(Source(source.name, text))
        if isinstance(found, Unparsed):
            faults.append(explained(source, _lower(found, start)))
            broken.update({name} - {""})
        else:
            empty.body.extend(ast.increment_lineno(statement, start) for statement in found.body)
    if not faults:
        # The slip lies between the statements, and none of them can be trusted to be whole.
        return Parsed(ast.Module([], []), (explained(source, whole),), frozenset(name for _, name, _ in pieces if name))
    return Parsed(empty, tuple(faults), frozenset(broken))


def _lower(fault: Unparsed, lines: int) -> Unparsed:
    """A fault of a piece of a text where it stands in the whole."""
    message = _ON_LINE.sub(lambda found: f" on line {int(found[1]) + lines}", fault.message)
    return fault._replace(line=fault.line + lines, message=message)


def _pieces(text: str) -> list[tuple[int, str, str]]:
    """The statements of a text as far as they can be told: lines before, the name that is defined (or ""), text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    quotes = [found.start() for found in _TRIPLE.finditer(text)]
    starts = [(0, "")]
    passed = 0
    for found in _START.finditer(text):
        while passed < len(quotes) and quotes[passed] < found.start():
            passed += 1
        if passed % 2 == 0:
            if found.start() == 0:
                starts.pop()
            starts.append((found.start(), found["name"] or ""))
    pieces = []
    line = at = 0
    ends = [start for start, _ in starts[1:]] + [len(text)]
    for (start, name), end in zip(starts, ends, strict=True):
        line += text.count("\n", at, start)
        at = start
        pieces.append((line, name, text[start:end]))
    return pieces


def explained(source: Source, fault: Unparsed) -> Unparsed:
    """The fault with what to do about it, and marked where that is to be done."""
    if fault.code != "P002":
        return fault
    found = _explained(source, fault)
    return found._replace(message=re.sub(r"(\.|,)? (Maybe|Perhaps|perhaps|\(detected) .*", "", found.message))


def _explained(source: Source, fault: Unparsed) -> Unparsed:
    line = source.lines[fault.line - 1] if 0 < fault.line <= len(source.lines) else ""
    column, rest = fault.column, line[fault.column :]
    around = line[max(column - 1, 0) : column + 2]
    if rest[:1] and rest[0] in _SMART:
        return fault._replace(hint='write straight quotes: "..."')
    for wrong, hint in _NEAR:
        if wrong in around:
            at = max(column - 1, 0) + around.index(wrong)
            return fault._replace(column=at, end_column=at + 2, hint=hint)
    shout = re.search(r"\b(AND|OR|NOT)\b", line[column:])
    if shout and _outside_text(line, column + shout.start()):
        at = column + shout.start()
        return fault._replace(column=at, end_column=at + len(shout[0]), hint=f"write {shout[0].lower()}")
    if rest[:1] == "!" and rest[1:2] != "=":
        return fault._replace(hint="write not")
    if rest[:1] == ":":
        return fault._replace(hint="write = between a name and its value")
    if re.match(r"=(?!=)", rest):
        return fault._replace(hint="write == to compare")
    if rest[:1] == "%" or line[max(column - 1, 0) : column] == "%":
        return fault._replace(hint="write a share as a number, such as 0.05")
    message, hint = fault.message, next((hint for said, hint in _SAID if said in fault.message), "")
    if "forgot a comma" in message:
        inside = fault.end_column > fault.column + 1 and fault.end_column <= len(line.rstrip())
        end = len(line.rstrip())
        if not inside and end > column:
            # The second of the two stands on another line: the comma is missing at the end of this one.
            return fault._replace(message="does not parse: a comma is missing", column=end, end_column=end + 1, hint="")
    return fault._replace(hint=hint)


def _outside_text(line: str, column: int) -> bool:
    """Whether a column does not lie in a text in double quotes."""
    return line.count('"', 0, column) % 2 == 0
