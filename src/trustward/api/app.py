"""The application: every route, behind one guard, with one way to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler, Message, Receive, Scope, Send

from trustward.api import (
    actions,
    bulk,
    cases,
    changing,
    deciding,
    duties,
    health,
    lists,
    looking,
    openapi,
    policies,
    proposals,
    reports,
    searching,
    sessions,
    snoozes,
    sso,
    trials,
    users,
)
from trustward.api.access import ANY, HALF, OPEN, OWN, ROUTES
from trustward.api.auth import guard
from trustward.api.logs import log
from trustward.api.problems import answer
from trustward.api.service import Service
from trustward.base.clock import elapsed_s
from trustward.base.errors import TrustwardError, UnavailableError
from trustward.model.access import SCOPES

HANDLERS: tuple[ControllerRouterHandler, ...] = (
    health.livez,
    health.readyz,
    health.metrics,
    deciding.decide,
    bulk.events,
    searching.decisions,
    looking.past_decision,
    looking.entity,
    changing.put_label,
    changing.delete_label,
    lists.names,
    lists.entries,
    lists.export,
    lists.put_entries,
    lists.delete_entries,
    lists.import_,
    policies.policies,
    policies.policy,
    policies.check,
    policies.store,
    policies.live,
    policies.rollback,
    *duties.HANDLERS,
    *reports.HANDLERS,
    *cases.HANDLERS,
    actions.backlog,
    actions.action,
    actions.reverse,
    actions.lease,
    actions.confirm,
    actions.fail,
    actions.dead_letters,
    actions.replay,
    actions.withdraw,
    snoozes.snoozes,
    snoozes.put_snooze,
    snoozes.delete_snooze,
    proposals.proposals,
    proposals.proposal,
    proposals.propose,
    proposals.approve,
    proposals.reject,
    trials.backtest,
    trials.backtests,
    trials.one_backtest,
    trials.cancel,
    trials.put_shadow,
    trials.delete_shadow,
    trials.compare,
    *sessions.HANDLERS,
    *sso.HANDLERS,
    *users.HANDLERS,
)
"""All routes."""

_TEND_S = 0.2


def create_app(
    service: Service,
    *,
    told: Callable[[TrustwardError | None], None] = lambda _fault: None,
    handlers: Sequence[ControllerRouterHandler] = HANDLERS,
) -> Litestar:
    """The application over a service whose host has not been started.

    Its lifespan starts the host in the background and closes it at the end; ``told`` is called with None when events
    are decided, and with what keeps them from being.
    """

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        service.open()
        begin = asyncio.create_task(_begin(service, told))
        yield
        service.draining = True
        await asyncio.to_thread(service.host.close)
        if service.tracer is not None:
            await asyncio.to_thread(service.tracer.close)
        begin.cancel()
        await asyncio.wait([begin])
        service.ring.close()
        service.desk.close()

    app = Litestar(
        route_handlers=[Router(path="/", route_handlers=handlers, before_request=guard)],
        lifespan=[lifespan],
        state=State({"service": service}),
        openapi_config=openapi.config(version("trustward")),
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


async def _begin(service: Service, told: Callable[[TrustwardError | None], None]) -> None:
    """Start the host; compile all when it decides; then keep at hand what an answer after a deadline needs."""
    try:
        await asyncio.to_thread(service.host.start)
    except TrustwardError as fault:
        told(fault)
        return
    while True:
        status = service.host.status()
        if status.phase == "stopped" and not service.draining:
            told(UnavailableError(f"the engine has stopped: {status.fault}", remedy="mend that, and start again"))
            return
        if status.phase == "ready" and not service.warmed:
            try:
                await asyncio.to_thread(service.warm)
            except Exception as fault:  # noqa: BLE001 - then the first events compile it
                log("not warmed", error=fault)
            service.warmed = True
            told(None)
        service.refresh()
        if status.phase == "ready":
            await asyncio.to_thread(service.run_errands)
        await service.desk.tend()
        await asyncio.sleep(_TEND_S)


class Counted:
    """The application with its requests counted and timed."""

    def __init__(self, app: Litestar, service: Service) -> None:
        self._app = app
        self._metrics = service.metrics
        self._tracer = service.tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != ScopeType.HTTP:  # the lifespan: websockets are off
            await self._app(scope, receive, send)
            return
        begun = elapsed_s()
        status = 500
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
