"""The store in memory: for tests, and as the plainest statement of what the ports promise. Nothing survives it."""

from __future__ import annotations

import shutil
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from trustward.adapters.store.elsewhere import Elsewhere
from trustward.adapters.store.memory_archived import MemoryArchived, MemoryShelf
from trustward.adapters.store.memory_cases import MemoryCases, MemoryErrands, MemoryReports
from trustward.adapters.store.memory_dossiers import MemoryBundles, MemoryDossiers
from trustward.adapters.store.memory_enforcement import MemoryAppeals, MemoryMeasures
from trustward.adapters.store.memory_index import MemoryIndex, Runs
from trustward.adapters.store.memory_orders import MemoryOrders
from trustward.adapters.store.memory_outbox import MemoryEffects, MemoryOutbox, Sent
from trustward.adapters.store.memory_people import Known, MemoryAttempts, MemoryPeople, MemorySessions, MemoryTickets
from trustward.adapters.store.memory_proposals import MemoryProposals
from trustward.adapters.store.memory_records import Held, MemoryDuties, MemoryRecords
from trustward.adapters.store.memory_retained import MemoryRetained
from trustward.adapters.store.memory_trials import MemoryTrials, Tried
from trustward.base.errors import NotFoundError, StateError, WriterError
from trustward.model.archived import ArchivedDay
from trustward.model.changes import Change, LabelChange, ListChange, PolicyChange, SnoozeChange, decode_change
from trustward.model.duty import Duty
from trustward.model.journal import Commit, Found, Segment, found_in
from trustward.model.proposal import Proposal
from trustward.model.removed import by_name
from trustward.model.retention import Done
from trustward.model.stored import (
    ApiKey,
    AuditQuery,
    AuditRow,
    LabelMark,
    Lease,
    ListEntry,
    SnapshotInfo,
    Snooze,
    StoredPolicy,
    rotated,
)


class MemoryStore:
    """Every port of the store. ``shared`` is what another store over the same "database" has: its ``tables``."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or Tables()
        self.writer = _Writer(self.tables)
        tables = self.tables
        self.archived = MemoryArchived(tables.days, tables.segments, tables.sent)
        self.retained = MemoryRetained(
            tables.held, tables.segments, tables.days, tables.retained, (tables.audit, tables.audit_secret)
        )
        self.shelf = tables.shelf
        self.journal = _Journal(tables, Elsewhere(self.archived, self.shelf))
        self.index = MemoryIndex(self.tables.runs)
        self.outbox = MemoryOutbox(self.tables.sent, self.tables.record)
        self.effects = MemoryEffects(self.tables.sent, self.tables.record)
        self.kept = _Kept(self.tables)
        self.policies = _Policies(self.tables)
        self.keys = _Keys(self.tables)
        self.audit = _Audit(self.tables)
        self.snapshots = _Snapshots(self.tables)
        self.people = MemoryPeople(self.tables.people, self.tables.record)
        self.sessions = MemorySessions(self.tables.people, self.tables.record)
        self.tickets = MemoryTickets(self.tables.people, self.tables.record)
        self.attempts = MemoryAttempts(self.tables.people)
        self.trials = MemoryTrials(self.tables.tried, self.tables.record)
        self.proposals = MemoryProposals(self.tables.proposals, self.tables.record)
        self.records = MemoryRecords(self.tables.held)
        self.duties = MemoryDuties(self.tables.held)
        self.reports = MemoryReports(self.tables.held)
        self.cases = MemoryCases(self.tables.held)
        self.errands = MemoryErrands(self.tables.held)
        self.dossiers = MemoryDossiers(self.tables.held)
        self.bundles = MemoryBundles(self.tables.held)
        self.orders = MemoryOrders(self.tables.held)
        self.measures = MemoryMeasures(self.tables.held)
        self.appeals = MemoryAppeals(self.tables.held)

    def close(self) -> None:
        """See :class:`trustward.ports.Store`."""
        self.writer.drop()


class Tables:
    """What would be on disk."""

    def __init__(self) -> None:
        self.holder: object = None
        self.epoch = 0
        self.owner = ""
        self.segments: list[Segment] = []
        self.ids: dict[str, int] = {}
        self.runs = Runs()
        self.days: list[ArchivedDay] = []
        self.shelf = MemoryShelf()
        self.retained: dict[tuple[str, str], Done] = {}
        self.sent = Sent()
        self.tried = Tried()
        self.proposals: dict[str, Proposal] = {}
        self.labels: dict[tuple[str, str, str], LabelMark] = {}
        self.lists: dict[tuple[str, str], ListEntry] = {}
        self.snoozes: dict[tuple[str, str, str], Snooze] = {}
        self.policies: dict[str, StoredPolicy] = {}
        self.keys: dict[str, ApiKey] = {}
        self.people = Known()
        self.audit: list[AuditRow] = []
        self.audit_secret: list[AuditRow] = []
        self.snapshots: dict[int, tuple[SnapshotInfo, bytes]] = {}
        self.held = Held(self.sent, self.record)

    def last(self) -> int:
        """The number of the last entry."""
        return max(self.segments[-1].last if self.segments else 0, self.days[-1].last if self.days else 0)

    def record(self, row: AuditRow) -> None:
        """Add a row to the audit."""
        book = self.audit_secret if row.secret else self.audit
        book.append(msgspec.structs.replace(row, number=book[-1].number + 1 if book else 1))


class _Writer:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def acquire(self, owner: str, now_us: int) -> Lease:  # noqa: ARG002 - nobody reads it here
        held = self._tables
        if held.holder not in (None, self):
            raise WriterError(f"{held.owner} writes to this data", remedy="stop it first")
        held.holder, held.owner = self, owner
        held.epoch += 1
        return Lease(epoch=held.epoch, owner=owner)

    def release(self, lease: Lease) -> None:
        if self._tables.epoch == lease.epoch:
            self.drop()

    def drop(self) -> None:
        if self._tables.holder is self:
            self._tables.holder = None


class _Journal:
    def __init__(self, tables: Tables, elsewhere: Elsewhere) -> None:
        self._tables = tables
        self._elsewhere = elsewhere

    def append(self, lease: Lease, commit: Commit) -> None:
        tables = self._tables
        if lease.epoch != tables.epoch:
            raise WriterError(f"{tables.owner} has taken over the journal", remedy="leave the data to it")
        if commit.first != tables.last() + 1:
            raise WriterError(f"entry {commit.first} does not follow {tables.last()}", remedy="read the journal again")
        tables.segments.extend(commit.segments)
        seqs = [seq for one in commit.segments if one.kind == "events" for seq in range(one.first, one.last + 1)]
        tables.ids.update(zip(commit.ids, seqs, strict=True))
        tables.sent.add(commit.actions)
        for segment in commit.segments:
            if segment.kind == "change":
                _follow(tables, segment, decode_change(segment.body))

    def head(self) -> int:
        return self._tables.last()

    def read(self, after: int, limit: int) -> Sequence[Segment]:
        moved = self._elsewhere.read(after, limit)
        if moved is not None:
            return moved
        found: list[Segment] = []
        for segment in self._tables.segments:
            if segment.last > after and (not found or segment.first <= after + limit):
                found.append(segment)
        return found

    def find(self, ids: Sequence[str]) -> Mapping[str, Found]:
        places = [seq for name in ids if (seq := self._tables.ids.get(name)) is not None]
        return by_name(ids, self.entries(places))

    def entry(self, seq: int) -> Found | None:
        segments = self._tables.segments
        at = bisect_right(segments, seq, key=lambda segment: segment.first) - 1
        if at < 0:
            return next(iter(self._elsewhere.entries([seq])), None)
        if segments[at].kind != "events" or seq > segments[at].last:
            return None
        return found_in(segments[at], [seq - segments[at].first])[0]

    def entries(self, seqs: Sequence[int]) -> Sequence[Found]:
        return [one for seq in sorted(seqs) if (one := self.entry(seq)) is not None]

    def since(self, at_us: int) -> int:
        moved = self._elsewhere.since(at_us)
        if moved is not None:
            return moved
        segments = self._tables.segments
        at = bisect_left(segments, at_us, key=lambda segment: segment.at_us)
        return segments[at].first if at < len(segments) else self._tables.last() + 1


def _follow(tables: Tables, segment: Segment, change: Change) -> None:
    said = {
        "actor": change.actor,
        "origin": change.origin,
        "reason": change.reason,
        "at_us": segment.at_us,
        "seq": segment.first,
    }
    match change:
        case LabelChange():
            key = (change.kind, change.entity, change.label)
            subject = "label:" + ":".join(key)
            tables.labels.pop(key, None)
            if change.present is not None:
                fields = {"kind": key[0], "entity": key[1], "label": key[2], "expires_us": change.expires_us, **said}
                tables.labels[key] = msgspec.convert({**fields, "present": change.present}, LabelMark)
        case ListChange():
            subject = f"list:{change.list}"
            for values, present, until in ((change.gone, False, None), (change.put, True, change.expires_us)):
                for value in values:
                    fields = {"list": change.list, "value": value, "present": present, "expires_us": until, **said}
                    tables.lists[change.list, value] = msgspec.convert(fields, ListEntry)
        case SnoozeChange():
            key = (change.rule, change.kind, change.entity)
            subject = "rule:" + ":".join(key)
            fields = {"rule": key[0], "kind": key[1], "entity": key[2], "until_us": change.until_us, **said}
            tables.snoozes[key] = msgspec.convert(fields, Snooze)
        case PolicyChange():
            subject = f"policy:{change.policy}"
            for name, held in tables.policies.items():
                if name == change.policy:
                    if change.mode == "live" or held.mode != "live":
                        tables.policies[name] = msgspec.structs.replace(held, mode=change.mode)
                elif change.mode in {"live", "shadow"} and held.mode == change.mode:
                    tables.policies[name] = msgspec.structs.replace(held, mode="off")
            tables.tried.follow(segment, change)
    detail = msgspec.json.encode({"origin": change.origin, "reason": change.reason})
    name = type(change).__name__.removesuffix("Change").lower()
    tables.record(
        AuditRow(
            at_us=segment.at_us,
            actor=change.actor,
            action=f"{name}.changed",
            subject=subject,
            detail=detail,
            seq=segment.first,
        )
    )


class _Kept:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def labels(self, kind: str, entity: str) -> Sequence[LabelMark]:
        return [mark for key, mark in sorted(self._tables.labels.items()) if key[:2] == (kind, entity)]

    def list_entries(self, name: str, after: str = "", limit: int = 1000) -> Sequence[ListEntry]:
        found = [
            entry for (list_, value), entry in sorted(self._tables.lists.items()) if list_ == name and value > after
        ]
        return found[:limit]

    def list_entry(self, name: str, value: str) -> ListEntry | None:
        return self._tables.lists.get((name, value))

    def snoozes(self) -> Sequence[Snooze]:
        return [snooze for _, snooze in sorted(self._tables.snoozes.items())]


class _Policies:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, policy: StoredPolicy) -> None:
        if policy.hash not in self._tables.policies:
            self._tables.policies[policy.hash] = msgspec.structs.replace(policy, mode="off")
            subject = f"policy:{policy.hash}"
            row = AuditRow(at_us=policy.at_us, actor=policy.actor, action="policy.added", subject=subject)
            self._tables.record(row)

    def get(self, hash: str) -> StoredPolicy | None:
        return self._tables.policies.get(hash)

    def all(self) -> Sequence[StoredPolicy]:
        latest = sorted(self._tables.policies.values(), key=lambda policy: (-policy.at_us, policy.hash))
        return [msgspec.structs.replace(policy, sources=()) for policy in latest]

    def live(self) -> StoredPolicy | None:
        return next((policy for policy in self._tables.policies.values() if policy.mode == "live"), None)


class _Keys:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, key: ApiKey) -> None:
        self._tables.keys[key.id] = key
        detail = msgspec.json.encode({"name": key.name, "scopes": key.scopes})
        subject = f"key:{key.id}"
        self._tables.record(
            AuditRow(at_us=key.created_us, actor=key.actor, action="key.created", subject=subject, detail=detail)
        )

    def get(self, id: str) -> ApiKey | None:
        return self._tables.keys.get(id)

    def all(self) -> Sequence[ApiKey]:
        return sorted(self._tables.keys.values(), key=lambda key: (key.created_us, key.id))

    def revoke(self, id: str, actor: str, at_us: int) -> None:
        held = self._tables.keys.get(id)
        if held is None:
            raise NotFoundError(f"no such key: {id[:80]}", remedy="trustward keys list shows all")
        if held.revoked_us is None or held.revoked_us > at_us:
            self._tables.keys[id] = msgspec.structs.replace(held, revoked_us=at_us)
            self._tables.record(AuditRow(at_us=at_us, actor=actor, action="key.revoked", subject=f"key:{id}"))

    def rotate(self, id: str, key: ApiKey, until_us: int) -> None:
        held = self._tables.keys.get(id)
        if held is None:
            raise NotFoundError(f"no such key: {id[:80]}", remedy="trustward keys list shows all")
        if held.revoked_us is None or held.revoked_us > until_us:
            self._tables.keys[id] = msgspec.structs.replace(held, revoked_us=until_us)
        self._tables.keys[key.id] = key
        self._tables.record(rotated(id, key, until_us))


class _Audit:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def record(self, row: AuditRow) -> None:
        self._tables.record(row)

    def read(self, after: int, limit: int) -> Sequence[AuditRow]:
        return [row for row in self._tables.audit if row.number > after][:limit]

    def read_secret(self, after: int, limit: int) -> Sequence[AuditRow]:
        return [row for row in self._tables.audit_secret if row.number > after][:limit]

    def find(self, query: AuditQuery, before: int | None, limit: int) -> Sequence[AuditRow]:
        duties = self._tables.held.of(Duty)
        found: list[AuditRow] = []
        book = self._tables.audit_secret if query.hidden else self._tables.audit
        for row in reversed([row for row in book if before is None or row.number < before]):
            kind, _, named = row.subject.partition(":")
            hidden = (
                kind == "duty" and not (query.secret or query.hidden) and (named not in duties or duties[named].secret)
            )
            if len(found) < limit and query.fits(row) and not hidden:
                found.append(row)
        return found


class _Snapshots:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def stored(self) -> Sequence[SnapshotInfo]:
        return [info for _, (info, _) in sorted(self._tables.snapshots.items(), reverse=True)]

    def write(self, info: SnapshotInfo, save: Callable[[Path], None]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="trustward-"))
        try:
            save(folder / "state")
            self._tables.snapshots[info.seq] = (info, (folder / "state").read_bytes())
        finally:
            shutil.rmtree(folder)

    @contextmanager
    def open(self, info: SnapshotInfo) -> Iterator[Path]:
        held = self._tables.snapshots.get(info.seq)
        if held is None:
            raise StateError(f"the snapshot of entry {info.seq} is gone", remedy="the journal serves as well")
        with tempfile.TemporaryDirectory(prefix="trustward-") as folder:
            path = Path(folder) / "state"
            path.write_bytes(held[1])
            yield path

    def drop(self, info: SnapshotInfo) -> None:
        self._tables.snapshots.pop(info.seq, None)

    def prune(self, keep: int) -> None:
        for info in self.stored()[keep:]:
            self.drop(info)
