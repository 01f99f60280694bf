"""Orders from authorities: sent in, looked at, worked off. A secret one is not there for whoever may not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter

from trustward.api.auth import caller_of, check_secret, person_of, sees_secrets
from trustward.api.changing import read_json
from trustward.api.looking import check_entity, check_value
from trustward.api.order_steps import Step, Vary, take_step
from trustward.api.service import Service, service_of
from trustward.base.errors import ForbiddenError
from trustward.bootstrap import Operations
from trustward.exchange.order_in import OrderIn, TargetIn
from trustward.exchange.order_view import (
    IssuerView,
    OrderView,
    TargetView,
    issuer_view,
    order_view,
    target_view,
)
from trustward.model.directive import OrderQuery, State
from trustward.operations import intake

PAGE = 200
_LARGE = 16_000_000


class OrdersTold(msgspec.Struct, frozen=True, kw_only=True):
    """Orders; ``next`` goes into ``after`` for the next page, null at the end."""

    orders: tuple[OrderView, ...]
    next: str | None


class TargetsTold(msgspec.Struct, frozen=True, kw_only=True):
    """An order's targets; ``next`` goes into ``after`` for the next page, null at the end."""

    targets: tuple[TargetView, ...]
    next: int | None


class IssuersTold(msgspec.Struct, frozen=True, kw_only=True):
    """All authorities that may send orders."""

    issuers: tuple[IssuerView, ...]


def _operations(request: Request[Any, Any, Any]) -> Operations:
    return service_of(request).operations


def _told(operations: Operations, id: str, *, secret: bool) -> OrderView:
    order = operations.directives.get(id, secret=secret)
    return order_view(order, operations.directives.store.orders.counts(id))


@post("/v1/orders", opt={"scope": "order"}, status_code=201, summary="Take an order in")
async def receive(request: Request[Any, Any, Any]) -> OrderView:
    """On disk when answered; its clocks run. The same once more gives the first answer."""
    wanted: OrderIn = await read_json(request, OrderIn, _LARGE)
    service = service_of(request)
    check_secret(request, secret=wanted.secret)
    _check_targets(service, wanted.targets)
    return await service.aside(_receive, service.operations, wanted, person_of(request), caller_of(request).actor)


def _receive(operations: Operations, wanted: OrderIn, person: str, key: str) -> OrderView:
    own = [issuer.id for issuer in operations.directives.issuers.values() if issuer.by_key(key) is not None]
    if own and wanted.issuer not in own:
        raise ForbiddenError(f"the key is the channel of {own[0]}", remedy="send its own orders by it, and no others")
    actor = key if own else person
    order = operations.directives.receive(intake.served(wanted), actor)
    return _told(operations, order.id, secret=True)


def _check_targets(service: Service, targets: Sequence[TargetIn]) -> None:
    for target in targets:
        if target.kind == "event":
            check_value(target.entity)
        else:
            check_entity(service, target.kind, target.entity)


@get("/v1/orders", opt={"scope": "read"}, sync_to_thread=True, summary="Orders, page by page")
def orders(
    request: Request[Any, Any, Any],
    standing: Annotated[
        Literal[
            "received", "accepted", "unclear", "executing", "executed", "reported", "rejected", "withdrawn", "expired"
        ]
        | None,
        QueryParameter(name="state", description="Their state."),
    ] = None,
    issuer: Annotated[str, QueryParameter(max_length=64)] = "",
    live: Annotated[bool, QueryParameter(description="Only those in force.")] = False,  # noqa: FBT002
    after: Annotated[str, QueryParameter(max_length=200, description="The next of the page before.")] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 50,
) -> OrdersTold:
    """Orders by their ids. Secret ones are shown to keys with the scope secret."""
    state: State | None = standing
    query = OrderQuery(state=state, issuer=issuer, live=live, secret=sees_secrets(request))
    found = _operations(request).directives.find(query, after, limit)
    more = found[-1].id if len(found) == limit else None
    return OrdersTold(orders=tuple(order_view(order) for order in found), next=more)


@get("/v1/orders/{order_id:str}", opt={"scope": "read"}, sync_to_thread=True, summary="An order")
def order(request: Request[Any, Any, Any], order_id: FromPath[str]) -> OrderView:
    """How it stands, and how many of its targets are in which state."""
    return _told(_operations(request), order_id, secret=sees_secrets(request))


@get("/v1/orders/{order_id:str}/targets", opt={"scope": "read"}, sync_to_thread=True, summary="An order's targets")
def order_targets(
    request: Request[Any, Any, Any],
    order_id: FromPath[str],
    after: Annotated[int, QueryParameter(ge=0, le=2**31 - 1, description="Go on after this number.")] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE)] = 100,
) -> TargetsTold:
    """Each with its proof, page by page."""
    directives = _operations(request).directives
    directives.get(order_id, secret=sees_secrets(request))
    found = directives.store.orders.targets(order_id, (), after, limit)
    more = found[-1].number if len(found) == limit else None
    return TargetsTold(targets=tuple(map(target_view, found)), next=more)


@get("/v1/orders/{order_id:str}/file", opt={"scope": "read"}, sync_to_thread=True, summary="An order's effort file")
def order_file(request: Request[Any, Any, Any], order_id: FromPath[str]) -> dict[str, Any]:
    """Everything that was done, when, by whom, and what was not possible: one document."""
    operations = _operations(request)
    operations.directives.get(order_id, secret=sees_secrets(request))
    return operations.effort.document(order_id)


@post("/v1/orders/{order_id:str}/steps", opt={"scope": "operate"}, status_code=200, summary="A step of an order")
async def order_step(request: Request[Any, Any, Any], order_id: FromPath[str]) -> OrderView:
    """Check it, carry it out, ask, tell, report, extend, vary, withdraw, object."""
    wanted: Step = await read_json(request, Step, _LARGE)
    service = service_of(request)
    if isinstance(wanted, Vary):
        _check_targets(service, wanted.add)
    return await service.aside(_take, service.operations, order_id, person_of(request), wanted, sees_secrets(request))


def _take(operations: Operations, id: str, actor: str, wanted: Step, secret: bool) -> OrderView:  # noqa: FBT001 - called from a thread
    operations.directives.get(id, secret=secret)
    take_step(operations, id, actor, wanted)
    return _told(operations, id, secret=secret)


@get("/v1/issuers", opt={"scope": "read"}, sync_to_thread=True, summary="Who may send orders")
def issuers(request: Request[Any, Any, Any]) -> IssuersTold:
    """Authorities, and the ways that are known to be theirs."""
    found = _operations(request).directives.issuers
    return IssuersTold(issuers=tuple(issuer_view(issuer) for _, issuer in sorted(found.items())))


HANDLERS = (receive, orders, order, order_targets, order_file, order_step, issuers)
"""The routes of orders."""

BODIES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("post", "/v1/orders"): (
        OrderIn,
        {
            "issuer": "sg-police",
            "reference": "OCHA/2127/17",
            "basis": "Online Criminal Harms Act 2023, s 11",
            "type": "account_restriction",
            "targets": [{"kind": "account", "entity": "a17"}],
            "clocks": [{"clock": "SG-ACT-comply", "due": "2127-01-31T12:00:00Z"}],
        },
    ),
    ("post", "/v1/orders/{order_id}/steps"): (Step, {"step": "note", "said": "read by two of us"}),
}
"""For each route with a body its shape, and an example."""
