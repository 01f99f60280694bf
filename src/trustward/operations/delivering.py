"""Actions out: each goes to every target that wants it, in order, and is undone when its time is over.

An action waits -> is passed on to its targets -> is leased with its lane -> delivered; or it fails, rests, is tried
again, until it is given up (dead) and somebody replays it. What it has put in force ends by its duration or because a
person reverses it, and then its inverse goes the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from trustward.base.errors import ActionError, NotFoundError, SettingsError, UsageError
from trustward.base.units import format_time
from trustward.model.changes import LabelChange
from trustward.model.decision import Action, Decision
from trustward.model.delivery import Backlog, Delivery, Handed, Outcome, Receipt, Target, Terms, parse_key
from trustward.model.dossier import DossierQuery
from trustward.model.effect import INVERSES, IRREVERSIBLE, Effect, Ended, Ending, outgoing
from trustward.model.hold import Hold
from trustward.model.journal import NOTICE, ActionRow, Outgoing, notice
from trustward.model.stored import AuditRow
from trustward.ports import Store

POLL = Target(name="pull")
"""Where actions go if no target is set: to whoever polls."""
CONFIDENTIAL = Target(name="confidential", confidential=True)
"""Where secret letters wait to be fetched if no target is for them."""
_SAID = "it only says something"
_AT_ONCE = 500
_SPREAD = 0.2
_PRUNE_REST_US = 60_000_000
_MOST_REST_US = 3_600_000_000
_IN_FORCE = DossierQuery(states=("in_force",), secret=True)
MAX_REASON = 1000


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often an action is tried: ``rests_us`` between the tries, the last one again and again, up to ``give_up_us``.

    Its age counts from when it was passed on, or replayed.
    """

    rests_us: tuple[int, ...] = (2_000_000, 10_000_000, 60_000_000, 300_000_000, 900_000_000)
    give_up_us: int = 86_400_000_000

    def rest_us(self, tries: int, draw: float) -> int:
        """How long to rest after the ``tries``-th failure, spread by ``draw`` (0 to 1) so that not all come at once.

        >>> [Retries().rest_us(tries, 0.5) // 1_000_000 for tries in (1, 2, 3, 4, 5, 6)]
        [2, 10, 60, 300, 900, 900]
        """
        rest_us = self.rests_us[min(tries, len(self.rests_us)) - 1]
        return int(rest_us * (1 + _SPREAD * (2 * draw - 1)))


class Reversal(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a wish to take an action back.

    ``inverse`` is the id of the action that undoes it. Without one either other actions ``still`` do the same, or the
    action was ``withdrawn`` before anybody heard of it. ``again``: it had been reversed before. ``change`` is what the
    engine must be told, if the action was a label.
    """

    action: str
    inverse: str = ""
    still: tuple[str, ...] = ()
    withdrawn: bool = False
    again: bool = False
    change: LabelChange | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an action stands: what it says, whether it waits to be passed on, its way to each target, its effect."""

    row: ActionRow
    body: Outgoing
    waiting: bool
    deliveries: Sequence[tuple[Delivery, Sequence[Receipt]]]
    effect: Effect | None


class Delivering:
    """The story, for any number of workers over one store. ``clock`` must not run back, ``draw`` gives 0 to 1."""

    def __init__(
        self,
        store: Store,
        targets: Sequence[Target],
        *,
        clock: Callable[[], int],
        draw: Callable[[], float],
        retries: Retries | None = None,
        lease_us: int = 60_000_000,
        batch: int = 100,
        keep_us: int = 180 * 86_400_000_000,
    ) -> None:
        self.targets = {target.name: target for target in targets}
        if len(self.targets) < len(targets):
            raise SettingsError("two targets have the same name", remedy="give every target a name of its own")
        if not any(not target.confidential for target in targets):
            self.targets[POLL.name] = POLL
        if not any(target.confidential for target in targets):
            self.targets[CONFIDENTIAL.name] = CONFIDENTIAL
        self.outbox = store.outbox
        self._journal = store.journal
        self._dossiers = store.dossiers
        self.effects = store.effects
        self.retries = retries or Retries()
        self.lease_us = lease_us
        self.batch = batch
        self.keep_us = keep_us
        self._pruned_us = 0
        self.clock = clock
        self._draw = draw
        self._longest_us = max(lease_us, _MOST_REST_US, int(max(self.retries.rests_us) * (1 + _SPREAD)))

    # ------------------------------------------------------------------ on the way out

    def tidy(self) -> int:
        """Pass on what waits, and undo what has ended; how many actions that set going."""
        return self.pass_on() + self.undo() + self.prune()

    def prune(self) -> int:
        """Drop some of what has long been closed, at most once a minute unless there is more; how many actions.

        While a preservation hold is in force, whatever it is about, nothing is dropped.
        """
        now_us = self.clock()
        if now_us < self._pruned_us + _PRUNE_REST_US:
            return 0
        if self._dossiers.find(Hold, _IN_FORCE, "", 1):
            self._pruned_us = now_us
            return 0
        before_us = now_us - self.keep_us
        dropped = self.outbox.prune(before_us, self._journal.since(before_us), _AT_ONCE)
        if dropped < _AT_ONCE:
            self._pruned_us = now_us
        return dropped

    def pass_on(self) -> int:
        """Give waiting actions to the targets that want them, oldest first."""
        passed = 0
        while rows := self.outbox.waiting(_AT_ONCE):
            passed += self.outbox.pass_on(rows, self._wanted, self.clock())
            if len(rows) < _AT_ONCE:
                break
        return passed

    @property
    def telling(self) -> bool:
        """Whether a target wants to hear of decisions that came after their callers' deadlines."""
        return any(target.decisions and not target.confidential for target in self.targets.values())

    def tell(self, late: Sequence[tuple[int, Decision]]) -> int:
        """Let decisions (with their entries) be told whose commit did not know that they came late; how many are.

        None are if no target wants to hear of them, or if they are told already.
        """
        if not late or not self.telling:
            return 0
        now_us = self.clock()
        return self.outbox.tell([notice(seq, decision, now_us) for seq, decision in late])

    def _wanted(self, row: ActionRow) -> Sequence[Target]:
        if row.number == NOTICE:
            return [target for target in self.targets.values() if target.decisions and not target.confidential]
        body = outgoing(row.body)
        if body.to:
            # To nobody else, whatever the settings say by now: until there is such a target it waits for it.
            return [self.targets.get(body.to) or Target(name=body.to)]
        return [
            target
            for target in self.targets.values()
            if target.confidential == body.secret and target.wants(body.action.do)
        ]

    def undo(self) -> int:
        """End what has had its time. An inverse goes out unless another action still does the same."""
        ended = 0
        now_us = self.clock()
        while effects := self.effects.due(now_us, _AT_ONCE):
            for effect in effects:
                ending = Ending(seq=effect.seq, number=effect.number, at_us=now_us, why="ended")
                ended += self.effects.end(ending) is not None
            if len(effects) < _AT_ONCE:
                break
        return ended

    def lease(self, names: Sequence[str], worker: str, limit: int | None = None, lease_us: int = 0) -> Handed | None:
        """Hand a lane of one of these targets to a worker: what waits there, in order. None if there is nothing to do.

        Whoever has it delivers one after the other and says of each what came of it; a failed one ends it.
        """
        now_us = self.clock()
        until_us = now_us + (min(lease_us, self._longest_us) or self.lease_us)
        terms = Terms(until_us=until_us, limit=limit or self.batch, longest_us=self._longest_us)
        return self.outbox.lease(names, worker, now_us, terms)

    def settle(self, handed: Handed, delivery: Delivery, receipt: Receipt, *, last: bool = False) -> bool:
        """Write down what came of a try; whether the worker may go on with the lane.

        It may not after a failure, after the ``last`` one, or when the lane is somebody else's by now.
        """
        now_us = self.clock()
        until_us, due_us = now_us + self.lease_us, 0
        if receipt.ok:
            outcome = Outcome(place=delivery.place, state="delivered", receipt=receipt)
        elif receipt.refused or now_us - delivery.queued_us >= self.retries.give_up_us:
            outcome = Outcome(place=delivery.place, state="dead", receipt=receipt)
        else:
            outcome = Outcome(place=delivery.place, state="waiting", receipt=receipt)
            rest_us = self.retries.rest_us(delivery.tries + 1, self._draw())
            due_us = now_us + max(rest_us, min(receipt.after_us, _MOST_REST_US))
        done = last or outcome.state == "waiting"
        return self.outbox.settle(handed, [outcome], 0 if done else until_us, due_us) and not done

    def keep(self, handed: Handed) -> bool:
        """Hold a lane for another while; whether it is still this worker's."""
        return self.outbox.settle(handed, (), self.clock() + self.lease_us)

    def free(self, handed: Handed) -> None:
        """Give a lane back."""
        self.outbox.settle(handed, (), 0)

    # ------------------------------------------------------------------ what people ask

    def unlabelling(self, action_id: str, actor: str, reason: str) -> LabelChange | None:
        """What the engine must be told before an action is taken back, so that a kill in between loses nothing.

        None if the action is no label, or the label stays because another action does the same. Raises as
        :meth:`reverse` does.
        """
        row, waiting = self._action(action_id)
        action = _reversible(row)
        _check_said(actor, reason)
        effect = self.effects.get(row.seq, row.number)
        if action.do != "label" or not (waiting or (effect is not None and effect.state == "in_force")):
            return None
        if effect is not None:
            others = [one.key for one in self.effects.of(action.kind, action.entity) if one.same == effect.same]
            if set(others) - {row.key}:
                return None
        return _unlabel(action, row, actor, reason)

    def reverse(self, action_id: str, actor: str, reason: str) -> Reversal:
        """Take an action back. Asking again gives the same answer.

        Raises NotFoundError, ActionError if it cannot be undone or has ended by itself, UsageError without a reason.
        """
        _check_said(actor, reason)
        while True:
            row, waiting = self._action(action_id)
            action = _reversible(row)
            now_us = self.clock()
            detail = msgspec.json.encode({"reason": reason})
            audit = AuditRow(
                at_us=now_us,
                actor=actor,
                action="action.reversed",
                subject=f"action:{row.key}",
                detail=detail,
                seq=row.seq,
            )
            if waiting:
                if self.outbox.withdraw(row.seq, row.number, audit):
                    return Reversal(action=row.key, withdrawn=True, change=_unlabel(action, row, actor, reason))
                continue  # it has just been passed on
            effect = self.effects.get(row.seq, row.number)
            if effect is None:
                return Reversal(action=row.key, withdrawn=True, again=True)
            if effect.state == "in_force":
                ending = Ending(
                    seq=row.seq, number=row.number, at_us=now_us, why="reversed", actor=actor, reason=reason
                )
                ended = self.effects.end(ending, audit)
                if ended is not None:
                    return _reversed(ended, action, row, actor, reason)
                continue  # it has just ended
            if effect.why == "reversed":
                return Reversal(action=row.key, inverse=effect.undone_by, again=True)
            at = format_time(effect.ended_us or 0)
            raise ActionError(
                f"the action {row.key} ended by itself at {at}", remedy="there is nothing left to take back"
            )

    def standing(self, action_id: str) -> Standing:
        """How an action stands. Raises NotFoundError."""
        row, waiting = self._action(action_id)
        return Standing(
            row=row,
            body=outgoing(row.body),
            waiting=waiting,
            deliveries=self.outbox.deliveries(row.seq, row.number),
            effect=self.effects.get(row.seq, row.number),
        )

    def in_force(self, kind: str, entity: str) -> Sequence[Effect]:
        """What is in force for an entity."""
        return self.effects.of(kind, entity)

    def dead(self, target: str, after: int = 0, limit: int = 100) -> Sequence[Delivery]:
        """What was given up of a target's actions, in order, after a place. Raises NotFoundError."""
        return self.outbox.dead(self.target(target).name, after, limit)

    def replay(self, target: str, actor: str, places: Sequence[int] | None = None, reason: str = "") -> int:
        """Try dead deliveries of a target again, in their old order; all of them, or those at these places.

        What has ended meanwhile is withdrawn. How many wait again. Raises NotFoundError.
        """
        return sum(
            self.outbox.replay(chosen, self.clock(), audit)
            for chosen, audit in self._chosen(target, places, "action.replayed", actor, reason)
        )

    def give_up(self, target: str, actor: str, places: Sequence[int] | None = None, reason: str = "") -> int:
        """Withdraw dead deliveries of a target for good; all of them, or those at these places; how many there were.

        What their actions have put in force stays, and its inverse goes to the target all the same. Raises
        NotFoundError.
        """
        return sum(
            self.outbox.drop(chosen, audit)
            for chosen, audit in self._chosen(target, places, "action.given_up", actor, reason)
        )

    def _chosen(
        self, target: str, places: Sequence[int] | None, what: str, actor: str, reason: str
    ) -> Iterator[tuple[list[int], AuditRow]]:
        """The dead ones that were chosen, some at a time, and what the audit is to say of it."""
        name = self.target(target).name
        wanted = None if places is None else set(places)
        after = 0
        while part := self.outbox.dead(name, after, _AT_ONCE):
            after = part[-1].place
            chosen = [one.place for one in part if wanted is None or one.place in wanted]
            if chosen:
                detail = msgspec.json.encode({"places": chosen, **({"reason": reason} if reason else {})})
                yield (
                    chosen,
                    AuditRow(at_us=self.clock(), actor=actor, action=what, subject=f"target:{name}", detail=detail),
                )

    def backlog(self) -> Sequence[Backlog]:
        """How each target is doing, those without anything waiting or dead included."""
        known = {one.target: one for one in self.outbox.backlog()}
        for name in self.targets:
            known.setdefault(name, Backlog(target=name, waiting=0, dead=0, oldest_us=None))
        return [known[name] for name in sorted(known)]

    def target(self, name: str) -> Target:
        """The target with this name. Raises NotFoundError."""
        found = self.targets.get(name)
        if found is None:
            others = ", ".join(target.name for target in self.targets.values() if not target.confidential)
            raise NotFoundError(f"no such target: {name[:80]}", remedy=f"the targets are {others}")
        return found

    def confidential(self, name: str) -> bool:
        """Whether what goes to a target is secret; also of one that is named no more, if it had the usual name."""
        found = self.targets.get(name)
        return found.confidential if found is not None else name == CONFIDENTIAL.name

    def _action(self, action_id: str) -> tuple[ActionRow, bool]:
        key = parse_key(action_id)
        found = self.outbox.action(*key) if key is not None else None
        if found is None:
            raise NotFoundError(f"no such action: {action_id[:80]}", remedy='an id looks like "7-0"')
        return found


def _check_said(actor: str, reason: str) -> None:
    if not actor or not reason.strip() or len(reason) > MAX_REASON:
        raise UsageError("a reversal needs an actor and a reason", remedy=f"say why, in up to {MAX_REASON} characters")


def _reversible(row: ActionRow) -> Action:
    action = outgoing(row.body).action
    if row.number == NOTICE:
        raise ActionError(f"{row.key} tells a decision", remedy="take back its actions")
    if row.number < 0:
        raise ActionError(f"{row.key} itself undoes an action", remedy="have a rule or a person do it anew")
    if action.do not in INVERSES:
        raise ActionError(
            f"{action.do} cannot be undone: {IRREVERSIBLE.get(action.do, _SAID)}", remedy="see docs/actions.md"
        )
    return action


def _reversed(ended: Ended, action: Action, row: ActionRow, actor: str, reason: str) -> Reversal:
    inverse = ended.inverse.key if ended.inverse is not None else ""
    change = None if ended.still else _unlabel(action, row, actor, reason)
    return Reversal(action=row.key, inverse=inverse, still=ended.still, change=change)


def _unlabel(action: Action, row: ActionRow, actor: str, reason: str) -> LabelChange | None:
    """What the engine must be told: the label must not be there, for as long as it would have been."""
    if action.do != "label":
        return None
    return LabelChange(
        actor=actor,
        origin=f"action:{row.key}",
        reason=reason,
        kind=action.kind,
        entity=action.entity,
        label=action.note,
        present=False,
        expires_us=None if action.lasts_us is None else row.at_us + action.lasts_us,
    )
