"""Every application of the service: routes behind one guard, with one way to fail, counted and timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Receive, Scope, Send

from trustward.api.access import ANY, HALF, OPEN, OWN, ROUTES
from trustward.api.auth import guard
from trustward.api.counts import Counts
from trustward.api.entrance import Entrance
from trustward.api.problems import answer
from trustward.api.quick import Quick
from trustward.base.clock import elapsed_s
from trustward.base.errors import TrustwardError
from trustward.model.access import SCOPES
from trustward.ports.traces import Tracer


def make_app(
    entrance: Entrance,
    handlers: Sequence[ControllerRouterHandler],
    lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]],
    document: OpenAPIConfig | None = None,
) -> Litestar:
    """An application over an entrance. A route without a scope, or one that goes past the guard, is a fault of ours."""
    app = Litestar(
        route_handlers=[Router(path="/", route_handlers=handlers, before_request=guard)],
        lifespan=[lifespan],
        state=State({"service": entrance}),
        openapi_config=document,
        exception_handlers={TrustwardError: answer, HTTPException: answer, Exception: answer},
        logging_config=None,
        request_max_body_size=None,
        debug=False,
    )
    for method, path, scope in routes(app):
        if scope not in {OPEN, HALF, OWN, ANY, *SCOPES}:
            raise RuntimeError(f"{method} {path} has no scope, or goes past the guard")
        if ROUTES.get((method, path)) != scope:
            raise RuntimeError(f"{method} {path}: say who may ({scope}) in api/access.py too")
    return app


def routes(app: Litestar) -> list[tuple[str, str, str]]:
    """Every route of ours: method, path, scope."""
    found = []
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            found += [
                (method, route.path_format, str(handler.opt.get("scope")) if _guarded(handler) else "unguarded")
                for handler in route.route_handlers
                for method in sorted(handler.http_methods)
                if method != "OPTIONS"
            ]
    return sorted(found)


def _guarded(handler: HTTPRouteHandler) -> bool:
    """Whether nothing stands in for the guard on a route."""
    return handler.resolve_before_request() is guard


class Counting:
    """The application with its requests counted and timed."""

    def __init__(self, app: ASGIApp, metrics: Counts, tracer: Tracer | None = None, quick: Quick | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer
        # A request that is traced takes the long way, which notes its steps.
        self._quick = quick if tracer is None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != ScopeType.HTTP:  # the lifespan: websockets are off
            await self._app(scope, receive, send)
            return
        begun = elapsed_s()
        status = 500
        quick = self._quick
        if quick is not None and quick.takes(scope):
            try:
                status = await quick.answer(scope, receive, send)
            finally:
                self._metrics.request(quick.route, "POST", status, elapsed_s() - begun)
            return
        trace = self._tracer.begin(_traceparent(scope)) if self._tracer is not None else None
        if trace is not None:
            scope["state"]["trace"] = trace

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = scope.get("path_template") or "none"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.request(route, method, status, elapsed_s() - begun)
            if trace is not None and self._tracer is not None:
                # The route, and not the path: that has ids in it.
                facts: dict[str, str | int] = {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                }
                self._tracer.end(trace, f"{method} {route}", facts)


def _traceparent(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return value.decode("latin-1")
    return ""


_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
