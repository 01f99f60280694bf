"""What is wanted of enforcement, what the engine and the user are told of a measure, and what a strike hangs on."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from trustward.base.errors import UsageError
from trustward.model.changes import Change, LabelChange, ListChange
from trustward.model.enforcement import (
    BLOCKED_KINDS,
    HARSH,
    LINK_KINDS,
    QUIET,
    VERBS,
    Due,
    Measure,
    Policy,
    Work,
)
from trustward.model.errand import Errand, change_errand
from trustward.model.letter import Letter, told
from trustward.model.stored import AuditRow
from trustward.operations.delivering import MAX_REASON
from trustward.operations.filing import needed

UNSAID = "service"
"""What everybody is given as the cause of a secret measure: its own id would lead nowhere, and tell by that."""


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do to an entity, and because of what.

    ``withhold``: the user is not told for now. ``secret``: nothing that leaves, or is shown without the scope
    ``secret``, says why; the user is not told either. ``party`` is who is told, if that is not the entity itself.
    """

    do: str
    kind: str
    entity: str
    cause: str
    policy: str
    reasons: str
    actor: str
    lasts_us: int | None = None
    note: str = ""
    withhold: bool = False
    secret: bool = False
    automated: bool = False
    market: str = ""
    step: str = "measure.taken"
    party: tuple[str, str] | None = None
    id: str = ""
    parent: str = ""
    strike: str = ""
    strikes: int = 0


class Judging(msgspec.Struct, frozen=True, kw_only=True):
    """A decision under a policy: whom it counts against, and what was decided to do (``takings``)."""

    policy: Policy
    cause: str
    reasons: str
    actor: str
    struck: tuple[tuple[str, str], ...]
    takings: tuple[Taking, ...] = ()
    market: str = ""
    step: str = "measure.taken"
    withhold: bool = False
    secret: bool = False
    automated: bool = False


def changes(measure: Measure, *, present: bool, until_us: int | None) -> list[Change]:
    """What the engine is told of a measure, or of its end: labels, and lists that rules read from the next event on.

    ``until_us`` is until when: as long as any measure that does the same.
    """
    # What is kept secret is named by nothing that others may read.
    origin = UNSAID if measure.secret else measure.cause
    reason = "" if measure.secret else measure.reasons[:MAX_REASON]
    if not present:
        reason = "" if measure.secret else measure.lifted_why[:MAX_REASON]
    actor = measure.actor if present else measure.lifted_by
    if measure.do == "label":
        return [
            LabelChange(
                actor=actor,
                origin=origin,
                reason=reason,
                kind=measure.kind,
                entity=measure.entity,
                label=measure.note,
                present=present,
                expires_us=until_us,
            )
        ]
    listed = list_of(measure)
    if not listed:
        return []
    value = (measure.entity,)
    return [
        ListChange(
            actor=actor,
            origin=origin,
            reason=reason,
            list=listed,
            put=value if present else (),
            gone=() if present else value,
            expires_us=until_us if present else None,
        )
    ]


def list_of(measure: Measure) -> str:
    """The list on which a measure puts its entity; empty if on none.

    >>> from trustward.model.enforcement import Measure
    >>> plain = {"id": "1", "version": 1, "cause": "case:1", "policy": "p", "reasons": "r", "actor": "kim", "at_us": 0}
    >>> list_of(Measure(do="block_link", kind="url", entity="http://x", **plain))
    'blocked-url'
    """
    links = measure.kind in LINK_KINDS and measure.do in {"block_link", "block"}
    if links or (measure.kind in BLOCKED_KINDS and measure.do == "block"):
        return f"blocked-{measure.kind.replace('_', '-')}"
    return ""


def errands(measure: Measure, what: str, said: Iterable[Change], at_us: int) -> list[Errand]:
    """The changes as errands. One that fails is named in the audit: its id does not name a secret measure."""
    name = f"{UNSAID}:{marked(measure.id)}" if measure.secret else f"measure:{measure.id}"
    return [change_errand(f"{name}:{what}{at}", change, at_us) for at, change in enumerate(said)]


def marked(id: str) -> str:
    """What stands for an id where it must not be told."""
    return blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def twins(measure: Measure) -> tuple[str, ...]:
    """By what measures are found (``Measure.same``) that tell the engine the same: a link is blocked by two verbs."""
    if measure.kind in LINK_KINDS and list_of(measure):
        return tuple(msgspec.structs.replace(measure, do=verb).same for verb in ("block", "block_link"))
    return (measure.same,)


def check_taking(taking: Taking) -> None:
    """Raise UsageError for what cannot be done."""
    needed(taking.actor, "an actor")
    needed(taking.reasons, "a reason")
    needed(taking.cause, "a cause")
    if taking.do not in VERBS:
        raise UsageError(f"no such measure: {taking.do[:40]}", remedy=f"one of: {', '.join(VERBS)}")
    if taking.do in {"label", "unlabel"} and not taking.note:
        raise UsageError("which label?", remedy="name it in note")
    if taking.lasts_us is not None and taking.lasts_us <= 0:
        raise UsageError("a measure lasts for some time", remedy="leave its time out, or give one")


def party_of(taking: Taking) -> tuple[str, str] | None:
    """Who is told of it; None if nobody is."""
    if taking.do in QUIET:
        return None
    if taking.party is not None:
        return taking.party
    return None if taking.kind in BLOCKED_KINDS | LINK_KINDS else (taking.kind, taking.entity)


def work_of(taking: Taking) -> Work:
    """What a worker has to do for it."""
    if taking.do == "block_link" or (taking.do == "block" and taking.kind in LINK_KINDS):
        return "sweep"
    return "remember" if (taking.do, taking.kind) == ("close", "account") else ""


def hang_strike(takings: list[Taking], judging: Judging, struck: tuple[str, str], due: Due) -> None:
    """Hang a strike on what is done to whom it counts against; add what the ladder asks for, or a warning."""
    own = [at for at, one in enumerate(takings) if (one.kind, one.entity) == struck and one.do in HARSH]
    hardest = max((HARSH[takings[at].do] for at in own), default=-1)
    if due.takes and due.do and hardest < HARSH[due.do]:
        takings.append(_of_ladder(judging, struck, due.do, due.lasts_us))
        own = [len(takings) - 1]
    elif not own:
        takings.append(_of_ladder(judging, struck, "warn", None))
        own = [len(takings) - 1]
    at = max(own, key=lambda one: HARSH[takings[one].do])
    takings[at] = msgspec.structs.replace(takings[at], strike=judging.cause, strikes=due.after - due.before)


def _of_ladder(judging: Judging, struck: tuple[str, str], do: str, lasts_us: int | None) -> Taking:
    return Taking(
        do=do,
        kind=struck[0],
        entity=struck[1],
        cause=judging.cause,
        policy=judging.policy.id,
        reasons=judging.reasons,
        actor=judging.actor,
        lasts_us=lasts_us,
        market=judging.market,
        step=judging.step,
        withhold=judging.withhold,
        secret=judging.secret,
        automated=judging.automated,
    )


def telling(measure: Measure, step: str, now_us: int, says: dict[str, object]) -> Letter:
    """A letter to whom a measure concerns."""
    assert measure.party is not None  # or nobody would be told
    kind, entity = measure.party
    said = {"measure": measure.id, "do": measure.do, "kind": measure.kind, "entity": measure.entity, **says}
    cause = f"measure:{measure.id}"
    action = told("inform", kind, entity, step)
    return Letter(cause=cause, step=step, at_us=now_us, action=action, says=said, filed=f"{cause}:told")


def audit_row(measure: Measure, action: str, actor: str, now_us: int, **detail: str) -> AuditRow:
    """A line of the audit. Of what is secret it lies in the secret book."""
    return AuditRow(
        at_us=now_us,
        actor=actor,
        action=action,
        subject=f"measure:{measure.id}",
        detail=msgspec.json.encode({"cause": measure.cause, **detail}),
        secret=measure.secret,
    )
