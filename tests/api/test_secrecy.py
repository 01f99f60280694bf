"""What an order keeps secret is nowhere: one world with a secret order, its twin without, every route that there is.

A new route is read by itself, with every id of the secret world in its path. What needs a query gets a line in
``ASKS``, a command that shows or exports something one in ``COMMANDS``. The twin has the same measures, taken without
an order: so nothing may differ but ids and times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from typer.testing import CliRunner

from tests.api.served import Served, sent, served
from trustward.adapters.store.opened import open_store
from trustward.api.access import ROUTES
from trustward.base.clock import now_us
from trustward.cli.app import app
from trustward.model.access import SCOPES
from trustward.model.changes import ListChange
from trustward.model.clocks import Clock
from trustward.model.errand import change_errand
from trustward.operations.copies import LISTS, CopyWanted
from trustward.operations.directives import ClockWanted, TargetWanted
from trustward.operations.directives import Served as OrderServed
from trustward.operations.duties import Owed
from trustward.operations.enforcing import Taking
from trustward.operations.executing import QUIETLY
from trustward.operations.programmes import ItemWanted, ProgrammeWanted
from trustward.ports import Store
from trustward.screening.plain import template

ISSUERS = """
[[issuers]]
id = "canary-issuer"
name = "The canary office"
channels = [{ name = "desk", kind = "phone", address = "+65 0000 0000" }]
"""
REFERENCE = "CANARY-REF-17"
BASIS = "canary act, s 11"
WORDS = ("canary title", "canary text", "canary question", "canary grounds", "canary reason", "canary notice")
TEXT = "please keep these words from coming again"
ACCOUNT = "a-secret"
ASKS: dict[str, tuple[str, ...]] = {
    "/v1/entities/{kind}/{entity_id}": (f"/v1/entities/account/{ACCOUNT}", "/v1/entities/domain/evil.example.info"),
    "/v1/decisions": ("", f"?entity=account:{ACCOUNT}", "?verdict=block"),
    "/v1/lists/{name}/entries": tuple(f"/v1/lists/{name}/entries" for name in LISTS.values()),
    "/v1/lists/{name}/export": tuple(f"/v1/lists/{name}/export" for name in LISTS.values()),
    "/v1/actions": (f"?kind=account&entity={ACCOUNT}", "?kind=domain&entity=evil.example.info"),
    "/v1/cases": ("", f"?kind=account&entity={ACCOUNT}"),
    "/v1/dead-letters": ("?target=pull", "?target=confidential"),
    "/v1/duties": ("", "?subject=order:{id}", "?state=done", "?breached=true", "?breached=false", "?owner=canary"),
    "/v1/gates": ("?subject=order:{id}&event=launch", "?subject=feature:1&event=launch"),
    "/v1/orders": ("", "?issuer=canary-issuer", "?state=reported", "?live=true"),
    "/v1/programmes": ("", "?kind=rectification"),
    "/v1/measures": (f"?kind=account&entity={ACCOUNT}", "?cause=order:{id}", "?parent={id}"),
    "/v1/strikes": (f"?kind=account&entity={ACCOUNT}",),
    "/v1/appeals": ("", f"?account={ACCOUNT}"),
}
"""For a route the ways in which it is asked beside its plain path; ``{id}`` becomes every id that there is."""
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("duties", "list", "--all", "--json"),
    ("duties", "list", "--breached"),
    ("duties", "show", "{id}"),
    ("orders", "list", "--json"),
    ("orders", "show", "{id}"),
    ("orders", "file", "{id}"),
)
"""Commands that show or export, without --secret."""


class World(NamedTuple):
    """A service, and what nobody may come across."""

    one: Served
    folder: Path
    canaries: tuple[str, ...]
    ids: tuple[str, ...]

    @property
    def store(self) -> Store:
        return self.one.service.store


def fill(one: Served, *, secret: bool) -> tuple[str, ...]:
    """The same happens in both worlds; in one of them because of a secret order. Its ids."""
    made = one.service.operations
    for number in range(3):
        assert one.ask("POST", "/v1/decisions", json=sent(f"e{number}", sender=ACCOUNT)).status == 200
    report = {"channel": "user", "category": "scam", "kind": "account", "entity": ACCOUNT, "reporter": "u1"}
    assert one.ask("POST", "/v1/reports", json={**report, "id": "receipt-1"}).status == 201
    made.duties.open(Owed(clock="CN-ATOF-6", subject="feature:2", actor="kim"))
    ids = _ordered(one) if secret else _by_hand(one)
    for _ in range(20):
        one.service.run_errands()
        made.duties.fire()
        made.executing.work()
        made.executing.follow()
        made.closing.tell()
        one.service.delivering.tidy()
    return ids


def _ordered(one: Served) -> tuple[str, ...]:
    made = one.service.operations
    soon_us = now_us() + 500_000
    order = made.directives.receive(
        OrderServed(
            issuer="canary-issuer",
            reference=REFERENCE,
            basis=BASIS,
            type="disable",
            title=WORDS[0],
            text=WORDS[1],
            secret=True,
            similar="identical",
            targets=(
                TargetWanted(kind="account", entity=ACCOUNT),
                TargetWanted(kind="domain", entity="evil.example.info"),
            ),
            copies=(CopyWanted(kind="text", value=TEXT),),
            clocks=(
                ClockWanted(clock="SG-ACT-comply", due_us=soon_us),
                ClockWanted(clock="SG-ACT-completion", due_us=now_us() + 10**12),
                ClockWanted(clock="report-outcome"),
            ),
        ),
        "kim",
    )
    made.directives.call_back(order.id, "kim", channel="desk", spoke_to="canary reason", said="canary reason")
    made.dealing.ask(order.id, "kim", WORDS[2])
    made.dealing.clarified(order.id, "kim", WORDS[4])
    made.dealing.execute(order.id, "kim", WORDS[4])
    for _ in range(5):
        made.executing.work()
    assert made.directives.get(order.id).state == "executed", made.directives.file(order.id)
    made.dealing.challenge(order.id, "kim", "appeal", WORDS[3])
    made.dealing.report(order.id, "kim", WORDS[4])
    gate = Clock(id="canary-gate", kind="gate", title="canary reason", event="launch")
    (shut,) = made.duties.open(Owed(clock=gate, subject="feature:1", actor="kim", secret=True))
    programme = made.programmes.open(
        ProgrammeWanted(
            kind="rectification",
            issuer="canary-issuer",
            reference=REFERENCE,
            basis=BASIS,
            title=WORDS[5],
            secret=True,
            items=(ItemWanted(title=WORDS[5], obligation="SG-OCC-1", due_us=soon_us),),
        ),
        "kim",
    )
    measures = [one.id for one in made.enforcing.of(order.cause)]
    assert len(measures) == 2
    letters = one.service.store.records.letters(order.cause)
    assert len(letters) >= 4
    return (order.id, order.duties[0].duty, shut.id, programme.id, letters[0], order.cause)


def _by_hand(one: Served) -> tuple[str, ...]:
    made = one.service.operations
    form = template(TEXT)
    assert form is not None
    change = ListChange(actor="trustward", list=LISTS["text"], put=(form,))
    one.service.store.records.write([change_errand("list:by-hand", change, made.duties.clock())])
    for do, kind, entity in (("suspend", "account", ACCOUNT), ("block_link", "domain", "evil.example.info")):
        made.enforcing.take(
            Taking(
                do=do,
                kind=kind,
                entity=entity,
                cause="desk:1",
                policy="service",
                reasons=QUIETLY,
                actor="trustward",
                secret=True,
            )
        )
    return ("0" * 16, "0" * 16 + "-1", "1" * 16, "2" * 16, "s1-0", "order:" + "0" * 16)


@pytest.fixture(scope="module", name="worlds")
def _worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    with ExitStack() as ends:
        found = []
        for secret in (True, False):
            folder = tmp_path_factory.mktemp("world")
            issuers = folder / "issuers.toml"
            issuers.write_text(ISSUERS, encoding="utf-8")
            store = ends.enter_context(closing(open_store("", folder)))
            one = ends.enter_context(served(store, regimes=(str(issuers),), data=str(folder)))
            ids = fill(one, secret=secret)
            canaries = (*ids[:4], "canary-issuer", REFERENCE, BASIS, *WORDS) if secret else ()
            found.append(World(one, folder, canaries, ids))
        yield found[0], found[1]


def plain(body: bytes) -> str:
    """An answer without what differs between any two worlds: ids, times, how long something took, the journal's length.

    An errand that two rounds find at once is done twice, which does no harm, and is an entry more.
    """
    text = body.decode()
    text = re.sub(r"[0-9a-f]{12,64}", "#", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "@", text)
    text = re.sub(
        r"^(\S*(?:seconds|bytes|age|info|created|phase|queue|requests|_entry|commits)\S*).*$",
        r"\1",
        text,
        flags=re.MULTILINE,
    )
    return re.sub(r'"(latency_s|took_ms|size)":[\d.e-]+', r'"\1":0', text)


def asked(path: str, ids: tuple[str, ...]) -> list[str]:
    """Everything that is asked of a route: for each of the ids."""
    found = []
    for ask in ("", *ASKS.get(path, ())):
        whole = ask if ask.startswith("/") else path + ask
        places = re.findall(r"\{\w+\}", whole)
        if not places:
            found.append(whole)
        found += [re.sub(r"\{\w+\}", name, whole) for name in ids if places]
    return found


GETS = sorted(path for method, path in ROUTES if method == "GET")


@pytest.mark.parametrize("path", GETS)
def test_no_route_tells_of_a_secret_order(worlds: tuple[World, World], path: str) -> None:
    keys = [world.one.make_key(*(scope for scope in SCOPES if scope != "secret")) for world in worlds]
    (here, twin) = worlds
    for ask, other in zip(asked(path, here.ids), asked(path, twin.ids), strict=True):
        answer = here.one.ask("GET", ask, key=keys[0])
        same = twin.one.ask("GET", other, key=keys[1])
        where = ask
        told = answer.body.decode(errors="replace")
        for canary in here.canaries:
            # What was asked may come back in an error; what the twin says is no secret.
            assert canary not in told.replace(ask, "") or canary in ask or canary in same.body.decode(), (where, canary)
        assert answer.status == same.status, (where, answer.body, same.body)
        if not path.startswith("/v1/openapi"):
            assert plain(answer.body) == plain(same.body), where


POSTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("/v1/orders/{0}/steps", {"step": "note", "said": "x"}),
    ("/v1/orders/{0}/steps", {"step": "withdraw", "reason": "x", "authority": "y"}),
    ("/v1/duties/{1}/steps", {"step": "note", "reason": "x"}),
    ("/v1/programmes/{3}/steps", {"step": "note", "said": "x"}),
    ("/v1/actions/{4}/reverse", {"reason": "x"}),
    ("/v1/actions/lease", {"target": "confidential"}),
    ("/v1/dead-letters/replay", {"target": "confidential", "reason": "x"}),
    ("/v1/dead-letters/withdraw", {"target": "confidential", "reason": "x"}),
    ("/v1/happenings", {"subject": "feature:1", "event": "nothing"}),
)


@pytest.mark.parametrize(("path", "body"), POSTS)
def test_nothing_can_be_done_to_it(worlds: tuple[World, World], path: str, body: dict[str, object]) -> None:
    answers = []
    for world in worlds:
        key = world.one.make_key(*(scope for scope in SCOPES if scope != "secret"))
        answers.append(world.one.ask("POST", path.format(*world.ids), json=body, key=key))
    assert answers[0].status == answers[1].status == (200 if "happenings" in path else 404), answers
    assert plain(answers[0].body) == plain(answers[1].body)


def test_the_same_reference_without_secrecy_is_another_order(worlds: tuple[World, World]) -> None:
    wanted = {"issuer": "canary-issuer", "reference": REFERENCE, "basis": BASIS, "type": "information"}
    answers = [
        world.one.ask("POST", "/v1/orders", json=wanted, key=world.one.make_key("order")).status for world in worlds
    ]
    assert answers == [201, 201]
    for world in worlds:
        open_ = [one for one in world.one.service.operations.directives.store.orders.working(99) if not one.secret]
        assert open_ == []


def test_who_may_see_it_does(worlds: tuple[World, World]) -> None:
    """The other position of the switch: else nothing of the above could fail."""
    world = worlds[0]
    order, duty, gate, programme, letter, _ = world.ids
    seen = world.one.ask("GET", f"/v1/orders/{order}").json
    assert (seen["reference"], seen["secret"], seen["state"]) == (REFERENCE, True, "reported")
    assert order in world.one.ask("GET", "/v1/orders").body.decode()
    assert world.one.ask("GET", f"/v1/duties/{duty}").status == 200
    assert world.one.ask("GET", f"/v1/programmes/{programme}").status == 200
    assert world.one.ask("GET", "/v1/gates?subject=feature:1&event=launch").json["unmet"][0]["id"] == gate
    assert world.one.ask("GET", f"/v1/actions/{letter}").status == 200
    file = world.one.ask("GET", f"/v1/orders/{order}/file").body.decode()
    assert all(canary in file for canary in (order, REFERENCE, BASIS, "canary grounds"))
    targets = {one["target"]: one for one in world.one.ask("GET", "/v1/actions/backlog").json["targets"]}
    assert targets["confidential"]["waiting"] > 3
    rows = msgspec.json.encode(list(world.store.audit.read_secret(0, 999))).decode()
    assert order in rows


def test_neither_audit_nor_letters_nor_the_journal_tell_of_it(worlds: tuple[World, World]) -> None:
    books = []
    for world in worlds:
        rows = [
            (row.actor, row.action, plain(row.subject.encode()), plain(row.detail))
            for row in world.store.audit.read(0, 9_999)
            if not row.action.startswith("key.")
        ]
        books.append(sorted(row for row in rows if "orders" not in row[1]))
    here = worlds[0]
    texts = [msgspec.json.encode(list(here.store.audit.read(0, 9_999))).decode()]
    lane = here.one.service.delivering.lease(["pull"], "test", 1_000)
    assert lane is not None
    texts += [one.row.body.decode() for one in lane.deliveries]
    texts += [segment.body.decode() for segment in here.store.journal.read(0, 9_999)]
    secret = tuple(canary for canary in here.canaries if canary not in {"canary-issuer", REFERENCE, BASIS})
    for text in texts:
        assert not [canary for canary in secret if canary in text], text
    # Nobody was told anything about the account but what a reporter is told.
    notices = [one for one in texts if '"do":"inform"' in one and f'"entity":"{ACCOUNT}"' in one]
    assert notices == []


def test_commands_show_it_only_when_asked(worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch) -> None:
    here = worlds[0]
    monkeypatch.setenv("TRUSTWARD_REGIMES", str(here.folder / "issuers.toml"))
    runner = CliRunner()
    for words in COMMANDS:
        for id in here.ids[:2] if "{id}" in words else ("",):  # noqa: A001 - it is the world's
            said = [word.replace("{id}", id) for word in words]
            result = runner.invoke(app, [*said, "--data", str(here.folder)])
            shown = result.output.replace(id, "") if id else result.output
            secret = [canary for canary in here.canaries[:4] + WORDS if canary in shown]
            assert not secret, (said, secret)
            assert (result.exit_code != 0) == bool(id), (said, result.output)
    open_ = runner.invoke(app, ["orders", "list", "--secret", "--json", "--data", str(here.folder)])
    assert here.ids[0] in open_.output


def test_logs_say_nothing(worlds: tuple[World, World], capfd: pytest.CaptureFixture[str]) -> None:
    world = worlds[0]
    for path in (f"/v1/orders/{world.ids[0]}", f"/v1/duties/{world.ids[1]}", f"/v1/orders/{world.ids[0]}/file"):
        world.one.ask("GET", path)
        world.one.ask("GET", path, key=world.one.make_key("read"))
    world.one.ask("POST", f"/v1/orders/{world.ids[0]}/steps", json={"step": "report"})
    world.one.ask("POST", f"/v1/orders/{world.ids[0]}/steps", body=b"{")
    told = capfd.readouterr()
    assert not [canary for canary in world.canaries if canary in told.err + told.out]
