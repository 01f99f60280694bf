"""What every adapter of the port of orders must do, as tests."""

from __future__ import annotations

import msgspec
import pytest

from trustward.base.errors import StaleError
from trustward.model.directive import Copy, Directive, OrderPage, OrderQuery, Target, target_id
from trustward.model.letter import Letter, told
from trustward.model.programme import Item, Programme
from trustward.model.stored import AuditRow
from trustward.ports import Store
from trustward.testing.contracts import Contract, Open

PLAIN = Directive(
    id="o1",
    version=1,
    state="received",
    issuer="police",
    reference="r1",
    basis="law 1",
    type="disable",
    received_us=1,
    served_us=1,
)


def order(id: str, **fields: object) -> Directive:
    """An order as it could be kept; its reference is its id."""
    return msgspec.structs.replace(PLAIN, id=id, **{"reference": id, **fields})


def target(number: int, **fields: object) -> Target:
    """One of its targets."""
    plain = Target(
        id=target_id("o1", number),
        version=1,
        order="o1",
        number=number,
        kind="account",
        entity=f"a{number}",
        state="waiting",
    )
    return msgspec.structs.replace(plain, **fields)


def copy(id: str, **fields: object) -> Copy:
    """Something that is kept out."""
    plain = Copy(id=id, version=1, order="o1", list="blocked-text", value="x", kind="text", active=True)
    return msgspec.structs.replace(plain, **fields)


class OrdersContract(Contract):
    """Orders are found by their names, states, ends and work; targets and copies by what they are about."""

    def test_orders(self, store: Store, opened: Open) -> None:
        store.records.write(
            [
                order("o1", work=True, until_us=50),
                order("o2", secret=True, state="executing"),
                order("o3", issuer="court", state="withdrawn", until_us=10),
                order("o4", until_us=20),
            ]
        )
        other = opened().orders
        assert other.get("o1") == order("o1", work=True, until_us=50)
        assert other.get("o9") is None
        known = other.known("open:police:o1")
        assert known is not None
        assert known.id == "o1"
        assert other.known("open:police:o2") is None
        assert other.known("secret:police:o2") == order("o2", secret=True, state="executing")

        def found(query: OrderQuery, after: str = "", limit: int = 9) -> list[str]:
            return [one.id for one in other.find(query, after, limit)]

        assert found(OrderQuery()) == ["o1", "o3", "o4"]
        assert found(OrderQuery(secret=True)) == ["o1", "o2", "o3", "o4"]
        assert found(OrderQuery(secret=True), "o1", 2) == ["o2", "o3"]
        assert found(OrderQuery(secret=True, live=True)) == ["o1", "o2", "o4"]
        assert found(OrderQuery(issuer="court")) == ["o3"]
        assert found(OrderQuery(state="executing")) == []
        assert [one.id for one in other.working(9)] == ["o1"]
        assert [one.id for one in other.ending(49, 9)] == ["o4"]
        assert [one.id for one in other.ending(50, 9)] == ["o4", "o1"]

    def test_one_reference_is_one_order(self, store: Store) -> None:
        store.records.write([order("o1")])
        with pytest.raises(StaleError):
            store.records.write([target(1), order("o2", reference="o1")])
        assert store.orders.get("o2") is None
        assert list(store.orders.targets("o1")) == []
        store.records.write([order("o2", reference="o1", secret=True)])
        with pytest.raises(StaleError):
            store.records.write([order("o1", version=3)])

    def test_targets(self, store: Store, opened: Open) -> None:
        states = ["waiting", "done", "waiting", "unable", "done"]
        store.records.write([target(at, state=state) for at, state in enumerate(states, 1)])
        other = opened().orders
        assert [one.number for one in other.targets("o1")] == [1, 2, 3, 4, 5]
        assert [one.number for one in other.targets("o1", (), 2, 2)] == [3, 4]
        assert [one.number for one in other.targets("o1", ("waiting", "unable"))] == [1, 3, 4]
        assert other.counts("o1") == {"waiting": 2, "done": 2, "unable": 1}
        assert other.counts("o2") == {}
        assert list(other.on("account", "a2")) == [target(2, state="done")]
        store.records.write([target(1, version=2, state="done")])
        assert other.counts("o1") == {"waiting": 1, "done": 3, "unable": 1}
        with pytest.raises(StaleError):
            store.records.write([target(1, version=2, state="unable")])

    def test_copies(self, store: Store, opened: Open) -> None:
        store.records.write(
            [copy("c1"), copy("c2", active=False), copy("c3", order="o2"), copy("c4", value="y"), copy("c5", list="z")]
        )
        other = opened().orders
        assert [one.id for one in other.copies_of("blocked-text", "x")] == ["c1", "c3"]
        assert [one.id for one in other.copies("o1")] == ["c1", "c2", "c4", "c5"]
        assert [one.id for one in other.copies("o1", "c1", 2, active=True)] == ["c4", "c5"]
        store.records.write([copy("c1", version=2, active=False)])
        assert [one.id for one in other.copies_of("blocked-text", "x")] == ["c3"]

    def test_pages(self, store: Store, opened: Open) -> None:
        pages = [
            OrderPage(order="o1", number=at, at_us=at, what="noted", actor="kim", detail={"n": at}) for at in (1, 2, 3)
        ]
        store.records.write([*pages, OrderPage(order="o2", number=1, at_us=9, what="noted", actor="kim")])
        assert list(opened().orders.pages("o1")) == pages
        assert list(opened().orders.pages("o1", 1, 1)) == pages[1:2]

    def test_programmes(self, store: Store, opened: Open) -> None:
        item = Item(number=1, title="t", state="open", obligation="SG-OCC-1")
        first = Programme(
            id="p1",
            version=1,
            kind="rectification",
            state="open",
            issuer="mha",
            reference="n1",
            basis="s 23",
            title="t",
            received_us=1,
            items=(item,),
        )
        second = msgspec.structs.replace(first, id="p2", kind="campaign", secret=True)
        store.records.write([first, second])
        other = opened().orders
        assert other.programme("p1") == first
        assert other.known_programme("secret:campaign:mha:n1") == second
        assert [one.id for one in other.programmes()] == ["p1"]
        assert [one.id for one in other.programmes(secret=True)] == ["p1", "p2"]
        assert [one.id for one in other.programmes("campaign", secret=True)] == ["p2"]
        with pytest.raises(StaleError):
            store.records.write([msgspec.structs.replace(first, id="p3")])

    def test_what_is_secret_has_a_book_and_numbers_of_its_own(self, store: Store, opened: Open) -> None:
        rows = [
            AuditRow(at_us=at, actor="kim", action="x", subject=f"order:{at}", secret=at % 2 == 0) for at in range(4)
        ]
        letters = [
            Letter(cause="order:1", step="s", at_us=at, action=told("inform", "authority", "p"), secret=at % 2 == 0)
            for at in range(4)
        ]
        store.records.write([*rows, *letters])
        other = opened()
        assert [(row.number, row.subject) for row in other.audit.read(0, 9)] == [(1, "order:1"), (2, "order:3")]
        assert [(row.number, row.subject) for row in other.audit.read_secret(0, 9)] == [(1, "order:0"), (2, "order:2")]
        assert sorted(other.records.letters("order:1")) == ["m1-0", "m2-0", "s1-0", "s2-0"]
        assert [row.key for row in other.outbox.waiting(9)] == ["m1-0", "m2-0", "s1-0", "s2-0"]


CONTRACTS = (OrdersContract,)
"""One class for each port."""
