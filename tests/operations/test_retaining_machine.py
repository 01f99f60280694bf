"""Records, holds, cases, archiving and removing in any order: nothing goes early or while it is held, nothing stays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.worlds import CATALOGUE
from tests.service.kit import DECODER
from trustward.adapters.store.memory import MemoryStore
from trustward.model.archived import DAY_US, day_of, start_of
from trustward.model.journal import Commit, Segment
from trustward.model.removed import REMOVED, lines_of
from trustward.model.retention import Choice, Term, over_us, plans
from trustward.model.stored import SnapshotInfo
from trustward.operations.archiving import Archiving
from trustward.operations.indexing import Indexing
from trustward.operations.retaining import Retaining
from trustward.testing.retention_contracts import case, hold

ACCOUNTS = "abc"
LINES = {
    "content": '{"type":"message.sent","id":"%s","time":"2031-01-01T00:00:00Z","sender":"%s"}\n',
    "financial": '{"type":"payment.requested","id":"%s","time":"2031-01-01T00:00:00Z","account":"%s"}\n',
}
SPANS = st.sampled_from(["1 day", "3 days", "1 week", "1 month", "2 months"])


class Kept(NamedTuple):
    seq: int
    day: str
    of: str
    account: str


class Removing(RuleBasedStateMachine):
    """A journal, and a model of what has to be in it."""

    @initialize(content=SPANS, financial=st.none() | SPANS)
    def begin(self, content: str, financial: str | None) -> None:
        self.store = MemoryStore()
        self.lease = self.store.writer.acquire("test", 1)
        self.now = start_of("2031-01-01")
        self.lasts = {"content": content} | ({"financial": financial} if financial else {})
        self.events: list[Kept] = []
        self.gone: set[int] = set()
        self.holds: dict[str, int] = {}
        self.cases: dict[str, int] = {}
        self.spared = 0
        choices = [Choice(of=of, lasts=lasts) for of, lasts in self.lasts.items()]
        self.plans = plans((), choices, ("SG",), CATALOGUE.retention)

    @rule(of=st.sampled_from(sorted(LINES)), accounts=st.lists(st.sampled_from(ACCOUNTS), min_size=1, max_size=4))
    def write(self, of: str, accounts: list[str]) -> None:
        first = self.store.journal.head() + 1
        ids = [f"e{first + at}" for at in range(len(accounts))]
        body = "".join(LINES[of] % pair for pair in zip(ids, accounts, strict=True)).encode()
        self.now += 1
        segment = Segment(first=first, count=len(ids), kind="events", at_us=self.now, policy="p", body=body)
        self.store.journal.append(self.lease, Commit(segments=(segment,), ids=tuple(ids)))
        self.events += [Kept(first + at, day_of(self.now), of, account) for at, account in enumerate(accounts)]

    @rule(days=st.integers(1, 40), more=st.sampled_from([0, 1, DAY_US - 1]))
    def wait(self, days: int, more: int) -> None:
        self.now = start_of(day_of(self.now)) + days * DAY_US + more

    @rule(account=st.sampled_from(ACCOUNTS), held=st.booleans())
    def hold(self, account: str, *, held: bool) -> None:
        if held != (self.holds.get(account, 0) % 2 == 1):
            version = self.holds.get(account, 0) + 1
            self.holds[account] = version
            state = "in_force" if held else "released"
            self.store.records.write([hold(f"h{account}", ("account", account), state=state, version=version)])

    @rule(account=st.sampled_from(ACCOUNTS), open_=st.booleans())
    def case(self, account: str, *, open_: bool) -> None:
        if open_ != (self.cases.get(account, 0) % 2 == 1):
            version = self.cases.get(account, 0) + 1
            self.cases[account] = version
            self.store.records.write([case(f"c{account}", account, "open" if open_ else "closed", version)])

    @rule()
    def snapshot(self) -> None:
        self.spared = self.store.journal.head()
        info = SnapshotInfo(seq=self.spared, policy="p", at_us=self.now)
        self.store.snapshots.write(info, Path.touch)

    @precondition(lambda self: self.store.journal.head())
    @rule()
    def archive(self) -> None:
        store = self.store
        Archiving(store.journal, store.archived, store.snapshots, store.shelf, lambda: 1).run(None, lambda _day: None)

    @rule()
    def remove(self) -> None:
        kept = {name for held in (self.holds, self.cases) for name, version in held.items() if version % 2 == 1}
        upto = self.store.archived.upto()
        # A day in the database that a restart needs stays, and so does all that comes after it.
        needed = {one.day for one in self.events if one.seq > max(self.spared, upto)}
        for one in self.events:
            over = one.of in self.lasts and over_us(one.day, self.lasts[one.of]) <= self.now
            spared = one.seq <= upto or one.day < min(needed, default="9")
            if over and spared and one.account not in kept:
                self.gone.add(one.seq)
        story = Retaining(self.store, CATALOGUE, Indexing(self.store, DECODER), self.plans, lambda: self.now)
        told: list[object] = []
        would: list[object] = []
        story.run(would.append, dry=True)
        story.run(told.append)
        assert told == would
        for account in story.account():
            assert not account.pending or account.needed

    @rule(pick=st.integers(0, 30), before=st.integers(0, 1))
    def remove_when_a_term_is_over(self, pick: int, before: int) -> None:
        ends = {over_us(one.day, self.lasts[one.of]) - before for one in self.events if one.of in self.lasts}
        coming = sorted(end for end in ends if end >= self.now)
        if coming:
            self.snapshot()
            self.now = coming[pick % len(coming)]
            self.remove()

    @invariant()
    def as_it_has_to_be(self) -> None:
        if not hasattr(self, "store"):
            return
        found: set[int] = set()
        after = 0
        while part := self.store.journal.read(after, 100):
            for segment in part:
                lines = enumerate(lines_of(segment), segment.first)
                found |= {seq for seq, line in lines if line.type == REMOVED}
            after = part[-1].last
        assert found == self.gone
        assert after == len(self.events)
        ids = [f"e{one.seq}" for one in self.events]
        assert self.store.journal.find(ids).keys() == set(ids)


TestRemoving = Removing.TestCase
TestRemoving.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_choice_lies_within_all_terms() -> None:
    least = Term(market="CN", of="trade", least="6 months")
    terms = [least, Term(market="EU", of="trade", most="1 year"), Term(market="US", of="trade", least="9 years")]

    def planned(choices: Mapping[str, str], serves: tuple[str, ...] = ("CN", "EU"), reason: str = "") -> str:
        made = [Choice(of=of, lasts=lasts, reason=reason) for of, lasts in choices.items()]
        plan = plans(terms, made, serves, ["trade", "security"])["trade"]
        return f"{plan.standing}: {plan.why}"

    assert planned({}) == "no choice: the service has not chosen how long it is kept"
    assert planned({"trade": "184 days"}) == "set: "
    assert planned({"trade": "12 months"}) == "set: "
    assert planned({"trade": "180 days"}) == "refused: 180 days is less than 6 months, which is asked for at least"
    assert planned({"trade": "366 days"}) == "refused: 366 days is more than 1 year, which is allowed at most"
    assert planned({"trade": "1 year"}, ()) == "refused: serves does not say which markets are served"
    # Where they collide, the choice lies between the two, and has a reason.
    every = ("CN", "EU", "US")
    assert planned({}, every) == "collision: at least 9 years and at most 1 year: choose between them, and say why"
    assert planned({"trade": "3 years"}, every).startswith("collision: ")
    assert planned({"trade": "3 years"}, every, "the stricter court") == "set: "
    assert planned({"trade": "10 years"}, every, "why").startswith("refused: 10 years does not lie between")
    nobody = plans(terms, [Choice(of="trades", lasts="1 year")], every, ["trade"])["trades"]
    assert nobody.why == "there is no such class; did you mean trade?"
    assert msgspec.json.decode(msgspec.json.encode(nobody))["standing"] == "refused"
