"""Programmes: rectification notices, implementation directives and campaigns, item by item against their clocks.

An item is remedied by who does it, attested by another officer who has looked, and closed. ``docs/orders.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from trustward.base.errors import ConflictError, NotFoundError, StepError, UsageError
from trustward.base.units import format_time
from trustward.model.duty import Evidence
from trustward.model.programme import (
    ITEM_STEPS,
    MOST_ITEMS,
    STAGES,
    Item,
    Kind,
    Programme,
    Progress,
    Shown,
    blocked_by,
)
from trustward.model.regimes import load_obligations
from trustward.operations.duties import Duties, Owed
from trustward.operations.filing import Filing, check_step, needed, take_step, tell_issuer, until_written
from trustward.operations.independence import independent
from trustward.ports import Store, Write

_CLOCK: dict[Kind, str] = {"rectification": "SG-ACT-rectify", "implementation": "order", "campaign": "order"}
"""The clock of an item, where nobody names one."""


class ItemWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, a measure, or a stage of a campaign: which obligation, due when, by which clock (empty: the usual)."""

    title: str
    obligation: str = ""
    stage: str = ""
    due_us: int | None = None
    clock: str = ""
    text: str = ""


class ProgrammeWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A programme as it came. ``progress_us`` are the times at which its progress is to be told."""

    kind: Kind
    issuer: str
    reference: str
    basis: str
    title: str
    items: tuple[ItemWanted, ...] = ()
    progress_us: tuple[int, ...] = ()
    market: str = ""
    scope: str = ""
    secret: bool = False


class Programmes:
    """The story, for any number of threads and processes over one store."""

    def __init__(self, store: Store, duties: Duties, *, clock: Callable[[], int], ids: Callable[[], str]) -> None:
        self.store = store
        self.duties = duties
        self.clock = clock
        self._ids = ids

    # ------------------------------------------------------------------ taking in

    def open(self, wanted: ProgrammeWanted, actor: str) -> Programme:
        """Take it in; each item's clock runs. The same once more is the first one.

        Raises UsageError, ConflictError if the reference is another one's.
        """
        needed(actor, "an actor")
        for text, what in ((wanted.issuer, "an issuer"), (wanted.reference, "a reference"), (wanted.title, "a title")):
            needed(text, what)
        _check_items(wanted)

        def attempt() -> tuple[Programme, Sequence[Write]]:
            found, writes = self._opened(wanted, actor)
            before = self.store.orders.known_programme(found.known_as)
            if before is not None and before.state == "withdrawn":
                # It has kept the reference since before withdrawn ones gave theirs back.
                self.store.records.write([msgspec.structs.replace(before, version=before.version + 1)])
                before = None
            return (found, writes) if before is None else (self._same(before, wanted), ())

        return until_written(self.store, wanted.reference, attempt)

    def _same(self, before: Programme, wanted: ProgrammeWanted) -> Programme:
        first = next(iter(self.store.orders.pages(before.id, 0, 1)))
        if first.detail.get("content") != _content(wanted):
            raise ConflictError(
                f"{wanted.issuer} has sent another one under the reference {wanted.reference[:80]}",
                remedy="see what the reference is; what was taken in wrongly is withdrawn first",
            )
        return before

    def _opened(self, wanted: ProgrammeWanted, actor: str) -> tuple[Programme, list[Write]]:
        made = Programme(
            id=self._ids(),
            version=0,
            kind=wanted.kind,
            state="open",
            issuer=wanted.issuer,
            reference=wanted.reference,
            basis=wanted.basis,
            title=wanted.title,
            received_us=self.clock(),
            market=wanted.market,
            scope=wanted.scope,
            secret=wanted.secret,
        )
        filing = Filing(made, actor, made.received_us)
        filing.page("received", wanted.title, kind=wanted.kind, content=_content(wanted))
        for item in wanted.items:
            self._add(filing, item)
        for due_us in sorted(wanted.progress_us):
            duty = self._owe(filing, "SG-ACT-progress", due_us, f"Report on progress: {made.title}", "progress")
            filing.change(progress=(*filing.record.progress, Progress(duty=duty)))
        return filing.whole()

    def _add(self, filing: Filing[Programme], wanted: ItemWanted) -> Item:
        record = filing.record
        number = len(record.items) + 1
        clock = wanted.clock or _CLOCK[record.kind]
        duty = self._owe(filing, clock, wanted.due_us, wanted.title, str(number)) if _owed(wanted) else ""
        item = Item(
            number=number,
            title=wanted.title,
            state="open",
            obligation=wanted.obligation,
            stage=wanted.stage,
            duty=duty,
            text=wanted.text,
        )
        filing.change(items=(*filing.record.items, item))
        filing.page("item", wanted.title, number=number, obligation=wanted.obligation, stage=wanted.stage, duty=duty)
        return item

    def _owe(self, filing: Filing[Programme], clock: str, due_us: int | None, title: str, part: str) -> str:
        record = filing.record
        at = part if part != "progress" else f"p{len(record.progress) + 1}"
        owed = Owed(
            clock=clock,
            subject=record.cause,
            actor=filing.actor,
            id=f"{record.id}-{at}",
            due_us=due_us,
            title=title[:200],
            market=record.market,
            secret=record.secret,
        )
        duties, writes = self.duties.to_open(owed)
        if len(duties) != 1 or duties[0].clock.kind == "periodic":
            raise UsageError(f"the clock {clock} has several dates, or periods", remedy="make an item of each")
        filing.writes += writes
        return duties[0].id

    # ------------------------------------------------------------------ items

    def add(self, id: str, actor: str, wanted: ItemWanted) -> Programme:
        """A further item: a finding of one's own, or what the authority has added. Raises StepError, UsageError."""

        def step(filing: Filing[Programme]) -> None:
            if len(filing.record.items) >= MOST_ITEMS:
                raise UsageError(f"more than {MOST_ITEMS} items", remedy="open another one")
            _check_item(filing.record.kind, wanted)
            self._add(filing, wanted)

        return self.step(id, actor, step)

    def remedy(self, id: str, actor: str, number: int, said: str, refs: tuple[str, ...]) -> Programme:
        """It is put right, and this shows it. Raises NotFoundError, StepError, UsageError without evidence."""

        def step(filing: Filing[Programme]) -> None:
            item = self._item(filing, number, "remedy")
            before = blocked_by(filing.record, item)
            if before:
                raise StepError(f"{before} comes first", remedy="a campaign's stages are in order")
            if not refs:
                raise UsageError("what shows it?", remedy="name the evidence in refs: records, files with their hashes")
            shown = Shown(actor=actor, at_us=filing.now_us, said=needed(said, "what was done"), refs=refs)
            self._put(filing, item, state="remedied", remedy=shown, attested=None)
            filing.page("remedied", said, number=number, refs=refs)

        return self.step(id, actor, step)

    def attest(self, id: str, actor: str, number: int, said: str, refs: tuple[str, ...] = ()) -> Programme:
        """Another officer has looked, and stands for it; the item's duty is done. Raises StepError for who did it."""

        def step(filing: Filing[Programme]) -> None:
            item = self._item(filing, number, "attest")
            assert item.remedy is not None  # it is remedied
            if not independent(actor, [item.remedy.actor], self.store):
                raise StepError("who did it cannot attest it", remedy="leave that to another officer")
            shown = Shown(actor=actor, at_us=filing.now_us, said=needed(said, "what was checked"), refs=refs)
            self._put(filing, item, state="attested", attested=shown)
            filing.page("attested", said, number=number, refs=refs)
            if item.duty:
                evidence = Evidence(said=f"{item.remedy.said}"[:1000], refs=item.remedy.refs[:50])
                filing.writes += self.duties.to_end(item.duty, actor, evidence)

        return self.step(id, actor, step)

    def send_back(self, id: str, actor: str, number: int, reason: str) -> Programme:
        """It is not right yet: it is open again, and owed by the same time, also where that is over. Raises StepError.

        A duty that was done stays so: what is owed is a duty of its own.
        """

        def step(filing: Filing[Programme]) -> None:
            item = self._item(filing, number, "send_back")
            duty = self._owed_again(filing, item)
            self._put(filing, item, state="open", remedy=None, attested=None, duty=duty)
            filing.page("sent_back", needed(reason, "a reason"), number=number, duty=duty)

        return self.step(id, actor, step)

    def _owed_again(self, filing: Filing[Programme], item: Item) -> str:
        """The clock of an item that is open again; one anew where it had been done."""
        before = self.duties.get(item.duty) if item.duty else None
        if before is None or not before.ended:
            return item.duty
        by_order = before.clock.kind in {"order", "gate"}
        owed = Owed(
            clock=before.clock,
            subject=before.subject,
            actor=filing.actor,
            id=f"{filing.record.id}-{item.number}-{filing.record.pages}",
            starts_us=before.starts_us,
            due_us=before.due_us if by_order else None,
            title=before.title,
            owner=before.owner,
            market=before.market,
            secret=before.secret,
        )
        (duty,), writes = self.duties.to_open(owed)
        filing.writes += writes
        return duty.id

    def close_item(self, id: str, actor: str, number: int, said: str, refs: tuple[str, ...] = ()) -> Programme:
        """The authority has closed it, or been told: this shows it. Raises StepError."""

        def step(filing: Filing[Programme]) -> None:
            item = self._item(filing, number, "close")
            shown = Shown(actor=actor, at_us=filing.now_us, said=needed(said, "by what it is closed"), refs=refs)
            self._put(filing, item, state="closed", closed=shown)
            filing.page("item_closed", said, number=number, refs=refs)

        return self.step(id, actor, step)

    def extend(self, id: str, actor: str, number: int, *, until_us: int, authority: str, reason: str) -> Programme:
        """The authority has given more time for an item. Raises NotFoundError, StepError, UsageError."""

        def step(filing: Filing[Programme]) -> None:
            item = self._item(filing, number, "extend")
            if not item.duty:
                raise StepError(f"the item {number} has no clock", remedy="its time is not limited")
            after, writes = self.duties.to_move(
                item.duty, "extend", actor, until_us=until_us, authority=authority, reason=reason
            )
            filing.writes += writes
            until = format_time(after.due_us or until_us)
            filing.page("extended", reason, number=number, until=until, authority=authority)

        return self.step(id, actor, step)

    # ------------------------------------------------------------------ as a whole

    def progress(self, id: str, actor: str, said: str, refs: tuple[str, ...] = ()) -> Programme:
        """Tell the authority how far it is; that ends the progress report that is due next. Raises StepError."""

        def step(filing: Filing[Programme]) -> None:
            record = filing.record
            counts = _counts(record)
            shown = Shown(actor=actor, at_us=filing.now_us, said=needed(said, "what to tell"), refs=refs)
            at = next((at for at, one in enumerate(record.progress) if one.sent is None), None)
            if at is not None:
                one = msgspec.structs.replace(record.progress[at], sent=shown)
                filing.change(progress=(*record.progress[:at], one, *record.progress[at + 1 :]))
                filing.writes += self.duties.to_end(one.duty, actor, Evidence(said=said[:1000], refs=(record.cause,)))
            tell_issuer(filing, "progress", text=said, items=counts, refs=list(refs))
            filing.page("progress", said, items=counts, refs=refs)

        return self.step(id, actor, step)

    def close(self, id: str, actor: str, said: str, refs: tuple[str, ...] = ()) -> Programme:
        """All of it is done: the result is told to the authority. Raises StepError while an item is not attested."""

        def step(filing: Filing[Programme]) -> None:
            record = filing.record
            left = [item.number for item in record.items if item.state in {"open", "remedied"}]
            if left:
                raise StepError(
                    f"not attested: the items {', '.join(map(str, left[:20]))}", remedy="each item comes first"
                )
            owed = [one.duty for one in record.progress if one.sent is None]
            for duty in owed:
                filing.writes += self.duties.to_cancel(duty, actor, "all of it is done")
            shown = Shown(actor=actor, at_us=filing.now_us, said=needed(said, "the result"), refs=refs)
            filing.change(state="closed", result=shown)
            tell_issuer(filing, "result", text=said, items=_counts(record), refs=list(refs))
            filing.page("closed", said, refs=refs)

        return self.step(id, actor, step)

    def withdraw(self, id: str, actor: str, reason: str) -> Programme:
        """The authority has taken it back: nothing is owed any more. Raises StepError."""

        def step(filing: Filing[Programme]) -> None:
            record = filing.record
            filing.change(state="withdrawn")
            filing.page("withdrawn", needed(reason, "a reason"))
            owed = [item.duty for item in record.items] + [one.duty for one in record.progress]
            for duty in owed:
                if duty:
                    filing.writes += self.duties.to_cancel(duty, actor, f"withdrawn: {reason}"[:1000])

        return self.step(id, actor, step)

    def note(self, id: str, actor: str, said: str, refs: tuple[str, ...] = ()) -> Programme:
        """A page for the file. Raises NotFoundError."""

        def step(filing: Filing[Programme]) -> None:
            filing.page("noted", needed(said, "a note"), refs=refs)

        return self.step(id, actor, step, states=("open", "closed", "withdrawn"))

    # ------------------------------------------------------------------ looking

    def get(self, id: str, *, secret: bool = True) -> Programme:
        """The programme with this id, if the caller may know of it. Raises NotFoundError."""
        found = self.store.orders.programme(id)
        if found is None or (found.secret and not secret):
            raise NotFoundError(f"there is no programme {id[:80]}", remedy="GET /v1/programmes lists all")
        return found

    def find(
        self, kind: Kind | None = None, after: str = "", limit: int = 100, *, secret: bool = False
    ) -> Sequence[Programme]:
        """Programmes by their ids, page by page."""
        return self.store.orders.programmes(kind, after, limit, secret=secret)

    # ------------------------------------------------------------------ how

    def step(
        self, id: str, actor: str, step: Callable[[Filing[Programme]], None], *, states: tuple[str, ...] = ("open",)
    ) -> Programme:
        """Take a step, again and again while somebody else was first. Raises NotFoundError, StepError."""

        def begin() -> Filing[Programme]:
            programme = self.get(id)
            check_step("programme", programme.state, "any but a note", states)
            return Filing(programme, actor, self.clock())

        return take_step(self.store, f"the programme {id}", begin, step)

    @staticmethod
    def _item(filing: Filing[Programme], number: int, step: str) -> Item:
        item = filing.record.item(number)
        if item is None:
            raise NotFoundError(f"there is no item {number}", remedy="they count from 1")
        check_step(f"item {number}", item.state, step, ITEM_STEPS[step])
        return item

    @staticmethod
    def _put(filing: Filing[Programme], item: Item, **fields: Any) -> None:
        after = msgspec.structs.replace(item, **fields)
        items = filing.record.items
        filing.change(items=(*items[: item.number - 1], after, *items[item.number :]))


def _counts(record: Programme) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in record.items:
        found[item.state] = found.get(item.state, 0) + 1
    return found


def _owed(wanted: ItemWanted) -> bool:
    return wanted.due_us is not None or bool(wanted.clock)


def _check_items(wanted: ProgrammeWanted) -> None:
    if len(wanted.items) > MOST_ITEMS:
        raise UsageError(f"more than {MOST_ITEMS} items", remedy="open several")
    for item in wanted.items:
        _check_item(wanted.kind, item)
    if wanted.kind == "campaign":
        stages = [item.stage for item in wanted.items if item.stage]
        if stages != [stage for stage in STAGES if stage in stages] or "scope" not in stages or "result" not in stages:
            raise UsageError(
                "a campaign has its stages in order, each once, from scope to result", remedy=", ".join(STAGES)
            )
    elif not wanted.items:
        raise UsageError(f"a notice of {wanted.kind} lists what is to be done", remedy="name its items")


def _check_item(kind: Kind, item: ItemWanted) -> None:
    needed(item.title, "an item's title")
    if item.obligation and item.obligation not in load_obligations():
        raise UsageError(f"there is no obligation {item.obligation[:60]}", remedy="one of regimes/obligations.toml")
    if kind == "rectification" and (not item.obligation or not _owed(item)):
        raise UsageError("a finding names the obligation that was not met, and its time", remedy="say both")
    if kind == "campaign" and item.stage and item.stage not in STAGES:
        raise UsageError(f"no such stage: {item.stage[:40]}", remedy=f"one of: {', '.join(STAGES)}")
    if kind == "campaign" and item.stage and not _owed(item):
        raise UsageError(f"the stage {item.stage} has a date", remedy="say when it is due")


def _content(wanted: ProgrammeWanted) -> str:
    """What makes two of them the same, as a digest."""
    return sha256(msgspec.json.encode(wanted)).hexdigest()
