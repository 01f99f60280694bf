"""The usual baseline within each set, by the folds of the screener: ``python -m models.texts_baseline FOLDER``.

Characters of the set with logistic regression. Its figures stand in ``texts_card.SETS``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from models import learning, texts, texts_card, texts_data
from sklearn.linear_model import LogisticRegression


def recall(data: Path, name: str) -> float:
    """Recall at 1 % false alarms within a set, each message judged by a baseline that has not seen its fifth."""
    held = texts_data.of_set(data, name)
    harmful = np.array([text.label > 0 if name in texts_card.BULK else text.label == 1 for text in held])
    folds = np.array([learning.fold_of(text.group, texts.FOLDS) for text in held])
    scores = np.zeros(folds.size)
    for fold in range(texts.FOLDS):
        seen, unseen = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        pieces = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True, max_features=200_000
        )
        learned = pieces.fit_transform([held[row].text for row in seen])
        judge = LogisticRegression(C=20, max_iter=300).fit(learned, harmful[seen])
        scores[unseen] = judge.decision_function(pieces.transform([held[row].text for row in unseen]))
    return learning.recall_at(scores[harmful], scores[~harmful])


if __name__ == "__main__":
    for name in texts_card.SETS:
        print(name, f"{recall(Path(sys.argv[1]), name):.3f}", flush=True)
