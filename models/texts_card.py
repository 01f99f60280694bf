"""The model card of texts: what was measured on messages that the measured model had not seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models import texts_attacks
from models.learning import recall_at
from models.texts_data import Text
from trustward.screening.texts.model import Numbers

REPORTED, CHAT, HONEST, WRITTEN = "sms_spamhunter_multi", "sms_nus_en_ham", "honest_multi", "written"
PLACES = ("es", "nl", "fr", "de", "it", "pt", "id", "tr", "ja", "th")
SETS = {
    "email_spamassassin": (0.983, 0.973),
    "sms_smishing_mendeley": (0.977, 0.973),
    "sms_th": (0.732, 0.754),
    "sms_tr": (0.999, 1.000),
    "sms_uci": (0.968, 0.960),
    "sms_zh_fbs_fraud": (0.989, 0.970),
    "sms_zh_fbs_nus": (0.992, 0.994),
    "vishing_ko": (0.994, 0.998),
    "yt_comment_spam": (0.842, 0.909),
}
"""Recall at 1 % false alarms of the usual baseline: from the READMEs of the sets (trained on all of this half, measured
on the other), and by the folds that the screener is measured by (``python -m models.texts_baseline``)."""


BULK = ("sms_tr", "sms_th", "sms_zh_fbs_nus")
"""Sets that look for advertising too."""


class Row(NamedTuple):
    """One line of a table: what, what the model had not seen, how many of each side, and recall."""

    what: str
    left_out: str
    harmful: int
    honest: int
    recall: float


def tricks(learned: Any, features: Any, fitted: Callable[..., Any], matrix: Callable[..., Any]) -> list[Any]:
    """Reported messages that a model finds which has not seen their set, written again with tricks."""
    reported = learned.sources == REPORTED
    model = fitted(learned, features, reported)
    scores = model.scores(features)
    bound = float(np.quantile(scores[learned.sources == CHAT], 0.99, method="higher"))
    rows = np.flatnonzero(reported & (scores > bound))[:: max(1, int(reported.sum()) // 4_000)]
    return texts_attacks.measure([learned.texts[row].text for row in rows], bound, lambda t: model.scores(matrix(t)))


def left_out(learned: Any, features: Any, scores: Any, fitted: Callable[..., Any]) -> list[Row]:
    """Recall at 1 % false alarms on material that the model of that line has never seen."""
    source, lang, kind = learned.sources, learned.langs, learned.kinds
    reported, chat, written = source == REPORTED, source == CHAT, source == WRITTEN
    rows: list[Row] = []

    def add(what: str, left: str, scored: Any, harmful: Any, honest: Any) -> None:
        rows.append(Row(what, left, int(harmful.sum()), int(honest.sum()), recall_at(scored[harmful], scored[honest])))

    without = fitted(learned, features, reported).scores(features)
    add("English, reported texts", "the set", without, reported & (lang == "en"), chat)
    for place in PLACES:
        add(
            f"{place}, reported texts",
            "the set",
            without,
            reported & (lang == place),
            (source == HONEST) & (lang == place),
        )
    for place in PLACES:
        without = fitted(learned, features, lang == place).scores(features)
        add(
            f"{place}, reported texts",
            "the language",
            without,
            reported & (lang == place),
            (source == HONEST) & (lang == place),
        )
    without = fitted(learned, features, reported | chat).scores(features)
    add("English, reported texts", "the set and all English chat", without, reported & (lang == "en"), chat)
    second = np.array([".2:" in text.group for text in learned.texts])
    without = fitted(learned, features, second).scores(features)
    english = second & (lang == "en")
    add("English, all scams by a second writer", "all by that writer", without, english & (learned.labels == 1), chat)
    claims = np.isin(kind, ("phishing", "delivery", "authority", "company", "prize", "loan"))
    add("English, phishing and its like by a second writer", "all by that writer", without, english & claims, chat)
    add(
        "English, wrong numbers and dating by a second writer",
        "all by that writer",
        without,
        english & (kind == "romance"),
        chat,
    )
    opening = written & (kind == "romance") & (lang == "en")
    add("English, wrong numbers and dating", "a fifth at a time", scores, opening, chat)
    for what in sorted({k for k in kind[written] if not k.startswith("ok.")}):
        add(f"all languages, {what}", "a fifth at a time", scores, written & (kind == what), (source == HONEST) | chat)
    for what in ("romance", "relative", "job", "delivery"):
        without = fitted(learned, features, written & (kind == what)).scores(features)
        add(f"all languages, {what}", "the kind", without, written & (kind == what), (source == HONEST) | chat)
    return rows


def sought(name: str, labels: Any) -> Any:
    """Which messages a set looks for: in some also advertising, which is what they are told from in the others."""
    return labels > 0 if name in BULK else labels == 1


def in_sets(learned: Any, scores: Any) -> list[tuple[str, int, int, float, float, float]]:
    """For each set: its harmful and honest messages, recall by folds, and both recalls of the baseline."""
    rows = []
    for name, baselines in SETS.items():
        held, labels = learned.sets[name]
        harmful = sought(name, labels)
        found = recall_at(scores[held[harmful]], scores[held[~harmful]])
        rows.append((name, int(harmful.sum()), int((~harmful).sum()), found, *baselines))
    return rows


Shares = list[tuple[str, int, float, float]]
Fresh = tuple[list[Text], Any]
"""The messages that are only measured on, and their scores by the shipped model."""


def shares(groups: list[tuple[str, Any]], levels: Any, numbers: Numbers) -> Shares:
    """For groups of messages: how many, and the shares that are at least suspicious, and harmful."""
    return [
        (
            name,
            int(inside.sum()),
            float((levels[inside] >= numbers.suspicious).mean()),
            float((levels[inside] >= numbers.harmful).mean()),
        )
        for name, inside in groups
    ]


def written_kinds(learned: Any, *, honest: bool) -> list[tuple[str, Any]]:
    """The kinds of the written material, with their messages."""
    written = learned.sources == WRITTEN
    kinds = sorted({kind for kind in learned.kinds[written] if kind.startswith("ok.") == honest})
    return [(f"written, {kind}", written & (learned.kinds == kind)) for kind in kinds]


def alarms(learned: Any, levels: Any, numbers: Numbers) -> Shares:
    """Honest messages by language and kind."""
    multi = learned.sources == HONEST
    groups = [(f"`{HONEST}`, {lang}", multi & (learned.langs == lang)) for lang in sorted(set(learned.langs[multi]))]
    groups.append((f"`{CHAT}`", (learned.sources == CHAT) & (learned.labels == 0)))
    for name, (held, labels) in sorted(learned.sets.items()):
        inside = np.zeros(len(learned.texts), dtype=bool)
        inside[held[~sought(name, labels)]] = True
        groups.append((f"`{name}`", inside))
    return shares([*groups, *written_kinds(learned, honest=True)], levels, numbers)


def caught(learned: Any, levels: Any, numbers: Numbers) -> Shares:
    """Harmful messages by language and kind."""
    reported = learned.sources == REPORTED
    groups = [(f"reported, {lang}", reported & (learned.langs == lang)) for lang in ("en", *PLACES)]
    return shares([*groups, *written_kinds(learned, honest=False)], levels, numbers)


def fresh(new: Fresh, numbers: Numbers) -> Shares:
    """Messages that no model has learned from, judged by the shipped one: scams by language, and honest ones."""
    texts, scores = new
    levels = np.interp(scores, numbers.knots, numbers.levels)
    scams = np.array([text.label == 1 for text in texts])
    langs = np.array([text.lang for text in texts])
    groups = [("scams", scams), ("honest messages like them", ~scams)]
    groups += [(f"scams, {lang}", scams & (langs == lang)) for lang in sorted(set(langs.tolist()))]
    return shares(groups, levels, numbers)


def steps(learned: Any, levels: Any) -> list[tuple[str, int, float]]:
    """Calibration at even odds: for each tenth of the score, how many messages and the share of harmful ones."""
    harmful, honest = learned.labels == 1, learned.labels < 0.2
    weight = np.where(harmful, 0.5 / harmful.sum(), 0.5 / honest.sum())
    rows = []
    for low in np.arange(0, 1, 0.1):
        inside = (harmful | honest) & (levels >= low) & (levels < low + 0.1)
        if inside.any():
            share = float(weight[inside & harmful].sum() / weight[inside].sum())
            rows.append((f"{low:.1f} to {low + 0.1:.1f}", int(inside.sum()), share))
    return rows


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A table of Markdown: shares with three places, counts with commas."""
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    for row in rows:
        cells = [f"{c:.3f}" if isinstance(c, float) else f"{c:,}" if isinstance(c, int) else c for c in row]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def write(
    path: Path,
    learned: Any,
    features: Any,
    scores: Any,
    numbers: Numbers,
    fitted: Callable[..., Any],
    matrix: Callable[..., Any],
    new: Fresh,
) -> None:
    """Write the card. ``scores`` are by folds: each message judged by a model that has not seen its fifth."""
    levels = np.interp(scores, numbers.knots, numbers.levels)
    text = (Path(__file__).resolve().parent / "cards" / "texts.md").read_text(encoding="utf-8")
    parts = {
        "VERSION": numbers.version,
        "SUSPICIOUS": f"{numbers.suspicious:.3f}",
        "HARMFUL": f"{numbers.harmful:.3f}",
        "LEFT_OUT": table(
            ("what", "not seen", "harmful", "honest", "recall"), list(left_out(learned, features, scores, fitted))
        ),
        "TRICKS": table(("trick", "messages", "found all the same"), tricks(learned, features, fitted, matrix)),
        "SETS": table(("set", "harmful", "honest", "recall", "baseline", "by folds"), list(in_sets(learned, scores))),
        "ALARMS": table(
            ("honest messages", "messages", "suspicious", "harmful"), list(alarms(learned, levels, numbers))
        ),
        "CAUGHT": table(
            ("harmful messages", "messages", "at least suspicious", "harmful"), list(caught(learned, levels, numbers))
        ),
        "FRESH": table(
            ("messages never learned from", "messages", "at least suspicious", "harmful"), [*fresh(new, numbers)]
        ),
        "STEPS": table(("score", "messages", "harmful at even odds"), list(steps(learned, levels))),
    }
    for name, part in parts.items():
        text = text.replace(f"<<{name}>>", part)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
