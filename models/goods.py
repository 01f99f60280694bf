"""Make the goods screener: the taxonomy compiled, its weights learned, and the model card's figures.

The words are written by hand (``data/goods/*.toml``); only the weight of each kind of evidence is learned, from the
listings in ``models/material/goods/build.tsv``. ``measure.tsv`` is read for the figures only.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from models import goods_card
from models.goods_data import LANGUAGES, MATERIAL, Listing, listings, messages
from trustward.screening.goods import compiled, taxonomy
from trustward.screening.goods.evidence import FEATURES, only_elsewhere
from trustward.screening.goods.screen import Goods, Weights, check_taxonomy

PRIOR = Weights(
    none=-2.5,
    constant=-1.0,
    weights={
        "offer": 4.0,
        "offers": 0.7,
        "code": 1.8,
        "codes": 1.2,
        "pair": 3.0,
        "pairs": 0.5,
        "traded": 2.5,
        "price": 3.5,
        "trick": 0.8,
        "contact": 0.6,
        "home": -2.0,
    },
)
"""What we believe before looking: the learned weights are drawn towards these, for some kinds are rare."""
STRENGTH = 1.0
"""How hard they are drawn: the variance of the prior."""


def weights(goods: Goods, rows: Sequence[Listing]) -> Weights:
    """The weights: a logistic regression with the prior's weights as an offset, on listings with any evidence.

    Honest and harmful ones count the same in sum, so that scores are meant for even odds; of the honest ones, written
    listings and messages count the same.
    """
    vectors, labels, shares, none = [], [], [], [0.0, 0.0]
    base = np.array([PRIOR.weights[name] for name in FEATURES])
    groups = [(row.kind == "ok", row.written) for row in rows]
    sizes = Counter(groups)
    for row, group in zip(rows, groups, strict=True):
        label = int(row.kind != "ok")
        share = (0.25 if group[0] else 0.5 * sizes[group] / (sizes[False, True] + sizes[False, False])) / sizes[group]
        best = max(goods.found(row.fields), key=lambda found: found.score, default=None)
        if best is None:
            none[label] += share
            continue
        offset = PRIOR.constant + base @ best.evidence.values - only_elsewhere(best.evidence)
        vectors.append([*best.evidence.values, 1.0, offset])
        labels.append(label)
        shares.append(share * len(rows))
    x = np.array(vectors)
    learned = fit(x[:, :-1], x[:, -1], np.array(labels), np.array(shares))
    return Weights(
        none=round(float(np.log(none[1] / none[0])), 3),
        constant=round(PRIOR.constant + float(learned[-1]), 3),
        weights={name: round(float(base[i] + learned[i]), 3) for i, name in enumerate(FEATURES)},
    )


def fit(x: Any, offset: Any, y: Any, share: Any) -> Any:
    """Newton's method for a logistic regression with an offset and a normal prior around zero."""
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(offset + x @ beta, -30, 30)))
        gradient = x.T @ (share * (p - y)) + beta / STRENGTH
        hessian = (x.T * (share * p * (1 - p))) @ x + np.eye(x.shape[1]) / STRENGTH
        beta -= np.linalg.solve(hessian, gradient)
    return beta


def compile_taxonomy() -> int:
    """Write the compiled taxonomy beside its sources; returns its size in bytes. Raises SystemExit with all faults."""
    written = taxonomy.read(taxonomy.shipped())
    index = compiled.index_of(written)
    if written.faults:
        raise SystemExit("\n".join(written.faults))
    data = gzip.compress(msgspec.json.encode(index), 9, mtime=0)
    (taxonomy.DATA / "compiled.json.gz").write_bytes(data)
    return len(data)


def build(data: Path) -> str:
    """Compile, learn, and write the card's figures; returns them."""
    compile_taxonomy()
    rows = [*listings(MATERIAL / "build.tsv"), *(m for m in messages(seen=False) if known(m))]
    words = compiled.load()
    learned = weights(Goods(words, PRIOR), rows)
    (taxonomy.DATA / "weights.json").write_bytes(msgspec.json.format(msgspec.json.encode(learned), indent=1) + b"\n")
    faults = check_taxonomy()
    if faults:
        raise SystemExit("\n".join(faults))
    return goods_card.write(Goods(words, learned), data)


def known(message: Listing) -> bool:
    """Whether a message is honest, or in a language whose words are there."""
    return message.kind == "ok" or message.language in LANGUAGES


def main(data: Path) -> None:
    """Build and print the figures."""
    print(build(data))
