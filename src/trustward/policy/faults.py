"""What can be wrong with a policy, said as a good compiler says it: place, marked line, code, nearest right name.

All faults of a policy are collected, put in order and shown at once.
"""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from trustward.model.nearest import NameIndex
from trustward.policy.source import Source

CODES: dict[str, str] = {
    "P001": "a policy file or folder cannot be read",
    "P002": "the text is not a valid expression or statement",
    "P003": "too long, too deep or too many",
    "P004": "a statement that a policy does not know",
    "P005": "a form of expression that a policy does not know",
    "P006": "a point after something that has no fields",
    "P007": "a policy without rules",
    "P008": "a literal that cannot be used",
    "P010": "an unknown name",
    "P011": "an unknown function",
    "P012": "an unknown field",
    "P013": "an unknown event type",
    "P014": "an unknown list",
    "P015": "an unknown action",
    "P016": "an unknown obligation",
    "P017": "a missing, unknown or surplus argument",
    "P018": "the same name twice",
    "P019": "a name that is taken by the language",
    "P020": "names that go in a circle",
    "P021": "a name that nothing uses",
    "P022": "the same rule id twice",
    "P023": "a label that no rule sets, spelt almost like one that is set",
    "P030": "a value of the wrong type",
    "P031": "a comparison between different types",
    "P032": "a condition that is not a yes or no",
    "P033": "money of mixed or unknown currency",
    "P034": "a duration or time that cannot be read",
    "P035": "an amount of money that cannot be read",
    "P036": "a regular expression that cannot be used",
    "P037": "an unknown time zone",
    "P038": "a value that must be written out as a literal",
    "P039": "an empty or mixed list",
    "P040": "a feature that does not say which events feed it",
    "P041": "a feature that cannot be read on this event type",
    "P042": "a feature, label or list where only fields may stand",
    "P043": "a window that cannot be",
    "P044": "a key that cannot be a key",
    "P045": "a feature read for the wrong entity",
    "P050": "a rule without something that every rule must have",
    "P051": "an unknown argument of a rule",
    "P052": "an argument of a rule that cannot be used",
    "P053": "a reason that cannot be rendered",
    "P054": "a condition that can never hold",
    "P055": "a condition that always holds",
    "P056": "an example that cannot be an event",
    "P057": "an action that cannot be taken",
    "P060": "a list file that cannot be read",
}
"""Every fault code and what it stands for. A code is never reused."""


class Span(NamedTuple):
    """A stretch of source: lines from 1, columns from 0 in characters, the end exclusive.

    ``negated``: what stands there is meant with a ``not`` in front, which stands elsewhere.
    """

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int
    negated: bool = False

    @classmethod
    def of(cls, source: Source, node: ast.AST) -> Span:
        """The span of a parsed node (``ast`` counts columns in UTF-8 bytes)."""
        line = getattr(node, "lineno", 1)
        end_line = getattr(node, "end_lineno", None) or line
        return cls(
            source,
            line,
            source.characters(line, getattr(node, "col_offset", 0)),
            end_line,
            source.characters(end_line, getattr(node, "end_col_offset", None) or 0),
        )

    @property
    def text(self) -> str:
        """The source under the span, on one line."""
        lines = self.source.lines[self.line - 1 : self.end_line]
        if not lines:
            return ""
        lines = list(lines)
        lines[-1] = lines[-1][: self.end_column]
        lines[0] = lines[0][self.column :]
        text = " ".join(" ".join(lines).split())
        return f"not {text}" if self.negated else text


class Fault(NamedTuple):
    """One thing that is wrong."""

    code: str
    message: str
    span: Span
    hint: str = ""

    def render(self) -> str:
        """The fault as people read it: place, message, the source line with the span marked, and a hint."""
        span = self.span
        rows = [f"{span.source.name}:{span.line}:{span.column + 1}: {self.code} {printable(self.message)}"]
        lines = span.source.lines
        if 0 < span.line <= len(lines):
            line = lines[span.line - 1]
            end = span.end_column if span.end_line == span.line else len(line.rstrip())
            start, cut = 0, ""
            if span.column > 200:
                start, cut = span.column - 60, "..."
            shown = line[start : start + 240].rstrip()
            before = cut + line[start : span.column]
            marked = line[span.column : max(end, span.column + 1)][:180]
            gutter = f"{span.line:>5} | "
            rows.append(f"{gutter}{printable(cut + shown)}")
            rows.append(f"{' ' * (len(gutter) - 2)}| {' ' * _width(before)}{'^' * max(1, _width(marked))}")
        if self.hint:
            rows.append(f"      hint: {printable(self.hint)}")
        return "\n".join(rows)


def printable(text: str) -> str:
    """The text without characters that a terminal or file could choke on."""
    return "".join(
        c if c == "\n" or (c.isprintable() and not "\ud800" <= c <= "\udfff") else "\N{REPLACEMENT CHARACTER}"
        for c in text.replace("\t", " ")
    )


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def nearest(wrong: str, right: Iterable[str]) -> str:
    """A hint that names what was probably meant, or "" if nothing is near.

    >>> nearest("sendr", ["sender", "recipient"])
    'did you mean "sender"?'
    """
    near = _index(tuple(right)).nearest(wrong)
    return f'did you mean "{near}"?' if near else ""


@lru_cache(maxsize=64)
def _index(names: tuple[str, ...]) -> NameIndex:
    return NameIndex(names)


def one_of(names: Iterable[str], limit: int = 12) -> str:
    """The names in order, for a hint, cut short if there are many.

    >>> one_of(["b", "a"])
    'a, b'
    """
    known = sorted(names)
    return ", ".join(known[:limit]) + (", ..." if len(known) > limit else "")


MAX_FAULTS = 300
"""The most faults that are kept; of more, only the number is known."""


class Faults:
    """All faults found so far; each is kept once. ``more`` counts those beyond the most that are kept."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, int, int, str], Fault] = {}
        self.more = 0

    def add(self, code: str, message: str, span: Span, hint: str = "") -> None:
        """Record a fault."""
        assert code in CODES, code
        if len(self._found) >= MAX_FAULTS:
            self.more += 1
            return
        key = (code, span.source.name, span.line, span.column, message)
        self._found.setdefault(key, Fault(code, message, span, hint))

    def about(self, name: str) -> bool:
        """Whether anything is wrong with one file."""
        return any(source == name for _, source, *_ in self._found)

    def __bool__(self) -> bool:
        return bool(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def sorted(self) -> list[Fault]:
        """All faults by file, line and column."""
        return sorted(self._found.values(), key=lambda f: (f.span.source.name, f.span.line, f.span.column, f.code))
