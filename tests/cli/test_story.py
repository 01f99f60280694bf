"""The closed loop from end to end, over a service that was started as anybody would start it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.cli.story.telling import Told, tell


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("told") / "story"


@pytest.fixture(scope="module")
def told(folder: Path) -> Told:
    return tell(folder, 1_000, 7, lambda _title, _what: None)


def test_a_campaign_goes_from_detection_to_an_answer_for_everybody(told: Told) -> None:
    world = told.stage
    # Detected: the message was stopped, and rules say why.
    assert told.example["verdict"] in {"hold", "block", "limit"}
    assert told.example["rules"]
    # Reported by three, one case.
    assert len({one["receipt"] for one in told.receipts}) == 3
    assert {one["case"] for one in told.receipts} == {told.case["id"]}
    assert told.case["state"] == "closed"
    # The account is closed, the link is removed wherever it was posted, and does not come back.
    by_verb = {one["do"]: one for one in told.measures}
    assert by_verb["close"]["entity"] == world.sender
    posted = sum(world.link.encode() in line for line in world.events.splitlines())
    assert by_verb["block_link"]["copies"] >= posted > 0
    assert told.again["verdict"] == "hold"
    assert "blocked-link-again" in {hit["id"] for hit in told.again["rules"]}
    # Heard by another reviewer; what was lifted gives its strikes back.
    assert told.refused == 409
    assert (told.appeal["state"], told.appeal["undone"]) == ("partly", [by_verb["close"]["id"]])
    before, after = told.strikes
    assert before > after == 0


def test_an_order_with_two_clocks_is_carried_out_and_answered_in_time(told: Told, folder: Path) -> None:
    assert told.unseen == 404
    assert (told.order["state"], told.order["authentic"]["how"]) == ("reported", "signature")
    assert {one["state"] for one in told.targets} == {"done"}
    assert all(one["proof"] for one in told.targets)
    clocks = {one["clock"]["id"] if isinstance(one["clock"], dict) else one["clock"] for one in told.duties}
    assert clocks == {"SG-ACT-plan", "SG-ACT-comply"}
    assert not [one for one in told.duties if one["breaches"]]
    effort = msgspec.json.decode((folder / "effort.json").read_bytes())
    assert effort


def test_the_evidence_is_what_was_signed(told: Told, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (told.clue["state"], told.clue["receipt"]) == ("answered", "SPF-77")
    key = (folder / "evidence.pub").read_text(encoding="utf-8")
    whole = folder / "evidence.tar"
    assert run(["clues", "verify", str(whole), "--key", key]) == Exit.FINE
    bent = bytearray(whole.read_bytes())
    bent[len(bent) // 2] ^= 1
    other = folder / "bent.tar"
    other.write_bytes(bent)
    assert run(["clues", "verify", str(other), "--key", key]) != Exit.FINE
    capsys.readouterr()


def test_each_action_and_each_letter_came_once(told: Told) -> None:
    keys = Counter(one["idempotency_key"] for one in (*told.done, *told.letters))
    assert set(keys.values()) == {1}
    ends = Counter(one["cause"]["step"] for one in told.letters if "cause" in one)
    assert ends["report.received"] == ends["report.decided"] == len(told.receipts)
    assert ends["appeal.decided"] == 1
    # Nothing that others may read tells of the secret order.
    secrets = (told.order["id"], told.order["reference"], told.order["basis"])
    said = msgspec.json.encode([*told.done, *told.letters]).decode()
    assert not [one for one in secrets if one in said]
