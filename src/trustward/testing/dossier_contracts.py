"""What every adapter of the ports of clues, holds, requests and bundles must do, as tests."""

from __future__ import annotations

from threading import Barrier, Thread

import msgspec
import pytest

from trustward.base.errors import NotFoundError, StaleError
from trustward.model.authority import Authority, Facts, Loss
from trustward.model.bundle import Bundle
from trustward.model.clue import Assessed, Clue, Line
from trustward.model.dossier import DossierQuery, FilePage
from trustward.model.hold import Hold
from trustward.model.request import Asked, Disclosure, Scope, Verified, Withheld
from trustward.ports import Store
from trustward.testing.contracts import Contract, Open

ENTITIES = (("account", "a1"), ("url", "https://x.example/a:b"))


def hold(id: str = "h1", version: int = 1, **fields: object) -> Hold:
    """A hold as it could be kept."""
    plain = Hold(
        id=id,
        version=version,
        state="in_force",
        at_us=5,
        entities=ENTITIES,
        basis="s 20",
        by="police",
        actor="kim",
        cause="order:17",
    )
    return msgspec.structs.replace(plain, **fields)


def clue(id: str = "c1", version: int = 1, **fields: object) -> Clue:
    """A clue as it could be kept."""
    plain = Clue(
        id=id,
        version=version,
        state="drafted",
        at_us=5,
        authority=Authority(id="police", name="Police"),
        kind="account",
        entity="a1",
        actor="kim",
        facts=Facts(victims=2, losses=(Loss(amount=5, currency="SGD"),)),
        summary="the same text to forty",
        case="9",
        entities=ENTITIES,
        decisions=(3, 4),
        fields={"suspect": "a1"},
    )
    return msgspec.structs.replace(plain, **fields)


def asked(id: str = "r1", version: int = 1, **fields: object) -> Asked:
    """A request as it could be kept."""
    plain = Asked(
        id=id,
        version=version,
        state="received",
        at_us=5,
        by="police",
        contact="desk@police.example",
        basis="s 47",
        reference="P/1",
        actor="kim",
        entities=ENTITIES,
        data=("events", "labels"),
        verified=Verified(genuine=True, actor="kim", at_us=6, how="rang back"),
        scope=Scope(entities=ENTITIES, data=("events",), upto=7),
        withheld=(Withheld(what="texts", reason="not asked by a judge"),),
    )
    return msgspec.structs.replace(plain, **fields)


class DossiersContract(Contract):
    """Clues, holds, requests and disclosures: each by its own kind, with its file."""

    def test_whole(self, store: Store, opened: Open) -> None:
        given = Disclosure(
            id="h1", version=1, at_us=7, by="police", basis="s 47", actor="kim", cause="", entities=ENTITIES, what="all"
        )
        pages = [FilePage(record="hold:h1", number=at, at_us=at, what="placed", actor="kim") for at in (1, 2)]
        store.records.write(
            [hold("h1"), clue("h1"), asked("h1"), given, *pages, Line(id="l", version=1, clues=("h1",))]
        )
        other = opened()
        assert other.dossiers.get(Hold, "h1") == hold("h1")
        assert other.dossiers.get(Clue, "h1") == clue("h1")
        assert other.dossiers.get(Asked, "h1") == asked("h1")
        assert other.dossiers.get(Disclosure, "h1") == given
        assert list(other.dossiers.pages("hold:h1")) == pages
        assert (other.dossiers.get(Hold, "h2"), list(other.dossiers.pages("clue:h1"))) == (None, [])
        assert other.records.get(Line, "l") == Line(id="l", version=1, clues=("h1",))
        assert other.records.get(Assessed, "l") is None

    def test_each_version_once(self, store: Store) -> None:
        store.records.write([hold(), clue()])
        with pytest.raises(StaleError):
            store.records.write([hold()])
        with pytest.raises(StaleError):
            store.records.write([clue(version=2, state="approved"), hold(version=3)])
        kept = store.dossiers.get(Clue, "c1")
        assert kept is not None
        assert kept.state == "drafted"
        won: list[int] = []
        start = Barrier(3)

        def change(number: int) -> None:
            start.wait()
            try:
                store.records.write([hold(version=2, why=str(number))])
                won.append(number)
            except StaleError:
                pass

        threads = [Thread(target=change, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        changed = store.dossiers.get(Hold, "h1")
        assert changed is not None
        assert [changed.why] == [str(number) for number in won]

    def test_found(self, store: Store) -> None:
        store.records.write(
            [
                hold("a"),
                hold("b", state="released", by="court"),
                hold("c", secret=True, cause="case:1"),
                hold("d", entities=(("ip", "1"),)),
                clue("a"),
            ]
        )

        def found(after: str = "", limit: int = 9, **query: object) -> str:
            wanted = msgspec.convert(query, DossierQuery)
            return "".join(one.id for one in store.dossiers.find(Hold, wanted, after, limit))

        assert (found(), found(secret=True), found("a"), found(limit=1)) == ("abd", "abcd", "bd", "a")
        assert (found(states=("released",)), found(states=("in_force", "released"))) == ("b", "abd")
        assert (found(party="court"), found(cause="case:1"), found(cause="case:1", secret=True)) == ("b", "", "c")
        assert (found(subject="ip:1"), found(subject="account:a1")) == ("d", "ab")

    def test_by_what_they_name(self, store: Store) -> None:
        store.records.write([hold("a"), hold("b", secret=True), hold("c", entities=(("ip", "1"),)), clue("a")])
        store.records.write([hold("a", version=2, entities=(("ip", "1"),))])

        def naming(kind: str, entity: str, after: str = "", limit: int = 9) -> str:
            return "".join(one.id for one in store.dossiers.naming(Hold, kind, entity, after, limit))

        # What it has named once is not forgotten.
        assert naming("account", "a1") == "ab"
        assert (naming("account", "a1", "a"), naming("account", "a1", limit=1)) == ("b", "a")
        assert naming("url", "https://x.example/a:b") == "ab"
        assert (naming("ip", "1"), naming("ip", "2")) == ("ac", "")
        assert [one.id for one in store.dossiers.naming(Clue, "account", "a1")] == ["a"]


class BundlesContract(Contract):
    """Evidence as it was given away: whole, part by part."""

    def test_kept(self, store: Store, opened: Open) -> None:
        bundle = Bundle(id="f" * 64, record="clue:1", at_us=3, size=5, files=2)
        assert store.bundles.get(bundle.id) is None
        with pytest.raises(NotFoundError):
            store.bundles.read(bundle.id)
        store.bundles.add(bundle, iter([b"\x00ab", b"cd"]))
        other = opened()
        assert other.bundles.get(bundle.id) == bundle
        assert list(other.bundles.read(bundle.id)) == [b"\x00ab", b"cd"]
        other.bundles.add(msgspec.structs.replace(bundle, at_us=9), iter([b"\x00ab", b"cd"]))
        assert store.bundles.get(bundle.id) == bundle
        assert list(store.bundles.read(bundle.id)) == [b"\x00ab", b"cd"]

    def test_what_was_not_finished_is_not_there(self, store: Store) -> None:
        bundle = Bundle(id="e" * 64, record="clue:1", at_us=3, size=5, files=2)

        def breaks() -> object:
            yield b"ab"
            raise OSError("full")

        with pytest.raises(OSError, match="full"):
            store.bundles.add(bundle, breaks())  # type: ignore[arg-type]
        assert store.bundles.get(bundle.id) is None
        store.bundles.add(bundle, iter([b"ab", b"cde"]))
        assert list(store.bundles.read(bundle.id)) == [b"ab", b"cde"]


CONTRACTS = (DossiersContract, BundlesContract)
