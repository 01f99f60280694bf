"""One service for most tests: in one process, and with HTTP in front of it. Whatever a route does, it does in both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.served import Served, served


@pytest.fixture(scope="session", params=["alone", "fronted"])
def one(request: pytest.FixtureRequest) -> Iterator[Served]:
    with served(fronted=request.param == "fronted") as found:
        yield found
