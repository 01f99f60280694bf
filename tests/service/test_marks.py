"""Marks in segments: any event by its own parts is the event that the whole segment has."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from trustward.adapters.store.marks_tables import SEGMENT_MARKS
from trustward.adapters.store.opened import DatabaseStore, open_store
from trustward.model.changes import LabelChange
from trustward.model.decision import Fault
from trustward.model.journal import Segment, encode_decisions, encode_faults, found_in
from trustward.model.marks import SIZE, found_by, mark_in, marks_of
from trustward.testing.contracts import body, changed, events, held

_NAMES = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=9), min_size=1)


def segment(names: list[str], decided: list[int], faults: list[int]) -> Segment:
    lines = [msgspec.json.encode({"type": "t", "id": name, "time": "2026-01-01T00:00:00Z"}) + b"\n" for name in names]
    return Segment(
        first=7,
        count=len(names),
        kind="events",
        at_us=5,
        policy="p",
        body=b"".join(lines),
        decisions=encode_decisions([(at, held(names[at])) for at in decided]),
        faults=encode_faults({at: (Fault(path="$.x", cause="wrong"),) for at in faults}),
    )


@given(_NAMES, st.data())
@settings(max_examples=30)
def test_each_event_by_its_own_parts(names: list[str], data: st.DataObject) -> None:
    at = st.sets(st.integers(0, len(names) - 1)).map(sorted)
    one = segment(names, data.draw(at), data.draw(at))
    marks = marks_of(one)
    assert marks is not None
    bare = msgspec.structs.replace(one, body=b"", decisions=None)
    for place in range(one.count):
        mark = mark_in(marks[place * SIZE : place * SIZE + 2 * SIZE])
        line, said = one.body[mark.line : mark.line_end], (one.decisions or b"")[mark.said : mark.said_end]
        assert [found_by(bare, place, line, said)] == found_in(one, [place])


def test_what_has_no_marks() -> None:
    one = segment(["a", "b"], [1], [])
    for other in (
        changed(1, LabelChange(actor="kim", kind="account", entity="x", label="spam")).segments[0],
        msgspec.structs.replace(one, count=3),
        msgspec.structs.replace(one, body=one.body.rstrip()),
        msgspec.structs.replace(one, decisions=b" ".join([one.decisions[:1], one.decisions[1:]])),  # type: ignore[index]
    ):
        assert marks_of(other) is None


def test_segments_without_marks_are_read_as_a_whole(tmp_path: Path) -> None:
    # What was written before there were any.
    with closing(open_store("", tmp_path)) as store:
        assert isinstance(store, DatabaseStore)
        lease = store.writer.acquire("me", 1)
        one, two = events(1, "a", "b", "c", decided=(1,), faults=(2,)), events(4, "d", "e", decided=(0,))
        store.journal.append(lease, one)
        store.journal.append(lease, two)
        with store.database.write() as connection:
            assert connection.execute(select(func.count()).select_from(SEGMENT_MARKS)).scalar_one() == 2
            connection.execute(delete(SEGMENT_MARKS).where(SEGMENT_MARKS.c.first == 1))
        wanted = [*found_in(one.segments[0], [1, 2]), *found_in(two.segments[0], [0])]
        assert list(store.journal.entries([2, 3, 4])) == wanted
        assert one.segments[0].body == body("a", "b", "c")
