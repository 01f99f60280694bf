"""Labels, lists and snoozes that people change: each counts from one entry on, many are one commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from tests.service.kit import NOW_US, host_over, rebuilt, seen, stream
from trustward.base.errors import RecordError
from trustward.model.changes import (
    NAMED_BYTES,
    LabelChange,
    ListChange,
    SnoozeChange,
    decode_change,
    encode_change,
)
from trustward.ports import Store
from trustward.testing.contracts import LONG

Opening = Callable[[], Store]


def test_changes_count_from_their_entry_on(opened: Opening) -> None:
    store = opened()
    host = host_over(store)
    host.start()
    events = stream(900)
    host.submit(events[:300]).result()
    waiting = [
        host.submit(events[300:400]),
        host.change(LabelChange(actor="kim", kind="account", entity="a", label="watched", present=True)),
        host.change(LabelChange(actor="kim", kind="account", entity="b", label="spammer", present=False)),
        host.change(ListChange(actor="kim", list="partners", put=("a", "zz"), gone=("p1",), expires_us=NOW_US)),
        host.submit(events[400:600]),
        host.change(SnoozeChange(actor="kim", rule="fast", kind="account", entity="c", until_us=NOW_US)),
        host.change(LabelChange(actor="kim", kind="account", entity="a", label="watched", present=None)),
        host.submit(events[600:]),
    ]
    results = [cast("Any", one).result() for one in waiting]
    assert results[1:4] == [402, 403, 404]
    assert list(results[4].seqs) == list(range(405, 605))
    assert results[5:7] == [605, 606]
    live = host.ask(seen).result()
    host.close()
    twin = opened()
    assert seen(rebuilt(twin)) == live == seen(rebuilt(twin, snapshots=False))
    assert [entry.value for entry in twin.kept.list_entries("partners") if entry.present] == ["a", "zz"]
    assert [mark.label for mark in twin.kept.labels("account", "b")] == ["spammer"]


def test_what_is_too_long_to_keep_costs_nobody_the_engine(opened: Opening) -> None:
    host = host_over(opened())
    host.start()
    for change in (
        LabelChange(actor="kim", kind="account", entity=LONG, label="spammer"),
        ListChange(actor="kim", list="partners", put=("b", LONG)),
        ListChange(actor="kim", list="partners", gone=(LONG,)),
        SnoozeChange(actor="kim", rule="all", kind="account", entity=LONG, until_us=NOW_US + 1),
    ):
        with pytest.raises(RecordError, match="3,9"):
            host.change(change).result()
        with pytest.raises(RecordError, match="control character"):
            host.change(decode_change(encode_change(change).replace(LONG.encode(), rb"a\u0000b"))).result()
        assert host.status().phase == "ready"
    longest = LONG[: NAMED_BYTES - len("partners")]
    assert host.change(ListChange(actor="kim", list="partners", put=(longest,))).result() == 2
    host.close()


def test_many_changes_are_one_commit_and_as_many_entries(opened: Opening) -> None:
    store = opened()
    host = host_over(store)
    host.start()
    host.submit(stream(50)).result()
    before = host.status()
    changes = [
        ListChange(
            actor="kim", list="partners", put=(f"p{number}", "b"), expires_us=NOW_US + number, reason=f"{number}"
        )
        for number in range(300)
    ]
    assert host.change_all(changes).result() == before.seq + 300
    assert host.status().commits == before.commits + 1
    with pytest.raises(RecordError):
        host.change_all([*changes, ListChange(actor="kim", list="partners", put=(LONG,))])
    host.submit(stream(50, prefix="x")).result()
    assert host.status().seq == before.seq + 350
    engine = host.ask(seen).result()
    host.close()
    assert seen(rebuilt(store, snapshots=False)) == engine
    kept = store.kept.list_entries("partners", "", 1000)
    assert len(kept) == 301
    assert {(one.expires_us, one.seq) for one in kept if one.value == "b"} == {(NOW_US + 299, before.seq + 300)}
    assert len([row for row in store.audit.read(0, 1000) if row.action == "list.changed"]) == 300
