"""Actions on their way out, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import RLock

import msgspec

from trustward.model.delivery import Backlog, Delivery, Handed, Outcome, Receipt, State, Target, Terms
from trustward.model.effect import Effect, Ended, Ending, effect_of, inverse, outgoing
from trustward.model.journal import ActionRow
from trustward.model.stored import AuditRow

Key = tuple[int, int]
Record = Callable[[AuditRow], None]


class _Lane(msgspec.Struct):
    epoch: int = 0
    until_us: int = 0
    due_us: int = 0

    def free(self, now_us: int, longest_us: int) -> bool:
        return all(at <= now_us or at > now_us + longest_us for at in (self.until_us, self.due_us))


class Sent:
    """What would be on disk of actions, deliveries, lanes, receipts and effects."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.placed = 0
        self.actions: dict[Key, ActionRow] = {}
        self.waiting: set[Key] = set()
        self.deliveries: dict[int, Delivery] = {}
        self.lanes: dict[tuple[str, int], _Lane] = {}
        self.receipts: dict[int, list[Receipt]] = {}
        self.effects: dict[Key, Effect] = {}

    def add(self, rows: Iterable[ActionRow]) -> None:
        """Actions, written with their decision."""
        with self.lock:
            for row in rows:
                self.actions[row.seq, row.number] = row
                self.waiting.add((row.seq, row.number))

    def of(self, seq: int, number: int) -> list[Delivery]:
        """An action's deliveries."""
        return [one for one in self.deliveries.values() if (one.row.seq, one.row.number) == (seq, number)]

    def address(self, row: ActionRow, target: str, lane: int, queued_us: int) -> None:
        """Put an action on its way to a target."""
        place = self.placed = self.placed + 1
        self.lanes.setdefault((target, lane), _Lane())
        self.deliveries[place] = Delivery(
            place=place, target=target, lane=lane, row=row, state="waiting", tries=0, queued_us=queued_us
        )

    def move(self, place: int, state: State) -> None:
        """Change a delivery's state."""
        self.deliveries[place] = msgspec.structs.replace(self.deliveries[place], state=state)

    def same(self, effect: Effect) -> list[Effect]:
        """What does the same, in force or ended before, in order of the actions."""
        found = [one for one in self.effects.values() if one.same == effect.same and one.state != "undone"]
        return sorted(found, key=lambda one: (one.seq, one.number))

    def overtaken(self, row: ActionRow) -> bool:
        """Whether a dead action must not go out any more, because something later has taken its place."""
        if row.number >= 0:
            effect = self.effects.get((row.seq, row.number))
            return effect is not None and effect.state != "in_force"
        original = self.effects[row.seq, -row.number - 1]
        if not any(other.state == "in_force" for other in self.same(original)):
            return False
        undone = outgoing(row.body).undoes
        for key, effect in self.effects.items():
            if effect.key in undone:
                self.effects[key] = msgspec.structs.replace(effect, state="ended", undone_by="")
        return True


class MemoryOutbox:
    """The port ``Outbox``."""

    def __init__(self, sent: Sent, record: Record) -> None:
        self._sent = sent
        self._record = record

    def waiting(self, limit: int) -> Sequence[ActionRow]:
        """See :class:`trustward.ports.Outbox`."""
        with self._sent.lock:
            return [self._sent.actions[key] for key in sorted(self._sent.waiting)[:limit]]

    def action(self, seq: int, number: int) -> tuple[ActionRow, bool] | None:
        """See :class:`trustward.ports.Outbox`."""
        with self._sent.lock:
            row = self._sent.actions.get((seq, number))
            return None if row is None else (row, (seq, number) in self._sent.waiting)

    def pass_on(self, rows: Sequence[ActionRow], to: Callable[[ActionRow], Sequence[Target]], now_us: int) -> int:
        """See :class:`trustward.ports.Outbox`."""
        passed = 0
        with self._sent.lock:
            for row in rows:
                if (row.seq, row.number) not in self._sent.waiting:
                    continue
                self._sent.waiting.remove((row.seq, row.number))
                passed += 1
                action = outgoing(row.body).action
                for target in to(row):
                    self._sent.address(row, target.name, target.lane(action.kind, action.entity), now_us)
                effect = effect_of(row)
                if effect is not None:
                    self._sent.effects[row.seq, row.number] = effect
        return passed

    def tell(self, rows: Sequence[ActionRow]) -> int:
        """See :class:`trustward.ports.Outbox`."""
        with self._sent.lock:
            new = [row for row in rows if (row.seq, row.number) not in self._sent.actions]
            self._sent.add(new)
        return len(new)

    def withdraw(self, seq: int, number: int, audit: AuditRow) -> bool:
        """See :class:`trustward.ports.Outbox`."""
        with self._sent.lock:
            if (seq, number) not in self._sent.waiting:
                return False
            self._sent.waiting.remove((seq, number))
            self._record(audit)
        return True

    def lease(self, targets: Sequence[str], worker: str, now_us: int, terms: Terms) -> Handed | None:  # noqa: ARG002 - nobody reads the worker's name here
        """See :class:`trustward.ports.Outbox`."""
        with self._sent.lock:
            for (target, number), lane in sorted(self._sent.lanes.items(), key=lambda one: (one[1].due_us, one[0])):
                waiting = [
                    one
                    for _, one in sorted(self._sent.deliveries.items())
                    if (one.target, one.lane, one.state) == (target, number, "waiting")
                ]
                if target not in targets or not waiting or not lane.free(now_us, terms.longest_us):
                    continue
                lane.epoch += 1
                lane.until_us = terms.until_us
                return Handed(
                    target=target,
                    lane=number,
                    epoch=lane.epoch,
                    until_us=terms.until_us,
                    deliveries=tuple(waiting[: terms.limit]),
                )
        return None

    def settle(self, handed: Handed, outcomes: Sequence[Outcome], until_us: int, due_us: int = 0) -> bool:
        """See :class:`trustward.ports.Outbox`."""
        with self._sent.lock:
            lane = self._sent.lanes.get((handed.target, handed.lane))
            held = lane is not None and lane.epoch == handed.epoch
            if lane is not None and held:
                lane.until_us, lane.due_us = until_us, due_us
            for outcome in outcomes:
                delivery = self._sent.deliveries.get(outcome.place)
                if delivery is None or (delivery.target, delivery.lane) != (handed.target, handed.lane):
                    continue
                arrived = outcome.state == "delivered" and delivery.state in ("waiting", "dead")
                failed = outcome.state != "delivered" and delivery.state == "waiting" and held
                if arrived or failed:
                    self._sent.deliveries[outcome.place] = msgspec.structs.replace(
                        delivery, state=outcome.state, tries=delivery.tries + failed
                    )
                    self._sent.receipts.setdefault(outcome.place, []).append(outcome.receipt)
        return held

    def deliveries(self, seq: int, number: int) -> Sequence[tuple[Delivery, Sequence[Receipt]]]:
        """See :class:`trustward.ports.Outbox`."""
        with self._sent.lock:
            return [(one, tuple(self._sent.receipts.get(one.place, ()))) for one in self._sent.of(seq, number)]

    def dead(self, target: str, after: int, limit: int) -> Sequence[Delivery]:
        """See :class:`trustward.ports.Outbox`."""
        with self._sent.lock:
            found = [one for place, one in sorted(self._sent.deliveries.items()) if place > after]
            return [one for one in found if (one.target, one.state) == (target, "dead")][:limit]

    def replay(self, places: Sequence[int], now_us: int, audit: AuditRow) -> int:
        """See :class:`trustward.ports.Outbox`."""
        revived = 0
        with self._sent.lock:
            for place in sorted(places):
                delivery = self._sent.deliveries.get(place)
                if delivery is None or delivery.state != "dead":
                    continue
                if self._sent.overtaken(delivery.row):
                    self._sent.move(place, "withdrawn")
                    continue
                self._sent.deliveries[place] = msgspec.structs.replace(
                    delivery, state="waiting", tries=0, queued_us=now_us
                )
                self._sent.lanes[delivery.target, delivery.lane].due_us = 0
                revived += 1
            self._record(audit)
        return revived

    def drop(self, places: Sequence[int], audit: AuditRow) -> int:
        """See :class:`trustward.ports.Outbox`."""
        with self._sent.lock:
            held = [place for place in sorted(set(places)) if place in self._sent.deliveries]
            dropped = [place for place in held if self._sent.deliveries[place].state == "dead"]
            for place in dropped:
                self._sent.move(place, "withdrawn")
            if dropped:
                self._record(audit)
        return len(dropped)

    def prune(self, before_us: int, upto: int, limit: int) -> int:
        """See :class:`trustward.ports.Outbox`."""
        return self.drop_closed(lambda seq: seq < upto, limit, before_us)

    def is_closed(self, key: tuple[int, int]) -> bool:
        """Whether nothing can be asked of an action any more."""
        sent, both = self._sent, (key, (key[0], -key[1] - 1))
        open_ = any(one.state in ("waiting", "dead") for each in both for one in sent.of(*each))
        held = any(each in sent.effects and sent.effects[each].state != "undone" for each in both)
        return key not in sent.waiting and not open_ and not held

    def drop_closed(self, chosen: Callable[[int], bool], limit: int, before_us: int = 2**63) -> int:
        """Drop the closed actions of some entries, at most ``limit``; how many there were."""
        sent, dropped = self._sent, 0
        with sent.lock:
            for key, row in sorted(sent.actions.items()):
                if row.at_us >= before_us or not chosen(row.seq) or key in sent.waiting or dropped == limit:
                    continue
                if not self.is_closed(key):
                    continue
                for one in sent.of(*key):
                    sent.receipts.pop(one.place, None)
                    del sent.deliveries[one.place]
                sent.effects.pop(key, None)
                del sent.actions[key]
                dropped += 1
        return dropped

    def backlog(self) -> Sequence[Backlog]:
        """See :class:`trustward.ports.Outbox`."""
        found = []
        with self._sent.lock:
            for target in sorted({one.target for one in self._sent.deliveries.values()}):
                mine = [one for one in self._sent.deliveries.values() if one.target == target]
                queued = [one.queued_us for one in mine if one.state == "waiting"]
                dead = sum(one.state == "dead" for one in mine)
                if queued or dead:
                    oldest_us = min(queued, default=None)
                    found.append(Backlog(target=target, waiting=len(queued), dead=dead, oldest_us=oldest_us))
        return found


class MemoryEffects:
    """The port ``Effects``."""

    def __init__(self, sent: Sent, record: Record) -> None:
        self._sent = sent
        self._record = record

    def get(self, seq: int, number: int) -> Effect | None:
        """See :class:`trustward.ports.Effects`."""
        return self._sent.effects.get((seq, number))

    def due(self, now_us: int, limit: int) -> Sequence[Effect]:
        """See :class:`trustward.ports.Effects`."""
        with self._sent.lock:
            found = [
                (one.ends_us, key, one)
                for key, one in self._sent.effects.items()
                if one.state == "in_force" and one.ends_us is not None and one.ends_us <= now_us
            ]
        return [one for *_, one in sorted(found, key=lambda each: each[:2])[:limit]]

    def of(self, kind: str, entity: str) -> Sequence[Effect]:
        """See :class:`trustward.ports.Effects`."""
        found = []
        with self._sent.lock:
            for _, effect in sorted(self._sent.effects.items()):
                action = outgoing(effect.body).action
                if effect.state == "in_force" and (action.kind, action.entity) == (kind, entity):
                    found.append(effect)
        return found

    def end(self, ending: Ending, audit: AuditRow | None = None) -> Ended | None:
        """See :class:`trustward.ports.Effects`."""
        sent, key = self._sent, (ending.seq, ending.number)
        with sent.lock:
            effect = sent.effects.get(key)
            if effect is None or effect.state != "in_force":
                return None
            effect = sent.effects[key] = msgspec.structs.replace(
                effect,
                state="ended",
                why=ending.why,
                actor=ending.actor,
                reason=ending.reason,
                ended_us=ending.at_us,
            )
            if audit is not None:
                self._record(audit)
            both = sent.same(effect)
            still = tuple(other.key for other in both if other.state == "in_force")
            if still:
                return Ended(effect=effect, inverse=None, still=still)
            row = inverse(effect, both, ending)
            self._undo(both, row)
            return Ended(effect=sent.effects[key], inverse=row)

    def _undo(self, undone: Iterable[Effect], row: ActionRow) -> None:
        sent = self._sent
        sent.actions[row.seq, row.number] = row
        lanes: dict[str, int] = {}
        for effect in undone:
            sent.effects[effect.seq, effect.number] = msgspec.structs.replace(effect, state="undone", undone_by=row.key)
            for delivery in sent.of(effect.seq, effect.number):
                lanes[delivery.target] = delivery.lane
                if delivery.state == "dead":
                    sent.move(delivery.place, "withdrawn")
        for target, lane in sorted(lanes.items()):
            sent.address(row, target, lane, row.at_us)
