"""One service for the tests of people, over SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.served import Served, served
from tests.people.kit import ORIGIN
from trustward.adapters.store.opened import open_store
from trustward.operations.passwords import Passwords


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    store = open_store("", tmp_path_factory.mktemp("people"))
    with served(store, origin=ORIGIN) as found:
        # Real argon2id, at a cost that two hundred sign-ins can pay; test_the_cost_of_a_password has the real one.
        found.service.desk.signing_in.passwords = Passwords(memory_kib=64)
        yield found
    store.close()
