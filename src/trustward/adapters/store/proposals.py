"""Proposals over the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.database import Database
from trustward.adapters.store.queries import named
from trustward.model.proposal import Proposal, ProposalState, Ruling
from trustward.model.stored import AuditRow


class DatabaseProposals:
    """The port ``Proposals``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, proposal: Proposal, audit: AuditRow) -> None:
        """See :class:`trustward.ports.Proposals`."""
        fields = ("id", "policy", "base", "actor", "at_us", "reason", "origin")
        row = {**{name: getattr(proposal, name) for name in fields}, "back": int(proposal.back)}
        with self._database.write() as connection:
            connection.execute(named("add_proposal"), row)
            _record(connection, audit)

    def get(self, id: str) -> Proposal | None:
        """See :class:`trustward.ports.Proposals`."""
        with self._database.read() as connection:
            row = connection.execute(named("proposal"), {"id": id}).mappings().one_or_none()
        return None if row is None else _proposal(row)

    def all(self, after: str = "", limit: int = 100) -> Sequence[Proposal]:
        """See :class:`trustward.ports.Proposals`."""
        asked: dict[str, Any] = {"limit": limit}
        with self._database.read() as connection:
            if after:
                before = connection.execute(named("proposal"), {"id": after}).mappings().one_or_none()
                if before is None:
                    return []
                asked.update(at_us=before["at_us"], id=before["id"])
            rows = connection.execute(named("proposals_after" if after else "latest_proposals"), asked).mappings()
            return [_proposal(row) for row in rows]

    def rule(self, id: str, before: ProposalState, ruling: Ruling, audit: AuditRow | None) -> bool:
        """See :class:`trustward.ports.Proposals`."""
        row = {
            "id": id,
            "before_state": before,
            "state": ruling.state,
            "actor": ruling.actor,
            "at_us": ruling.at_us,
            "reason": ruling.reason,
            "entry": ruling.entry,
        }
        with self._database.write() as connection:
            if connection.execute(named("rule_proposal"), row).rowcount != 1:
                return False
            if audit is not None:
                _record(connection, audit)
        return True


def _record(connection: Connection, audit: AuditRow) -> None:
    row = msgspec.structs.asdict(audit)
    row.pop("number")
    connection.execute(named("add_audit"), row)


def _proposal(row: Mapping[Any, Any]) -> Proposal:
    return Proposal(**{**row, "back": bool(row["back"])})
