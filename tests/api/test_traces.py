"""Traces: what they show, whose they are, and that without them nothing of it is there."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from tests.api.collector import attributes, collecting
from tests.api.served import sent, served
from trustward import bootstrap
from trustward.base.errors import SettingsError
from trustward.settings import Settings

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00"


def test_a_request_shows_its_steps_under_the_callers_own_trace() -> None:
    with collecting() as collector:
        with served(traces=collector.address) as one:
            told = {"traceparent": PARENT, "tracestate": "kim=secret", "baggage": "kim=secret"}
            assert one.ask("POST", "/v1/decisions", json=sent("t1"), headers=told).status == 200
            assert one.ask("POST", "/v1/decisions", json=sent("t2"), headers={"traceparent": UNSAMPLED}).status == 200
            assert one.ask("POST", "/v1/decisions", json=sent("t1"), headers={"traceparent": "nonsense"}).status == 200
            lines = b"\n".join(msgspec.json.encode(sent(f"many{number}")) for number in range(5))
            assert one.ask("POST", "/v1/events", lines, headers={"Content-Type": "application/x-ndjson"}).status == 200
            assert one.ask("GET", "/v1/decisions/t1").status == 200
        mine = [span for span in collector.spans if span.trace_id.hex() == PARENT.split("-")[1]]
        (root,) = [span for span in mine if span.name == "POST /v1/decisions"]
        assert root.parent_span_id.hex() == PARENT.split("-")[2]
        assert collector.under(root) == ["decode", "queue", "decide", "commit"]
        assert attributes(root) == {
            "http.request.method": "POST",
            "http.route": "/v1/decisions",
            "http.response.status_code": 200,
        }
        assert not [span for span in collector.spans if span.trace_id.hex() == UNSAMPLED.split("-")[1]]
        again = [span for span in collector.named("POST /v1/decisions") if span.span_id != root.span_id]
        assert [collector.under(span) for span in again] == [["decode", "queue", "decide"]]
        (many,) = collector.named("POST /v1/events")
        assert collector.under(many) == ["decode", "queue", "decide", "commit"]
        assert collector.named("GET /v1/decisions/{event_id}")
        for span in collector.spans:
            assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
        assert b"secret" not in b"".join(collector.raw)


def test_only_a_share_is_traced() -> None:
    with collecting() as collector:
        with served(traces=collector.address, trace_share=0) as one:
            assert one.ask("POST", "/v1/decisions", json=sent("t1")).status == 200
            assert one.ask("POST", "/v1/decisions", json=sent("t2"), headers={"traceparent": PARENT}).status == 200
        assert len(collector.named("POST /v1/decisions")) == 1


def test_a_collector_that_is_gone_harms_nobody() -> None:
    with served(traces="http://127.0.0.1:1/v1/traces") as one:
        assert one.ask("POST", "/v1/decisions", json=sent("t1")).status == 200


def test_off_there_is_nothing_of_it() -> None:
    code = (
        "import sys, trustward.api.app; from trustward import bootstrap; from trustward.settings import Settings;"
        "assert bootstrap.tracer(Settings()) is None;"
        "print([m for m in sys.modules if m.startswith('opentelemetry')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"


def test_an_address_is_needed() -> None:
    with pytest.raises(SettingsError, match="not an address"):
        bootstrap.tracer(Settings(traces="collector:4318"))
