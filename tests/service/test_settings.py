"""Settings: where they come from, which counts most, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustward.base.errors import SettingsError
from trustward.settings import Settings, load_settings


def test_what_counts_most(tmp_path: Path) -> None:
    file = tmp_path / "trustward.toml"
    file.write_text('data = "file"\ncommit_events = 7\nstandby = true\ncatalogue = ["a.toml"]\n', encoding="utf-8")
    environment = {"TRUSTWARD_CONFIG": str(file), "TRUSTWARD_COMMIT_EVENTS": "8", "HOME": "/"}
    settings = load_settings(environment, {"data": "told", "database": None})
    assert settings == Settings(data="told", commit_events=8, standby=True, catalogue=("a.toml",))
    assert load_settings({}) == Settings()


def test_kinds_in_the_environment() -> None:
    environment = {"TRUSTWARD_STANDBY": "yes", "TRUSTWARD_CATALOGUE": "a.toml, b.toml", "TRUSTWARD_SKEW": "90s"}
    settings = load_settings(environment)
    assert settings.standby
    assert settings.catalogue == ("a.toml", "b.toml")
    assert settings.skew_us == 90_000_000
    assert not load_settings({"TRUSTWARD_STANDBY": "false"}).standby
    assert load_settings({"TRUSTWARD_DEBUG": "1"}) == Settings()


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"TRUSTWARD_SNAPSHOT_EVENT": "1"}, "TRUSTWARD_SNAPSHOT_EVENTS"),
        ({"TRUSTWARD_COMMIT_EVENTS": "0"}, "commit_events"),
        ({"TRUSTWARD_COMMIT_EVENTS": "many"}, "TRUSTWARD_COMMIT_EVENTS"),
        ({"TRUSTWARD_STANDBY": "maybe"}, "true or false"),
        ({"TRUSTWARD_SKEW": "soon"}, "skew"),
        ({"TRUSTWARD_CONFIG": "no-such-file.toml"}, "no-such-file.toml"),
    ],
)
def test_what_is_refused(environment: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_settings(environment)


def test_a_file_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "trustward.toml"
    file.write_text('databse = "x"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="did you mean database"):
        load_settings({"TRUSTWARD_CONFIG": str(file)})
    file.write_text("data = \n", encoding="utf-8")
    with pytest.raises(SettingsError, match="not TOML"):
        load_settings({"TRUSTWARD_CONFIG": str(file)})


def test_a_target_is_refused_with_the_nearest_name() -> None:
    told = '[{"name": "shop", "url": "https://shop.example/", "secret": ["x"]}]'
    with pytest.raises(SettingsError, match=r"targets: shop: no such setting: secret \(did you mean secrets\?\)"):
        load_settings({"TRUSTWARD_TARGETS": told})
