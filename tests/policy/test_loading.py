"""Files, lists, examples, actions, reasons: what a loaded policy holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.kit import State, catalogue, codes, event, faults, policy, rule
from trustward.base.errors import PolicyError
from trustward.model.decision import Action
from trustward.policy import load_policy
from trustward.policy.rules import Given
from trustward.policy.workspace import ListSpec


def test_a_folder_with_lists(tmp_path: Path) -> None:
    (tmp_path / "a.policy").write_text(rule('event.sender in listed("partners")'), encoding="utf-8")
    (tmp_path / "b.policy").write_text(rule("event.forwarded", name="b"), encoding="utf-8")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "partners.txt").write_text("# kind: account\n# a comment\na1\n\n a2 \na1\n", encoding="utf-8")
    made = load_policy(tmp_path, catalogue())
    assert made.lists == {"partners": ListSpec("account", ("a1", "a2"))}
    assert [found.id for found in made.rules] == ["r", "b"]
    before = made.hash
    (tmp_path / "lists" / "partners.txt").write_text("# kind: account\na1\n", encoding="utf-8")
    assert load_policy(tmp_path, catalogue()).hash != before
    assert load_policy(tmp_path / "b.policy", catalogue()).rules[0].id == "b"


def refused(path: Path) -> list[str]:
    with pytest.raises(PolicyError) as found:
        load_policy(path, catalogue())
    return list(found.value.faults)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert ": P001 " in refused(tmp_path / "nowhere")[0]
    assert ": P001 " in refused(tmp_path)[0]
    (tmp_path / "a.policy").write_bytes(b"\xff\xfe broken")
    assert "not UTF-8 text (byte 0)" in refused(tmp_path)[0]
    (tmp_path / "a.policy").write_text("#" * 500_000, encoding="utf-8")
    assert ": P003 " in refused(tmp_path)[0]
    (tmp_path / "a.policy").unlink()
    (tmp_path / "a.policy").mkdir()
    assert "cannot be read" in refused(tmp_path)[0]


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.policy").write_text(rule("event.forwarded"), encoding="utf-8-sig")
    assert load_policy(tmp_path, catalogue()).rules


def test_examples_become_events_in_the_flat_form() -> None:
    made = policy(
        rule(
            "event.forwarded",
            hit='[given(labelled("account", "a1", "spammer")), {"sender": "a0", "time": "2026-02-01T00:00:00Z"}, '
            'repeat(2, {"sender": "a1", "text": "no {n}", "length": -5}, every="1m"), {"sender": "a2", "time": "+1h"}]',
        ),
    )
    example = made.rules[0].examples[0]
    assert example.hit
    assert example.given == (Given("label", ("account", "a1", "spammer")),)
    assert [step.fields for step in example.steps] == [
        {"id": "x1", "type": "message.sent", "time": "2026-02-01T00:00:00Z", "sender": "a0"},
        {
            "id": "x2",
            "type": "message.sent",
            "time": "2026-02-01T00:01:00Z",
            "sender": "a1",
            "text": "no 1",
            "length": -5,
        },
        {
            "id": "x3",
            "type": "message.sent",
            "time": "2026-02-01T00:02:00Z",
            "sender": "a1",
            "text": "no 2",
            "length": -5,
        },
        {"id": "x4", "type": "message.sent", "time": "2026-02-01T01:02:00Z", "sender": "a2"},
    ]


def test_actions() -> None:
    made = policy(
        rule(
            "event.forwarded",
            then='[hold(event, "look"), label(event.sender, "spam", lasts="7d"), suspend(event.recipient, lasts="1h"), '
            "block_link(event.urls), unlabel(event.sender, 'vip'), review(event.device)]",
        )
    )
    one = event(made, sender="a", urls=("u1", "u2", "u1"), forwarded=True)
    assert made.types["message.sent"].actions(0, one, 0, ()) == [
        Action(do="hold", kind="event", entity="e1", rule="r", note="look"),
        Action(do="label", kind="account", entity="a", rule="r", note="spam", lasts_us=604_800_000_000),
        Action(do="block_link", kind="url", entity="u1", rule="r"),
        Action(do="block_link", kind="url", entity="u2", rule="r"),
        Action(do="unlabel", kind="account", entity="a", rule="r", note="vip"),
    ]
    found = made.rules[0]
    assert (found.verdict, found.score, found.sets_labels) == ("block", 0.95, ("spam", "vip"))


@pytest.mark.parametrize(
    ("then", "verdict", "score"),
    [
        ("[review(event)]", "allow", 0.2),
        ("[warn(event), label(event.sender, 'x')]", "warn", 0.3),
        ("[challenge(event.sender)]", "challenge", 0.5),
        ("[limit(event.sender), warn(event)]", "limit", 0.6),
        ("hold(event)", "hold", 0.8),
        ("[close(event.sender)]", "block", 0.95),
    ],
)
def test_the_verdict_is_the_harshest_and_sets_the_score(then: str, verdict: str, score: float) -> None:
    found = policy(rule("event.forwarded", then=then)).rules[0]
    assert (found.verdict, found.score) == (verdict, score)
    assert policy(rule("event.forwarded", then=then, more="score=0.42, ")).rules[0].score == 0.42


def test_limits_holdout_and_the_safe_answer() -> None:
    found = policy(
        rule(
            "event.forwarded", more='limit=["100/h", "7/30m"], holdout=0.01, on_fault="ignore", answers=["SG-OCC-1"], '
        )
    ).rules[0]
    assert found.limits == ((100, 3_600_000_000), (7, 1_800_000_000))
    assert (found.holdout, found.on_fault, found.answers) == (0.01, "ignore", ("SG-OCC-1",))
    plain = policy(rule("event.forwarded")).rules[0]
    assert (plain.limits, plain.holdout, plain.on_fault, plain.mode) == ((), 0.0, "hold", "live")


def test_reasons_are_for_people() -> None:
    made = policy(
        rule(
            "event.forwarded",
            reason="{{x}} {event.sender} {event.length} {length(event.text)} {event.time} {event.urls} "
            "{event.forwarded} {event.length / 3} {event.text} {event.recipient}",
        )
    )
    program = made.types["message.sent"]
    one = event(made, sender="a", length=10, text="a\nb" * 60, urls=tuple("uvwxy"), forwarded=True)
    said = program.reason(0, one, 1_500_000, ())
    text = ("a b" * 60)[:120] + "..."
    assert said == f"{{x}} a 10 180 1970-01-01T00:00:01.500000Z u, v, w and 2 more yes 3.33 {text} unknown"


def test_values_are_those_that_the_condition_used() -> None:
    made = policy(
        rule(
            "(event.length > 5 and contains(event.text, 'x')) or (event.forwarded and event.sender != 'b') "
            "or not event.is_reply"
        )
    )
    program = made.types["message.sent"]
    assert program.values(0, event(made, sender="a", length=6, text="X"), 0, (), State()) == {
        "event.length": 6,
        "contains(event.text, 'x')": True,
    }
    assert program.values(0, event(made, sender="a", forwarded=True), 0, (), State()) == {
        "event.forwarded": True,
        "event.sender": "a",
    }
    assert program.values(0, event(made, sender="a", is_reply=False), 0, (), State()) == {"event.is_reply": False}


def test_traces_tell_part_by_part() -> None:
    made = policy(rule("event.length > 5 and not (event.forwarded or event.is_reply)"))
    program = made.types["message.sent"]
    trace = program.trace(0, event(made, sender="a", length=6, forwarded=True), 0, (), State())
    assert trace.outcome is False
    assert [(part.text, part.outcome, part.values) for part in trace.parts] == [
        ("event.length > 5", True, {"event.length": 6}),
        ("not event.forwarded", False, {"event.forwarded": True}),
        ("not event.is_reply", None, {"event.is_reply": None}),
    ]


def test_labels_that_rules_read_are_known() -> None:
    made = policy(rule('labelled(event.sender, "spammer") or labelled(event.recipient, "vip")'))
    program = made.types["message.sent"]
    assert program.reads_labels
    assert made.labels_read == {"spammer", "vip"}
    assert program.label_entities(event(made, sender="a")) == [("account", "a")]
    assert sorted(program.label_entities(event(made, sender="a", recipient="b"))) == [
        ("account", "a"),
        ("account", "b"),
    ]
    assert ("account", "b") in program.entities(event(made, sender="a", recipient="b"))


class Indexed(State):
    """A state that keeps the bearers of each label."""

    def __init__(self) -> None:
        super().__init__({("account", "a", "spammer"): 100})
        self.bearers = {("account", "spammer"): {"a": 100}}


@pytest.mark.parametrize("state", [State({("account", "a", "spammer"): 100}), Indexed()])
def test_labels_end_when_they_expire(state: State) -> None:
    made = policy(rule('labelled(event.sender, "spammer")'))
    program = made.types["message.sent"]
    events = [event(made, sender="a"), event(made, sender="a"), event(made, sender="b"), event(made, sender="a")]
    times = [99, 100, 99, -(10**16)]
    assert [at for at, _ in program.hits(events, times, [], state)] == [0, 3]
    many = program.hits(events * 5, times * 5, [], state)
    assert [at for at, _ in many] == [at + 4 * n for n in range(5) for at in (0, 3)]
    assert [bool(program.match(one, time, (), state)) for one, time in zip(events, times, strict=True)] == [
        True,
        False,
        False,
        True,
    ]


def test_many_labels_are_looked_up_one_by_one() -> None:
    made = policy(rule('labelled(event.sender, "spammer")'))
    state = State({("account", f"a{n}", "spammer"): 100 for n in range(3_000)})
    events = [event(made, sender="a7"), event(made, sender="b")]
    assert made.types["message.sent"].hits(events, [0, 0], [], state) == [(0, [0])]
    assert made.types["message.sent"].hits(events * 10, [0] * 20, [], state) == [(2 * n, [0]) for n in range(10)]


def test_times_and_zones() -> None:
    made = policy(
        rule('hour(event.time, "+08:00") < 6 and weekday(event.time, "UTC") == 7')
        + rule('event.time >= "2026-01-04T00:00:00Z" and event.time - "1h" < "2026-01-04T20:00:00Z"', name="between")
    )
    program = made.types["message.sent"]
    sunday_night = 1_767_546_000_000_000  # 2026-01-04T17:00:00Z
    assert list(program.match(event(made, sender="a"), sunday_night, (), State())) == [0, 1]
    assert list(program.match(event(made, sender="a"), sunday_night + 86_400_000_000, (), State())) == []
    for extreme in (-62_135_596_800_000_000, 253_402_300_799_999_999):
        program.match(event(made, sender="a"), extreme, (), State())
        assert program.trace(0, event(made, sender="a"), extreme, (), State()).outcome in (True, False)


def test_one_rule_on_several_types() -> None:
    made = policy(
        rule("event.country == 'XX'", on='["message.sent", "account.registered"]', then="[hold(event)]"), drafts=False
    )
    assert made.rules[0].types == ("message.sent", "account.registered")
    assert set(made.types) == {"message.sent", "account.registered"}


def test_faults_of_several_types_are_told_once() -> None:
    text = rule("event.nothing == 1", on='["message.sent", "account.registered"]')
    assert [fault.split(" ")[1:5] for fault in faults(text)] == [
        ["P012", "message.sent", "has", "no"],
        ["P012", "account.registered", "has", "no"],
    ]
    assert codes(rule("evnt.x == 1", on='["message.sent", "account.registered"]')) == ["P010"]
