"""Make the goods screener: the taxonomy compiled, its weights learned, and the model card's figures.

The words are written by hand (``data/goods/*.toml``); only the weight of each kind of evidence is learned, from the
listings in ``models/material/goods/build.tsv``. ``measure.tsv`` is read for the figures only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sklearn.linear_model import LogisticRegression

from trustward.screening.goods import compiled, taxonomy
from trustward.screening.goods.evidence import FEATURES, only_elsewhere
from trustward.screening.goods.screen import Goods, Weights

MATERIAL = Path(__file__).resolve().parent / "material" / "goods"
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


class Listing(NamedTuple):
    """One written listing: its language, what it is (a category, or ok), and its fields."""

    language: str
    kind: str
    fields: dict[str, Any]


def listings(path: Path) -> list[Listing]:
    """Read a file of written listings."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        language, kind, title, *more = line.split("\t")
        fields: dict[str, Any] = {"title": title}
        for option in more[0].split("|") if more else ():
            name, _, value = option.partition("=")
            fields[name] = float(value) if name == "price" else value
        found.append(Listing(language, kind, fields))
    return found


def weights(goods: Goods, rows: Sequence[Listing]) -> Weights:
    """The weights: a logistic regression with the prior's weights as an offset, on listings with any evidence.

    An honest and a harmful listing count the same in sum, so that scores are meant for even odds.
    """
    vectors, labels, none = [], [], [0, 0]
    base = np.array([PRIOR.weights[name] for name in FEATURES])
    for row in rows:
        label = int(row.kind != "ok")
        best = max(goods.found(row.fields), key=lambda found: found.score, default=None)
        if best is None:
            none[label] += 1
            continue
        vectors.append([*best.evidence.values, 1.0, PRIOR.constant + base @ best.evidence.values])
        labels.append(label)
    total = [sum(1 for row in rows if row.kind == "ok"), sum(1 for row in rows if row.kind != "ok")]
    x, y = np.array(vectors), np.array(labels)
    share = np.where(y == 1, 0.5 / total[1], 0.5 / total[0]) * len(rows)
    learned = fit(x[:, :-1], x[:, -1], y, share)
    # Shares of listings without any evidence, with half a listing more on each side.
    missed, passed = (none[1] + 0.5) / (total[1] + 1), (none[0] + 0.5) / (total[0] + 1)
    return Weights(
        none=round(float(np.log(missed / passed)), 3),
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
    data = msgspec.json.encode(index)
    (taxonomy.DATA / "compiled.json").write_bytes(data + b"\n")
    return len(data) + 1
