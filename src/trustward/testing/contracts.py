"""What every adapter of a port must do, as tests. An adapter's test class inherits a contract and says how to open it.

class TestMemoryJournal(JournalContract):
    @pytest.fixture
    def opened(self): ...  # a function that opens another store over the same data
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha512
from pathlib import Path

import msgspec
import pytest

from trustward.base.errors import NotFoundError, StateError, WriterError
from trustward.model.changes import Change, LabelChange, ListChange, PolicyChange, SnoozeChange, encode_change
from trustward.model.decision import Decision, Fault
from trustward.model.journal import ActionRow, Commit, Segment, encode_decisions, encode_faults, found_in, plain_allow
from trustward.model.stored import ApiKey, AuditRow, Lease, SnapshotInfo, StoredPolicy
from trustward.ports import Store

Open = Callable[[], Store]
"""Opens one more store over the same data, as another process would."""

POLICY = "p" * 64


def body(*ids: str) -> bytes:
    """Events as they lie in a segment."""
    return b"".join(b'{"type":"t","id":"%s","time":"2026-01-01T00:00:00Z"}\n' % name.encode() for name in ids)


def held(id: str) -> Decision:
    """A decision that is more than a plain allow."""
    return msgspec.structs.replace(plain_allow(id, "t", "2026-01-01T00:00:00Z", POLICY), verdict="hold", score=0.5)


def events(first: int, *ids: str, decided: tuple[int, ...] = (), faults: tuple[int, ...] = ()) -> Commit:
    """A commit of one segment of events; some decided, some faulty."""
    decisions = [(at, held(ids[at])) for at in decided]
    segment = Segment(
        first=first,
        count=len(ids),
        kind="events",
        at_us=1000 + first,
        policy=POLICY,
        body=body(*ids),
        decisions=encode_decisions(decisions),
        faults=encode_faults({at: (Fault(path="$.x", cause="wrong"),) for at in faults}),
    )
    actions = tuple(ActionRow(seq=first + at, number=0, at_us=1000 + first, body=b'{"do":"hold"}') for at in decided)
    return Commit(segments=(segment,), ids=ids, actions=actions)


def changed(seq: int, change: Change) -> Commit:
    """A commit of one change."""
    segment = Segment(first=seq, count=1, kind="change", at_us=1000 + seq, policy=POLICY, body=encode_change(change))
    return Commit(segments=(segment,))


LONG = "".join(b64encode(sha512(bytes([number])).digest()).decode() for number in range(45))
"""As long as an entity may nearly be, of which nothing can be packed away."""
ODD = [LONG, "a\0b"]
"""What not every database takes into an index."""


class Contract:
    """The store that a contract is held against."""

    @pytest.fixture
    def store(self, opened: Open) -> Store:
        """The first store over the data."""
        return opened()

    @pytest.fixture
    def lease(self, store: Store) -> Lease:
        """The right to write to it."""
        return store.writer.acquire("one", 5)


class WriterContract(Contract):
    """One process at a time; whoever comes later fences off whoever was before."""

    def test_one_at_a_time(self, store: Store, opened: Open) -> None:
        lease = store.writer.acquire("one", 5)
        other = opened()
        with pytest.raises(WriterError, match="one"):
            other.writer.acquire("two", 6)
        store.writer.release(lease)
        later = other.writer.acquire("two", 7)
        assert later.epoch > lease.epoch

    def test_the_end_of_a_store_frees_the_place(self, store: Store, opened: Open) -> None:
        lease = store.writer.acquire("one", 5)
        store.writer.release(lease)
        store.close()
        assert opened().writer.acquire("two", 6).owner == "two"

    def test_acquiring_again_keeps_the_place(self, store: Store, opened: Open) -> None:
        before = store.writer.acquire("one", 5)
        after = store.writer.acquire("one", 6)
        with pytest.raises(WriterError):
            opened().writer.acquire("two", 7)
        with pytest.raises(WriterError, match="taken over"):
            store.journal.append(before, events(1, "a"))
        store.journal.append(after, events(1, "a"))

    def test_the_fence(self, store: Store, opened: Open, lease: Lease) -> None:
        store.journal.append(lease, events(1, "a"))
        store.writer.release(lease)
        other = opened()
        other.journal.append(other.writer.acquire("two", 6), events(2, "b"))
        with pytest.raises(WriterError, match="taken over"):
            store.journal.append(lease, events(3, "c"))
        store.writer.release(lease)
        assert store.journal.head() == 2
        with pytest.raises(WriterError):
            opened().writer.acquire("three", 7)


class JournalContract(Contract):
    """Entries in order, without gaps, whole or not at all; found by id, by number, and in order."""

    def test_empty(self, store: Store) -> None:
        assert store.journal.head() == 0
        assert store.journal.read(0, 10) == []
        assert store.journal.find(["a"]) == {}
        assert store.journal.find([]) == {}
        assert store.journal.entry(1) is None

    def test_what_was_appended_is_read(self, store: Store, lease: Lease, opened: Open) -> None:
        first, second = events(1, "a", "b", decided=(1,), faults=(0,)), events(3, "c")
        store.journal.append(lease, first)
        store.journal.append(lease, second)
        for one in (store, opened()):
            assert one.journal.head() == 3
            assert list(one.journal.read(0, 100)) == [*first.segments, *second.segments]
            assert list(one.journal.read(2, 100)) == list(second.segments)
            assert list(one.journal.read(1, 1)) == list(first.segments)
            assert one.journal.read(3, 1) == []

    def test_found_by_id(self, store: Store, lease: Lease, opened: Open) -> None:
        other = opened()
        store.journal.append(lease, events(1, "a", "b", decided=(1,), faults=(0,)))
        assert set(store.journal.find(["a", "x"])) == {"a"}
        store.journal.append(lease, events(3, "c"))
        for one in (store, opened(), other):
            found = one.journal.find(["c", "b", "a", "no"])
            assert set(found) == {"a", "b", "c"}
            assert (found["a"].seq, found["b"].seq, found["c"].seq) == (1, 2, 3)
            assert found["b"].decision == held("b")
            assert found["c"].decision == plain_allow("c", "t", "2026-01-01T00:00:00Z", POLICY)
            assert found["a"].faults == (Fault(path="$.x", cause="wrong"),)
            assert found["a"].body + b"\n" == body("a")
            assert found["a"].at_us == 1001
            assert one.journal.entry(2) == found["b"]
            assert one.journal.entry(4) is None

    def test_many_segments_and_ids(self, store: Store, lease: Lease, opened: Open) -> None:
        seq = 1
        for number in range(60):
            ids = [f"e{number}-{at}" for at in range(1 + number % 7)]
            store.journal.append(lease, events(seq, *ids, decided=(0,)))
            seq += len(ids)
        every = [name for segment in store.journal.read(0, seq) for name in segment.ids()]
        assert len(every) == seq - 1
        for one in (store, opened()):
            found = one.journal.find(every)
            assert [found[name].seq for name in every] == list(range(1, seq))
        after, again = 0, []
        while part := store.journal.read(after, 7):
            again += [name for segment in part for name in segment.ids()]
            after = part[-1].last
        assert again == every

    def test_no_gap_and_no_doubling(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, events(1, "a"))
        for wrong in (events(1, "b"), events(3, "b")):
            with pytest.raises(WriterError, match="follow"):
                store.journal.append(lease, wrong)
        assert store.journal.head() == 1
        assert store.journal.find(["b"]) == {}
        store.journal.append(lease, events(2, "b"))

    def test_a_change_is_an_entry(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, events(1, "a"))
        store.journal.append(lease, changed(2, LabelChange(actor="kim", kind="account", entity="x", label="spam")))
        store.journal.append(lease, events(3, "c"))
        assert [segment.kind for segment in store.journal.read(0, 10)] == ["events", "change", "events"]
        assert store.journal.entry(2) is None
        assert store.journal.find(["c"])["c"].seq == 3

    def test_single_entries(self, store: Store, lease: Lease, opened: Open) -> None:
        ids = tuple(f"e{at}" if at % 7 else f"\u4f60{at}" for at in range(120))
        one = events(1, *ids, decided=(0, 9, 10, 99, 119), faults=(3, 10))
        last = events(122, "z", decided=(0,))
        label = LabelChange(actor="kim", kind="account", entity="x", label="spam")
        for commit in (one, changed(121, label), last):
            store.journal.append(lease, commit)
        every = [*found_in(one.segments[0], range(120)), *found_in(last.segments[0], [0])]
        by_seq = {found.seq: found for found in every}
        for journal in (store.journal, opened().journal):
            # All of a segment, some of it, one; what is a change, and what is not there.
            assert list(journal.entries(range(200))) == every
            for chosen in ([120, 4, 1, 11, 122, 121, 500], [10], [121], [123], []):
                wanted = [by_seq[seq] for seq in sorted(chosen) if seq in by_seq]
                assert list(journal.entries(chosen)) == wanted, chosen
            assert journal.entry(100) == by_seq[100]
            assert journal.find([ids[9], ids[14], "z", "nobody"]) == {
                ids[9]: by_seq[10],
                ids[14]: by_seq[15],
                "z": by_seq[122],
            }

    def test_events_and_a_change_in_one_commit(self, store: Store, lease: Lease, opened: Open) -> None:
        before, after = events(1, "a", "b"), events(4, "c")
        between = changed(3, LabelChange(actor="kim", kind="account", entity="x", label="spam"))
        segments = (*before.segments, *between.segments, *after.segments)
        store.journal.append(lease, Commit(segments=segments, ids=("a", "b", "c")))
        for one in (store, opened()):
            assert {name: found.seq for name, found in one.journal.find(["a", "b", "c"]).items()} == {
                "a": 1,
                "b": 2,
                "c": 4,
            }


class KeptContract(Contract):
    """How things stand follows from the journal's changes, in its transactions."""

    def test_labels(self, store: Store, lease: Lease) -> None:
        label = LabelChange(
            kind="account", entity="a", label="spam", expires_us=99, actor="kim", origin="person", reason="seen"
        )
        store.journal.append(lease, changed(1, label))
        other = msgspec.structs.replace(label, label="fine", present=False, expires_us=None)
        store.journal.append(lease, changed(2, other))
        first, second = store.kept.labels("account", "a")
        assert (first.label, first.present, first.expires_us, first.seq) == ("fine", False, None, 2)
        assert (second.label, second.present, second.expires_us, second.seq) == ("spam", True, 99, 1)
        assert (second.actor, second.origin, second.reason, second.at_us) == ("kim", "person", "seen", 1001)
        store.journal.append(lease, changed(3, msgspec.structs.replace(label, present=None)))
        assert [mark.label for mark in store.kept.labels("account", "a")] == ["fine"]
        assert store.kept.labels("account", "b") == []

    def test_lists(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, changed(1, ListChange(actor="kim", list="l", put=("c", "a", "b"), expires_us=9)))
        store.journal.append(lease, changed(2, ListChange(actor="kim", list="l", gone=("b", "x"))))
        entries = store.kept.list_entries("l")
        assert [(one.value, one.present, one.expires_us, one.seq) for one in entries] == [
            ("a", True, 9, 1),
            ("b", False, None, 2),
            ("c", True, 9, 1),
            ("x", False, None, 2),
        ]
        assert [one.value for one in store.kept.list_entries("l", after="a", limit=2)] == ["b", "c"]
        assert store.kept.list_entries("other") == []
        assert store.kept.list_entry("l", "b") == entries[1]
        assert (store.kept.list_entry("l", "bb"), store.kept.list_entry("other", "b")) == (None, None)

    def test_snoozes(self, store: Store, lease: Lease) -> None:
        change = SnoozeChange(actor="kim", rule="r", kind="account", entity="a", until_us=5)
        store.journal.append(lease, changed(1, change))
        store.journal.append(lease, changed(2, msgspec.structs.replace(change, until_us=7)))
        (snooze,) = store.kept.snoozes()
        assert (snooze.rule, snooze.entity, snooze.until_us, snooze.seq) == ("r", "a", 7, 2)

    def test_a_refused_change_leaves_nothing(self, store: Store, lease: Lease) -> None:
        change = LabelChange(actor="kim", kind="account", entity="a", label="spam")
        with pytest.raises(WriterError):
            store.journal.append(lease, changed(5, change))
        assert store.kept.labels("account", "a") == []
        assert store.audit.read(0, 10) == []


class PoliciesContract(Contract):
    """Policies by hash; at most one is live."""

    def test_kept_and_found(self, store: Store) -> None:
        assert store.policies.live() is None
        assert store.policies.get("h1") is None
        policy = StoredPolicy(hash="h1", name="mine", sources=(("a.policy", "x\n'"),), actor="kim", at_us=1)
        store.policies.add(policy)
        store.policies.add(msgspec.structs.replace(policy, name="other"))
        assert store.policies.get("h1") == policy

    def test_one_is_live(self, store: Store, lease: Lease) -> None:
        for number, name in enumerate(("h1", "h2", "h3"), 1):
            store.policies.add(StoredPolicy(hash=name, name=name, sources=(("a", name),), at_us=number))
        store.journal.append(lease, changed(1, PolicyChange(actor="kim", policy="h1")))
        store.journal.append(lease, changed(2, PolicyChange(actor="kim", policy="h2", mode="shadow")))
        store.journal.append(lease, changed(3, PolicyChange(actor="kim", policy="h3")))
        assert [(one.hash, one.mode) for one in store.policies.all()] == [
            ("h3", "live"),
            ("h2", "shadow"),
            ("h1", "off"),
        ]
        live = store.policies.live()
        assert live is not None
        assert live.sources == (("a", "h3"),)
        store.journal.append(lease, changed(4, PolicyChange(actor="kim", policy="h3", mode="off")))
        # Something always decides: what is live ends by another one's going live only.
        assert store.policies.live() == live


class KeysContract(Contract):
    """Keys by id; what is done to them is in the audit."""

    def test_the_life_of_a_key(self, store: Store, opened: Open) -> None:
        key = ApiKey(id="k1", name="shop", hash=b"\x00\xff", scopes=("decide", "read"), created_us=3, actor="kim")
        store.keys.add(key)
        later = opened()
        assert later.keys.get("k1") == key
        assert later.keys.get("k2") is None
        store.keys.revoke("k1", "lee", 9)
        store.keys.revoke("k1", "lee", 11)
        assert later.keys.all() == [msgspec.structs.replace(key, revoked_us=9)]
        with pytest.raises(NotFoundError):
            store.keys.revoke("k2", "lee", 9)
        said = [(row.number, row.actor, row.action, row.subject, row.at_us) for row in store.audit.read(0, 10)]
        assert said == [(1, "kim", "key.created", "key:k1", 3), (2, "lee", "key.revoked", "key:k1", 9)]

    def test_one_takes_the_place_of_another(self, store: Store, opened: Open) -> None:
        old = ApiKey(id="k1", name="shop", hash=b"a", scopes=("decide",), created_us=3, actor="kim")
        new = msgspec.structs.replace(old, id="k2", hash=b"b", created_us=5)
        store.keys.add(old)
        with pytest.raises(NotFoundError):
            store.keys.rotate("k0", new, 50)
        assert opened().keys.get("k2") is None
        store.keys.rotate("k1", new, 50)
        assert opened().keys.all() == [msgspec.structs.replace(old, revoked_us=50), new]
        store.keys.revoke("k1", "lee", 9)
        assert opened().keys.all() == [msgspec.structs.replace(old, revoked_us=9), new]
        store.keys.rotate("k1", msgspec.structs.replace(old, id="k3", created_us=7), 50)
        assert opened().keys.all()[0].revoked_us == 9
        assert [row.action for row in store.audit.read(1, 10)] == ["key.rotated", "key.revoked", "key.rotated"]


class AuditContract(Contract):
    """Who did what, in order, numbered."""

    def test_in_order(self, store: Store, lease: Lease) -> None:
        row = AuditRow(at_us=1, actor="kim", action="user.created", subject="user:lee", detail=b'{"role":"reviewer"}')
        store.audit.record(row)
        store.journal.append(lease, changed(1, ListChange(actor="lee", list="l", put=("a",), reason="order 7")))
        first, second = store.audit.read(0, 10)
        assert first == msgspec.structs.replace(row, number=1)
        assert (second.actor, second.action, second.subject, second.seq) == ("lee", "list.changed", "list:l", 1)
        assert b"order 7" in second.detail
        assert store.audit.read(1, 10) == [second]
        assert store.audit.read(0, 1) == [first]


class SnapshotsContract(Contract):
    """The newest first; whole, or not there."""

    def test_kept_and_pruned(self, store: Store, opened: Open) -> None:
        assert store.snapshots.stored() == []
        infos = [SnapshotInfo(seq=seq, policy="ab", at_us=seq + 1) for seq in (1, 20, 300)]
        for info in infos:
            store.snapshots.write(info, _saving(b"%d" % info.seq * 100))
        other = opened().snapshots
        assert other.stored() == infos[::-1]
        with other.open(infos[1]) as path:
            assert path.read_bytes() == b"20" * 100
        store.snapshots.prune(2)
        assert other.stored() == [infos[2], infos[1]]
        with pytest.raises(StateError), other.open(infos[0]):
            pass
        store.snapshots.drop(infos[2])
        store.snapshots.drop(infos[2])
        assert other.stored() == [infos[1]]

    def test_a_large_one(self, store: Store) -> None:
        info = SnapshotInfo(seq=1, policy="", at_us=1)
        large = bytes(range(256)) * 80_000
        store.snapshots.write(info, _saving(large))
        with store.snapshots.open(info) as path:
            assert path.read_bytes() == large

    def test_a_failed_one_is_not_there(self, store: Store) -> None:
        def fail(path: Path) -> None:
            raise StateError("no", remedy="none")

        with pytest.raises(StateError):
            store.snapshots.write(SnapshotInfo(seq=1, policy="", at_us=1), fail)
        assert store.snapshots.stored() == []


def _saving(data: bytes) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        path.write_bytes(data)

    return save


CONTRACTS = (
    WriterContract,
    JournalContract,
    KeptContract,
    PoliciesContract,
    KeysContract,
    AuditContract,
    SnapshotsContract,
)
"""One for each port; those of the outbox are in ``outbox_contracts.py``."""
