"""The client for threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import sleep
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from trustward.client import calls, records
from trustward.client.calls import Answer, Call, Json
from trustward.client.exchanging import PART_BYTES, PARTS, options, steps
from trustward.client.retrying import Retrying

T = TypeVar("T")


class Client:
    """Calls a service. Many threads may share one; it keeps up to ``connections`` connections open.

    ``address`` is such as ``https://trustward.example``. ``timeout_s`` is for one call, all its tries together.

    >>> with Client("http://127.0.0.1:8080", "tw_key") as client:
    ...     client
    Client('http://127.0.0.1:8080')
    """

    def __init__(
        self,
        address: str,
        key: str,
        *,
        timeout_s: float = 30.0,
        retrying: Retrying | None = None,
        connections: int = 20,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._options = options(address, key, timeout_s, retrying)
        self._http = httpx.Client(
            base_url=self._options.address,
            headers=self._options.headers(),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            transport=transport,
        )

    def __repr__(self) -> str:
        """Without the key."""
        return f"{type(self).__name__}({self._options.address!r})"

    def __enter__(self) -> Self:
        """Use it in a ``with`` block, which closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def _do(self, call: Call[T], timeout_s: float | None = None) -> T:
        within_s = timeout_s if timeout_s is not None else self._options.timeout_s
        driven = steps(call, self._options.retrying, within_s)
        step = next(driven)
        try:
            while True:
                if step.do == "rest":
                    sleep(step.seconds)
                    step = driven.send(None)
                else:
                    step = driven.send(self._send(call, step.seconds))
        except StopIteration as ended:
            result: T = ended.value
            return result

    def _send(self, call: Call[Any], within_s: float) -> Answer | httpx.TransportError:
        headers = {"Content-Type": call.form} if call.body is not None else {}
        try:
            response = self._http.request(
                call.method, call.path, params=call.params, content=call.body, headers=headers, timeout=within_s
            )
        except httpx.TransportError as fault:
            return fault
        return Answer(response.status_code, response.headers, response.content)

    # ------------------------------------------------------------------ events

    def decide(
        self, event: Json, *, deadline_ms: int | None = None, strict: bool = False, timeout_s: float | None = None
    ) -> records.Decided:
        """Decide one event. Its id is the idempotency key, so it is sent again as often as needed.

        ``event`` is a mapping, a record or a line of JSON. With ``deadline_ms`` the policy's safe answer comes when
        that has passed; with ``strict`` an event with a faulty field is refused.

        Raises RecordError, ConflictError, OverloadedError, UnavailableError, UnreachableError and others.
        """
        return self._do(calls.decide(event, deadline_ms=deadline_ms, strict=strict), timeout_s)

    def decide_many(self, events: Iterable[Json], *, timeout_s: float | None = None) -> records.ManyDecided:
        """Decide any number of events, in order: one answer for all. They are sent as they come, part by part.

        ``timeout_s`` is for each part. What was sent before an error is decided; sending all again does no harm.
        """
        return calls.joined(list(self.decide_parts(events, timeout_s=timeout_s)))

    def decide_parts(self, events: Iterable[Json], *, timeout_s: float | None = None) -> Iterator[records.ManyDecided]:
        """The same with an answer for each part, for streams that do not end. Faults are numbered over all parts."""
        cutter = calls.Cutter(PARTS, PART_BYTES)
        for event in events:
            part = cutter.add(event)
            if part is not None:
                yield self._do(calls.decide_part(*part), timeout_s)
        part = cutter.finish()
        if part is not None:
            yield self._do(calls.decide_part(*part), timeout_s)

    # ------------------------------------------------------------------ looking back

    def decision(self, event_id: str, *, explain: bool = False) -> records.Past:
        """A past decision by its event's id. Raises NotFoundError."""
        return self._do(calls.decision(event_id, explain=explain))

    def decisions(
        self,
        *,
        since: str = "",
        until: str = "",
        type: str = "",
        entity: str = "",
        rule: str = "",
        verdict: str = "",
        limit: int = 50,
        cursor: str = "",
    ) -> records.Page:
        """Past decisions, the newest first: from ``since`` on, before ``until``; ``entity`` as ``kind:id``."""
        query = {"from_": since, "to": until, "type": type, "entity": entity, "rule": rule, "verdict": verdict}
        return self._do(calls.decisions(**query, limit=limit, cursor=cursor))

    def entity(self, kind: str, id: str, *, limit: int = 50, cursor: str = "") -> records.Entity:
        """What is known of an entity now, and its events."""
        return self._do(calls.entity(kind, id, limit=limit, cursor=cursor))

    # ------------------------------------------------------------------ labels and lists

    def set_label(
        self,
        kind: str,
        entity: str,
        label: str,
        *,
        reason: str,
        present: bool = True,
        expires: str | None = None,
        origin: str = "",
    ) -> records.Done:
        """A person's word on a label: it is there, or with ``present`` false must not be, until ``expires``."""
        said = {"kind": kind, "entity": entity, "label": label, "present": present, "expires": expires}
        return self._do(calls.set_label(**said, origin=origin, reason=reason))

    def clear_label(self, kind: str, entity: str, label: str, *, reason: str, origin: str = "") -> records.Done:
        """Take a person's word on a label back."""
        return self._do(calls.clear_label(kind=kind, entity=entity, label=label, reason=reason, origin=origin))

    def lists(self) -> records.Lists:
        """All lists of the live policy."""
        return self._do(calls.lists())

    def list_entries(self, name: str, *, after: str = "", limit: int = 1_000) -> records.Entries:
        """A page of a list's entries."""
        return self._do(calls.list_entries(name, after=after, limit=limit))

    def put_entries(
        self, name: str, values: Sequence[str], *, reason: str, expires: str | None = None, origin: str = ""
    ) -> records.Changed:
        """Put values on a list."""
        return self._do(calls.put_entries(name, values, expires=expires, origin=origin, reason=reason))

    def remove_entries(self, name: str, values: Sequence[str], *, reason: str, origin: str = "") -> records.Changed:
        """Take values off a list."""
        return self._do(calls.remove_entries(name, values, reason=reason, origin=origin))

    # ------------------------------------------------------------------ policies

    def policies(self) -> records.Policies:
        """All stored policies."""
        return self._do(calls.policies())

    def policy(self, hash: str) -> records.PolicyWhole:
        """A policy with its sources."""
        return self._do(calls.policy(hash))

    def check_policy(self, name: str, sources: Mapping[str, str]) -> records.Checked:
        """What is wrong with a policy; ``sources`` are texts by the names of their files."""
        return self._do(calls.check_policy(name, sources))

    def store_policy(self, name: str, sources: Mapping[str, str]) -> records.PolicyTold:
        """Keep a policy. Raises PolicyError with all its faults."""
        return self._do(calls.store_policy(name, sources))

    def put_live(self, hash: str, *, reason: str, origin: str = "", timeout_s: float | None = None) -> records.Switched:
        """Put a stored policy live. Windows that it needs are filled first, which may take a while."""
        return self._do(calls.put_live(hash, reason=reason, origin=origin), timeout_s)

    def roll_back(self, *, reason: str, origin: str = "", timeout_s: float | None = None) -> records.Switched:
        """Go back to the policy that was live before."""
        return self._do(calls.roll_back(reason=reason, origin=origin), timeout_s)

    # ------------------------------------------------------------------ actions

    def lease(self, target: str = "pull", *, limit: int = 100, lasts: str | None = None) -> records.Leased:
        """Fetch actions, for a target that polls."""
        return self._do(calls.lease(target=target, limit=limit, lasts=lasts))

    def confirm(self, lease: str, ids: Sequence[str], *, target: str = "pull", more: bool = False) -> records.Confirmed:
        """Actions of a lease are done."""
        return self._do(calls.confirm(target=target, lease=lease, ids=list(ids), more=more))

    def fail(
        self, lease: str, id: str, *, said: str = "", refused: bool = False, target: str = "pull"
    ) -> records.Failed:
        """An action could not be done; ``refused``: it never will be."""
        return self._do(calls.fail(target=target, lease=lease, id=id, said=said, refused=refused))

    def action(self, id: str) -> dict[str, Any]:
        """How an action stands."""
        return self._do(calls.action(id))

    def reverse(self, id: str, *, reason: str) -> records.Reversed:
        """Take an action back."""
        return self._do(calls.reverse(id, reason))

    def backlog(self) -> records.Backlog:
        """What waits for each target."""
        return self._do(calls.backlog())
