"""What the trainings share: linear models over sparse features, calibration, thresholds, and measures.

scikit-learn fits; everything that is shipped is a table of whole numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from sklearn.linear_model import SGDClassifier
from trustward.base.jit import kernel

FALSE_ALARMS = 0.01
"""The share of honest things at which recall is compared."""


def recall_at(harmful: Any, honest: Any, rate: float = FALSE_ALARMS) -> float:
    """The share of harmful things above the score that a share ``rate`` of honest things reaches."""
    if len(harmful) == 0 or len(honest) == 0:
        return float("nan")
    bound = np.quantile(honest, 1 - rate, method="higher")
    return float(np.mean(np.asarray(harmful) > bound))


def fold_of(group: str, folds: int) -> int:
    """The part that a group falls into, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(group.encode("utf-8", "replace"), digest_size=4).digest(), "big") % folds


def fit(features: Any, labels: Any, weights: Any, rows: Any, *, alpha: float, epochs: int) -> tuple[Any, float]:
    """A logistic regression on some rows: its weights and its constant.

    ``labels`` from 0 to 1: a row with a label between counts on both sides. Both sides weigh the same in the end.
    """
    soft = rows[(labels[rows] > 0) & (labels[rows] < 1)]
    hard = rows[(labels[rows] == 0) | (labels[rows] == 1)]
    chosen = np.concatenate([hard, soft, soft])
    target = np.concatenate([labels[hard], np.ones(soft.size), np.zeros(soft.size)])
    weight = np.concatenate([weights[hard], weights[soft] * labels[soft], weights[soft] * (1 - labels[soft])])
    for side in (0, 1):
        weight[target == side] *= 0.5 * chosen.size / weight[target == side].sum()
    learner = SGDClassifier(
        loss="log_loss", alpha=alpha, max_iter=epochs, tol=None, average=True, random_state=0, shuffle=True
    )
    learner.fit(features[chosen], target, sample_weight=weight)
    return learner.coef_[0], float(learner.intercept_[0])


STEP, FIRST_SQUARE, SHRINK = 0.1, 1e-3, 1e-6
"""The size of a step, what a feature's squared slopes begin with, and how fast its weight fades."""


@kernel
def _pass(values: Any, places: Any, ends: Any, rows: Any, sought: Any, table: Any, constants: Any) -> None:
    """One pass over some rows: each feature's step is the smaller the more has been learned of it (AdaGrad).

    ``sought[row]`` holds the labels and the weights of two judgements, ``table[place]`` their weights of a feature and
    its squared slopes, ``constants`` likewise.
    """
    one, step, shrink = np.float32(1), np.float32(STEP), np.float32(SHRINK)
    for row in rows:
        first, last = ends[row], ends[row + 1]
        a, b = constants[0], constants[1]
        for j in range(first, last):
            entry = table[places[j]]
            a += entry[0] * values[j]
            b += entry[1] * values[j]
        a = (one / (one + np.exp(-a)) - sought[row, 0]) * sought[row, 2]
        b = (one / (one + np.exp(-b)) - sought[row, 1]) * sought[row, 3]
        constants[2] += a * a
        constants[3] += b * b
        constants[0] -= step * a / np.sqrt(constants[2])
        constants[1] -= step * b / np.sqrt(constants[3])
        for j in range(first, last):
            entry = table[places[j]]
            slope = a * values[j] + shrink * entry[0]
            entry[2] += slope * slope
            entry[0] -= step * slope / np.sqrt(entry[2])
            slope = b * values[j] + shrink * entry[1]
            entry[3] += slope * slope
            entry[1] -= step * slope / np.sqrt(entry[3])


def fit_together(features: Any, labels: Any, weights: Any, rows: Any, *, passes: int) -> tuple[Any, Any]:
    """Two logistic regressions on the same rows: weights (places, 2) and constants.

    ``labels`` (rows, 2) from 0 to 1: a row with a label between counts on both sides. Both sides weigh the same in the
    end. ``weights``: one for each row, or one for each judgement of it. Steps fit each feature, so that what is rare
    (a small set, a small language) is learned as well as what is frequent; the mean of the later half of the passes
    is taken.
    """
    weights = weights if weights.ndim == labels.ndim else weights[:, None]
    sides = [weights * labels, weights * (1 - labels)]
    harmful, honest = (side / side[rows].sum(axis=0) for side in sides)
    both = harmful + honest
    sought = np.concatenate([harmful / np.maximum(both, 1e-30), 0.5 * rows.size * both], axis=1).astype(np.float32)
    table = np.zeros((features.shape[1], 4), np.float32)
    table[:, 2:] = FIRST_SQUARE
    constants = np.array([0, 0, 1, 1], np.float32)
    chance = np.random.RandomState(0)
    kept = range(passes // 2, passes)
    total, total_constants = np.zeros((features.shape[1], 2)), np.zeros(2)
    for number in range(passes):
        order = chance.permutation(rows)
        _pass(features.data, features.indices, features.indptr, order, sought, table, constants)
        if number in kept:
            total += table[:, :2]
            total_constants += constants[:2]
    return total / len(kept), total_constants / len(kept)


def calibration(scores: Any, labels: Any, weights: Any, *, most: int = 24) -> tuple[list[float], list[float]]:
    """Scores and the shares of harmful things there at even odds, as few knots of a rising line."""
    weight = weights.copy()
    for side in (0, 1):
        weight[labels == side] *= 0.5 / weight[labels == side].sum()
    line = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, labels, sample_weight=weight)
    at = np.quantile(scores, np.concatenate([np.linspace(0.001, 0.999, most - 2)]))
    at = np.unique(np.concatenate([[scores.min()], at, [scores.max()]]))
    # Around each knot the mean of the steps, so that the line has no flat places where ranks are lost.
    wide = np.gradient(at) if at.size > 1 else np.ones(1)
    level = np.array([line.predict(np.linspace(x - w / 2, x + w / 2, 9)).mean() for x, w in zip(at, wide, strict=True)])
    level = np.maximum.accumulate(np.clip(level, 0.0, 1.0))
    level = level + np.linspace(0, 1e-3, level.size)
    level = np.clip(level / max(level.max(), 1.0), 0.0, 0.9999)
    return [round(float(x), 4) for x in at], [round(float(x), 5) for x in level]


def threshold(scores: Any, groups: Sequence[Sequence[int]], overall: float, each: float) -> float:
    """The least score that at most a share ``overall`` of honest things reaches, and ``each`` of every group."""
    bounds = [_reached(scores, overall)]
    bounds += [_reached(scores[np.asarray(group)], each) for group in groups if len(group) >= 1 / each]
    return float(np.ceil(max(bounds) * 1000 + 1) / 1000)


def _reached(scores: Any, share: float) -> float:
    return float(np.quantile(scores, 1 - share, method="higher"))


def quantised(table: Any) -> tuple[Any, float]:
    """Weights as whole numbers of one byte and what a unit is worth; the largest few are cut."""
    top = float(np.quantile(np.abs(table[table != 0]), 0.9999)) if np.any(table) else 1.0
    unit = top / 127
    return np.clip(np.rint(table / unit), -127, 127).astype(np.int8), unit
