"""What the settings say, joined: a store, a host, and the tests' own server where folders are closed."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from tests.engine.worlds import CATALOGUE
from tests.service.kit import stream
from trustward import bootstrap
from trustward.base.clock import now_us
from trustward.base.units import format_time
from trustward.settings import Settings
from trustward.testing import postgres


def test_from_settings_to_decisions(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path / "data"), policy="starter", snapshot_events=10)
    store = bootstrap.store(settings)
    host = bootstrap.deciding(settings, store, CATALOGUE)
    host.start()
    event = msgspec.structs.replace(stream(1)[0], time="2026-01-05T10:00:00Z")
    assert host.decide(event).verdict == "allow"
    assert host.status().seq == 2
    host.close()
    store.close()
    again = bootstrap.store(settings)
    # The policy of the first start goes on, whatever the setting says now.
    host = bootstrap.deciding(Settings(data=settings.data, policy="nobody's"), again, CATALOGUE)
    host.start()
    policy = again.policies.live()
    assert policy is not None
    assert policy.name == "starter"
    assert format_time(policy.at_us) <= format_time(now_us())
    host.close()
    again.close()


def test_the_server_starts_out_of_a_closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    home = postgres.programs().parent
    shutil.copytree(home, closed / home.parent.name / home.name, symlinks=True)
    libraries = home.parent.with_name(f"{home.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, closed / libraries.name)
    closed.chmod(0o700)
    monkeypatch.setattr(postgres, "programs", lambda: closed / home.parent.name / home.name / "bin")
    with postgres.PostgresServer() as server:
        assert "postgresql://" in server.database()
        folder = server.folder
    assert not folder.exists()
