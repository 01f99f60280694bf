"""One service for the clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.served import Served, served


@pytest.fixture(scope="session")
def one() -> Iterator[Served]:
    with served() as found:
        yield found
