"""Clues and requests over an engine, with two authorities: one by the outbox and two people, one by hand."""

from __future__ import annotations

import io
import tarfile
from itertools import count
from typing import Any

import msgspec

from tests.operations.test_cases import QUEUES, World
from tests.operations.test_engine import Engine
from tests.service.kit import DECODER
from trustward.base.errors import TrustwardError
from trustward.exchange.evidence import SigningKey
from trustward.model.authority import Authority, Facts, FormField, Loss, Threshold
from trustward.model.clue import Clue
from trustward.model.request import Asked
from trustward.operations.bundling import Bundling
from trustward.operations.clues import Clues, Draft
from trustward.operations.indexing import Indexing
from trustward.operations.requests import Requests, RequestWanted
from trustward.operations.searching import Searching
from trustward.ports import Store

POLICE = Authority(
    id="police",
    name="Police",
    market="SG",
    categories=("scam", "phishing"),
    thresholds=(
        Threshold(threat_to_life=True, clock="clue-at-once"),
        Threshold(least_victims=2),
        Threshold(least_loss=Loss(amount=100_000, currency="SGD")),
    ),
    clock="clue",
    obligation="SG-OCC-4",
    fields=(
        FormField(name="what", title="What happened"),
        FormField(name="contact", title="A mail address", pattern=r"\S+@\S+"),
        FormField(name="remark", title="Anything else", required=False, longest=20),
    ),
    second=True,
    way="outbox",
    target="bridge",
)
OFFICE = Authority(id="office", name="Office", way="hand", reporters="none", last=True)
REGULATOR = Authority(id="regulator", name="Regulator", market="SG", way="hand", reporters="named")
WHOLE = {"what": "forty told to invest", "contact": "desk@shop.example"}
MANY = Facts(markets=("SG",), victims=3)


class Telling:
    """All stories of clues over one world of cases."""

    def __init__(self, world: World, *authorities: Authority, limit: int = 1 << 24) -> None:
        self.world = world
        self.store: Store = world.store
        self.time, self.duties, self.cases = world.time, world.duties, world.cases
        self.key = SigningKey.make()
        self.bundling = Bundling(
            self.store,
            lambda: Searching(self.store, Indexing(self.store, DECODER)),
            lambda _hash: {"reported": {"when": "told >= 2"}},
            lambda: self.key,
            limit=limit,
            clock=self.time,
        )
        numbers = count(1)
        self.clues = Clues(
            self.cases,
            self.bundling,
            authorities or (POLICE, OFFICE, REGULATOR),
            clock=self.time,
            ids=lambda: f"k{next(numbers):05}",
        )
        asked = count(1)
        self.requests = Requests(
            self.store, self.duties, self.bundling, clock=self.time, ids=lambda: f"q{next(asked):05}"
        )

    def draft(self, **fields: Any) -> Clue:
        said = {"authority": "police", "actor": "kim", "summary": "one ring", "facts": MANY, "fields": WHOLE}
        if "case" not in fields and "entity" not in fields:
            said |= {"kind": "account", "entity": "a1"}
        if "case" not in fields and "facts" not in fields:
            said["facts"] = msgspec.structs.replace(MANY, category="scam")
        return self.clues.draft(Draft(**{**said, **fields}))

    def sent(self, **fields: Any) -> Clue:
        clue = self.draft(**fields)
        self.clues.approve(clue.id, "lee")
        return self.clues.send(clue.id, "kim", "" if clue.authority.way == "outbox" else "by courier")

    def ask(self, **fields: Any) -> Asked:
        said = {
            "by": "police",
            "contact": "desk@police.example",
            "basis": "s 47",
            "reference": "P/1",
            "actor": "kim",
            "entities": (("account", "a1"),),
            "data": ("events", "decisions", "cases", "reports", "labels"),
        }
        return self.requests.receive(RequestWanted(**{**said, **fields}))

    def files(self, bundle: str) -> dict[str, str]:
        content = b"".join(self.store.bundles.read(bundle))
        with tarfile.open(fileobj=io.BytesIO(content)) as opened:
            return {one.name: opened.extractfile(one).read().decode() for one in opened}  # type: ignore[union-attr]


def reported() -> tuple[Engine, str]:
    """A world in which three users have reported an account, rules have answered, and one case has come of it."""
    world = Engine()
    first = world.report("u1", text="asked for money, says u2 too", market="SG")
    world.report("u2", text="me too; call me: u2")
    world.report("shop", channel="service", text="a known one")
    world.errands.run()
    world.gathering.gather()
    return world, first.case


def plain() -> Telling:
    """The stories without an engine."""
    return Telling(World(queues=QUEUES))


def refused(take: Any) -> bool:
    """Whether a step is refused."""
    try:
        take()
    except TrustwardError:
        return True
    return False
