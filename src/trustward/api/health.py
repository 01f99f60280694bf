"""Whether the process lives, whether it can be sent requests, and how it is doing."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get
from prometheus_client import CONTENT_TYPE_LATEST

from trustward.api.auth import OPEN
from trustward.api.entrance import Entrance


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine does at present: new, standby, recovering, warming, ready, draining, stopped."""

    status: str


@get("/livez", opt={"scope": OPEN}, security=[{}], summary="Whether the process lives")
async def livez(request: Request[Any, Any, Any]) -> Response[Health]:
    """200 while it makes sense to leave the process alone; 503 when only a restart can help."""
    entrance: Entrance = request.app.state.service
    phase = entrance.phase
    return Response(Health(status=phase), status_code=503 if phase == "stopped" else 200)


@get("/readyz", opt={"scope": OPEN}, security=[{}], summary="Whether requests can be sent")
async def readyz(request: Request[Any, Any, Any]) -> Response[Health]:
    """200 when events are decided; 503 while the engine starts, waits or ends."""
    entrance: Entrance = request.app.state.service
    phase = entrance.phase
    if entrance.draining:
        phase = "draining"
    elif phase == "ready" and not entrance.warmed:
        phase = "warming"
    return Response(Health(status=phase), status_code=200 if phase == "ready" else 503)


@get(
    "/metrics",
    opt={"scope": "metrics"},
    summary="Metrics for Prometheus",
    sync_to_thread=True,
    media_type=CONTENT_TYPE_LATEST,
)
def metrics(request: Request[Any, Any, Any]) -> bytes:
    """Rates, latencies, queues, rule hits, windows."""
    return bytes(request.app.state.service.metrics.text())
