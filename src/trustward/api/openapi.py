"""The OpenAPI 3.1 document: what the framework reads off the handlers, and bodies, examples and problems beside it."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import MediaType, Request, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from trustward.api import appeals, cases, clues, duties, holds, measures, orders, programmes, reports, requests
from trustward.api.access import ANY
from trustward.api.actions import ConfirmWanted, DeadWanted, FailWanted, LeaseWanted, ReversalWanted
from trustward.api.auth import COOKIE, guard
from trustward.api.changing import LabelWanted
from trustward.api.lists import EntriesWanted, EntryIn
from trustward.api.policies import BackWanted, LiveWanted, PolicyIn
from trustward.api.problems import MEDIA_TYPE, Problem
from trustward.api.proposals import ProposalWanted, RulingWanted
from trustward.api.sessions import CodeWanted, LinkWanted, PasskeyWanted, PasswordWanted, SignInWanted, TotpWanted
from trustward.api.snoozes import SnoozeWanted
from trustward.api.trials import BacktestWanted, ShadowWanted
from trustward.api.users import KeyWanted, RolesWanted, RotateWanted, UserWanted

PATH = "/v1/openapi"
_JSON = "application/json"
_CREDENTIAL = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30"}}
_LATER = "2127-01-31T12:00:00Z"
_RULE = """rule(
    id="many-links", on="message.sent", when=count(by=event.sender, within="1m", of="message.sent") >= 30,
    then=[hold(event)], reason="many messages within a minute", fraud="spam", owner="messaging-risk",
    hits=[[repeat(30, {"sender": "a"})]], misses=[{"sender": "a"}],
)
"""
FLAT = {
    "type": "message.sent",
    "id": "m-1001",
    "time": "2026-01-31T12:00:00Z",
    "sender": "a17",
    "recipient": "a42",
    "text": "see you at eight",
}
CLOUD = {
    "specversion": "1.0",
    "id": "m-1002",
    "source": "/chat",
    "type": "message.sent",
    "time": "2026-01-31T12:00:05Z",
    "data": {"sender": "a17", "recipient": "a43"},
}
_EVENT = {
    "type": "object",
    "description": "An event, flat (its type's fields beside these) or a CloudEvent. docs/events.md lists the types.",
    "required": ["type", "id", "time"],
    "properties": {
        "type": {"type": "string", "description": "The event type."},
        "id": {"type": "string", "minLength": 1, "maxLength": 256, "description": "The idempotency key."},
        "time": {"type": "string", "description": "When it happened: RFC 3339, with a zone."},
        "source": {"type": "string"},
        "specversion": {"const": "1.0", "description": "Of a CloudEvent; its fields are in data."},
        "data": {"type": "object", "description": "The fields of a CloudEvent."},
    },
}
_EVENTS = {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}
_ONE = {"$ref": "#/components/schemas/Event"}
_TEXT = {"type": "string"}
_LINE = '{"type": "message.sent", "id": "m-1003", "time": "2026-01-31T12:00:09Z", "sender": "a17"}\n'

BODIES: dict[tuple[str, str], dict[str, tuple[Any, Any]]] = {
    ("post", "/v1/decisions"): {_JSON: (_ONE, FLAT), "application/cloudevents+json": (_ONE, CLOUD)},
    ("post", "/v1/events"): {
        "application/x-ndjson": (_TEXT, _LINE),
        _JSON: (_EVENTS, [FLAT]),
        "application/cloudevents-batch+json": (_EVENTS, [CLOUD]),
    },
    ("put", "/v1/labels"): {
        _JSON: (
            LabelWanted,
            {
                "kind": "account",
                "entity": "a17",
                "label": "watched",
                "expires": _LATER,
                "origin": "desk",
                "reason": "three reports",
            },
        )
    },
    ("put", "/v1/lists/{name}/entries"): {
        _JSON: (EntriesWanted, {"values": ["a17", "a42"], "expires": None, "origin": "sales", "reason": "contract"})
    },
    ("post", "/v1/lists/{name}/import"): {
        _JSON: (list[EntryIn], [{"value": "a17", "reason": "contract"}]),
        "text/csv": (_TEXT, "value,expires,origin,reason\na17,,sales,contract\n"),
        "text/plain": (_TEXT, "a17\na42\n"),
    },
    ("post", "/v1/policies"): {
        _JSON: (PolicyIn, {"name": "mine", "sources": [{"name": "mine.policy", "text": _RULE}]})
    },
    ("post", "/v1/policies/check"): {
        _JSON: (PolicyIn, {"name": "mine", "sources": [{"name": "mine.policy", "text": _RULE}]})
    },
    ("put", "/v1/policies/live"): {_JSON: (LiveWanted, {"hash": "5d41402abc4b2a76", "reason": "sharper on links"})},
    ("post", "/v1/policies/rollback"): {_JSON: (BackWanted, {"reason": "holds too much"})},
    **{
        route: {_JSON: shape}
        for each in (duties, orders, programmes, reports, cases, clues, holds, requests, measures, appeals)
        for route, shape in each.BODIES.items()
    },
    ("post", "/v1/session"): {
        _JSON: (SignInWanted, {"name": "kim", "password": "several words of your own", "code": "123456"})
    },
    ("post", "/v1/session/link"): {
        _JSON: (LinkWanted, {"token": "0f3a", "password": "several words of your own", "name": "kim"})
    },
    ("post", "/v1/session/passkey"): {_JSON: (PasskeyWanted, {"id": "0f3a", "credential": _CREDENTIAL})},
    ("post", "/v1/session/code"): {_JSON: (CodeWanted, {"code": "123456"})},
    ("put", "/v1/session/totp"): {_JSON: (TotpWanted, {"id": "0f3a", "code": "123456"})},
    ("post", "/v1/session/passkeys"): {
        _JSON: (PasskeyWanted, {"id": "0f3a", "credential": _CREDENTIAL, "name": "phone"})
    },
    ("put", "/v1/session/password"): {
        _JSON: (PasswordWanted, {"old": "several words of your own", "new": "other words, also your own"})
    },
    ("post", "/v1/users"): {_JSON: (UserWanted, {"name": "lee", "full": "Lee Doe", "roles": ["reviewer"]})},
    ("put", "/v1/users/{id}/roles"): {_JSON: (RolesWanted, {"roles": ["analyst", "reviewer"]})},
    ("post", "/v1/keys"): {_JSON: (KeyWanted, {"name": "shop", "scopes": ["decide"], "expires": _LATER})},
    ("post", "/v1/keys/{id}/rotate"): {_JSON: (RotateWanted, {"overlap": "1d"})},
    ("post", "/v1/policies/proposals"): {
        _JSON: (ProposalWanted, {"hash": "5d41402abc4b2a76", "reason": "sharper on links"})
    },
    ("post", "/v1/policies/proposals/{id}/approve"): {_JSON: (RulingWanted, {"reason": "the backtest is convincing"})},
    ("post", "/v1/policies/proposals/{id}/reject"): {_JSON: (RulingWanted, {"reason": "holds too much"})},
    ("post", "/v1/policies/{hash}/backtest"): {_JSON: (BacktestWanted, {"days": 7, "reason": "what would change"})},
    ("put", "/v1/policies/shadow"): {
        _JSON: (ShadowWanted, {"hash": "5d41402abc4b2a76", "reason": "a week beside the live one"})
    },
    ("post", "/v1/actions/{id}/reverse"): {_JSON: (ReversalWanted, {"reason": "the shop has shown its licence"})},
    ("post", "/v1/actions/lease"): {_JSON: (LeaseWanted, {"target": "pull", "limit": 100, "lasts": "30s"})},
    ("post", "/v1/actions/confirm"): {_JSON: (ConfirmWanted, {"target": "pull", "lease": "0.1", "ids": ["7-0"]})},
    ("post", "/v1/actions/fail"): {
        _JSON: (FailWanted, {"target": "pull", "lease": "0.1", "id": "7-0", "said": "the account is locked"})
    },
    ("post", "/v1/dead-letters/replay"): {_JSON: (DeadWanted, {"target": "shop", "reason": "the shop is back"})},
    ("post", "/v1/dead-letters/withdraw"): {
        _JSON: (DeadWanted, {"target": "shop", "places": [17], "reason": "done by hand"})
    },
    ("put", "/v1/snoozes"): {
        _JSON: (
            SnoozeWanted,
            {"rule": "many-links", "kind": "account", "entity": "a17", "until": _LATER, "reason": "a known shop"},
        )
    },
}
"""For each route with a body, its media types, each with its schema and an example."""


class _Document(OpenAPIRenderPlugin):
    """The document as JSON; no page of it is served."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json", media_type=MediaType.JSON)
        self._made = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """See :class:`OpenAPIRenderPlugin`."""
        if not self._made:
            self._made = msgspec.json.encode(complete(openapi_schema))
        return self._made


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The framework's document with all that it cannot know."""
    kinds = [kind for formats in BODIES.values() for kind, _ in formats.values() if not isinstance(kind, dict)]
    schemas, components = msgspec.json.schema_components([*kinds, Problem], ref_template="#/components/schemas/{name}")
    by_kind = dict(zip(map(str, kinds), schemas, strict=False))
    document["components"].setdefault("schemas", {}).update({**components, "Event": _EVENT})
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            # What the framework says of errors is not how we answer them.
            for status in [status for status in operation["responses"] if status.startswith("4")]:
                del operation["responses"][status]
            operation["responses"]["default"] = {
                "description": "What went wrong, as problem details (RFC 9457); docs/errors.md lists the codes.",
                "content": {MEDIA_TYPE: {"schema": schemas[-1]}},
            }
            formats = BODIES.get((method, path))
            if formats is None:
                continue
            content = {
                media: {
                    "schema": kind if isinstance(kind, dict) else by_kind[str(kind)],
                    "examples": {"one": {"value": example}},
                }
                for media, (kind, example) in formats.items()
            }
            operation["requestBody"] = {"required": True, "content": content}
    return document


def config(version: str) -> OpenAPIConfig:
    """How the document is made and served."""
    return OpenAPIConfig(
        title="Trustward",
        version=version,
        description="Events in, decisions out; labels, lists and policies.",
        openapi_router=Router(
            path=PATH, route_handlers=[], before_request=guard, opt={"scope": ANY}, include_in_schema=False
        ),
        render_plugins=[_Document()],
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "session": SecurityScheme(
                    type="apiKey",
                    name=COOKIE,
                    security_scheme_in="cookie",
                    description="A session: POST /v1/session. Changes need the header Trustward-CSRF.",
                ),
                "key": SecurityScheme(type="http", scheme="bearer", description="An API key: trustward keys create."),
            }
        ),
        security=[{"key": []}, {"session": []}],
    )
