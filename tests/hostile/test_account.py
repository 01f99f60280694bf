"""The account of a replay stays small and honest, whatever the stream holds."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from trustward.bootstrap import backtest, replay
from trustward.cli.exits import Exit
from trustward.cli.run import run

NOW_US = 1_770_000_000_000_000
RULES = """
rule(
    id="long", on="message.sent", when=event.length > 3, then=[hold(event), warn(event.sender)], reason="{event.text}",
    fraud="spam", owner="me", hits=[{"sender": "a", "length": 5}], misses=[{"sender": "a", "length": 1}],
)
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.policy").write_text(RULES, encoding="utf-8")
    return str(tmp_path / "p")


def write(path: Path, events: list[dict[str, object]]) -> str:
    head = {"type": "message.sent", "time": "2026-01-05T10:00:00Z", "sender": "a"}
    path.write_text("\n".join(json.dumps({**head, "id": f"m{n}", **e}) for n, e in enumerate(events)), encoding="utf-8")
    return str(path)


def test_countless_kinds_of_fraud_are_told_in_few_words(policy: str, tmp_path: Path) -> None:
    events = [{"truth": f"k{n}" if n else "k" * 100_000, "length": 9 * (n % 2)} for n in range(5_000)]
    summary = replay([write(tmp_path / "e", events)], policy, labels="truth", now_us=NOW_US)
    assert len(summary.campaigns) <= 1_001
    assert sum(campaign.events for campaign in summary.campaigns) == 5_000
    assert summary.quality is not None
    assert (summary.quality.caught, summary.quality.missed) == (2_500, 2_500)
    assert len(msgspec.json.encode(summary)) < 300_000


def test_an_example_does_not_carry_a_book(policy: str, tmp_path: Path) -> None:
    events: list[dict[str, object]] = [{"length": 9, "text": "x" * 1_000_000, "urls": ["u" * 4_000] * 900}]
    path = write(tmp_path / "e", events)
    summary = replay([path], policy, now_us=NOW_US)
    assert summary.examples
    assert len(msgspec.json.encode(summary)) < 200_000
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "a.policy").write_text(RULES.replace("hold", "block"), encoding="utf-8")
    compared = backtest([path], policy, str(tmp_path / "q"), now_us=NOW_US)
    assert compared.examples
    assert len(msgspec.json.encode(compared)) < 200_000


def test_years_1_and_9999_in_one_account(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trustward.base.clock.now_us", lambda: 2**62)
    times = ["0001-01-01T00:00:00Z", "2026-01-05T10:00:00Z", "9999-12-31T23:59:59.999999Z"]
    path = write(tmp_path / "e", [{"time": time, "length": 9, "truth": "x"} for time in times])
    page = tmp_path / "page.html"
    assert run(["replay", path, "--policy", policy, "--page", str(page), "--labels", "truth"]) == Exit.FINE
    assert "3 events" in capsys.readouterr().out
    assert page.read_text(encoding="utf-8").endswith("</html>\n")


def test_a_key_given_twice_in_a_mapped_object_is_told(policy: str, tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        '[[event]]\ntype = "message.sent"\nid = "i"\ntime = "t"\n[event.fields]\nsender = "s"\n', encoding="utf-8"
    )
    path = tmp_path / "e.ndjson"
    time = '"t":"2026-01-05T10:00:00Z"'
    path.write_text(
        f'{{"i":"1",{time},"s":"a","s":"b"}}\n{{"i":"2",{time},"s":"a","z":1,"z":2}}\n{{"i":1e999,{time},"s":"a"}}\n',
        encoding="utf-8",
    )
    rejects = tmp_path / "r"
    summary = replay([str(path)], policy, mapping=mapping, rejects=rejects, now_us=NOW_US)
    assert (summary.events, summary.rejected) == (1, 2)
    first, second = (json.loads(line) for line in rejects.read_bytes().splitlines())
    assert (first["line"], first["path"], first["cause"]) == (1, "$.s", "given more than once")
    assert "Oddity" not in second["raw"]
