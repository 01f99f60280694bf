"""Errands to the engine: events and changes that the stories ask for, done by the process that has the engine.

An errand is written with what asks for it, so it is not lost; an event's id and a change's content make it safe to do
twice. What cannot be done is in the audit, and is not tried again.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import msgspec

from trustward.base.errors import (
    ConflictError,
    InputError,
    OverloadedError,
    RecordError,
    StoreError,
    TrustwardError,
    UnavailableError,
    WriterError,
)
from trustward.exchange.decode import EventDecoder
from trustward.model.changes import decode_change
from trustward.model.errand import Errand
from trustward.model.stored import AuditRow
from trustward.operations.deciding import Deciding
from trustward.ports import Store

_AT_ONCE = 500
_LATER = (StoreError, UnavailableError, OverloadedError, WriterError)


class Errands:
    """The story, for the one process that has the engine."""

    def __init__(self, store: Store, host: Deciding, decoder: EventDecoder) -> None:
        self._store = store
        self._host = host
        self._decoder = decoder

    def run(self) -> int:
        """Do what waits, in order; how many were done. What the engine cannot take now waits for the next round."""
        waiting = self._store.errands.waiting(_AT_ONCE)
        begun: list[tuple[Errand, Future[Any] | TrustwardError]] = []
        for errand in waiting:
            try:
                begun.append((errand, self._begin(errand)))
            except _LATER:
                break
            except TrustwardError as wrong:
                begun.append((errand, wrong))
        done: list[str] = []
        for errand, what in begun:
            fault = what if isinstance(what, TrustwardError) else self._end(what)
            if isinstance(fault, _LATER):
                break  # what comes after it is done anew as well: in order
            if fault is not None:
                detail = msgspec.json.encode({"why": str(fault)[:500]})
                row = AuditRow(
                    at_us=errand.at_us, actor="trustward", action="errand.failed", subject=errand.id, detail=detail
                )
                self._store.audit.record(row)
            done.append(errand.id)
        self._store.errands.done(done)
        return len(done)

    def _begin(self, errand: Errand) -> Future[Any]:
        if errand.kind == "change":
            return self._host.change(decode_change(errand.body))
        decoded = self._decoder.decode_lines(errand.body)
        if decoded.rejects:
            cause = decoded.rejects[0]
            raise RecordError(f"{cause.path}: {cause.cause}", path=cause.path, remedy="see the event catalogue")
        if not decoded.events:
            raise InputError("no event", remedy="see the event catalogue")
        return self._host.submit(decoded.events, decoded.faults)

    @staticmethod
    def _end(future: Future[Any]) -> TrustwardError | None:
        try:
            answers = future.result(60)
        except TimeoutError:
            return UnavailableError("the engine did not answer in time", remedy="it is tried again")
        except TrustwardError as fault:
            return fault
        problems = getattr(answers, "problems", {})
        return ConflictError(str(next(iter(problems.values()))), remedy="see the audit") if problems else None
