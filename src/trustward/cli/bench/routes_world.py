"""A part of a service's life, lived by the stories themselves: what :mod:`routes_fill` repeats under other names.

Every id and every name of an account, device, group or listing ends in a mark, so that a copy of the part is the same
rows with another mark. What is known everywhere (an address, a domain, a reviewer) has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from trustward import bootstrap
from trustward.adapters.store.opened import DatabaseStore
from trustward.base.clock import now_us
from trustward.cli.bench.inputs import FORTY
from trustward.exchange.decode import EventDecoder
from trustward.model.case import Case, Measure, Outcome
from trustward.model.clocks import policy_tree
from trustward.model.delivery import Target
from trustward.model.report import Channel
from trustward.operations.cases import Cases, News
from trustward.operations.closing import Closing
from trustward.operations.deciding import Deciding
from trustward.operations.delivering import Delivering
from trustward.operations.duties import Book, Duties
from trustward.operations.enforcing import Enforcing
from trustward.operations.errands import Errands
from trustward.operations.polling import Polling
from trustward.operations.queues import Queues, Terms
from trustward.operations.reports import Reports, Said
from trustward.settings import Settings as Service
from trustward.simulate import simulate

MARK = "zzzzz"
"""Stands for the number of the copy: five letters that no id and no text has otherwise."""
REPORTS_A_CASE = 5
DAY_US = 86_400_000_000
HOT = ("ip", "203.0.113.7")
"""What one in fifty cases names."""
_WAITING = 0.2
_CATEGORIES = ("scam", "scam", "phishing", "compromised_account", "impersonation", "banned_goods", "spam", "other")
_MARKED = frozenset({"account", "device", "group", "listing", "merchant", "ad", "stream"})
_REVIEWERS = tuple(f"key:bench:reviewer{number:02}" for number in range(20))
_MARKETS = ("SG", "SG", "CN", "")


class World:
    """All stories over one store, with a clock that is set."""

    def __init__(self, settings: Service, store: DatabaseStore, *, mark: str, seed: int) -> None:
        self.at_us = now_us()
        self.mark = mark
        self.store = store
        self.draw = Random(seed)  # noqa: S311 - made-up work, not secrets
        regimes = bootstrap.regimes(settings)
        duties = Duties(store, Book(regimes), clock=self.clock, ids=self.id)
        self.duties = duties
        self.cases = Cases(store, regimes.queues, duties, clock=self.clock, ids=self.id)
        # Reporters read their answers elsewhere: the letters to them are passed on to nobody.
        target = Target(name="pull", actions=("suspend", "label", "remind", "escalate", "breach"))
        delivering = Delivering(store, [target], clock=self.clock, draw=lambda: 0.5, batch=1000)
        self.polling = Polling(delivering)
        enforcing = Enforcing(store, policy_tree(regimes), duties, delivering, ids=self.id)
        self.closing = Closing(self.cases, enforcing, draw=self.draw.random)
        # Nobody needs a break here.
        self.queues = Queues(self.cases, Terms(exposure=1 << 40))
        self.reports = Reports(self.cases, clock=self.clock, ids=self.id)

    def clock(self) -> int:
        """The time that it is in the story."""
        self.at_us += 1
        return self.at_us

    def id(self) -> str:
        """An id with the mark."""
        return f"{self.draw.getrandbits(44):011x}{self.mark}"

    def name(self, kind: str) -> str:
        """Somebody or something, with the mark."""
        return f"{kind[0]}{self.draw.getrandbits(36):09x}{self.mark}"

    # ------------------------------------------------------------------ the story

    def open(self, at_us: int, reports: int) -> Case:
        """A case by reports, with the accounts, devices and addresses that it names."""
        self.at_us = at_us
        draw = self.draw
        account, category, market = self.name("account"), draw.choice(_CATEGORIES), draw.choice(_MARKETS)
        entities: list[tuple[str, str]] = [("device", self.name("device")), ("ip", f"198.51.{draw.randrange(200)}.9")]
        entities += [("account", self.name("account")) for _ in range(draw.randrange(4))]
        if draw.random() < 1 / 50:
            entities.append(HOT)
        for _ in range(reports):
            self.at_us += draw.randrange(60_000_000)
            channel: Channel = "flagger" if draw.random() < 0.04 else "user"
            said = Said(
                channel=channel,
                category=category,  # type: ignore[arg-type]  # one of them
                kind="account",
                entity=account,
                reporter=f"flagger{draw.randrange(9)}{self.mark}" if channel == "flagger" else self.name("user"),
                text="asked me for money, and would not say what it was for",
                market=market,
                reach=draw.randrange(50),
            )
            made = self.reports.receive(said, "key:bench")
        found = self.cases.get(made.case)
        news = News(
            kind="account", entity=account, actor=draw.choice(_REVIEWERS), what="decided_on", entities=tuple(entities)
        )
        return self.cases.join(news) if entities else found

    def close(self, case: Case) -> None:
        """A reviewer takes it, does what is on the list, and decides; now and then a second one has to agree."""
        draw = self.draw
        self.at_us += draw.randrange(DAY_US)
        act = draw.random() < 0.6
        measures = [Measure(do="suspend", kind=case.kind, entity=case.entity, lasts="3650d")] if act else []
        if act and draw.random() < 0.2:
            measures.append(Measure(do="label", kind=case.kind, entity=case.entity, note="fraud", lasts="3650d"))
        outcome = Outcome(
            verdict="act" if act else "no_action",
            policy=f"fraud/{case.category}",
            reasons="the same words to forty strangers" if act else "a quarrel between friends",
            measures=tuple(measures),
        )
        for reviewer in draw.sample(_REVIEWERS, 2):
            self.queues.take(case.id, reviewer)
            for item in self.cases.queue(case.queue).checklist:
                if item not in self.cases.get(case.id).ticked:
                    self.cases.tick(case.id, reviewer, item)
            if self.closing.close(case.id, reviewer, outcome).state == "closed":
                self.closing.tell()
                return

    def letters(self) -> None:
        """Whatever is on its way is fetched and confirmed."""
        while (fetched := self.polling.fetch("pull", "bench", 1000)) is not None:
            self.polling.confirm("pull", fetched.lease, [one["id"] for one in fetched.actions], "bench")


def live(folder: Path, cases: int, seed: int, *, mark: str = MARK, say: Callable[[str], None] = print) -> None:
    """A year over SQLite in a folder: cases with their reports, four fifths of them decided; and the events around."""
    known = bootstrap.catalogue()
    settings = Service(data=str(folder), policy=FORTY, snapshot_events=10**9)
    with closing(bootstrap.store(settings)) as store:
        host = bootstrap.deciding(settings, store, known)
        host.start()
        decoder = EventDecoder(known)
        world = World(settings, store, mark=mark, seed=seed)
        _events(host, decoder, folder / "events.ndjson", cases, seed, mark)
        end_us = now_us()
        waiting: list[int] = []
        for number in range(cases):
            kept = number >= cases * (1 - _WAITING)
            begun_us = end_us - (3 * DAY_US if kept else 20 * DAY_US + 345 * DAY_US * (cases - number) // cases)
            found = world.open(begun_us, _reports(world.draw, number))
            if kept:
                waiting.append(number)
            else:
                world.close(found)
            if number % 500 == 499:
                say(f"routes: {number + 1:,} of {cases:,} cases lived through")
        world.at_us = end_us
        world.duties.fire()
        world.letters()
        errands = Errands(store, host, decoder)
        while errands.run():
            pass
        host.snapshot().result()
        host.close()


def _reports(draw: Random, number: int) -> int:
    """How many come to a case: five on average, most have few, one in five hundred has hundreds."""
    if number % 500 == 250:
        return 600
    return min(1 + int(draw.expovariate(1 / (REPORTS_A_CASE - 1.7))), 60)


def _events(host: Deciding, decoder: EventDecoder, path: Path, cases: int, seed: int, mark: str) -> None:
    """What else happens on the service in a day: decided, with other names."""
    wanted = max(cases * 2, 200)
    simulate(max(wanted // 4, 100), 1.0, seed, path)
    lines = path.read_bytes().splitlines()[:wanted]
    path.unlink()
    marked = b"\n".join(msgspec.json.encode(one) for one in _marked(decoder, lines, mark))
    host.submit(decoder.decode_lines(marked).events).result()


def _marked(decoder: EventDecoder, lines: list[bytes], mark: str) -> Iterator[dict[str, Any]]:
    types = decoder.catalogue.types
    for line in lines:
        event: dict[str, Any] = msgspec.json.decode(line)
        event["id"] += mark
        for field in types[event["type"]].fields.values():
            value = event.get(field.name)
            if value is None or field.kind not in _MARKED or not (field.type == "entity" or field.of == "entity"):
                continue
            event[field.name] = value + mark if isinstance(value, str) else [one + mark for one in value]
        yield event
