"""Requests made from the OpenAPI document, on every route: no answer is a fault of ours, each is as the document says.

``TRUSTWARD_FUZZ=300 python -m pytest tests/api/test_schema_fuzz.py`` makes 300 of each kind for each route, not a few.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from requests import Session
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.served import Served, served
from tests.api.test_who_may import signed_in
from trustward.api.access import HALF, OPEN, OWN, ROUTES
from trustward.model.access import ROLES
from trustward.operations.passwords import Passwords
from trustward.operations.signing_in import csrf_of

FUZZ = int(os.environ.get("TRUSTWARD_FUZZ", "3"))
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Served]:
    with served() as one:
        one.service.desk.signing_in.passwords = Passwords(memory_kib=64)
        yield one


@pytest.fixture(scope="module")
def schema(fuzzed: Served) -> Any:
    return schemathesis.openapi.from_dict(fuzzed.ask("GET", "/v1/openapi/openapi.json").json)


@pytest.fixture(scope="module")
def http() -> Iterator[Session]:
    with Session() as session:
        session.trust_env = False
        yield session


def as_whom(one: Served, access: str) -> dict[str, str]:
    """Who may call a route: somebody with a session, or a key for everything."""
    if access not in {HALF, OWN}:
        return {} if access == OPEN else {"Authorization": f"Bearer {one.key}"}
    token = signed_in(one, *ROLES)
    return {"Cookie": f"__Host-trustward={token}", "Trustward-CSRF": csrf_of(token)}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as it should be", "wrong"])
@pytest.mark.parametrize(("method", "path"), [key for key in ROUTES if not key[1].startswith("/v1/openapi")])
def test_every_route(fuzzed: Served, schema: Any, http: Session, method: str, path: str, mode: GenerationMode) -> None:
    operation = schema[path][method]
    headers = as_whom(fuzzed, ROUTES[method, path])

    @settings(
        max_examples=FUZZ,
        deadline=None,
        database=None,
        derandomize=FUZZ < 10,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Case[Any]) -> None:
        base = f"http://127.0.0.1:{fuzzed.port}"
        answer = case.call(base_url=base, session=http, headers=headers, allow_redirects=False, timeout=30)
        assert answer.status_code < 500, (answer.status_code, answer.content[:300], case.as_curl_command())
        case.validate_response(answer, checks=CHECKS)

    try:
        run()
    except Unsatisfiable:
        # Without parameter, body and credentials there is nothing that could be wrong.
        assert mode is GenerationMode.NEGATIVE
        assert ROUTES[method, path] == OPEN
