"""Entries of the journal as rows of four tables, and back: what comes back is the same, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

import pyarrow as pa
from trustward.model.changes import LabelChange, ListChange, PolicyChange, SnoozeChange, decode_change
from trustward.model.decision import Decision
from trustward.model.journal import ActionRow, Outgoing, Segment

_TIME = pa.timestamp("us")
SCHEMAS: Mapping[str, pa.Schema] = {
    "events": pa.schema(
        [
            ("entry", pa.int64()),
            ("segment", pa.int64()),
            ("decided", _TIME),
            ("id", pa.string()),
            ("type", pa.string()),
            ("time", pa.string()),
            ("source", pa.string()),
            ("verdict", pa.string()),
            ("policy", pa.string()),
            ("body", pa.string()),
            ("faults", pa.string()),
        ]
    ),
    "decisions": pa.schema(
        [
            ("entry", pa.int64()),
            ("decided", _TIME),
            ("event_id", pa.string()),
            ("type", pa.string()),
            ("time", pa.string()),
            ("verdict", pa.string()),
            ("score", pa.float64()),
            ("degraded", pa.bool_()),
            ("rules", pa.list_(pa.string())),
            ("policy", pa.string()),
            ("body", pa.string()),
        ]
    ),
    "actions": pa.schema(
        [
            ("entry", pa.int64()),
            ("number", pa.int32()),
            ("decided", _TIME),
            ("action", pa.string()),
            ("do", pa.string()),
            ("kind", pa.string()),
            ("entity", pa.string()),
            ("rule", pa.string()),
            ("note", pa.string()),
            ("lasts_us", pa.int64()),
            ("why", pa.string()),
            ("event_id", pa.string()),
            ("type", pa.string()),
            ("time", pa.string()),
            ("body", pa.string()),
        ]
    ),
    "changes": pa.schema(
        [
            ("entry", pa.int64()),
            ("decided", _TIME),
            ("change", pa.string()),
            ("subject", pa.string()),
            ("actor", pa.string()),
            ("origin", pa.string()),
            ("reason", pa.string()),
            ("policy", pa.string()),
            ("body", pa.string()),
        ]
    ),
}
"""The columns of each table. ``entry`` is the number in the journal, ``decided`` when it was written (UTC), ``body``
the record itself as JSON; a decision that was a plain allow has none."""


class _Envelope(msgspec.Struct):
    id: str
    type: str
    time: str
    source: str | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_RAW_FAULTS = msgspec.json.Decoder(dict[int, msgspec.Raw])
_RAW_DECISIONS = msgspec.json.Decoder(list[tuple[int, msgspec.Raw]])
_DECISION = msgspec.json.Decoder(Decision)
_OUTGOING = msgspec.json.Decoder(Outgoing)


def events_of(segments: Iterable[Segment]) -> tuple[pa.Table, pa.Table]:
    """The events of some segments and the decisions on them, a row of each for each."""
    events: list[tuple[Any, ...]] = []
    decisions: list[tuple[Any, ...]] = []
    for segment in segments:
        faults = {at: bytes(raw) for at, raw in _RAW_FAULTS.decode(segment.faults).items()} if segment.faults else {}
        decided = {at: bytes(raw) for at, raw in _RAW_DECISIONS.decode(segment.decisions)} if segment.decisions else {}
        for at, line in enumerate(segment.lines()):
            seq, body, fault = segment.first + at, decided.get(at), faults.get(at)
            envelope = _ENVELOPE.decode(line)
            head = (envelope.type, envelope.time)
            one = _DECISION.decode(body) if body is not None else None
            answer = (
                ("allow", 0.0, False, [], segment.policy, None)
                if one is None
                else (one.verdict, one.score, one.degraded, [hit.id for hit in one.rules], one.policy, body)
            )
            told = (segment.first, segment.at_us, envelope.id, *head, envelope.source, answer[0], segment.policy)
            events.append((seq, *told, line, fault))
            decisions.append((seq, segment.at_us, envelope.id, *head, *answer))
    return _table("events", events), _table("decisions", decisions)


def changes_of(segments: Iterable[Segment]) -> pa.Table:
    """Changes as rows."""
    rows = []
    for segment in segments:
        change = decode_change(segment.body)
        match change:
            case LabelChange():
                subject = f"{change.kind}:{change.entity}:{change.label}"
            case ListChange():
                subject = change.list
            case SnoozeChange():
                subject = f"{change.rule}:{change.kind}:{change.entity}"
            case PolicyChange():
                subject = change.policy
        name = type(change).__name__.removesuffix("Change").lower()
        said = (change.actor, change.origin, change.reason)
        rows.append((segment.first, segment.at_us, name, subject, *said, segment.policy, segment.body))
    return _table("changes", rows)


def actions_of(actions: Iterable[ActionRow]) -> pa.Table:
    """Actions as rows."""
    rows = []
    for row in actions:
        told = _OUTGOING.decode(row.body)
        action = told.action
        what = (action.do, action.kind, action.entity, action.rule, action.note, action.lasts_us, told.why)
        because = (told.event_id, told.type, told.time)
        rows.append((row.seq, row.number, row.at_us, row.key, *what, *because, row.body))
    return _table("actions", rows)


def segments_in(events: pa.Table, decisions: pa.Table, seq: int = 0, most: int = 2**62) -> list[Segment]:
    """The segments that some rows of events and decisions were made of: all rows of each of them.

    Only from the one that holds ``seq`` on, of about ``most`` entries in all (one segment at least).
    """
    origin = events.column("segment").to_numpy()
    begin = int(np.searchsorted(origin, origin[max(int(np.searchsorted(origin, seq, side="right")) - 1, 0)]))
    end = int(np.searchsorted(origin, max(seq, int(origin[begin])) + most - 1, side="right"))
    events, decisions = events.slice(begin, end - begin), decisions.slice(begin, end - begin)
    columns = {name: events.column(name).to_pylist() for name in ("entry", "segment", "policy", "body", "faults")}
    times = events.column("decided").cast(pa.int64()).to_pylist()
    bodies = decisions.column("body").to_pylist()
    firsts = columns["segment"]
    starts = [at for at, first in enumerate(firsts) if at == 0 or firsts[at - 1] != first]
    found = []
    for start, stop in zip(starts, [*starts[1:], len(firsts)], strict=True):
        decided = [(at, _raw(body)) for at, body in enumerate(bodies[start:stop]) if body is not None]
        faults = {at: _raw(fault) for at, fault in enumerate(columns["faults"][start:stop]) if fault is not None}
        found.append(
            Segment(
                first=firsts[start],
                count=stop - start,
                kind="events",
                at_us=times[start],
                policy=columns["policy"][start],
                body="".join([line + "\n" for line in columns["body"][start:stop]]).encode(),
                decisions=msgspec.json.encode(decided) if decided else None,
                faults=msgspec.json.encode(faults) if faults else None,
            )
        )
    return found


def changes_in(table: pa.Table) -> list[Segment]:
    """The changes that some rows were made of."""
    times = table.column("decided").cast(pa.int64()).to_pylist()
    return [
        Segment(first=seq, count=1, kind="change", at_us=at_us, policy=policy, body=body.encode())
        for seq, policy, body, at_us in zip(
            *[table.column(name).to_pylist() for name in ("entry", "policy", "body")], times, strict=True
        )
    ]


def actions_in(table: pa.Table) -> list[ActionRow]:
    """The actions that some rows were made of."""
    times = table.column("decided").cast(pa.int64()).to_pylist()
    return [
        ActionRow(seq=row["entry"], number=row["number"], at_us=at_us, body=row["body"].encode())
        for row, at_us in zip(table.select(["entry", "number", "body"]).to_pylist(), times, strict=True)
    ]


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _table(name: str, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    schema = SCHEMAS[name]
    columns: Sequence[Any] = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = []
    for field, values in zip(schema, columns, strict=True):
        if pa.types.is_timestamp(field.type):
            arrays.append(pa.array(values, pa.int64()).cast(field.type))
        elif field.name in {"body", "faults"}:
            # JSON as it was written: bytes become text without a copy in Python.
            arrays.append(pa.array(values, pa.binary()).cast(pa.string()))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)
