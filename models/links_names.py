"""Names of sites that nobody else knows, made from our own lists: small honest shops, trades, clubs and advisers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.links_data import MATERIAL, Rows
from trustward.screening.links import tables

PATHS = 0.25
"""The share of names that a path follows which says nothing."""


def read() -> tuple[dict[str, list[str]], list[tuple[int, str]]]:
    """The lists of words, and the patterns: how many names, and what they are made of."""
    lists: dict[str, list[str]] = {}
    patterns = []
    for line in tables.lines_of((MATERIAL / "names.txt").read_text(encoding="utf-8")):
        first, rest = line.split(" ", 1)
        if first == "list":
            name, words = rest.split(" ", 1)
            lists[name] = words.split()
        else:
            patterns.append((int(first), rest))
    return lists, patterns


def honest_names(paths: Sequence[str]) -> Rows:
    """Honest names, some with one of the paths; to a model, their popularity is unknown."""
    chance = np.random.RandomState(17)
    lists, patterns = read()
    plain = [path for path in paths if "{" not in path]

    def pick(items: Sequence[str]) -> str:
        return items[chance.randint(len(items))]

    found: dict[str, None] = {}
    for count, pattern in patterns:
        first, *parts = [part.split("}") for part in pattern.split("{")]
        for _ in range(count):
            name = first[0] + "".join(pick(lists[word]) + rest for word, rest in parts)
            found[f"{name}.{pick(lists['ending'])}"] = None
    urls = [name + pick(plain) if chance.rand() < PATHS else name for name in found]
    none = np.zeros(len(urls), dtype=np.int8)
    return Rows(urls, none, ["written_name"] * len(urls), list(found), ~none.astype(bool))
