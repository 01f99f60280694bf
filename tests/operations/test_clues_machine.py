"""Clues and requests in any order of steps: none sent twice, nothing given unverified, no duty lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.operations.clue_kit import MANY, WHOLE, plain
from tests.operations.kit import HOUR_US
from trustward.base.errors import StepError
from trustward.model.clue import ALLOWED, OUT, Clue
from trustward.model.dossier import DossierQuery
from trustward.model.effect import outgoing
from trustward.model.request import ALLOWED as REQUEST_STEPS
from trustward.model.request import Asked, Disclosure, Withheld
from trustward.operations.clues import missing
from trustward.operations.requests import Answering

PICK = st.integers(0, 30)
PEOPLE = st.sampled_from(["kim", "lee"])
EVERY = DossierQuery(secret=True)


class Telling(RuleBasedStateMachine):
    """Two people, two subjects, three authorities; requests beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.telling = plain()
        self.approved: dict[str, str] = {}

    def clues(self) -> list[Clue]:
        return list(self.telling.clues.find(EVERY, limit=1000))

    def asked(self) -> list[Asked]:
        return list(self.telling.requests.find(EVERY, limit=1000))

    @staticmethod
    def _try(take: Any, *, may: bool) -> None:
        try:
            take()
        except StepError:
            assert not may
        else:
            assert may

    @rule(
        authority=st.sampled_from(["police", "regulator"]),
        subject=st.sampled_from("ab"),
        who=PEOPLE,
        decisions=st.sets(st.integers(1, 3)),
        filled=st.booleans(),
        supplements=st.booleans(),
        at=PICK,
    )
    def draft(
        self,
        authority: str,
        subject: str,
        who: str,
        decisions: set[int],
        at: int,
        *,
        filled: bool,
        supplements: bool,
    ) -> None:
        mine = [one for one in self.clues() if (one.authority.id, one.entity) == (authority, subject)]
        sent = [one for one in mine if one.state in OUT]
        waits = any(one.state in {"drafted", "approved"} for one in mine)
        of = sent[at % len(sent)].id if sent and supplements else ""
        told = any(not decisions or not one.decisions or decisions & set(one.decisions) for one in sent)
        fields = {"kind": "account", "entity": subject, "facts": msgspec.structs.replace(MANY, category="scam")}

        def take() -> None:
            self.telling.draft(
                authority=authority,
                actor=who,
                decisions=tuple(decisions),
                fields=WHOLE if filled and authority == "police" else {},
                of=of,
                **fields,
            )

        self._try(take, may=not waits and (bool(of) or not told))

    @rule(at=PICK, who=PEOPLE)
    def amend(self, at: int, who: str) -> None:
        clue = self._one(self.clues(), at)
        if clue is None:
            return
        fields = WHOLE if clue.authority.id == "police" else {}
        may = clue.state in ALLOWED["amend"]
        self._try(lambda: self.telling.clues.amend(clue.id, who, fields=fields), may=may)

    @rule(at=PICK, who=PEOPLE)
    def approve(self, at: int, who: str) -> None:
        clue = self._one(self.clues(), at)
        if clue is None:
            return
        may = clue.state == "drafted" and not missing(clue)
        may = may and not (clue.authority.second and who in clue.writers)
        self._try(lambda: self.telling.clues.approve(clue.id, who), may=may)
        if may:
            self.approved[clue.id] = self.telling.clues.get(clue.id).bundle

    @rule(at=PICK, who=PEOPLE, step=st.sampled_from(["send", "receipt", "reopen", "withdraw", "note"]))
    def other(self, at: int, who: str, step: str) -> None:
        clues = self.telling.clues
        clue = self._one(self.clues(), at)
        if clue is None:
            return
        may = clue.state in ALLOWED[step]
        if step == "send":
            handed = "" if clue.authority.way == "outbox" else "by courier"
            self._try(lambda: clues.send(clue.id, who, handed), may=may)
        elif step == "receipt":
            self._try(lambda: clues.receipt(clue.id, who, f"n-{clue.id}"), may=may)
        else:
            self._try(lambda: getattr(clues, step)(clue.id, who, "so"), may=may)

    @rule(at=PICK, said=st.sampled_from(["taken_up", "closed", "more_wanted"]))
    def feedback(self, at: int, said: Any) -> None:
        clue = self._one(self.clues(), at)
        if clue is None:
            return
        may = clue.state in OUT
        self._try(lambda: self.telling.clues.feedback(clue.id, "kim", said, "a letter"), may=may)

    @rule(at=PICK, count=st.integers(1, 4))
    def go_on(self, at: int, count: int) -> None:
        """The usual way of a clue."""
        for _ in range(count):
            clue = self._one(self.clues(), at)
            if clue is None:
                return
            if clue.state == "drafted":
                self.amend(at, "kim")
                self.approve(at, "lee")
                self.approve(at, "max")
            elif clue.state == "approved":
                self.other(at, "kim", "send")
            elif clue.state == "sent":
                self.other(at, "kim", "receipt")
            else:
                self.feedback(at, "more_wanted" if count % 2 else "taken_up")

    @rule(at=PICK, end=st.sampled_from(["answer", "refuse", "nothing_found", "reject"]))
    def work_off(self, at: int, end: str) -> None:
        """The usual way of a request."""
        if end != "reject":
            self.work_on(at, "verify", part=False)
        self.work_on(at, end, part=True)

    @rule(hours=st.integers(1, 50))
    def wait(self, hours: int) -> None:
        self.telling.time.on(hours * HOUR_US)
        self.telling.duties.fire()

    @rule(secret=st.booleans(), emergency=st.booleans())
    def ask(self, *, secret: bool, emergency: bool) -> None:
        self.telling.ask(secret=secret, emergency=emergency)

    @rule(
        at=PICK,
        step=st.sampled_from(["verify", "reject", "answer", "refuse", "nothing_found", "withdraw", "note"]),
        part=st.booleans(),
    )
    def work_on(self, at: int, step: str, *, part: bool) -> None:
        requests = self.telling.requests
        one = self._one(self.asked(), at)
        if one is None:
            return
        may = one.state in REQUEST_STEPS["verify" if step == "reject" else step]
        given = Answering(actor="kim", handed="x", withheld=(Withheld(what="w", reason="r"),) if part else ())
        takes = {
            "verify": lambda: requests.verify(one.id, "lee", "rang back", genuine=True),
            "reject": lambda: requests.verify(one.id, "lee", "nobody there", genuine=False),
            "answer": lambda: requests.answer(one.id, given),
            "refuse": lambda: requests.refuse(one.id, "kim", "r", "h"),
            "nothing_found": lambda: requests.nothing_found(one.id, "kim", "r", "h"),
            "withdraw": lambda: requests.withdraw(one.id, "kim", "r"),
            "note": lambda: requests.note(one.id, "kim", "r"),
        }
        self._try(takes[step], may=may)

    @staticmethod
    def _one(found: list[Any], at: int) -> Any:
        return found[at % len(found)] if found else None

    @invariant()
    def sent_once(self) -> None:
        store = self.telling.store
        bodies = [outgoing(row.body) for row in store.outbox.waiting(100_000)]
        letters = Counter(body.event_id for body in bodies if body.action.do == "submit")
        clues = {clue.id: clue for clue in self.clues()}
        out = {name: clue for name, clue in clues.items() if clue.state in OUT}
        assert letters == Counter(f"clue:{name}" for name, clue in out.items() if clue.authority.way == "outbox")
        given = Counter(one.cause for one in store.dossiers.find(Disclosure, EVERY, limit=1000))
        answered = [f"request:{one.id}" for one in self.asked() if one.state == "answered"]
        assert given == Counter([*(f"clue:{name}" for name in out), *answered])
        for name, clue in out.items():
            assert clue.bundle == self.approved[name]
            assert not missing(clue)
            assert clue.approved_by not in (clue.writers if clue.authority.second else ())

    @invariant()
    def nothing_lost(self) -> None:
        duties = self.telling.duties
        for clue in self.clues():
            file = self.telling.clues.file(clue.id)
            assert [page.number for page in file] == list(range(1, clue.pages + 1))
            if clue.duty:
                others = [one for one in self.clues() if one.duty == clue.duty]
                done = any(one.state in OUT for one in others)
                assert (duties.get(clue.duty).state == "done") == done
            if clue.more and not duties.get(clue.more).ended:
                assert clue.state == "answered"
        for one in self.asked():
            states = {duties.get(duty).state for duty in one.duties}
            wanted = {"received": "open", "verified": "open", "rejected": "cancelled", "withdrawn": "cancelled"}
            assert states == {wanted.get(one.state, "done")}
            if one.state in {"answered", "refused", "nothing_found"}:
                assert one.verified is not None
                assert one.verified.genuine


Telling.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTelling = Telling.TestCase
