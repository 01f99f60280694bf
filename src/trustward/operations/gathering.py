"""Decisions that need a person open or join a case: the journal is read behind the engine, each entry once.

What kind of fraud a rule is after is the case's category, and the event says which market it is in: both are looked up
here, behind the engine, so that deciding costs nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trustward.base.errors import RegimeError, StaleError
from trustward.model.decision import Action, Decision
from trustward.model.errand import Mark
from trustward.model.queue import harm_of
from trustward.operations.cases import Cases, News
from trustward.ports import Write

Frauds = Callable[[str], Mapping[str, str]]
"""What the rules of a stored policy (its hash) are after, by their ids; nothing of a policy that is not there."""
_ENTRIES = 4096
_MOST_SUBJECTS = 200
MARK = "cases"


class _Where(msgspec.Struct, frozen=True):
    """What an event says of the market that it is in, whatever its type calls text."""

    market: Any = None
    country: Any = None


_WHERE = msgspec.json.Decoder(_Where)


class Gathering:
    """The story, for the worker's rounds: several workers may do it.

    ``categories`` says what a kind of fraud is called among the categories; one that is not there is its own.
    """

    def __init__(self, cases: Cases, frauds: Frauds, categories: Mapping[str, str]) -> None:
        self._cases = cases
        self._store = cases.store
        self._frauds = frauds
        self._categories = categories

    def gather(self) -> int:
        """Read on in the journal; how many subjects have got something new."""
        count = 0
        while True:
            mark = self._store.records.get(Mark, MARK) or Mark(id=MARK, version=0, seq=0)
            found, seq = self._read(mark.seq)
            if seq == mark.seq:
                return count
            after = Mark(id=MARK, version=mark.version + 1, seq=seq)
            writes: list[Write] = [write for news in found.values() for write in self._cases.to_join(news)[1]]
            try:
                self._store.records.write([after, *writes])
            except StaleError:
                return count  # a case has just changed, or another worker was first: the next round sees
            count += len(found)

    def _read(self, after: int) -> tuple[dict[tuple[str, str], News], int]:
        """What is new about each subject, and the entry up to which it is."""
        found: dict[tuple[str, str], News] = {}
        seq = after
        for segment in self._store.journal.read(after, _ENTRIES):
            if segment.kind == "events":
                lines: list[bytes] = []
                for at, decision in segment.decided().items():
                    if segment.first + at > after and any(map(_wanted, decision.actions)):
                        lines = lines or segment.lines()
                        self._note(found, segment.first + at, decision, self._market(lines[at]))
            seq = segment.last
            if len(found) >= _MOST_SUBJECTS:
                break
        return found, seq

    def _note(self, found: dict[tuple[str, str], News], seq: int, decision: Decision, market: str) -> None:
        frauds = self._frauds(decision.policy)
        for action in filter(_wanted, decision.actions):
            key = (action.kind, action.entity)
            fraud = frauds.get(action.rule, "")
            category = self._categories.get(fraud, fraud)
            before = found.get(key)
            if before is None:
                reasons = "; ".join(hit.reason for hit in decision.rules if hit.id == action.rule)[:1000]
                found[key] = News(
                    kind=action.kind,
                    entity=action.entity,
                    actor="trustward",
                    what="decided_on",
                    said=f"{action.rule}: {reasons}",
                    category=category,
                    market=market,
                    decisions=(seq,),
                )
                continue
            found[key] = msgspec.structs.replace(
                before,
                category=_worse(before.category, category),
                market=before.market or market,
                decisions=before.decisions if seq in before.decisions else (*before.decisions, seq),
            )

    def _market(self, line: bytes) -> str:
        """The market that an event is in: its ``market``, or its ``country``, if there is a calendar of that name."""
        try:
            said = _WHERE.decode(line)
        except msgspec.DecodeError:
            return ""
        for value in (said.market, said.country):
            if isinstance(value, str) and value:
                try:
                    self._cases.duties.book.calendar(value.upper())
                except RegimeError:
                    continue
                return value.upper()
        return ""


def _wanted(action: Action) -> bool:
    """Whether a person is to look at it."""
    return action.do == "review" or action.proposed


def _worse(one: str, other: str) -> str:
    """Of two categories the worse one; the first of two that are as bad."""
    if not one or not other:
        return one or other
    return other if harm_of(other) > harm_of(one) else one
