"""Train the text screener: from the sets and the written material to weights, thresholds and the model card's figures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from scipy import sparse

from models import learning, texts_data, texts_lexicon
from models.texts_data import Text
from trustward.screening.texts import kernel, reader

TARGET = Path(__file__).resolve().parent.parent / "src" / "trustward" / "screening" / "data" / "texts"
SCALES = (1.0, 1.0, 2.0)
"""How freely each family of features may be weighted: meanings more than words, because they hold in every language."""
ALPHA = 1e-6
EPOCHS = 8
FOLDS = 5
MOST_OF_A_SET = 9_000
WRITTEN_WEIGHT = 2.0
BITS = (kernel.CHAR_BITS, kernel.WORD_BITS, kernel.MEANING_BITS)
HEAD_BITS = (14, 14, 15)


class Learned(NamedTuple):
    """All messages with their features (a sparse matrix for each family) and what is known of them."""

    texts: list[Text]
    families: list[Any]
    labels: Any
    sources: Any
    langs: Any
    kinds: Any
    groups: list[str]

    def features(self) -> Any:
        """One matrix of all families."""
        return sparse.hstack(
            [family * scale for family, scale in zip(self.families, SCALES, strict=True)],
            format="csr",
            dtype=np.float32,
        )


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
    places, ends = reader.features([text.text for text in texts], reader.read_lexicon(lexicon))
    families = [family(places[f], ends[:, f], BITS[f]) for f in range(3)]
    return Learned(
        texts,
        families,
        np.array([text.label for text in texts]),
        np.array([text.source for text in texts]),
        np.array([text.lang for text in texts]),
        np.array([text.kind for text in texts]),
        [text.group for text in texts],
    )


def weights(learned: Learned) -> Any:
    """What each message counts: no set more than some thousands of messages of each side; the written ones double."""
    weight = np.ones(len(learned.texts))
    for source in np.unique(learned.sources):
        for harmful in (False, True):
            rows = (learned.sources == source) & ((learned.labels >= 0.5) == harmful)
            if source not in ("written", "honest_multi") and rows.sum() > MOST_OF_A_SET:
                weight[rows] = MOST_OF_A_SET / rows.sum()
    weight[learned.sources == "written"] = WRITTEN_WEIGHT
    return weight


def scores_without(learned: Learned, features: Any, weight: Any, left_out: Any) -> Any:
    """The scores of all messages by a model that was fitted without some."""
    table, constant = learning.fit(
        features, learned.labels, weight, np.flatnonzero(~left_out), alpha=ALPHA, epochs=EPOCHS
    )
    return features @ table + constant


class Row(NamedTuple):
    """One line of the table of left-out sources."""

    what: str
    left_out: str
    harmful: int
    honest: int
    recall: float


PLACES = ("es", "nl", "fr", "de", "it", "pt", "id", "tr", "ja", "th", "ar")


def left_out_table(learned: Learned) -> list[Row]:
    """Recall at 1 % false alarms on material that the model of that line has never seen."""
    features, weight = learned.features(), weights(learned)
    source, lang, kind, labels = learned.sources, learned.langs, learned.kinds, learned.labels
    reported, honest = source == "sms_spamhunter_multi", labels < 0.2
    rows: list[Row] = []

    def add(what: str, left: str, scores: Any, harmful: Any, negatives: Any) -> None:
        rows.append(
            Row(
                what,
                left,
                int(harmful.sum()),
                int(negatives.sum()),
                learning.recall_at(scores[harmful], scores[negatives]),
            )
        )

    scores = scores_without(learned, features, weight, reported | (source == "sms_nus_en_ham"))
    chat = source == "sms_nus_en_ham"
    add("English: reported texts", "both sets", scores, reported & (lang == "en"), chat)
    scores = scores_without(learned, features, weight, reported)
    for place in PLACES:
        add(
            f"{place}: reported texts",
            "the set",
            scores,
            reported & (lang == place),
            honest & (lang == place) & (source == "honest_multi"),
        )
    for place in PLACES:
        scores = scores_without(learned, features, weight, (lang == place))
        add(
            f"{place}: reported texts",
            "all of the language",
            scores,
            reported & (lang == place),
            honest & (lang == place) & (source == "honest_multi"),
        )
    written = source == "written"
    folds = np.array([learning.fold_of(group, FOLDS) for group in learned.groups])
    scores = np.zeros(labels.size)
    for fold in range(FOLDS):
        scores[folds == fold] = scores_without(learned, features, weight, folds == fold)[folds == fold]
    for what in sorted({k for k in kind[written] if not k.startswith("ok.")}):
        add(f"written: {what}", "a fifth at a time", scores, written & (kind == what), written & honest)
    add(
        "wrong numbers and dating, English",
        "a fifth at a time",
        scores,
        written & (kind == "romance") & (lang == "en"),
        chat,
    )
    for what in ("romance", "job", "rental", "relative"):
        scores = scores_without(learned, features, weight, written & (kind == what))
        add(
            f"written: {what}",
            "the kind",
            scores,
            written & (kind == what),
            chat if what == "romance" else written & honest,
        )
    return rows


def main(data: Path) -> None:
    """Train and write everything."""
    texts_lexicon.build(data, TARGET)
    learned = load(data, TARGET)
    for row in left_out_table(learned):
        print(f"{row.what:40} {row.left_out:22} {row.harmful:6} {row.honest:6} {row.recall:.3f}")


if __name__ == "__main__":
    main(Path("../shared/data"))
