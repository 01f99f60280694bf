from __future__ import annotations

import pytest
from benchmarks.oracle_windows import differences, ours, plan_of, simulated, theirs

from trustward.base.units import parse_duration


@pytest.mark.slow
def test_every_aggregate_equals_duckdb_in_every_row() -> None:
    lengths = [parse_duration(text) for text in ("1m", "10m", "1h")]
    table = simulated(200_000)
    got = ours(table, plan_of(lengths))
    assert len(got) == 38
    assert all(len(column) == 200_000 for column in got)
    assert differences(got, theirs(table, lengths)) == []


def test_a_difference_would_be_seen() -> None:
    table = simulated(50)
    lengths = [parse_duration(text) for text in ("1m", "10m", "1h")]
    got, wanted = ours(table, plan_of(lengths)), theirs(table, lengths)
    for column in got:
        column[30] = 0.123
    assert len(differences(got, wanted)) == len(got)
