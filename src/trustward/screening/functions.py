"""The one register of functions that rules may call, and of those that extensions add.

An extension is a Python package with an entry point of the group ``trustward.functions`` that names a
:class:`Function` or a sequence of them. A function that cannot be loaded, or whose description is wrong, stops the
program with a message: a policy must never run with half of its functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec

from trustward.base.errors import UsageError
from trustward.screening import plain

GROUP = "trustward.functions"
"""The entry-point group of extensions."""

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
_TYPES = re.compile(
    r"text|number|whole|flag|time|duration|signal|entity:[a-z][a-z0-9_]*|list:text|list:entity:[a-z][a-z0-9_]*"
)
_LITERALS = ("literal text", "literal texts")


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A pure function from values to a value.

    ``arguments`` are pairs of name and type: ``text`` (which takes entities too), ``entity:url``, ``number``,
    ``whole``, ``flag``, ``time``, ``duration``, ``list:text`` and so on, or ``literal text`` and ``literal texts``
    (one text or a list of them), which must be written out in the rule and come last. ``result`` is such a type, or
    ``signal``. ``call`` takes the values of the arguments that are not literals and returns the result, or None if
    there is none; it is never called with a missing value. With literals, ``prepare`` takes them when the policy is
    loaded and returns ``call``; a ValueError from it is a fault of the policy. ``cost`` is the typical time in
    microseconds, which orders the tests of a rule. ``scores``, for a function from one text to a signal, takes many
    texts at once and gives their scores as an array, each equal to what ``call`` says; an empty text, which stands for
    a missing one, gets 0. ``example`` is an expression for the docs.
    """

    name: str
    arguments: tuple[tuple[str, str], ...]
    result: str
    call: Callable[..., Any] | None = None
    prepare: Callable[..., Callable[..., Any]] | None = None
    scores: Callable[[Sequence[str]], Any] | None = None
    cost: float
    about: str
    example: str


BUILT_IN: tuple[Function, ...] = (
    Function(
        name="length",
        arguments=(("text", "text"),),
        result="whole",
        call=plain.length,
        cost=0.05,
        about="Characters in a text.",
        example="length(event.text) > 500",
    ),
    Function(
        name="lower",
        arguments=(("text", "text"),),
        result="text",
        call=plain.lower,
        cost=0.1,
        about="The text in lower case.",
        example='lower(event.title) == "iphone"',
    ),
    Function(
        name="contains",
        arguments=(("text", "text"), ("words", "literal texts")),
        result="flag",
        prepare=plain.contains,
        cost=0.3,
        about="Whether a text contains one of some words, upper and lower case alike.",
        example='contains(event.text, ["telegram", "whatsapp"])',
    ),
    Function(
        name="starts",
        arguments=(("text", "text"), ("beginnings", "literal texts")),
        result="flag",
        prepare=plain.starts,
        cost=0.1,
        about="Whether a text starts with one of some texts; case counts.",
        example='starts(event.bin, ["4111", "5105"])',
    ),
    Function(
        name="ends",
        arguments=(("text", "text"), ("endings", "literal texts")),
        result="flag",
        prepare=plain.ends,
        cost=0.1,
        about="Whether a text ends with one of some texts; case counts.",
        example='ends(event.email, "@example.org")',
    ),
    Function(
        name="matches",
        arguments=(("text", "text"), ("pattern", "literal text")),
        result="flag",
        prepare=plain.matches,
        cost=0.7,
        about="Whether a regular expression (RE2 syntax) matches anywhere in a text; `(?i)` in front ignores case.",
        example='matches(event.text, r"(?i)\\bwhats ?app\\b")',
    ),
    Function(
        name="domain",
        arguments=(("link", "text"),),
        result="entity:domain",
        call=plain.domain,
        cost=1.0,
        about="The host of a link or email address in lower case, without `www.` and port; missing if there is none.",
        example='domain(event.url) in listed("blocked_domains")',
    ),
    Function(
        name="template",
        arguments=(("text", "text"),),
        result="text",
        call=plain.template,
        cost=8.0,
        about="A fingerprint that copies of a text share: case, tricks, digits, links and punctuation do not count.",
        example="template(event.text)",
    ),
)
"""The plain text functions."""


def of_screeners() -> list[Function]:
    """What the screeners offer to rules: the constant ``FUNCTIONS`` of each room's own ``functions`` module.

    >>> {"link", "phones"} <= {function.name for function in of_screeners()}
    True
    """
    found: list[Function] = []
    here = Path(__file__).resolve().parent
    for room in sorted(path.parent.name for path in here.glob("*/functions.py")):
        found += import_module(f"{__package__}.{room}.functions").FUNCTIONS
    return found


def load_functions(extra: Iterable[Function] = ()) -> dict[str, Function]:
    """All functions by name: the built-in ones, installed extensions, and ``extra``.

    Raises UsageError if an extension cannot be loaded, is no proper description, or takes a name that is taken.

    >>> "contains" in load_functions()
    True
    """
    known: dict[str, Function] = {}
    for function in (*BUILT_IN, *of_screeners()):
        register(known, function, "built in")
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            loaded = point.load()
        except Exception as fault:  # Whatever an extension raises while loading, it is reported, never passed over.
            raise UsageError(
                f"the extension {point.name!r} ({point.value}) cannot be loaded: {type(fault).__name__}: {fault}",
                remedy="repair or uninstall it",
            ) from fault
        for function in (
            [loaded] if isinstance(loaded, Function) else loaded if isinstance(loaded, (list, tuple)) else [loaded]
        ):
            register(known, function, f"extension {point.name!r}")
    for function in extra:
        register(known, function, "given")
    return known


def register(known: dict[str, Function], function: object, origin: str) -> None:
    """Add a function after checking its description. Raises UsageError with what is wrong."""
    if not isinstance(function, Function):
        raise UsageError(
            f"{origin}: {type(function).__name__} is no Function",
            remedy="describe it with screening.functions.Function",
        )
    problem = _problem(function)
    if not problem and function.name in known:
        problem = "its name is taken"
    if problem:
        raise UsageError(
            f"the function {function.name!r} ({origin}) cannot be used: {problem}", remedy="correct its description"
        )
    known[function.name] = function


def _problem(function: Function) -> str:
    if not _NAME.fullmatch(function.name):
        return "its name must be lower case letters, digits and _"
    literal_seen = False
    for name, kind in function.arguments:
        literal = kind in _LITERALS
        if not literal and not (_TYPES.fullmatch(kind) and kind != "signal"):
            return f"argument {name!r} has the unknown type {kind!r}"
        if literal_seen and not literal:
            return "literal arguments come last"
        literal_seen = literal_seen or literal
    if not function.arguments or function.arguments[0][1] in _LITERALS:
        return "it takes no value"
    if not _TYPES.fullmatch(function.result):
        return f"unknown result type {function.result!r}"
    if (function.prepare is None) == (function.call is None) or literal_seen != (function.prepare is not None):
        return "it needs prepare if it has literal arguments, and call if not"
    if function.scores is not None and (function.result != "signal" or len(function.arguments) != 1):
        return "only a function from one text to a signal has scores of many"
    if not function.about or not function.example or not function.cost > 0:
        return "it needs about, example and a cost above 0"
    return ""
