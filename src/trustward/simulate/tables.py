"""Words, templates and layouts as the flat arrays that the kernel reads."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from trustward.simulate import kernel
from trustward.simulate.draws import Flags, Ints
from trustward.simulate.kernel import Tables
from trustward.simulate.layout import Layout

_PART = re.compile(r"\{([a-z]+)(?::([0-9]+)-([0-9]+))?\}")
_LONGEST = 1_000
"""Characters of a template: with all else in an event, far below ``kernel.LARGEST_EVENT`` bytes."""
_UNSAFE = re.compile(r'["\\\x00-\x1f]')


def _whole(numbers: Iterable[int]) -> Ints:
    return np.array(list(numbers), dtype=np.int64)


class Vocabulary:
    """Strings and text templates by number. It may grow while the world runs: campaigns bring their own texts.

    >>> words = Vocabulary({}, ())
    >>> words.string("SG") == words.string("SG")
    True
    """

    def __init__(self, layouts: Mapping[str, Layout], truths: Sequence[str]) -> None:
        self._blob = bytearray()
        self._start = array("q", [0])
        self._known: dict[str, int] = {}
        self._segments = array("q")
        self._template = array("q", [0])
        self._linked = array("b")
        self._layouts = layouts
        self._truths = truths
        self._tables: Tables | None = None
        self._fixed: dict[int, Ints] | None = None
        self._links = (0, 0)
        self._names = (0, 0)

    def string(self, text: str) -> int:
        """The number of a string; the same for the same text."""
        number = self._known.get(text)
        if number is None:
            number = self._known[text] = self._append(text)
        return number

    def pool(self, texts: Sequence[str]) -> tuple[int, int]:
        """Strings with numbers in a row: the first, and how many."""
        first = len(self._start) - 1
        for text in texts:
            self._append(text)
        return first, len(texts)

    def _append(self, text: str, *, raw: bool = False) -> int:
        if not raw and _UNSAFE.search(text):
            raise ValueError(f"a text of the world needs escaping: {text!r}")
        self._blob += text.encode()
        self._start.append(len(self._blob))
        self._tables = None
        return len(self._start) - 2

    def template(self, text: str, words: Mapping[str, tuple[int, int]]) -> int:
        """The number of a text template; ``words`` gives the pool of each name in braces.

        Raises:
            ValueError: the text needs escaping in JSON, or is longer than the kernel has room for.
        """
        if len(text) > _LONGEST:
            raise ValueError(f"a text of the world is longer than {_LONGEST} characters")
        at = 0
        for part in _PART.finditer(text):
            if part.start() > at:
                self._segments.extend((kernel.LITERAL, self.string(text[at : part.start()]), 0))
            at = part.end()
            name, low, high = part.groups()
            if low is not None:
                self._segments.extend((kernel.NUMBER, int(low), int(high)))
            elif name in kernel.REFERENCES:
                self._segments.extend((kernel.REFERENCE, kernel.REFERENCES.index(name), 0))
            else:
                self._segments.extend((kernel.WORD, *words[name]))
        if at < len(text) or not text:
            self._segments.extend((kernel.LITERAL, self.string(text[at:]), 0))
        self._template.append(len(self._segments) // 3)
        self._linked.append("{url}" in text)
        self._tables = None
        number = len(self._template) - 2
        if number >> kernel.TEMPLATE_BITS:
            raise ValueError("too many text templates for one world")
        return number

    def shows_link(self, texts: Ints) -> Flags:
        """Which texts show the link of their event."""
        flags: Flags = np.array(self._linked, dtype=np.bool_)[texts & ((1 << kernel.TEMPLATE_BITS) - 1)]
        return flags

    def name_parts(self, links: Sequence[str], names: Sequence[str]) -> None:
        """Set the words that paths of links and mail addresses are made of."""
        self._links, self._names = self.pool(links), self.pool(names)

    def tables(self) -> Tables:
        """The arrays as of now."""
        if self._fixed is None:
            self._fixed = self._layout_arrays()
        if self._tables is None:
            tables = {
                kernel.START: np.array(self._start, dtype=np.int64),
                kernel.TEMPLATE: np.array(self._template, dtype=np.int64),
                kernel.SEGMENT: np.array(self._segments, dtype=np.int64),
                kernel.WORDS: _whole((*self._links, *self._names)),
                **self._fixed,
            }
            parts = [tables[which] for which in range(kernel.HEADER)]
            begins = kernel.HEADER + np.cumsum([0, *(len(part) for part in parts[:-1])])
            self._tables = Tables(
                blob=np.frombuffer(bytes(self._blob), dtype=np.uint8),
                numbers=np.concatenate([begins.astype(np.int64), *parts]),
            )
        return self._tables

    def _layout_arrays(self) -> dict[int, Ints]:
        fields: list[int] = []
        types: list[int] = []
        references: list[int] = []
        flags = self.pool(["false", "true"])[0]
        for layout in self._layouts.values():
            types += [self._append(f'","type":"{layout.type}","time":"', raw=True), len(fields) // 5]
            for slot in layout.slots:
                if slot.name.startswith("_"):
                    continue
                opening = ("[" if slot.width else "") + ('"' if slot.kind > kernel.FLAG else "")
                key = self._append(f',"{slot.name}":{opening}', raw=True)
                argument = flags if slot.kind == kernel.FLAG else self.string(slot.prefix)
                fields += [key, slot.kind, argument, slot.slot, slot.width]
            url = layout.places.get("urls", layout.places.get("url", -1))
            references += [url, layout.places.get("_phone", -1)]
        truths = [self._append(f'","truth":"{name}"' if name else '"', raw=True) for name in self._truths]
        return {
            kernel.FIXED_STRING: _whole(self._append(text, raw=True) for text in kernel.FIXED),
            kernel.TYPE: _whole([*types, 0, len(fields) // 5]),
            kernel.FIELD: _whole(fields),
            kernel.REFERS: _whole(references),
            kernel.TRUTH: _whole(truths),
        }
