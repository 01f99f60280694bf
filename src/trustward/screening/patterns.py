"""Regular expressions in linear time (RE2), called the cheapest way, and tried only where they can match.

Many patterns of fraud rules are alternatives of plain words, such as ``(?i)whats ?app|telegram``. On a text of ASCII
characters such a pattern means the same as "contains one of these words", which Python answers faster than any call
into the engine. Where a pattern is no such list, a word that every match must contain is looked for first.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

import re2
from re2 import _re2

MAX_PATTERN = 2_000
"""The most characters in a pattern."""
MAX_PROGRAM = 20_000
"""The most instructions that a compiled pattern may have: they bound the time per character."""
MAX_WORK = 1_000_000_000
"""The most bytes of a text times instructions of a pattern: seconds, where the engine finds no short cut."""
_MOST_WORDS = 12
_LONGEST_WORD = 64


class PatternError(ValueError):
    """A pattern that the engine cannot use."""


class Words(NamedTuple):
    """What is known of a pattern's matches in ASCII texts.

    ``exact``: it matches exactly the texts that contain one of ``words``. Otherwise a text without any of ``words``
    cannot match. ``lowered``: look for them in the lowered text. No words: nothing is known.
    """

    words: tuple[str, ...]
    exact: bool
    lowered: bool


def compile_pattern(pattern: str) -> Any:
    """The compiled pattern (a bare ``_re2.RE2``). Raises :class:`PatternError` with the cause."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"more than {MAX_PATTERN} characters")
    if any(character < " " for character in pattern):
        # "\b" in a plain text is a backspace; a pattern that means one can write \x08.
        raise PatternError('a control character: write the pattern with an r in front, r"..."')
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    try:
        compiled = _re2.RE2(pattern.encode("utf-8"), options)
    except UnicodeEncodeError:
        raise PatternError("a character that no text may hold") from None
    if not compiled.ok():
        cause = compiled.error()
        raise PatternError(cause.decode("utf-8", "replace") if isinstance(cause, bytes) else cause)
    if compiled.ProgramSize() > MAX_PROGRAM:
        raise PatternError("too large: use fewer or smaller repeats")
    return compiled


def searcher(pattern: str) -> Callable[[str], bool]:
    """A test whether the pattern matches anywhere in a text. Raises :class:`PatternError` with the cause.

    The test itself raises :class:`PatternError` for a text so long that the pattern could take seconds on it.

    >>> searcher("[0-9]{3}-[0-9]{4}")("call 555-0100")
    True
    """
    compiled = compile_pattern(pattern)
    match = compiled.Match
    anywhere = _re2.RE2.Anchor.UNANCHORED
    longest = MAX_WORK // max(compiled.ProgramSize(), 1)
    words = words_of(pattern)
    needles, exact, lowered = words

    def slow(text: str) -> bool:
        try:
            data = text.encode()
        except UnicodeEncodeError:  # A lone surrogate: no text that a pattern could mean.
            data = text.encode("utf-8", "replace")
        if len(data) > longest:
            raise PatternError("too long a text for so large a pattern")
        return bool(match(anywhere, data, 0, len(data))[0][0] >= 0)

    if not needles:
        return slow

    def quick(text: str) -> bool:
        if text.isascii():
            low = text.lower() if lowered else text
            for needle in needles:
                if needle in low:
                    return exact or slow(text)
            return False
        return slow(text)

    return quick


@lru_cache(maxsize=2_000)
def words_of(pattern: str) -> Words:
    """The words that stand for a pattern on ASCII texts, by its parse tree; nothing is claimed that is not certain.

    >>> words_of("(?i)whats ?app|telegram")
    Words(words=('whats app', 'telegram', 'whatsapp'), exact=True, lowered=True)
    >>> words_of("https?://[a-z]+[.]example/")
    Words(words=('.example/',), exact=False, lowered=False)
    """
    nothing = Words((), False, False)
    try:
        # Python's parser reads most of RE2's syntax the same way; what it reads otherwise is left alone below.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree, flags = _parse(pattern)
    except (re.error, OverflowError, RecursionError, Warning, ValueError):
        return nothing
    if re.search(r"\{\s*,", pattern):  # Python reads {,3} as a repeat, RE2 as plain characters.
        return nothing
    if flags & ~(re.IGNORECASE | re.UNICODE) or "(?" in pattern.removeprefix("(?i)").replace("(?:", "("):
        return nothing
    lowered = bool(flags & re.IGNORECASE)
    whole = _language(tree)
    if whole is not None and whole and all(whole) and _plain(whole):
        chosen = {word.lower() for word in whole} if lowered else set(whole)
        return Words(_minimal(chosen), True, lowered)
    needed = _required(tree)
    if needed and _plain(needed):
        chosen = {word.lower() for word in needed} if lowered else set(needed)
        if min(map(len, chosen)) >= 2:
            return Words(_minimal(chosen), False, lowered)
    return nothing


def _plain(words: Iterable[str]) -> bool:
    return all(word.isascii() and word.isprintable() for word in words)


def _minimal(words: Iterable[str]) -> tuple[str, ...]:
    """Without words that contain another one; in a fixed order."""
    kept: list[str] = []
    for word in sorted(set(words), key=lambda w: (len(w), w)):
        if not any(other in word for other in kept):
            kept.append(word)
    return tuple(sorted(kept, key=lambda w: (-len(w), w)))


def _parse(pattern: str) -> tuple[Sequence[Any], int]:
    # Python's own parser; where it should ever be gone, patterns only lose their short cut.
    tree = import_module("re._parser").parse(pattern)
    return list(tree), tree.state.flags


def _name(op: Any) -> str:
    return str(op)


def _language(items: Sequence[Any]) -> set[str] | None:
    """All texts that the items match, if they are few; None if they are many or not known."""
    texts = {""}
    for op, value in items:
        part = _one(_name(op), value)
        if part is None:
            return None
        texts = {head + tail for head in texts for tail in part}
        if len(texts) > _MOST_WORDS or any(len(text) > _LONGEST_WORD for text in texts):
            return None
    return texts


def _one(op: str, value: Any) -> set[str] | None:
    if op == "LITERAL":
        return {chr(value)}
    if op == "SUBPATTERN":
        _, add, remove, inner = value
        return None if add or remove else _language(list(inner))
    if op == "BRANCH":
        texts: set[str] = set()
        for branch in value[1]:
            part = _language(list(branch))
            if part is None:
                return None
            texts |= part
        return texts
    if op in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, inner = value
        part = _language(list(inner)) if int(most) <= 3 else None
        if part is None:
            return None
        texts = set()
        for times in range(int(least), int(most) + 1):
            grown = {""}
            for _ in range(times):
                grown = {head + tail for head in grown for tail in part}
                if len(grown) > _MOST_WORDS:
                    return None
            texts |= grown
        return texts
    if op == "IN":
        return _class(value)
    return None


def _class(value: Any) -> set[str] | None:
    texts: set[str] = set()
    for op, what in value:
        if _name(op) == "LITERAL":
            texts.add(chr(what))
        elif _name(op) == "RANGE" and what[1] - what[0] <= 4:
            texts.update(chr(code) for code in range(what[0], what[1] + 1))
        else:
            return None
    return texts if len(texts) <= 5 else None


def _required(items: Sequence[Any]) -> set[str] | None:
    """Texts of which every match contains one; the best of the runs of literals and of the parts."""
    best: set[str] | None = None

    def consider(found: set[str] | None) -> None:
        nonlocal best
        if found and all(found) and len(found) <= _MOST_WORDS and _score(found) > _score(best):
            best = found

    run = {""}
    for op, value in items:
        part = _one(_name(op), value)
        grown = {head + tail for head in run for tail in part} if part is not None else set()
        if part is not None and len(grown) <= _MOST_WORDS:
            run = grown
            continue
        consider(run)
        run = part if part is not None else {""}
        if part is None:
            consider(_inner(_name(op), value))
    consider(run)
    return best


def _inner(op: str, value: Any) -> set[str] | None:
    if op == "SUBPATTERN":
        return None if value[1] or value[2] else _required(list(value[3]))
    if op in ("MAX_REPEAT", "MIN_REPEAT"):
        return _required(list(value[2])) if int(value[0]) >= 1 else None
    if op == "BRANCH":
        texts: set[str] = set()
        for branch in value[1]:
            part = _required(list(branch))
            if not part:
                return None
            texts |= part
        return texts
    return None


def _score(words: set[str] | None) -> float:
    return min(map(len, words)) - len(words) / 4 if words else -1e9
