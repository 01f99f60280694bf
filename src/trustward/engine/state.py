"""What the engine remembers besides windows: labels, lists, snoozes, and how often each rule has acted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

import msgspec

FOREVER = 2**62
"""The expiry of something that does not expire, in microseconds."""

LabelKey = tuple[str, str, str]
"""Entity kind, entity id, label."""


class Mark(msgspec.Struct, frozen=True):
    """A person's word on a label: it is there (``present``) or it must not be, until ``expires_us``."""

    present: bool
    expires_us: int


class Quota:
    """How many actions one rule took lately, for its limits. Times are event times, kept in order."""

    __slots__ = ("times",)

    def __init__(self, times: Iterable[int] = ()) -> None:
        self.times = list(times)

    def taken(self, since_us: int) -> int:
        """Actions taken after ``since_us``."""
        return len(self.times) - bisect_right(self.times, since_us)

    def take(self, time_us: int, count: int, longest_us: int) -> None:
        """Record ``count`` actions; a late event counts at the latest time, and what no limit needs is dropped."""
        at = max(time_us, self.times[-1]) if self.times else time_us
        self.times.extend([at] * count)
        stale = bisect_right(self.times, at - longest_us)
        if stale > 1024 and stale * 2 > len(self.times):
            del self.times[:stale]


class State:
    """Labels, lists, snoozes and quotas.

    ``labels`` maps (kind, id, label) to its expiry in microseconds and holds only labels that are set; a label is
    active at time *t* if its expiry is after *t*. ``bearers`` holds the same by (kind, label): who bears it, until
    when. ``lists`` maps a list's name to its values and their expiries.
    Changes take effect from the next event.

    >>> state = State()
    >>> state.set_label(("account", "a1", "spammer"), FOREVER, time_us=0)
    True
    >>> state.mark(("account", "a1", "spammer"), present=False, expires_us=FOREVER)
    >>> state.set_label(("account", "a1", "spammer"), FOREVER, time_us=0)
    False
    """

    __slots__ = ("bearers", "labels", "lists", "marks", "quotas", "snoozes")

    def __init__(self) -> None:
        self.labels: dict[LabelKey, int] = {}
        self.bearers: dict[tuple[str, str], dict[str, int]] = {}
        self.lists: dict[str, dict[str, int]] = {}
        self.marks: dict[LabelKey, Mark] = {}
        self.snoozes: dict[tuple[str, str, str], int] = {}
        self.quotas: dict[str, Quota] = {}

    def _put(self, key: LabelKey, expires_us: int) -> None:
        kind, entity, label = key
        self.labels[key] = expires_us
        self.bearers.setdefault((kind, label), {})[entity] = expires_us

    def _drop(self, key: LabelKey) -> None:
        if self.labels.pop(key, None) is not None:
            kind, entity, label = key
            del self.bearers[kind, label][entity]

    def _outranked(self, key: LabelKey, time_us: int) -> bool:
        mark = self.marks.get(key)
        if mark is None:
            return False
        if mark.expires_us > time_us:
            return True
        del self.marks[key]
        return False

    def set_label(self, key: LabelKey, expires_us: int, *, time_us: int) -> bool:
        """A rule sets a label; the later expiry wins. False if a person's mark outranks it."""
        if self.marks and self._outranked(key, time_us):
            return False
        held = self.labels.get(key)
        if held is None or held < expires_us:
            self._put(key, expires_us)
        return True

    def clear_label(self, key: LabelKey, *, time_us: int) -> bool:
        """A rule removes a label. False if a person's mark outranks it."""
        if self.marks and self._outranked(key, time_us):
            return False
        self._drop(key)
        return True

    def mark(self, key: LabelKey, *, present: bool, expires_us: int = FOREVER) -> None:
        """A person sets (or forbids) a label; rules cannot change it until ``expires_us``."""
        self.marks[key] = Mark(present, expires_us)
        if present:
            self._put(key, expires_us)
        else:
            self._drop(key)

    def unmark(self, key: LabelKey) -> None:
        """Take a person's word on a label back, and the label with it."""
        self.marks.pop(key, None)
        self._drop(key)

    def list_add(self, name: str, values: Iterable[str], expires_us: int = FOREVER) -> None:
        """Put values on a list until ``expires_us``."""
        self.lists.setdefault(name, {}).update(dict.fromkeys(values, expires_us))

    def list_remove(self, name: str, values: Iterable[str]) -> None:
        """Take values off a list; values that are not on it are passed over."""
        held = self.lists.get(name, {})
        for value in values:
            held.pop(value, None)

    def snooze(self, rule: str, kind: str, entity: str, until_us: int) -> None:
        """Keep a rule from acting on events that name an entity, until ``until_us``."""
        self.snoozes[(rule, kind, entity)] = until_us

    def over_limit(
        self, rule: str, limits: Iterable[tuple[int, int]], time_us: int, count: int
    ) -> tuple[int, int] | None:
        """The first (most, within_us) of ``limits`` that ``count`` more actions would exceed; else record them."""
        quota = self.quotas.get(rule)
        if quota is None:
            quota = self.quotas[rule] = Quota()
        at = max(time_us, quota.times[-1]) if quota.times else time_us
        longest = 0
        for most, within in limits:
            longest = max(longest, within)
            if quota.taken(at - within) + count > most:
                return most, within
        quota.take(at, count, longest)
        return None

    def dump(self) -> bytes:
        """All of it as JSON bytes, the same bytes for the same state."""
        return msgspec.json.encode(
            {
                "labels": sorted([*key, expiry] for key, expiry in self.labels.items()),
                "marks": sorted([*key, mark.present, mark.expires_us] for key, mark in self.marks.items()),
                "lists": {name: dict(sorted(values.items())) for name, values in sorted(self.lists.items())},
                "snoozes": sorted([*key, until] for key, until in self.snoozes.items()),
                "quotas": {rule: quota.times for rule, quota in sorted(self.quotas.items())},
            }
        )

    @classmethod
    def load(cls, data: bytes) -> State:
        """The state that :meth:`dump` wrote."""
        raw = msgspec.json.decode(data, type=_Dumped)
        state = cls()
        for kind, entity, label, expiry in raw.labels:
            state._put((kind, entity, label), expiry)
        state.marks = {(kind, entity, label): Mark(present, until) for kind, entity, label, present, until in raw.marks}
        state.lists = {name: dict(values) for name, values in raw.lists.items()}
        state.snoozes = {(rule, kind, entity): until for rule, kind, entity, until in raw.snoozes}
        state.quotas = {rule: Quota(times) for rule, times in raw.quotas.items()}
        return state


class _Dumped(msgspec.Struct, forbid_unknown_fields=True):
    labels: list[tuple[str, str, str, int]]
    marks: list[tuple[str, str, str, bool, int]]
    lists: Mapping[str, dict[str, int]]
    snoozes: list[tuple[str, str, str, int]]
    quotas: dict[str, list[int]]
