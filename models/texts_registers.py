"""Training of the registers of texts: what tells a comment, and what each register's own tables hold."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models import learning
from scipy import sparse
from trustward.screening.texts import kernel
from trustward.screening.texts.registers import (
    COMMENT,
    GATE_BITS,
    LIKE,
    LOCAL_BITS,
    NONE,
    REGISTERS,
    UNLIKE,
)

SCALES = (3.0, 3.0, 1.0)
"""How freely each family of features may be weighted against the others."""
KEPT = (0.5, 0.4, 0.5, 0.5, 0.5)
"""What stays of the judgement of all texts in each register."""
LOUDNESS = (1.0, 2.0, 1.0, 1.0, 1.0)
"""How often the judgement that each register has learned alone is counted."""
RARITY = (0.0, 0.5, 0.0, 0.0, 0.0)
"""How much more what is rare in a register weighs there, for each step of its logarithm; 0: not at all."""
PASSES, GATE_PASSES, OWN_PASSES = 6, 4, 12
FREEDOM = 2.0
"""How freely a register's tables are weighted against those of all texts, where both are learned together."""
OWN_WEIGHTS = {"sms_th": 4.0}
"""Sets whose messages count more in their register, because it holds much else."""
FEWEST = 100
"""With fewer messages a register is not learned."""


class Features(NamedTuple):
    """Features of messages: of all families, as registers see them, as the tables that tell a comment do; registers."""

    all: Any
    local: Any
    gate: Any
    registers: Any

    def rows(self, chosen: Any) -> Features:
        """Those of some messages."""
        return Features(*(part[chosen] for part in self))


def narrow(matrix: Any, bits: int) -> Any:
    """The matrix with its places folded into fewer, as the kernel's mask does."""
    shape = (matrix.shape[0], 1 << bits)
    # Copies: summing up what falls together works in place.
    parts = (matrix.data.copy(), matrix.indices & ((1 << bits) - 1), matrix.indptr.copy())
    folded = sparse.csr_matrix(parts, shape=shape)
    folded.sum_duplicates()
    return folded


def features(families: list[Any], registers: Any) -> Features:
    """The features of messages from the matrices of their families."""

    def joined(parts: list[Any], scales: tuple[float, ...]) -> Any:
        return sparse.hstack([p * s for p, s in zip(parts, scales, strict=True)], format="csr", dtype=np.float32)

    local = [narrow(part, bits) for part, bits in zip(families, LOCAL_BITS, strict=True)]
    gate = [narrow(part, bits) for part, bits in zip(families[1:], GATE_BITS, strict=True)]
    return Features(joined(families, SCALES), joined(local, SCALES), joined(gate, SCALES[1:]), registers)


class Fitted(NamedTuple):
    """Two judgements of all texts and of each register.

    ``table`` holds the weights of all families one after the other (places, 2), ``own`` those of the registers
    (register, places, 2); each with its constants. ``gate`` tells a comment.
    """

    table: Any
    constants: Any
    own: Any
    own_constants: Any
    kept: Any
    gate: Any
    gate_constant: float

    def scores(self, found: Features) -> Any:
        """The scores before calibration, as the kernel adds them up."""
        both = found.all @ self.table + self.constants
        share = shares(found, found.gate @ self.gate + self.gate_constant)
        for register in range(len(REGISTERS)):
            rows = np.flatnonzero(share[register])
            part = share[register][rows, None]
            own = found.local[rows] @ self.own[register] + self.own_constants[register]
            both[rows] = (1 - part * (1 - self.kept[register])) * both[rows] + part * own
        harm, mass = both.T
        floor, reach, slope = kernel.FLOOR, kernel.REACH, kernel.SLOPE
        held = np.clip(mass, -reach, reach)
        return np.maximum(harm, floor) + slope * np.minimum(harm - floor, 0) + held + slope * (mass - held)


def shares(found: Features, odds: Any) -> list[Any]:
    """For each register how far each message belongs to it, from 0 to 1. ``odds``: of being a comment."""
    told = [(found.registers == register).astype(float) for register in range(len(REGISTERS))]
    told[COMMENT] = np.where(found.registers == NONE, np.clip((odds - UNLIKE) / (LIKE - UNLIKE), 0, 1), 0.0)
    return told


def gate(found: Features, comments: Any, rows: Any) -> tuple[Any, float]:
    """What tells a comment from other messages that show no register, learned from some rows."""
    rows = rows[found.registers[rows] == NONE]
    if not comments[rows].any():
        return np.zeros(found.gate.shape[1]), UNLIKE
    sought = np.stack([comments, comments], axis=1).astype(float)
    table, constants = learning.fit_together(found.gate, sought, np.ones(comments.size), rows, passes=GATE_PASSES)
    return table[:, 0], float(constants[0])


def _times(matrix: Any, factors: Any) -> Any:
    """The matrix with each row taken a number of times; rows taken no time hold nothing."""
    sizes = np.diff(matrix.indptr)
    inside = np.repeat(factors > 0, sizes)
    ends = np.concatenate([[0], np.cumsum(np.where(factors > 0, sizes, 0))]).astype(matrix.indptr.dtype)
    values = (matrix.data * np.repeat(factors, sizes))[inside].astype(np.float32)
    return sparse.csr_matrix((values, matrix.indices[inside], ends), shape=matrix.shape)


def _alone(matrix: Any, targets: Any, weights: Any, rows: Any, rarity: float) -> tuple[Any, Any]:
    """What a register learns from some rows by itself: its weights and its constants."""
    if not rarity:
        return learning.fit_together(matrix, targets, weights, rows, passes=OWN_PASSES)
    held = matrix[rows]
    counts = np.bincount(held.indices, minlength=held.shape[1])
    rare = rarity * (1 + np.log(rows.size / np.maximum(counts, 1)))
    held.data = (held.data * rare[held.indices]).astype(np.float32)
    every = np.arange(rows.size)
    table, constants = learning.fit_together(held, targets[rows], weights[rows], every, passes=OWN_PASSES)
    return table * rare[:, None], constants


def fitted(found: Features, targets: Any, weights: Any, sources: Any, folds: Any, left_out: Any) -> Fitted:
    """The judgements that have not seen some of the messages. ``weights``: (messages, 2)."""
    seen = np.flatnonzero(~left_out)
    comments = sources == "yt_comment_spam"
    whole, whole_constant = gate(found, comments, seen)
    odds = np.full(folds.size, UNLIKE)
    for fold in np.unique(folds):
        # A message is told for a comment by what has not seen it: what has would be too sure.
        table, constant = gate(found, comments, seen[folds[seen] != fold])
        inside = folds == fold
        odds[inside] = found.gate[inside] @ table + constant
    share = shares(found, odds)
    blocks = [_times(found.local, FREEDOM * part) for part in share]
    together = sparse.hstack([found.all, *blocks], format="csr", dtype=np.float32)
    table, constants = learning.fit_together(together, targets, weights, seen, passes=PASSES)
    width, more = found.all.shape[1], found.local.shape[1]
    own = FREEDOM * table[width:].reshape(len(REGISTERS), more, 2)
    kept, own_constants = np.ones(len(REGISTERS)), np.zeros((len(REGISTERS), 2))
    heavier = np.ones(folds.size)
    for source, times in OWN_WEIGHTS.items():
        heavier[sources == source] = times
    for register, part in enumerate(share):
        rows = seen[part[seen] > 0]
        if rows.size < FEWEST or not all(0 < targets[rows, head].mean() < 1 for head in (0, 1)):
            continue
        weight = weights * (heavier * part)[:, None]
        alone, constants_alone = _alone(found.local, targets, weight, rows, RARITY[register])
        kept[register] = KEPT[register]
        own[register] = kept[register] * own[register] + LOUDNESS[register] * alone
        own_constants[register] = LOUDNESS[register] * constants_alone
    return Fitted(table[:width], constants, own, own_constants, kept, whole, whole_constant)
