"""The figures of the goods screener's model card."""

from __future__ import annotations

import gzip
import itertools
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from models.goods_data import LANGUAGES, MATERIAL, Listing, listings, messages
from trustward.model.signal import Signal
from trustward.screening.goods.screen import Goods

CARD = Path(__file__).resolve().parent.parent / "docs" / "models" / "goods.md"
BEGIN, END = "<!-- figures: written by models/goods.py -->", "<!-- end of figures -->"
OTHERS = "other"


def write(goods: Goods, data: Path) -> str:
    """Put the figures into the card between its two marks; returns them."""
    figures = "\n\n".join(
        (
            "### Written listings, measuring half",
            by_language(goods, listings(MATERIAL / "measure.tsv")),
            by_category(goods, listings(MATERIAL / "measure.tsv")),
            "### Messages written by other hands, half not read when words were chosen",
            by_language(goods, messages(seen=False)),
            "### Honest texts of people and applications",
            honest(goods, data),
            "### Scores",
            calibration(goods, [*listings(MATERIAL / "measure.tsv"), *messages(seen=False)]),
            "### Spelling tricks",
            attacks(goods, listings(MATERIAL / "measure.tsv")),
        )
    )
    before, _, rest = CARD.read_text("utf-8").partition(BEGIN)
    CARD.write_text(f"{before}{BEGIN}\n\n{figures}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    return figures


def _signals(goods: Goods, rows: Sequence[Listing]) -> list[tuple[Listing, Signal]]:
    return list(zip(rows, goods.screen_listings([row.fields for row in rows]), strict=True))


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else "-"


def by_language(goods: Goods, rows: Sequence[Listing]) -> str:
    """Recall and false alarms for each language."""
    table: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for row, signal in _signals(goods, rows):
        names = (row.language, "the six languages" if row.language in LANGUAGES else "other languages")
        for name in names:
            counts = table[name]
            side = 3 * (row.kind == "ok")
            counts[side] += 1
            counts[side + 1] += signal.verdict != "ok"
            counts[side + 2] += signal.verdict == "harmful"
    lines = [
        "| language | harmful | found | as `harmful` | harmless | false alarms | as `harmful` |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in sorted(table, key=lambda name: (len(name) > 3, name)):
        a, b, c, d, e, f = table[name]
        lines.append(f"| {name} | {a} | {_share(b, a)} | {_share(c, a)} | {d} | {_share(e, d)} | {_share(f, d)} |")
    return "\n".join(lines)


def by_category(goods: Goods, rows: Sequence[Listing]) -> str:
    """Recall for each category, and where listings came out under another."""
    table: dict[str, list[int]] = defaultdict(lambda: [0] * 4)
    for row, signal in _signals(goods, rows):
        if row.kind != "ok":
            table[row.kind][0] += 1
            table[row.kind][1] += signal.verdict != "ok"
            table[row.kind][2] += signal.verdict != "ok" and signal.category == row.kind
        elif signal.verdict != "ok":
            table[signal.category][3] += 1
    lines = ["| category | listings | found | under its name | false alarms |", "| --- | ---: | ---: | ---: | ---: |"]
    lines += [
        f"| {name} | {n} | {found} | {named} | {false} |" for name, (n, found, named, false) in sorted(table.items())
    ]
    return "\n".join(lines)


def honest(goods: Goods, data: Path) -> str:
    """False alarms on the honest texts of a data set, language by language."""
    path = data / "honest_multi" / "dev.jsonl.gz"
    table: dict[str, list[int]] = defaultdict(lambda: [0] * 3)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [msgspec.json.decode(line) for line in lines]
    for row, signal in zip(rows, goods.screen_listings([{"title": row["text"]} for row in rows]), strict=True):
        counts = table[row["lang"]]
        counts[0] += 1
        counts[1] += signal.verdict != "ok"
        counts[2] += signal.verdict == "harmful"
    out = ["| language | texts | false alarms | as `harmful` |", "| --- | ---: | ---: | ---: |"]
    for name, (n, some, worst) in sorted(table.items()):
        out.append(f"| {name} | {n} | {100 * some / n:.2f} % | {100 * worst / n:.2f} % |")
    return "\n".join(out)


def calibration(goods: Goods, rows: Sequence[Listing]) -> str:
    """Of what is scored so, how much is harmful at even odds."""
    edges = (0.0, 0.2, 0.6, 0.9, 1.01)
    signals = _signals(goods, [row for row in rows if row.language in LANGUAGES])
    total = [sum((row.kind == "ok") == side for row, _ in signals) for side in (False, True)]
    lines = ["| score | harmful | harmless | share at even odds | mean score |", "| --- | ---: | ---: | ---: | ---: |"]
    for low, high in itertools.pairwise(edges):
        inside = [(row, signal) for row, signal in signals if low <= signal.score < high]
        bad = sum(row.kind != "ok" for row, _ in inside)
        good = len(inside) - bad
        weight = bad / total[0] + good / total[1]
        if not inside:
            continue
        mean = sum(signal.score / (total[1] if row.kind == "ok" else total[0]) for row, signal in inside) / weight
        share = 100 * bad / total[0] / weight
        lines.append(f"| {low:.1f} to {min(high, 1.0):.1f} | {bad} | {good} | {share:.0f} % | {mean:.2f} |")
    return "\n".join(lines)


def _between(sign: str, kind: Callable[[str], bool]) -> Callable[[str], str]:
    def attack(text: str) -> str:
        return "".join(
            c + sign if i + 1 < len(text) and kind(c) and kind(text[i + 1]) else c for i, c in enumerate(text)
        )

    return attack


def _dense(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


def _replace(pairs: str) -> Callable[[str], str]:
    table = str.maketrans({pair[0]: pair[1] for pair in pairs.split()})
    return lambda text: text.translate(table)


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


ATTACKS: dict[str, Callable[[str], str]] = {
    "signs between Chinese characters (`电-话-卡`)": _between("-", _dense),
    "spaces between Chinese characters": _between(" ", _dense),
    "dots between Latin letters of words (`s.i.m.c`)": _between(".", lambda c: c.isascii() and c.isalpha()),
    "invisible characters": _between("\u200b", str.isalnum),
    "full-width letters": _wide,
    "Cyrillic look-alikes": _replace("aа eе oо cс pр xх yу"),
    "digits for letters within words": _replace("o0 i1 e3"),
    "homophones for 卡, 微, 加": _replace("卡咔 微薇 加伽"),
    "no accents": lambda text: "".join(
        c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn" or "\u0e00" <= c <= "\u0e7f"
    ),
    "capitals": str.upper,
}


def attacks(goods: Goods, rows: Iterable[Listing]) -> str:
    """What is left of the found listings when their titles are obfuscated."""
    found = [
        row for row, signal in _signals(goods, [row for row in rows if row.kind != "ok"]) if signal.verdict != "ok"
    ]
    lines = ["| trick | titles changed | still found |", "| --- | ---: | ---: |"]
    for name, attack in ATTACKS.items():
        changed = [row for row in found if attack(row.fields["title"]) != row.fields["title"]]
        attacked = [{**row.fields, "title": attack(row.fields["title"])} for row in changed]
        left = sum(signal.verdict != "ok" for signal in goods.screen_listings(attacked))
        lines.append(f"| {name} | {len(changed)} | {_share(left, len(changed))} |")
    return "\n".join(lines)
