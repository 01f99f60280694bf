"""The stories of orders over any store, with a clock that the test moves, and issuers with keys."""

from __future__ import annotations

from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.operations.kit import DAY_US, HOUR_US, START_US, Time, duties_over
from trustward.adapters.store.memory import MemoryStore
from trustward.model.clocks import policy_tree, shipped_regimes
from trustward.model.directive import Directive, Target
from trustward.model.effect import outgoing
from trustward.model.issuer import Channel, Issuer
from trustward.operations.dealing import Dealing
from trustward.operations.delivering import Delivering
from trustward.operations.directives import ClockWanted, Directives, Served, TargetWanted
from trustward.operations.effort import Effort
from trustward.operations.enforcing import Enforcing
from trustward.operations.executing import Executing
from trustward.operations.programmes import Programmes
from trustward.ports import Store

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
POLICE = Issuer(
    id="police",
    name="The police",
    market="SG",
    channels=(
        Channel(name="desk", kind="phone", address="+65 0000 0000", verified="kim, 2026-01-02"),
        Channel(name="api", kind="api", key="k1"),
    ),
    public_key=PEM,
)
COURT = Issuer(id="court", name="A court", channels=(Channel(name="registry", kind="letter", address="1 Court Lane"),))


class Bench:
    """All stories of orders over one store."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or MemoryStore()
        self.time = Time()
        numbers = count(1)

        def ids() -> str:
            return f"x{next(numbers):06}"

        self.duties = duties_over(self.store, self.time)
        self.delivering = Delivering(self.store, [], clock=self.time, draw=lambda: 0.5)
        self.enforcing = Enforcing(
            self.store, policy_tree(shipped_regimes()), self.duties, self.delivering, ids=lambda: f"m{ids()}"
        )
        self.directives = Directives(self.store, (POLICE, COURT), self.duties, clock=self.time, ids=ids)
        self.dealing = Dealing(self.directives)
        self.executing = Executing(self.directives, self.enforcing)
        self.effort = Effort(self.directives, self.enforcing, self.delivering)
        self.programmes = Programmes(self.store, self.duties, clock=self.time, ids=ids)

    def receive(self, *entities: str, actor: str = "kim", **fields: Any) -> Directive:
        served: dict[str, Any] = {
            "issuer": "police",
            "reference": "R-1",
            "basis": "OCHA s 11",
            "type": "account_restriction",
            "targets": tuple(TargetWanted(kind="account", entity=entity) for entity in entities),
            "clocks": (
                ClockWanted(clock="SG-ACT-comply", due_us=START_US + 4 * HOUR_US),
                ClockWanted(clock="SG-ACT-completion", due_us=START_US + DAY_US),
            ),
        }
        return self.directives.receive(Served(**{**served, **fields}), actor)

    def accepted(self, *entities: str, **fields: Any) -> Directive:
        order = self.receive(*entities, **fields)
        return self.directives.call_back(order.id, "kim", channel="desk", spoke_to="Sgt Lim", said="it is ours")

    def executed(self, *entities: str, **fields: Any) -> Directive:
        order = self.dealing.execute(self.accepted(*entities, **fields).id, "kim")
        self.work()
        return self.directives.get(order.id)

    def work(self) -> int:
        """A worker's rounds until there is nothing to do."""
        done = 0
        for _ in range(10_000):
            some = self.executing.work()
            done += some
            if not some and not self.store.orders.working(1):
                break
        self.delivering.tidy()
        return done

    def targets(self, order: str) -> list[Target]:
        return list(self.store.orders.targets(order, (), 0, 100_000))

    def states(self, order: str) -> list[str]:
        return [target.state for target in self.targets(order)]

    def whats(self, order: str) -> list[str]:
        return [page.what for page in self.directives.file(order)]

    def in_force(self, entity: str, kind: str = "account") -> list[str]:
        self.delivering.tidy()
        return [outgoing(effect.body).action.do for effect in self.delivering.in_force(kind, entity)]

    def told(self) -> list[tuple[str, str, bool]]:
        """What is on its way out: verb, step, whether it is secret."""
        bodies = [outgoing(row.body) for row in self.store.outbox.waiting(100_000)]
        return [(body.action.do, body.type, body.secret) for body in bodies]
