"""What every test shares."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# dev: quick, new examples every time. ci: the same examples every time. deep: for a night.
settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


MANY = 1_000
"""From how many tests on it is worth while to compile before the first of them."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where two processes share the tests, each compiles its half of the kernels before they are dealt out."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker in {"gw0", "gw1"} and os.environ["PYTEST_XDIST_WORKER_COUNT"] != "1" and len(items) >= MANY:
        from tests import warm

        warm.JOBS[int(worker[2:])]()
