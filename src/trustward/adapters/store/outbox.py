"""Actions on their way out, over the database: who has which lane, what came of it, what is in force."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from trustward.adapters.store.database import Database
from trustward.adapters.store.keyed import keyed
from trustward.adapters.store.queries import named
from trustward.base.errors import StoreError
from trustward.model.delivery import STATES, Backlog, Delivery, Handed, Outcome, Receipt, Target, Terms
from trustward.model.effect import Effect, Ended, Ending, effect_of, inverse, outgoing
from trustward.model.journal import ActionRow
from trustward.model.stored import AuditRow

_LOCK = 7_305_807_303
_EFFECT_STATES: tuple[Literal["in_force", "ended", "undone"], ...] = ("in_force", "ended", "undone")


class DatabaseOutbox:
    """The port ``Outbox``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settling: deque[_Settling] = deque()
        self._turn = Lock()

    def waiting(self, limit: int) -> Sequence[ActionRow]:
        """See :class:`trustward.ports.Outbox`."""
        with self._database.read() as connection:
            return [_action(row) for row in connection.execute(named("waiting_actions"), {"limit": limit})]

    def action(self, seq: int, number: int) -> tuple[ActionRow, bool] | None:
        """See :class:`trustward.ports.Outbox`."""
        with self._database.read() as connection:
            row = connection.execute(named("action"), {"seq": seq, "number": number}).one_or_none()
        return None if row is None else (_action(row), row.state == 0)

    def pass_on(self, rows: Sequence[ActionRow], to: Callable[[ActionRow], Sequence[Target]], now_us: int) -> int:
        """See :class:`trustward.ports.Outbox`."""
        deliveries: list[dict[str, Any]] = []
        effects: list[dict[str, Any]] = []
        passed = 0
        with self._database.write() as connection:
            in_turn(connection)
            for row in rows:
                key = {"seq": row.seq, "number": row.number}
                if connection.execute(named("leave_waiting"), {**key, "state": 1}).rowcount != 1:
                    continue
                passed += 1
                action = outgoing(row.body).action
                for target in to(row):
                    lane = target.lane(action.kind, action.entity)
                    deliveries.append({**key, "target": target.name, "lane": lane, "queued_us": now_us})
                effect = effect_of(row)
                if effect is not None:
                    held = {"same": effect.same, "ends_us": effect.ends_us, "at_us": effect.at_us, "body": effect.body}
                    effects.append({**key, **held, "kind": action.kind, "entity": keyed(action.entity)})
            _add_deliveries(connection, deliveries)
            if effects:
                connection.execute(named("add_effect"), effects)
        return passed

    def tell(self, rows: Sequence[ActionRow]) -> int:
        """See :class:`trustward.ports.Outbox`."""
        new = 0
        with self._database.write() as connection:
            for row in rows:
                held = {"seq": row.seq, "number": row.number, "at_us": row.at_us, "body": row.body}
                new += connection.execute(named("add_waiting"), held).rowcount
        return new

    def withdraw(self, seq: int, number: int, audit: AuditRow) -> bool:
        """See :class:`trustward.ports.Outbox`."""
        with self._database.write() as connection:
            key = {"seq": seq, "number": number}
            if connection.execute(named("leave_waiting"), {**key, "state": 2}).rowcount != 1:
                return False
            _record(connection, audit)
        return True

    def lease(self, targets: Sequence[str], worker: str, now_us: int, terms: Terms) -> Handed | None:
        """See :class:`trustward.ports.Outbox`."""
        clock = {"now": now_us, "far": now_us + terms.longest_us}
        with self._database.read() as connection:
            free = [row for row in connection.execute(named("free_lanes"), clock) if row.target in targets]
        for target, lane, epoch in free:
            place = {"target": target, "lane": lane}
            taken = {**place, **clock, "epoch": epoch, "worker": worker, "until_us": terms.until_us}
            with self._database.write() as connection:
                if connection.execute(named("take_lane"), taken).rowcount != 1:
                    continue
                rows = connection.execute(named("lane_deliveries"), {**place, "limit": terms.limit}).all()
                if not rows:  # somebody has just delivered them
                    kept = {**place, "epoch": epoch + 1, "until_us": 0, "due_us": 0}
                    connection.execute(named("keep_lane"), kept)
            if rows:
                deliveries = tuple(map(_delivery, rows))
                return Handed(target=target, lane=lane, epoch=epoch + 1, until_us=terms.until_us, deliveries=deliveries)
        return None

    def settle(self, handed: Handed, outcomes: Sequence[Outcome], until_us: int, due_us: int = 0) -> bool:
        """See :class:`trustward.ports.Outbox`. Threads that come at the same time share a commit."""
        mine = _Settling(handed, outcomes, until_us, due_us)
        self._settling.append(mine)
        with self._turn:
            if not mine.done:
                together = [self._settling.popleft() for _ in range(len(self._settling))]
                told: StoreError | None = None
                try:
                    with self._database.write() as connection:
                        for one in together:
                            one.settle(connection)
                except StoreError as fault:
                    told = fault
                except BaseException:
                    told = StoreError("writing it down was broken off", remedy="try again")
                    raise
                finally:
                    for one in together:
                        one.done, one.fault = True, told
        if mine.fault is not None:
            raise StoreError(mine.fault.message, remedy=mine.fault.remedy) from mine.fault
        return mine.held

    def deliveries(self, seq: int, number: int) -> Sequence[tuple[Delivery, Sequence[Receipt]]]:
        """See :class:`trustward.ports.Outbox`."""
        with self._database.read() as connection:
            rows = connection.execute(named("action_deliveries"), {"seq": seq, "number": number}).all()
            return [(_delivery(row), _receipts(connection, row.place)) for row in rows]

    def dead(self, target: str, after: int, limit: int) -> Sequence[Delivery]:
        """See :class:`trustward.ports.Outbox`."""
        with self._database.read() as connection:
            asked = {"target": target, "after": after, "limit": limit}
            return [_delivery(row) for row in connection.execute(named("dead_deliveries"), asked)]

    def replay(self, places: Sequence[int], now_us: int, audit: AuditRow) -> int:
        """See :class:`trustward.ports.Outbox`."""
        revived = 0
        with self._database.write() as connection:
            in_turn(connection)
            for place in sorted(places):
                row = connection.execute(named("dead_delivery"), {"place": place}).one_or_none()
                if row is None:
                    continue
                if _overtaken(connection, _delivery(row).row):
                    connection.execute(named("withdraw_delivery"), {"place": place})
                    continue
                connection.execute(named("revive"), {"place": place, "queued_us": now_us})
                connection.execute(named("wake_lane"), {"target": row.target, "lane": row.lane})
                revived += 1
            _record(connection, audit)
        return revived

    def drop(self, places: Sequence[int], audit: AuditRow) -> int:
        """See :class:`trustward.ports.Outbox`."""
        with self._database.write() as connection:
            in_turn(connection)
            dropped = sum(
                connection.execute(named("withdraw_delivery"), {"place": place}).rowcount
                for place in sorted(set(places))
            )
            if dropped:
                _record(connection, audit)
        return dropped

    def prune(self, before_us: int, upto: int, limit: int) -> int:
        """See :class:`trustward.ports.Outbox`."""
        with self._database.write() as connection:
            in_turn(connection)
            found = connection.execute(
                named("closed_actions"), {"before": before_us, "upto": upto, "limit": limit}
            ).all()
            closed = [{"seq": row.seq, "number": row.number} for row in found]
            for name in ("receipts", "deliveries", "effect", "action") if closed else ():
                connection.execute(named(f"prune_{name}"), closed)
        return len(closed)

    def backlog(self) -> Sequence[Backlog]:
        """See :class:`trustward.ports.Outbox`."""
        with self._database.read() as connection:
            return [
                Backlog(
                    target=row.target,
                    waiting=int(row.waiting),
                    dead=int(row.dead),
                    oldest_us=None if row.oldest_us is None else int(row.oldest_us),
                )
                for row in connection.execute(named("backlog"))
            ]


class DatabaseEffects:
    """The port ``Effects``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, seq: int, number: int) -> Effect | None:
        """See :class:`trustward.ports.Effects`."""
        with self._database.read() as connection:
            return _get(connection, seq, number)

    def due(self, now_us: int, limit: int) -> Sequence[Effect]:
        """See :class:`trustward.ports.Effects`."""
        with self._database.read() as connection:
            return [_effect(row) for row in connection.execute(named("due_effects"), {"now": now_us, "limit": limit})]

    def of(self, kind: str, entity: str) -> Sequence[Effect]:
        """See :class:`trustward.ports.Effects`."""
        with self._database.read() as connection:
            return [
                _effect(row) for row in connection.execute(named("effects_of"), {"kind": kind, "entity": keyed(entity)})
            ]

    def end(self, ending: Ending, audit: AuditRow | None = None) -> Ended | None:
        """See :class:`trustward.ports.Effects`."""
        with self._database.write() as connection:
            in_turn(connection)
            said = {"why": ending.why, "actor": ending.actor, "reason": ending.reason, "ended_us": ending.at_us}
            key = {"seq": ending.seq, "number": ending.number}
            if connection.execute(named("end_effect"), {**key, **said}).rowcount != 1:
                return None
            if audit is not None:
                _record(connection, audit)
            effect = _get(connection, ending.seq, ending.number)
            assert effect is not None  # it has just been ended
            both = _same(connection, effect)
            still = tuple(other.key for other in both if other.state == "in_force")
            if still:
                return Ended(effect=effect, inverse=None, still=still)
            row = inverse(effect, both, ending)
            _undo(connection, both, row)
            done = _get(connection, ending.seq, ending.number)
            assert done is not None  # the same
        return Ended(effect=done, inverse=row)


class _Settling:
    """What came of some tries, to be written down."""

    def __init__(self, handed: Handed, outcomes: Sequence[Outcome], until_us: int, due_us: int) -> None:
        self._place = {"target": handed.target, "lane": handed.lane}
        self._kept = {**self._place, "epoch": handed.epoch, "until_us": until_us, "due_us": due_us}
        self._outcomes = outcomes
        self.held = False
        self.done = False
        self.fault: StoreError | None = None

    def settle(self, connection: Connection) -> None:
        """Write it down."""
        self.held = connection.execute(named("keep_lane"), self._kept).rowcount == 1
        for outcome in self._outcomes:
            one = {**self._place, "place": outcome.place}
            if outcome.state == "delivered":
                written = connection.execute(named("settle_delivered"), one).rowcount
            elif self.held:
                state = STATES.index(outcome.state)
                written = connection.execute(named("settle_failed"), {**one, "state": state}).rowcount
            else:
                continue
            if written:
                receipt = msgspec.structs.asdict(outcome.receipt)
                receipt.update(place=outcome.place, ok=int(receipt["ok"]), refused=int(receipt["refused"]))
                connection.execute(named("add_receipt"), receipt)


def in_turn(connection: Connection) -> None:
    """One at a time, whoever gives actions their places or ends effects. SQLite's writers take turns anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _add_deliveries(connection: Connection, deliveries: Sequence[dict[str, Any]]) -> None:
    if deliveries:
        lanes = sorted({(one["target"], one["lane"]) for one in deliveries})
        connection.execute(named("add_lane"), [{"target": target, "lane": lane} for target, lane in lanes])
        connection.execute(named("add_delivery"), deliveries)


def _undo(connection: Connection, undone: Iterable[Effect], row: ActionRow) -> None:
    """Put an inverse on its way to wherever the actions went that it undoes."""
    held = {"seq": row.seq, "number": -row.number - 1, "at_us": row.at_us, "body": row.body}
    connection.execute(named("add_inverse"), held)
    lanes: dict[str, int] = {}
    for effect in undone:
        key = {"seq": effect.seq, "number": effect.number}
        connection.execute(named("mark_undone"), {**key, "undone_by": row.key})
        connection.execute(named("withdraw_dead"), key)
        lanes.update((one.target, one.lane) for one in connection.execute(named("action_deliveries"), key))
    key = {"seq": row.seq, "number": row.number, "queued_us": row.at_us}
    _add_deliveries(connection, [{**key, "target": target, "lane": lane} for target, lane in sorted(lanes.items())])


def _overtaken(connection: Connection, row: ActionRow) -> bool:
    """Whether a dead action must not go out any more, because something later has taken its place."""
    if row.number >= 0:
        effect = _get(connection, row.seq, row.number)
        return effect is not None and effect.state != "in_force"
    original = _get(connection, row.seq, -row.number - 1)
    assert original is not None  # an inverse has what it undoes
    if not any(other.state == "in_force" for other in _same(connection, original)):
        return False
    # The same is in force anew: its inverse will stand for these as well.
    for key in outgoing(row.body).undoes:
        seq, _, number = key.partition("-")
        connection.execute(named("mark_ended"), {"seq": int(seq), "number": int(number)})
    return True


def _same(connection: Connection, effect: Effect) -> list[Effect]:
    action = outgoing(effect.body).action
    asked = {"kind": action.kind, "entity": keyed(action.entity), "same": effect.same}
    return [_effect(row) for row in connection.execute(named("same_effects"), asked)]


def _get(connection: Connection, seq: int, number: int) -> Effect | None:
    row = connection.execute(named("effect"), {"seq": seq, "number": number}).one_or_none()
    return None if row is None else _effect(row)


def _record(connection: Connection, audit: AuditRow) -> None:
    row = msgspec.structs.asdict(audit)
    row.pop("number")
    connection.execute(named("add_audit"), row)


def _action(row: Any) -> ActionRow:
    return ActionRow(seq=row.seq, number=row.number, at_us=row.at_us, body=bytes(row.body))


def _delivery(row: Any) -> Delivery:
    return Delivery(
        place=row.place,
        target=row.target,
        lane=row.lane,
        row=_action(row),
        state=STATES[row.state],
        tries=row.tries,
        queued_us=row.queued_us,
    )


def _receipts(connection: Connection, place: int) -> list[Receipt]:
    rows = connection.execute(named("receipts"), {"place": place}).mappings()
    return [Receipt(**{**row, "ok": bool(row["ok"]), "refused": bool(row["refused"])}) for row in rows]


def _effect(row: Any) -> Effect:
    return Effect(
        seq=row.seq,
        number=row.number,
        same=row.same,
        at_us=row.at_us,
        ends_us=row.ends_us,
        body=bytes(row.body),
        state=_EFFECT_STATES[row.state],
        why=row.why,
        actor=row.actor,
        reason=row.reason,
        ended_us=row.ended_us,
        undone_by=row.undone_by,
    )
