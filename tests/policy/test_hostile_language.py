"""Faults that a hostile second reader found in the language, each held down by a test."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.policy.kit import State, catalogue, codes, event, faults, policy, rule
from trustward.base.errors import PolicyError
from trustward.engine.engine import Engine
from trustward.model.decision import Fault
from trustward.policy import Source, load_policy
from trustward.policy.workspace import ListSpec
from trustward.screening.screen import Screen, pattern_piece


def test_long_conditions_are_checked_in_linear_time() -> None:
    started = time.process_time()
    long = " or ".join(f"event.length == {3 * n}" for n in range(700))
    apart = " and ".join(f"event.length != {3 * n}" for n in range(700))
    assert not faults(
        f"long = {long}\n" + "".join(rule(f"long or event.length == 1{n}", name=f"r{n}") for n in range(8))
    )
    assert not faults(rule(apart))
    assert time.process_time() - started < 5


def test_an_or_of_three_parts_that_always_holds_is_seen() -> None:
    assert codes(rule("event.length < 5 or event.length == 5 or event.length > 5")) == ["P055"]
    assert codes(rule("event.length > 5 and (event.is_reply or event.length < 3)")) == ["P054"]
    assert codes(rule("event.length < 5 or event.length > 5")) == []
    found = faults(rule(" and ".join(f"event.length != {n}" for n in range(30)) + " and 0 <= event.length <= 29"))
    assert len(found[0]) < 2_000


def test_a_delayed_mean_is_taken_over_the_events_that_have_the_value() -> None:
    made = policy(
        'then = mean(minor(event.amount), by=event.account, within="1h", delay="1h", of="payment.requested")\n'
        + rule("then > 5", on='"payment.requested"', hit='{"account": "a1"}')
    )
    stream = made.plan.streams[0]
    assert "present(minor(event.amount))" in stream.id


def test_values_never_tell_of_a_label_or_list_that_was_not_there() -> None:
    made = policy(
        rule('labelled(event.sender, "spammer") or not labelled(event.sender, "known") or event.length > 5'),
    )
    program = made.types["message.sent"]
    one = event(made, sender="a", length=6)
    known = State({("account", "a", "known"): 9})
    assert program.values(0, one, 0, (), known) == {"event.length": 6}
    assert program.values(0, event(made, sender="a"), 0, (), State({("account", "a", "spammer"): 9})) == {
        'labelled(event.sender, "spammer")': True,
        'labelled(event.sender, "known")': False,
    }


def test_labels_take_effect_from_the_next_event_also_when_rules_are_traced() -> None:
    made = policy(
        rule("event.is_reply", name="marks", then='[label(event.sender, "x")]')
        + rule('labelled(event.sender, "x") and not event.forwarded', name="reads")
        + rule('event.is_reply or labelled(event.sender, "x")', name="either")
        + rule("event.length > 5", name="other", more='on_fault="ignore", ')
    )
    engine = Engine(made)
    one = event(made, sender="a", is_reply=True, forwarded=False)
    for faults_of in ((), (Fault(path="$.length", cause="broken"),)):
        engine.reset()
        first = engine.decide(one, faults_of, now_us=2**62)
        assert [hit.id for hit in first.rules if hit.mode == "live"] == ["marks", "either"]
        assert first.rules[1].values == {"event.is_reply": True}
        assert [hit.id for hit in engine.decide(one, now_us=2**62).rules] == ["marks", "reads", "either"]


def test_an_empty_value_of_a_list_names_nothing() -> None:
    made = policy(rule("event.forwarded", then="block_link(event.urls)"))
    one = event(made, sender="a", urls=("", "u"), forwarded=True)
    program = made.types["message.sent"]
    assert [action.entity for action in program.actions(0, one, 0, ())] == ["u"]
    assert program.entities(one) == [("account", "a"), ("url", "u")]


def said(*texts: str) -> list[str]:
    """The faults of several files, each as place and code."""
    with pytest.raises(PolicyError) as found:
        load_policy([Source(f"f{number}.policy", text) for number, text in enumerate(texts)], catalogue())
    return [fault.split(" ", 2)[0] + " " + fault.split(" ", 2)[1] for fault in found.value.faults]


def test_one_slip_hides_nothing_else_and_nothing_is_told_twice() -> None:
    broken = 'x = event.length\ny = event.length >\nrule(id="a\n'
    other = rule("x > 6 or y > 7", name="b") + rule("event.lenth > 6", name="c")
    assert said(broken, other) == ["f0.policy:2:19: P002", "f0.policy:3:9: P002", "f1.policy:2:38: P012"]
    # A name that only a faulty rule uses is used.
    lone = 'x = count(by=event.sender, within="1h", of="message.sent")\n'
    assert said(lone + rule("x > 5", on='"message.snt"')) == ["f0.policy:2:17: P013"]
    assert said(lone + rule("event.lenth > 5 and x.y", reason="{x}")) == [
        "f0.policy:2:38: P012",
        "f0.policy:2:58: P006",
    ]


def test_a_statement_in_a_text_is_no_statement() -> None:
    text = '"""Such as\nrule(id="x"\n"""\n' + rule("event.forwarded and", name="b") + rule("event.forwarded", name="c")
    assert said(text) == ["f0.policy:4:57: P002"]
    flush = rule("event.lenth > 5 event.forwarded").replace(", ", ",\n") + rule("event.lenth > 5", name="c")
    assert [fault.split(" ")[1] for fault in said(flush)] == ["P002", "P012"]


def test_nothing_large_is_built_from_little() -> None:
    started = time.process_time()
    doubling = "a0 = event.length\n" + "".join(f"a{n} = a{n - 1} + a{n - 1}\n" for n in range(1, 10))
    rules = "".join(rule(f"a9 > {n}", name=f"r{n}") for n in range(300))
    assert set(codes(doubling + rules)) == {"P003"}
    every = "[" + ",".join(f'"{name}"' for name in catalogue().types) + "]"
    ids = "w = " + " or ".join(f'event.id == "{n * 3}"' for n in range(500)) + "\n"
    fed = "".join(
        rule(f'count(by=event.id, within="{n + 1}s", of={every}, where=w) > 3', name=f"r{n}") for n in range(40)
    )
    assert "P003" in codes(ids + fed)
    assert time.process_time() - started < 40


def test_examples_of_a_policy_are_bounded_together() -> None:
    many = ", ".join(['[repeat(20000, {"sender": "a{n}"})]'] * 6)
    assert "P003" in codes(rule("event.forwarded", hit=many))
    long = '[repeat(20000, {"sender": "a", "text": "{n}' + "x" * 2_000 + '"})]'
    assert codes(rule("event.forwarded", hit=long)) == ["P003", "P003"]


def test_files_and_lists_of_a_policy_are_bounded_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("trustward.policy.compiled.MAX_TOTAL", 300)
    assert said(rule("event.forwarded"), rule("event.is_reply", name="b")) == ["f1.policy:1:1: P003"]
    monkeypatch.setattr("trustward.policy.files.MAX_LIST_CHARACTERS", 100)
    (tmp_path / "a.policy").write_text(rule("event.forwarded"), encoding="utf-8")
    (tmp_path / "lists").mkdir()
    for number in range(2):
        (tmp_path / "lists" / f"l{number}.txt").write_text("# kind: text\n" + "a" * 80, encoding="utf-8")
    with pytest.raises(PolicyError) as found:
        load_policy(tmp_path, catalogue())
    assert [fault.split(" ")[:2] for fault in found.value.faults] == [["lists/l1.txt:1:1:", "P001"]]


def test_the_hash_names_every_byte_and_every_list_and_nothing_else() -> None:
    one, other = Source("a.policy", rule("event.forwarded")), Source("b.policy", rule("event.is_reply", name="b"))
    made = load_policy([one, other], catalogue())
    turned = load_policy([other, one], catalogue())
    assert turned.hash == made.hash
    assert [found.id for found in turned.rules] == [found.id for found in made.rules]
    hashes = {made.hash}
    for text in ("\ufeff" + one.text, one.text + "\n", one.text.replace("\n", "\r\n"), one.text + " "):
        hashes.add(load_policy([Source("a.policy", text), other], catalogue()).hash)
    specs = [("account", ("a", "b")), ("account", ("ab",)), ("text", ("a", "b")), ("account", ())]
    hashes |= {load_policy([one, other], catalogue(), lists={"l": ListSpec(*spec)}).hash for spec in specs}
    hashes.add(load_policy([one, other], catalogue(), lists={"m": ListSpec(*specs[0])}).hash)
    assert len(hashes) == 10


def test_a_misspelt_label_is_told_and_one_that_people_set_is_not() -> None:
    marks = rule("event.forwarded", name="marks", then='[label(event.sender, "spammer")]')
    assert codes(marks + rule('labelled(event.sender, "spamer")')) == ["P023"]
    assert codes(marks + rule('labelled(event.sender, "known-good")')) == []
    assert codes(marks + rule('not labelled(event.sender, "Spammer")')) == ["P023"]


def test_a_large_pattern_on_a_huge_text_is_a_fault_and_not_a_hang() -> None:
    made = policy(rule(r"matches(event.text, r'(?:a|b)*a(?:a|b){900}c')"))
    one = event(made, sender="a", text="ab" * 2_000_000)
    started = time.process_time()
    decision = Engine(made).decide(one, now_us=2**62)
    assert time.process_time() - started < 5
    assert (decision.verdict, decision.degraded, decision.rules[0].mode) == ("hold", True, "fault")
    plain = policy(rule(r"matches(event.text, r'[0-9]{4} ?(telegram|whats ?app)')"))
    long = event(plain, sender="a", text="ab" * 5_000_000 + " 1234 telegram")
    assert [hit.mode for hit in Engine(plain).decide(long, now_us=2**62).rules] == ["live"]


def test_a_time_written_out_can_be_taken_from_a_time() -> None:
    made = policy(rule('event.time - "2026-01-05T11:00:00Z" > "59m" and "2026-01-05T13:00:00Z" - event.time >= "1h"'))
    noon = 1_767_614_400_000_000
    program = made.types["message.sent"]
    held = [bool(program.match(event(made, sender="a"), noon + at, (), State())) for at in (0, 1, -60_000_000)]
    assert held == [True, False, False]
    assert codes(rule('event.time - "1h" > "2026-01-05T11:00:00Z"')) == []
    assert codes(rule('event.time + "2026-01-05T11:00:00Z" > "1h"')) == ["P034"]


def test_infinity_less_infinity_is_missing_also_in_a_list() -> None:
    none = "event.length * 1e300 * 1e300 - event.length * 1e300 * 1e300"
    made = policy(rule(f"not {none} in [5]") + rule(f"{none} in [5]", name="b") + rule(f"{none} != 5", name="c"))
    program = made.types["message.sent"]
    one = event(made, sender="a", length=5)
    assert list(program.match(one, 0, (), State())) == []
    assert {program.trace(number, one, 0, (), State()).outcome for number in program.rules} == {None}


def test_a_screen_passes_over_what_would_take_too_long() -> None:
    screen = Screen([pattern_piece("(?:a|b)*a(?:a|b){900}c") or ""])
    started = time.process_time()
    assert screen(["ab" * 2_000_000, "nothing"]).tolist() == [True, False]
    assert time.process_time() - started < 5
