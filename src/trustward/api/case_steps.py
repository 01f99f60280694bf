"""The steps of a case as bodies, and what each asks of the stories."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from trustward.api.duties import time_of
from trustward.bootstrap import Operations
from trustward.model.case import TEXT_LIMIT, Case, Outcome
from trustward.operations.closing import Preserving

Text = Annotated[str, Meta(max_length=TEXT_LIMIT)]
Needed = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
Name = Annotated[str, Meta(min_length=1, max_length=512)]


class CaseStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="step"):
    """A step of a case."""


class Take(CaseStep, frozen=True, kw_only=True, tag="take"):
    """This very case, for this reviewer alone."""


class Keep(CaseStep, frozen=True, kw_only=True, tag="keep"):
    """Still at it: the heartbeat."""


class Release(CaseStep, frozen=True, kw_only=True, tag="release"):
    """Give it back."""


class Skip(CaseStep, frozen=True, kw_only=True, tag="skip"):
    """Give it back, and do not get it again."""

    reason: Needed


class AssignCase(CaseStep, frozen=True, kw_only=True, tag="assign"):
    """It goes to one reviewer only; an empty name gives it back to all."""

    to: Annotated[str, Meta(max_length=200)]
    reason: Text = ""


class Move(CaseStep, frozen=True, kw_only=True, tag="move"):
    """It goes to another queue."""

    queue: Name
    reason: Needed


class Escalate(CaseStep, frozen=True, kw_only=True, tag="escalate"):
    """It goes to those who decide what is difficult."""

    reason: Needed


class Park(CaseStep, frozen=True, kw_only=True, tag="park"):
    """It rests; its clock goes on."""

    reason: Needed


class ResumeCase(CaseStep, frozen=True, kw_only=True, tag="resume"):
    """It goes on."""

    reason: Text = ""


class NoteCase(CaseStep, frozen=True, kw_only=True, tag="note"):
    """A note; with ``to`` (kind and id) also a message to one of the parties."""

    text: Needed
    to: tuple[Name, Name] | None = None


class Tick(CaseStep, frozen=True, kw_only=True, tag="tick"):
    """An item of the checklist is done."""

    item: Name


class Link(CaseStep, frozen=True, kw_only=True, tag="link"):
    """Two cases have to do with each other."""

    case: Name
    reason: Text = ""


class Merge(CaseStep, frozen=True, kw_only=True, tag="merge"):
    """It becomes part of another case."""

    into: Name
    reason: Needed


class Split(CaseStep, frozen=True, kw_only=True, tag="split"):
    """Some of its entities get a case of their own."""

    entities: Annotated[tuple[tuple[Name, Name], ...], Meta(min_length=1, max_length=100)]
    reason: Needed


class HoldToo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A preservation hold on what the case names (or ``entities``): why, for whom, and until when or by which clock."""

    basis: Needed
    by: Annotated[str, Meta(min_length=1, max_length=200)]
    until: str | None = None
    clock: Annotated[str, Meta(max_length=64)] = ""
    linked: bool = False
    secret: bool = False
    entities: Annotated[tuple[tuple[Name, Name], ...], Meta(max_length=1_000)] = ()


class Close(CaseStep, frozen=True, kw_only=True, tag="close"):
    """One outcome; with ``hold`` nothing of it is removed from that very moment on."""

    outcome: Outcome
    hold: HoldToo | None = None


class Reverse(CaseStep, frozen=True, kw_only=True, tag="reverse"):
    """Take its outcome back."""

    reason: Needed


Step = (
    Take
    | Keep
    | Release
    | Skip
    | AssignCase
    | Move
    | Escalate
    | Park
    | ResumeCase
    | NoteCase
    | Tick
    | Link
    | Merge
    | Split
    | Close
    | Reverse
)
STEPS = Step
"""All of them, for the OpenAPI document."""


def take_step(operations: Operations, id: str, who: str, wanted: Step) -> Case:
    """Take a step; the case as it is afterwards. Raises what the stories raise."""
    match wanted:
        case Take():
            return operations.queues.take(id, who).case
        case Keep():
            operations.queues.keep(id, who)
        case Release():
            operations.queues.release(id, who)
        case Skip(reason=reason):
            operations.queues.skip(id, who, reason)
        case Close(outcome=outcome, hold=hold):
            return operations.closing.close(id, who, outcome, None if hold is None else _preserving(hold))
        case Reverse(reason=reason):
            return operations.closing.reverse(id, who, reason)
        case _:
            return _step(operations, id, who, wanted)
    return operations.cases.get(id)


def _preserving(hold: HoldToo) -> Preserving:
    """A hold for the story. Raises RecordError."""
    return Preserving(
        basis=hold.basis,
        by=hold.by,
        until_us=time_of(hold.until, "$.hold.until"),
        clock=hold.clock,
        linked=hold.linked,
        secret=hold.secret,
        entities=hold.entities,
    )


def _step(operations: Operations, id: str, who: str, wanted: Step) -> Case:
    cases = operations.cases
    match wanted:
        case AssignCase(to=to, reason=reason):
            return cases.assign(id, who, to, reason)
        case Move(queue=queue, reason=reason):
            return cases.move(id, who, queue, reason)
        case Escalate(reason=reason):
            return cases.escalate(id, who, reason)
        case Park(reason=reason):
            return cases.park(id, who, reason)
        case ResumeCase(reason=reason):
            return cases.resume(id, who, reason)
        case NoteCase(text=text, to=to):
            return cases.note(id, who, text, to=to)
        case Tick(item=item):
            return cases.tick(id, who, item)
        case Link(case=other, reason=reason):
            return cases.link(id, who, other, reason)
        case Merge(into=into, reason=reason):
            return cases.merge(id, who, into, reason)
        case Split(entities=entities, reason=reason):
            return cases.split(id, who, entities, reason)
    raise AssertionError(wanted)
