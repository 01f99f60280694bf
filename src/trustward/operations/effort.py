"""The effort file of an order: everything that was done, when, by whom, and what was not possible, as one document."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from trustward.base.errors import NotFoundError
from trustward.base.units import format_time
from trustward.exchange.duty_view import duty_view, file_view
from trustward.model.directive import Copy, Directive, Target
from trustward.model.duty import Duty
from trustward.operations.delivering import Delivering
from trustward.operations.directives import Directives
from trustward.operations.enforcing import Enforcing
from trustward.operations.reading import copies_of, pages_of, targets_of

FORMAT = "trustward effort file 1"


class Effort:
    """Gathers what there is about an order."""

    def __init__(self, directives: Directives, enforcing: Enforcing, delivering: Delivering) -> None:
        self._directives = directives
        self._enforcing = enforcing
        self._delivering = delivering
        self._store = directives.store

    def document(self, id: str) -> dict[str, Any]:
        """The whole file; ``digest``: the SHA-256 of the rest as JSON with sorted keys. Raises NotFoundError."""
        order = self._directives.get(id)
        now_us = self._directives.clock()
        issuer = self._directives.issuers.get(order.issuer)
        found = {
            "format": FORMAT,
            "made": format_time(now_us),
            "order": plain(order),
            "issuer": None if issuer is None else {"id": issuer.id, "name": issuer.name, "market": issuer.market},
            "clocks": [
                self._clock(duty, clocked.role, now_us)
                for clocked in order.duties
                for duty in self._directives.duties.periods(clocked.duty)
            ],
            "targets": [self._target(target) for target in targets_of(self._store, id)],
            "kept_out": [plain(copy) for copy in copies_of(self._store, id)],
            "letters": [self._letter(key) for key in self._store.records.letters(order.cause)],
            "pages": [plain(page) for page in pages_of(self._store, id)],
        }
        data = msgspec.json.encode(found, order="sorted")
        return {**found, "digest": sha256(data).hexdigest()}

    def _clock(self, duty: Duty, role: str, now_us: int) -> dict[str, Any]:
        return {
            "role": role,
            "duty": msgspec.to_builtins(duty_view(duty, now_us)),
            "file": msgspec.to_builtins(file_view(self._directives.duties.file(duty.id))),
        }

    def _target(self, target: Target) -> dict[str, Any]:
        return {
            **plain(target),
            "measures": [self._measure(proof.measure) for proof in target.proof if proof.measure],
        }

    def _measure(self, id: str) -> dict[str, Any]:
        measure = self._enforcing.get(id)
        keys = self._store.records.letters(f"measure:{id}")
        return {
            "measure": id,
            "do": measure.do,
            "state": measure.state,
            "ends": None if measure.ends_us is None else format_time(measure.ends_us),
            "lifted": None if measure.lifted_us is None else format_time(measure.lifted_us),
            "actions": [self._letter(key) for key in keys],
        }

    def _letter(self, key: str) -> dict[str, Any]:
        """An action or a letter, and what its receivers have said."""
        try:
            standing = self._delivering.standing(key)
        except NotFoundError:
            return {"id": key, "deliveries": []}
        return {
            "id": key,
            "at": format_time(standing.row.at_us),
            "step": standing.body.type,
            "do": standing.body.action.do,
            "says": dict(standing.body.says),
            "waiting": standing.waiting,
            "deliveries": [
                {
                    "target": delivery.target,
                    "state": delivery.state,
                    "tries": delivery.tries,
                    "receipts": [
                        {"ok": one.ok, "at": format_time(one.at_us), "status": one.status, "said": one.said}
                        for one in receipts
                    ],
                }
                for delivery, receipts in standing.deliveries
            ],
        }


def plain(record: Directive | Target | Copy | Any) -> dict[str, Any]:
    """A record as plain values, with its times in words.

    >>> from trustward.model.directive import Proof
    >>> plain(Proof(at_us=0, actor="kim", said="removed"))
    {'at': '1970-01-01T00:00:00Z', 'actor': 'kim', 'said': 'removed'}
    """
    found: dict[str, Any] = _worded(msgspec.to_builtins(record))
    return found


def _worded(value: Any) -> Any:
    if isinstance(value, list):
        return [_worded(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {_name(name): _said(name, one) for name, one in value.items()}


def _name(name: str) -> str:
    return name.removesuffix("_us") if name != "lasts_us" else "lasts_s"


def _said(name: str, value: Any) -> Any:
    if name == "lasts_us":
        return None if value is None else value / 1e6
    if name.endswith("_us"):
        return None if value is None else format_time(value)
    if name == "told" and isinstance(value, Mapping):
        return {what: format_time(at_us) for what, at_us in value.items()}
    return _worded(value)
