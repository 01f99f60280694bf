"""What every test shares."""

from __future__ import annotations

import os
from pathlib import Path

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


HERE = Path(__file__).parent


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where two processes share all tests, each compiles its half of the kernels before it looks for them."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    everything = any((session.config.invocation_params.dir / name).resolve() == HERE for name in session.config.args)
    if everything and worker in {"gw0", "gw1"} and os.environ["PYTEST_XDIST_WORKER_COUNT"] != "1":
        from tests import warm

        warm.JOBS[int(worker[2:])]()
