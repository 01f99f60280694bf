r"""Train on the card features of a policy by the Fraud Detection Handbook's protocol, and print the figures.

Usage:

    trustward replay TRANSACTIONS.csv.gz --mapping examples/mappings/card_sim_handbook.toml \
        --policy examples/policies/card_sim --labels truth --features-out features.parquet
    python benchmarks/card_sim.py features.parquet TRANSACTIONS.csv.gz

The windowed features come from the Parquet file; amount, customer and label of each transaction from the stream itself.

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
from numpy.typing import NDArray

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

WINDOWS_DAYS = (1, 7, 30)
PUBLISHED = 3 + 4 * len(WINDOWS_DAYS)
"""How many of the columns are the handbook's own; those after them are two more, made of the same windows."""
WEEK = 7
DAY_US = 86_400_000_000
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


def read(features: Path, transactions: Path) -> Payments:
    """The features that ``trustward replay --features-out`` wrote, joined with the stream by transaction.

    Columns: amount, weekend, night (hour 0 to 6); for each window count and mean amount of the customer, count and
    share of frauds of the terminal (0 where it had no payments); then the amount against the customer's own mean over 7
    and 30 days.
    """
    table = pq.read_table(features)
    names = [
        f"{what}_{days}d"
        for days in WINDOWS_DAYS
        for what in ("customer_count", "customer_mean", "terminal_count", "terminal_frauds")
    ]
    absent = [name for name in ("event_id", "time_us", *names) if name not in table.column_names]
    if absent:
        raise SystemExit(
            f"{features}: no column {', '.join(absent)}; replay with the policy examples/policies/card_sim"
        )
    raw = pa_csv.read_csv(transactions)
    number = pc.cast(pc.replace_substring(table["event_id"], "tx-", ""), pa.int64())
    rows = np.asarray(
        pc.index_in(number, value_set=raw["TRANSACTION_ID"].combine_chunks()).to_numpy(), dtype=np.float64
    )
    if np.isnan(rows).any():
        raise SystemExit(f"{transactions}: not the stream that {features} was made from")
    order = rows.astype(np.int64)
    amount = np.asarray(raw["TX_AMOUNT"].to_numpy(), dtype=np.float64)[order]
    moments = table["time_us"].to_numpy()
    days = moments // DAY_US
    hours = moments % DAY_US // (DAY_US // 24)
    # 1 January 1970 was a Thursday: counted from Monday, that day is number 3.
    weekend, night = (days + 3) % 7 >= 5, hours <= 6
    value = {name: np.asarray(table[name].to_numpy(), dtype=np.float64) for name in names}
    columns = [amount, weekend, night]
    for window in WINDOWS_DAYS:
        count, frauds = value[f"terminal_count_{window}d"], value[f"terminal_frauds_{window}d"]
        columns += [value[f"customer_count_{window}d"], value[f"customer_mean_{window}d"] / 100, count]
        columns.append(np.divide(frauds, count, out=np.zeros_like(count), where=count > 0))
    for window in WINDOWS_DAYS[1:]:
        mean = value[f"customer_mean_{window}d"] / 100
        columns.append(np.divide(amount, mean, out=np.zeros_like(mean), where=mean > 0))
    customers = np.asarray(raw["CUSTOMER_ID"].to_numpy(), dtype=np.int64)[order]
    fraud = np.asarray(raw["label"].to_numpy())[order] == 1
    return Payments(np.column_stack(columns).astype(np.float64), days, customers, fraud)


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
    yield "random forest", lambda: RandomForestClassifier(150, min_samples_leaf=5, random_state=seed, n_jobs=-1)
    yield "gradient boosting", lambda: boosting(seed)


def boosting(seed: int) -> HistGradientBoostingClassifier:
    """Small trees, many of them: the training week has only some hundred frauds."""
    return HistGradientBoostingClassifier(
        learning_rate=0.03,
        max_iter=150,
        max_leaf_nodes=15,
        min_samples_leaf=50,
        l2_regularization=5,
        random_state=seed,
    )


def scores_of(payments: Payments, weeks: Weeks, make: Callable[[], Any]) -> list[Table]:
    """The probability of fraud of each test payment, a day each, by a classifier trained on the training week."""
    model = make().fit(payments.features[weeks.train], payments.fraud[weeks.train])
    return [np.asarray(model.predict_proba(payments.features[rows])[:, 1]) for rows in weeks.test]


def log_odds(probability: Table) -> Table:
    """Log odds, bounded, so that no classifier's certainty outweighs the others."""
    bounded = np.clip(probability, 1e-5, 1 - 1e-5)
    return np.asarray(np.log(bounded / (1 - bounded)))


def measure(payments: Payments, weeks: Weeks, scores: list[Table]) -> dict[str, float]:
    """Hold scores against the test days."""
    rows, values = np.concatenate(weeks.test), np.concatenate(scores)
    return {
        "auc": round(float(roc_auc_score(payments.fraud[rows], values)), 4),
        "average_precision": round(float(average_precision_score(payments.fraud[rows], values)), 4),
        "cp_at_100": round(card_precision(payments, weeks.test, scores), 4),
    }


def last_full_week(days: Days) -> int:
    """The first of the last seven full days; the stream's last day counts as cut short."""
    return int(days.max()) - WEEK


def results(every: Payments, weeks: Weeks, seed: int) -> Iterator[dict[str, Any]]:
    """The figures of each classifier and of all together, for the published features and with two more."""
    for label, width in (("published", PUBLISHED), ("with habit", PUBLISHED + 2)):
        payments = every._replace(features=every.features[:, :width])
        together = [np.zeros(rows.size) for rows in weeks.test]
        for name, make in models(seed):
            scores = scores_of(payments, weeks, make)
            together = [total + log_odds(day) for total, day in zip(together, scores, strict=True)]
            yield {"features": label, "model": name, **measure(payments, weeks, scores)}
        yield {"features": label, "model": "all three together", **measure(payments, weeks, together)}


def main(arguments: list[str] | None = None) -> int:
    """Print the figures of each classifier."""
    parser = argparse.ArgumentParser(description="Train on card features by the handbook's protocol.")
    parser.add_argument("features", type=Path, help="the Parquet file that trustward replay --features-out wrote")
    parser.add_argument("transactions", type=Path, help="the stream itself (CSV, plain or .gz)")
    parser.add_argument("--test-start", type=date.fromisoformat, help="first test day (default: last seven full days)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the classifiers")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    epoch = date(1970, 1, 1)
    every = read(given.features, given.transactions)
    start = (given.test_start - epoch).days if given.test_start else last_full_week(every.days)
    if every.days.min() > start - 2 * WEEK or every.days.max() < start:
        raise SystemExit("the stream does not hold the training week and the test week")
    weeks = split(every, start)
    held = np.concatenate(weeks.test)

    def day(number: int) -> str:
        return str(epoch + timedelta(days=number))

    head = (
        f"stream from {day(int(every.days.min()))} to {day(int(every.days.max()))}; "
        f"train {day(start - 2 * WEEK)} to {day(start - WEEK - 1)} ({weeks.train.size:,} payments, "
        f"{int(every.fraud[weeks.train].sum()):,} frauds); test {day(start)} to {day(start + WEEK - 1)} "
        f"({held.size:,} payments, {int(every.fraud[held].sum()):,} frauds)"
    )
    rows = results(every, weeks, given.seed)
    if given.json:
        print(json.dumps({"about": head, "results": list(rows)}, indent=2))
        return 0
    print(head)
    print(f"{'features':<12} {'classifier':<20} {'AUC':>7} {'AP':>7} {'CP@100':>7}")
    for row in rows:
        figures = " ".join(f"{row[name]:>7.4f}" for name in ("auc", "average_precision", "cp_at_100"))
        print(f"{row['features']:<12} {row['model']:<20} {figures}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
