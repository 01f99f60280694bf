"""Traces to a collector, by OpenTelemetry's own library and protocol (OTLP over HTTP)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from trustward.base.clock import now_us
from trustward.base.errors import SettingsError
from trustward.ports.traces import Trace


class OtelTracer:
    """The port ``Tracer``. ``share`` of a hundred are traced where the caller does not say.

    Of what callers send only ``traceparent`` is taken: ``tracestate`` and baggage may hold anything.
    """

    def __init__(self, address: str, share: int) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
            from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415
        except ImportError as fault:
            raise SettingsError(
                "traces needs a package that is not here", remedy="pip install 'trustward[traces]', or unset it"
            ) from fault
        if not address.startswith(("http://", "https://")):
            raise SettingsError(
                "traces: not an address of a collector", remedy="write it like http://127.0.0.1:4318/v1/traces"
            )
        resource = Resource.create({"service.name": "trustward", "service.version": version("trustward")})
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share / 100)), resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address, timeout=3)))
        self._tracer = self._provider.get_tracer("trustward")
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, traceparent: str = "") -> Trace | None:
        """See :class:`trustward.ports.traces.Tracer`."""
        from opentelemetry.context import Context  # noqa: PLC0415 - an extra
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        caller = self._propagator.extract({"traceparent": traceparent}, Context()) if traceparent else Context()
        begun_us = now_us()
        span = self._tracer.start_span("trustward", caller, SpanKind.SERVER, start_time=begun_us * 1_000)
        return Trace(begun_us, span) if span.is_recording() else None

    def end(self, trace: Trace, name: str, facts: Mapping[str, str | int]) -> None:
        """See :class:`trustward.ports.traces.Tracer`."""
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 - an extra

        span: Any = trace.span
        inside = set_span_in_context(span)
        for step, begun_us, ended_us in list(trace.steps):
            part = self._tracer.start_span(step, inside, start_time=begun_us * 1_000)
            part.end(max(begun_us, ended_us) * 1_000)
        span.update_name(name)
        span.set_attributes(dict(facts))
        span.end(max(trace.begun_us, now_us()) * 1_000)

    def traceparent(self, trace: Trace) -> str:
        """See :class:`trustward.ports.traces.Tracer`."""
        context = trace.span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def close(self) -> None:
        """See :class:`trustward.ports.traces.Tracer`."""
        self._provider.shutdown()
