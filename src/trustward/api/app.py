"""The application: every route, behind one guard, with one way to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from trustward.api import (
    actions,
    appeals,
    audit,
    bulk,
    cases,
    changing,
    clues,
    deciding,
    duties,
    health,
    holds,
    lists,
    looking,
    measures,
    openapi,
    orders,
    policies,
    programmes,
    proposals,
    reports,
    requests,
    retention,
    searching,
    sessions,
    snoozes,
    sso,
    trials,
    users,
)
from trustward.api.asgi import make_app
from trustward.api.logs import log
from trustward.api.service import Service
from trustward.api.speaking import settled
from trustward.base.errors import TrustwardError, UnavailableError

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
    *orders.HANDLERS,
    *programmes.HANDLERS,
    *reports.HANDLERS,
    *cases.HANDLERS,
    *clues.HANDLERS,
    *holds.HANDLERS,
    *requests.HANDLERS,
    *measures.HANDLERS,
    *appeals.HANDLERS,
    actions.backlog,
    actions.in_force,
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
    audit.audit,
    retention.retention,
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
        if service.hatch is not None:
            await service.hatch.open()
        begin = asyncio.create_task(_begin(service, told))
        yield
        service.draining = True
        await asyncio.to_thread(service.host.close)
        if service.tracer is not None:
            await asyncio.to_thread(service.tracer.close)
        begin.cancel()
        await asyncio.wait([begin])
        if service.hatch is not None:
            service.hatch.close()
        service.ring.close()
        service.desk.close()

    return make_app(service, handlers, lifespan, openapi.config(version("trustward")))


async def _begin(service: Service, told: Callable[[TrustwardError | None], None]) -> None:
    """Start the host; compile all when it decides; then keep at hand what an answer after a deadline needs."""
    try:
        await asyncio.to_thread(service.host.start)
    except TrustwardError as fault:
        told(fault)
        return
    said = False
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
            settled()
            service.warmed = True
        if service.warmed and not said and (service.hatch is None or service.hatch.whole(service.settings.workers)):
            said = True
            told(None)
        service.refresh()
        if status.phase == "ready":
            await asyncio.to_thread(service.run_errands)
        await service.desk.tend()
        await asyncio.sleep(_TEND_S)
