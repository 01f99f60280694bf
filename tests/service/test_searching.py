"""Looking back gives what a look at every entry gives, however the index stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.kit import DECODER, compile_policy, faulty, host_over, stream
from trustward.adapters.store.memory import MemoryStore
from trustward.model.changes import LabelChange
from trustward.model.journal import Found
from trustward.operations.indexing import Indexing
from trustward.operations.recovery import Replayer
from trustward.operations.retelling import Retelling
from trustward.operations.searching import LINKED_EVENTS, Query, Searching
from trustward.ports import Store

EVENTS = 400
DAY_US = 86_400_000_000


def filled(store: Store, count: int = EVENTS, seed: int = 3) -> None:
    """A journal of many small commits over some days, with changes between."""
    now = [10 * DAY_US * 2000]

    def clock() -> int:
        now[0] += 977_000_000
        return now[0]

    host = host_over(store, clock=clock, skew_us=10**18, snapshot_events=200)
    host.start()
    events = stream(count, seed, f"s{seed}-")
    faults = faulty(events)
    at = 0
    for number in range(10**6):
        size = (1, 7, 40, 3)[number % 4]
        some = {place - at: found for place, found in faults.items() if at <= place < at + size}
        host.submit(events[at : at + size], some).result()
        if number % 9 == 0:
            host.change(LabelChange(actor="kim", kind="account", entity="abcd"[number % 4], label="busy")).result()
        at += size
        if at >= count:
            break
    host.close()


def every(store: Store) -> list[Found]:
    """Every event of the journal, the newest first."""
    found = []
    for seq in range(store.journal.head(), 0, -1):
        one = store.journal.entry(seq)
        if one is not None:
            found.append(one)
    return found


def wanted(query: Query, found: Found) -> bool:
    """The plain meaning of a query."""
    event = msgspec.json.decode(found.body)
    kinds = DECODER.catalogue.types[found.decision.type].fields
    return (
        (query.from_us is None or found.at_us >= query.from_us)
        and (query.to_us is None or found.at_us < query.to_us)
        and (not query.type or event["type"] == query.type)
        and (not query.rule or query.rule in {hit.id for hit in found.decision.rules})
        and (not query.verdicts or found.decision.verdict in query.verdicts)
        and (
            not query.kind
            or any(
                kinds[name].kind == query.kind and query.entity in ([value] if isinstance(value, str) else value)
                for name, value in event.items()
                if name in kinds and kinds[name].kind
            )
        )
    )


def paged(searching: Searching, query: Query, limit: int) -> Iterator[Found]:
    before: int | None = None
    for _ in range(10_000):
        page = searching.page(query, before, limit)
        assert len(page.found) <= limit
        yield from page.found
        before = page.before
        if before is None:
            return
    raise AssertionError("no end")


@pytest.fixture(scope="module")
def journal() -> tuple[MemoryStore, list[Found]]:
    store = MemoryStore()
    filled(store)
    return store, every(store)


def queries(found: list[Found]) -> st.SearchStrategy[Query]:
    times = st.one_of(st.none(), st.sampled_from(found).map(lambda one: one.at_us), st.integers(0, 2**62))
    rules = sorted({hit.id for one in found for hit in one.decision.rules})
    entities = st.sampled_from(
        [("", ""), ("account", "a"), ("account", "x"), ("device", "d1"), ("url", "http://x.example/"), ("device", "a")]
    )
    verdicts = st.lists(st.sampled_from(["allow", "warn", "challenge", "limit", "hold", "block"]), max_size=2)
    return st.builds(
        lambda from_us, to_us, name, entity, rule, verdicts: Query(
            from_us=from_us,
            to_us=to_us,
            type=name,
            kind=entity[0],
            entity=entity[1],
            rule=rule,
            verdicts=tuple(dict.fromkeys(verdicts)),
        ),
        times,
        times,
        st.sampled_from(["", "message.sent", "payment.requested", "account.closed"]),
        entities,
        st.sampled_from(["", "no-such-rule", *rules]),
        verdicts,
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_search_gives_what_a_full_scan_gives(journal: tuple[MemoryStore, list[Found]], data: st.DataObject) -> None:
    store, found = journal
    store.index.clear()
    query = data.draw(queries(found))
    # Anything from no index to a whole one, of small and of merged runs.
    size, merged = data.draw(st.sampled_from([20, 64, 300, 1000])), data.draw(st.sampled_from([2, 3, 16]))
    indexing = Indexing(store, DECODER, size=size, merged=merged)
    for _ in range(data.draw(st.integers(0, 60))):
        indexing.step(rest=data.draw(st.booleans()))
    searching = Searching(store, indexing, examined=data.draw(st.sampled_from([1, 40, 600, 65_536])))
    got = list(paged(searching, query, data.draw(st.sampled_from([1, 3, 50, 500]))))
    assert [one.seq for one in got] == [one.seq for one in found if wanted(query, one)]
    assert got == [one for one in found if wanted(query, one)]


def test_the_same_over_every_database(opened: Callable[[], Store]) -> None:
    store = opened()
    filled(store, 300)
    found = every(store)
    indexing = Indexing(store, DECODER, size=50, merged=3)
    searching = Searching(opened(), indexing)
    asked = [
        Query(),
        Query(kind="account", entity="a"),
        Query(kind="device", entity="d1", type="payment.requested"),
        Query(verdicts=("limit", "hold", "block")),
        Query(type="payment.requested", from_us=found[200].at_us, to_us=found[20].at_us),
        *[Query(rule=rule) for rule in sorted({hit.id for one in found for hit in one.decision.rules})],
    ]
    assert len(asked) > 6
    for _ in range(14):
        for query in asked:
            assert list(paged(searching, query, 37)) == [one for one in found if wanted(query, one)], query
        indexing.step()
    levels = [run.level for run in store.index.runs()]
    assert set(levels) == {0, 1}
    assert indexing.rebuild() == store.journal.head() == Indexing(opened(), DECODER).upto()
    for query in asked:
        assert list(paged(searching, query, 37)) == [one for one in found if wanted(query, one)], query
    for at_us in (0, found[-1].at_us, found[100].at_us, found[100].at_us + 1, found[0].at_us, found[0].at_us + 1):
        since = store.journal.since(at_us)
        assert [one.seq for one in found if one.at_us >= at_us] == [one.seq for one in found if one.seq >= since]


def test_pages_stand_still_while_entries_come_in() -> None:
    store = MemoryStore()
    filled(store, 200)
    searching = Searching(store, Indexing(store, DECODER, size=30))
    query = Query(kind="account", entity="a")
    before = [one for one in every(store) if wanted(query, one)]
    first = searching.page(query, None, 10)
    filled(store, 200, seed=4)
    rest: list[Found] = []
    at = first.before
    while at is not None:
        page = searching.page(query, at, 10)
        rest += page.found
        at = page.before
    assert [*first.found, *rest] == before
    assert searching.page(query, None, 10).found[0].seq > before[0].seq


def test_whom_an_entity_met(journal: tuple[MemoryStore, list[Found]]) -> None:
    store, found = journal
    links = Searching(store, Indexing(store, DECODER, size=100)).links("account", "a")
    mine = [one for one in found if wanted(Query(kind="account", entity="a"), one)]
    counts: Counter[tuple[str, str]] = Counter()
    for one in mine:
        event = msgspec.json.decode(one.body)
        fields = DECODER.catalogue.types[event["type"]].fields
        met = set()
        for name, value in event.items():
            if name in fields and fields[name].kind:
                met |= {(fields[name].kind, each) for each in ([value] if isinstance(value, str) else value)}
        counts.update(met - {("account", "a")})
    assert {(one.kind, one.id): one.events for one in links.met} == dict(counts)
    assert len(mine) <= LINKED_EVENTS
    assert (links.events, links.whole) == (len(mine), True)
    last = {(one.kind, one.id): one.last_us for one in links.met}
    assert last["device", "d1"] == next(one.at_us for one in mine if b'"d1"' in one.body)


def test_a_type_that_the_catalogue_has_lost_is_found_by_its_name() -> None:
    store = MemoryStore()
    filled(store, 60)
    known = msgspec.structs.replace(DECODER.catalogue, types={"message.sent": DECODER.catalogue.types["message.sent"]})
    from trustward.exchange.decode import EventDecoder

    indexing = Indexing(store, EventDecoder(known))
    indexing.rebuild()
    found = [one for one in every(store) if one.decision.type == "payment.requested"]
    assert list(paged(Searching(store, indexing), Query(type="payment.requested"), 9)) == found
    assert found


@pytest.mark.parametrize("how", ["from the start", "from a snapshot", "too far"])
def test_a_past_decision_is_explained_as_it_came_about(how: str) -> None:
    store = MemoryStore()
    filled(store, 500)
    if how == "from the start":
        store.snapshots.prune(0)
    replayer = Replayer(store, DECODER, compile_policy, 10**18)
    retelling = Retelling(store, replayer)
    told: Counter[Any] = Counter()
    for one in every(store)[::17]:
        most = 3 if how == "too far" else 10_000
        retold = retelling.retell(one, most)
        if how == "too far" and retelling.distance(one.seq) > most:
            assert retold is None
            continue
        assert retold is not None
        assert retold.same
        assert retold.replayed == one.seq - 1 - retold.snapshot <= most
        held = {rule.id for rule in retold.rules if rule.condition.outcome == "holds"}
        assert held == {hit.id for hit in one.decision.rules if hit.mode != "fault"}
        told[bool(held)] += 1
        assert retold.snapshot == max((i.seq for i in store.snapshots.stored() if i.seq < one.seq), default=0)
    if how != "too far":
        assert told[True]
        assert told[False]


def test_whoever_asks_makes_the_index_where_no_worker_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from trustward.base.errors import UnavailableError
    from trustward.operations import searching

    store = MemoryStore()
    filled(store, 200)
    monkeypatch.setattr(searching, "_BEHIND", 40)
    asked = Searching(store, Indexing(store, DECODER, size=30))
    assert len(list(paged(asked, Query(kind="account", entity="a"), 50))) > 20
    assert store.journal.head() - asked._indexing.upto() < 40
    store.index.clear()
    monkeypatch.setattr(searching, "_TRIES", 2)
    with pytest.raises(UnavailableError, match="behind"):
        asked.page(Query())
