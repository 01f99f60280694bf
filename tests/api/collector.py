"""A collector of traces: takes what OpenTelemetry sends over HTTP, and keeps the spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    def __init__(self, address: str) -> None:
        self.address = address
        self.spans: list[Any] = []
        self.raw: list[bytes] = []

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]

    def under(self, span: Any) -> list[str]:
        """The names of a span's steps, in order of time."""
        parts = [one for one in self.spans if one.parent_span_id == span.span_id]
        return [one.name for one in sorted(parts, key=lambda one: (one.start_time_unix_nano, one.end_time_unix_nano))]


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            sent = ExportTraceServiceRequest.FromString(body)
            found.raw.append(body)
            found.spans += [span for r in sent.resource_spans for s in r.scope_spans for span in s.spans]
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Collector(f"http://127.0.0.1:{server.server_port}/v1/traces")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
