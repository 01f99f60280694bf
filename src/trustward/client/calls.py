"""Every request that a client can make, as a value: what is sent, what comes back, whether it may be sent twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from trustward.base.errors import UsageError
from trustward.client import records
from trustward.model.decision import Decision

T = TypeVar("T")
Json = Mapping[str, Any] | msgspec.Struct | bytes
"""An event: a mapping, a record, or a line of JSON."""
JSON = "application/json"
LINES = "application/x-ndjson"
_ENCODE = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A request. ``repeatable``: doing it twice is as good as doing it once."""

    method: str
    path: str
    read: Callable[[Answer], T]
    params: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    form: str = JSON
    repeatable: bool = True


def _as(kind: type[T]) -> Callable[[Answer], T]:
    decoder = msgspec.json.Decoder(kind)
    return lambda answer: decoder.decode(answer.body)


_READERS: dict[Any, Callable[[Answer], Any]] = {}


def _reader(kind: type[T]) -> Callable[[Answer], T]:
    found = _READERS.get(kind)
    if found is None:
        found = _READERS[kind] = _as(kind)
    return found


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _params(**given: object) -> tuple[tuple[str, str], ...]:
    """Those that were given."""
    found: list[tuple[str, str]] = []
    for name, value in given.items():
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            found += [(name.strip("_"), "true")] if value else []
        elif isinstance(value, list | tuple):
            found += [(name.strip("_"), str(one)) for one in value]
        else:
            found.append((name.strip("_"), str(value)))
    return tuple(found)


def _body(**given: object) -> bytes:
    return _ENCODE({name: value for name, value in given.items() if value is not None})


def line(event: Json) -> bytes:
    """An event as one line of JSON. Raises UsageError for a line that is several."""
    if isinstance(event, bytes):
        text = event.strip()
        if b"\n" in text or b"\r" in text:
            raise UsageError("an event given as bytes is one line", remedy="take the line ends out")
        return text
    return _ENCODE(event)


# ---------------------------------------------------------------------- events


def decide(event: Json, *, deadline_ms: int | None, strict: bool) -> Call[records.Decided]:
    """``POST /v1/decisions``."""
    params = _params(deadline_ms=deadline_ms, strict=strict)
    return Call(method="POST", path="/v1/decisions", params=params, body=line(event), read=_decided)


_DECISION = msgspec.json.Decoder(Decision)


def _decided(answer: Answer) -> records.Decided:
    entry = answer.headers.get("trustward-entry")
    return records.Decided(
        decision=_DECISION.decode(answer.body),
        entry=int(entry) if entry is not None else None,
        again=answer.headers.get("idempotent-replayed") == "true",
        late=answer.status == 202,
    )


class Cutter:
    """Cuts events into bodies of lines, each with the number of events before it."""

    def __init__(self, most_events: int, most_bytes: int) -> None:
        self._most = most_events
        self._most_bytes = most_bytes
        self._lines: list[bytes] = []
        self._size = 0
        self._before = 0

    def add(self, event: Json) -> tuple[int, bytes] | None:
        """Take an event in: the part that is full now, if there is one."""
        text = line(event) or b"null"
        full = self._lines and (len(self._lines) >= self._most or self._size + len(text) > self._most_bytes)
        part = self.finish() if full else None
        self._lines.append(text)
        self._size += len(text) + 1
        return part

    def finish(self) -> tuple[int, bytes] | None:
        """What is left."""
        if not self._lines:
            return None
        part = self._before, b"\n".join(self._lines)
        self._before += len(self._lines)
        self._lines, self._size = [], 0
        return part


def decide_part(before: int, body: bytes) -> Call[records.ManyDecided]:
    """``POST /v1/events``; faults are numbered over all parts."""
    read = _reader(records.ManyDecided)

    def numbered(answer: Answer) -> records.ManyDecided:
        found = read(answer)
        if not before or not found.faults:
            return found
        faults = tuple(msgspec.structs.replace(fault, line=before + fault.line) for fault in found.faults)
        return msgspec.structs.replace(found, faults=faults)

    return Call(method="POST", path="/v1/events", body=body, form=LINES, read=numbered)


def joined(found: Sequence[records.ManyDecided]) -> records.ManyDecided:
    """The parts' answers as one."""
    verdicts: dict[str, int] = {}
    for part in found:
        for verdict, count in part.verdicts.items():
            verdicts[verdict] = verdicts.get(verdict, 0) + count
    return records.ManyDecided(
        events=sum(part.events for part in found),
        decided=sum(part.decided for part in found),
        again=sum(part.again for part in found),
        rejected=sum(part.rejected for part in found),
        verdicts=verdicts,
        decisions=tuple(decision for part in found for decision in part.decisions),
        faults=tuple(fault for part in found for fault in part.faults),
    )


# ---------------------------------------------------------------------- looking back


def decision(event_id: str, *, explain: bool) -> Call[records.Past]:
    """``GET /v1/decisions/{event_id}``."""
    path = _path("decisions", event_id)
    return Call(method="GET", path=path, params=_params(explain=explain), read=_reader(records.Past))


def decisions(**query: object) -> Call[records.Page]:
    """``GET /v1/decisions``."""
    return Call(method="GET", path="/v1/decisions", params=_params(**query), read=_reader(records.Page))


def entity(kind: str, id: str, **query: object) -> Call[records.Entity]:
    """``GET /v1/entities/{kind}/{id}``."""
    return Call(method="GET", path=_path("entities", kind, id), params=_params(**query), read=_reader(records.Entity))


# ---------------------------------------------------------------------- labels and lists


def set_label(**said: object) -> Call[records.Done]:
    """``PUT /v1/labels``: saying the same again leaves all as it is."""
    return Call(method="PUT", path="/v1/labels", body=_body(**said), read=_reader(records.Done))


def clear_label(**said: object) -> Call[records.Done]:
    """``DELETE /v1/labels``."""
    return Call(method="DELETE", path="/v1/labels", params=_params(**said), read=_reader(records.Done))


def lists() -> Call[records.Lists]:
    """``GET /v1/lists``."""
    return Call(method="GET", path="/v1/lists", read=_reader(records.Lists))


def list_entries(name: str, **query: object) -> Call[records.Entries]:
    """``GET /v1/lists/{name}/entries``."""
    path = _path("lists", name, "entries")
    return Call(method="GET", path=path, params=_params(**query), read=_reader(records.Entries))


def put_entries(name: str, values: Sequence[str], **said: object) -> Call[records.Changed]:
    """``PUT /v1/lists/{name}/entries``."""
    body = _body(values=list(values), **said)
    return Call(method="PUT", path=_path("lists", name, "entries"), body=body, read=_reader(records.Changed))


def remove_entries(name: str, values: Sequence[str], **said: object) -> Call[records.Changed]:
    """``DELETE /v1/lists/{name}/entries``."""
    params = _params(value=list(values), **said)
    return Call(method="DELETE", path=_path("lists", name, "entries"), params=params, read=_reader(records.Changed))


# ---------------------------------------------------------------------- policies


def policies() -> Call[records.Policies]:
    """``GET /v1/policies``."""
    return Call(method="GET", path="/v1/policies", read=_reader(records.Policies))


def policy(hash: str) -> Call[records.PolicyWhole]:
    """``GET /v1/policies/{hash}``."""
    return Call(method="GET", path=_path("policies", hash), read=_reader(records.PolicyWhole))


def _policy(name: str, sources: Mapping[str, str]) -> bytes:
    return _body(name=name, sources=[{"name": file, "text": text} for file, text in sources.items()])


def check_policy(name: str, sources: Mapping[str, str]) -> Call[records.Checked]:
    """``POST /v1/policies/check``: changes nothing."""
    return Call(method="POST", path="/v1/policies/check", body=_policy(name, sources), read=_reader(records.Checked))


def store_policy(name: str, sources: Mapping[str, str]) -> Call[records.PolicyTold]:
    """``POST /v1/policies``: a policy is known by its content."""
    return Call(method="POST", path="/v1/policies", body=_policy(name, sources), read=_reader(records.PolicyTold))


def put_live(hash: str, **said: object) -> Call[records.Switched]:
    """``PUT /v1/policies/live``: not to be done twice, for somebody else may have put another one live meanwhile."""
    body = _body(hash=hash, **said)
    return Call(method="PUT", path="/v1/policies/live", body=body, repeatable=False, read=_reader(records.Switched))


def roll_back(**said: object) -> Call[records.Switched]:
    """``POST /v1/policies/rollback``: twice is there and back."""
    return Call(
        method="POST", path="/v1/policies/rollback", body=_body(**said), repeatable=False,
        read=_reader(records.Switched),
    )  # fmt: skip


# ---------------------------------------------------------------------- actions


def lease(**wanted: object) -> Call[records.Leased]:
    """``POST /v1/actions/lease``: what was leased unheard comes again when the lease is over."""
    return Call(
        method="POST", path="/v1/actions/lease", body=_body(**wanted), repeatable=False, read=_reader(records.Leased)
    )


def confirm(**said: object) -> Call[records.Confirmed]:
    """``POST /v1/actions/confirm``: saying so again does no harm."""
    return Call(method="POST", path="/v1/actions/confirm", body=_body(**said), read=_reader(records.Confirmed))


def fail(**said: object) -> Call[records.Failed]:
    """``POST /v1/actions/fail``: each counts as a try."""
    return Call(
        method="POST", path="/v1/actions/fail", body=_body(**said), repeatable=False, read=_reader(records.Failed)
    )


def action(id: str) -> Call[dict[str, Any]]:
    """``GET /v1/actions/{id}``."""
    return Call(method="GET", path=_path("actions", id), read=_reader(dict[str, Any]))


def reverse(id: str, reason: str) -> Call[records.Reversed]:
    """``POST /v1/actions/{id}/reverse``: asking again gives the same answer."""
    path = _path("actions", id, "reverse")
    return Call(method="POST", path=path, body=_body(reason=reason), read=_reader(records.Reversed))


def backlog() -> Call[records.Backlog]:
    """``GET /v1/actions/backlog``."""
    return Call(method="GET", path="/v1/actions/backlog", read=_reader(records.Backlog))
