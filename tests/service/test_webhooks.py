"""Webhooks over the loopback: what is sent, what is made of answers, and where nothing is ever sent."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import msgspec
import pytest

from tests.service.outgoing import SECRET, Receiver, S, action
from trustward.adapters.addresses import networks, reachable
from trustward.adapters.webhooks import REFUSED, Webhooks
from trustward.base.clock import elapsed_s, now_us
from trustward.base.errors import SettingsError
from trustward.model.delivery import Delivery, Receipt, Target
from trustward.model.journal import notice, plain_allow
from trustward.testing.outbox_contracts import action_row

LOOPBACK = networks(["127.0.0.0/8", "::1/128"])
OTHER = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


def delivery(seq: int = 7) -> Delivery:
    row = action_row(seq, 0, action(lasts_us=S))
    return Delivery(place=1, target="shop", lane=0, row=row, state="waiting", tries=0, queued_us=0)


def test_a_decision_is_signed_like_an_action() -> None:
    decision = plain_allow("m1", "message.sent", "2026-01-05T10:00:00Z", "0f3a")
    told = Delivery(place=1, target="shop", lane=0, row=notice(7, decision, S), state="waiting", tries=0, queued_us=0)
    with Receiver() as receiver:
        target = Target(name="shop", url=receiver.url, secrets=(SECRET,), decisions=True)
        webhooks = Webhooks([target], timeout_s=5.0, clock=now_us, private=LOOPBACK)
        assert webhooks.send(target, told).ok
        webhooks.close()
        (said,) = receiver.taken
    assert receiver.forged == 0
    assert (said["type"], said["data"]["id"], said["data"]["entry"]) == ("decision.made", "7-decision", 7)
    assert msgspec.convert(said["data"]["decision"], type(decision)) == decision
    assert said["key"] == said["headers"]["webhook-id"] == told.idempotency_key


@pytest.fixture
def sent() -> Iterator[Callable[..., Receipt]]:
    """Sends one action to a url, and gives the receipt."""
    opened: list[Webhooks] = []

    def send(url: str, *secrets: str, **how: Any) -> Receipt:
        target = Target(name="shop", url=url, secrets=secrets or (SECRET,))
        webhooks = Webhooks([target], **{"timeout_s": 5.0, "clock": now_us, "private": LOOPBACK, "worker": "w", **how})
        opened.append(webhooks)
        return webhooks.send(target, delivery())

    yield send
    for one in opened:
        one.close()


def raw(answer: bytes, *, drip_s: float = 0.0) -> tuple[str, Thread]:
    """A server that says exactly this, byte by byte if it drips."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server, server.accept()[0] as peer:
            peer.recv(65_536)
            try:
                for at in range(len(answer)) if drip_s else ():
                    peer.sendall(answer[at : at + 1])
                    peer.settimeout(drip_s)
                    try:
                        if not peer.recv(1):
                            return
                    except TimeoutError:
                        continue
                if not drip_s:
                    peer.sendall(answer)
            except OSError:
                return  # it had enough

    thread = Thread(target=serve, daemon=True)
    thread.start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/", thread


def test_signed_and_the_same_for_every_try(sent: Callable[..., Receipt]) -> None:
    with Receiver() as receiver:
        first, second = sent(receiver.url), sent(receiver.url, OTHER, SECRET)
    assert first.ok
    assert (first.status, first.worker, first.refused) == (204, "w", False)
    assert second.ok
    assert receiver.forged == 0
    one, two = receiver.taken
    assert one["data"] == two["data"]
    assert one["key"] == two["key"] == one["data"]["idempotency_key"] == delivery().idempotency_key
    assert {one["headers"][name] for name in ("webhook-id", "idempotency-key")} == {one["key"]}
    assert len(two["headers"]["webhook-signature"].split()) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 418, 422, 429, 500, 503, 301, 302, 307, 308])
def test_answers(sent: Callable[..., Receipt], status: int) -> None:
    with Receiver(lambda _: status) as receiver:
        receipt = sent(receiver.url)
    assert (receipt.ok, receipt.status, receipt.refused) == (False, status, status in REFUSED)
    assert len(receiver.seen) == 1  # no redirect is followed


def test_what_was_said_is_kept_short_and_printable(sent: Callable[..., Receipt]) -> None:
    body = b"no\x00\x1b[2J such account " + b"x" * 1_000_000
    url, thread = raw(b"HTTP/1.1 503 x\r\nretry-after: 7\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    receipt = sent(url)
    thread.join()
    assert receipt.said.startswith("no  [2J such account xxx")
    assert len(receipt.said) == 200
    assert receipt.after_us == 7 * S


@pytest.mark.parametrize("after", [b"Mon, 01 Jan 2027 00:00:00 +99999999999999999999", b"\xb2", b"9" * 5000, b"-1"])
def test_a_senseless_retry_after_breaks_nothing(sent: Callable[..., Receipt], after: bytes) -> None:
    url, thread = raw(b"HTTP/1.1 503 x\r\nretry-after: %b\r\ncontent-length: 0\r\n\r\n" % after)
    receipt = sent(url)
    thread.join()
    assert (receipt.ok, receipt.status) == (False, 503)
    assert 0 <= receipt.after_us < 10**16


def test_a_date_to_wait_for_is_utc_wherever_the_worker_runs(
    sent: Callable[..., Receipt], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Singapore")
    time.tzset()
    try:
        url, thread = raw(b"HTTP/1.1 503 x\r\nretry-after: Thu Jan  1 00:10:09 1970\r\ncontent-length: 0\r\n\r\n")
        receipt = sent(url, clock=lambda: 2 * S)
        thread.join()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert receipt.after_us == 607 * S


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000, b"HTTP/1.1 099 x\r\n\r\n"],
)
def test_no_answer_worth_the_name(sent: Callable[..., Receipt], answer: bytes) -> None:
    url, thread = raw(answer)
    receipt = sent(url)
    thread.join()
    assert (receipt.ok, receipt.refused) == (False, False)
    assert receipt.said


def test_an_answer_that_breaks_off_has_been_given(sent: Callable[..., Receipt]) -> None:
    url, thread = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthan")
    assert sent(url).ok
    thread.join()


def test_however_slowly_it_drips(sent: Callable[..., Receipt]) -> None:
    url, thread = raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1000, drip_s=0.05)
    began = elapsed_s()
    receipt = sent(url, timeout_s=0.6)
    assert elapsed_s() - began < 2
    assert not receipt.ok
    assert "took too long" in receipt.said or "Timeout" in receipt.said
    thread.join()


def test_nobody_there(sent: Callable[..., Receipt]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    receipt = sent(f"http://127.0.0.1:{port}/")
    assert (receipt.ok, receipt.status) == (False, 0)
    assert "ConnectError" in receipt.said
    assert "not known" in sent("http://no-such-host.invalid/", lookup=_unknown).said


def _unknown(host: str, port: int) -> list[str]:
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"], ["fe80::1%eth0"], []],
)
def test_nothing_is_sent_to_private_networks(sent: Callable[..., Receipt], addresses: list[str]) -> None:
    with Receiver() as receiver:
        url = f"http://shop.example:{receiver.port}/"
        receipt = sent(url, private=(), lookup=lambda host, port: addresses)
        assert "private network" in receipt.said
        assert not receipt.ok
        # An address in the url itself is looked at in the same way.
        assert "private network" in sent(receiver.url, private=()).said
    assert receiver.seen == []


def test_the_address_that_was_checked_is_the_one_that_is_used(sent: Callable[..., Receipt]) -> None:
    asked: list[str] = []

    def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with Receiver() as receiver:
        assert sent(f"http://shop.example:{receiver.port}/", lookup=lookup).ok
    assert asked == ["shop.example"]
    assert receiver.taken[0]["headers"]["host"] == f"shop.example:{receiver.port}"


@pytest.mark.parametrize(
    "text", ["0.0.0.0", "100.64.0.1", "192.168.1.1", "224.0.0.1", "fc00::1", "2002:7f00:1::", "::"]
)
def test_what_is_not_public(text: str) -> None:
    assert not reachable(text, ())


def test_wrong_networks_and_secrets_are_refused() -> None:
    for text in ("10.0.0.1/8", "intranet", ""):
        with pytest.raises(SettingsError):
            networks([text])
    for secrets in ((), ("",), ("whsec_",), ("whsec_ü",), (SECRET, "changeme"), (SECRET[:-4],), (f"{SECRET}!",)):
        target = Target(name="shop", url="http://shop.example/", secrets=secrets)
        with pytest.raises(SettingsError, match="secret"):
            Webhooks([target], timeout_s=1, clock=now_us)
