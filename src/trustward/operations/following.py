"""What follows from a measure by itself: copies of a blocked link are removed, closed accounts known when they return.

For the worker's rounds: a step at a time, each written with how far it came, so that another worker goes on after a
kill. What follows hangs on its measure, and is lifted with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from trustward.base.errors import StaleError, StoreError, UnavailableError
from trustward.model.changes import ListChange
from trustward.model.enforcement import COPIES, ClosedTrace, Measure
from trustward.model.errand import Mark
from trustward.operations.cases import Cases, News
from trustward.operations.enforcing import Enforcing, Taking
from trustward.operations.searching import Query, Searching
from trustward.operations.taking import UNSAID, errands, list_of
from trustward.ports import Write

PAGE = 100
"""How many entries one step of a sweep finds at most."""
WAIT_US = 60_000_000
"""How long a sweep waits for the link to be on its list, so that nothing is posted behind its back."""
SHARED = 3
"""What more accounts than this use says nothing about who somebody is: a family's telephone, a carrier's address."""
LOOKED_AT = 500
"""How many of the latest events are looked at for what an account has used, and for who else has."""
MOST = 50
REMEMBERED_US = 365 * 86_400_000_000
CONTACTS = ("account.registered", "account.verified", "account.reverified", "account.contact_changed")
MONEY = ("payment.requested", "payment.authorised", "payout.requested", "payout.completed")
"""Events in which a payment account is the very account's own, and not somebody's whom it pays."""
RETURNING = (*CONTACTS, *MONEY, "device.added", "signin.succeeded")
"""Events by which an account is tied to something that a closed one had used."""
MARK = "returning"
LABEL = "returned"
_ENTRIES = 4096
_AT_ONCE = 20
_UNDONE = 200


class Following:
    """The story, for any number of workers."""

    def __init__(self, enforcing: Enforcing, cases: Cases, searching: Searching) -> None:
        self._enforcing = enforcing
        self._cases = cases
        self._store = enforcing.store
        self._searching = searching

    def follow(self) -> int:
        """A step for each measure that has something left to do; how many had."""
        working = self._store.measures.working(_AT_ONCE)
        for measure in working:
            try:
                self._step(measure)
            except (StaleError, UnavailableError):
                continue  # somebody else is at it, or the index is behind: the next round sees
        return len(working)

    def _step(self, measure: Measure) -> None:
        if measure.work == "undo":
            self._forget(measure)
            self._enforcing.settle(measure.id, most=_UNDONE, forgotten=True)
        elif measure.state != "in_force":
            self._write(measure, [], work="")
        elif measure.work == "sweep":
            self._sweep(measure)
        else:
            self._remember(measure)

    def _write(self, measure: Measure, writes: Iterable[Write], **fields: Any) -> None:
        after = msgspec.structs.replace(measure, version=measure.version + 1, **fields)
        self._store.records.write([after, *writes])

    # ------------------------------------------------------------------ copies of a link

    def _sweep(self, measure: Measure) -> None:
        """Remove some more of what names the link, the newest first."""
        now_us = self._enforcing.clock()
        if measure.place is None:
            if self._listed(measure) or now_us - measure.at_us > WAIT_US:
                self._write(measure, [], place=self._store.journal.head() + 1)
            return
        query = Query(kind=measure.kind, entity=measure.entity)
        page = self._searching.page(query, measure.place, PAGE)
        writes: list[Write] = []
        copies: dict[str, tuple[str, str]] = {}
        for found in page.found:
            event = msgspec.json.decode(found.body)
            for kind in COPIES.get(found.decision.type, ()):
                if isinstance(event.get(kind), str):
                    copies[_child(measure, kind, event[kind])] = (kind, event[kind])
        for name, (kind, entity) in copies.items():
            if self._store.measures.get(name) is None:
                writes += self._follows(measure, name, "remove", kind, entity)
        count = measure.copies + sum(isinstance(one, Measure) for one in writes)
        self._write(
            measure,
            writes,
            copies=count,
            place=page.before if page.before is not None else 0,
            work="" if page.before is None else "sweep",
        )

    def _listed(self, measure: Measure) -> bool:
        entry = self._store.kept.list_entry(list_of(measure), measure.entity)
        return entry is not None and entry.present

    def _follows(
        self, measure: Measure, id: str, do: str, kind: str, entity: str, *, note: str = "", reasons: str = ""
    ) -> list[Write]:
        now_us = self._enforcing.clock()
        lasts_us = None if measure.ends_us is None else measure.ends_us - now_us
        if lasts_us is not None and lasts_us <= 0:
            return []
        taking = Taking(
            do=do,
            kind=kind,
            entity=entity,
            cause=measure.cause,
            policy=measure.policy,
            reasons=reasons or f"it names {measure.entity}, which is blocked: {measure.reasons}"[:4000],
            actor=measure.actor,
            lasts_us=lasts_us,
            note=note,
            withhold=measure.notice == "withheld",
            secret=measure.secret,
            automated=True,
            id=id,
            parent=measure.id,
        )
        return self._enforcing.to_take(taking)[1]

    # ------------------------------------------------------------------ closed accounts

    def _remember(self, measure: Measure) -> None:
        """Note what a closed account has used, as far as it is strong enough to know it by."""
        now_us = self._enforcing.clock()
        traces = [tie for tie in self._used(measure) if self._own(*tie)]
        until_us = min(now_us + REMEMBERED_US, measure.ends_us or now_us + REMEMBERED_US)
        writes: list[Write] = []
        for kind, entity in traces:
            id = f"{kind}:{entity}"  # noqa: A001 - it is the record's
            trace = self._store.records.get(ClosedTrace, id) or ClosedTrace(id=id, version=0)
            kept = (*trace.measures, measure.id)
            until = max(until_us, trace.until_us or 0)
            writes.append(msgspec.structs.replace(trace, version=trace.version + 1, measures=kept, until_us=until))
            writes.append(self._listing(measure, kind, entity, until))
        self._write(measure, writes, work="", traces=tuple(traces))

    def _used(self, measure: Measure) -> list[tuple[str, str]]:
        """What an account itself has used lately; nothing of whom it met."""
        page = self._searching.page(Query(kind=measure.kind, entity=measure.entity), None, LOOKED_AT)
        used = [ties(msgspec.json.decode(found.body)) for found in page.found]
        return list(dict.fromkeys(tie for account, some in used if account == measure.entity for tie in some))[:MOST]

    def _own(self, kind: str, entity: str) -> bool:
        """Whether few enough accounts have used something for it to say who somebody is."""
        page = self._searching.page(Query(kind=kind, entity=entity), None, LOOKED_AT)
        used = [ties(msgspec.json.decode(found.body)) for found in page.found]
        return len({account for account, some in used if (kind, entity) in some}) <= SHARED

    def _listing(self, measure: Measure, kind: str, entity: str, until_us: int | None) -> Write:
        present = until_us is not None
        change = ListChange(
            actor="trustward",
            origin=UNSAID if measure.secret else f"measure:{measure.id}",
            reason="a closed account has used it" if present else "the account is not closed any more",
            list=f"closed-{kind.replace('_', '-')}",
            put=(entity,) if present else (),
            gone=() if present else (entity,),
            expires_us=until_us,
        )
        name = blake2b(f"{kind}\0{entity}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        what = "trace" if present else "forgotten"
        return errands(measure, f"{what}:{name}:", [change], self._enforcing.clock())[0]

    def _forget(self, measure: Measure) -> None:
        """What an account was remembered by is not, once it is not closed any more; nor what nobody else closed had."""
        writes: list[Write] = []
        for kind, entity in measure.traces:
            trace = self._store.records.get(ClosedTrace, f"{kind}:{entity}")
            if trace is None or measure.id not in trace.measures:
                continue
            left = tuple(name for name in trace.measures if name != measure.id)
            writes.append(msgspec.structs.replace(trace, version=trace.version + 1, measures=left))
            if not left:
                writes.append(self._listing(measure, kind, entity, None))
        if writes:
            self._store.records.write(writes)

    def watch(self) -> int:
        """Read on in the journal: which accounts come back; how many have.

        Such an account is labelled, for rules, and gets a case.
        """
        count = 0
        while True:
            mark = self._store.records.get(Mark, MARK) or Mark(id=MARK, version=0, seq=0)
            found, seq = self._returning(mark.seq)
            if seq == mark.seq:
                return count
            writes: list[Write] = [Mark(id=MARK, version=mark.version + 1, seq=seq)]
            for account, (closed, traces) in found.items():
                writes += self._returned(account, closed, traces)
            try:
                self._store.records.write(writes)
            except (StaleError, StoreError):
                return count  # somebody else was first, or a case has just changed: the next round sees
            count += len(found)

    def _returning(self, after: int) -> tuple[dict[str, tuple[Measure, tuple[tuple[str, str], ...]]], int]:
        found: dict[str, tuple[Measure, tuple[tuple[str, str], ...]]] = {}
        seq = after
        for segment in self._store.journal.read(after, _ENTRIES):
            if segment.kind == "events" and any(f'"type":"{name}"'.encode() in segment.body for name in RETURNING):
                for at, line in enumerate(segment.lines(), segment.first):
                    if at > after:
                        self._look(line, segment.at_us, found)
            seq = segment.last
        return found, seq

    def _look(self, line: bytes, at_us: int, found: dict[str, tuple[Measure, tuple[tuple[str, str], ...]]]) -> None:
        event = msgspec.json.decode(line)
        if event["type"] not in RETURNING:
            return
        account, used = ties(event)
        for kind, entity in used:
            trace = self._store.records.get(ClosedTrace, f"{kind}:{entity}")
            if trace is None or (trace.until_us is not None and at_us > trace.until_us):
                continue
            for name in trace.measures:
                closed = self._store.measures.get(name)
                if closed is None or closed.state != "in_force" or closed.entity == account:
                    continue
                if event["type"] != "account.registered" and not self._newer(account, closed):
                    continue
                before = found.get(account)
                traces = before[1] if before is not None else ()
                found[account] = (before[0] if before is not None else closed, (*traces, (kind, entity)))
                break

    def _newer(self, account: str, closed: Measure) -> bool:
        """Whether an account has been registered since another one was closed: who shared a device before has not."""
        query = Query(kind="account", entity=account, type="account.registered", from_us=closed.at_us)
        return bool(self._searching.page(query, None, 1).found)

    def _returned(self, account: str, closed: Measure, traces: tuple[tuple[str, str], ...]) -> list[Write]:
        name = _child(closed, "account", account)
        if self._store.measures.get(name) is not None:
            return []
        shared = ", ".join(dict.fromkeys(kind for kind, _ in traces))
        # What was closed in secret is not named.
        said = f"shares {shared} with " + (
            "a closed account" if closed.secret else f"the closed account {closed.entity}"
        )
        news = News(
            kind="account",
            entity=account,
            actor="trustward",
            what="decided_on",
            said=said,
            category="fake_account",
            entities=tuple(dict.fromkeys(traces)) if closed.secret else (("account", closed.entity), *traces),
            harm=50,
        )
        label = self._follows(closed, name, "label", "account", account, note=LABEL, reasons=said)
        return [*label, *self._cases.to_join(news)[1]]


def ties(event: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The account that acts in an event, and what it shows of itself: device, telephone, mail, payment account.

    >>> ties({"type": "message.sent", "sender": "a1", "recipient": "a2", "device": "d1", "phone": "+65"})
    ('a1', [('device', 'd1')])
    """
    account = event.get("account") or event.get("sender") or ""
    kinds = ["device"]
    if event["type"] in CONTACTS:
        kinds += ["phone", "email"]
    if event["type"] in MONEY:
        kinds.append("payment_account")
    return account, [(kind, event[kind]) for kind in kinds if account and isinstance(event.get(kind), str)]


def _child(measure: Measure, kind: str, entity: str) -> str:
    """The id of what follows from a measure for an entity: always the same."""
    return blake2b(f"{measure.id}\0{kind}\0{entity}".encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
