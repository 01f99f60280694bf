"""Many patterns in one pass: which of them match anywhere in a text (RE2's sets), in time linear in its length."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import re2
from re2 import _re2

Test = Callable[[str], list[int]]


def matcher(sources: Iterable[str]) -> Test:
    """A test that gives the places of the patterns that match a text, without regard to case, in any order.

    >>> sorted(matcher(["a+b", "[0-9]", "x"])("AAB 1"))
    [0, 1]
    """
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = 64 << 20
    several = _re2.Set(_re2.RE2.Anchor.UNANCHORED, options)
    for source in sources:
        several.Add(f"(?i){source}".encode())
    several.Compile()
    match = several.Match

    def test(text: str) -> list[int]:
        try:
            return match(text.encode())
        except UnicodeEncodeError:  # A lone surrogate.
            return match(text.encode("utf-8", "replace"))

    return test
