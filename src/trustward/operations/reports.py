"""Reports in: from users, trusted flaggers, authorities, other services, and legal notices.

Each gets a receipt at once and the outcome afterwards, on a clock. Many on one subject are one case. What a report
counts depends on how often its sender was right; who abuses it is warned, then set aside for a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import msgspec

from trustward.base.errors import ConflictError, NotFoundError, UsageError
from trustward.base.units import format_time
from trustward.model.case import TEXT_LIMIT
from trustward.model.errand import Errand
from trustward.model.report import (
    BASE,
    Abuse,
    Category,
    Channel,
    LegalNotice,
    Report,
    Reporter,
    clock_of,
    received,
    set_aside,
)
from trustward.operations.cases import Cases, News
from trustward.operations.closing import answer
from trustward.operations.duties import Owed
from trustward.operations.filing import until_written
from trustward.ports import Write

_SPEAKS = {"flagger": "trusted_flagger", "authority": "authority", "service": "partner"}
_FIELDS = frozenset({"message", "listing", "ad", "group", "stream", "handle", "url", "phone"})
"""Kinds of subject that the event has a field for."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody reports. ``id`` makes it one report, however often it is sent."""

    channel: Channel
    category: Category
    kind: str
    entity: str
    reporter: str = ""
    text: str = ""
    refs: tuple[str, ...] = ()
    notice: LegalNotice | None = None
    market: str = ""
    reach: int = 0
    id: str = ""


class Reports:
    """The story, for any number of threads and processes over one store."""

    def __init__(
        self, cases: Cases, *, clock: Callable[[], int], ids: Callable[[], str], abuse: Abuse | None = None
    ) -> None:
        self._cases = cases
        self._store = cases.store
        self._clock = clock
        self._ids = ids
        self._abuse = abuse or Abuse()
        # Many reports on one subject come at a time: within a process they need not fight for its case.
        self._turn = Lock()

    def receive(self, said: Said, actor: str) -> Report:
        """Take a report in; its id is the receipt number. On disk when this returns, the receipt on its way.

        The same ``id`` again gives the first answer; with other content ConflictError. Raises UsageError.
        """
        self._check(said)
        name = said.id or self._ids()

        def attempt() -> tuple[Report, Sequence[Write]]:
            # An id that was made just now is nobody's.
            before = self._store.reports.get(name) if said.id else None
            return self._received(said, name, actor) if before is None else (_same(before, said), ())

        with self._turn:
            return until_written(self._store, f"{said.kind}:{said.entity}", attempt)

    @staticmethod
    def _check(said: Said) -> None:
        if (said.channel == "notice") != (said.notice is not None):
            raise UsageError("a legal notice cites a law, and only a legal notice does", remedy="docs/operations.md")
        if said.channel in {"flagger", "authority", "service"} and not said.reporter:
            raise UsageError(f"who is the {said.channel}?", remedy="name it in reporter")
        if len(said.text) > TEXT_LIMIT:
            raise UsageError(
                f"a text of more than {TEXT_LIMIT} characters", remedy="put the rest into a file, and name it"
            )

    def _received(self, said: Said, name: str, actor: str) -> tuple[Report, list[Write]]:
        now_us = self._clock()
        sender = f"{said.channel}:{said.reporter}" if said.reporter else ""
        who = self._store.records.get(Reporter, sender) or Reporter(id=sender, version=0)
        aside = set_aside(who, now_us, self._abuse) if sender else ""
        again = bool(sender) and self._store.reports.before(sender, f"{said.kind}:{said.entity}") is not None
        weight = 0.0 if aside or again else (who.weight(said.channel) if sender else BASE[said.channel] / 2)
        report = Report(
            id=name,
            version=1,
            at_us=now_us,
            channel=said.channel,
            reporter=sender,
            category=said.category,
            kind=said.kind,
            entity=said.entity,
            text=said.text,
            refs=said.refs,
            notice=said.notice,
            market=said.market,
            weight=weight,
        )
        writes: list[Write] = []
        if sender:
            writes.append(received(who, now_us, self._abuse, aside=bool(aside)))
        if aside:
            report = msgspec.structs.replace(
                report, state="set_aside", why=aside, result="not_looked_into", told_us=now_us
            )
            return report, [report, answer(report, "report.set_aside", now_us, why=aside), *writes]
        owed = Owed(
            clock=clock_of(said.channel),
            subject=f"report:{name}",
            actor=actor,
            id=f"report-{name}",
            market=said.market,
        )
        (duty,), owing = self._cases.duties.to_open(owed)
        news = News(
            kind=said.kind,
            entity=said.entity,
            actor=actor,
            what="reported",
            said=f"{said.channel}: {said.category}",
            category=said.category,
            market=said.market,
            channel=said.channel,
            due_us=duty.due_us,
            reach=said.reach,
            weight=weight,
            reports=1,
        )
        case, joining = self._cases.to_join(news)
        report = msgspec.structs.replace(report, case=case.id, duty=duty.id)
        writes += [report, answer(report, "report.received", now_us), *owing, *joining]
        if not again:
            writes.append(_event(report, said))
        return report, writes

    # ------------------------------------------------------------------ looking

    def get(self, id: str) -> Report:
        """The report with this receipt number. Raises NotFoundError."""
        found = self._store.reports.get(id)
        if found is None:
            raise NotFoundError(f"there is no report {id[:80]}", remedy="see how the receipt number was written")
        return found

    def of_case(self, case: str, after: str = "", limit: int = 100) -> list[Report]:
        """A case's reports, page by page."""
        return list(self._store.reports.of_case(case, after, limit))

    def reporter(self, channel: Channel, name: str) -> Reporter:
        """How a sender's reports have turned out."""
        id = f"{channel}:{name}"  # noqa: A001 - it is the record's
        return self._store.records.get(Reporter, id) or Reporter(id=id, version=0)


def _same(before: Report, said: Said) -> Report:
    """The first answer to what is sent again. Raises ConflictError if it is something else."""
    sender = f"{said.channel}:{said.reporter}" if said.reporter else ""
    told = (before.channel, before.reporter, before.category, before.kind, before.entity, before.text, before.notice)
    if told != (said.channel, sender, said.category, said.kind, said.entity, said.text, said.notice):
        raise ConflictError(
            f"the receipt number {before.id} is another report's", ids=[before.id], remedy="give it an id of its own"
        )
    return before


def _event(report: Report, said: Said) -> Errand:
    """The event that rules see: within a second windows and rules know of it."""
    event: dict[str, object] = {
        "type": "report.filed",
        "id": f"report:{report.id}",
        "time": format_time(report.at_us),
        "report": report.id,
        "subject_kind": report.kind,
        "subject_id": report.entity,
        "reporter": _SPEAKS.get(report.channel, "user"),
        "reason": report.category,
        "text": report.text,
    }
    if said.channel == "user" and said.reporter:
        event["account"] = said.reporter
    if report.kind == "account":
        event["subject"] = report.entity
    elif report.kind in _FIELDS:
        event[report.kind] = report.entity
    return Errand(id=f"report:{report.id}", at_us=report.at_us, kind="event", body=msgspec.json.encode(event))
