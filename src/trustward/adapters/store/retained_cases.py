"""Closed cases and appeals with all that hangs on them, and evidence that was given away, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.queries import named
from trustward.model.appeal import Appeal
from trustward.model.bundle import Bundle
from trustward.model.case import Case
from trustward.model.clue import Clue
from trustward.model.dossier import Pair
from trustward.model.request import Asked
from trustward.model.retention import Closed, ClosedClass

_BUNDLE = msgspec.json.Decoder(Bundle)
_RECORDS: Mapping[str, type[Clue | Asked]] = {"clue": Clue, "request": Asked}
_CASE = msgspec.json.Decoder(Case)


class _Sent(msgspec.Struct):
    """Who sent a report: of many reports no more is read. Its column may hold a hash."""

    reporter: str = ""


_SENDER = msgspec.json.Decoder(_Sent)
_APPEAL = msgspec.json.Decoder(Appeal)
_NOUNS: Mapping[ClosedClass, str] = {"cases": "case", "appeals": "appeal"}
_PARTS: Mapping[ClosedClass, tuple[str, ...]] = {
    "cases": ("pages", "entities", "leases", "barred", "reports"),
    "appeals": ("pages",),
}


def closed_of(row: Any) -> Closed:
    """A closed case out of its row."""
    case = _CASE.decode(row.body)
    ended_us = max([done.at_us for done in (case.decided, case.reversed) if done is not None], default=case.opened_us)
    return Closed(id=case.id, version=case.version, at_us=max(ended_us, row.last_us or 0), names=_names(case))


def _names(case: Case) -> tuple[Pair, ...]:
    return tuple(dict.fromkeys(((case.kind, case.entity), *case.entities)))


def reporters(connection: Connection, id: str) -> list[Pair]:
    """Who reported it: accounts, as far as they are."""
    found = map(_SENDER.decode, connection.execute(named("case_reporters"), {"id": id}).scalars())
    return [("account", name) for name in dict.fromkeys(one.reporter for one in found) if name]


def heard_of(row: Any) -> Closed:
    """An appeal that is not to be heard any more, out of its row."""
    appeal = _APPEAL.decode(row.body)
    at_us = max(appeal.at_us, appeal.heard_us or 0, row.last_us or 0)
    return Closed(id=appeal.id, version=appeal.version, at_us=at_us, names=(("account", appeal.account),))


class Letters(NamedTuple):
    """What was told of a case or an appeal: all letters, and the actions of them that are closed."""

    seqs: Sequence[int]
    closed: Sequence[dict[str, int]]


def waits(connection: Connection, of: ClosedClass, one: Closed, why: str) -> tuple[str, Letters]:
    """Why a case or an appeal is kept, if not for what it names; and what was told of it."""
    none, noun = Letters((), ()), _NOUNS[of]
    row = connection.execute(named(f"closed_{noun}"), {"id": one.id}).one_or_none()
    if row is None or (closed_of(row) if of == "cases" else heard_of(row)) != one:
        return "changed", none
    asked = {"id": one.id, "about": f"{noun}:{one.id}"}
    why = why or connection.execute(named(f"{noun}_waits"), asked).scalar() or ""
    if why:
        return why, none
    seqs = list(connection.execute(named(f"{noun}_letters"), asked).scalars())
    closed = _closed(connection, seqs)
    sent = sum(connection.execute(named("letter_actions"), {"seq": seq}).scalar_one() for seq in seqs)
    return "letter" if sent > len(closed) else "", Letters(seqs, closed)


def drop(connection: Connection, of: ClosedClass, one: Closed, letters: Letters) -> str:
    """Remove a case or an appeal; ``changed`` if somebody has just changed it."""
    noun = _NOUNS[of]
    if connection.execute(named(f"drop_{noun}"), {"id": one.id, "version": one.version}).rowcount != 1:
        return "changed"
    for name in ("receipts", "deliveries", "effect", "action") if letters.closed else ():
        connection.execute(named(f"prune_{name}"), letters.closed)
    if letters.seqs:
        connection.execute(named("drop_letter"), [{"seq": seq} for seq in letters.seqs])
    for part in _PARTS[of]:
        connection.execute(named(f"drop_{noun}_{part}"), {"id": one.id})
    return ""


def bundle_of(connection: Connection, body: bytes) -> Closed:
    """Evidence, with what the clue or request names that it was made for."""
    bundle = _BUNDLE.decode(body)
    of, _, id_ = bundle.record.partition(":")
    kind = _RECORDS.get(of)
    found = None
    if kind is not None:
        found = connection.execute(named("dossier"), {"kind": kind.__name__, "id": id_}).scalar()
    names = () if kind is None or found is None else msgspec.json.decode(found, type=kind).entities
    return Closed(id=bundle.id, version=1, at_us=bundle.at_us, names=names, secret=bundle.secret)


def drop_bundle(connection: Connection, bundle: Closed) -> str:
    """Remove evidence; ``changed`` if somebody was first."""
    connection.execute(named("drop_bundle_parts"), {"id": bundle.id})
    return "" if connection.execute(named("drop_bundle"), {"id": bundle.id}).rowcount == 1 else "changed"


def _closed(connection: Connection, seqs: Sequence[int]) -> list[dict[str, int]]:
    if not seqs:
        return []
    if connection.dialect.name == "sqlite":
        asked: dict[str, Any] = {"seqs": msgspec.json.encode(seqs).decode()}
        rows = connection.execute(named("closed_actions_of_sqlite"), asked)
    else:
        rows = connection.execute(named("closed_actions_of_postgresql"), {"seqs": list(seqs)})
    return [{"seq": row.seq, "number": row.number} for row in rows]
