"""Names of sites that nobody else knows, made from our own lists: small honest houses, fake shops, houses of investment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.links_data import MATERIAL, Rows
from trustward.screening.links import tables

_ENDINGS = {"honest": "honestend", "shop": "shopend", "invest": "investend"}
_TIMES = 2
"""How often each pattern is used for every name that the file asks for."""


def read() -> tuple[dict[str, list[str]], list[tuple[str, int, str]]]:
    """The lists, and the patterns: kind, how many names, the pattern."""
    lists: dict[str, list[str]] = {}
    patterns = []
    for line in tables.lines_of((MATERIAL / "names.txt").read_text(encoding="utf-8")):
        kind, what, rest = line.split(" ", 2)
        if kind == "list":
            lists[what] = [*lists.get(what, []), *rest.split()]
        else:
            patterns.append((kind, int(what), rest))
    return lists, patterns


def made_names(brands: Sequence[str], paths: Sequence[str]) -> Rows:
    """Names alone, and some with a path that says nothing."""
    chance = np.random.RandomState(17)
    lists, patterns = read()
    lists["brand"] = [brand for brand in brands if brand.isalnum()]
    plain = [path for path in paths if "{" not in path]

    def pick(items: Sequence[str]) -> str:
        return items[chance.randint(len(items))]

    def word(name: str) -> str:
        if name == "n":
            return str(chance.randint(10 ** chance.randint(1, 5)))
        if name == "id":
            return "".join(pick("abcdefghijklmnopqrstuvwxyz") for _ in range(chance.randint(2, 6)))
        return pick(lists[name])

    found: dict[str, str] = {}
    for kind, count, pattern in patterns:
        parts = pattern.split("{")
        for _ in range(_TIMES * count):
            name = parts[0] + "".join(word(part.split("}")[0]) + part.split("}")[1] for part in parts[1:])
            found.setdefault(f"{name}.{pick(lists[_ENDINGS[kind]])}", kind)
    urls = [name + pick(plain) if chance.rand() < 0.25 else name for name in found]  # noqa: PLR2004 - a quarter
    return Rows(
        urls,
        np.array([int(kind != "honest") for kind in found.values()], dtype=np.int8),
        [f"written_{kind}_name" for kind in found.values()],
        list(found),
        np.ones(len(urls), dtype=bool),
    )
