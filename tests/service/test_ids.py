"""The ids on their way to their table: found at every moment, whatever fails, and whoever opens the journal."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from trustward.adapters.store import ids as module
from trustward.adapters.store.ids import Ids, keys_of
from trustward.adapters.store.opened import DatabaseStore, open_store
from trustward.model.journal import Commit, Segment
from trustward.model.stored import Lease


def commit(first: int, names: list[str]) -> Commit:
    body = b"".join(b'{"type":"message.sent","id":"%b","time":"t"}\n' % name.encode() for name in names)
    segment = Segment(first=first, count=len(names), kind="events", at_us=1, policy="p", body=body)
    return Commit(segments=(segment,), ids=tuple(names))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("seed", range(4))
def test_found_at_every_moment(
    kind: str, seed: int, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = ""
    if kind == "postgresql":
        database = request.getfixturevalue("server").database(request.getfixturevalue("template"))
    monkeypatch.setattr(module, "IDS_EVERY", 40)
    monkeypatch.setattr(module, "_LEAST", 3)
    draw = Random(seed)
    stores: list[DatabaseStore] = []

    def opened() -> tuple[DatabaseStore, Lease]:
        # As after a kill: nothing is carried over but what is on disk.
        for one in stores:
            one.close()
        stores[:] = [open_store(database, tmp_path)]
        return stores[0], stores[0].writer.acquire("test", 1)

    store, lease = opened()
    other = open_store(database, tmp_path)
    known: dict[str, int] = {}
    for step in range(120):
        count = draw.choice([1, 1, 2, 5, 30])
        names = [f"{step}-{number}" for number in range(count)]
        asked = [*names, *draw.sample(sorted(known), min(5, len(known)))]
        draw.shuffle(asked)
        found = store.journal.find(asked)
        assert {name: one.seq for name, one in found.items()} == {n: known[n] for n in asked if n in known}
        first = len(known) + 1
        store.journal.append(lease, commit(first, names))
        known.update(zip(names, range(first, first + count), strict=True))
        if draw.random() < 0.1:
            store, lease = opened()
        if draw.random() < 0.1:
            # Who only reads has the same answers.
            seen = other.journal.find(sorted(known))
            assert {name: one.seq for name, one in seen.items()} == known
    with store.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM event_ids").scalar_one()
    assert 100 < rows <= len(known)
    assert len(store.journal.find(sorted(known))) == len(known)
    other.close()
    stores[0].close()


def test_a_slow_trickle_leaves_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDS_EVERY", 10)
    monkeypatch.setattr(module, "_LEAST", 4)
    held = Ids()
    held.start(0)
    written: dict[int, int] = {}
    for number in range(1, 101):
        part = held.part(1)
        if part is not None:
            assert list(part.keys) == sorted(part.keys)
            written.update(zip(part.seqs, part.keys, strict=True))
            held.written(part)
        single = commit(number, [f"e{number}"])
        held.add(single.segments, single.ids)
        places, missing = held.look([f"e{n}" for n in range(1, number + 1)])
        # In memory, in the table, or both; never in neither.
        assert set(places) | set(written) == set(range(1, number + 1))
        assert set(missing) == {f"e{n}" for n in range(1, number + 1) if n not in places}
    assert len(written) > 80
    assert all(keys_of([f"e{seq}"]) == [key] for seq, key in written.items())


def test_what_was_not_committed_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDS_EVERY", 2)
    held = Ids()
    held.start(0)
    pair = commit(1, ["a", "b"])
    held.add(pair.segments, pair.ids)
    assert held.part(1) == held.part(1)
    assert held.tabled == 0
