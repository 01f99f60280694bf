"""The steps of an order, as bodies, and what each calls."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from trustward.bootstrap import Operations
from trustward.exchange.order_in import ClockIn, CopyIn, TargetIn, time_in
from trustward.model.directive import TEXT_LIMIT, Directive
from trustward.operations import intake
from trustward.operations.authenticity import decoded

Needed = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
Short = Annotated[str, Meta(min_length=1, max_length=1_000)]
Words = Annotated[str, Meta(max_length=TEXT_LIMIT)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Refs = Annotated[tuple[Annotated[str, Meta(max_length=300)], ...], Meta(max_length=50)]


class _Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="step"):
    """A step of an order."""


class Acknowledge(_Step, frozen=True, kw_only=True, tag="acknowledge"):
    """Tell a known issuer that it has come."""


class Sign(_Step, frozen=True, kw_only=True, tag="signature"):
    """Check a detached signature over the document; both in base64."""

    document: Annotated[str, Meta(min_length=1, max_length=8_000_000)]
    signature: Annotated[str, Meta(min_length=1, max_length=10_000)]


class CallBack(_Step, frozen=True, kw_only=True, tag="call_back"):
    """The issuer was asked, by a channel that is known to be its own."""

    channel: Name
    spoke_to: Name
    said: Needed


class Reject(_Step, frozen=True, kw_only=True, tag="reject"):
    """It is not the issuer's."""

    reason: Needed


class Execute(_Step, frozen=True, kw_only=True, tag="execute"):
    """Have it carried out."""

    note: Words = ""


class MarkTarget(_Step, frozen=True, kw_only=True, tag="mark"):
    """Say of a target that a person has done it, that it cannot be done, is unclear, or is to be tried again."""

    target: Annotated[int, Meta(ge=1)]
    state: Literal["done", "unable", "unclear", "waiting"]
    said: Needed
    refs: Refs = ()


class Ask(_Step, frozen=True, kw_only=True, tag="ask"):
    """It is unclear: ask the issuer; clocks that may stand still do."""

    question: Needed
    pause: bool = True


class Clarified(_Step, frozen=True, kw_only=True, tag="clarified"):
    """The issuer has answered."""

    answer: Needed


class Tell(_Step, frozen=True, kw_only=True, tag="tell"):
    """Tell the issuer the plan, the progress, or something else."""

    what: Literal["plan", "progress", "message"]
    text: Needed
    refs: Refs = ()


class Report(_Step, frozen=True, kw_only=True, tag="report"):
    """Tell the issuer the outcome."""

    text: Words = ""


class TellUsers(_Step, frozen=True, kw_only=True, tag="tell_users"):
    """What was kept from users may be told now: they are, and may appeal."""

    reason: Needed


class ExtendOrder(_Step, frozen=True, kw_only=True, tag="extend"):
    """The issuer has given more time for one of its clocks."""

    duty: Name
    until: str
    authority: Short
    reason: Short


class Vary(_Step, frozen=True, kw_only=True, tag="vary"):
    """The issuer has changed the order."""

    reason: Needed
    add: Annotated[tuple[TargetIn, ...], Meta(max_length=1_000)] = ()
    drop: Annotated[tuple[int, ...], Meta(max_length=1_000)] = ()
    copies: Annotated[tuple[CopyIn, ...], Meta(max_length=100)] = ()
    clocks: Annotated[tuple[ClockIn, ...], Meta(max_length=20)] = ()
    until: str | None = None


class Withdraw(_Step, frozen=True, kw_only=True, tag="withdraw"):
    """The issuer takes it back."""

    reason: Needed
    authority: Short


class ChallengeStep(_Step, frozen=True, kw_only=True, tag="challenge"):
    """Object to it. It is obeyed meanwhile."""

    kind: Literal["reconsideration", "appeal"]
    grounds: Needed
    to: Annotated[str, Meta(max_length=200)] = ""
    clock: Annotated[str, Meta(max_length=200)] = ""


class DecidedStep(_Step, frozen=True, kw_only=True, tag="decided"):
    """What came of an objection."""

    number: Annotated[int, Meta(ge=1)]
    result: Literal["upheld", "varied", "cancelled"]
    reason: Needed
    clock: Annotated[str, Meta(max_length=200)] = ""


class NoteOrder(_Step, frozen=True, kw_only=True, tag="note"):
    """A page for the file."""

    said: Needed
    refs: Refs = ()


Checking = Acknowledge | Sign | CallBack | Reject | ExtendOrder | Withdraw | NoteOrder
Telling = Ask | Clarified | Tell | TellUsers | Report
Step = Checking | Telling | Execute | MarkTarget | Vary | ChallengeStep | DecidedStep


def take_step(operations: Operations, id: str, actor: str, step: Step) -> Directive:
    """Take it. Raises NotFoundError, StepError, UsageError, RecordError."""
    dealing = operations.dealing
    match step:
        case Execute(note=note):
            return dealing.execute(id, actor, note)
        case MarkTarget(target=target, state=state, said=said, refs=refs):
            return dealing.mark(id, actor, target, state, said, refs)
        case Vary():
            return _vary(operations, id, actor, step)
        case ChallengeStep(kind=kind, grounds=grounds, to=to, clock=clock):
            return dealing.challenge(id, actor, kind, grounds, to=to, clock=clock)
        case DecidedStep(number=number, result=result, reason=reason, clock=clock):
            return dealing.decided(id, actor, number, result, reason, clock)
        case Ask() | Clarified() | Tell() | TellUsers() | Report():
            return _tell(operations, id, actor, step)
        case _:
            return _check(operations, id, actor, step)


def _tell(operations: Operations, id: str, actor: str, step: Telling) -> Directive:
    dealing = operations.dealing
    match step:
        case Ask(question=question, pause=pause):
            return dealing.ask(id, actor, question, pause=pause)
        case Clarified(answer=answer):
            return dealing.clarified(id, actor, answer)
        case Tell(what=what, text=text, refs=refs):
            return dealing.tell(id, actor, what, text, refs)
        case TellUsers(reason=reason):
            return operations.executing.tell_users(id, actor, reason)
        case Report(text=text):
            return dealing.report(id, actor, text)


def _check(operations: Operations, id: str, actor: str, step: Checking) -> Directive:
    directives, dealing = operations.directives, operations.dealing
    match step:
        case Acknowledge():
            return directives.acknowledge(id, actor)
        case Sign(document=document, signature=signature):
            return directives.signature(id, actor, decoded(document, "document"), decoded(signature, "signature"))
        case CallBack(channel=channel, spoke_to=spoke_to, said=said):
            return directives.call_back(id, actor, channel=channel, spoke_to=spoke_to, said=said)
        case Reject(reason=reason):
            return directives.reject(id, actor, reason)
        case ExtendOrder(duty=duty, until=until, authority=authority, reason=reason):
            until_us = time_in(until, "$.until")
            assert until_us is not None  # only None gives None
            return dealing.extend(id, actor, duty, until_us=until_us, authority=authority, reason=reason)
        case Withdraw(reason=reason, authority=authority):
            return dealing.withdraw(id, actor, reason, authority)
        case NoteOrder(said=said, refs=refs):
            return dealing.note(id, actor, said, refs)


def _vary(operations: Operations, id: str, actor: str, step: Vary) -> Directive:
    return operations.dealing.vary(
        id,
        actor,
        step.reason,
        add=intake.targets(step.add, "$.add"),
        drop=step.drop,
        copies=intake.copies(step.copies),
        clocks=intake.clocks(step.clocks, "$.clocks"),
        until_us=time_in(step.until, "$.until"),
    )
