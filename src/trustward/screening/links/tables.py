"""What the compiled part reads: loaded from the package's data at first use, and never changed."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trustward.base.errors import UsageError
from trustward.screening.links import kernel
from trustward.screening.links import words as w

DATA = files("trustward.screening") / "data" / "links"
Array = npt.NDArray[Any]
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
SKELETON = str.maketrans("il1|0o3e4a5s8b9g6z2", "lll|ooeeaassbbgggzz".replace("|", "l"))
"""Letters that look alike, each with the one that stands for all of them."""
EVERYDAY = frozenset(
    "target shell globe hotlink boost smart rogers three sprint puma pandora patagonia discover chime affirm linkt "
    "wise revenue canada regions synchrony huntington halifax nationwide gemini phantom exodus ledger compound "
    "polygon ripple celsius emirates delta hilton prudential orange signal tinder bumble notion zoom wish subito "
    "saison hermes yamato monex token landing dragon galicia posten forma linea trust metro premier apple steam "
    "teams prime boots impact caixa permata mercantil starling tangerine intel canon epson nomura correos correios "
    "allegro otto optimism lido aramco elster medicare levis rapid vanguard sushi kraken maxis telus claro reown "
    "meta sagawa exness valorant genshin minecraft cable garena moomoo tiger rakuten mandiri woori hasil pekao "
    "tonline tmobile interac delhivery americanas hostinger swisspost jtexpress chanel garanti ionos antai bigpond "
    "suica amendes free live messenger indosat bouygues truist comcast blockchain ethereum bitcoin solana cardano "
    "polkadot tether dogecoin arbitrum altinn pajak iphone wordpress blizzard crocs funko prada oculus".split()
)
"""Everyday words, places, surnames and open technologies among the names: they count only as words by themselves."""


class Tables(NamedTuple):
    """The screener's own tables."""

    alphabet: Array
    skeleton: Array
    power: Array
    keys: Array
    values: Array
    step: Array
    last: Array
    group: Array
    chain: Array
    popular: Array
    top: Array
    host_weights: Array
    path_weights: Array
    scales: Array


class BrandTables(NamedTuple):
    """Brands: their names as tries, and as near names; whose they are."""

    step: Array
    last: Array
    owner: Array
    strong: Array
    skeleton_step: Array
    skeleton_last: Array
    near_keys: Array
    near_values: Array
    longest: Array


class Trees(NamedTuple):
    """Complete trees of depth 5: 63 places each for a column and a border, or a leaf's value.

    The last place of ``border`` is what all begin with.
    """

    column: Array
    border: Array


class Work(NamedTuple):
    """Room to work in, one for each thread."""

    two: Array
    seen: Array
    low: Array
    scratch: Array
    prefix: Array
    numbers: Array
    amounts: Array
    found: Array


class Brand(NamedTuple):
    """One protected brand: its name, the names it is imitated by, and its own domains."""

    name: str
    tokens: tuple[str, ...]
    strong: tuple[bool, ...]
    domains: tuple[str, ...]


class Meta(NamedTuple):
    """Numbers of the trained model."""

    version: str
    suspicious: float
    harmful: float
    scales: tuple[float, float]
    scores_x: tuple[float, ...]
    scores_y: tuple[float, ...]


def text_of(name: str) -> str:
    """A text file of the data folder."""
    return (DATA / name).read_text(encoding="utf-8")


def array_of(name: str) -> Array:
    """An array file of the data folder; never a pickle."""
    with (DATA / name).open("rb") as file:
        loaded: Array = np.load(file, allow_pickle=False)
    return loaded


def lines_of(text: str) -> list[str]:
    """The lines that are neither empty nor comments."""
    return [line for raw in text.splitlines() if (line := raw.strip()) and not line.startswith("#")]


def joined(texts: Sequence[str]) -> tuple[Array, Array]:
    """Texts of ASCII as one array of bytes, and where each ends."""
    data = np.frombuffer(("".join(texts) + "\0").encode("ascii", "replace"), dtype=np.uint8)
    return data, np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)))


def trie(names: Iterable[str]) -> tuple[Array, Array]:
    """A trie of names: the next node by node and symbol, and the number of the name, plus one, that ends at a node."""
    symbols = {letter: number + 1 for number, letter in enumerate(_LETTERS)}
    step: list[dict[int, int]] = [{}]
    ends: dict[int, int] = {}
    for number, name in enumerate(names):
        node = 0
        for letter in name:
            symbol = symbols[letter]
            following = step[node].get(symbol)
            if following is None:
                following = step[node][symbol] = len(step)
                step.append({})
            node = following
        ends.setdefault(node, number + 1)
    table = np.zeros((len(step), w.SYMBOLS), dtype=np.int32)
    for node, following_of in enumerate(step):
        for symbol, following in following_of.items():
            table[node, symbol] = following
    last = np.zeros(len(step), dtype=np.int32)
    for node, number in ends.items():
        last[node] = number
    return table, last


def skeleton_of(name: str) -> str:
    """A name with each letter replaced by the one that stands for all that look like it."""
    return name.replace("rn", "m").replace("vv", "w").translate(SKELETON)


def read_brands(lines: Iterable[str]) -> tuple[Brand, ...]:
    """Brands from lines "Name official-domain ... +another-spelling ...". Raises UsageError for a line that is none.

    >>> read_brands(["My_Shop myshop.example +mishop"])[0].tokens
    ('myshop', 'mishop')
    """
    everyday = EVERYDAY | _vocabulary()
    found = []
    for line in lines:
        head, *parts = line.split()
        weak = head.startswith("~")
        name = head.removeprefix("~")
        plain = "".join(letter for letter in name.lower() if letter in _LETTERS[:-1])
        domains = tuple(part.lower().strip(".") for part in parts if not part.startswith("+"))
        if not plain or not domains:
            raise UsageError(
                f"no brand: {line[:80]!r}", remedy="write a name and its official domains, parted by spaces"
            )
        label = domains[0].split(".")[0].replace("-", "")
        tokens = dict.fromkeys([plain])
        if len(label) >= 4 and label.isascii() and label.isalnum():
            tokens[label] = None
        first = name.lower().split("_")[0]
        if len(first) >= 4 and first.isalnum():
            tokens[first] = None
        for part in parts:
            if part.startswith("+"):
                tokens["".join(letter for letter in part.lower() if letter in _LETTERS[:-1])] = None
        kept = [token for token in tokens if 3 <= len(token) <= 24 and token not in _BLUNT]
        strong = tuple(not weak and len(token) >= 5 and token not in everyday for token in kept)
        found.append(Brand(name.replace("_", " "), tuple(kept), strong, domains))
    return tuple(found)


_BLUNT = frozenset(
    "bank card post mail live home china credit bit web app shop the one max key gift pay free link line digital "
    "intl group abs first sync trade data news global agencia receita banco banque caisse hong cash landing service "
    "agricultural deutsche union canada australia bankof gov crypto gate sun star".split()
)
"""Never a brand's name by themselves."""


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset(word for _, words in read_words() for word in words)


def read_words() -> list[tuple[str, list[str]]]:
    """Words by class."""
    return [
        (group, words.split()) for group, _, words in (line.partition(":") for line in lines_of(text_of("words.txt")))
    ]


def brand_tables(brands: Sequence[Brand]) -> BrandTables:
    """Tries and near names of brands."""
    rows = [
        (token, number, strong)
        for number, brand in enumerate(brands)
        for token, strong in zip(brand.tokens, brand.strong, strict=True)
    ]
    step, last = trie(row[0] for row in rows)
    skeleton_step, skeleton_last = trie(skeleton_of(row[0]) if len(row[0]) >= 5 else "" for row in rows)
    skeleton_last[0] = 0
    # "Bank of Somewhere" is not misspelt as one word; its parts would be found in honest names.
    near = [row for row in rows if row[2] and len(row[0]) >= 6 and " " not in brands[row[1]].name]
    size = 1 << max(10, (sum(len(row[0]) + 1 for row in near) * 2).bit_length())
    keys = np.zeros(size, dtype=np.uint32)
    values = np.zeros(size, dtype=np.uint32)
    if near:
        data, ends = joined([row[0] for row in near])
        kernel.fill_near(data, ends, np.array([row[1] + 1 for row in near], dtype=np.int64), keys, values)
    return BrandTables(
        step=step,
        last=last,
        owner=np.array([row[1] for row in rows] or [0], dtype=np.int32),
        strong=np.array([row[2] for row in rows] or [False], dtype=np.uint8),
        skeleton_step=skeleton_step,
        skeleton_last=skeleton_last,
        near_keys=keys,
        near_values=values,
        longest=np.array([max(map(len, brand.tokens), default=0) for brand in brands] or [0], dtype=np.int32),
    )


def host_table(brands: Sequence[Brand]) -> tuple[Array, Array]:
    """The table of hosts: public suffixes, kinds, official domains."""
    names: list[str] = []
    bits: list[int] = []
    private = 0
    for line in suffix_rules():
        if line.startswith("// ===BEGIN PRIVATE"):
            private = w.PRIVATE
        elif line and not line.startswith("//"):
            rule = line.split()[0].lower()
            flag = w.RULE
            if rule.startswith("*."):
                rule, flag = rule[2:], w.WILD
            elif rule.startswith("!"):
                rule, flag = rule[1:], w.EXCEPTION
            names.append(rule if rule.isascii() else rule.encode("idna").decode("ascii"))
            bits.append(flag | private)
    for line in lines_of(text_of("hosts.txt")):
        kind, _, hosts = line.partition(":")
        for host in hosts.split():
            names.append(host)
            bits.append(w.KINDS[kind])
    for number, brand in enumerate(brands):
        for domain in brand.domains:
            names.append(domain if domain.isascii() else domain.encode("idna").decode("ascii"))
            bits.append((number + 1) << w.BRAND_SHIFT)
    size = 1 << (3 * len(names)).bit_length()
    keys = np.zeros(size, dtype=np.uint32)
    values = np.zeros(size, dtype=np.uint32)
    data, ends = joined(names)
    kernel.fill(data, ends, np.array(bits, dtype=np.uint32), keys, values)
    return keys, values


def suffix_rules() -> list[str]:
    """The lines of the bundled public-suffix list."""
    listed = files("publicsuffixlist") / "public_suffix_list.dat"
    return [line.strip() for line in listed.read_text(encoding="utf-8").splitlines()]


@cache
def own_brands() -> tuple[Brand, ...]:
    """The brands that ship with the package."""
    return read_brands(lines_of(text_of("brands.txt")))


@cache
def own_brand_tables() -> BrandTables:
    """Their tables."""
    return brand_tables(own_brands())


def tables_for(brands: Sequence[Brand], *, trained: bool = True) -> Tables:
    """The screener's tables, with the official domains of ``brands``. Not ``trained``: with empty models."""
    keys, values = host_table(brands)
    alphabet = np.zeros(256, dtype=np.uint8)
    skeleton = np.arange(256, dtype=np.uint8)
    for number, letter in enumerate(_LETTERS):
        alphabet[ord(letter)] = number + 1
        skeleton[ord(letter)] = ord(letter.translate(SKELETON))
    power = np.ones(320, dtype=np.uint64)
    base = 0x9E3779B97F4A7C15
    power[:] = [pow(base, n, 1 << 64) for n in range(320)]
    group: list[int] = []
    names: list[str] = []
    for kind, listed in read_words():
        for word in listed:
            if all(letter in _LETTERS for letter in word):
                names.append(word)
                group.append(w.CLASSES.index(kind))
    step, last = trie(names)
    empty = np.zeros(1 << w.PIECE_BITS, dtype=np.int8)
    return Tables(
        alphabet=alphabet,
        skeleton=skeleton,
        power=power,
        keys=keys,
        values=values,
        step=step,
        last=last,
        group=np.array(group, dtype=np.int32),
        chain=array_of("chain.npy") if trained else np.zeros(w.SYMBOLS**3, dtype=np.uint8),
        popular=array_of("popular.npy") if trained else np.zeros(64, dtype=np.uint8),
        top=array_of("top.npy") if trained else np.zeros(64, dtype=np.uint8),
        host_weights=array_of("host_weights.npy") if trained else empty,
        path_weights=array_of("path_weights.npy") if trained else empty,
        scales=np.array(meta().scales if trained else (1.0, 1.0), dtype=np.float32),
    )


@cache
def own_tables() -> Tables:
    """The tables with the shipped brands."""
    return tables_for(own_brands())


@cache
def trees() -> Trees:
    """The trained trees."""
    return Trees(*(array_of(f"trees_{name}.npy") for name in Trees._fields))


@cache
def meta() -> Meta:
    """The numbers of the trained model."""
    read = tomllib.loads(text_of("model.toml"))
    return Meta(
        version=read["version"],
        suspicious=read["suspicious"],
        harmful=read["harmful"],
        scales=tuple(read["scales"]),
        scores_x=tuple(read["calibration"]["log_odds"]),
        scores_y=tuple(read["calibration"]["score"]),
    )


class Known(NamedTuple):
    """All that a kernel reads, as addresses; and the arrays, so that they stay where they are."""

    addresses: Array
    held: tuple[Any, ...]


def known(tables: Tables, brands: BrandTables, forest: Trees) -> Known:
    """Where a kernel finds tables, brands and trees, in the order that measure.py takes them."""
    places: list[int] = []

    def place(array: Array, *, kind: Any) -> Array:
        fit: Array = np.ascontiguousarray(array, dtype=kind)
        places.append(fit.ctypes.data)
        return fit

    t, b = tables, brands
    held = [place(t.alphabet, kind=np.uint8), place(t.skeleton, kind=np.uint8), place(t.power, kind=np.uint64)]
    held += [place(t.keys, kind=np.uint32), place(t.values, kind=np.uint32)]
    places.append(t.keys.size - 1)
    held += [place(array, kind=np.int32) for array in (t.step, t.last, t.group)]
    held += [place(t.chain, kind=np.uint8), place(t.popular, kind=np.uint8)]
    places.append(t.popular.size * 8)
    held.append(place(t.top, kind=np.uint8))
    places.append(t.top.size * 8)
    held += [place(t.host_weights, kind=np.int8), place(t.path_weights, kind=np.int8), place(t.scales, kind=np.float32)]
    held += [place(array, kind=np.int32) for array in (b.step, b.last, b.owner)]
    held.append(place(b.strong, kind=np.uint8))
    held += [place(array, kind=np.int32) for array in (b.skeleton_step, b.skeleton_last)]
    held += [place(b.near_keys, kind=np.uint32), place(b.near_values, kind=np.uint32)]
    places.append(b.near_keys.size - 1)
    held.append(place(b.longest, kind=np.int32))
    places.append(forest.column.size // 63)
    held += [place(forest.column, kind=np.int16), place(forest.border, kind=np.float32)]
    return Known(np.array(places, dtype=np.uint64), tuple(held))


class Local(threading.local):
    """Each thread has its own room to work in: kernels run without the interpreter's lock."""

    def __init__(self) -> None:
        work = Work(
            two=np.zeros(2, dtype=np.float32),
            seen=np.zeros(3, dtype=np.int64),
            low=np.zeros(1024, dtype=np.uint8),
            scratch=np.zeros(320, dtype=np.uint8),
            prefix=np.zeros(320, dtype=np.uint64),
            numbers=np.zeros(4096, dtype=np.int32),
            amounts=np.zeros(2, dtype=np.int64),
            found=np.zeros(4, dtype=np.int64),
        )
        self.held = work
        self.room = np.array([array.ctypes.data for array in work], dtype=np.uint64)
        self.features = np.zeros((1, w.N_FEATURES), dtype=np.float32)
        # For one link alone: making arrays would take longer than screening it.
        self.bytes = bytearray(LONGEST_ONE + 8)
        self.text = np.frombuffer(self.bytes, dtype=np.uint8)
        self.ends = np.zeros(1, dtype=np.int64)
        self.none = np.zeros(1, dtype=np.int64)
        self.odds = np.zeros(1, dtype=np.float32)
        self.extra = np.zeros(1, dtype=np.float32)
        self.scores = np.zeros(1, dtype=np.float32)
        self.spans = np.zeros((1, 8), dtype=np.int64)
        self.facts = np.zeros(1, dtype=np.uint64)


LONGEST_ONE = 4_000
"""Characters of a link that is screened alone in a room made once."""
LOCAL = Local()
