"""The synthetic world: repeatable, well-formed, with honest life and every campaign in it."""

from __future__ import annotations

import gzip
import hashlib
import io
import ipaddress
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.simulate.world_samples import sample, town
from trustward.base.errors import UsageError
from trustward.exchange.decode import EventDecoder
from trustward.model.catalogue import load_catalogue
from trustward.simulate import simulate
from trustward.simulate.campaigns import kinds
from trustward.simulate.layout import layouts

CAMPAIGNS = {
    "card_testing",
    "device_farm",
    "fake_shop",
    "investment_group",
    "mule_ring",
    "phishing",
    "phone_card_sale",
    "review_brushing",
    "spam_wave",
    "takeover",
}
# Changes only when the world is meant to change; it is the same on every machine and every version of Python.
GOLDEN = "6a35f76f6afb1227567703fc2f0e761b74fd6f5d794c948dff03f6aab4522aeb"
RESERVED = (".example", ".test", ".invalid", ".example.com", ".example.net", ".example.org")


def local_hour(event: dict[str, Any], offset_h: int) -> datetime:
    return datetime.fromisoformat(event["time"]) + timedelta(hours=offset_h)


# --- repeatable ---


def test_the_same_arguments_give_the_same_bytes() -> None:
    out = io.BytesIO()
    simulate(300, 0.5, 3, out)
    assert out.getvalue() == sample(300, 0.5, 3).content


def test_the_bytes_are_those_of_every_other_machine() -> None:
    assert hashlib.sha256(sample(300, 0.5, 3).content).hexdigest() == GOLDEN


def test_another_seed_is_another_world() -> None:
    assert sample(300, 0.5, 3).content != sample(300, 0.5, 4).content


def test_the_size_of_the_buffer_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr("trustward.simulate.run.BUFFER", 1 << 15)
    simulate(300, 0.5, 3, out)
    assert out.getvalue() == sample(300, 0.5, 3).content


# --- well-formed ---


def test_every_event_decodes_without_a_fault() -> None:
    decoded = EventDecoder(load_catalogue()).decode_lines(town().content, 1)
    assert decoded.faults == {}
    assert decoded.rejects == []
    assert len(decoded.events) == town().summary.events


def test_events_come_in_time_order_with_ids_of_their_own() -> None:
    events = town().events
    assert all(a["time"] <= b["time"] for a, b in pairwise(events))
    assert len({event["id"] for event in events}) == len(events)
    assert events[0]["time"].startswith("2026-01-05T00:0")
    assert events[-1]["time"].startswith("2026-01-12T23:5")


def test_every_layout_is_used_and_every_type_known() -> None:
    known = set(layouts(load_catalogue()))
    assert set(town().summary.by_type) <= known
    # A small town may miss the rarest.
    assert len(set(town().summary.by_type)) >= len(known) - 3


def test_the_summary_counts_what_was_written() -> None:
    made = town()
    assert made.summary.bytes == len(made.content)
    assert made.summary.by_type == Counter(event["type"] for event in made.events)
    assert made.summary.by_truth == Counter(event.get("truth", "honest") for event in made.events)


def test_nothing_points_at_the_real_world() -> None:
    for event in town().events:
        address = ipaddress.ip_address(event.get("ip", "192.0.2.1"))
        assert not address.is_global, address
        for url in event.get("urls", []) + [event[name] for name in ("url",) if name in event]:
            assert url.split("/")[2].endswith(RESERVED), url
        for name in ("domain", "email_domain", "final_domain"):
            assert event.get(name, ".test").endswith(RESERVED)
        # No numbering plan has a national number that begins with 00.
        assert event.get("phone", "+6500")[3:5] == "00", event


def test_a_link_in_a_text_is_a_link_of_the_event() -> None:
    for event in town().events:
        if "text" in event and event["type"] != "ad.submitted":
            assert ("https://" in event["text"]) == ("urls" in event), event
            assert all(url in event["text"] for url in event.get("urls", [])), event


# --- honest life ---


def test_people_sleep_at_night_where_they_live() -> None:
    for country, offset in (("CN", 8), ("MX", -6)):
        hours = Counter(
            local_hour(event, offset).hour
            for event in town().events
            if event["type"] == "message.sent" and event.get("country") == country and "truth" not in event
        )
        night, evening = sum(hours[h] for h in (2, 3, 4)), sum(hours[h] for h in (19, 20, 21))
        assert evening > 5 * max(1, night), (country, hours)


def test_the_density_has_no_steps_at_full_hours() -> None:
    minutes = Counter(
        int(event["time"][14:16]) for event in sample(20_000, 0.5).events if event["type"] == "signin.succeeded"
    )
    late, early = sum(minutes[m] for m in range(55, 60)), sum(minutes[m] for m in range(5))
    assert 0.75 < late / early < 1.5


def test_few_write_much_and_mostly_to_people_they_know() -> None:
    honest = [event for event in town().events if event["type"] == "message.sent" and "truth" not in event]
    writers = Counter(event["sender"] for event in honest)
    top = sum(count for _, count in writers.most_common(len(writers) // 50))
    assert top > 0.15 * len(honest)
    assert sum(event["first_contact"] for event in honest) < 0.2 * len(honest)
    pairs = Counter(frozenset((event["sender"], event["recipient"])) for event in honest)
    again = sum(count for count in pairs.values() if count >= 4)
    assert again > 0.4 * len(honest)


def test_honest_accounts_look_like_spammers_too() -> None:
    """Customer service writes first to many: a threshold alone cannot be precise."""
    first = Counter(
        event["sender"]
        for event in town().events
        if event["type"] == "message.sent" and "truth" not in event and event["first_contact"]
    )
    assert first.most_common(1)[0][1] > 40


def test_devices_are_stable_and_some_are_shared() -> None:
    used: dict[str, set[str]] = {}
    users: dict[str, set[str]] = {}
    for event in town().events:
        if "truth" not in event and "device" in event:
            account = str(event.get("account") or event.get("sender"))
            used.setdefault(account, set()).add(event["device"])
            users.setdefault(event["device"], set()).add(account)
    assert sum(len(devices) for devices in used.values()) < 3 * len(used)
    assert sum(len(accounts) > 1 for accounts in users.values()) > 20


# --- campaigns ---


def test_every_campaign_is_known() -> None:
    assert set(kinds()) == CAMPAIGNS


@pytest.mark.parametrize(("accounts", "days"), [(100, 0.2), (200, 1), (1_000, 2)])
def test_every_campaign_is_in_every_world(accounts: int, days: float) -> None:
    made = sample(accounts, days)
    assert set(made.summary.by_truth) == {*CAMPAIGNS, "honest"}
    assert {campaign.kind for campaign in made.summary.campaigns} == CAMPAIGNS


def test_fraud_is_a_small_share() -> None:
    made = sample(20_000, 0.5)
    fraud = made.summary.events - made.summary.by_truth["honest"]
    assert 0.01 < fraud / made.summary.events < 0.035


def test_campaigns_can_be_chosen() -> None:
    assert set(sample(300, 1, 1, campaigns=("spam_wave",)).summary.by_truth) == {"spam_wave", "honest"}
    assert set(sample(300, 1, 1, campaigns=()).summary.by_truth) == {"honest"}


def test_the_ground_truth_is_that_of_the_events(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    simulate(1_000, 2, 5, events, truth=tmp_path / "truth.json")
    truth = msgspec.json.decode((tmp_path / "truth.json").read_bytes())
    counted = Counter(msgspec.json.decode(line).get("truth") for line in events.read_bytes().splitlines())
    found: Counter[str] = Counter()
    for campaign in truth:
        found[campaign["kind"]] += campaign["events"]
        assert campaign["start"] <= campaign["first_event"] <= campaign["last_event"]
        assert campaign["parameters"]
    del counted[None]
    assert found == counted
    assert len({campaign["id"] for campaign in truth}) == len(truth)


def test_accounts_of_the_truth_are_accounts_of_the_events() -> None:
    made = town()
    fraud = {event.get("account") or event.get("sender") for event in made.events if "truth" in event}
    named = [account for campaign in made.summary.campaigns for account in campaign.accounts + campaign.victims]
    assert named
    crews = [campaign for campaign in made.summary.campaigns if campaign.kind == "spam_wave"]
    assert all(set(crew.accounts) & fraud for crew in crews)


def test_campaigns_differ_from_run_to_run() -> None:
    waves = [campaign.parameters for campaign in town().summary.campaigns if campaign.kind == "spam_wave"]
    assert len(waves) > 3
    assert len({wave["stealth"] for wave in waves}) == 3
    assert len({tuple(sorted(wave.items())) for wave in waves}) == len(waves)


def test_fraud_hides_among_honest_people() -> None:
    """Some crews sit behind addresses of households, and taken accounts go on living."""
    honest: set[str | None] = set()
    fraud: set[str | None] = set()
    alive: set[str] = set()
    taken: set[str] = set()
    for event in town().events:
        (fraud if "truth" in event else honest).add(event.get("ip"))
        if event.get("truth") == "takeover" and event["type"] == "signin.succeeded":
            taken.add(event["account"])
        elif "truth" not in event:
            alive.add(str(event.get("account") or event.get("sender")))
    assert len(honest & fraud) > 20
    assert taken & alive


# --- scale and output ---


def test_events_grow_with_accounts_and_days() -> None:
    small, wide, long = sample(1_000, 1), sample(4_000, 1), sample(1_000, 4)
    assert 3.2 < wide.summary.events / small.summary.events < 4.8
    assert 3.2 < long.summary.events / small.summary.events < 4.8
    assert 5 < wide.summary.events / 4_000 < 8
    assert 270 < wide.summary.bytes / wide.summary.events < 340


def test_a_compressed_file_holds_the_same(tmp_path: Path) -> None:
    for name in ("a.ndjson.gz", "b.ndjson.gz"):
        simulate(300, 0.5, 3, tmp_path / name)
    assert gzip.decompress((tmp_path / "a.ndjson.gz").read_bytes()) == sample(300, 0.5, 3).content
    assert (tmp_path / "a.ndjson.gz").read_bytes() == (tmp_path / "b.ndjson.gz").read_bytes()


def test_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    simulate(300, 0.5, 3, "-")
    assert capfdbinary.readouterr().out == sample(300, 0.5, 3).content


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, hours: int) -> None:
        assert hours == 12
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(300, 0.5, 3, tmp_path / "events.ndjson", progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("size", "options", "word"),
    [
        ((5, 1), {}, "accounts"),
        ((10**8, 1), {}, "accounts"),
        ((300, 0), {}, "days"),
        ((300, float("nan")), {}, "days"),
        ((5_000_000, 300), {}, "account days"),
        ((300, 1), {"campaigns": ("spam",)}, "spam_wave"),
        ((300, 1), {"start": "yesterday"}, "--start"),
    ],
)
def test_wrong_arguments_are_refused(size: tuple[int, float], options: dict[str, Any], word: str) -> None:
    accounts, days = size
    with pytest.raises(UsageError, match=word):
        simulate(accounts, days, 1, io.BytesIO(), **options)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        simulate(300, 0.1, 1, tmp_path / "no" / "events.ndjson")


def test_a_start_with_another_zone_is_the_same_moment() -> None:
    assert (
        sample(200, 0.2, 1, start="2026-01-05T08:00:00+08:00").content
        == sample(200, 0.2, 1, start="2026-01-05T00:00:00Z").content
    )
