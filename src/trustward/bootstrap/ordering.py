"""Orders for the commands: listed, shown, taken in from a file, and their effort files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustward.model.directive import Directive, OrderPage, Target
    from trustward.settings import Settings


def list_orders(settings: Settings, *, state: str, issuer: str, secret: bool, limit: int) -> Sequence[Directive]:
    """Orders by their ids; secret ones only if they are asked for. Raises UsageError for a state that is none."""
    from trustward.base.errors import UsageError
    from trustward.bootstrap.operations import operations
    from trustward.bootstrap.service import store
    from trustward.model.directive import STATES, OrderQuery

    known = next((one for one in STATES if one == state), None)
    if state and known is None:
        raise UsageError(f"no such state: {state[:40]}", remedy=f"one of: {', '.join(STATES)}")
    with closing(store(settings, there=True)) as opened:
        query = OrderQuery(state=known, issuer=issuer, secret=secret)
        return operations(settings, opened).directives.find(query, "", limit)


def show_order(settings: Settings, id: str, *, secret: bool) -> tuple[Directive, Sequence[Target], Sequence[OrderPage]]:
    """An order, its first targets, and its file. Raises NotFoundError."""
    from trustward.bootstrap.operations import operations
    from trustward.bootstrap.service import store

    with closing(store(settings, there=True)) as opened:
        story = operations(settings, opened).directives
        found = story.get(id, secret=secret)
        return found, opened.orders.targets(id, (), 0, 1_000), story.file(id)


def order_file(settings: Settings, id: str, *, secret: bool) -> dict[str, Any]:
    """The effort file of an order. Raises NotFoundError."""
    from trustward.bootstrap.operations import operations
    from trustward.bootstrap.service import store

    with closing(store(settings, there=True)) as opened:
        made = operations(settings, opened)
        made.directives.get(id, secret=secret)
        return made.effort.document(id)


def receive_order(settings: Settings, path: Path, actor: str) -> Directive:
    """Take in an order from a JSON file. Raises InputError, RecordError, UsageError, ConflictError."""
    import msgspec

    from trustward.base.errors import InputError, RecordError
    from trustward.bootstrap.operations import operations
    from trustward.bootstrap.service import store
    from trustward.exchange.order_in import OrderIn
    from trustward.model.shapes import remedy_for
    from trustward.operations.intake import served

    try:
        body = path.read_bytes()
        wanted = msgspec.json.decode(body, type=OrderIn)
    except OSError as fault:
        raise InputError(f"cannot read {path}: {fault.strerror}", remedy="check the path and its rights") from fault
    except msgspec.ValidationError as fault:
        place = str(fault).partition(" - at `")[2]
        remedy = remedy_for(OrderIn, body, fault)
        raise RecordError(f"{path}: {fault}", path=place.rstrip("`") or "$", remedy=remedy) from fault
    except msgspec.DecodeError as fault:
        raise RecordError(f"{path}: not JSON: {fault}", path="$", remedy="docs/orders.md shows one") from fault
    with closing(store(settings, there=True)) as opened:
        return operations(settings, opened).directives.receive(served(wanted), actor)
