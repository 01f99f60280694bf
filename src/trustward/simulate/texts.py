"""What is written in the world: templates by language and purpose, spelling tricks, and domains."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import numpy as np

from trustward.simulate import kernel
from trustward.simulate.draws import Draws, Ints
from trustward.simulate.tables import Vocabulary

_SYLLABLES = ["ka", "lo", "mi", "ran", "ta", "ver", "su", "del", "no", "pia", "gra", "hu", "bel", "tor", "zen", "qua"]
_TAILS = ["market", "news", "daily", "shop", "blog", "cloud", "photo", "club", "media", "travel", "school", "games"]
_ENDS = [".example", ".test", ".example.com", ".example.net", ".example.org"]
_BRANDS = ["northbank", "swiftparcel", "paylotus", "citypost", "taxoffice", "starwallet", "marketly"]
_LURES = ["secure", "verify", "login", "update", "support", "track", "refund", "bonus", "claim", "help"]
_PATHS = ["a", "p", "item", "news", "view", "go", "s", "watch", "post", "album", "form", "en"]
_NAMES = [
    "lee",
    "nur",
    "ana",
    "kim",
    "tan",
    "sri",
    "leo",
    "mia",
    "omar",
    "ivy",
    "sam",
    "eko",
    "linh",
    "pim",
    "jose",
    "wei",
]
# Look-alikes from other scripts.
_LOOKALIKES = str.maketrans({"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "i": "і"})
_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5"})
_TRICKS = ("plain", "leet", "lookalike", "spaced", "zero_width", "dotted")


class Texts:
    """Templates as columns: a text is one whole number."""

    def __init__(self, languages: list[str], words: Vocabulary) -> None:
        source: dict[str, Any] = tomllib.loads(
            (files("trustward.simulate") / "data" / "texts.toml").read_text(encoding="utf-8")
        )
        self._words = words
        self._scam: list[dict[str, list[str]]] = []
        self._pools: list[dict[str, tuple[int, int]]] = []
        self._first: dict[str, Ints] = {}
        self._count: dict[str, Ints] = {}
        words.name_parts(_PATHS, _NAMES)
        known: dict[str, int] = {name: place for place, name in enumerate(source)}
        pools = {
            name: {key: words.pool(values) for key, values in row["words"].items()} for name, row in source.items()
        }
        ranges: dict[str, dict[str, tuple[int, int]]] = {}
        for name, row in source.items():
            ranges[name] = {
                purpose: (min(numbers), len(numbers))
                for purpose, texts in row["honest"].items()
                for numbers in [[words.template(text, pools[name]) for text in texts]]
            }
        assert set(languages) <= set(known)
        for purpose in ranges["en"]:
            self._first[purpose] = np.array([ranges[name][purpose][0] for name in languages], dtype=np.int64)
            self._count[purpose] = np.array([ranges[name][purpose][1] for name in languages], dtype=np.int64)
        for name in languages:
            self._scam.append(source[name]["scam"])
            self._pools.append(pools[name])
        handle = words.template("{name}{n:1-9999}", {"name": words.pool(_NAMES)})
        shop = words.template(
            "{a}{b} {tail}", {"a": words.pool(_SYLLABLES), "b": words.pool(_SYLLABLES), "tail": words.pool(_TAILS)}
        )
        track = words.template("TRK{n:10000000-99999999}", {})
        self._single = {"handle": handle, "shop": shop, "track": track}
        self.honest_domains = words.pool([_domain(i) for i in range(600)])
        self.shorteners = words.pool(["sho.example", "lnk.test", "tiny.example.net"])

    def honest(self, purpose: str, places: Ints, draws: Draws) -> Ints:
        """A text of this purpose in the language of each country."""
        n = len(places)
        template = self._first[purpose][places] + draws.below(n, self._count[purpose][places])
        return template + (draws.below(n, 1 << 31) << kernel.TEMPLATE_BITS)

    def named(self, which: str, seeds: Ints) -> Ints:
        """A ``handle``, the name of a ``shop`` or the number of a parcel (``track``), the same for the same seed."""
        return self._single[which] + (seeds << kernel.TEMPLATE_BITS)

    def scam(self, purpose: str, country: int, draws: Draws, *, variants: int, tricks: bool) -> tuple[int, int]:
        """Templates of a campaign: the first, and how many. With ``tricks`` their spelling dodges plain word lists."""
        texts = self._scam[country][purpose]
        numbers = []
        for _ in range(variants):
            text = texts[draws.one(0, len(texts) - 1)]
            trick = _TRICKS[draws.one(0, len(_TRICKS) - 1)] if tricks else "plain"
            numbers.append(self._words.template(twisted(text, trick, draws), self._pools[country]))
        return numbers[0], len(numbers)

    def of(self, templates: tuple[int, int], n: int, draws: Draws) -> Ints:
        """``n`` texts from a campaign's templates."""
        first, count = templates
        return first + draws.below(n, count) + (draws.below(n, 1 << 31) << kernel.TEMPLATE_BITS)

    def link(self, n: int, draws: Draws) -> tuple[Ints, Ints]:
        """``n`` honest links and their domains; a few domains are very popular."""
        u = draws.unit(n)
        first, count = self.honest_domains
        domain = first + (u * u * u * count).astype(np.int64)
        domain = np.where(draws.chance(n, 0.02), self.shorteners[0] + draws.below(n, self.shorteners[1]), domain)
        return domain * kernel.URL_PATHS + draws.below(n, 1 << 31), domain

    def bad_domain(self, draws: Draws) -> tuple[int, int]:
        """A domain made for a campaign: the host in its links, and its registrable domain, as strings."""
        brand, lure = _BRANDS[draws.one(0, len(_BRANDS) - 1)], _LURES[draws.one(0, len(_LURES) - 1)]
        number = draws.one(2, 999)
        twist = draws.one(0, 4)
        end = [".example", ".test", ".invalid"][draws.one(0, 2)]
        if twist == 0:
            name = f"{brand}-{lure}{number}{end}"
        elif twist == 1:
            name = f"{brand.translate(_LEET)}{number}{end}"
        elif twist == 2:
            name = f"{lure}-{number}{end}"
            return self._words.string(f"{brand}.{name}"), self._words.string(name)
        elif twist == 3:
            name = f"{_SYLLABLES[number % 16]}{_SYLLABLES[number // 16 % 16]}{lure}{number}{end}"
        else:
            # Behind a shortener, an honest domain as far as anyone can see.
            string = self.shorteners[0] + draws.one(0, self.shorteners[1] - 1)
            return string, string
        return self._words.string(name), self._words.string(name)


def _domain(place: int) -> str:
    a, b = _SYLLABLES[place % 16], _SYLLABLES[place // 16 % 16]
    return f"{a}{b}{_TAILS[place * 7 % 12]}{place // 256 or ''}{_ENDS[place % 5]}"


def twisted(text: str, trick: str, draws: Draws) -> str:
    """A text whose words are spelled so that a plain word list misses them; what stands in braces stays."""
    if trick == "plain":
        return text
    parts: list[str] = []
    for at, part in enumerate(text.replace("{", "\0{").replace("}", "}\0").split("\0")):
        if part.startswith("{") or not part:
            parts.append(part)
            continue
        words = part.split(" ")
        for i, word in enumerate(words):
            if len(word) > 3 and draws.maybe(0.5):
                words[i] = _twisted_word(word, trick, at + i)
        parts.append(" ".join(words))
    return "".join(parts)


def _twisted_word(word: str, trick: str, place: int) -> str:
    if trick == "leet":
        return word.translate(_LEET)
    if trick == "lookalike":
        return word.translate(_LOOKALIKES)
    if trick == "spaced":
        return " ".join(word)
    cut = 1 + place % (len(word) - 1)
    return word[:cut] + ("\u200b" if trick == "zero_width" else ".") + word[cut:]
