"""The protocol of the card benchmark: who is left out, and what its figures count."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.card_sim import Payments, card_precision, last_full_week, log_odds, split


def payments(rows: list[tuple[int, int, bool]]) -> Payments:
    """Payments from (day, customer, fraud)."""
    days, customers, fraud = (np.array(column) for column in zip(*rows, strict=True))
    return Payments(np.zeros((len(rows), 1)), days.astype(np.int64), customers.astype(np.int64), fraud.astype(bool))


def test_the_weeks_lie_a_week_apart() -> None:
    stream = payments([(day, day, False) for day in range(30)])
    weeks = split(stream, 14)
    assert weeks.train.tolist() == list(range(7))
    assert [rows.tolist() for rows in weeks.test] == [[day] for day in range(14, 21)]


def test_customers_known_as_compromised_are_left_out() -> None:
    # 1: fraud in training. 2: on the last day of training. 3: on day 8, known from the third test day on.
    stream = payments(
        [(2, 1, True), (6, 2, True), (8, 3, True)]
        + [(day, who, False) for day in range(14, 21) for who in (1, 2, 3, 4)]
    )
    weeks = split(stream, 14)
    seen = [stream.customers[rows].tolist() for rows in weeks.test]
    assert seen[:3] == [[3, 4], [3, 4], [4]]
    assert all(day == [4] for day in seen[3:])


def test_a_caught_customer_counts_once() -> None:
    stream = payments([(0, 1, True), (0, 2, False), (1, 1, True), (1, 3, True)])
    test = [np.array([0, 1]), np.array([2, 3])]
    scores = [np.array([0.9, 0.1]), np.array([0.9, 0.8])]
    assert card_precision(stream, test, scores) == pytest.approx(0.01)


def test_the_last_day_counts_as_cut_short() -> None:
    assert last_full_week(np.arange(30)) == 22


def test_no_certainty_is_endless() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 0.5, 1.0]))).all()
