"""Retention: how long records are kept, what is removed next, what is over and still there."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get

from trustward.api.auth import sees_secrets
from trustward.api.searching import check_names
from trustward.api.service import service_of
from trustward.exchange.retention_view import ClassView, class_view


class RetentionTold(msgspec.Struct, frozen=True, kw_only=True):
    """How every class of records stands, and the markets whose terms count.

    ``fields`` have a class of their own (``type.field: class``), which does not count: each goes with its event.
    """

    serves: tuple[str, ...]
    classes: tuple[ClassView, ...]
    fields: tuple[str, ...]


@get(
    "/v1/retention", opt={"scope": "audit"}, sync_to_thread=True, summary="How long records are kept, and what is over"
)
def retention(request: Request[Any, Any, Any]) -> RetentionTold:
    """The terms of each class, the service's choice, what is removed next, and what is over and kept by something."""
    check_names(request, ())
    service = service_of(request)
    story, serves = service.retaining
    secret = sees_secrets(request)
    return RetentionTold(
        serves=serves,
        classes=tuple(class_view(one, secret=secret) for one in story.account()),
        fields=tuple(story.fields()),
    )
