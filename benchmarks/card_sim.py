"""Train on the card features of a policy by the Fraud Detection Handbook's protocol, and print the figures.

Usage:

    trustward replay TRANSACTIONS.csv.gz --mapping examples/mappings/card_sim_handbook.toml \\
        --policy examples/policies/card_sim --labels truth --features-out features.parquet
    python benchmarks/card_sim.py features.parquet

The protocol (chapter 3 of the handbook): train on seven days, leave out the seven days after them because their frauds
are not known yet, test on the seven days after those. Customers known to be compromised are left out of the test: those
with a fraud in the training week, and on each test day those with a fraud that came to light in the week between.
Figures are the area under the ROC curve, the average precision, and CP@100: the share of compromised customers among
the 100 customers with the highest score of a day, customers found on an earlier day left out, averaged over the days.

The published dates are 25 to 31 July 2018 for training and 8 to 14 August for the test; give --test-start 2018-08-08
for a stream that reaches that far. Without it the test is the last seven full days of the stream.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PUBLISHED = (
    "amount",
    "weekend",
    "night",
    *(
        f"{what}_{days}d"
        for days in (1, 7, 30)
        for what in ("customer_count", "customer_mean", "terminal_count", "terminal_risk")
    ),
)
"""The handbook's fifteen features, by the names of the policy."""
EXTRA = ("times_habit_7d", "times_habit_30d")
"""Two more, made of the same windows: the amount against the customer's own mean."""
WEEK = 7
MOST_CARDS = 100

Table = NDArray[np.float64]
Days = NDArray[np.int64]
Labels = NDArray[np.bool_]


class Payments(NamedTuple):
    """The stream as columns: features (a row each), day number since 1970, customer number, and whether it is fraud."""

    features: Table
    days: Days
    customers: NDArray[np.int64]
    fraud: Labels


class Weeks(NamedTuple):
    """Row numbers of the training week, and of each test day without the customers known by then."""

    train: NDArray[np.int64]
    test: list[NDArray[np.int64]]


def read(path: Path, names: tuple[str, ...]) -> Payments:
    """The features that ``trustward replay --features-out`` wrote; missing shares of nothing count as 0."""
    table = pq.read_table(path)
    absent = [name for name in (*names, "time", "truth", "customer") if name not in table.column_names]
    if absent:
        raise SystemExit(f"{path}: no column {', '.join(absent)}; replay with examples/policies/card_sim and --labels truth")
    columns = [np.nan_to_num(np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=np.float64)) for name in names]
    moments = table["time"].to_numpy(zero_copy_only=False).astype("datetime64[us]")
    _, customers = np.unique(np.asarray(table["customer"].to_pylist(), dtype=str), return_inverse=True)
    fraud = np.array([value not in (None, "", "0", 0, False) for value in table["truth"].to_pylist()], dtype=bool)
    days = moments.astype("datetime64[D]").astype(np.int64)
    return Payments(np.column_stack(columns), days, customers.astype(np.int64), fraud)


def split(payments: Payments, test_start: int) -> Weeks:
    """The weeks of the protocol; ``test_start`` is the first test day, in days since 1970."""
    days, customers, fraud = payments.days, payments.customers, payments.fraud
    train_start = test_start - 2 * WEEK
    train = np.flatnonzero((days >= train_start) & (days < train_start + WEEK))
    known = set(customers[train][fraud[train]].tolist())
    test = []
    for day in range(WEEK):
        # What happened a week before this test day's eve has come to light by now.
        known |= set(customers[(days == train_start + WEEK + day - 1) & fraud].tolist())
        rows = np.flatnonzero(days == test_start + day)
        test.append(rows[~np.isin(customers[rows], np.fromiter(known, np.int64, len(known)))])
    return Weeks(train, test)


def card_precision(payments: Payments, test: list[NDArray[np.int64]], scores: list[Table]) -> float:
    """CP@100 over the test days."""
    found: set[int] = set()
    shares = []
    for rows, values in zip(test, scores, strict=True):
        customers, fraud = payments.customers[rows], payments.fraud[rows]
        order = np.argsort(-values, kind="stable")
        top: dict[int, None] = {}
        for customer in customers[order].tolist():
            if customer not in found:
                top[customer] = None
            if len(top) == MOST_CARDS:
                break
        caught = set(customers[fraud].tolist()) & top.keys()
        shares.append(len(caught) / MOST_CARDS)
        found |= caught
    return float(np.mean(shares))


def models(seed: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The classifiers by name, each with what makes a fresh one."""
    yield "logistic regression", lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    yield "random forest", lambda: RandomForestClassifier(300, min_samples_leaf=5, random_state=seed, n_jobs=-1)
    yield (
        "gradient boosting",
        lambda: HistGradientBoostingClassifier(
            learning_rate=0.03, max_iter=150, max_leaf_nodes=15, min_samples_leaf=50, l2_regularization=5, random_state=seed
        ),
    )


def measure(payments: Payments, weeks: Weeks, make: Callable[[], Any]) -> dict[str, float]:
    """Train one classifier and hold it against the test days."""
    model = make().fit(payments.features[weeks.train], payments.fraud[weeks.train])
    scores = [model.predict_proba(payments.features[rows])[:, 1] for rows in weeks.test]
    rows, values = np.concatenate(weeks.test), np.concatenate(scores)
    return {
        "auc": round(float(roc_auc_score(payments.fraud[rows], values)), 4),
        "average_precision": round(float(average_precision_score(payments.fraud[rows], values)), 4),
        "cp_at_100": round(card_precision(payments, weeks.test, scores), 4),
    }


def last_full_week(days: Days) -> int:
    """The first of the last seven full days; the stream's last day counts as cut short."""
    return int(days.max()) - WEEK


def main(arguments: list[str] | None = None) -> int:
    """Print the figures of each classifier, for the published features and with two more."""
    parser = argparse.ArgumentParser(description="Train on card features by the handbook's protocol.")
    parser.add_argument("features", type=Path, help="the Parquet file that trustward replay --features-out wrote")
    parser.add_argument("--test-start", type=date.fromisoformat, help="first test day (default: the last seven full days)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the classifiers")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    epoch = date(1970, 1, 1)
    results: list[dict[str, Any]] = []
    for label, names in (("published", PUBLISHED), ("with habit", PUBLISHED + EXTRA)):
        payments = read(given.features, names)
        start = (given.test_start - epoch).days if given.test_start else last_full_week(payments.days)
        if payments.days.min() > start - 2 * WEEK or payments.days.max() < start:
            raise SystemExit("the stream does not hold the training week and the test week")
        weeks = split(payments, start)
        for name, make in models(given.seed):
            results.append({"features": label, "model": name, **measure(payments, weeks, make)})
    held = np.concatenate(weeks.test)
    account = {
        "train": [str(epoch + timedelta(days=start + shift)) for shift in (-14, -8)],
        "test": [str(epoch + timedelta(days=start + shift)) for shift in (0, 6)],
        "first_day": str(epoch + timedelta(days=int(payments.days.min()))),
        "train_payments": int(weeks.train.size),
        "train_frauds": int(payments.fraud[weeks.train].sum()),
        "test_payments": int(held.size),
        "test_frauds": int(payments.fraud[held].sum()),
        "results": results,
    }
    if given.json:
        print(json.dumps(account, indent=2))
        return 0
    print(f"stream from {account['first_day']}; train {account['train'][0]} to {account['train'][1]}"
          f" ({account['train_payments']:,} payments, {account['train_frauds']:,} frauds);"
          f" test {account['test'][0]} to {account['test'][1]}"
          f" ({account['test_payments']:,} payments, {account['test_frauds']:,} frauds)")
    print(f"{'features':<12} {'classifier':<20} {'AUC':>7} {'AP':>7} {'CP@100':>7}")
    for row in results:
        print(f"{row['features']:<12} {row['model']:<20} {row['auc']:>7.4f} {row['average_precision']:>7.4f} {row['cp_at_100']:>7.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
