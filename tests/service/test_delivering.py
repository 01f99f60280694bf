"""The story of actions out: retries, what is given up, durations, reversals, and the pull side."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.outgoing import START, Hand, S, Writing, action, ids, story_over
from trustward.base.errors import ActionError, NotFoundError, SettingsError, UsageError
from trustward.exchange.targets import targets
from trustward.exchange.webhooks import document
from trustward.model.decision import VERDICT_OF_ACTION
from trustward.model.delivery import Delivery, Handed, Receipt, Target
from trustward.model.effect import INVERSES, IRREVERSIBLE
from trustward.model.letter import LETTERS
from trustward.operations import duties
from trustward.operations.delivering import Delivering
from trustward.operations.polling import Polling
from trustward.ports import Store
from trustward.settings import TargetSettings, load_settings

SHOP = Target(name="shop", url="http://shop.example/", secrets=("whsec_MDEyMw==",))
OK = Receipt(ok=True, at_us=START, status=204)
BAD = Receipt(ok=False, at_us=START, status=503)


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    return opened()


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def story(store: Store, clock: Hand) -> Delivering:
    return story_over(store, SHOP, clock=clock)


def lane(story: Delivering, name: str = "shop") -> Handed:
    handed = story.lease([name], "w")
    assert handed is not None
    return handed


def drain(story: Delivering, name: str = "shop") -> list[str]:
    """Deliver all that can be delivered now."""
    done: list[str] = []
    while (handed := story.lease([name], "w")) is not None:
        for delivery in handed.deliveries:
            story.settle(handed, delivery, OK, last=delivery is handed.deliveries[-1])
            done.append(delivery.row.key)
    return done


def test_every_action_has_its_inverse_or_says_why_not() -> None:
    assert not set(INVERSES) & set(IRREVERSIBLE)
    assert set(INVERSES) | set(IRREVERSIBLE) == set(VERDICT_OF_ACTION)
    assert len(set(INVERSES.values())) == len(INVERSES)
    assert set(INVERSES.values()) & set(VERDICT_OF_ACTION) == {"unlabel"}
    page = (Path(__file__).parents[2] / "docs" / "actions.md").read_text(encoding="utf-8")
    for verb, inverse in INVERSES.items():
        assert f"| `{verb}` | `{inverse}` |" in page
    for verb, why in IRREVERSIBLE.items():
        assert f"| `{verb}` | none: {why} |" in page


def test_tried_again_until_it_is_given_up_and_replayed(store: Store, story: Delivering, clock: Hand) -> None:
    Writing(store).add(action(entity="a"), action(entity="b"))
    assert story.pass_on() == 2
    tries = []
    while clock.at_us < START + 300 * S:
        handed = story.lease(["shop"], "w")
        if handed is not None:
            first = handed.deliveries[0]
            tries.append((first.row.key, (clock.at_us - START) // S))
            assert not story.settle(handed, first, BAD, last=True)
        clock.at_us += S // 2
    # The first rests longer and longer; what waited behind it gets its try, however old it is.
    assert tries == [
        *[("1-0", at) for at in (0, 2, 12, 22, 32, 42, 52, 62)],
        ("2-0", 62),
    ]
    assert ids(story.dead("shop")) == ["1-0", "2-0"]
    assert {one.target: one.dead for one in story.backlog()} == {"shop": 2, "confidential": 0}
    assert story.replay("shop", "kim", [story.dead("shop")[1].place]) == 1
    assert drain(story) == ["2-0"]
    assert story.replay("shop", "kim") == 1
    assert drain(story) == ["1-0"]
    assert [row.action for row in store.audit.read(0, 99)] == ["action.replayed"] * 2
    standing = story.standing("1-0")
    ((delivery, receipts),) = standing.deliveries
    assert delivery.state == "delivered"
    assert [one.status for one in receipts] == [503] * 8 + [204]


def test_refused_ones_hold_nobody_up(store: Store, story: Delivering, clock: Hand) -> None:
    Writing(store).add(action(entity="a"), action(entity="b"))
    story.pass_on()
    handed = lane(story)
    refused = Receipt(ok=False, at_us=START, status=422, refused=True)
    assert story.settle(handed, handed.deliveries[0], refused)
    assert not story.settle(handed, handed.deliveries[1], OK, last=True)
    assert ids(story.dead("shop")) == ["1-0"]


def test_a_receiver_may_ask_for_rest(store: Store, story: Delivering, clock: Hand) -> None:
    Writing(store).add(action())
    story.pass_on()
    handed = lane(story)
    story.settle(handed, handed.deliveries[0], Receipt(ok=False, at_us=START, status=429, after_us=30 * S))
    clock.at_us += 29 * S
    assert story.lease(["shop"], "w") is None
    clock.at_us += S
    assert lane(story).deliveries[0].tries == 1


def test_each_target_gets_what_it_wants(store: Store, clock: Hand) -> None:
    story = story_over(store, Target(name="one", actions=("hold",)), Target(name="two"), clock=clock)
    Writing(store).add(action("hold", lasts_us=S), action("limit", lasts_us=S), action("review"))
    story.pass_on()
    clock.at_us += 5 * S
    assert story.undo() == 2
    assert drain(story, "one") == ["1-0", "1-0-undo"]
    assert drain(story, "two") == ["1-0", "2-0", "3-0", "1-0-undo", "2-0-undo"]


def test_what_ends_is_undone_once_the_last_of_its_kind_has_ended(store: Store, story: Delivering, clock: Hand) -> None:
    writing = Writing(store)
    writing.add(action(lasts_us=10 * S), action(lasts_us=30 * S), action("limit", lasts_us=10 * S))
    story.pass_on()
    assert len(story.in_force("account", "a")) == 3
    clock.at_us += 10 * S
    assert story.undo() == 2
    assert drain(story) == ["1-0", "2-0", "3-0", "3-0-undo"]
    assert [effect.key for effect in story.in_force("account", "a")] == ["2-0"]
    clock.at_us += 20 * S
    assert story.tidy() == 1
    (delivery,) = lane(story).deliveries
    data = document(delivery)["data"]
    assert document(delivery)["type"] == "action.release"
    assert (data["do"], data["undoes"], data["why"]) == ("release", ["1-0", "2-0"], "ended")
    assert "ends_at" not in data
    assert story.undo() == 0


def test_reversed_by_a_person(store: Store, story: Delivering, clock: Hand) -> None:
    Writing(store).add(action(lasts_us=10 * S))
    story.pass_on()
    reversal = story.reverse("1-0", "kim", "mistaken")
    assert (reversal.inverse, reversal.still, reversal.withdrawn, reversal.again) == ("1-0-undo", (), False, False)
    assert reversal.change is None
    again = story.reverse("1-0", "lee", "once more")
    assert (again.inverse, again.again) == ("1-0-undo", True)
    assert [(row.actor, row.action, row.subject, row.seq) for row in store.audit.read(0, 9)] == [
        ("kim", "action.reversed", "action:1-0", 1)
    ]
    clock.at_us += 20 * S
    assert story.undo() == 0
    assert drain(story) == ["1-0", "1-0-undo"]
    effect = story.standing("1-0").effect
    assert effect is not None
    assert (effect.why, effect.actor, effect.reason) == ("reversed", "kim", "mistaken")


def test_reversed_before_anybody_heard_of_it(store: Store, story: Delivering) -> None:
    Writing(store).add(action("label", lasts_us=10 * S, note="mule"))
    assert story.standing("1-0").waiting
    reversal = story.reverse("1-0", "kim", "mistaken")
    assert reversal.withdrawn
    assert reversal.change is not None
    change = reversal.change
    assert (change.label, change.present, change.expires_us, change.origin) == (
        "mule",
        False,
        START + 10 * S,
        "action:1-0",
    )
    assert story.pass_on() == 0
    assert story.reverse("1-0", "kim", "mistaken").again
    assert drain(story) == []


def test_reversed_while_others_do_the_same(store: Store, story: Delivering) -> None:
    Writing(store).add(action(), action())
    story.pass_on()
    assert story.reverse("1-0", "kim", "mistaken").still == ("2-0",)
    assert story.reverse("2-0", "kim", "mistaken").inverse == "2-0-undo"
    assert drain(story) == ["1-0", "2-0", "2-0-undo"]


def test_what_cannot_be_reversed(store: Store, story: Delivering, clock: Hand) -> None:
    Writing(store).add(action("warn"), action(lasts_us=S))
    story.pass_on()
    clock.at_us += 2 * S
    story.undo()
    for name in ("9-0", "1-1", "nonsense", "1", "1-0-undo-undo", "-1-0", "1-00000", "٣-0"):
        with pytest.raises(NotFoundError):
            story.reverse(name, "kim", "mistaken")
    with pytest.raises(ActionError, match="cannot be undone"):
        story.reverse("1-0", "kim", "mistaken")
    with pytest.raises(ActionError, match="ended by itself"):
        story.reverse("2-0", "kim", "mistaken")
    with pytest.raises(ActionError, match="itself undoes"):
        story.reverse("2-0-undo", "kim", "mistaken")
    for actor, reason in (("", "x"), ("kim", " "), ("kim", "x" * 1001)):
        with pytest.raises(UsageError):
            story.reverse("1-0", actor, reason)


def test_two_workers_share_nothing(opened: Callable[[], Store], clock: Hand) -> None:
    store = opened()
    Writing(store).add(*(action(entity=f"a{number}") for number in range(40)))
    stories = [story_over(opened(), Target(name="shop", lanes=8), clock=clock, batch=3) for _ in range(2)]
    assert [story.pass_on() for story in stories] == [40, 0]
    held: list[Handed] = []
    done: list[str] = []
    turn = 0
    while any(one.waiting for one in stories[0].backlog()):
        story = stories[turn % 2]
        handed = story.lease(["shop"], f"w{turn % 2}")
        if handed is not None:
            assert (handed.lane not in {one.lane for one in held}) or not held
            held.append(handed)
        if len(held) == 2 or handed is None:
            mine = held.pop(0)
            for delivery in mine.deliveries:
                story.settle(mine, delivery, OK, last=delivery is mine.deliveries[-1])
                done.append(delivery.row.key)
        turn += 1
    assert sorted(done) == sorted(f"{number}-0" for number in range(1, 41))


# ---------------------------------------------------------------------- the pull side


@pytest.fixture
def pull(store: Store, clock: Hand) -> Polling:
    return Polling(story_over(store, clock=clock))


def test_fetched_and_confirmed(store: Store, pull: Polling, clock: Hand) -> None:
    assert pull.fetch("pull", "shop") is None
    Writing(store).add(action(lasts_us=S), action("limit", "b", note="slow"))
    fetched = pull.fetch("pull", "shop")
    assert fetched is not None
    assert fetched.until_us == START + 60 * S
    assert [(one["id"], one["do"], one["entity"]) for one in fetched.actions] == [
        ("1-0", "hold", "a"),
        ("2-0", "limit", "b"),
    ]
    assert fetched.actions[0]["ends_at"] == "2027-01-15T08:00:01Z"
    assert pull.fetch("pull", "other") is None
    assert pull.confirm("pull", fetched.lease, ["1-0"], "shop", more=True)
    clock.at_us += 59 * S
    assert pull.fetch("pull", "other") is None
    assert pull.confirm("pull", fetched.lease, ["2-0"], "shop")
    again = pull.fetch("pull", "shop")
    assert again is not None
    assert [one["id"] for one in again.actions] == ["1-0-undo"]
    assert not pull.confirm("pull", fetched.lease, ["1-0", "2-0"], "shop")


def test_what_was_not_confirmed_comes_again(store: Store, pull: Polling, clock: Hand) -> None:
    Writing(store).add(action(entity="a"), action(entity="b"))
    first = pull.fetch("pull", "shop", lease_us=5 * S)
    clock.at_us += 5 * S
    second = pull.fetch("pull", "shop")
    assert first is not None
    assert second is not None
    assert second.actions == first.actions
    with pytest.raises(ActionError, match="over"):
        pull.fail("pull", first.lease, "1-0", "shop")
    # What was done was done, whoever has the lease.
    assert not pull.confirm("pull", first.lease, ["1-0"], "shop")
    pull.fail("pull", second.lease, "2-0", "shop", "busy")
    assert pull.fetch("pull", "shop") is None
    clock.at_us += 2 * S
    third = pull.fetch("pull", "shop")
    assert third is not None
    assert [one["id"] for one in third.actions] == ["2-0"]
    pull.fail("pull", third.lease, "2-0", "shop", "no such account", refused=True)
    ((delivery, receipts),) = pull._story.standing("2-0").deliveries
    assert delivery.state == "dead"
    assert [one.said for one in receipts] == ["busy", "no such account"]


def test_hostile_leases(store: Store, pull: Polling, clock: Hand) -> None:
    Writing(store).add(action())
    fetched = pull.fetch("pull", "shop")
    assert fetched is not None
    for lease in ("", "x", "0", "0.", ".1", "0.1.2", "-1.1", "9" * 40 + ".1", "٣.1"):
        with pytest.raises(NotFoundError):
            pull.confirm("pull", lease, ["1-0"], "shop")
    for name in ("2-0", "1-0-undo", "x"):
        with pytest.raises(NotFoundError):
            pull.confirm("pull", fetched.lease, [name], "shop")
        with pytest.raises(NotFoundError):
            pull.fail("pull", fetched.lease, name, "shop")
    with pytest.raises(NotFoundError):
        pull.fetch("elsewhere", "shop")
    for limit in (0, 1001):
        with pytest.raises(UsageError):
            pull.fetch("pull", "shop", limit)
    with pytest.raises(UsageError, match="sent"):
        Polling(story_over(store, SHOP, clock=clock)).fetch("shop", "shop")
    assert pull.confirm("pull", fetched.lease, ["1-0", "1-0"], "shop")


def test_a_clock_that_steps_back_delays_nothing_for_long(store: Store, pull: Polling, clock: Hand) -> None:
    Writing(store).add(action(entity="a"), action(entity="b"))
    fetched = pull.fetch("pull", "shop")
    assert fetched is not None
    clock.at_us -= 365 * 86_400 * S
    again = pull.fetch("pull", "shop")
    assert again is not None
    assert again.actions == fetched.actions


# ---------------------------------------------------------------------- settings


def test_targets_out_of_settings() -> None:
    text = '[{"name":"shop","url":"https://shop.example/","secrets":["whsec_MDEyMw=="],"lanes":4}]'
    settings = load_settings({"TRUSTWARD_TARGETS": text})
    assert settings.targets == (
        TargetSettings(name="shop", url="https://shop.example/", secrets=("whsec_MDEyMw==",), lanes=4),
    )
    (target,) = targets(settings)
    assert (target.name, target.lanes, target.polled) == ("shop", 4, False)
    assert targets(load_settings({})) == ()


def test_a_target_may_be_there_for_one_authority() -> None:
    (bridge,) = targets(load_settings({}, {"targets": [{"name": "bridge", "actions": ["submit"]}]}))
    assert bridge.wants("submit")
    assert not any(bridge.wants(verb) for verb in (*VERDICT_OF_ACTION, *LETTERS) if verb != "submit")


def test_every_letter_has_a_verb_that_a_target_may_name() -> None:
    folder = Path(str(duties.__file__)).parent
    said = {verb for file in folder.glob("*.py") for verb in re.findall(r'told\("(\w+)"', file.read_text("utf-8"))}
    assert said
    assert said | set(duties._VERBS.values()) == set(LETTERS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x", "url": "ftp://shop.example/"},
        {"name": "x", "url": "https://kim:secret@shop.example/"},
        {"name": "x", "url": "https://"},
        {"name": "x", "url": "https://[::1/"},
        {"name": "x", "actions": ["holt"]},
    ],
)
def test_wrong_targets_are_refused(wrong: dict[str, Any]) -> None:
    settings = load_settings({}, {"targets": [wrong]})
    with pytest.raises(SettingsError, match="target x"):
        targets(settings)


@pytest.mark.parametrize(
    "environment",
    [
        {"TRUSTWARD_TARGETS": "shop"},
        {"TRUSTWARD_TARGETS": '[{"name":"a b"}]'},
        {"TRUSTWARD_TARGETS": '[{"name":"x","lanes":0}]'},
        {"TRUSTWARD_TARGETS": '[{"name":"x","secret":"y"}]'},
        {"TRUSTWARD_DELIVERY_RESTS": "soon"},
        {"TRUSTWARD_DELIVERY_RESTS": ""},
        {"TRUSTWARD_DELIVERY_TIMEOUT": "0s"},
    ],
)
def test_wrong_settings_are_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        load_settings(environment)


def test_two_targets_of_one_name(store: Store, clock: Hand) -> None:
    with pytest.raises(SettingsError, match="same name"):
        story_over(store, SHOP, SHOP, clock=clock)


def test_keys_differ_with_the_content(store: Store, story: Delivering) -> None:
    Writing(store).add(action(entity="a"), action(entity="b"))
    story.pass_on()
    one, two = lane(story).deliveries
    other = Delivery(place=9, target="shop", lane=0, row=one.row, state="waiting", tries=3, queued_us=7)
    assert one.idempotency_key == other.idempotency_key
    assert one.idempotency_key.startswith("1-0-")
    assert two.idempotency_key.startswith("2-0-")
