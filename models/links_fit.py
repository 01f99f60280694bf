"""The model of the links screener: two linear models over pieces of text, and trees over all that is measured."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.links_data import Rows, features_of, fold_of, pieces_of
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from trustward.screening.links import words as w

Array = npt.NDArray[Any]
FOLDS = 4
RISING = (
    "brand_suffix brand_token brand_within brand_near brand_skeleton brand_sub ending_in_host numeric host_pieces "
    "path_pieces ending hosting tunnel ipfs dynamic mail domain_in_path"
).split()
FALLING = "popular brand_official".split()


class Linear(NamedTuple):
    """Weights of pieces as small whole numbers, and what one of them is worth."""

    weights: Array
    scale: float

    def __call__(self, pieces: Any) -> Array:
        """The log-odds that pieces add."""
        return np.asarray(pieces @ self.weights.astype(np.float64)).ravel() * self.scale


class Model(NamedTuple):
    """A trained model."""

    host: Linear
    path: Linear
    trees: Any


def balance(rows: Rows) -> Array:
    """Weights of rows: large sets count for more than small ones, but less than by their size."""
    pairs = list(zip(rows.source, rows.harmful.tolist(), strict=True))
    sizes = Counter(pairs)
    weights = np.array([sizes[pair] ** -0.25 for pair in pairs])
    for label in (0, 1):
        chosen = rows.harmful == label
        weights[chosen] *= len(pairs) / 2 / max(weights[chosen].sum(), 1e-9)
    return weights


def fit_linear(pieces: Any, harmful: Array, weights: Array, strength: float) -> Linear:
    """One linear model, rounded to whole numbers from -127 to 127."""
    model = LogisticRegression(C=strength, max_iter=60, solver="lbfgs", tol=1e-3)
    model.fit(pieces, harmful, sample_weight=weights)
    coefficients = model.coef_[0]
    scale = max(float(np.quantile(np.abs(coefficients[coefficients != 0]), 0.9995)), 1e-6) / 127
    return Linear(np.clip(np.rint(coefficients / scale), -127, 127).astype(np.int8), scale)


def fit_both(rows: Rows, host: Any, path: Any, weights: Array) -> tuple[Linear, Linear]:
    """The linear models of hosts (from all rows) and of paths (from rows that have one of their own)."""
    own = np.array([source in ("url_pdd", "url_hannousse") for source in rows.source]) & (np.diff(path.indptr) > 0)
    return (
        fit_linear(host, rows.harmful, np.ones(len(weights)), 1.0),
        fit_linear(path[own], rows.harmful[own], weights[own], 1.0),
    )


def fit(rows: Rows, *, rounds: int = 220) -> tuple[Model, Array]:
    """Train. Returns the model and the log-odds of each row by models that have not seen its group."""
    features = features_of(rows)
    host, path = pieces_of(rows)
    weights = balance(rows)
    folds = fold_of(rows.group, FOLDS, "inner")
    for number in range(FOLDS):
        held = folds == number
        one, two = fit_both(rows.take(~held), host[~held], path[~held], weights[~held])
        features[held, w.F["host_pieces"]] = one(host[held])
        features[held, w.F["path_pieces"]] = two(path[held])
    one, two = fit_both(rows, host, path, weights)
    trees = fit_trees(features, rows.harmful, weights, rounds)
    return Model(one, two, trees), features


def fit_trees(features: Array, harmful: Array, weights: Array, rounds: int) -> Any:
    """Gradient-boosted trees, with the direction of some features fixed."""
    signs = np.zeros(features.shape[1], dtype=np.int8)
    for name in RISING:
        signs[w.F[name]] = 1
    for name in FALLING:
        signs[w.F[name]] = -1
    model = HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=0.1,
        max_leaf_nodes=32,
        max_depth=5,
        min_samples_leaf=40,
        l2_regularization=3.0,
        max_features=0.4,
        monotonic_cst=signs,
        random_state=7,
        early_stopping=False,
    )
    model.fit(features, harmful, sample_weight=weights)
    return model


def predict(model: Model, rows: Rows) -> Array:
    """Log-odds of rows."""
    features = features_of(rows)
    host, path = pieces_of(rows)
    features[:, w.F["host_pieces"]] = model.host(host)
    features[:, w.F["path_pieces"]] = model.path(path)
    result: Array = model.trees.decision_function(features)
    # As the kernel does with a brand's own domain.
    official = features[:, w.F["brand_official"]] > 0
    return np.where(official, np.minimum(result - 5, -2), result)


def recall(honest: Array, harmful: Array, rate: float = 0.01) -> float:
    """The share of harmful rows above the score that at most ``rate`` of the honest ones reach."""
    allowed = int(rate * len(honest))
    border = np.sort(honest)[::-1][allowed]
    return float((harmful > border).mean())
