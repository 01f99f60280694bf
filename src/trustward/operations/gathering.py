"""Decisions that need a person open or join a case: the journal is read behind the engine, each entry once."""

from __future__ import annotations

from trustward.base.errors import StaleError
from trustward.model.decision import Action, Decision
from trustward.model.errand import Mark
from trustward.operations.cases import Cases, News
from trustward.ports import Write

_ENTRIES = 4096
_MOST_SUBJECTS = 200
MARK = "cases"


class Gathering:
    """The story, for the worker's rounds: several workers may do it."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._store = cases.store

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
                for at, decision in segment.decided().items():
                    if segment.first + at > after:
                        _note(found, segment.first + at, decision)
            seq = segment.last
            if len(found) >= _MOST_SUBJECTS:
                break
        return found, seq


def _note(found: dict[tuple[str, str], News], seq: int, decision: Decision) -> None:
    wanted: list[Action] = [action for action in decision.actions if action.do == "review" or action.proposed]
    for action in wanted:
        key = (action.kind, action.entity)
        before = found.get(key)
        reasons = "; ".join(hit.reason for hit in decision.rules if hit.id == action.rule)[:1000]
        decisions = before.decisions if before is not None else ()
        found[key] = News(
            kind=action.kind,
            entity=action.entity,
            actor="trustward",
            what="decided_on",
            said=before.said if before is not None else f"{action.rule}: {reasons}",
            decisions=decisions if seq in decisions else (*decisions, seq),
        )
