"""Every pack and every example policy is checked because it exists; the starter pack is held to its promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packs.rule_table import inserted, render
from trustward import bootstrap
from trustward.base.clock import now_us
from trustward.policy import Policy
from trustward.simulate.run import simulate

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted({path.parent for path in (ROOT / "examples" / "policies").glob("*/*.policy")})
AREAS = {
    "accounts",
    "blocked",
    "cards",
    "contact",
    "content",
    "groups",
    "links",
    "luring",
    "marketplace",
    "payments",
    "reviews",
    "sign-in",
}


@pytest.fixture(scope="module", name="starter")
def _starter() -> Policy:
    return bootstrap.load("starter")


@pytest.mark.parametrize("name", [*bootstrap.packs(), *map(str, EXAMPLES)], ids=lambda name: Path(name).name)
def test_every_policy_is_fine(name: str) -> None:
    report = bootstrap.check(name)
    assert not report.faults, "\n".join(report.faults)
    assert not report.failures


def test_the_starter_pack_is_as_broad_as_promised(starter: Policy) -> None:
    assert {Path(source.name).stem for source in starter.sources} == {*AREAS, "common"}
    assert len(starter.rules) >= 40
    assert len({feature.aggregate for feature in starter.features.values()}) == 11
    windowed = [feature for feature in starter.features.values() if feature.window]
    assert len(windowed) >= 24
    assert len({kind for feature in starter.features.values() for kind in feature.keyspaces}) >= 6


def test_no_rule_stands_without_its_keeper(starter: Policy) -> None:
    for rule in starter.rules:
        assert rule.owner, rule.id
        assert rule.answers, rule.id
        assert rule.fraud, rule.id
        assert {example.hit for example in rule.examples} == {True, False}, rule.id


def test_windows_are_exercised_by_sequences(starter: Policy) -> None:
    long = [rule for rule in starter.rules if any(len(example.steps) > 1 for example in rule.examples)]
    assert len(long) * 2 > len(starter.rules)


def test_only_the_surest_rules_block(starter: Policy) -> None:
    blocking = [rule.id for rule in starter.rules if rule.verdict == "block" and rule.mode == "live"]
    assert len(blocking) * 10 <= len(starter.rules), blocking


def test_what_is_new_can_be_tried_without_harm(starter: Policy) -> None:
    assert any(rule.mode == "shadow" for rule in starter.rules)
    assert any(rule.limits for rule in starter.rules)
    assert any(rule.holdout for rule in starter.rules)


def test_the_page_is_up_to_date(starter: Policy) -> None:
    page = (ROOT / "docs" / "packs.md").read_text(encoding="utf-8")
    assert inserted(page, render(starter)) == page, "run: python -m tests.packs.rule_table docs/packs.md"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        inserted("# Packs", "x")


@pytest.mark.parametrize("seed", [3, 31])
def test_honest_people_are_left_alone_and_fraud_is_found(seed: int, tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    simulate(3_000, 2, seed, events)
    summary = bootstrap.replay([str(events)], "starter", labels="truth", now_us=now_us())
    assert summary.quality is not None
    assert summary.quality.precision is not None
    assert summary.quality.recall is not None
    assert summary.quality.precision >= 0.85
    assert summary.quality.recall >= 0.25
    assert not summary.degraded
    found = [campaign for campaign in summary.campaigns if campaign.flagged]
    assert len(found) >= len(summary.campaigns) - 2
