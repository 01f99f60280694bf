"""Policies on trial over the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.database import Database
from trustward.adapters.store.queries import named
from trustward.model.changes import PolicyChange
from trustward.model.journal import Segment
from trustward.model.stored import AuditRow
from trustward.model.trial import Step, Trial, TrialKind

LONGEST_US = 3_600_000_000
"""A worker that says it keeps a trial for longer than this had a clock that ran ahead."""


class DatabaseTrials:
    """The port ``Trials``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, trial: Trial, audit: AuditRow) -> None:
        """See :class:`trustward.ports.Trials`."""
        with self._database.write() as connection:
            _add(connection, trial)
            _record(connection, audit)

    def get(self, id: str) -> Trial | None:
        """See :class:`trustward.ports.Trials`."""
        with self._database.read() as connection:
            row = connection.execute(named("trial"), {"id": id}).mappings().one_or_none()
        return None if row is None else _trial(row)

    def all(self, kind: TrialKind, after: str = "", limit: int = 100) -> Sequence[Trial]:
        """See :class:`trustward.ports.Trials`."""
        asked: dict[str, Any] = {"kind": kind, "limit": limit}
        with self._database.read() as connection:
            if after:
                before = connection.execute(named("trial"), {"id": after}).mappings().one_or_none()
                if before is None:
                    return []
                asked.update(at_us=before["at_us"], id=before["id"])
            rows = connection.execute(named("trials_after" if after else "latest_trials"), asked).mappings()
            return [_trial(row) for row in rows]

    def open(self) -> Sequence[Trial]:
        """See :class:`trustward.ports.Trials`."""
        with self._database.read() as connection:
            return [_trial(row) for row in connection.execute(named("open_trials")).mappings()]

    def claim(self, id: str, worker: str, now_us: int, until_us: int) -> Trial | None:
        """See :class:`trustward.ports.Trials`."""
        asked = {"id": id, "worker": worker, "until_us": until_us, "now": now_us, "far": now_us + LONGEST_US}
        with self._database.write() as connection:
            if connection.execute(named("claim_trial"), asked).rowcount != 1:
                return None
            return _trial(connection.execute(named("trial"), {"id": id}).mappings().one())

    def save(self, step: Step) -> bool:
        """See :class:`trustward.ports.Trials`."""
        ended_us = None if step.state == "running" else step.at_us
        row = {
            "id": step.id,
            "worker": step.worker,
            "seq": step.seq,
            "until_us": step.until_us,
            "state": step.state,
            "fault": step.fault,
            "ended_us": ended_us,
            "idle": int(step.idle),
        }
        with self._database.write() as connection:
            if connection.execute(named("save_trial"), row).rowcount != 1:
                return False
            if step.result is not None:
                connection.execute(named("save_trial_result"), {"id": step.id, "result": step.result})
        return True

    def cancel(self, id: str, at_us: int, audit: AuditRow) -> bool:
        """See :class:`trustward.ports.Trials`."""
        with self._database.write() as connection:
            if connection.execute(named("cancel_trial"), {"id": id, "at_us": at_us}).rowcount != 1:
                return False
            _record(connection, audit)
        return True


def follow_shadow(connection: Connection, segment: Segment, change: PolicyChange) -> None:
    """What a change of a policy's mode means for shadows, in the transaction that writes it to the journal."""
    over = {"upto": segment.first - 1, "at_us": segment.at_us}
    if change.mode != "shadow":
        connection.execute(named("end_shadows"), {**over, "policy": change.policy})
        return
    connection.execute(named("retire_shadow_policy"))
    connection.execute(named("end_shadows"), {**over, "policy": ""})
    _add(connection, shadow(segment, change))


def shadow(segment: Segment, change: PolicyChange) -> Trial:
    """The trial that a change begins."""
    return Trial(
        id=f"shadow-{segment.first}",
        kind="shadow",
        policy=change.policy,
        actor=change.actor,
        origin=change.origin,
        reason=change.reason,
        at_us=segment.at_us,
        after=segment.first,
        upto=None,
        warm_after=change.warm_after,
        seq=change.warm_after,
    )


def _add(connection: Connection, trial: Trial) -> None:
    fields = ("id", "kind", "policy", "actor", "origin", "reason", "at_us", "after", "upto", "warm_after")
    connection.execute(named("add_trial"), {"result": b"", **{name: getattr(trial, name) for name in fields}})


def _record(connection: Connection, audit: AuditRow) -> None:
    row = msgspec.structs.asdict(audit)
    row.pop("number")
    connection.execute(named("add_audit"), row)


def _trial(row: Mapping[Any, Any]) -> Trial:
    return Trial(**{**row, "result": bytes(row.get("result", b""))})
