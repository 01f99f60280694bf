"""The client for event loops: the same calls, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from trustward.client import calls, records
from trustward.client.calls import Answer, Call, Json
from trustward.client.exchanging import PART_BYTES, PARTS, options, steps
from trustward.client.retrying import Retrying

T = TypeVar("T")


class AsyncClient:
    """Calls a service from an event loop. Many tasks may share one.

    ``address`` is such as ``https://trustward.example``. ``timeout_s`` is for one call, all its tries together.
    """

    def __init__(
        self,
        address: str,
        key: str,
        *,
        timeout_s: float = 30.0,
        retrying: Retrying | None = None,
        connections: int = 20,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._options = options(address, key, timeout_s, retrying)
        self._http = httpx.AsyncClient(
            base_url=self._options.address,
            headers=self._options.headers(),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            transport=transport,
        )

    def __repr__(self) -> str:
        """Without the key."""
        return f"{type(self).__name__}({self._options.address!r})"

    async def __aenter__(self) -> Self:
        """Use it in an ``async with`` block, which closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _do(self, call: Call[T], timeout_s: float | None = None) -> T:
        within_s = timeout_s if timeout_s is not None else self._options.timeout_s
        driven = steps(call, self._options.retrying, within_s)
        step = next(driven)
        try:
            while True:
                if step.do == "rest":
                    await asyncio.sleep(step.seconds)
                    step = driven.send(None)
                else:
                    step = driven.send(await self._send(call, step.seconds))
        except StopIteration as ended:
            result: T = ended.value
            return result

    async def _send(self, call: Call[Any], within_s: float) -> Answer | httpx.TransportError:
        headers = {"Content-Type": call.form} if call.body is not None else {}
        try:
            response = await self._http.request(
                call.method, call.path, params=call.params, content=call.body, headers=headers, timeout=within_s
            )
        except httpx.TransportError as fault:
            return fault
        return Answer(response.status_code, response.headers, response.content)

    # ------------------------------------------------------------------ events

    async def decide(
        self, event: Json, *, deadline_ms: int | None = None, strict: bool = False, timeout_s: float | None = None
    ) -> records.Decided:
        """Decide one event. Its id is the idempotency key, so it is sent again as often as needed.

        ``event`` is a mapping, a record or a line of JSON. With ``deadline_ms`` the policy's safe answer comes when
        that has passed; with ``strict`` an event with a faulty field is refused.

        Raises RecordError, ConflictError, OverloadedError, UnavailableError, UnreachableError and others.
        """
        return await self._do(calls.decide(event, deadline_ms=deadline_ms, strict=strict), timeout_s)

    async def decide_many(
        self, events: Iterable[Json] | AsyncIterable[Json], *, timeout_s: float | None = None
    ) -> records.ManyDecided:
        """Decide any number of events, in order: one answer for all. They are sent as they come, part by part.

        ``timeout_s`` is for each part. What was sent before an error is decided; sending all again does no harm.
        """
        found: list[records.ManyDecided] = [part async for part in self.decide_parts(events, timeout_s=timeout_s)]
        return calls.joined(found)

    async def decide_parts(
        self, events: Iterable[Json] | AsyncIterable[Json], *, timeout_s: float | None = None
    ) -> AsyncIterator[records.ManyDecided]:
        """The same with an answer for each part, for streams that do not end. Faults are numbered over all parts."""
        cutter = calls.Cutter(PARTS, PART_BYTES)
        async for event in _each(events):
            part = cutter.add(event)
            if part is not None:
                yield await self._do(calls.decide_part(*part), timeout_s)
        part = cutter.finish()
        if part is not None:
            yield await self._do(calls.decide_part(*part), timeout_s)

    # ------------------------------------------------------------------ looking back

    async def decision(self, event_id: str, *, explain: bool = False) -> records.Past:
        """A past decision by its event's id. Raises NotFoundError."""
        return await self._do(calls.decision(event_id, explain=explain))

    async def decisions(
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
        return await self._do(calls.decisions(**query, limit=limit, cursor=cursor))

    async def entity(self, kind: str, id: str, *, limit: int = 50, cursor: str = "") -> records.Entity:
        """What is known of an entity now, and its events."""
        return await self._do(calls.entity(kind, id, limit=limit, cursor=cursor))

    # ------------------------------------------------------------------ labels and lists

    async def set_label(
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
        return await self._do(calls.set_label(**said, origin=origin, reason=reason))

    async def clear_label(self, kind: str, entity: str, label: str, *, reason: str, origin: str = "") -> records.Done:
        """Take a person's word on a label back."""
        return await self._do(calls.clear_label(kind=kind, entity=entity, label=label, reason=reason, origin=origin))

    async def lists(self) -> records.Lists:
        """All lists of the live policy."""
        return await self._do(calls.lists())

    async def list_entries(self, name: str, *, after: str = "", limit: int = 1_000) -> records.Entries:
        """A page of a list's entries."""
        return await self._do(calls.list_entries(name, after=after, limit=limit))

    async def put_entries(
        self, name: str, values: Sequence[str], *, reason: str, expires: str | None = None, origin: str = ""
    ) -> records.Changed:
        """Put values on a list."""
        return await self._do(calls.put_entries(name, values, expires=expires, origin=origin, reason=reason))

    async def remove_entries(
        self, name: str, values: Sequence[str], *, reason: str, origin: str = ""
    ) -> records.Changed:
        """Take values off a list."""
        return await self._do(calls.remove_entries(name, values, reason=reason, origin=origin))

    # ------------------------------------------------------------------ policies

    async def policies(self) -> records.Policies:
        """All stored policies."""
        return await self._do(calls.policies())

    async def policy(self, hash: str) -> records.PolicyWhole:
        """A policy with its sources."""
        return await self._do(calls.policy(hash))

    async def check_policy(self, name: str, sources: Mapping[str, str]) -> records.Checked:
        """What is wrong with a policy; ``sources`` are texts by the names of their files."""
        return await self._do(calls.check_policy(name, sources))

    async def store_policy(self, name: str, sources: Mapping[str, str]) -> records.PolicyTold:
        """Keep a policy. Raises PolicyError with all its faults."""
        return await self._do(calls.store_policy(name, sources))

    async def put_live(
        self, hash: str, *, reason: str, origin: str = "", timeout_s: float | None = None
    ) -> records.Switched:
        """Put a stored policy live. Windows that it needs are filled first, which may take a while."""
        return await self._do(calls.put_live(hash, reason=reason, origin=origin), timeout_s)

    async def roll_back(self, *, reason: str, origin: str = "", timeout_s: float | None = None) -> records.Switched:
        """Go back to the policy that was live before."""
        return await self._do(calls.roll_back(reason=reason, origin=origin), timeout_s)

    # ------------------------------------------------------------------ actions

    async def lease(self, target: str = "pull", *, limit: int = 100, lasts: str | None = None) -> records.Leased:
        """Fetch actions, for a target that polls."""
        return await self._do(calls.lease(target=target, limit=limit, lasts=lasts))

    async def confirm(
        self, lease: str, ids: Sequence[str], *, target: str = "pull", more: bool = False
    ) -> records.Confirmed:
        """Actions of a lease are done."""
        return await self._do(calls.confirm(target=target, lease=lease, ids=list(ids), more=more))

    async def fail(
        self, lease: str, id: str, *, said: str = "", refused: bool = False, target: str = "pull"
    ) -> records.Failed:
        """An action could not be done; ``refused``: it never will be."""
        return await self._do(calls.fail(target=target, lease=lease, id=id, said=said, refused=refused))

    async def action(self, id: str) -> dict[str, Any]:
        """How an action stands."""
        return await self._do(calls.action(id))

    async def reverse(self, id: str, *, reason: str) -> records.Reversed:
        """Take an action back."""
        return await self._do(calls.reverse(id, reason))

    async def backlog(self) -> records.Backlog:
        """What waits for each target."""
        return await self._do(calls.backlog())


async def _each(events: Iterable[Json] | AsyncIterable[Json]) -> AsyncIterator[Json]:
    if isinstance(events, AsyncIterable):
        async for event in events:
            yield event
    else:
        for event in events:
            yield event
