"""Orders from authorities: taken in, checked, carried out, answered, varied, withdrawn, challenged.

Nothing is done on an order that is not known to be its issuer's. What is done to its targets is in ``executing.py``,
its file as one document in ``effort.py``. ``docs/orders.md`` has states and steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from hashlib import sha256

import msgspec

from trustward.base.errors import ConflictError, NotFoundError, RegimeError, StepError, UsageError
from trustward.base.units import format_time
from trustward.model.directive import (
    ALLOWED,
    MOST_COPIES,
    MOST_TARGETS,
    Authentic,
    Clocked,
    Directive,
    OrderPage,
    OrderQuery,
    Role,
    SignedDocument,
    Similar,
    Target,
    Type,
    target_id,
    verb_for,
)
from trustward.model.duty import Duty, Evidence, first_period
from trustward.model.effect import INVERSES
from trustward.model.issuer import Issuer
from trustward.operations.authenticity import fits
from trustward.operations.copies import CopyWanted, copies_for
from trustward.operations.duties import Duties, Owed
from trustward.operations.filing import AHEAD_US, Filing, check_step, needed, take_step, tell_issuer, until_written
from trustward.operations.reading import pages_of, targets_of
from trustward.ports import Store, Write

ROLE_OF: dict[str, Role] = {
    "SG-ACT-comply": "comply",
    "SG-ACT-plan": "plan",
    "SG-ACT-progress": "progress",
    "SG-ACT-completion": "completion",
    "SG-OCC-information": "completion",
    "order": "comply",
}
"""What ends a clock, where nobody says it."""
ENDED = ("withdrawn", "expired")


class TargetWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an order is about, and what to do to it if the order says that itself."""

    kind: str
    entity: str
    do: str = ""
    lasts_us: int | None = None
    note: str = ""


class ClockWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A clock of an order: by which clock, due when (if the order says it), and what ends it."""

    clock: str
    due_us: int | None = None
    role: Role | None = None
    title: str = ""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it came. ``document`` and ``signature`` are the bytes, where it was signed."""

    issuer: str
    reference: str
    basis: str
    type: Type
    targets: tuple[TargetWanted, ...] = ()
    copies: tuple[CopyWanted, ...] = ()
    clocks: tuple[ClockWanted, ...] = ()
    similar: Similar = "none"
    title: str = ""
    text: str = ""
    market: str = ""
    territory: tuple[str, ...] = ()
    secret: bool = False
    withhold: bool = False
    served_us: int | None = None
    until_us: int | None = None
    channel: str = ""
    document: bytes = b""
    signature: bytes = b""


class Directives:
    """The story, for any number of threads and processes over one store."""

    def __init__(
        self,
        store: Store,
        issuers: Sequence[Issuer],
        duties: Duties,
        *,
        clock: Callable[[], int],
        ids: Callable[[], str],
    ) -> None:
        self.store = store
        self.issuers = {issuer.id: issuer for issuer in issuers}
        self.duties = duties
        self.clock = clock
        self.ids = ids

    # ------------------------------------------------------------------ taking in

    def receive(self, served: Served, actor: str) -> Directive:
        """Take an order in; its clocks run. The same from the same issuer under the same reference is the first one.

        A signature that fits, or a channel that is the issuer's alone, makes it authentic at once. Raises UsageError,
        RegimeError for a clock that is not there, ConflictError if the reference is another order's.
        """
        needed(actor, "an actor")
        check_served(served)

        def attempt() -> tuple[Directive, Sequence[Write]]:
            order, writes = self._received(served, actor)
            before = self.store.orders.known(order.known_as)
            over = order.until_us is not None and order.until_us <= order.received_us
            if before is not None and (over or not self._gives_way(before, order, served)):
                return self._again(self._same(before, served), served, actor)
            if over:
                # It would end before anything is done, and nobody would see why.
                raise UsageError("its end, until, is over already", remedy="see what the order says")
            return order, writes

        return self._told_at_once(until_written(self.store, served.reference, attempt), actor)

    def _received(self, served: Served, actor: str) -> tuple[Directive, list[Write]]:
        now_us = self.clock()
        if served.served_us is not None and served.served_us > now_us + AHEAD_US:
            raise UsageError("it has not been served yet", remedy="say in served when it was")
        issuer = self.issuers.get(served.issuer)
        name = self.ids()
        order = Directive(
            id=name,
            version=0,
            state="received",
            issuer=served.issuer,
            reference=served.reference,
            basis=served.basis,
            type=served.type,
            received_us=now_us,
            served_us=now_us if served.served_us is None else served.served_us,
            market=served.market or (issuer.market if issuer is not None else ""),
            title=served.title,
            territory=served.territory,
            secret=served.secret,
            withhold=served.withhold,
            until_us=served.until_us,
            similar=served.similar,
            channel=served.channel,
            digest=sha256(served.document).hexdigest() if served.document else "",
            text=served.text,
        )
        filing = Filing(order, actor, now_us)
        filing.page(
            "received",
            served.title,
            channel=served.channel,
            digest=order.digest,
            targets=len(served.targets),
            content=_content(served),
        )
        self.owe(filing, served.clocks)
        self.add_targets(filing, served.targets)
        self.add_copies(filing, served.copies)
        if issuer is None:
            filing.page("unknown_issuer", f"{served.issuer} is none of the known issuers")
        else:
            self._at_once(filing, issuer, served)
        return filing.whole()

    def _at_once(self, filing: Filing[Directive], issuer: Issuer, served: Served) -> None:
        """What shows by itself that an order is authentic."""
        channel = issuer.by_key(filing.actor)
        if served.signature:
            self._signed(filing, issuer, served.document, served.signature)
        if channel is not None and filing.record.state == "received":
            self._accepted(
                filing, Authentic(how="channel", at_us=filing.now_us, actor=filing.actor, channel=channel.name)
            )

    def _signed(self, filing: Filing[Directive], issuer: Issuer, document: bytes, signature: bytes) -> None:
        if not issuer.public_key:
            filing.page("signature_unknown", f"no key of {issuer.id} is known")
            return
        try:
            fit, key = fits(issuer.public_key, document, signature, filing.now_us)
        except (RegimeError, UsageError) as fault:
            filing.page("signature_unknown", fault.message)
            return
        if not fit:
            filing.page("signature_wrong", "the signature does not fit the document", key=key)
            return
        digest = sha256(document).hexdigest()
        if self.store.records.get(SignedDocument, digest) is not None:
            # Anybody who has seen it could send it once more, with other targets under a new reference.
            filing.page("signature_used", "the same document has made another order authentic", key=key)
            return
        filing.add([SignedDocument(id=digest, version=1, order=filing.record.id)])
        self._accepted(filing, Authentic(how="signature", at_us=filing.now_us, actor=filing.actor, key=key))

    @staticmethod
    def _accepted(filing: Filing[Directive], authentic: Authentic) -> None:
        filing.change(state="accepted", authentic=authentic)
        filing.page("authentic", authentic.said, how=authentic.how, channel=authentic.channel, key=authentic.key)

    def _told_at_once(self, order: Directive, actor: str) -> Directive:
        """Acknowledge it, unless that is done, or nobody knows whom to tell."""
        if "acknowledgement" in order.told or order.ended or order.issuer not in self.issuers:
            return order
        return self.step(order.id, actor, "acknowledge", self._acknowledge)

    def acknowledge(self, id: str, actor: str) -> Directive:
        """Tell a known issuer that an order came in its name; again, if so wanted. Raises StepError."""

        def step(filing: Filing[Directive]) -> None:
            self.issuer(filing.record)
            self._acknowledge(filing)

        return self.step(id, actor, "acknowledge", step)

    def _acknowledge(self, filing: Filing[Directive]) -> None:
        """Tell the issuer, by the ways that are known to be its own, that an order came in its name."""
        due = {one.clock: self._due(one.duty) for one in filing.record.duties}
        tell_issuer(filing, "acknowledgement", title=filing.record.title, due=due, digest=filing.record.digest)
        filing.change(told={**filing.record.told, "acknowledgement": filing.now_us})
        filing.page("told", letter="acknowledgement")
        self.end(filing, "acknowledge", "acknowledged")

    def _due(self, duty: str) -> str:
        found = self.store.duties.get(duty)
        return format_time(found.due_us) if found is not None and found.due_us is not None else ""

    def owe(self, filing: Filing[Directive], clocks: Sequence[ClockWanted]) -> None:
        """Open the duties of an order's clocks. Raises RegimeError, UsageError."""
        order = filing.record
        for at, wanted in enumerate(clocks, len(order.duties) + 1):
            owed = Owed(
                clock=wanted.clock,
                subject=order.cause,
                actor=filing.actor,
                id=f"{order.id}-{at}",
                starts_us=order.served_us,
                due_us=wanted.due_us,
                title=wanted.title,
                market=order.market,
                secret=order.secret,
            )
            duties, writes = self.duties.to_open(owed)
            role = wanted.role or ROLE_OF.get(wanted.clock, "by_hand")
            mine = tuple(Clocked(duty=duty.id, clock=wanted.clock, role=role) for duty in duties)
            filing.change(duties=(*filing.record.duties, *mine))
            filing.writes += writes

    def add_targets(self, filing: Filing[Directive], wanted: Sequence[TargetWanted]) -> int:
        """New targets; what the order has already is left as it is. How many are new."""
        order = filing.record
        if not wanted:
            return 0
        if order.targets + len(wanted) > MOST_TARGETS:
            raise UsageError(f"more than {MOST_TARGETS:,} targets", remedy="take them in as several orders")
        changed = {one.id: one for one in filing.writes if isinstance(one, Target)}
        targets = [changed.get(one.id, one) for one in targets_of(self.store, order.id)]
        known = {(one.kind, one.entity) for one in targets if one.state not in {"lifting", "lifted", "dropped"}}
        number = order.targets
        new: set[tuple[str, str]] = set()
        for one in wanted:
            if (one.kind, one.entity) in known or (one.kind, one.entity) in new:
                continue
            new.add((one.kind, one.entity))
            number += 1
            verb = one.do or verb_for(order.type, one.kind)
            filing.writes.append(
                Target(
                    id=target_id(order.id, number),
                    version=1,
                    order=order.id,
                    number=number,
                    kind=one.kind,
                    entity=one.entity,
                    state="waiting" if verb else "by_hand",
                    do=one.do,
                    lasts_us=one.lasts_us,
                    note=one.note,
                )
            )
        filing.change(targets=number)
        return len(new)

    def add_copies(self, filing: Filing[Directive], wanted: Sequence[CopyWanted]) -> int:
        """New values to keep out; how many. Raises UsageError."""
        order = filing.record
        found = copies_for(order, wanted, order.copies)
        if order.copies + len(found) > MOST_COPIES:
            raise UsageError(f"more than {MOST_COPIES:,} values to keep out", remedy="take them in as several orders")
        filing.writes += found
        filing.change(copies=order.copies + len(found))
        return len(found)

    def _is(self, before: Directive, served: Served) -> bool:
        first = next(iter(self.store.orders.pages(before.id, 0, 1)))
        return first.detail.get("content") == _content(served)

    def _same(self, before: Directive, served: Served) -> Directive:
        if not self._is(before, served):
            remedies = {
                "received": "nobody knows whether that one is the issuer's: see to that, and reject it if it is not",
                **dict.fromkeys(ENDED, "that one is over: take this one in under a reference that says which it is"),
            }
            raise ConflictError(
                f"{served.issuer} has sent another order under the reference {served.reference[:80]}",
                remedy=remedies.get(before.state, "vary that one, or see what the reference is"),
            )
        return before

    def _gives_way(self, before: Directive, order: Directive, served: Served) -> bool:
        """What nobody has found authentic does not keep the issuer's own order out."""
        if before.state == "rejected":
            # It has kept the reference since before rejected ones gave theirs back.
            self.store.records.write([msgspec.structs.replace(before, version=before.version + 1)])
            return True
        if before.state != "received" or order.authentic is None or self._is(before, served):
            return False
        self.reject(before.id, "trustward", f"another one under its reference is the issuer's: the order {order.id}")
        return True

    def _again(self, before: Directive, served: Served, actor: str) -> tuple[Directive, Sequence[Write]]:
        """The same once more: what comes with it now may show that it is authentic."""
        issuer = self.issuers.get(served.issuer)
        if before.state != "received" or issuer is None:
            return before, ()
        filing = Filing(before, actor, self.clock())
        self._at_once(filing, issuer, served)
        return filing.whole() if filing.record.authentic is not None else (before, ())

    # ------------------------------------------------------------------ is it theirs?

    def signature(self, id: str, actor: str, document: bytes, signature: bytes) -> Directive:
        """Check a detached signature that came later. It has to be over the document that came. Raises StepError."""

        def step(filing: Filing[Directive]) -> None:
            order = filing.record
            digest = sha256(document).hexdigest()
            if order.digest and digest != order.digest:
                raise StepError("it is another document than the one that came", remedy="send the same bytes")
            filing.change(digest=digest)
            self._signed(filing, self.issuer(order), document, signature)

        return self.step(id, actor, "signature", step)

    def call_back(self, id: str, actor: str, *, channel: str, spoke_to: str, said: str) -> Directive:
        """A named person has asked the issuer, by a channel that is known to be its own. Raises StepError."""

        def step(filing: Filing[Directive]) -> None:
            issuer = self.issuer(filing.record)
            known = issuer.channel(channel)
            if known is None or known.kind == "api":
                ways = ", ".join(one.name for one in issuer.channels if one.kind != "api") or "none yet"
                raise StepError(
                    f"{channel[:40]} is no verified channel of {issuer.id}",
                    remedy=f"call by one that is known, not by one that the order names: {ways}",
                )
            words = f"{needed(spoke_to, 'whom you spoke to')}: {needed(said, 'what was said')}"
            self._accepted(
                filing, Authentic(how="call_back", at_us=filing.now_us, actor=actor, channel=channel, said=words)
            )

        return self.step(id, actor, "call_back", step)

    def reject(self, id: str, actor: str, reason: str) -> Directive:
        """It is not the issuer's. Nothing is owed, nothing is done. Raises StepError."""

        def step(filing: Filing[Directive]) -> None:
            filing.change(state="rejected", work=False)
            filing.page("rejected", needed(reason, "a reason"))
            # Also what would have outlived it: nobody has ordered it.
            for duty in self.open_duties(filing.record):
                filing.writes += self.duties.to_cancel(duty.id, actor, f"not authentic: {reason}"[:1000])

        return self.step(id, actor, "reject", step)

    def issuer(self, order: Directive) -> Issuer:
        """Who has sent an order. Raises StepError for somebody who is not known."""
        found = self.issuers.get(order.issuer)
        if found is None:
            near = get_close_matches(order.issuer, self.issuers, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise StepError(
                f"{order.issuer[:60]} is none of the known issuers",
                remedy=f"{hint}add it to a file of TRUSTWARD_REGIMES with a channel that you have verified",
            )
        return found

    # ------------------------------------------------------------------ looking

    def get(self, id: str, *, secret: bool = True) -> Directive:
        """The order with this id, if the caller may know of it. Raises NotFoundError."""
        found = self.store.orders.get(id)
        if found is None or (found.secret and not secret):
            raise NotFoundError(f"there is no order {id[:80]}", remedy="GET /v1/orders lists all")
        return found

    def target(self, id: str, number: int) -> Target:
        """A target by its number. Raises NotFoundError."""
        found = next(iter(self.store.orders.targets(id, (), number - 1, 1)), None) if number > 0 else None
        if found is None or found.number != number:
            raise NotFoundError(f"the order has no target {number}", remedy="they count from 1")
        return found

    def find(self, query: OrderQuery, after: str = "", limit: int = 100) -> Sequence[Directive]:
        """Orders by their ids, page by page."""
        return self.store.orders.find(query, after, limit)

    def file(self, id: str) -> list[OrderPage]:
        """Every page of its file. Raises NotFoundError."""
        self.get(id)
        return pages_of(self.store, id)

    # ------------------------------------------------------------------ how

    def step(self, id: str, actor: str, name: str, step: Callable[[Filing[Directive]], None]) -> Directive:
        """Take a step, again and again while somebody else was first. Raises NotFoundError, StepError."""

        def begin() -> Filing[Directive]:
            order = self.get(id)
            check_step("order", order.state, name, ALLOWED[name])
            return Filing(order, actor, self.clock())

        return take_step(self.store, f"the order {id}", begin, step)

    def open_duties(self, order: Directive) -> list[Duty]:
        """What is still owed because of an order."""
        found = [duty for one in order.duties for duty in self.duties.periods(one.duty)]
        return [duty for duty in found if not duty.ended]

    def end(self, filing: Filing[Directive], role: Role, said: str, *, one: bool = False) -> None:
        """End the clocks of a role in the same transaction."""
        filing.writes += self.to_end(filing.record, role, filing.actor, said, one=one)

    def to_end(self, order: Directive, role: Role, actor: str, said: str, *, one: bool = False) -> list[Write]:
        """What is to be written when the clocks of a role end: all of them, or the one that is due first."""
        mine = [clocked.duty for clocked in order.duties if clocked.role == role]
        open_ = [duty for name in mine for duty in self.duties.periods(name) if not duty.ended]
        open_.sort(key=lambda duty: (duty.due_us or 0, duty.id))
        writes: list[Write] = []
        for duty in open_[:1] if one else open_:
            writes += self.duties.to_end(duty.id, actor, Evidence(said=said, refs=(order.cause,)))
        return writes

    def cancel(self, filing: Filing[Directive], reason: str) -> None:
        """End the clocks of what need not be done any more; what has to be kept has to be kept: its clock goes on."""
        outlive = {one.duty for one in filing.record.duties if one.role == "by_hand"}
        for duty in self.open_duties(filing.record):
            if first_period(duty.id) not in outlive:
                filing.writes += self.duties.to_cancel(duty.id, filing.actor, reason)
            elif duty.id in filing.record.paused and duty.state == "paused":
                filing.writes += self.duties.to_move(duty.id, "resume", filing.actor, reason=reason)[1]
        filing.change(paused=())


def check_served(served: Served) -> None:
    """Raise UsageError for an order that cannot be kept."""
    for text, what in (
        (served.issuer, "an issuer"),
        (served.reference, "a reference"),
        (served.basis, "a legal basis"),
    ):
        needed(text, what)
    for target in served.targets:
        if target.do and target.do not in INVERSES:
            raise UsageError(
                f"no such measure: {target.do[:40]}", remedy=f"one that can be lifted: {', '.join(INVERSES)}"
            )
    if served.signature and not served.document:
        raise UsageError("a signature, and no document", remedy="send the bytes that were signed")
    acts = served.type not in {"information", "preservation", "implementation"}
    if acts and not served.targets and not served.copies:
        raise UsageError(f"an order to {served.type} has targets", remedy="name what it is about")


def _content(served: Served) -> str:
    """What makes two orders the same, as a digest."""
    plain = msgspec.structs.replace(served, signature=b"", channel="")
    return sha256(msgspec.json.encode(plain)).hexdigest()
