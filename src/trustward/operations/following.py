"""What follows from a measure by itself: copies of a blocked link are removed, closed accounts known when they return.

For the worker's rounds: a step at a time, each written with how far it came, so that another worker goes on after a
kill. What follows hangs on its measure, and is lifted with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
_LOOKED_BACK = 20
"""Of how many closed accounts that had used the same thing is looked at whether they are closed still."""
_AT_ONCE = 20
_UNDONE = 200

Back = tuple[Measure, tuple[tuple[str, str], ...]]
"""What has closed an account, and what somebody who comes now shares with it."""


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
            try:
                # One by one, for two of them may be one case; whoever is killed meanwhile finds what is done.
                for account, closed in found.items():
                    if writes := self._returned(account, closed):
                        self._store.records.write(writes)
                        count += 1
                self._store.records.write([Mark(id=MARK, version=mark.version + 1, seq=seq)])
            except (StaleError, StoreError):
                return count  # somebody else was first, or a case has just changed: the next round sees

    def _returning(self, after: int) -> tuple[dict[str, dict[str, Back]], int]:
        found: dict[str, dict[str, Back]] = {}
        seq = after
        for segment in self._store.journal.read(after, _ENTRIES):
            if segment.kind == "events" and any(f'"type":"{name}"'.encode() in segment.body for name in RETURNING):
                for at, line in enumerate(segment.lines(), segment.first):
                    if at > after:
                        self._look(line, segment.at_us, found)
            seq = segment.last
        return found, seq

    def _look(self, line: bytes, at_us: int, found: dict[str, dict[str, Back]]) -> None:
        event = msgspec.json.decode(line)
        if event["type"] not in RETURNING:
            return
        account, used = ties(event)
        for kind, entity in used:
            trace = self._store.records.get(ClosedTrace, f"{kind}:{entity}")
            if trace is None or (trace.until_us is not None and at_us > trace.until_us):
                continue
            for closed in self._closed(trace, account):
                if event["type"] != "account.registered" and not self._newer(account, closed):
                    continue
                mine = found.setdefault(account, {})
                traces = mine[closed.id][1] if closed.id in mine else ()
                mine[closed.id] = (closed, (*traces, (kind, entity)))

    def _closed(self, trace: ClosedTrace, account: str) -> list[Measure]:
        """What has closed others who had used something, as far as it is in force: the latest."""
        found = [self._store.measures.get(name) for name in trace.measures[-_LOOKED_BACK:]]
        return [one for one in found if one is not None and one.state == "in_force" and one.entity != account]

    def _newer(self, account: str, closed: Measure) -> bool:
        """Whether an account has been registered since another one was closed: who shared a device before has not."""
        query = Query(kind="account", entity=account, type="account.registered", from_us=closed.at_us)
        return bool(self._searching.page(query, None, 1).found)

    def _returned(self, account: str, found: dict[str, Back]) -> list[Write]:
        """A label for each closed account that it is tied to: it stays as long as one of them is closed."""
        backs: list[Back] = []
        writes: list[Write] = []
        for before, traces in found.values():
            closed, label = self._enforcing.get(before.id), _child(before, "account", account)
            if closed.state != "in_force" or self._store.measures.get(label) is not None:
                continue
            backs.append((closed, traces))
            reasons = _shares([closed], traces)
            writes += self._follows(closed, label, "label", "account", account, note=LABEL, reasons=reasons)
            # If the closing is taken back at the same time, one of the two has to look again: the label hangs on it.
            writes.append(msgspec.structs.replace(closed, version=closed.version + 1))
        if not backs:
            return []
        traces = tuple(dict.fromkeys(tie for _, some in backs for tie in some))
        # What was closed in secret is not named.
        known = [closed for closed, _ in backs if not closed.secret]
        news = News(
            kind="account",
            entity=account,
            actor="trustward",
            what="decided_on",
            said=_shares(known, traces),
            category="fake_account",
            entities=(*(("account", closed.entity) for closed in known), *traces),
            harm=50,
        )
        return [*writes, *self._cases.to_join(news)[1]]


def _shares(closed: Sequence[Measure], traces: Iterable[tuple[str, str]]) -> str:
    """What somebody shares with closed accounts; what was closed in secret is not named."""
    kinds = ", ".join(dict.fromkeys(kind for kind, _ in traces))
    names = [one.entity for one in closed if not one.secret]
    if not names:
        return f"shares {kinds} with a closed account"
    return f"shares {kinds} with the closed account{'s' * (len(names) > 1)} {', '.join(names)}"


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
