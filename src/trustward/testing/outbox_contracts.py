"""What every adapter of the outbox and of the effects must do, as tests (see ``contracts.py``)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from trustward.base.errors import WriterError
from trustward.model.decision import Action
from trustward.model.delivery import Handed, Outcome, Receipt, State, Target, Terms
from trustward.model.effect import Ending, outgoing
from trustward.model.journal import ActionRow, Commit, Outgoing, notice
from trustward.model.stored import AuditRow, Lease
from trustward.ports import Store
from trustward.testing.contracts import ODD, Contract, Open, events

ONE = Target(name="one")
TWO = Target(name="two", lanes=4)
AUDIT = AuditRow(at_us=5, actor="kim", action="action.replayed", subject="target:one")
LONGEST = 10_000


def action_row(seq: int, number: int, action: Action, at_us: int = 0) -> ActionRow:
    """An action as a decision writes it."""
    body = Outgoing(event_id=f"e{seq}", type="t", time="2026-01-01T00:00:00Z", action=action)
    return ActionRow(seq=seq, number=number, at_us=at_us or 1000 + seq, body=msgspec.json.encode(body))


def acting(first: int, *actions: Action) -> Commit:
    """A commit of one event for each action."""
    commit = events(first, *(f"e{first + at}" for at in range(len(actions))))
    rows = tuple(action_row(first + at, 0, action) for at, action in enumerate(actions))
    return msgspec.structs.replace(commit, actions=rows)


def hold(entity: str = "a", lasts_us: int | None = None, rule: str = "r") -> Action:
    """An action."""
    return Action(do="hold", kind="account", entity=entity, rule=rule, lasts_us=lasts_us)


def passed(store: Store, *targets: Target, now_us: int = 2000) -> int:
    """Pass on all that waits."""
    return store.outbox.pass_on(store.outbox.waiting(1000), lambda _: targets or (ONE,), now_us)


def taken(store: Store, name: str = "one", now_us: int = 3000, until_us: int = 4000, limit: int = 10) -> Handed | None:
    """Lease a lane."""
    terms = Terms(until_us=until_us, limit=limit, longest_us=LONGEST)
    return store.outbox.lease([name], "w", now_us, terms)


def handed(store: Store, name: str = "one", now_us: int = 3000, until_us: int = 4000, limit: int = 10) -> Handed:
    """Lease a lane that must be there."""
    found = taken(store, name, now_us, until_us, limit)
    assert found is not None
    return found


def became(lane: Handed, state: State, *which: int) -> Sequence[Outcome]:
    """The same outcome for some of a lane's deliveries; without ``which`` for all."""
    receipt = Receipt(ok=state == "delivered", at_us=3500, worker="w", status=200, took_us=7, said="so")
    chosen = which or range(len(lane.deliveries))
    return [Outcome(place=lane.deliveries[at].place, state=state, receipt=receipt) for at in chosen]


def keys(lane: Handed) -> list[str]:
    """The actions handed out."""
    return [one.row.key for one in lane.deliveries]


class OutboxContract(Contract):
    """Actions are there if, and only if, their decision is; a lane is one worker's, in order."""

    def test_written_with_the_decision(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, events(1, "a", "b", decided=(0, 1)))
        rows = store.outbox.waiting(10)
        assert [row.key for row in rows] == ["1-0", "2-0"]
        assert rows[0].body == b'{"do":"hold"}'
        with pytest.raises(WriterError):
            store.journal.append(lease, events(9, "c", decided=(0,)))
        assert len(store.outbox.waiting(10)) == 2
        assert store.outbox.action(1, 0) == (rows[0], True)
        assert store.outbox.action(1, 1) is None

    def test_passed_on_once(self, store: Store, lease: Lease, opened: Open) -> None:
        store.journal.append(lease, acting(1, hold("a"), hold("b")))
        rows = store.outbox.waiting(10)
        assert taken(store) is None
        assert passed(store) == 2
        assert opened().outbox.pass_on(rows, lambda _: (ONE, TWO), 2000) == 0
        assert store.outbox.waiting(10) == []
        assert store.outbox.action(1, 0) == (rows[0], False)
        assert keys(handed(store)) == ["1-0", "2-0"]
        assert taken(store, "two") is None
        assert store.outbox.lease([], "w", 3000, Terms(until_us=1, limit=1, longest_us=1)) is None

    def test_a_lane_is_one_workers(self, store: Store, lease: Lease, opened: Open) -> None:
        store.journal.append(lease, acting(1, hold("a"), hold("b"), hold("c")))
        passed(store)
        other = opened()
        first = handed(store, limit=2)
        assert keys(first) == ["1-0", "2-0"]
        assert first.until_us == 4000
        assert taken(other, now_us=3999) is None
        assert store.outbox.settle(first, became(first, "delivered", 0), 4500)
        assert taken(other, now_us=4499) is None
        second = handed(other, now_us=4500, until_us=6000)
        assert keys(second) == ["2-0", "3-0"]
        # Whoever was too late may only say what is a fact.
        assert not store.outbox.settle(first, became(first, "dead", 1), 9000)
        assert not store.outbox.settle(first, became(first, "delivered", 1), 9000)
        assert other.outbox.settle(second, became(second, "dead", 0), 0)
        assert keys(handed(store, now_us=4600)) == ["3-0"]
        ((delivery, receipts),) = store.outbox.deliveries(2, 0)
        assert (delivery.state, delivery.tries, len(receipts)) == ("delivered", 0, 1)

    def test_failed_ones_rest_in_their_place(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, acting(1, hold("a"), hold("b")))
        passed(store)
        lane = handed(store)
        assert store.outbox.settle(lane, became(lane, "waiting", 0), 0, due_us=5000)
        assert taken(store, now_us=4999) is None
        again = handed(store, now_us=5000, until_us=6000)
        assert [(one.row.key, one.tries, one.queued_us) for one in again.deliveries] == [
            ("1-0", 1, 2000),
            ("2-0", 0, 2000),
        ]
        ((_, (receipt,)),) = store.outbox.deliveries(1, 0)
        assert receipt == became(lane, "waiting", 0)[0].receipt

    def test_a_clock_that_ran_ahead_holds_nobody_up(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, acting(1, hold("a")))
        passed(store)
        lane = handed(store, now_us=900_000, until_us=901_000)
        assert keys(handed(store, now_us=3000)) == ["1-0"]
        assert not store.outbox.settle(lane, became(lane, "waiting"), 0, due_us=900_000)
        lane = handed(store, now_us=4000, until_us=5000)
        store.outbox.settle(lane, became(lane, "waiting"), 0, due_us=900_000)
        assert keys(handed(store, now_us=5000)) == ["1-0"]

    def test_lanes_keep_an_entity_in_order(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, acting(1, *(hold(name) for name in "abcdefabcdef")))
        passed(store, TWO)
        lanes = []
        while (lane := taken(store, "two")) is not None:
            lanes.append(lane)
        assert len(lanes) > 1
        assert len({(lane.target, lane.lane) for lane in lanes}) == len(lanes)
        seen = {outgoing(one.row.body).action.entity: lane.lane for lane in lanes for one in lane.deliveries}
        assert all(seen[outgoing(one.row.body).action.entity] == lane.lane for lane in lanes for one in lane.deliveries)
        assert all(keys(lane) == sorted(keys(lane), key=lambda key: int(key[:-2])) for lane in lanes)
        assert sum(len(lane.deliveries) for lane in lanes) == 12

    def test_dead_and_replayed(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, acting(1, hold("a"), hold("b"), hold("c")))
        passed(store)
        lane = handed(store)
        store.outbox.settle(lane, [*became(lane, "dead", 0, 1), *became(lane, "delivered", 2)], 0, due_us=8000)
        dead = store.outbox.dead("one", 0, 10)
        assert [one.row.key for one in dead] == ["1-0", "2-0"]
        assert [one.row.key for one in store.outbox.dead("one", dead[0].place, 10)] == ["2-0"]
        (backlog,) = store.outbox.backlog()
        assert (backlog.target, backlog.waiting, backlog.dead, backlog.oldest_us) == ("one", 0, 2, None)
        everything = [one.place for one in lane.deliveries]
        assert store.outbox.replay([everything[1], *everything[2:]], 7000, AUDIT) == 1
        assert store.audit.read(0, 10)[-1].actor == "kim"
        again = handed(store, now_us=7000, until_us=7500)
        assert [(one.row.key, one.tries, one.queued_us) for one in again.deliveries] == [("2-0", 0, 7000)]
        # Word that it had arrived comes late, but it comes.
        late = Handed(target="one", lane=0, epoch=1, until_us=0, deliveries=lane.deliveries)
        assert not store.outbox.settle(late, became(lane, "delivered", 0), 0)
        assert store.outbox.deliveries(1, 0)[0][0].state == "delivered"
        (backlog,) = store.outbox.backlog()
        assert (backlog.waiting, backlog.dead, backlog.oldest_us) == (1, 0, 7000)

    def test_dead_and_dropped(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, acting(1, hold("a", 500), hold("b")))
        passed(store)
        lane = handed(store)
        store.outbox.settle(lane, became(lane, "dead", 0), 0)
        places = [one.place for one in lane.deliveries]
        assert store.outbox.drop(places, AUDIT) == 1
        assert store.outbox.drop(places, AUDIT) == 0
        assert len(store.audit.read(0, 10)) == 1
        assert store.outbox.dead("one", 0, 10) == []
        assert [one.state for one, _ in store.outbox.deliveries(1, 0)] == ["withdrawn"]
        assert store.outbox.replay(places, 7000, AUDIT) == 0
        # What it has put in force ends all the same.
        store.effects.end(Ending(seq=1, number=0, at_us=8000, why="ended"))
        assert keys(handed(store, now_us=8000, until_us=9000)) == ["2-0", "1-0-undo"]

    def test_told_apart_from_its_decision(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, acting(1, hold("a")))
        decision = store.journal.find(["e1"])["e1"].decision
        row = notice(1, decision, 1500)
        assert store.outbox.tell([row]) == 1
        assert store.outbox.tell([row, notice(1, decision, 1600)]) == 0
        assert [one.key for one in store.outbox.waiting(10)] == ["1-0", "1-decision"]
        assert passed(store) == 2
        assert store.outbox.tell([row]) == 0
        assert keys(handed(store)) == ["1-0", "1-decision"]
        assert store.effects.get(1, row.number) is None
        assert outgoing(row.body).decision == decision

    def test_what_is_closed_and_old_goes(self, store: Store, lease: Lease) -> None:
        warn = Action(do="warn", kind="account", entity="a", rule="r")
        store.journal.append(lease, acting(1, hold("a", 500), warn, warn, warn))
        assert store.outbox.prune(9_000, 100, 10) == 0  # all of it waits
        passed(store)
        assert store.outbox.prune(9_000, 100, 10) == 0  # on its way
        lane = handed(store)
        store.outbox.settle(lane, [*became(lane, "delivered", 0, 1, 2), *became(lane, "dead", 3)], 0)
        assert store.outbox.prune(1_002, 100, 10) == 0  # too young, and the hold is in force
        assert store.outbox.prune(9_000, 2, 10) == 0  # only entries before the second
        assert store.outbox.prune(9_000, 100, 1) == 1
        assert store.outbox.prune(9_000, 100, 10) == 1
        assert [store.outbox.action(seq, 0) is None for seq in (1, 2, 3, 4)] == [False, True, True, False]
        assert store.outbox.deliveries(2, 0) == []
        (effect,) = store.effects.of("account", "a")
        ended = store.effects.end(Ending(seq=effect.seq, number=effect.number, at_us=5_000, why="ended"))
        assert ended is not None
        assert store.outbox.prune(9_000, 100, 10) == 0  # the inverse is on its way
        lane = handed(store)
        store.outbox.settle(lane, became(lane, "delivered"), 0)
        assert store.outbox.prune(9_000, 100, 10) == 2
        assert [store.outbox.action(1, number) for number in (0, -1)] == [None, None]
        assert store.effects.get(1, 0) is None
        assert [one.row.key for one in store.outbox.dead("one", 0, 10)] == ["4-0"]
        store.journal.append(lease, acting(5, warn))
        passed(store)
        assert keys(handed(store)) == ["5-0"]

    def test_withdrawn_before_it_is_passed_on(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, acting(1, hold("a")))
        audit = AuditRow(at_us=5, actor="kim", action="action.reversed", subject="action:1-0")
        assert store.outbox.withdraw(1, 0, audit)
        assert not store.outbox.withdraw(1, 0, audit)
        assert [row.action for row in store.audit.read(0, 10)] == ["action.reversed"]
        assert passed(store) == 0
        assert store.effects.get(1, 0) is None


class EffectsContract(Contract):
    """What is in force ends once, and its inverse follows it wherever it went."""

    def test_in_force_from_passing_on(self, store: Store, lease: Lease) -> None:
        warn = Action(do="warn", kind="account", entity="a", rule="r")
        store.journal.append(lease, acting(1, hold("a", 500), warn, hold("b")))
        assert store.effects.of("account", "a") == []
        passed(store)
        (effect,) = store.effects.of("account", "a")
        assert (effect.key, effect.state, effect.ends_us) == ("1-0", "in_force", 1501)
        assert store.effects.get(1, 0) == effect
        assert store.effects.get(2, 0) is None
        assert store.effects.due(1500, 10) == []
        assert store.effects.due(9999, 10) == [effect]

    @pytest.mark.parametrize("odd", ODD, ids=["long", "nul"])
    def test_whatever_a_user_has_typed_keeps_nobody_waiting(self, store: Store, lease: Lease, odd: str) -> None:
        # PostgreSQL does not take it into an index: nothing that was passed on together with it left any more.
        store.journal.append(lease, acting(1, hold(odd, 500), hold("b")))
        assert passed(store) == 2
        (effect,) = store.effects.of("account", odd)
        assert outgoing(effect.body).action.entity == odd
        assert store.effects.of("account", odd[:-1]) == []
        assert [one.key for one in store.effects.of("account", "b")] == ["2-0"]

    def test_ended_once_with_its_inverse(self, store: Store, lease: Lease, opened: Open) -> None:
        store.journal.append(lease, acting(1, hold("a", 500)))
        passed(store, ONE, TWO)
        ending = Ending(seq=1, number=0, at_us=2000, why="ended")
        ended = opened().effects.end(ending)
        assert ended is not None
        assert ended.inverse is not None
        assert (ended.effect.state, ended.effect.undone_by, ended.still) == ("undone", "1-0-undo", ())
        assert store.effects.end(ending) is None
        assert store.effects.of("account", "a") == store.effects.due(9999, 9) == []
        for name in ("one", "two"):
            assert keys(handed(store, name)) == ["1-0", "1-0-undo"]
        body = outgoing(ended.inverse.body)
        assert (body.action.do, body.action.entity, body.undoes, body.why) == ("release", "a", ("1-0",), "ended")
        assert store.outbox.action(1, -1) == (ended.inverse, False)
        assert store.audit.read(0, 10) == []

    def test_the_last_of_the_same_undoes_all(self, store: Store, lease: Lease) -> None:
        label = Action(do="label", kind="account", entity="a", rule="r", note="x", lasts_us=5)
        other = msgspec.structs.replace(label, note="y")
        store.journal.append(lease, acting(1, hold("a", 500), hold("a", 900, "other"), label, other, hold("b", 500)))
        passed(store)
        first = store.effects.end(Ending(seq=1, number=0, at_us=2000, why="ended"))
        assert first is not None
        assert (first.inverse, first.still, first.effect.state) == (None, ("2-0",), "ended")
        audit = AuditRow(at_us=5, actor="kim", action="action.reversed", subject="action:2-0")
        second = store.effects.end(
            Ending(seq=2, number=0, at_us=2500, why="reversed", actor="kim", reason="mistaken"), audit
        )
        assert second is not None
        assert second.inverse is not None
        body = outgoing(second.inverse.body)
        assert (body.undoes, body.why, body.reason) == (("1-0", "2-0"), "reversed", "mistaken")
        assert (second.effect.actor, second.effect.reason, second.effect.ended_us) == ("kim", "mistaken", 2500)
        assert [row.subject for row in store.audit.read(0, 10)] == ["action:2-0"]
        for seq in (3, 4):
            alone = store.effects.end(Ending(seq=seq, number=0, at_us=3000, why="ended"))
            assert alone is not None
            assert alone.inverse is not None

    def test_what_is_dead_is_not_replayed_past_its_end(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, acting(1, hold("a", 500), hold("b", 500)))
        passed(store)
        lane = handed(store)
        store.outbox.settle(lane, became(lane, "dead", 0), 0)
        store.effects.end(Ending(seq=1, number=0, at_us=3000, why="ended"))
        assert store.outbox.deliveries(1, 0)[0][0].state == "withdrawn"
        store.effects.end(Ending(seq=2, number=0, at_us=3000, why="ended"))
        lane = handed(store)
        assert keys(lane) == ["2-0", "1-0-undo", "2-0-undo"]
        store.outbox.settle(lane, became(lane, "dead", 0), 0)
        assert store.outbox.replay([lane.deliveries[0].place], 5000, AUDIT) == 0
        assert store.outbox.deliveries(2, 0)[0][0].state == "withdrawn"
        assert keys(handed(store)) == ["1-0-undo", "2-0-undo"]

    def test_a_dead_inverse_gives_way_to_the_same_anew(self, store: Store, lease: Lease) -> None:
        store.journal.append(lease, acting(1, hold("a", 500)))
        passed(store)
        store.effects.end(Ending(seq=1, number=0, at_us=3000, why="ended"))
        lane = handed(store)
        store.outbox.settle(lane, [*became(lane, "delivered", 0), *became(lane, "dead", 1)], 0)
        store.journal.append(lease, acting(2, hold("a", 900)))
        passed(store)
        assert store.outbox.replay([lane.deliveries[1].place], 5000, AUDIT) == 0
        ended = store.effects.end(Ending(seq=2, number=0, at_us=6000, why="ended"))
        assert ended is not None
        assert ended.inverse is not None
        assert outgoing(ended.inverse.body).undoes == ("1-0", "2-0")


CONTRACTS = (OutboxContract, EffectsContract)
"""One for each port."""
