"""``POST /v1/events``: any number of events in one body, decided as they come in."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from copy import copy
from tempfile import SpooledTemporaryFile
from typing import Any

import msgspec
from litestar import Request, post
from litestar.response import Stream

from trustward.api.auth import Caller, caller_of
from trustward.api.bodies import Elements, Lines, media_type, pieces
from trustward.api.entrance import Entrance, trace_of
from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import OverloadedError, TrustwardError
from trustward.exchange.records import Decoded
from trustward.operations.grouping import Answers, Ticket
from trustward.ports.traces import Trace

LINES = ("application/x-ndjson", "application/jsonl", "application/ndjson")
ARRAYS = ("application/json", "application/cloudevents-batch+json")
UNDER_WAY = 4
"""How many blocks of one stream are decided while the next is read."""
STREAMS = 64
"""How many streams are taken in at a time."""
_PATIENCE_S = 30.0
_MEMORY = 4 << 20
_PIECE = 1 << 16
_ENCODE = msgspec.json.Encoder().encode


class Rejected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fault of one line or element (from 1). ``decided``: the event was kept, without the faulty field."""

    line: int
    path: str
    cause: str
    id: str = ""
    decided: bool = False


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a stream: events decided now, those that had come before, and records set aside."""

    events: int
    decided: int
    again: int
    rejected: int
    verdicts: dict[str, int]


class _Account:
    """Gathers a stream's answer; what is large goes to a file that has no name."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        files = (SpooledTemporaryFile[bytes](_MEMORY) for _ in range(2))  # closed with the account
        self.decisions, self.rejected = files

    def set_aside(self, decoded: Decoded) -> None:
        for reject in decoded.rejects:
            self.reject(
                Rejected(line=reject.line, path=reject.path, cause=reject.cause, decided=reject.decided),
                counted=not reject.decided,
            )

    def reject(self, rejected: Rejected, *, counted: bool = True) -> None:
        self.rejected.write(_ENCODE(rejected) + b"\n")
        self.counts["rejected"] += counted

    def answered(self, answers: Answers, lines: Sequence[int]) -> None:
        total = len(answers.events)
        for at, problem in sorted(answers.problems.items()):
            fault = problem.fault
            self.reject(Rejected(line=lines[at], path=fault.path, cause=fault.cause, id=answers.events[at].id))
        self.counts["again"] += len(answers.again)
        self.counts["decided"] += total - len(answers.problems) - len(answers.again)
        plain = total - len(answers.problems)
        for decision in answers.decisions.values():
            if decision.verdict != "allow":
                plain -= 1
                self.verdicts[decision.verdict] += 1
                self.decisions.write(_ENCODE(decision) + b"\n")
        if plain:
            self.verdicts["allow"] += plain

    def json(self) -> Iterator[bytes]:
        """The answer, piece by piece; the files go as they are sent."""
        counts = self.counts
        summary = Summary(
            events=counts["decided"] + counts["again"] + counts["rejected"],
            decided=counts["decided"],
            again=counts["again"],
            rejected=counts["rejected"],
            verdicts=dict(self.verdicts),
        )
        yield _ENCODE(summary)[:-1]
        for name, file in ((b',"decisions":[', self.decisions), (b'],"faults":[', self.rejected)):
            yield name
            file.seek(0)
            first = True
            while rows := file.readlines(_PIECE):
                yield (b"" if first else b",") + b",".join(row[:-1] for row in rows)
                first = False
        yield b"]}"

    def close(self) -> None:
        self.decisions.close()
        self.rejected.close()


@post(
    "/v1/events",
    status_code=200,
    opt={"scope": "decide"},
    summary="Decide many events",
    description=(
        "Events as lines or as one JSON array, flat or as CloudEvents, in any number; gzip is unpacked. They are "
        "decided as they come in, in order. The answer, at the end, has the counts, the decisions that are not `allow` "
        "and every fault with its line. An error in the middle leaves everything before it taken in: send the whole "
        "again, what is known does no harm."
    ),
)
async def events(request: Request[Any, Any, Any]) -> Stream:
    """Decide many events."""
    service: Entrance = request.app.state.service
    said = media_type(request, (*LINES, *ARRAYS))
    limit = service.settings.event_bytes
    if service.streams >= STREAMS:
        raise OverloadedError(f"{STREAMS} streams are taken in already", remedy="send it again in a moment")
    service.streams += 1
    account = _Account()
    try:
        cutter = Elements(limit) if said in ARRAYS else Lines(limit)
        await _Reading(service, caller_of(request), account, trace_of(request)).run(request, cutter)
    except BaseException:
        account.close()
        raise
    finally:
        service.streams -= 1
    return Stream(_sent(account), media_type="application/json")


async def _sent(account: _Account) -> AsyncIterator[bytes]:
    try:
        for piece in account.json():
            yield piece
    finally:
        account.close()


class _Reading:
    """One stream on its way in."""

    def __init__(self, service: Entrance, caller: Caller, account: _Account, trace: Trace | None) -> None:
        self._service = service
        self._trace = trace
        self._caller = caller
        self._account = account
        self._under_way: deque[tuple[Ticket, Sequence[int]]] = deque()
        self._line = 1

    async def run(self, request: Request[Any, Any, Any], cutter: Lines | Elements) -> None:
        """Read to the end; every event is decided then. Raises what stopped it."""
        try:
            async for piece in pieces(request, self._service.settings.wait_s):
                for block in cutter.feed(piece):
                    await self._take(block)
            for block in cutter.finish():
                await self._take(block)
            while self._under_way:
                await self._settle()
        except TrustwardError as fault:
            # What is under way is decided all the same; the answer says how far it went.
            while self._under_way:
                with suppress(TrustwardError):
                    await self._settle()
            done = self._account.counts["decided"] + self._account.counts["again"]
            # A failed commit's error is shared by all who waited for it.
            mine = copy(fault)
            mine.remedy = f"{fault.remedy} ({done:,} events are on disk)"
            raise mine from fault

    async def _take(self, block: bytes) -> None:
        service = self._service
        begun_us = now_us() if self._trace is not None else 0
        decoded = service.stream_decoder.decode_lines(block, self._line)
        if self._trace is not None:
            self._trace.step("decode", begun_us, now_us())
        self._line += decoded.line_count
        if decoded.rejects:
            self._account.set_aside(decoded)
            service.metrics.rejected(decoded.set_aside)
        if not decoded.events:
            return
        wait = service.ring.owed_s(self._caller, len(decoded.events))
        if wait:
            await asyncio.sleep(wait)
        self._under_way.append((await self._begin(decoded), decoded.lines))
        while len(self._under_way) >= UNDER_WAY:
            await self._settle()

    async def _begin(self, decoded: Decoded) -> Ticket:
        """Put a block into the queue; a full queue slows the stream down, and only after long refuses it."""
        until = elapsed_s() + _PATIENCE_S
        while True:
            try:
                return self._service.begin(decoded.events, decoded.faults, self._trace)
            except OverloadedError:
                if elapsed_s() > until:
                    raise
            await asyncio.sleep(0.02)

    async def _settle(self) -> None:
        ticket, lines = self._under_way.popleft()
        answers = await self._service.end(ticket)
        self._service.metrics.answered(answers)
        self._account.answered(answers, lines)
