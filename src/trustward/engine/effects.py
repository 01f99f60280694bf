"""From the rules that matched to one decision: modes, verdict, score, actions, labels."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from trustward.base.units import format_duration
from trustward.engine.state import FOREVER, State
from trustward.model.decision import RANK, VERDICT_OF_ACTION, VERDICTS, Action, Decision, Fault, Mode, RuleHit

if TYPE_CHECKING:
    from typing import Any

    from trustward.model.event import Event
    from trustward.policy import Rule


class Matched(Protocol):
    """What the engine needs of the compiled rules of one event type."""

    def reason(self, rule: int, event: Event, time: int, features: Sequence[Any]) -> str:
        """The reason, filled in."""

    def actions(self, rule: int, event: Event, time: int, features: Sequence[Any]) -> list[Action]:
        """What to do."""

    def entities(self, event: Event) -> list[tuple[str, str]]:
        """Every (kind, id) that the event names."""


class Draft:
    """A decision in the making, for one event."""

    __slots__ = ("actions", "changed", "degraded", "faults", "harmless", "hits", "horizon", "rank")

    def __init__(self, faults: Sequence[Fault] = (), horizon: int = FOREVER) -> None:
        # A label that stays set beyond the horizon (the batch's latest time) has not changed for the batch.
        self.horizon = horizon
        self.hits: list[RuleHit] = []
        self.actions: list[Action] = []
        self.faults = list(faults)
        self.degraded = bool(faults)
        self.rank = 0
        self.harmless = 1.0
        self.changed: list[tuple[str, str, str]] = []

    def finish(self, event: Event, kind: str, policy: str) -> Decision:
        """The finished decision."""
        return Decision(
            event_id=event.id,
            type=kind,
            time=event.time,
            verdict=VERDICTS[self.rank],
            score=round(1.0 - self.harmless, 6),
            degraded=self.degraded,
            rules=tuple(self.hits),
            actions=tuple(self.actions),
            faults=tuple(self.faults),
            policy=policy,
        )


def held_out(event_id: str, rule_id: str, share: float) -> bool:
    """Whether this event is let through to measure the rule: the same answer every time for the same event.

    >>> held_out("e1", "r1", 0.0), held_out("e1", "r1", 1.0)
    (False, True)
    """
    digest = blake2b(f"{rule_id}\0{event_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def apply_match(
    draft: Draft,
    rule: Rule,
    program: Matched,
    event: Event,
    time: int,
    features: Sequence[Any],
    state: State,
    values: dict[str, Any],
) -> None:
    """Add one matched rule, with the values behind the match, to the decision, and its labels to the state."""
    reason = program.reason(rule.number, event, time, features)
    mode: Mode = "live" if rule.mode == "live" else "shadow"
    if mode == "live":
        actions = program.actions(rule.number, event, time, features)
        if state.snoozes and _snoozed(rule.id, program.entities(event), time, state):
            mode = "snoozed"
        elif rule.holdout and held_out(event.id, rule.id, rule.holdout):
            mode = "held_out"
            draft.harmless *= 1.0 - rule.score
        else:
            over = state.over_limit(rule.id, rule.limits, time, len(actions)) if rule.limits else None
            if over is not None:
                mode = "proposed"
                reason = f"{reason} (only proposed: over its limit of {over[0]} actions in {format_duration(over[1])})"
            _act(draft, rule, actions, time, state, proposed=over is not None)
            draft.harmless *= 1.0 - rule.score
    draft.hits.append(RuleHit(id=rule.id, mode=mode, reason=reason, values=values))


def apply_fault(draft: Draft, rule: Rule, cause: str, event: Event) -> None:
    """Add a rule that could not be evaluated: its safe answer applies, and the decision is degraded."""
    draft.degraded = True
    draft.hits.append(
        RuleHit(
            id=rule.id, mode="fault", reason=f"could not be evaluated: {cause}", values={"safe answer": rule.on_fault}
        )
    )
    if rule.mode == "live" and rule.on_fault != "ignore":
        rank = RANK[rule.on_fault]
        draft.rank = max(draft.rank, rank)
        if rank:
            draft.actions.append(Action(do=rule.on_fault, kind="event", entity=event.id, rule=rule.id, note="degraded"))


def _snoozed(rule: str, entities: Sequence[tuple[str, str]], time: int, state: State) -> bool:
    return any(state.snoozes.get((rule, kind, entity), time) > time for kind, entity in entities)


def _act(draft: Draft, rule: Rule, actions: Sequence[Action], time: int, state: State, *, proposed: bool) -> None:
    if draft.faults and not proposed:
        # An action on an entity that could not be read has dropped out; what the rule asks for has not.
        draft.rank = max(draft.rank, RANK[rule.verdict])
    for action in actions:
        if proposed:
            draft.actions.append(_as_proposed(action))
            continue
        if action.do in {"label", "unlabel"}:
            key = (action.kind, action.entity, action.note)
            if action.do == "label":
                expires = FOREVER if action.lasts_us is None else time + action.lasts_us
                held = state.labels.get(key)
                if not state.set_label(key, expires, time_us=time):
                    continue
                if held is None or held <= draft.horizon:
                    draft.changed.append(key)
            else:
                if not state.clear_label(key, time_us=time):
                    continue
                draft.changed.append(key)
        draft.rank = max(draft.rank, RANK[VERDICT_OF_ACTION[action.do]])
        if action not in draft.actions:
            draft.actions.append(action)


def _as_proposed(action: Action) -> Action:
    return Action(
        do=action.do,
        kind=action.kind,
        entity=action.entity,
        rule=action.rule,
        note=action.note,
        lasts_us=action.lasts_us,
        proposed=True,
    )
