"""What is sent again, and when: the steps of a call, with outcomes by plan and a clock that is moved by hand."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustward.base.errors import TrustwardError, UnreachableError
from trustward.client import Client, Retrying
from trustward.client.calls import Answer, Call
from trustward.client.exchanging import Step, steps

REQUEST = httpx.Request("POST", "http://x")
OUTCOMES: dict[str, Any] = {
    "refused": httpx.ConnectError("no", request=REQUEST),
    "broken off": httpx.ReadError("no", request=REQUEST),
    "no answer": httpx.ReadTimeout("no", request=REQUEST),
    "busy": (429, "TW-540"),
    "starting": (503, "TW-550"),
    "too many": (429, "TW-620"),
    "disk": (503, "TW-500"),
    "slow": (408, "TW-660"),
    "gateway": (502, ""),
    "proxy full": (503, ""),
    "wrong": (400, "TW-310"),
    "taken": (409, "TW-530"),
    "ours": (500, "TW-670"),
    "done": (200, ""),
}
NOT_TAKEN = {"refused", "busy", "starting", "too many"}
OPEN = {"broken off", "no answer", "disk", "slow", "gateway", "proxy full"}


def outcome(name: str, asked_s: int | None) -> Any:
    found = OUTCOMES[name]
    if not isinstance(found, tuple):
        return found
    status, code = found
    headers = {"retry-after": str(asked_s)} if asked_s is not None and status in {429, 503} else {}
    return Answer(status, headers, msgspec.json.encode({"code": code, "detail": "d"}) if code else b"<html>")


def drive(names: list[str], *, repeatable: bool, within_s: float, asked_s: int | None) -> tuple[list[str], float, Any]:
    """What was sent, how long it took, and what came of it."""
    now = 0.0
    sent: list[str] = []
    call: Call[str] = Call(method="POST", path="/", read=lambda _answer: "done", repeatable=repeatable)
    driven = steps(call, Retrying(), within_s, lambda: now)
    step: Step = next(driven)
    left = iter(names)
    rested = True
    try:
        while True:
            if step.do == "rest":
                asked = asked_s if isinstance(OUTCOMES[sent[-1]], tuple) and OUTCOMES[sent[-1]][0] in {429, 503} else 0
                assert step.seconds >= (asked or 0)
                now += step.seconds
                rested = True
                step = driven.send(None)
                continue
            assert rested
            rested = False
            assert 0 < step.seconds <= within_s
            name = next(left, "done")
            sent.append(name)
            now += 0.01
            step = driven.send(outcome(name, asked_s))
    except StopIteration as ended:
        return sent, now, ended.value
    except TrustwardError as error:
        return sent, now, error


@given(
    names=st.lists(st.sampled_from(sorted(OUTCOMES)), max_size=12),
    repeatable=st.booleans(),
    within_s=st.sampled_from([0.005, 0.5, 5.0, 500.0]),
    asked_s=st.sampled_from([None, 0, 1, 20, 400]),
)
def test_what_may_be_sent_again_is_and_nothing_else(
    *, names: list[str], repeatable: bool, within_s: float, asked_s: int | None
) -> None:
    sent, took_s, result = drive(names, repeatable=repeatable, within_s=within_s, asked_s=asked_s)
    assert took_s <= within_s + 0.01 * len(sent)
    assert len(sent) <= Retrying().tries
    for name in sent[:-1]:
        assert name in NOT_TAKEN or (repeatable and name in OPEN)
    if sent[-1] == "done":
        assert result == "done"
    else:
        assert isinstance(result, TrustwardError)
    if within_s == 500.0 and asked_s in {None, 0} and len(sent) < Retrying().tries and sent[-1] != "done":
        assert sent[-1] not in NOT_TAKEN
        assert not repeatable or sent[-1] not in OPEN


def test_a_deadline_ends_it_with_the_last_error() -> None:
    sent, _, result = drive(["starting"] * 9, repeatable=True, within_s=5.0, asked_s=2)
    assert sent == ["starting"] * 3
    assert result.code == "TW-550"


class Planned(BaseHTTPRequestHandler):
    """A server that answers by plan; ``drop`` closes the connection in the middle."""

    plan: list[str]
    seen: list[bytes]

    def do_POST(self) -> None:
        self.seen.append(self.rfile.read(int(self.headers["content-length"])))
        what = self.plan.pop(0)
        if what == "drop":
            self.close_connection = True
            self.connection.close()
            return
        status, _, body = what.partition(" ")
        self.send_response(int(status))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


DONE = (
    '200 {"event_id":"m","type":"t","time":"2026-01-05T10:00:00Z","verdict":"allow","score":0.0,"degraded":false,'
    '"rules":[],"actions":[]}'
)


@pytest.mark.parametrize(
    ("plan", "sent"),
    [(["drop", '503 {"code":"TW-500","detail":"d"}', "502 <html>", DONE], 4), (['400 {"code":"TW-310"}'], 1)],
)
def test_over_a_connection(plan: list[str], sent: int) -> None:
    handler = type("Handler", (Planned,), {"plan": list(plan), "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        with Client(address, "tw_key", retrying=Retrying(first_s=0.001)) as client:
            if sent > 1:
                assert client.decide({"id": "m"}).decision.verdict == "allow"
            else:
                with pytest.raises(TrustwardError, match="TW-310"):
                    client.decide({"id": "m"})
            assert handler.seen == [b'{"id":"m"}'] * sent  # type: ignore[attr-defined]
            handler.plan += ["drop", DONE]  # type: ignore[attr-defined]
            with pytest.raises(UnreachableError, match="no answer came"):
                client.lease()
            assert len(handler.seen) == sent + 1  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
