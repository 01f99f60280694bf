"""Train the text screener: from the sets and the written material to weights, thresholds and the model card."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from models import learning, texts_card, texts_data, texts_lexicon, texts_registers
from models.texts_data import Text
from models.texts_registers import SCALES, Features, Fitted, narrow
from scipy import sparse
from trustward.screening.texts import kernel, reader, tokens
from trustward.screening.texts.model import FAMILIES, Numbers
from trustward.screening.texts.registers import GATE_BITS, LOCAL_BITS, REGISTERS

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src" / "trustward" / "screening" / "data" / "texts"
HEAD_ALPHA, HEAD_EPOCHS = 1e-5, 20
WRITTEN_WEIGHT = 1.5
"""What a written message counts against one of the sets."""
SMALL_SETS = {
    "sms_th": 6.0,
    "email_spamassassin": 2.0,
    "vishing_ko": 4.0,
    "sms_zh_fbs_fraud": 3.0,
    "yt_comment_spam": 3.0,
    "sms_smishing_mendeley": 3.0,
    "sms_uci": 3.0,
}
"""Sets whose messages count more, because no other set is like them."""
UNSORTED = ("sms_th", "sms_tr")
"""Sets that call advertising what holds scams too: their advertising teaches mass mailing, and nothing about harm."""
FOLDS = 5
MOST_OF_A_SET = 40_000
BITS = (tokens.CHAR_BITS, kernel.WORD_BITS, kernel.MEANING_BITS)
HEAD_BITS = (14, 14, 15)
REPORTED, CHAT, HONEST, WRITTEN = "sms_spamhunter_multi", "sms_nus_en_ham", "honest_multi", "written"
NOTICES, OFFERS = ("ok.bank", "ok.code", "ok.delivery", "ok.service", "ok.market"), "ok.marketing"
PEOPLE = ("ok.chat", "ok.market", "ok.talk", "ok.work")


class Learned(NamedTuple):
    """All messages with their features (a sparse matrix for each family) and what is known of them.

    ``sets``: for each set that is measured by itself, which messages stand in it, in other sets too or not, and what
    it calls them.
    """

    texts: list[Text]
    families: list[Any]
    labels: Any
    sources: Any
    langs: Any
    kinds: Any
    folds: Any
    registers: Any
    sets: dict[str, tuple[Any, Any]]

    def features(self) -> Features:
        """What the judgements look at."""
        return texts_registers.features(self.families, self.registers)

    def targets(self) -> tuple[Any, Any]:
        """What the two judgements learn: harm (advertising is none), and mass mailing (harm is some)."""
        adverts = (self.labels > 0) & (self.labels < 1)
        return np.where(adverts, 0.0, self.labels), np.where(self.labels > 0, 1.0, 0.0)


def family(places: Any, ends: Any, bits: int) -> Any:
    """The matrix of a family: each text's places with weight one over the root of their number, as the kernel sums."""
    sizes = np.diff(ends)
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes).astype(np.float32)
    matrix = sparse.csr_matrix((values, places.astype(np.int32), ends), shape=(sizes.size, 1 << bits))
    matrix.sum_duplicates()
    return matrix


def load(data: Path, lexicon: Path) -> Learned:
    """Read the messages and turn them into features with the lexicon in a folder."""
    texts = texts_data.everything(data)
    places, ends, registers = reader.features([text.text for text in texts], reader.read_lexicon(lexicon))
    row = {text.text: i for i, text in enumerate(texts)}
    sets = {}
    for name in texts_card.SETS:
        held = texts_data.of_set(data, name)
        sets[name] = (np.array([row[text.text] for text in held]), np.array([text.label for text in held]))
    return Learned(
        texts,
        [family(places[f], ends[:, f], BITS[f]) for f in range(3)],
        np.array([text.label for text in texts]),
        np.array([text.source for text in texts]),
        np.array([text.lang for text in texts]),
        np.array([text.kind for text in texts]),
        np.array([learning.fold_of(text.group, FOLDS) for text in texts]),
        registers,
        sets,
    )


def weights(learned: Learned) -> Any:
    """What each message counts: no side of a set more than some thousands of messages."""
    weight = np.ones(len(learned.texts))
    for source in np.unique(learned.sources):
        for harmful in (False, True):
            rows = (learned.sources == source) & ((learned.labels >= 0.5) == harmful)
            if source not in (WRITTEN, HONEST) and rows.sum() > MOST_OF_A_SET:
                weight[rows] = MOST_OF_A_SET / rows.sum()
    weight[learned.sources == WRITTEN] = WRITTEN_WEIGHT
    for source, times in SMALL_SETS.items():
        weight[learned.sources == source] *= times
    return weight


def fitted(learned: Learned, features: Features, left_out: Any) -> Fitted:
    """A model that has not seen some of the messages."""
    weight = np.stack([weights(learned)] * 2, axis=1)
    weight[np.isin(learned.sources, UNSORTED) & (learned.labels > 0) & (learned.labels < 1), 0] = 0.0
    targets = np.stack(learned.targets(), axis=1)
    return texts_registers.fitted(features, targets, weight, learned.sources, learned.folds, left_out)


def features_of(texts: Sequence[str]) -> Features:
    """The features of messages that are in no set, with the lexicon that was written last."""
    places, ends, registers = reader.features(texts, reader.read_lexicon(TARGET))
    return texts_registers.features([family(places[f], ends[:, f], BITS[f]) for f in range(3)], registers)


def by_folds(learned: Learned, features: Features) -> Any:
    """For each message the score by a model that has not seen its fifth."""
    scores = np.zeros(len(learned.texts))
    for fold in range(FOLDS):
        inside = learned.folds == fold
        scores[inside] = fitted(learned, features, inside).scores(features.rows(inside))
    return scores


# ------------------------------------------------------------------------------------------------ what is shipped


def calibrate(learned: Learned, scores: Any) -> tuple[list[float], list[float]]:
    """The calibration at even odds: every set counts the same, whatever its size."""
    harmful, honest = learned.labels == 1, learned.labels < 0.2
    weight = np.zeros(scores.size)
    for source in np.unique(learned.sources):
        for side in (harmful, honest):
            rows = (learned.sources == source) & side
            if rows.any():
                weight[rows] = min(rows.sum(), 5_000) / rows.sum()
    chosen = harmful | honest
    return learning.calibration(scores[chosen], harmful[chosen].astype(float), weight[chosen])


def thresholds(learned: Learned, scores: Any) -> tuple[float, float]:
    """From which calibrated scores a message is suspicious, and harmful."""
    honest = np.flatnonzero((learned.labels < 0.2) & (learned.sources != "email_spamassassin"))
    where = {row: i for i, row in enumerate(honest.tolist())}
    langs = [
        [where[row] for row in np.flatnonzero((learned.sources == HONEST) & (learned.langs == lang)).tolist()]
        for lang in np.unique(learned.langs[learned.sources == HONEST])
    ]
    notices, offers, people = (
        [[where[row] for row in np.flatnonzero((learned.sources == WRITTEN) & np.isin(learned.kinds, kinds)).tolist()]]
        for kinds in (NOTICES, (OFFERS,), PEOPLE)
    )
    suspicious = max(
        learning.threshold(scores[honest], langs, 0.004, 0.008),
        learning.threshold(scores[honest], notices, 1.0, 0.005),
        learning.threshold(scores[honest], offers, 1.0, 0.02),
        learning.threshold(scores[honest], people, 1.0, 0.009),
    )
    harmful = max(
        learning.threshold(scores[honest], langs, 0.0008, 0.003),
        learning.threshold(scores[honest], notices, 1.0, 0.003),
        learning.threshold(scores[honest], people, 1.0, 0.0045),
    )
    return suspicious, max(harmful, suspicious)


def heads(learned: Learned) -> tuple[list[str], list[Any], list[list[float]]]:
    """The categories: their names, a table for each family, and what a unit is worth in each (and the constants)."""
    rows = np.flatnonzero((learned.labels == 1) & (learned.kinds != ""))
    kinds = learned.kinds[rows]
    names = sorted(set(kinds.tolist()))
    folded = [narrow(family[rows], bits) for family, bits in zip(learned.families, HEAD_BITS, strict=True)]
    stacked = sparse.hstack([part * scale for part, scale in zip(folded, SCALES, strict=True)], format="csr")
    weight = np.ones(rows.size)
    tables = [np.zeros((1 << bits, len(names)), np.int8) for bits in HEAD_BITS]
    scales = [[0.0] * len(names) for _ in range(4)]
    for c, name in enumerate(names):
        table, constant = learning.fit(
            stacked, (kinds == name).astype(float), weight, np.arange(rows.size), alpha=HEAD_ALPHA, epochs=HEAD_EPOCHS
        )
        scales[3][c] = round(constant, 5)
        for f, part in enumerate(_parted(table, HEAD_BITS)):
            tables[f][:, c], unit = learning.quantised(part)
            scales[f][c] = unit * SCALES[f]
    return names, tables, scales


def _parted(table: Any, bits: Sequence[int]) -> list[Any]:
    """A table of all families one after the other, taken apart."""
    return np.split(table, np.cumsum([1 << b for b in bits])[:-1])


def write_registers(fit: Fitted) -> list[list[list[float]]]:
    """Write the registers' own tables; returns what a unit is worth in each family and judgement, and the constants."""
    tables = [np.zeros((len(REGISTERS), 1 << bits, 2), np.int8) for bits in LOCAL_BITS]
    scales = [[[0.0, 0.0] for _ in range(4)] for _ in REGISTERS]
    for register in range(len(REGISTERS)):
        for f, part in enumerate(_parted(fit.own[register], LOCAL_BITS)):
            for head in (0, 1):
                tables[f][register, :, head], unit = learning.quantised(part[:, head])
                scales[register][f][head] = unit * SCALES[f]
        scales[register][3] = [round(float(constant), 5) for constant in fit.own_constants[register]]
    for name, table in zip(FAMILIES, tables, strict=True):
        np.save(TARGET / f"local-{name}.npy", table, allow_pickle=False)
    return scales


def write_gate(fit: Fitted) -> tuple[float, float, float]:
    """Write what tells a comment; returns what a unit is worth in each family, and the constant."""
    units = []
    for name, scale, part in zip(FAMILIES[1:], SCALES[1:], _parted(fit.gate, GATE_BITS), strict=True):
        table, unit = learning.quantised(part)
        np.save(TARGET / f"gate-{name}.npy", table, allow_pickle=False)
        units.append(unit * scale)
    return units[0], units[1], round(fit.gate_constant, 5)


def write(fit: Fitted, learned: Learned, scores: Any) -> Numbers:
    """Write the weights; ``scores`` are those by folds, from which calibration and thresholds come."""
    scales = [[0.0, 0.0] for _ in range(4)]
    parts = _parted(fit.table, BITS)
    for f, name in enumerate(FAMILIES):
        table = np.zeros((1 << BITS[f], 2), np.int8)
        for head in (0, 1):
            table[:, head], unit = learning.quantised(parts[f][:, head])
            scales[f][head] = unit * SCALES[f]
        np.save(TARGET / f"{name}.npy", table, allow_pickle=False)
    scales[3] = [round(float(constant), 5) for constant in fit.constants]
    local_scales = write_registers(fit)
    gate_scales = write_gate(fit)
    names, tables, head_scales = heads(learned)
    for name, table in zip(FAMILIES, tables, strict=True):
        np.save(TARGET / f"heads-{name}.npy", table, allow_pickle=False)
    knots, levels = calibrate(learned, scores)
    suspicious, harmful = thresholds(learned, np.interp(scores, knots, levels))
    digest = hashlib.blake2b(digest_size=4)
    for path in sorted(TARGET.glob("*.npy")):
        digest.update(path.read_bytes())
    numbers = Numbers(
        version=f"texts-1-{digest.hexdigest()}",
        scales=tuple((harm, mass) for harm, mass in scales),
        local_scales=tuple(tuple((harm, mass) for harm, mass in rows) for rows in local_scales),
        kept=tuple(fit.kept.tolist()),
        gate_scales=gate_scales,
        knots=tuple(knots),
        levels=tuple(levels),
        suspicious=suspicious,
        harmful=harmful,
        categories=tuple(names),
        head_scales=tuple(tuple(row) for row in head_scales),
    )
    (TARGET / "numbers.json").write_bytes(msgspec.json.format(msgspec.json.encode(numbers), indent=1) + b"\n")
    return numbers


def main(data: Path) -> None:
    """Train, write the weights, and write the card with what was measured on material that was left out."""
    texts_lexicon.build(data, TARGET)
    learned = load(data, TARGET)
    features = learned.features()
    scores = by_folds(learned, features)
    shipped = fitted(learned, features, np.zeros(len(learned.texts), bool))
    numbers = write(shipped, learned, scores)
    print(numbers.version, numbers.suspicious, numbers.harmful, flush=True)
    fresh = texts_data.fresh()
    new = (fresh, shipped.scores(features_of([text.text for text in fresh])))
    card = ROOT / "docs" / "models" / "texts.md"
    texts_card.write(card, learned, features, scores, numbers, fitted, features_of, new)
