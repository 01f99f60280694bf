"""What the links screener is trained on: rows of the public sets, taken apart, and rows made from their halves."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scipy import sparse
from trustward.screening.links import measure, tables
from trustward.screening.links import words as w
from trustward.screening.links.normal import normalise, reading

Array = npt.NDArray[Any]
SETS = ("url_pdd", "url_hannousse", "domain_scam_tranco")
SCAMS = ("discord_antiscam", "gaso_pig_butchering", "cryptoscamdb", "eth_phishing_detect", "scamblocklist_shops")


MATERIAL = Path(__file__).parent / "material" / "links"
WRITTEN = ("honest_paths", "scam_paths", "platforms", "scam_names", "shared")


class Rows(NamedTuple):
    """Links with what is known of them."""

    urls: list[str]
    harmful: Array
    source: list[str]
    group: list[str]
    """The registrable domain: one group is never split."""
    hidden: Array
    """Whether the list of popular domains is to be left out of account."""

    def take(self, chosen: Array) -> Rows:
        """Some of the rows."""
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Rows(
            [self.urls[n] for n in numbers],
            self.harmful[numbers],
            [self.source[n] for n in numbers],
            [self.group[n] for n in numbers],
            self.hidden[numbers],
        )


def draw(text: str, salt: str = "") -> float:
    """A number from 0 to 1 that a text always gets."""
    return int.from_bytes(blake2b(f"{salt}\0{text}".encode("utf-8", "replace"), digest_size=7).digest()) / float(
        1 << 56
    )


def read_set(data: Path, name: str) -> list[dict[str, str]]:
    """The rows of one set's own half."""
    with gzip.open(data / name / "dev.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_list(data: Path, name: str) -> list[str]:
    """One of the reference lists."""
    with gzip.open(data / "ref_lists" / f"{name}.txt.gz", "rt", encoding="utf-8") as file:
        return [line.strip().lstrip(".").lower() for line in file if line.strip()]


def spans_of(urls: Sequence[str]) -> Array:
    """The spans of host and registrable domain of each link (host end 0 if it is not plain)."""
    data, ends = packed(urls)
    spans = np.zeros((len(urls), 8), dtype=np.int64)
    score(data, ends, np.zeros(len(urls), dtype=np.int64), spans=spans)
    return spans


def packed(urls: Sequence[str]) -> tuple[Array, Array]:
    """Links as bytes, each with a zero behind, and their ends."""
    data = np.frombuffer(bytearray(("\0".join(urls) + "\0").encode("ascii", "replace")), dtype=np.uint8)
    lengths = np.fromiter(map(len, urls), dtype=np.int64, count=len(urls))
    return data, np.cumsum(lengths + 1) - 1


_EMPTY = tables.Trees(np.zeros(1, dtype=np.int16), np.zeros(1, dtype=np.float32))


class Bench:
    """The tables that measuring works with: the shipped ones, or those under training."""

    def __init__(self) -> None:
        self.brands = tables.own_brand_tables()
        self.tables = tables.tables_for(tables.own_brands(), trained=False)

    def known(self) -> tables.Known:
        """Where kernels find them, without trees."""
        return tables.known(self.tables, self.brands, _EMPTY)


BENCH = Bench()


def score(data: Array, ends: Array, tricks: Array, *, spans: Array | None = None, keep: bool = False) -> Array:
    """Measure links. Returns the features, shape (rows, features), if they are kept."""
    count = len(ends)
    features = np.zeros((count if keep else 1, w.N_FEATURES), dtype=np.float32)
    measure.screen_rows(
        data,
        ends,
        tricks | w.FORCED,
        np.zeros(count, dtype=np.float32),
        tables.LOCAL.room,
        BENCH.known().addresses,
        np.array([[-1.0, 1.0], [0.0, 1.0]], dtype=np.float32),
        np.zeros(count, dtype=np.float32),
        np.zeros(count, dtype=np.float32),
        spans if spans is not None else np.zeros((count, 8), dtype=np.int64),
        np.zeros(count, dtype=np.uint64),
        features,
        keep,
    )
    return features


def features_of(rows: Rows) -> Array:
    """The features of rows; the two columns of the linear models are zero."""
    data, ends = packed(rows.urls)
    return score(data, ends, np.where(rows.hidden, w.HIDDEN_POPULAR, 0).astype(np.int64), keep=True)


def pieces_of(rows: Rows) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """The pieces of hosts and of what follows, as counts over the root of their number."""
    data, ends = packed(rows.urls)
    count = len(ends)
    indptr = np.zeros(2 * count + 1, dtype=np.int64)
    indices = np.zeros(len(data) * 4 + 4096, dtype=np.int32)
    total = measure.piece_rows(
        data,
        ends,
        tables.LOCAL.room,
        BENCH.known().addresses,
        np.zeros((count, 8), dtype=np.int64),
        np.zeros(w.N_FEATURES, dtype=np.float32),
        indptr,
        indices,
    )
    amounts = np.diff(indptr)
    values = np.repeat(1.0 / np.sqrt(np.maximum(amounts, 1)), amounts).astype(np.float64)
    both = sparse.csr_matrix((values, indices[:total], indptr), shape=(2 * count, 1 << w.PIECE_BITS))
    both.sum_duplicates()
    return both[0::2], both[1::2]


def brand_names() -> list[str]:
    """The spellings of brands that stand by themselves."""
    return [
        token
        for brand in tables.own_brands()
        for token, strong in zip(brand.tokens, brand.strong, strict=True)
        if strong or token in ("dbs", "usps", "apple", "chase", "steam", "dhl", "ups", "uob", "irs")
    ]


def learnt_from(rows: Rows) -> Rows:
    """All that a model learns from: rows, rows made of them, and written ones."""
    from models.links_names import honest_names  # noqa: PLC0415 - which builds on this module

    paths = tables.lines_of((MATERIAL / "honest_paths.txt").read_text(encoding="utf-8"))
    return join(with_made(rows), with_written(rows, brand_names()), honest_names(paths))


def load_rows(data: Path) -> Rows:
    """All plain rows of the three sets, with their registrable domain as group."""
    urls: list[str] = []
    harmful: list[int] = []
    source: list[str] = []
    for name in SETS:
        for row in read_set(data, name):
            link = normalise(row["url"])
            if link is not None:
                urls.append(reading(link)[0] if "://" in row["url"] else reading(link)[0].removeprefix("http://"))
                harmful.append(int(row["label"]))
                source.append(row.get("source") or name)
    source = ["tranco" if one.startswith("tranco") else one for one in source]
    spans = spans_of(urls)
    group = [
        url[span[3] if span[3] >= 0 else span[0] : span[1]].lower()
        for url, span in zip(urls, spans.tolist(), strict=True)
    ]
    rows = Rows(urls, np.array(harmful, dtype=np.int8), source, group, np.zeros(len(urls), dtype=bool))
    return rows.take(np.array([bool(one) for one in group]))


def links_in_mail(data: Path) -> Rows:
    """The links of honest mail, each once: deep links of other years, for setting thresholds."""
    found: dict[str, None] = {}
    with gzip.open(data / "email_spamassassin" / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["label"] == 0:
                for one in re.findall(r"(?:https?://|www\.)[^\s<>\"'\])]+", row["text"], re.IGNORECASE)[:5]:
                    link = normalise(one.rstrip(".,;"))
                    if link is not None:
                        found[reading(link)[0]] = None
    count = len(found)
    none = np.zeros(count, dtype=np.int8)
    return Rows(list(found), none, ["mail"] * count, [""] * count, none.astype(bool))


def rest_of(url: str) -> str:
    """What follows the host of a plain link."""
    body = url.split("://", 1)[-1]
    cut = min((at for mark in "/?#" if (at := body.find(mark)) >= 0), default=len(body))
    return body[cut:]


def host_of(url: str) -> str:
    """The host of a plain link, in lower case."""
    return url.split("://", 1)[-1][: len(url.split("://", 1)[-1]) - len(rest_of(url)) or None].lower()


def with_made(rows: Rows) -> Rows:
    """Rows, and rows made of them, so that neither a path nor its absence, nor popularity, tells a set.

    Honest paths go onto popular domains, phishing paths onto scam domains, and honest hosts stand by themselves.
    """
    urls: list[str] = []
    harmful: list[int] = []
    source: list[str] = []
    group: list[str] = []
    hidden: list[bool] = []

    def add(url: str, label: int, origin: str, owner: str, *, hide: bool) -> None:
        urls.append(url)
        harmful.append(label)
        source.append(origin)
        group.append(owner)
        hidden.append(hide)

    rests: dict[int, list[str]] = {0: [], 1: []}
    for url, label, origin in zip(rows.urls, rows.harmful, rows.source, strict=True):
        if origin in ("url_pdd", "url_hannousse"):
            rests[int(label)].append(rest_of(url))
    for url, label, origin, owner in zip(rows.urls, rows.harmful, rows.source, rows.group, strict=True):
        chance = draw(url, "made")
        if origin == "tranco":
            add(url, 0, origin, owner, hide=draw(url, "hide") < 0.7)
            if chance < 0.5 and rests[0]:
                rest = rests[0][int(draw(url, "rest") * len(rests[0]))]
                add(
                    ("www." if chance < 0.2 else "") + url + rest,
                    0,
                    "made_honest",
                    owner,
                    hide=draw(url, "hide2") < 0.5,
                )
        elif origin in SCAMS:
            add(url, 1, origin, owner, hide=False)
            if chance < 0.35 and rests[1]:
                pool = rests[1] if chance < 0.2 else rests[0]
                add(url + pool[int(draw(url, "rest") * len(pool))], 1, "made_scam", owner, hide=False)
        else:
            add(url, int(label), origin, owner, hide=not label and draw(owner, "hide") < 0.2)
            if not label and chance < 0.4:
                add(host_of(url), 0, "made_bare", owner, hide=draw(owner, "hide") < 0.4)
    return Rows(urls, np.array(harmful, dtype=np.int8), source, group, np.array(hidden, dtype=bool))


def _speller(
    random: Any, words: Sequence[str], brands: Sequence[str], honest: Sequence[str]
) -> tuple[Callable[[Sequence[Any]], Any], Callable[[str], str]]:
    """What picks one of some items, and what fills in a pattern."""

    def pick(items: Sequence[Any]) -> Any:
        return items[random.randint(len(items))]

    def letters(alphabet: str, size: int) -> str:
        return "".join(alphabet[number] for number in random.randint(len(alphabet), size=size))

    made_of: dict[str, Callable[[], str]] = {
        "n": lambda: str(random.randint(10 ** random.randint(1, 8))),
        "hex": lambda: letters("0123456789abcdef", random.randint(8, 40)),
        "id": lambda: letters("abcdefghijklmnopqrstuvwxyz0123456789", random.randint(3, 10)),
        "word": lambda: str(pick(words)),
        "brand": lambda: str(pick(brands)),
        "mail": lambda: f"{pick(words)}@{pick(honest)}.com",
    }

    def spell(pattern: str) -> str:
        while "{" in pattern:
            before, _, after = pattern.partition("{")
            kind, _, after = after.partition("}")
            pattern = before + made_of[kind]() + after
        return pattern

    return pick, spell


def with_written(rows: Rows, brands: Sequence[str]) -> Rows:
    """Rows of the written material: sites on shared hosts, honest paths on popular names, hacked sites."""
    random = np.random.RandomState(11)
    words = [word for _, listed in tables.read_words() for word in listed if word.isalpha()]
    honest = [url.split(".")[0] for url, source in zip(rows.urls, rows.source, strict=True) if source == "tranco"]
    honest_owner = [url for url, source in zip(rows.urls, rows.source, strict=True) if source == "tranco"]
    scam = [
        (url.split(".")[0], url)
        for url, source, label in zip(rows.urls, rows.source, rows.harmful, strict=True)
        if source in SCAMS and label
    ]

    pick, spell = _speller(random, words, brands, honest)
    urls: list[str] = []
    harmful: list[int] = []
    source: list[str] = []
    group: list[str] = []

    def add(url: str, label: int, origin: str, owner: str) -> None:
        if url.isascii() and len(url) < 2000:
            urls.append(url)
            harmful.append(label)
            source.append(origin)
            group.append(owner)

    lines = {name: tables.lines_of((MATERIAL / f"{name}.txt").read_text(encoding="utf-8")) for name in WRITTEN}
    for line in lines["platforms"]:
        host, good, bad = line.split()
        for _ in range(int(good)):
            number = random.randint(len(honest))
            rest = spell(pick(lines["honest_paths"])) if random.rand() < 0.5 else ""
            add(f"{honest[number]}.{host}{rest}", 0, "written_honest_site", honest_owner[number])
        for _ in range(int(bad)):
            if scam and random.rand() < 0.4:
                name, owner = pick(scam)
            else:
                name = spell(pick(lines["scam_names"]))
                owner = name
            rest = spell(pick([one[4:] for one in lines["scam_paths"] if one.startswith("own ")]))
            add(f"{name}.{host}{rest if random.rand() < 0.6 else ''}", 1, "written_harmful_site", owner)
    for line in lines["shared"]:
        pattern, good, bad = line.rsplit(" ", 2)
        for number in range(int(good) + int(bad)):
            label = int(number >= int(good))
            made = spell(pattern)
            add(made, label, "written_shared", made)
    for _ in range(9000):
        number = random.randint(len(honest_owner))
        start = pick(("", "www.", "www.", "https://", "https://www."))
        add(
            start + honest_owner[number] + spell(pick(lines["honest_paths"])), 0, "written_honest", honest_owner[number]
        )
    hacked = [one[7:] for one in lines["scam_paths"] if one.startswith("hacked ")]
    for _ in range(2500):
        owner = pick(honest_owner)
        add(owner + spell(pick(hacked)), 1, "written_hacked", owner)
    own = [one[4:] for one in lines["scam_paths"] if one.startswith("own ")]
    for _ in range(5000 if scam else 0):
        _, owner = pick(scam)
        add(owner + spell(pick(own)), 1, "written_scam", owner)
    labels = np.array(harmful, dtype=np.int8)
    return Rows(urls, labels, source, group, np.ones(len(urls), dtype=bool))


def join(*parts: Rows) -> Rows:
    """Rows one after another."""
    return Rows(
        [url for part in parts for url in part.urls],
        np.concatenate([part.harmful for part in parts]),
        [one for part in parts for one in part.source],
        [one for part in parts for one in part.group],
        np.concatenate([part.hidden for part in parts]),
    )


def fold_of(groups: Iterable[str], count: int, salt: str = "fold") -> Array:
    """The fold of each group."""
    return np.array([int(draw(group, salt) * count) for group in groups], dtype=np.int8)
