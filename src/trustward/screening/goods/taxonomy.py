"""The taxonomy: what may not be sold or needs a licence, read from TOML files and checked as a compiler would.

``docs/goods.md`` says how a file is written. A service's own files add to the shipped ones: words join those of the
category, and any other field replaces the shipped one.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

DATA = Path(__file__).resolve().parent.parent / "data" / "goods"
OFFER, CODE, GOODS, SIGN, HARMLESS, TRADE, CONTACT, ACCESSORY, DENIAL, BRAND = range(10)
"""What a word says; the first five belong to a category, the others to all."""
CLASSES = {"offers": OFFER, "codes": CODE, "goods": GOODS, "signs": SIGN, "harmless": HARMLESS}
SHARED = {"trade": TRADE, "contact": CONTACT, "accessory": ACCESSORY, "denial": DENIAL}
SEVERITIES = ("low", "medium", "high")
_TEXTS = ("forbidden", "licence", "basis", "homes", "hits", "misses")
_FIELDS = ("title", "severity", "traded", *_TEXTS, *CLASSES)
_REQUIRED = ("title", "severity", "hits", "misses")
_ID = re.compile(r"[a-z][a-z0-9-]{1,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{4})?")
_MARKET = re.compile(r"[A-Z]{2}|\*")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_MOST_CHOICES = 400
_LONGEST_WORD = 80


class Source(msgspec.Struct, frozen=True):
    """The text of one file of the taxonomy, with the name that messages give."""

    name: str
    text: str


class Category(msgspec.Struct, kw_only=True):
    """One kind of goods.

    ``traded``: the goods' name with a word of trade is enough. ``homes``: categories of services under which the words
    are harmless, as parts of their names.
    """

    id: str
    title: str = ""
    severity: str = "medium"
    traded: bool = False
    forbidden: list[str] = []
    licence: list[str] = []
    basis: list[str] = []
    homes: list[str] = []
    hits: list[str] = []
    misses: list[str] = []


class Brand(msgspec.Struct):
    """A brand of ``shared.brands``: the least that its own goods cost new, in US dollars."""

    id: str
    usd: float


class Entry(msgspec.Struct):
    """One word as it was written: where, in which class, of which category (-1: of all), for which language."""

    word: str
    kind: int
    owner: int
    language: str
    source: int


class Written(msgspec.Struct):
    """Everything that the files say, before words are made plain; ``faults`` are messages with file, line, column."""

    sources: list[Source]
    categories: list[Category]
    brands: list[Brand]
    currencies: dict[str, float]
    entries: list[Entry]
    spelling: dict[str, list[str]]
    faults: list[str]


def shipped() -> list[Source]:
    """The shipped files, in order of their names."""
    return [Source(path.name, path.read_text("utf-8")) for path in sorted(DATA.glob("*.toml"))]


def digest(sources: Iterable[Source]) -> str:
    """A short hash of the files' texts."""
    state = blake2b(digest_size=8)
    for source in sources:
        state.update(source.text.encode("utf-8", "surrogatepass") + b"\0")
    return state.hexdigest()


def as_source(extra: str | Path | Source, number: int) -> Source:
    """A path or a text as a source; a text is anything with a line break in it."""
    if isinstance(extra, Source):
        return extra
    if isinstance(extra, Path) or "\n" not in extra:
        return Source(str(extra), Path(extra).read_text("utf-8"))
    return Source(f"<text {number}>", extra)


def choices(word: str) -> list[str]:
    """All that a word with choices in brackets stands for.

    >>> choices("[registered|activated] sim[| card]")
    ['registered sim', 'registered sim card', 'activated sim', 'activated sim card']
    """
    found = [word]
    while (first := _CHOICE.search(found[0])) is not None:
        parts = first[1].split("|")
        # Every text of the list has the same brackets still to come.
        found = [text.replace(first[0], part, 1) for text in found for part in parts]
        if len(found) > _MOST_CHOICES:
            raise ValueError(f"stands for more than {_MOST_CHOICES} words")
    if "[" in found[0] or "]" in found[0]:
        raise ValueError("a bracket without its other half")
    return found


def read(sources: Sequence[Source]) -> Written:
    """Read files; faults are collected, never raised."""
    written = Written(list(sources), [], [], {}, [], {}, [])
    known: dict[str, Category] = {}
    for number, source in enumerate(sources):
        reader = _Reader(written, known, number)
        try:
            document = tomllib.loads(source.text)
        except tomllib.TOMLDecodeError as fault:
            place = re.search(r"line (\d+), column (\d+)", str(fault))
            at = f"{place[1]}:{place[2]}" if place else f"{source.text.count(chr(10)) + 1}:1"
            written.faults.append(f"{source.name}:{at}: no proper TOML: {fault}")
            continue
        for key, value in document.items():
            reader.section(key, value)
    for category in known.values():
        _complete(written, category)
    return written


def _complete(written: Written, category: Category) -> None:
    source, line = _place(written.sources, category.id)
    missing = [name for name in _REQUIRED if not getattr(category, name)]
    if not category.forbidden and not category.licence:
        missing.append("forbidden or licence")
    if missing:
        written.faults.append(f"{source}:{line}:1: {category.id!r} has no {', no '.join(missing)}")


def _place(sources: Sequence[Source], section: str) -> tuple[str, int]:
    """The file and line where a section begins."""
    for source in sources:
        for line, text in enumerate(source.text.split("\n"), 1):
            if text.strip() == f"[{section}]":
                return source.name, line
    return sources[-1].name if sources else "taxonomy", 1


class _Reader:
    """Reads one file into what was written."""

    def __init__(self, written: Written, known: dict[str, Category], number: int) -> None:
        self.written, self.known, self.number = written, known, number
        self.source = written.sources[number]
        self.lines = self.source.text.split("\n")

    def fault(self, path: Sequence[str], message: str, word: str = "") -> None:
        """Note a fault at the place of a key or word below a section."""
        line, column = self._find(path, word)
        self.written.faults.append(f"{self.source.name}:{line}:{column}: {message}")

    def _find(self, path: Sequence[str], word: str) -> tuple[int, int]:
        here: list[str] = []
        best = (1, 1)
        target = f'"{word}"' if word else ""
        for line, text in enumerate(self.lines, 1):
            stripped = text.strip()
            header = re.fullmatch(r"\[([A-Za-z0-9_.-]+)\](\s*#.*)?", stripped)
            if header:
                here = header[1].split(".")
                if here == list(path[: len(here)]):
                    best = (line, 1)
                continue
            if here != list(path[: len(here)]):
                continue
            rest = path[len(here) :]
            if rest and re.match(rf'"?{re.escape(rest[0])}"?\s*=', stripped):
                best = (line, text.index(stripped) + 1)
            if target and target in text:
                return line, text.index(target) + 1
        return best

    def section(self, key: str, value: Any) -> None:
        """Read a section of the file."""
        if not isinstance(value, dict):
            self.fault([key], f"{key!r} stands outside a category")
        elif key == "shared":
            self.shared(value)
        elif key == "spelling":
            for right, wrong in value.items():
                if texts := self.texts([key, right], wrong):
                    self.written.spelling.setdefault(right, []).extend(texts)
        elif not _ID.fullmatch(key):
            self.fault([key], f"{key!r} is no id: small letters, digits and - only")
        else:
            self.category(key, value)

    def category(self, key: str, value: dict[str, Any]) -> None:
        """Read a category, or more of one."""
        category = self.known.get(key)
        if category is None:
            category = self.known[key] = Category(id=key)
            self.written.categories.append(category)
        owner = self.written.categories.index(category)
        for name, content in value.items():
            path = [key, name]
            if name in CLASSES:
                self.words(path, content, CLASSES[name], owner)
            elif name in _TEXTS:
                setattr(category, name, self.texts(path, content))
                if name in ("forbidden", "licence"):
                    for market in self.texts(path, content):
                        if not _MARKET.fullmatch(market):
                            self.fault(path, f"{market!r} is no market: two capital letters (ISO 3166) or *", market)
            elif name == "traded" and isinstance(content, bool):
                category.traded = content
            elif name == "severity":
                if content in SEVERITIES:
                    category.severity = content
                else:
                    self.fault(path, f"severity {content!r} is none of {', '.join(SEVERITIES)}")
            elif name == "title" and isinstance(content, str):
                category.title = content
            else:
                self.unknown(path, name, _FIELDS)

    def unknown(self, path: Sequence[str], name: str, names: Iterable[str]) -> None:
        """Note a name that means nothing, with the nearest one that does."""
        near = difflib.get_close_matches(name, list(names), 1)
        self.fault(path, f"unknown or of the wrong type: {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))

    def shared(self, value: dict[str, Any]) -> None:
        """Read the words of all categories."""
        for name, content in value.items():
            path = ["shared", name]
            if name in SHARED:
                self.words(path, content, SHARED[name], -1)
            elif name == "currencies" and isinstance(content, dict):
                for code, rate in content.items():
                    if isinstance(rate, (int, float)) and rate > 0 and re.fullmatch("[A-Z]{3}", code):
                        self.written.currencies[code] = float(rate)
                    else:
                        self.fault([*path, code], f"{code!r} needs a code of three letters and units for one US dollar")
            elif name == "brands" and isinstance(content, dict):
                for brand, facts in content.items():
                    self.brand(brand, facts)
            else:
                self.unknown(path, name, (*SHARED, "currencies", "brands"))

    def brand(self, brand: str, facts: Any) -> None:
        """Read a brand: the least that its goods cost, and its names."""
        path = ["shared", "brands", brand]
        usd = facts.get("usd") if isinstance(facts, dict) else None
        if not isinstance(usd, (int, float)) or usd <= 0:
            self.fault(path, f"brand {brand!r} needs usd, a price above 0, and words")
            return
        owner = len(self.written.brands)
        self.written.brands.append(Brand(brand, float(usd)))
        for word in self.texts(path, facts.get("words")):
            self.add(path, word, BRAND, owner, "")

    def texts(self, path: Sequence[str], value: Any) -> list[str]:
        """A list of texts, or a fault."""
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            return list(value)
        self.fault(path, f"{path[-1]!r} must be a list of texts")
        return []

    def words(self, path: Sequence[str], value: Any, kind: int, owner: int) -> None:
        """Read the words of a class, language by language."""
        if not isinstance(value, dict):
            self.fault(path, f"{path[-1]!r} needs a list of words for each language, such as en = [...]")
            return
        for language, words in value.items():
            here = [*path, language]
            if not _LANGUAGE.fullmatch(language):
                self.fault(here, f"{language!r} is no code of a language")
            seen: set[str] = set()
            for word in self.texts(here, words):
                if word in seen:
                    self.fault(here, f"{word!r} is there twice", word)
                seen.add(word)
                self.add(here, word, kind, owner, language)

    def add(self, path: Sequence[str], word: str, kind: int, owner: int, language: str) -> None:
        """Note a word with all that its choices stand for."""
        try:
            found = choices(word)
        except ValueError as fault:
            self.fault(path, f"{word!r}: {fault}", word)
            return
        for text in found:
            plain = " ".join(text.split())
            if not plain or len(plain) > _LONGEST_WORD:
                self.fault(path, f"{word!r}: a word has 1 to {_LONGEST_WORD} characters", word)
                return
            self.written.entries.append(Entry(plain, kind, owner, language, self.number))


def examples(written: Written) -> Iterator[tuple[int, str, bool]]:
    """All examples: number of the category, listing title, whether it must be found."""
    for number, category in enumerate(written.categories):
        for title in category.hits:
            yield number, title, True
        for title in category.misses:
            yield number, title, False
