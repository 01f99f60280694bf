"""A trained model as plain arrays, and its numbers as text."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.links_fit import Model

Array = npt.NDArray[Any]


DEPTH = 5
PLACES = 2 ** (DEPTH + 1) - 1


def flat_trees(model: Any) -> dict[str, Array]:
    """The trees of a booster, each made complete: 31 splits and 32 leaves; what all begin with comes last."""
    stages = model._predictors  # noqa: SLF001 - the library has no public way to its nodes
    column = np.zeros(len(stages) * PLACES + 1, dtype=np.int16)
    border = np.zeros(len(stages) * PLACES + 1, dtype=np.float32)

    def add(nodes: Any, number: int, base: int, place: int, depth: int) -> None:
        node = nodes[number]
        if depth == DEPTH:
            if not node["is_leaf"]:
                raise ValueError("a tree is deeper than 5")
            border[base + place] = node["value"]
            return
        if node["is_leaf"]:
            # A leaf higher up: both ways lead to it.
            left = right = number
        else:
            left, right = int(node["left"]), int(node["right"])
            column[base + place] = node["feature_idx"]
            # The largest float32 that is not above the threshold splits float32 features just as the threshold does.
            exact = float(node["num_threshold"])
            small = np.float32(exact)
            border[base + place] = small if float(small) <= exact else np.nextafter(small, np.float32(-np.inf))
        add(nodes, left, base, 2 * place + 1, depth + 1)
        add(nodes, right, base, 2 * place + 2, depth + 1)

    for number, stage in enumerate(stages):
        add(stage[0].nodes, 0, number * PLACES, 0, 0)
    border[-1] = float(np.ravel(model._baseline_prediction)[0])  # noqa: SLF001
    return {"trees_column": column, "trees_border": border}


def curve_of(odds: Array, harmful: Array, weights: Array) -> tuple[list[float], list[float]]:
    """Points of the curve from log-odds to scores: shares of harmful rows in bins, made to rise, at even odds."""
    order = np.argsort(odds, kind="stable")
    odds, harmful, weights = odds[order], harmful[order].astype(np.float64), weights[order].astype(np.float64)
    for label in (0, 1):
        weights[harmful == label] *= 0.5 / weights[harmful == label].sum()
    places = np.cumsum(weights)
    borders = np.linspace(0, 1, 41)[1:-1]
    parts = np.searchsorted(places, borders)
    xs, ys, sizes = [], [], []
    for part in np.split(np.arange(len(odds)), parts):
        if len(part) and weights[part].sum() > 0:
            sum_weight = weights[part].sum()
            xs.append(float((odds[part] * weights[part]).sum() / sum_weight))
            ys.append(float((harmful[part] * weights[part]).sum() / sum_weight))
            sizes.append(float(sum_weight))
    # Neighbours that fall are pooled until all rise.
    pools: list[list[float]] = []
    for x, y, size in zip(xs, ys, sizes, strict=True):
        pools.append([x, y, size])
        while len(pools) > 1 and pools[-1][1] <= pools[-2][1]:
            x2, y2, s2 = pools.pop()
            x1, y1, s1 = pools.pop()
            both = s1 + s2
            pools.append([(x1 * s1 + x2 * s2) / both, (y1 * s1 + y2 * s2) / both, both])
    low, high = pools[0], pools[-1]
    # Beyond the last points the curve goes on rising, so that scores keep their order.
    points = [[low[0] - 12, 0.0], *([p[0], min(max(p[1], 0.004), 0.985)] for p in pools), [high[0] + 12, 1.0]]
    rising = [points[0]]
    for x, y in points[1:]:
        if x > rising[-1][0] + 1e-4:
            rising.append([x, max(y, rising[-1][1] + 1e-4)])
    return [round(x, 4) for x, _ in rising], [round(min(y, 1.0), 5) for _, y in rising]


def write(out: Path, made: dict[str, Array], model: Model, numbers: dict[str, Any]) -> None:
    """Write arrays and numbers; the version is a hash of all that is written and of the lists beside it."""
    arrays = {
        **made,
        "host_weights": model.host.weights,
        "path_weights": model.path.weights,
        **flat_trees(model.trees),
    }
    digest = blake2b(digest_size=4)
    for name in sorted(arrays):
        with (out / f"{name}.npy").open("wb") as file:
            np.save(file, arrays[name], allow_pickle=False)
        digest.update(arrays[name].tobytes())
    for name in ("brands.txt", "hosts.txt", "words.txt"):
        digest.update((out / name).read_bytes())
    digest.update(repr(sorted(numbers.items())).encode())
    lines = [
        "# Made by training (models/links.py); not written by hand.",
        f'version = "1-{digest.hexdigest()}"',
        f"suspicious = {numbers['suspicious']:.6f}",
        f"harmful = {numbers['harmful']:.6f}",
        f"scales = [{model.host.scale!r}, {model.path.scale!r}]",
        "",
        "[calibration]",
        f"log_odds = {numbers['xs']}",
        f"score = {numbers['ys']}",
        "",
    ]
    (out / "model.toml").write_text("\n".join(lines), encoding="utf-8")
