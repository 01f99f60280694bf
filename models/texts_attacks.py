"""Messages written with tricks: how many of those that were found are found all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from models.texts_data import draws

_CYRILLIC = str.maketrans("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ")
_LEET = str.maketrans("oieast", "013457")
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_BOLD = {ord("a") + i: 0x1D41A + i for i in range(26)} | {ord("A") + i: 0x1D400 + i for i in range(26)}
_CIRCLED = {ord("a") + i: 0x24D0 + i for i in range(26)} | {ord("A") + i: 0x24B6 + i for i in range(26)}


def words(change: Callable[[str, Any], str], share: float = 0.6) -> Callable[[str], str]:
    """A trick on some of the words of four letters and more; links are left as they are."""

    def attack(text: str) -> str:
        chance = draws("attack", text)
        return " ".join(
            change(word, chance) if len(word) > 3 and word.isalpha() and chance.random() < share else word
            for word in text.split(" ")
        )

    return attack


def _hidden(word: str, chance: Any) -> str:
    at = chance.randint(1, len(word) - 1)
    hidden: str = chance.choice("\u200b\u200c\u00ad\u2060\ufeff")
    return word[:at] + hidden + word[at:]


def _inside(word: str, letters: dict[int, str] | dict[int, int]) -> str:
    return word[0] + word[1:-1].translate(letters) + word[-1]


def _accents(word: str, chance: Any) -> str:
    return "".join(c + (chance.choice("\u0301\u0308\u0323\u0336") if chance.random() < 0.5 else "") for c in word)


def _entities(word: str, chance: Any) -> str:
    at = chance.randint(0, len(word) - 1)
    return f"{word[:at]}&#{ord(word[at])};{word[at + 1 :]}"


def _lines(text: str) -> str:
    parts = text.split(" ")
    return "\n".join(" ".join(parts[i : i + 4]) for i in range(0, len(parts), 4))


ATTACKS: dict[str, Callable[[str], str]] = {
    "invisible characters": words(_hidden),
    "Cyrillic look-alikes": words(lambda word, _: word.translate(_CYRILLIC)),
    "digits for letters": words(lambda word, _: _inside(word, _LEET)),
    "letters apart": words(lambda word, _: " ".join(word), 0.3),
    "points between letters": words(lambda word, _: ".".join(word), 0.3),
    "full width": words(lambda word, _: word.translate(_WIDE)),
    "mathematical letters": words(lambda word, _: word.translate(_BOLD)),
    "circled letters": words(lambda word, _: word.translate(_CIRCLED)),
    "accents": words(_accents),
    "entities of HTML": words(_entities),
    "marks of direction": words(lambda word, _: f"\u202a{word}\u202c"),
    "broken into lines": _lines,
}


def measure(texts: Sequence[str], bound: float, score: Callable[[Sequence[str]], Any]) -> list[tuple[str, int, float]]:
    """For each trick: how many texts it changed, and the share of these that keep a score above ``bound``."""
    rows = []
    for name, attack in ATTACKS.items():
        changed = [new for old in texts if (new := attack(old)) != old]
        rows.append((name, len(changed), float(np.mean(score(changed) > bound)) if changed else float("nan")))
    return rows
