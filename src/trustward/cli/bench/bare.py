"""The yardstick of ``bench serve``: the same framework and server; the body is decoded, and nothing else is done."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, post

from trustward import bootstrap
from trustward.exchange.decode import EventDecoder
from trustward.model.event import type_of
from trustward.model.journal import plain_allow

_DECODER = EventDecoder(bootstrap.catalogue())
_ENCODE = msgspec.json.Encoder().encode


@post("/v1/decisions", status_code=200)
async def decide(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Decode the body, and say that it is allowed."""
    event = _DECODER.decode_lines(await request.body()).events[0]
    answer = _ENCODE(plain_allow(event.id, type_of(event), event.time, ""))
    return Response(answer, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        Litestar([decide], openapi_config=None, logging_config=None),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        lifespan="off",
    )
