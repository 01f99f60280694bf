"""The lexicon of the text screener: concepts from what we wrote, endings and shorteners from public lists."""

from __future__ import annotations

import gzip
import tomllib
from pathlib import Path

from publicsuffixlist import PublicSuffixList

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


def concepts() -> dict[str, list[str]]:
    """The entries of each concept in all languages, as they are read: folded, without signs."""
    found: dict[str, set[str]] = {}
    for path in sorted((MATERIAL / "concepts").glob("*.toml")):
        for concept, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for entry in entries:
                read = " ".join("".join(c if c.isalnum() or is_mark(c) else " " for c in fold(entry).text).split())
                if len(read) >= 2 or (read and ord(read) > 0x2E80):
                    found.setdefault(concept, set()).add(read)
    return {concept: sorted(entries) for concept, entries in sorted(found.items())}


def is_mark(character: str) -> bool:
    """Whether a character is a vowel or tone sign of its alphabet."""
    return 0x0900 <= ord(character) <= 0x109F


def build(data: Path, target: Path) -> None:
    """Write the three files of the lexicon below ``target``."""
    target.mkdir(parents=True, exist_ok=True)
    lines = [f"{concept}\t{entry}" for concept, entries in concepts().items() for entry in entries]
    (target / "concepts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    suffixes = PublicSuffixList()
    endings = sorted({str(rule).rpartition(".")[2] for rule in suffixes._publicsuffix if str(rule).isascii()})  # noqa: SLF001
    (target / "endings.txt").write_text("".join(f"{e}\t{int(e in PLAIN_ENDINGS)}\n" for e in endings), encoding="utf-8")
    hosts: set[str] = set()
    for name in ("link_shorteners", "misp_url-shortener"):
        with gzip.open(data / "ref_lists" / f"{name}.txt.gz", "rt", encoding="utf-8") as file:
            hosts |= {line.strip().lower() for line in file if "." in line and line.isascii()}
    (target / "shorteners.txt").write_text("\n".join(sorted(hosts)) + "\n", encoding="utf-8")
