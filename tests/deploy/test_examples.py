"""The examples for operators: they load, say what is meant, and fit the service as it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.served import CATALOGUE, served
from trustward import bootstrap
from trustward.exchange.targets import targets
from trustward.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
UNIT = (DEPLOY / "trustward.service").read_text(encoding="utf-8")
CONTAINER = (DEPLOY / "Containerfile").read_text(encoding="utf-8")


def directives() -> list[tuple[str, str]]:
    lines = [line for line in UNIT.splitlines() if line and not line.startswith(("#", "["))]
    return [(line.partition("=")[0], line.partition("=")[2]) for line in lines]


def instructions() -> Iterator[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", CONTAINER, flags=re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, " ".join(rest.split())


def test_the_settings_load(tmp_path: Path) -> None:
    settings = load_settings({"TRUSTWARD_CONFIG": str(DEPLOY / "trustward.toml")})
    assert (settings.targets, settings.sources) == ((), ())
    # What is left out at first: tables and keys behind a #.
    text = re.sub(r"^# (\[\[|\w+ = )", r"\1", (DEPLOY / "trustward.toml").read_text("utf-8"), flags=re.MULTILINE)
    (tmp_path / "all.toml").write_text(text, "utf-8")
    settings = load_settings({"TRUSTWARD_CONFIG": str(tmp_path / "all.toml")})
    assert settings.database
    assert [target.name for target in targets(settings)] == ["shop"]
    assert list(bootstrap.make_sources(settings, CATALOGUE)) == ["orders"]


@pytest.mark.parametrize("text", [UNIT, CONTAINER], ids=["unit", "container"])
def test_every_setting_in_them_exists(text: str) -> None:
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", text)) - {"CONFIG"}
    assert named
    assert {name.lower() for name in named} <= set(Settings.__struct_fields__)


def test_the_unit_gives_the_service_its_time_and_takes_all_rights() -> None:
    said = dict(directives())
    assert int(said["TimeoutStopSec"]) > Settings().drain_s + 30
    assert said["KillMode"] == "mixed"
    assert said["Restart"] == "always"
    assert said["CapabilityBoundingSet"] == ""
    hard = {"DynamicUser", "NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"}
    assert {name for name in hard if said[name] != "yes"} == set()
    assert said["ProtectSystem"] == "strict"
    assert "/trustward serve" in said["ExecStart"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here: the unit is only parsed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "trustward.service"
    program = shutil.which("true")
    unit.write_text(UNIT.replace("/opt/trustward/bin/trustward", str(program)), encoding="utf-8")
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (0, "")
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert exposed.returncode == 0, exposed.stdout[-300:]


def test_the_image_runs_without_root_from_a_lock() -> None:
    found = list(instructions())
    words = [word for word, _ in found]
    assert words[0] == "ARG"
    assert "ADD" not in words
    assert not re.search(r":latest|curl|wget|apt-get|sudo", CONTAINER)
    user = next(rest for word, rest in found if word == "USER")
    assert re.fullmatch(r"([1-9]\d+):([1-9]\d+)", user)
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert json.loads(next(rest for word, rest in found if word == "ENTRYPOINT")) == ["trustward"]
    assert json.loads(next(rest for word, rest in found if word == "CMD")) == ["serve"]
    installs = [rest for word, rest in found if word == "RUN" and "pip install" in rest and ".lock" in rest]
    assert all("--require-hashes" in rest and "--only-binary :all:" in rest for rest in installs)
    assert len(installs) == 1
    # Extras are pinned by the lock for developers.
    pins = next(rest for word, rest in found if word == "RUN" and "pins.txt" in rest).replace(
        "requirements-dev.lock", "-"
    )
    lock = (ROOT / "requirements-dev.lock").read_text("utf-8")
    told = subprocess.run(
        ["sh", "-c", pins.replace("pins.txt", "/dev/stdout")], input=lock, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(told) == len(re.findall(r"^[a-z0-9]\S*==", lock, flags=re.MULTILINE))
    assert any(line.startswith("psycopg==") for line in told)
    assert not any(line.endswith("\\") for line in told)
    for word, rest in found:
        if word == "COPY" and "--from" not in rest:
            assert [name for name in rest.split()[:-1] if not (ROOT / name).exists()] == []
    kept = json.loads(next(rest for word, rest in found if word == "VOLUME"))
    environment = dict(pair.split("=", 1) for word, rest in found if word == "ENV" for pair in rest.split())
    assert kept == [environment["TRUSTWARD_DATA"], environment["NUMBA_CACHE_DIR"]]


def test_the_health_check_tells_a_live_service_from_a_dead_one() -> None:
    check = next(rest for word, rest in instructions() if word == "HEALTHCHECK").partition("CMD ")[2]
    program, *words = json.loads(check)
    assert program == "python"

    def healthy(port: int) -> bool:
        environment = {**os.environ, "TRUSTWARD_PORT": str(port)}
        return not subprocess.run(
            [sys.executable, *words], env=environment, capture_output=True, check=False
        ).returncode

    with served() as one:
        assert healthy(one.port)
    assert not healthy(one.port)


def test_the_proxy_keeps_no_paths_and_repeats_nothing() -> None:
    words = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    assert words.count("{") == words.count("}")
    for needed in (
        "access_log off;",
        "proxy_next_upstream off;",
        "proxy_request_buffering off;",
        "client_max_body_size 0;",
    ):
        assert needed in words
    assert re.search(r"location = /metrics \{ return 404; \}", words)


def test_the_page_for_operators_names_metrics_that_there_are() -> None:
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    named = set(re.findall(r"trustward_[a-z_]+", page))
    assert len(named) > 12
    with served() as one:
        from trustward.operations.sourcing import SourceStatus

        one.service.metrics.sources = lambda: [SourceStatus(name="s")]
        told = one.ask("GET", "/metrics").body.decode()
    known = set(re.findall(r"^# TYPE (trustward_[a-z_]+) ", told, re.MULTILINE))
    assert {name for name in named if name not in known and name.removesuffix("_total") not in known} == set()
