"""The lexicon of the text screener: concepts from what we wrote, endings and shorteners from public lists."""

from __future__ import annotations

import gzip
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from publicsuffixlist import PublicSuffixList

from models import texts_data
from trustward.screening.folding import fold

MATERIAL = Path(__file__).resolve().parent / "material"
# Endings that are no words people write after a point: enough by themselves to make a link.
PLAIN_ENDINGS = frozenset(
    (
        "com net org info xyz top shop online site club vip io app link click live icu biz cc cn ru tk ml ga "
        "cf gq cyou buzz  sbs bond cfd ly gl gd co us uk de fr nl br tr jp kr th vn my sg id ph ng ke  za eu "
        "ir pk bd hk tw au nz mx ar cl pe ma eg sa ae "
    ).split()
)


MOST_ELSEWHERE = 0.004
"""The share of honest messages of another language from which an entry is taken for a word of that language."""


def read_as(entry: str) -> str:
    """An entry as it is read: folded, without signs."""
    return " ".join("".join(c if c.isalnum() or is_mark(c) else " " for c in fold(entry).text).split())


def concepts(honest: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The entries of each concept in all languages.

    An entry that is an everyday word of another language is left out (Vietnamese "the" is a card). ``honest``: pairs of
    language and message.
    """
    entries: dict[str, dict[str, set[str]]] = {}
    for path in sorted((MATERIAL / "concepts").glob("*.toml")):
        for concept, words in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for word in words:
                read = read_as(word)
                if len(read) >= 2 or (read and ord(read) > 0x2E80):
                    entries.setdefault(read, {}).setdefault(concept, set()).add(path.stem)
    usual = everyday(honest)
    common = most_used()
    found: dict[str, list[str]] = {}
    for entry, meanings in sorted(entries.items()):
        home = set().union(*meanings.values())
        elsewhere = {lang for lang, share in usual.get(entry, {}).items() if share > MOST_ELSEWHERE}
        elsewhere |= {lang for lang, words in common.items() if entry in words}
        if elsewhere <= home:
            for concept in meanings:
                found.setdefault(concept, []).append(entry)
    return dict(sorted(found.items()))


def most_used() -> dict[str, frozenset[str]]:
    """The most used words of languages without a set of honest messages."""
    listed = tomllib.loads((MATERIAL / "everyday.toml").read_text(encoding="utf-8"))
    return {lang: frozenset(words.split()) for lang, words in listed.items()}


def everyday(honest: Iterable[tuple[str, str]]) -> dict[str, dict[str, float]]:
    """For each word of Latin letters the share of honest messages of each language that hold it."""
    counts: dict[str, Counter[str]] = {}
    messages: Counter[str] = Counter()
    for lang, text in honest:
        messages[lang] += 1
        for word in set(read_as(text).split()):
            if word.isascii():
                counts.setdefault(word, Counter())[lang] += 1
    return {word: {lang: n / messages[lang] for lang, n in found.items()} for word, found in counts.items()}


def is_mark(character: str) -> bool:
    """Whether a character is a vowel or tone sign of its alphabet."""
    return 0x0900 <= ord(character) <= 0x109F


def build(data: Path, target: Path) -> None:
    """Write the three files of the lexicon below ``target``."""
    target.mkdir(parents=True, exist_ok=True)
    honest = [
        (str(row["lang"]), str(row["text"]))
        for name in ("honest_multi", "sms_nus_en_ham")
        for row in texts_data.rows(data, name)
    ]
    lines = [f"{concept}\t{entry}" for concept, entries in concepts(honest).items() for entry in entries]
    (target / "concepts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    suffixes = PublicSuffixList()
    endings = sorted({str(rule).rpartition(".")[2] for rule in suffixes._publicsuffix if str(rule).isascii()})  # noqa: SLF001
    (target / "endings.txt").write_text("".join(f"{e}\t{int(e in PLAIN_ENDINGS)}\n" for e in endings), encoding="utf-8")
    hosts: set[str] = set()
    for name in ("link_shorteners", "misp_url-shortener"):
        with gzip.open(data / "ref_lists" / f"{name}.txt.gz", "rt", encoding="utf-8") as file:
            hosts |= {line.strip().lower() for line in file if "." in line and line.isascii()}
    (target / "shorteners.txt").write_text("\n".join(sorted(hosts)) + "\n", encoding="utf-8")
