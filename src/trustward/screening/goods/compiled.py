"""The taxonomy as the kernel takes it: words made plain, in one tree; kept as one file beside the sources.

The file carries the hash of its sources. If they have changed, or a service adds its own, everything is made anew,
which takes about a second instead of a few milliseconds.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from trustward.base.errors import UsageError
from trustward.screening import folding
from trustward.screening.goods import kernel, taxonomy

VERSION = "1"
_INDEX = taxonomy.DATA / "compiled.json.gz"


class Index(msgspec.Struct):
    """What is kept: categories, plain words (parted by line breaks) and their uses, spelling, brands.

    ``uses`` holds for each word a text of pairs ``class:owner``, parted by spaces.
    """

    hash: str
    categories: list[taxonomy.Category]
    brands: list[taxonomy.Brand]
    currencies: dict[str, float]
    words: str
    uses: list[str]
    wrong: str
    right: str


class Tree(NamedTuple):
    """A tree of words as the kernel walks it."""

    keys: Any
    nexts: Any
    values: Any
    firsts: Any


class Compiled(NamedTuple):
    """A taxonomy at work."""

    categories: tuple[taxonomy.Category, ...]
    brands: tuple[taxonomy.Brand, ...]
    currencies: dict[str, float]
    words: list[str]
    uses: list[tuple[tuple[int, int], ...]]
    tree: Tree
    spelling: Tree
    right: tuple[Any, Any]
    needs: Any
    version: str


def scratch() -> tuple[Any, ...]:
    """Working space of the kernel for one text after the other."""
    size = folding.LONGEST + 2
    sizes = ((size, np.uint32), (size, np.uint8))
    twice = ((2 * size, np.uint32), (2 * size, np.uint8), (2 * size, np.uint8))
    longest = kernel.GROWS * size
    more = ((longest, np.uint32), (longest, np.uint8), (longest, np.uint8))
    return tuple(np.zeros(count, kind) for count, kind in (*sizes, *twice, *more))


def flat(texts: Sequence[str]) -> tuple[Any, Any]:
    """Texts as one array of characters, and where each begins."""
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    return folding.codes_of("".join(texts)), starts


def tree_of(words: Sequence[str]) -> Tree:
    """The tree of words."""
    codes, starts = flat(words)
    size = 2
    while size < 2 * codes.size + 2:
        size *= 2
    tree = Tree(
        np.zeros(size, np.uint64),
        np.zeros(size, np.int32),
        np.zeros(codes.size + 1, np.int32),
        np.zeros(65_536, np.uint8),
    )
    kernel.build_tree(codes, starts, *tree)
    return tree


def plain(texts: Sequence[str], spelling: Tree, right: tuple[Any, Any]) -> list[str]:
    """Texts as the streams that the kernel makes of them."""
    composed = [folding.composed(text) for text in texts]
    codes, starts = flat(composed)
    out = np.zeros(kernel.GROWS * codes.size + 16, np.uint32)
    ends = np.zeros(len(texts), np.int64)
    kernel.streams(codes, starts, folding.tables(), spelling, right, scratch(), out, ends)
    begin = 0
    found = []
    for end in ends.tolist():
        found.append(out[begin:end].tobytes().decode("utf-32-le", "surrogatepass"))
        begin = end
    return found


def index_of(written: taxonomy.Written) -> Index:
    """Make the words plain and join those that are alike; faults found on the way are added."""
    nothing = (np.zeros(0, np.uint32), np.zeros(1, np.int64))
    pairs = [(wrong, right) for right, wrongs in written.spelling.items() for wrong in wrongs]
    wrong = plain([pair[0] for pair in pairs], tree_of([]), nothing)
    right = plain([pair[1] for pair in pairs], tree_of([]), nothing)
    kept = {w: r for w, r in zip(wrong, right, strict=True) if w and w != r}
    spelling, rights = tree_of(list(kept)), flat(list(kept.values()))
    entries = written.entries
    uses: dict[str, dict[tuple[int, int], int]] = {}
    for entry, word in zip(entries, plain([entry.word for entry in entries], spelling, rights), strict=True):
        source = written.sources[entry.source].name
        owner = written.categories[entry.owner].id if entry.kind <= taxonomy.HARMLESS else "shared"
        if not word or (len(word) < 2 and entry.kind in (taxonomy.OFFER, taxonomy.CODE)):
            written.faults.append(f"{source}: {owner}: {entry.word!r} is too short to be a word by itself")
            continue
        use = uses.setdefault(word, {})
        same = (entry.kind, entry.owner)
        if entry.kind <= taxonomy.CODE and (taxonomy.HARMLESS, entry.owner) in use:
            written.faults.append(f"{source}: {owner}: {entry.word!r} is harmless too, so it will never count")
        use[same] = 1
    return Index(
        taxonomy.digest(written.sources),
        [
            msgspec.structs.replace(category, hits=[], misses=[], homes=[home.lower() for home in category.homes])
            for category in written.categories
        ],
        written.brands,
        written.currencies,
        "\n".join(uses),
        [" ".join(f"{kind}:{owner}" for kind, owner in use) for use in uses.values()],
        "\n".join(kept),
        "\n".join(kept.values()),
    )


def compiled(index: Index) -> Compiled:
    """An index at work."""
    words = index.words.split("\n") if index.words else []
    pairs = {
        text: tuple((int(kind), int(owner)) for kind, owner in (use.split(":") for use in text.split()))
        for text in set(index.uses)
    }
    wrong = index.wrong.split("\n") if index.wrong else []
    return Compiled(
        tuple(index.categories),
        tuple(index.brands),
        index.currencies,
        words,
        [pairs[text] for text in index.uses],
        tree_of(words),
        tree_of(wrong),
        flat(index.right.split("\n") if wrong else []),
        needs_of([pairs[text] for text in index.uses], index.categories),
        f"{VERSION}-{index.hash[:8]}",
    )


def needs_of(uses: Sequence[Sequence[tuple[int, int]]], categories: Sequence[taxonomy.Category]) -> Any:
    """Two words of bits for each word: of which categories it is goods, and of which it is a sign of them.

    What is evidence by itself, or with a price, has a bit of its own in both. With more than 60 categories some share
    a bit, and more texts are looked at than need be.
    """
    traded = 0
    for number, category in enumerate(categories):
        traded |= (1 << number % 60) if category.traded else 0
    alone = 1 << 60
    needs = np.zeros((len(uses), 2), np.int64)
    for row, use in enumerate(uses):
        goods = signs = 0
        for kind, owner in use:
            if kind in (taxonomy.OFFER, taxonomy.CODE, taxonomy.BRAND):
                goods |= alone
                signs |= alone
            elif kind == taxonomy.GOODS:
                goods |= 1 << owner % 60
            elif kind == taxonomy.SIGN:
                signs |= 1 << owner % 60
            elif kind == taxonomy.TRADE:
                signs |= traded
        if goods or signs:
            needs[row] = goods, signs
    return needs


def load(extra: Sequence[str | Path | taxonomy.Source] = ()) -> Compiled:
    """The shipped taxonomy with files or texts of a service's own.

    Raises UsageError with all faults, each with file and place.

    >>> any(category.id == "phone-cards" for category in load().categories)
    True
    """
    sources = taxonomy.shipped()
    if not extra:
        return _shipped(taxonomy.digest(sources))
    written = taxonomy.read([*sources, *(taxonomy.as_source(text, n) for n, text in enumerate(extra, 1))])
    index = index_of(written)
    if written.faults:
        raise UsageError("the taxonomy has faults:\n" + "\n".join(written.faults), remedy="correct them")
    return compiled(index)


@cache
def _shipped(digest: str) -> Compiled:
    if _INDEX.exists():
        index = msgspec.json.decode(gzip.decompress(_INDEX.read_bytes()), type=Index)
        if index.hash == digest:
            return compiled(index)
    written = taxonomy.read(taxonomy.shipped())
    index = index_of(written)
    if written.faults:
        raise UsageError("the taxonomy has faults:\n" + "\n".join(written.faults), remedy="correct them")
    return compiled(index)
