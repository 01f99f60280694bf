"""What is kept long enough is removed, in the database and in the archive; what is held stays; nothing else changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from tests.service.kit import DECODER, compile_policy, host_over, rebuilt
from tests.service.test_archive import EVENTS, archived, every, filled
from trustward.adapters.store.opened import open_store
from trustward.base.errors import RecordError, StoreError
from trustward.exchange.decode import EventDecoder
from trustward.model.archived import DAY_US, start_of
from trustward.model.bundle import Bundle
from trustward.model.case import CasePage
from trustward.model.journal import Segment
from trustward.model.removed import REMOVED, is_removed, lines_of, removed_in
from trustward.model.retention import Choice, Overdue, Plan, over_us, plans
from trustward.model.stored import AuditRow
from trustward.operations.auditing import Auditing, Difference
from trustward.operations.indexing import Indexing
from trustward.operations.recovery import Replayer
from trustward.operations.retaining import Ended, Removed, Retaining
from trustward.operations.searching import Query, Searching
from trustward.ports import Store
from trustward.testing.retention_contracts import case, hold

FIRST = "2031-03-01"
ROOT = Path(__file__).parents[2]
CATALOGUE = DECODER.catalogue
OF = {name: kind.retention for name, kind in CATALOGUE.types.items()}
MESSAGES = {OF["message.sent"]: "90 days"}


def chosen(lasts: Mapping[str, str]) -> dict[str, Plan]:
    choices = [Choice(of=name, lasts=text) for name, text in lasts.items()]
    return plans((), choices, ("SG",), CATALOGUE.retention)


def retaining(store: Store, at_us: int, lasts: Mapping[str, str]) -> Retaining:
    return Retaining(store, CATALOGUE, Indexing(store, DECODER), chosen(lasts), lambda: at_us)


def removed(store: Store, at_us: int, lasts: Mapping[str, str], *, dry: bool = False) -> tuple[list[Removed], Ended]:
    told: list[Removed] = []
    ended = retaining(store, at_us, lasts).run(told.append, dry=dry)
    return told, ended


def left(segments: list[Segment]) -> dict[str, int]:
    """How many events of each class there are."""
    found: dict[str, int] = {}
    for segment in segments:
        for line in lines_of(segment) if segment.kind == "events" else ():
            of = OF[line.type] if line.type != REMOVED else f"removed {line.was}"
            found[of] = found.get(of, 0) + 1
    return found


def test_live_and_archived_days(opened: Callable[[], Store]) -> None:
    store = opened()
    events = filled(store)
    before = every(store)
    archived(store, "2031-03-02")
    message, money = OF["message.sent"], OF["payment.requested"]
    assert message != money
    searching = Searching(store, Indexing(store, DECODER))
    Indexing(store, DECODER).rebuild()
    # Not a moment before the term is over.
    over = over_us(FIRST, "90 days")
    assert removed(store, over - 1, MESSAGES) == ([], Ended())
    assert every(store) == before
    would, _ = removed(store, over, MESSAGES, dry=True)
    assert every(store) == before
    told, ended = removed(store, over, MESSAGES)
    assert told == would
    assert ended == Ended()
    assert [(one.day, one.of, one.kept) for one in told] == [(FIRST, message, {})]
    gone = told[0].removed
    assert gone > 10
    assert removed(store, over, MESSAGES) == ([], Ended())
    # All days, the first of them in files.
    far = over_us("2031-04-30", "90 days")
    told, ended = removed(store, far, MESSAGES)
    assert [one.day for one in told] == ["2031-03-02", "2031-03-03"]
    assert ended == Ended()
    for one in (store, opened()):
        after = every(one)
        assert [(s.first, s.count, s.at_us) for s in after] == [(s.first, s.count, s.at_us) for s in before]
        found = one.journal.find([event.id for event in events])
        assert len(found) == EVENTS
        for event in events:
            entry = found[event.id]
            if is_removed(entry):
                assert f'"{event.id}"'.encode() not in entry.body
    assert left(every(store))[money] == left(before)[money]
    for day in store.archived.days():
        assert store.shelf.check(day) == []
    # What lay in the database moves to the archive as it is now.
    thin = every(store)
    assert [day.day for day in archived(store)[0]] == ["2031-03-02"]
    assert every(store) == thin
    # What is removed is found no more, the rest as before.
    everywhere = searching.page(Query(kind="account", entity="a"), limit=10_000).found
    assert everywhere
    assert all(
        one.decision.type == "payment.requested" or one.seq > store.snapshots.stored()[0].seq for one in everywhere
    )
    audit = [row for row in store.audit.read(0, 10_000) if row.action == "retention.removed"]
    assert sum(msgspec.json.decode(row.detail)["removed"] for row in audit) == gone + sum(one.removed for one in told)


def test_what_is_held_stays_until_it_is_not(opened: Callable[[], Store]) -> None:
    store = opened()
    filled(store)
    archived(store, "2031-03-02")
    store.records.write([hold("h", ("account", "a"))])
    far = over_us("2031-03-02", "90 days")
    told, _ = removed(store, far, MESSAGES)
    assert [one.day for one in told] == [FIRST, "2031-03-02"]
    assert all(one.removed and one.kept.keys() == {"hold"} for one in told)
    for segment in every(store):
        if segment.at_us < start_of("2031-03-03") and segment.kind == "events":
            for line, row in zip(lines_of(segment), segment.lines(), strict=True):
                if line.type == "message.sent":
                    assert '"a"' in row.decode()
    assert removed(store, far, MESSAGES)[0] == [msgspec.structs.replace(one, removed=0) for one in told]
    store.records.write([hold("h", ("account", "a"), state="released", version=2)])
    again, _ = removed(store, far, MESSAGES)
    assert [(one.removed, one.kept) for one in again] == [(one.kept["hold"], {}) for one in told]


def test_the_same_event_again_is_not_decided_again(opened: Callable[[], Store]) -> None:
    store = opened()
    events = filled(store)
    archived(store, "2031-03-02")
    removed(store, over_us("2031-04-30", "90 days"), MESSAGES)
    store.close()
    host = host_over(opened(), skew_us=10**18)
    host.start()
    message = next(event for event in events if type(event).__struct_config__.tag == "message.sent")
    for one in (message, msgspec.structs.replace(message, sender="other")):
        with pytest.raises(RecordError, match="removed"):
            host.decide(one)
    line = b'{"type":"record.removed","id":"x1","time":"2031-03-01T00:00:00Z","was":"activity"}'
    sent = EventDecoder(CATALOGUE).decode_lines(line).events
    with pytest.raises(RecordError, match="nobody can send"):
        host.decide(sent[0])
    host.close()


def test_a_day_that_a_restart_needs_stays(opened: Callable[[], Store]) -> None:
    store = opened()
    filled(store, snapshot=False)
    told, ended = removed(store, over_us("2031-04-30", "90 days"), MESSAGES)
    assert (told, ended) == ([], Ended(day=FIRST, why="needed"))


def test_a_thinned_day_is_no_false_fault(opened: Callable[[], Store]) -> None:
    store = opened()
    filled(store)
    archived(store, "2031-03-03")
    replayer = Replayer(store, DECODER, compile_policy, 10**18)
    auditing = Auditing(store.journal, replayer)
    spans = [auditing.span(start_of(FIRST) + at * DAY_US, start_of(FIRST) + (at + 1) * DAY_US) for at in range(3)]
    store.records.write([hold("h", ("account", "b"))])
    far = over_us("2031-03-02", "90 days")
    told, _ = removed(store, far, MESSAGES)
    found: list[Difference] = []
    done = [auditing.replay(first, last, found.append, start=0) for first, last in spans]
    assert [one.differences for one in done] == [0, 0, 0]
    assert [one.removed for one in done] == [*[one.removed for one in told], 0]
    assert len(found) == sum(one.unsure for one in done) > 0
    assert all(one.unsure for one in found)
    # One that was tampered with, and nothing removed before it, is a difference as ever.
    first = next(seq for segment in every(store) for seq in removed_in(segment))
    assert all(one.entry > first for one in found)
    # The engine comes back all the same, with a snapshot and without.
    assert rebuilt(store).policy.hash == rebuilt(store, snapshots=False).policy.hash


KILLS = int(os.environ.get("TRUSTWARD_KILLS", "2"))


def test_killed_at_any_instant(tmp_path: Path) -> None:
    """TRUSTWARD_KILLS=100 python -m pytest tests/service/test_retention.py -k killed."""
    origin = tmp_path / "origin"
    store = open_store("", origin)
    filled(store)
    archived(store, "2031-03-03")
    Indexing(store, DECODER).rebuild()
    store.records.write([hold("h", ("account", "b"))])
    before = every(store)
    store.close()
    copies = [tmp_path / f"copy{number}" for number in range(KILLS + 1)]
    for copy in copies:
        shutil.copytree(origin, copy)
    now_us = over_us("2031-03-03", "90 days")
    command = [sys.executable, "-m", "tests.service.retaining_driven", str(now_us), *map(str, copies)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["9"] * KILLS
    whole = open_store("", copies[0])
    wanted, days = every(whole), [msgspec.structs.replace(day, digest="") for day in whole.archived.days()]
    gone = {(one.day, one.of): (one.removed, one.kept) for one in whole.retained.done()}
    whole.close()
    assert wanted != before
    for copy in copies[1:]:
        store = open_store("", copy)
        # At every instant each entry is there as it was, or as it will be.
        assert all(
            one in {was, will} for one, was, will in zip(entries(store), each(before), each(wanted), strict=True)
        )
        removed(store, now_us, MESSAGES)
        assert every(store) == wanted
        assert [msgspec.structs.replace(day, digest="") for day in store.archived.days()] == days
        assert {(one.day, one.of): (one.removed, one.kept) for one in store.retained.done()} == gone
        for day in store.archived.days():
            assert store.shelf.check(day) == []
        folders = sorted(path.name for path in store.shelf.folder.iterdir() if path.is_dir())
        assert folders == [day.folder for day in store.archived.days()]
        store.close()


def each(segments: list[Segment]) -> list[bytes]:
    return [line for segment in segments for line in (segment.lines() if segment.kind == "events" else [segment.body])]


def entries(store: Store) -> list[bytes]:
    return each(every(store))


def test_what_a_secret_hold_keeps_is_told_to_few(opened: Callable[[], Store]) -> None:
    store = opened()
    filled(store)
    secret = msgspec.structs.replace(hold("s", ("account", "a")), secret=True)
    store.records.write([secret])
    told, _ = removed(store, over_us(FIRST, "90 days"), MESSAGES)
    assert [(one.day, list(one.kept)) for one in told] == [(FIRST, ["secret"])]
    (line,) = [row for row in store.audit.read(0, 1000) if row.action == "retention.removed"]
    assert msgspec.json.decode(line.detail) == {"class": "content", "removed": told[0].removed, "kept": 0}
    (hidden,) = store.audit.read_secret(0, 10)
    assert msgspec.json.decode(hidden.detail)["kept"] == told[0].kept["secret"]
    assert "secret" not in line.detail.decode()


def test_closed_cases_go_after_their_own_term(opened: Callable[[], Store]) -> None:
    store = opened()
    closed_us = start_of(FIRST) + 5
    for name, more in (("one", 0), ("two", 1), ("held", 2), ("late", DAY_US)):
        page = CasePage(case=name, number=1, at_us=closed_us + more, what="closed", actor="kim")
        store.records.write([case(name, name), page])
        store.records.write([case(name, name, "closed", 2)])
    store.records.write([case("open", "open"), hold("h", ("account", "held"))])
    lasts = {"cases": "90 days"}
    over = over_us(FIRST, "90 days")
    assert removed(store, over - 1, lasts) == ([], Ended())
    would = removed(store, over, lasts, dry=True)
    assert store.cases.get("one") is not None
    told = removed(opened(), over, lasts)
    assert told == would == ([Removed(day=FIRST, of="cases", removed=2, kept={"hold": 1})], Ended())
    assert [name for name in ("one", "two", "held", "late", "open") if store.cases.get(name)] == [
        "held",
        "late",
        "open",
    ]
    (account,) = [one for one in retaining(store, over, lasts).account() if one.plan.of == "cases"]
    assert (account.removed, account.overdue) == (2, (Overdue(day=FIRST, kept={"hold": 1}),))
    lines = [msgspec.json.decode(row.detail) for row in store.audit.read(0, 100) if row.action == "retention.removed"]
    assert [(one["class"], one["removed"], one["kept"]) for one in lines] == [("cases", 2, 0), ("cases", 0, 1)]
    assert removed(store, over, lasts)[0] == [Removed(day=FIRST, of="cases", removed=0, kept={"hold": 1})]
    store.records.write([hold("h", ("account", "held"), state="released", version=2)])
    again, _ = removed(store, over_us("2031-03-02", "90 days"), lasts)
    assert [(one.day, one.removed, one.kept) for one in again] == [(FIRST, 1, {}), ("2031-03-02", 1, {})]
    assert [(one.day, one.removed, one.kept) for one in store.retained.done()] == [
        (FIRST, 3, {}),
        ("2031-03-02", 1, {}),
    ]
    assert store.cases.get("open") is not None


def test_a_damaged_day_keeps_no_other_from_being_removed(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    filled(store)
    archived(store)
    first, second = store.archived.days()[:2]
    path = store.shelf.path(first, "events")
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    with pytest.raises(StoreError, match=first.day):
        removed(store, over_us("2031-03-03", "90 days"), MESSAGES)
    assert {one.day for one in store.retained.done()} == {second.day, "2031-03-03"}
    path.write_bytes(whole)
    told, _ = removed(store, over_us("2031-03-03", "90 days"), MESSAGES)
    assert [one.day for one in told] == [first.day]
    store.close()


def test_lines_of_the_audit_go_while_nothing_is_held(opened: Callable[[], Store]) -> None:
    store = opened()
    begin = start_of(FIRST)
    for at_us, secret in ((begin, False), (begin + 1, True), (begin + 2, False), (begin + DAY_US, False)):
        row = AuditRow(at_us=at_us, actor="kim", action="key.created", subject="key:1", secret=secret)
        store.audit.record(row)
    lasts, over = {"audit": "90 days"}, over_us(FIRST, "90 days")
    store.records.write([hold("h", ("account", "a"))])
    assert removed(store, over, lasts)[0] == [Removed(day=FIRST, of="audit", removed=0, kept={"hold": 2})]
    store.records.write([hold("h", ("account", "a"), state="released", version=2)])
    assert removed(store, over - 1, lasts)[0] == []
    assert removed(store, over, lasts)[0] == [Removed(day=FIRST, of="audit", removed=2, kept={})]
    assert [row.action for row in store.audit.read(0, 10)] == ["key.created", "retention.removed"]
    assert [row.action for row in store.audit.read_secret(0, 10)] == ["retention.removed"]
    assert [(one.day, one.removed, one.kept) for one in store.retained.done()] == [(FIRST, 2, {})]
    assert removed(store, over, lasts)[0] == []


def test_evidence_goes_after_its_own_term(opened: Callable[[], Store]) -> None:
    store = opened()
    for name, secret in (("d1", False), ("d2", True), ("d3", False)):
        at_us = start_of(FIRST) + (DAY_US if name == "d3" else 0)
        store.bundles.add(Bundle(id=name, record="clue:c", at_us=at_us, size=1, files=1, secret=secret), [b"x"])
    lasts, over = {"bundles": "90 days"}, over_us(FIRST, "90 days")
    assert removed(store, over - 1, lasts)[0] == []
    assert removed(store, over, lasts)[0] == [Removed(day=FIRST, of="bundles", removed=1, kept={})]
    assert [name for name in ("d1", "d2", "d3") if store.bundles.get(name)] == ["d3"]
    assert [row.action for row in store.audit.read_secret(0, 10)] == ["retention.removed"]
    assert [(one.day, one.removed) for one in store.retained.done()] == [(FIRST, 1)]
