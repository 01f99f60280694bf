from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.windows.worlds import every_aggregate
from trustward.base.errors import StateError
from trustward.windows.plan import Plan, Read, Stream
from trustward.windows.state import Windows

SEED = bytes(range(16))
PLAN = every_aggregate()


def filled() -> Windows:
    windows = Windows(PLAN, SEED, slots=4)
    for n in range(300):
        windows.step_one(0, n // 2, [f"a{n % 40}", f"d{n % 7}", ["x", f"y{n % 3}"]], [n, n / 3, -n], [n % 5 > 0])
    return windows


def saved(windows: Windows) -> bytes:
    file = io.BytesIO()
    windows.save(file)
    return file.getvalue()


def restored(data: bytes, plan: Plan = PLAN, seed: bytes = SEED) -> Windows:
    return Windows.restore(io.BytesIO(data), plan, seed)


GOOD = saved(filled())


def test_bit_for_bit_and_goes_on_alike(tmp_path: Path) -> None:
    windows = filled()
    path = tmp_path / "windows.state"
    windows.save(path)
    assert path.read_bytes() == GOOD
    assert [entry.name for entry in tmp_path.iterdir()] == ["windows.state"]
    again = Windows.restore(path, PLAN, SEED)
    assert saved(again) == GOOD
    assert again.retained() == windows.retained()
    for n in range(300, 700):
        event = (0, n // 2, [f"a{n % 40}", f"d{n % 7}", ["x", f"y{n % 5}"]], [n, n / 3, -n], [n % 3 > 0])
        assert str(again.step_one(*event)) == str(windows.step_one(*event))
    assert saved(again) == saved(windows)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, change: int) -> None:
    data = bytearray(GOOD)
    data[place] ^= change
    with pytest.raises(StateError):
        restored(bytes(data))


@given(st.integers(0, len(GOOD) - 1))
def test_any_cut_is_noticed(size: int) -> None:
    with pytest.raises(StateError):
        restored(GOOD[:size])


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", GOOD + b"\0", b"TWWIN\x00\x00\x01" + GOOD[8:], GOOD[:8] + b"\xff" * 99]
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(StateError):
        restored(data)


def test_another_seed_or_other_streams_are_refused() -> None:
    with pytest.raises(StateError, match="another seed"):
        restored(GOOD, seed=bytes(16))
    other = Stream(id="other", keyspace="account", reads=(Read(aggregate="age"),))
    with pytest.raises(StateError, match="other windows"):
        restored(GOOD, plan=Plan(streams=(*PLAN.streams, other), types=PLAN.types))


def test_a_policy_may_read_the_same_streams_otherwise() -> None:
    fewer = Plan(streams=PLAN.streams, types=())
    assert restored(GOOD, plan=fewer).retained() == filled().retained()


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot read"):
        Windows.restore(tmp_path / "none", PLAN, SEED)
    with pytest.raises(StateError, match="cannot write"):
        filled().save(tmp_path / "none" / "file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateError, match="cannot write"):
        filled().save(tmp_path / "folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "windows.state"
    filled().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_value_is_in_it_in_the_clear() -> None:
    windows = Windows(PLAN, SEED)
    windows.step_one(0, 5, ["somebody@example.org", "+4915112345678", ["https://example.org"]], [1, 2.0, 3], [True])
    data = saved(windows)
    assert b"somebody" not in data
    assert b"151123" not in data
    assert b"example" not in data
