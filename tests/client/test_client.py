"""Both clients against the real service, over a real connection: every call, every error as its own class."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from time import sleep
from typing import Any

import msgspec
import pytest

from tests.api.served import Served, sent
from trustward.api import actions, bulk, changing, lists, looking, policies, searching
from trustward.base.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PolicyError,
    RecordError,
    TrustwardError,
    UnauthenticatedError,
    UnreachableError,
    UsageError,
)
from trustward.client import AsyncClient, Client, ManyDecided, Retrying, records

POLICY_TEXT = """
rule(
    id="always", on="message.sent", when=event.sender == "client", then=[hold(event.sender, lasts="1h")],
    reason="a test", fraud="spam", owner="me", hits=[{"sender": "client"}], misses=[{"sender": "b"}],
)
"""


class Blocking:
    """The client for event loops, called as the other one is."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.loop = asyncio.new_event_loop()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.client, name)
        if name == "decide_parts":
            return lambda *args, **named: self.loop.run_until_complete(_gathered(method(*args, **named)))
        return lambda *args, **named: self.loop.run_until_complete(method(*args, **named))

    def end(self) -> None:
        self.loop.run_until_complete(self.client.close())
        self.loop.close()


async def _gathered(parts: AsyncIterator[ManyDecided]) -> list[ManyDecided]:
    return [part async for part in parts]


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, one: Served) -> Iterator[Any]:
    address = f"http://127.0.0.1:{one.port}"
    if request.param == "sync":
        with Client(address, one.key) as made:
            yield made
        return
    blocking = Blocking(AsyncClient(address, one.key))
    yield blocking
    blocking.end()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A prefix of ids that no other test has."""
    return f"{request.node.name}-"


def test_one_event(client: Any, name: str) -> None:
    event = sent(f"{name}1")
    first = client.decide(event)
    assert (first.decision.event_id, first.again, first.late) == (f"{name}1", False, False)
    again = client.decide(msgspec.json.encode(event) + b"\n")
    assert (again.decision, again.entry, again.again) == (first.decision, first.entry, True)
    with pytest.raises(ConflictError) as conflict:
        client.decide(sent(f"{name}1", sender="b"))
    assert conflict.value.ids == (f"{name}1",)
    past = client.decision(f"{name}1")
    assert (past.entry, past.event["sender"]) == (first.entry, "a")
    with pytest.raises(NotFoundError):
        client.decision(f"{name}never/there?")


def test_a_faulty_event(client: Any, name: str) -> None:
    assert client.decide(sent(f"{name}1", text=7)).decision.faults[0].path == "$.text"
    with pytest.raises(RecordError) as fault:
        client.decide(sent(f"{name}2", text=7), strict=True)
    assert fault.value.places == (("$.text", "expected text, got 7"),)
    with pytest.raises(RecordError, match="no such event type") as fault:
        client.decide({**sent(f"{name}3"), "type": "message.snt"})
    assert fault.value.path == "$.type"
    ((path, cause),) = fault.value.places
    assert (path, cause.startswith("no such event type")) == ("$.type", True)
    with pytest.raises(UsageError):
        client.decide(b'{"type":\n"x"}')


def test_many_events_in_parts(client: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("synchronous", "asynchronous"):
        monkeypatch.setattr(f"trustward.client.{module}.PARTS", 100)
    events: list[Any] = [sent(f"{name}{number}") for number in range(250)]
    events[120] = b"no json"
    events[201] = sent(f"{name}201", text=7)
    told = client.decide_many(iter(events))
    assert (told.events, told.decided, told.again, told.rejected) == (250, 249, 0, 1)
    assert sum(told.verdicts.values()) == 249
    assert [(fault.line, fault.path, fault.decided) for fault in told.faults] == [
        (121, "$", False),
        (202, "$.text", True),
    ]
    parts = list(client.decide_parts(events[:120]))
    assert [(part.events, part.again) for part in parts] == [(100, 100), (20, 20)]
    assert client.decide_many([]).events == 0
    assert client.decide_many([{**events[0], "text": "other"}]).verdicts == {}


def test_a_stream_that_is_awaited(one: Served, name: str) -> None:
    async def made() -> AsyncIterator[dict[str, Any]]:
        for number in range(5):
            await asyncio.sleep(0)
            yield sent(f"{name}{number}")

    async def told() -> ManyDecided:
        async with AsyncClient(f"http://127.0.0.1:{one.port}", one.key) as client:
            return await client.decide_many(made())

    assert asyncio.run(told()).decided == 5


def test_looking_back(client: Any, name: str) -> None:
    client.decide(sent(f"{name}1", sender=f"{name}who"))
    entity = client.entity("account", f"{name}who")
    assert [entry.event["id"] for entry in entity.timeline] == [f"{name}1"]
    page = client.decisions(entity=f"account:{name}who", verdict="allow", limit=1)
    assert [entry.decision.event_id for entry in page.decisions] == [f"{name}1"]


def test_labels_and_lists(client: Any, name: str) -> None:
    who = f"{name}who"
    done = client.set_label("account", who, "watched", reason="a report", expires="2999-01-01T00:00:00Z")
    (label,) = client.entity("account", who).labels
    assert (label.label, label.by, label.reason) == ("watched", "person", "a report")
    assert client.clear_label("account", who, "watched", reason="a mistake").entry > done.entry
    assert client.entity("account", who).labels == ()
    listed = client.lists().lists[0].name
    assert client.put_entries(listed, [f"{name}x", f"{name}y"], reason="a test", origin="me").values == 2
    found = {entry.value: entry for entry in client.list_entries(listed).entries}
    assert found[f"{name}x"].origin == "me"
    assert client.remove_entries(listed, [f"{name}x", f"{name}y"], reason="over").values == 2
    assert f"{name}x" not in {entry.value for entry in client.list_entries(listed).entries}
    with pytest.raises(NotFoundError, match="no such list"):
        client.list_entries("no such list")


def fetched(client: Any, wanted: str) -> tuple[str, list[str]]:
    """Lease until an action is there; what comes before it is confirmed."""
    for _ in range(200):
        leased = client.lease()
        ids = [one["id"] for one in leased.actions]
        if wanted in ids:
            return leased.lease, ids
        if leased.lease is not None:
            client.confirm(leased.lease, ids)
        sleep(0.05)
    raise AssertionError(f"{wanted} is not handed out")


def test_policies_and_actions(client: Any, name: str) -> None:
    sources = {"client.policy": POLICY_TEXT + f"# {name}\n"}
    assert client.check_policy("client", sources).fine
    assert not client.check_policy("client", {"client.policy": "rule("}).fine
    with pytest.raises(PolicyError) as fault:
        client.store_policy("client", {"client.policy": "rule("})
    assert fault.value.faults
    stored = client.store_policy("client", sources)
    assert stored.hash in {one.hash for one in client.policies().policies}
    assert client.policy(stored.hash).sources[0].text == sources["client.policy"]
    assert client.put_live(stored.hash, reason="a test").hash == stored.hash
    try:
        decided = client.decide(sent(f"{name}1", sender="client"))
        assert decided.decision.verdict == "hold"
        told = client.action(f"{decided.entry}-0")
        assert told["action"]["do"] == "hold"
        lease, ids = fetched(client, f"{decided.entry}-0")
        assert client.confirm(lease, ids).confirmed == len(ids)
        assert client.confirm(lease, ids).confirmed == len(ids)
        reversed_ = client.reverse(f"{decided.entry}-0", reason="a mistake")
        assert reversed_.inverse is not None
        assert client.reverse(f"{decided.entry}-0", reason="a mistake").again
        lease, _ = fetched(client, reversed_.inverse)
        assert client.fail(lease, reversed_.inverse, said="busy", refused=True).state == "dead"
        assert {one["target"] for one in client.backlog().targets} >= {"pull"}
    finally:
        assert client.roll_back(reason="over").hash != stored.hash


def test_who_may(one: Served) -> None:
    address = f"http://127.0.0.1:{one.port}"
    with Client(address, one.make_key("read")) as client, pytest.raises(ForbiddenError):
        client.decide(sent("forbidden"))
    with Client(address, "tw_unknown_key") as client, pytest.raises(UnauthenticatedError):
        client.lists()


def test_nobody_there() -> None:
    with (
        Client("http://127.0.0.1:1", "tw_secret", retrying=Retrying(tries=2, first_s=0.001)) as client,
        pytest.raises(UnreachableError, match="cannot be reached") as fault,
    ):
        client.decide(sent("x"))
    assert "tw_secret" not in f"{fault.value} {client!r} {client.__dict__['_options'].address}"


@pytest.mark.parametrize("address", ["trustward.example", "ftp://x", "https://me:pw@x", "https://x/?a=1"])
def test_an_address_is_a_url(address: str) -> None:
    with pytest.raises(UsageError):
        Client(address, "tw_key")


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "schlüssel"])
def test_a_key_is_one(key: str) -> None:
    with pytest.raises(UsageError):
        Client("https://trustward.example", key)


def test_both_clients_know_the_same_calls() -> None:
    def calls(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in vars(kind).items()
            if not name.startswith("_") and inspect.isfunction(method)
        }

    assert calls(Client) == calls(AsyncClient)


def test_it_is_light() -> None:
    heavy = "{'litestar', 'numba', 'numpy', 'pyarrow', 'sqlalchemy', 'trustward.engine', 'trustward.policy', 're2'}"
    code = f"import sys, trustward.client; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"


SAME: dict[Any, Any] = {
    records.Backlog: actions.BacklogTold,
    records.Changed: lists.Changed,
    records.Checked: policies.Checked,
    records.Confirmed: actions.Confirmed,
    records.Done: changing.Done,
    records.Entity: looking.EntityTold,
    records.Entries: lists.Entries,
    records.Entry: searching.Entry,
    records.Failed: actions.Failed,
    records.LabelTold: looking.LabelTold,
    records.Leased: actions.Leased,
    records.ListEntry: lists.EntryOut,
    records.ListTold: lists.ListTold,
    records.Lists: lists.Names,
    records.Page: searching.DecisionsTold,
    records.Past: looking.Past,
    records.Policies: policies.PolicyList,
    records.PolicySource: policies.SourceIn,
    records.PolicyTold: policies.PolicyTold,
    records.PolicyWhole: policies.PolicyWhole,
    records.Rejected: bulk.Rejected,
    records.Reversed: actions.ReversalTold,
    records.Switched: policies.Switched,
}


@pytest.mark.parametrize("kind", SAME, ids=lambda kind: kind.__name__)
def test_records_are_what_the_service_answers(kind: Any) -> None:
    assert set(kind.__struct_fields__) <= set(SAME[kind].__struct_fields__)


def test_every_record_is_held_against_the_service() -> None:
    mine = {
        kind
        for kind in vars(records).values()
        if inspect.isclass(kind) and issubclass(kind, msgspec.Struct) and kind.__module__ == records.__name__
    }
    assert mine - set(SAME) == {records.Decided, records.ManyDecided}
    assert set(records.ManyDecided.__struct_fields__) == {*bulk.Summary.__struct_fields__, "decisions", "faults"}


def test_an_error_of_a_newer_service_keeps_its_code() -> None:
    from trustward.client.retrying import error_of

    error = error_of(400, b'{"code": "TW-999", "detail": "new", "remedy": "look"}', {})
    assert type(error) is TrustwardError
    assert str(error) == "TW-999: new (look)"
    assert isinstance(error_of(502, b"<html>", {}), UnreachableError)
