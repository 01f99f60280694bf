"""Trains the links screener: data in, weights, numbers and the model card out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models import links_attacks, links_card, links_export, links_lists
from models.links_data import SCAMS, Rows, fold_of, learnt_from, links_in_mail, load_rows
from models.links_fit import Model, balance, fit, predict, recall

Array = npt.NDArray[Any]
ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "src" / "trustward" / "screening" / "data" / "links"
CARD = ROOT / "docs" / "models" / "links.md"
HONEST_SETS = ("url_pdd", "url_hannousse")


class Result(NamedTuple):
    """Recall of harmful rows against honest ones, popularity known and hidden."""

    name: str
    harmful: int
    honest: int
    known: tuple[float, float]
    hidden: tuple[float, float]


def measured(name: str, model: Model, rows: Rows) -> Result:
    """Recall at 1 % and 0.1 % false alarms."""
    odds = {}
    for hide in (False, True):
        odds[hide] = predict(model, rows._replace(hidden=np.full(len(rows.urls), hide)))
    bad = rows.harmful == 1
    pairs = {
        hide: (recall(found[~bad], found[bad]), recall(found[~bad], found[bad], 0.001)) for hide, found in odds.items()
    }
    print(f"{name:32} {pairs}", flush=True)
    return Result(name, int(bad.sum()), int((~bad).sum()), pairs[False], pairs[True])


def without(rows: Rows, test: Array) -> Rows:
    """The rows that share no registrable domain with the test rows."""
    owners = {group for group, held in zip(rows.group, test, strict=True) if held}
    return rows.take(np.array([group not in owners for group in rows.group]))


def left_out(rows: Rows) -> list[Result]:
    """Train without each source in turn and test on it."""
    source = np.array(rows.source)
    folds = fold_of(rows.group, 10, "outer")
    results = []
    for name in HONEST_SETS:
        test = source == name
        model, _ = fit(learnt_from(without(rows, test)))
        results.append(measured(f"{name} (all of it)", model, rows.take(test)))
    for name in SCAMS:
        test = (source == name) | ((source == "tranco") & (folds < 3))
        model, _ = fit(learnt_from(without(rows, test)))
        results.append(measured(f"{name} (against popular names)", model, rows.take(test)))
    return results


def in_set(rows: Rows) -> tuple[list[Result], Rows, Array, Model]:
    """Train on seven tenths of the domains, test on the others: also the held-out rows, their log-odds, the model."""
    test = fold_of(rows.group, 10, "outer") < 3
    model, _ = fit(learnt_from(rows.take(~test)))
    held = rows.take(test)
    source = np.array(held.source)
    results = []
    for name, chosen in (
        ("url_pdd", source == "url_pdd"),
        ("url_hannousse", source == "url_hannousse"),
        ("domain_scam_tranco", ~np.isin(source, HONEST_SETS)),
        *((name, np.isin(source, (name, "tranco"))) for name in SCAMS),
    ):
        results.append(measured(f"{name} (other domains of it)", model, held.take(chosen)))
    # Calibrated as used: with the list of popular domains, but not for popular names, which are all on the list.
    held = held._replace(hidden=source == "tranco")
    return results, held, predict(model, held), model


def thresholds(groups: Sequence[tuple[Array, float, float]], xs: list[float], ys: list[float]) -> tuple[float, float]:
    """Scores that in every group of honest links at most a share of its own reaches: suspicious, and harmful."""
    return (
        max(float(np.interp(np.quantile(odds, 1 - share), xs, ys)) for odds, share, _ in groups),
        max(float(np.interp(np.quantile(odds, 1 - share), xs, ys)) for odds, _, share in groups),
    )


def main(data: Path) -> None:
    """Train, write and measure."""
    made = links_lists.prepare(data)
    rows = load_rows(data)
    results, held, odds, inside = in_set(rows)
    outside = left_out(rows)
    honest = odds[(held.harmful == 0) & np.isin(held.source, HONEST_SETS)]
    mail = predict(inside, links_in_mail(data))
    even = even_weights(held)
    xs, ys = links_export.curve_of(odds, held.harmful, even)
    suspicious, harmful = thresholds([(honest, 0.004, 0.0008), (mail, 0.004, 0.0005)], xs, ys)
    numbers = {"suspicious": suspicious, "harmful": harmful, "xs": xs, "ys": ys}
    model, _ = fit(learnt_from(rows))
    links_export.write(OUT, made, model, numbers)
    half = fold_of(held.group, 2, "half") == 0
    tested = held.take(~half)
    halves = links_export.curve_of(odds[half], held.harmful[half], even[half])
    scores = np.interp(odds, xs, ys)
    CARD.parent.mkdir(parents=True, exist_ok=True)
    CARD.write_text(
        links_card.card(
            results,
            outside,
            (held, scores),
            np.interp(mail, xs, ys),
            (tested, np.interp(odds[~half], *halves), even[~half]),
            (suspicious, harmful),
            attacked(rows, suspicious),
        ),
        encoding="utf-8",
    )


def even_weights(rows: Rows) -> Array:
    """Weights that give harmful and honest rows even odds, and each set of a kind its say."""
    return balance(rows)


def attacked(rows: Rows, border: float) -> dict[str, float]:
    """The share of phishing links found that stay found when they are written otherwise."""
    screen: Any = import_module("trustward.screening.links.screen")
    phishing = [
        url
        for url, source, label in zip(rows.urls, rows.source, rows.harmful, strict=True)
        if source in HONEST_SETS and label
    ]
    return links_attacks.kept(links_attacks.sample(phishing, 3000), screen.link_scores, border)
