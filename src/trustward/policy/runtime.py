"""The few functions that generated code may call beside a policy's own: no builtins are in its reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from trustward.base.units import currency_exponent, format_duration, format_time, parse_time
from trustward.policy.zones import zone_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_QUARTER_US = 900_000_000
_LONGEST_SHOWN = 120


class Unset:
    """Stands for "not computed yet" in generated code."""

    __slots__ = ()


UNSET = Unset()


_FEW_LABELS = 2_000


class _Bearers(Mapping[str, int]):
    """The bearers of one label, looked up among all labels."""

    def __init__(self, labels: Mapping[tuple[str, str, str], int], kind: str, label: str) -> None:
        self._labels = labels
        self._kind = kind
        self._label = label

    def __getitem__(self, entity: str) -> int:
        return self._labels[self._kind, entity, self._label]

    def __contains__(self, entity: object) -> bool:
        return (self._kind, entity, self._label) in self._labels

    def __iter__(self) -> Iterator[str]:
        return (entity for kind, entity, label in self._labels if kind == self._kind and label == self._label)

    def __len__(self) -> int:
        return len(self._labels)


def bearers(state: Any, kind: str, label: str) -> Mapping[str, int]:
    """Who bears a label: entity ids of one kind with the label's expiry.

    A state may keep them by (kind, label) in ``bearers``; else they are found among all of its ``labels``.
    """
    index = getattr(state, "bearers", None)
    if index is not None:
        found: Mapping[str, int] = index.get((kind, label), {})
        return found
    labels: Mapping[tuple[str, str, str], int] = state.labels
    if len(labels) > _FEW_LABELS:
        return _Bearers(labels, kind, label)
    return {entity: until for (of, entity, name), until in labels.items() if of == kind and name == label}


def microseconds(seconds: float) -> int:
    """A duration field (seconds) in microseconds.

    >>> microseconds(1.5)
    1500000
    """
    return round(seconds * 1_000_000)


def any_listed(values: Iterable[str], listed: Mapping[str, int], time: int) -> bool:
    """Whether any of the values is on a list at a time."""
    return any(value in listed and listed[value] > time for value in values)


def clock(unit: Literal["hour", "weekday"], zone: str) -> Callable[[int], int]:
    """The hour (0 to 23) or weekday (1 Monday to 7 Sunday) of a time in microseconds, in a zone.

    >>> clock("hour", "+08:00")(0), clock("weekday", "UTC")(0)
    (8, 4)
    """
    found = zone_of(zone)
    assert found is not None
    if not isinstance(found, ZoneInfo):
        shift = found.utcoffset(None) or timedelta(0)
        offset = int(shift.total_seconds()) * 1_000_000
        if unit == "hour":
            return lambda time: (time + offset) // _HOUR_US % 24
        return lambda time: ((time + offset) // _DAY_US + 3) % 7 + 1
    # The clocks of a zone change at quarters of an hour at most, so that answers are kept by the quarter.
    known: dict[int, int] = {}

    def read(time: int) -> int:
        quarter = time // _QUARTER_US
        answer = known.get(quarter)
        if answer is None:
            moment = _moment(quarter * _QUARTER_US).astimezone(found)
            answer = moment.hour if unit == "hour" else moment.isoweekday()
            if len(known) > 50_000:
                known.clear()
            known[quarter] = answer
        return answer

    return read


def _moment(time: int) -> datetime:
    # Local times at the ends of the calendar would fall outside it; a day further in, the answer is as good.
    low, high = -62_135_510_400_000_000, 253_402_214_400_000_000
    return _EPOCH + timedelta(microseconds=min(max(time, low), high))


# ---------------------------------------------------------------- for people


def show_number(value: float | None) -> str:
    """A number for people.

    >>> show_number(12), show_number(0.123456), show_number(None)
    ('12', '0.123', 'unknown')
    """
    if value is None:
        return "unknown"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else f"{float(value):.3g}"
    if not math.isfinite(value):
        return "unknown"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.3g}"


def show_text(value: str | None) -> str:
    r"""A text for people: on one line, and cut short.

    >>> show_text("a\nb")
    'a b'
    """
    if value is None:
        return "unknown"
    short = value[: _LONGEST_SHOWN * 2]
    if not short.isprintable():
        short = "".join(c if c.isprintable() else " " for c in short)
    clean = " ".join(short.split())
    return clean if len(value) <= _LONGEST_SHOWN else clean[:_LONGEST_SHOWN] + "..."


def show_duration(value: float | None) -> str:
    """A duration (microseconds) for people."""
    return "unknown" if value is None or not math.isfinite(value) else format_duration(int(value))


def show_time(value: int | None) -> str:
    """A time (microseconds) for people."""
    try:
        return "unknown" if value is None else format_time(value)
    except OverflowError:
        return "unknown"


def show_flag(value: object) -> str:
    """A flag for people."""
    return "unknown" if value is None else "yes" if value else "no"


def show_list(values: Iterable[str] | None) -> str:
    """A list for people, cut short."""
    if values is None:
        return "unknown"
    held = list(values)
    return ", ".join(show_text(value) for value in held[:3]) + (f" and {len(held) - 3} more" if len(held) > 3 else "")


def show_money(minor: float | None, currency: str | None) -> str:
    """An amount (minor units) for people.

    >>> show_money(123450, "SGD"), show_money(500, "JPY")
    ('1,234.50 SGD', '500 JPY')
    """
    if minor is None or not math.isfinite(minor):
        return "unknown"
    code = show_text(currency)[:12] if currency else "(unknown currency)"
    digits = currency_exponent(currency or "")
    sign, whole = ("-", -round(minor)) if minor < 0 else ("", round(minor))
    if not digits:
        return f"{sign}{whole:,} {code}"
    return f"{sign}{whole // 10**digits:,}.{whole % 10**digits:0{digits}} {code}"


def seconds(value: float | None) -> float | None:
    """A duration (microseconds) as the values of a decision give it: in seconds."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) // 1_000_000 if value % 1_000_000 == 0 else value / 1_000_000


def plain(value: Any) -> Any:
    """A value as a decision gives it: texts cut short, numbers that are none as None."""
    if isinstance(value, str):
        return value if len(value) <= 200 else value[:200] + "..."
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value[:20]]
    return value


CONSTANTS: dict[str, Any] = {
    "__builtins__": {},
    "U": UNSET,
    "Nan": math.nan,
    "Len": len,
    "Min": min,
    "Max": max,
    "Abs": abs,
    "Zip": zip,
    "Enumerate": enumerate,
    "Moment": parse_time,
    "Microseconds": microseconds,
    "AnyListed": any_listed,
    "Bearers": bearers,
    "ShowNumber": show_number,
    "ShowText": show_text,
    "ShowDuration": show_duration,
    "ShowTime": show_time,
    "ShowFlag": show_flag,
    "ShowList": show_list,
    "ShowMoney": show_money,
    "Seconds": seconds,
    "Plain": plain,
}
"""What generated code can name."""
