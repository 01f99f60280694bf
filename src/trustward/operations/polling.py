"""The pull side: a service that would rather fetch its actions leases some, does them, and confirms each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from trustward.base.errors import ActionError, NotFoundError, UsageError
from trustward.exchange.webhooks import document
from trustward.model.delivery import Delivery, Handed, Outcome, Receipt, Target, parse_key
from trustward.operations.delivering import Delivering

MOST_AT_ONCE = 1000
MAX_SAID = 500
_LEASE = re.compile(r"[0-9]{1,4}\.[0-9]{1,18}", re.ASCII)


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """Actions to do, in this order, until ``until_us``; ``lease`` is shown when they are confirmed."""

    lease: str
    until_us: int
    actions: tuple[dict[str, Any], ...]


class Polling:
    """Lease, confirm, fail. It needs no worker: whoever asks also has passed on what waits."""

    def __init__(self, delivering: Delivering) -> None:
        self._story = delivering

    def fetch(self, target: str, who: str, limit: int = 100, lease_us: int = 0) -> Fetched | None:
        """Lease what is next for a target that polls; None if nothing waits, or all of it is leased or rests.

        Nobody else gets what lies in the same lane until all of it is confirmed, one has failed, or the time is over
        (then it is handed out anew, under the same keys). Raises NotFoundError, UsageError.
        """
        found = self._polled(target)
        if not 1 <= limit <= MOST_AT_ONCE:
            raise UsageError(f"cannot lease {limit} actions", remedy=f"ask for 1 to {MOST_AT_ONCE}")
        self._story.tidy()
        handed = self._story.lease([found.name], who, limit, lease_us)
        if handed is None:
            return None
        return Fetched(
            lease=f"{handed.lane}.{handed.epoch}",
            until_us=handed.until_us,
            actions=tuple(document(one)["data"] for one in handed.deliveries),
        )

    def confirm(self, target: str, lease: str, ids: Sequence[str], who: str, *, more: bool = False) -> bool:
        """These are done. Unless there is ``more`` to come, the rest of the lease is given back.

        Saying so again, or after the lease, does no harm: what is done is done. Whether the lease still held.
        Raises NotFoundError for an action that was never for this target.
        """
        handed = self._handed(target, lease)
        now_us = self._story.clock()
        receipt = Receipt(ok=True, at_us=now_us, worker=who)
        found = [self._delivery(target, name) for name in ids]
        outcomes = [Outcome(place=one.place, state="delivered", receipt=receipt) for one in found]
        for lane in sorted({one.lane for one in found} - {handed.lane}):
            # Of an earlier lease: a fact all the same.
            elsewhere = Handed(target=handed.target, lane=lane, epoch=-1, until_us=0, deliveries=())
            self._story.outbox.settle(elsewhere, outcomes, 0)
        until_us = now_us + self._story.lease_us if more else 0
        return self._story.outbox.settle(handed, outcomes, until_us)

    def fail(self, target: str, lease: str, id: str, who: str, said: str = "", *, refused: bool = False) -> None:
        """This one could not be done; it rests and is handed out again, unless it is ``refused`` for good.

        What follows it in the lease must not be done before. Raises ActionError if the lease is over, NotFoundError.
        """
        handed = self._handed(target, lease)
        delivery = self._delivery(target, id)
        if delivery.lane != handed.lane or not self._story.keep(handed):
            raise ActionError(f"the lease of {id[:80]} is over", remedy="fetch anew; it will come again")
        now_us = self._story.clock()
        receipt = Receipt(ok=False, at_us=now_us, worker=who, said=said[:MAX_SAID], refused=refused)
        self._story.settle(handed, delivery, receipt, last=True)

    def _polled(self, name: str) -> Target:
        target = self._story.target(name)
        if not target.polled:
            raise UsageError(f"{name} is sent its actions", remedy="poll a target that has no url")
        return target

    def _handed(self, target: str, lease: str) -> Handed:
        if not _LEASE.fullmatch(lease):
            raise NotFoundError(f"no such lease: {lease[:80]}", remedy="show the one that came with the actions")
        lane, _, epoch = lease.partition(".")
        name = self._polled(target).name
        return Handed(target=name, lane=int(lane), epoch=int(epoch), until_us=0, deliveries=())

    def _delivery(self, target: str, id: str) -> Delivery:
        key = parse_key(id)
        for one, _ in self._story.outbox.deliveries(*key) if key is not None else ():
            if one.target == target:
                return one
        raise NotFoundError(f"{target} has no action {id[:80]}", remedy="name it by the id that it came with")
