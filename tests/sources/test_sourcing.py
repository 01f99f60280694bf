"""The story: whatever fails between a source and the disk, every event is decided once, in the source's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Signal
from time import sleep
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.running import until
from tests.service.kit import DECODER, Breaking, host_over
from trustward.adapters.store.memory import MemoryStore
from trustward.base.errors import OverloadedError, SourceError, StoreError
from trustward.exchange.messages import decode_messages
from trustward.exchange.records import Reject
from trustward.model.decision import Fault
from trustward.model.event import Event
from trustward.operations.deciding import Deciding
from trustward.operations.grouping import Answers
from trustward.operations.sourcing import Sources, Sourcing, Told
from trustward.ports import Store
from trustward.ports.sources import Batch, Tools
from trustward.ports.traces import Trace
from trustward.testing.source_contracts import FAULTY, message


class Listed:
    """A source over a list, the least that one can be; its position outlives it. Each step may fail by plan."""

    Settings: ClassVar[type[msgspec.Struct]] = msgspec.Struct

    def __init__(self, bodies: Sequence[bytes], size: int = 3, plan: Mapping[str, set[int]] | None = None) -> None:
        self.bodies = list(bodies)
        self.size = size
        self.plan = {name: set(numbers) for name, numbers in (plan or {}).items()}
        self.calls = {"open": 0, "read": 0, "confirm": 0}
        self.confirmed = 0
        self.at = 0
        self.aside: dict[int, list[tuple[str, str, bool]]] = {}

    def _step(self, name: str) -> None:
        self.calls[name] += 1
        if self.calls[name] in self.plan.get(name, ()):
            raise SourceError(f"{name} failed", remedy="")

    def open(self) -> None:
        self._step("open")
        self.at = self.confirmed

    def read(self, wait_s: float) -> Batch | None:
        self._step("read")
        chosen = self.bodies[self.at : self.at + self.size]
        if not chosen:
            sleep(min(wait_s, 0.005))
            return None
        start, self.at = self.at, self.at + len(chosen)
        return Batch(decoded=decode_messages(DECODER, chosen), place=(start, self.at))

    def confirm(self, batch: Batch, faults: Sequence[Reject]) -> None:
        start, end = batch.place
        assert start == self.confirmed
        for at in range(start, end):
            self.aside.pop(at, None)
        for fault in faults:
            self.aside.setdefault(start + fault.line - 1, []).append((fault.path, fault.cause, fault.decided))
        self._step("confirm")
        self.confirmed = end

    def close(self) -> None:
        self.at = 0


def journal(store: Store) -> list[str]:
    """The ids of all events in the journal, in order."""
    found: list[str] = []
    after = 0
    while segments := store.journal.read(after, 10_000):
        for segment in segments:
            if segment.kind == "events":
                found += [event.id for event in DECODER.decode_lines(segment.body).events]
            after = segment.first + segment.count - 1
    return found


@contextmanager
def hosted(store: Store, **how: Any) -> Iterator[Deciding]:
    host = host_over(store, **how)
    host.start()
    try:
        yield host
    finally:
        host.close()


@pytest.fixture(autouse=True)
def _no_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustward.operations.sourcing.RESTS_S", (0.01,))


def bring(source: Any, submit: Any, met: Callable[[], bool], most: int = 500, **told: Any) -> Sourcing:
    """Let a source run until something is so."""
    stop = Signal()
    story = Sourcing("test", source, submit, stop=stop, most=most, told=Told(**told))
    sources = Sources([story], stop)
    sources.start()
    try:
        until(met, 120)
    finally:
        sources.end()
        sources.join(20)
    assert story.status.phase == "stopped"
    return story


def test_everything_once_and_in_order_with_what_was_put_aside() -> None:
    store = MemoryStore()
    wanted = [f"m{number}" for number in range(20)]
    late = message("ahead").replace(b"2026", b"2999")
    bodies = [*map(message, wanted), b"no json", FAULTY, late, message("m0"), message("m1").replace(b'"a"', b'"b"')]
    source = Listed(bodies)
    seen: list[Answers] = []
    lost: list[int] = []
    with hosted(store) as host:
        story = bring(
            source, host.submit, lambda: source.confirmed == 25, answered=seen.append, rejected=lost.append, most=2
        )
        assert host.submit(DECODER.decode_lines(FAULTY).events, DECODER.decode_lines(FAULTY).faults).result().again
    assert journal(store) == [*wanted, "faulty"]
    assert {at: [path for path, *_ in faults] for at, faults in source.aside.items()} == {
        20: ["$"],
        21: ["$.text"],
        22: ["$.time"],
        24: ["$.id"],
    }
    assert source.aside[21][0][2], "it was decided all the same"
    status = story.status
    assert (status.decided, status.again, status.rejected) == (21, 1, 3)
    assert sum(len(answers.events) for answers in seen) == 24
    assert lost == [1]


def test_a_crash_between_commit_and_confirmation_reads_again_and_decides_nothing_twice() -> None:
    store = MemoryStore()
    wanted = [f"m{number}" for number in range(12)]
    source = Listed(list(map(message, wanted)), plan={"confirm": {1, 2, 4}})
    with hosted(store) as host:
        story = bring(source, host.submit, lambda: source.confirmed == 12)
    assert journal(store) == wanted
    assert story.status.again == 9


def test_failed_commits_are_tried_again() -> None:
    broken = Breaking(MemoryStore())
    wanted = [f"m{number}" for number in range(12)]
    source = Listed(list(map(message, wanted)))
    said: list[str] = []
    with hosted(broken) as host:
        broken.plan = ["after", "before", "before", "before", "", "after", "after", "before", ""]
        bring(source, host.submit, lambda: source.confirmed == 12, say=lambda name, words: said.append(words))
    assert journal(broken) == wanted
    assert any("TW-500" in words for words in said)
    assert said[-1] == "working again"


def test_a_source_reads_only_what_the_engine_takes() -> None:
    source = Listed([message(f"m{number}") for number in range(60)])
    asked = 0
    opened = Signal()

    def busy(events: Sequence[Event], faults: Mapping[int, Sequence[Fault]], trace: Trace | None) -> Future[Answers]:
        nonlocal asked
        asked += 1
        if not opened.is_set():
            raise OverloadedError("full", remedy="")
        return host.submit(events, faults, trace)

    store = MemoryStore()
    stop = Signal()
    with hosted(store) as host:
        story = Sourcing("test", source, busy, stop=stop)
        story.start()
        until(lambda: asked > 3)
        assert source.calls["read"] == 1
        assert story.status.since_s is not None
        opened.set()
        until(lambda: source.confirmed == 60)
        stop.set()
        story.join(20)
    assert len(journal(store)) == 60


def test_while_one_batch_is_decided_one_is_read_ahead_and_no_more() -> None:
    source = Listed([message(f"m{number}") for number in range(60)])
    stop = Signal()
    waits: Future[Answers] = Future()
    story = Sourcing("test", source, lambda _events, _faults, _trace: waits, stop=stop)
    story.start()
    until(lambda: source.calls["read"] == 2)
    sleep(0.05)
    assert source.calls["read"] == 2
    assert source.calls["confirm"] == 0
    stop.set()
    waits.set_exception(StoreError("gone", remedy=""))
    story.join(20)
    assert source.confirmed == 0


def test_what_is_wrong_is_said_once_and_quotes_nothing() -> None:
    source = Listed([message("m")], plan={"open": {1, 2, 3}})
    said: list[str] = []
    with hosted(MemoryStore()) as host:
        bring(source, host.submit, lambda: source.confirmed == 1, say=lambda _name, words: said.append(words))
    assert said == ["TW-350: open failed", "working again"]

    class Telling(Listed):
        def read(self, wait_s: float) -> Batch | None:
            raise ValueError("kim@example.com")

    said.clear()
    bring(Telling([]), host.submit, lambda: bool(said), say=lambda _name, words: said.append(words))
    assert said == ["a fault in the source: ValueError"]


FAILING = st.sets(st.integers(1, 12), max_size=5)


@settings(max_examples=15)
@given(
    size=st.integers(1, 7),
    most=st.integers(1, 5),
    plan=st.fixed_dictionaries({"open": FAILING, "read": FAILING, "confirm": FAILING}),
    commits=st.lists(st.sampled_from(["", "before", "after"]), max_size=8),
)
def test_whatever_fails_each_is_decided_once_and_in_order(
    size: int, most: int, plan: dict[str, set[int]], commits: list[str]
) -> None:
    broken: Any = Breaking(MemoryStore())
    wanted = [f"m{number}" for number in range(15)]
    source = Listed(list(map(message, wanted)), size, plan)
    with hosted(broken) as host:
        broken.plan = list(commits)
        bring(source, host.submit, lambda: source.confirmed == 15, most=most)
        broken.plan = []
    assert journal(broken) == wanted


def test_a_source_of_another_package_is_a_file_and_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from trustward import bootstrap
    from trustward.base.errors import SettingsError
    from trustward.settings import load_settings

    points = (EntryPoint("listed", "tests.sources.extension:ListedKind", "trustward.sources"),)
    monkeypatch.setattr("trustward.bootstrap.sourcing.entry_points", lambda group: points)
    assert set(bootstrap.source_kinds()) == {"folder", "kafka", "listed", "nats"}
    given = {"TRUSTWARD_SOURCES": '[{"name": "mine", "kind": "listed", "count": 4}]'}
    made = bootstrap.make_sources(load_settings(given), DECODER.catalogue)
    kind, source = made["mine"]
    assert kind == "listed"
    store = MemoryStore()
    with hosted(store) as host:
        bring(source, host.submit, lambda: len(journal(store)) == 4)
    wrong = {"TRUSTWARD_SOURCES": '[{"name": "mine", "kind": "listed", "cuont": 4}]'}
    with pytest.raises(SettingsError, match="did you mean count"):
        bootstrap.make_sources(load_settings(wrong), DECODER.catalogue)


AUTOMATIC = """{"name": "a", "kind": "kafka", "servers": ["k:1"], "topics": ["t"], "rejects": "r",
    "options": {"enable.auto.commit": "true"}}"""


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('{"kind": "folder", "path": "x"}', "has no name"),
        ('{"name": "a b", "kind": "folder", "path": "x"}', "has no name"),
        ('{"name": "a", "kind": "foldr", "path": "x"}', "did you mean folder"),
        ('{"name": "a", "kind": "folder"}', "missing required field `path`"),
        ('{"name": "a", "kind": "folder", "path": "x", "pol": "1s"}', "did you mean po"),
        ('{"name": "a", "kind": "folder", "path": "x", "poll": "soon"}', "poll: not a duration"),
        ('{"name": "a", "kind": "folder", "path": "x"}, {"name": "a", "kind": "folder", "path": "x"}', "two are"),
        ('{"name": "a", "kind": "nats", "servers": [], "stream": "s", "rejects": "r"}', "servers"),
        (AUTOMATIC, "enable.auto.commit cannot be set"),
    ],
)
def test_wrong_settings_are_refused_with_the_nearest_name(table: str, told: str) -> None:
    from trustward import bootstrap
    from trustward.base.errors import SettingsError
    from trustward.settings import load_settings

    with pytest.raises(SettingsError, match=told):
        bootstrap.make_sources(load_settings({"TRUSTWARD_SOURCES": f"[{table}]"}), DECODER.catalogue)


def test_the_page_has_every_setting_of_every_kind() -> None:
    from trustward import bootstrap

    page = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
    for load in bootstrap.source_kinds().values():
        for name, default, said in bootstrap.source_fields(load()):
            assert f"| `{name}` | {default} | {said} |" in page
    assert all(f"tools.{name}" in page for name in Tools._fields)
