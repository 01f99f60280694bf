"""What a rule reads, in words."""

from __future__ import annotations

import pytest

from tests.policy.kit import policy, rule
from trustward.policy import explain_rule, policy_summary, rule_reads
from trustward.policy.workspace import ListSpec

TEXT = 'contacts = distinct(event.recipient, by=event.sender, within="1h", of="message.sent")\n' + rule(
    'contacts >= 30 and age(event.sender) < "3d" and event.sender not in listed("partners") '
    'and (labelled(event.sender, "spam") or contains(event.text, "x"))',
    more='answers=["SG-OCC-1"], limit=["100/h"], ',
)
LISTS = {"partners": ListSpec("account", ("a1", "a2"))}


def test_what_a_rule_reads() -> None:
    reads = rule_reads(policy(TEXT, lists=LISTS).rules[0])
    assert reads.fields == ("event.sender", "event.text")
    assert reads.windows[0].says == (
        "how many different values of event.recipient for the same event.sender within 1h, on message.sent"
    )
    assert reads.windows[1].text == "age(event.sender)"
    assert (reads.functions, reads.labels, reads.lists) == (("contains",), ("spam",), ("partners",))


def test_a_rule_is_explained() -> None:
    said = explain_rule(policy(TEXT, lists=LISTS), "r")
    for piece in (
        "r (live, hold, score 0.8), owned by team",
        "on: message.sent",
        "list: partners (2 account)",
        "limit: 100 actions in 1h",
        "answers: SG-OCC-1: Look for scams",
        "if it cannot be evaluated: hold",
    ):
        assert piece in said
    with pytest.raises(KeyError):
        explain_rule(policy(TEXT, lists=LISTS), "zzz")


def test_a_policy_in_numbers() -> None:
    summary = policy_summary(policy(TEXT, lists=LISTS))
    assert (summary.rules, summary.live, summary.features, summary.streams, summary.keys) == (1, 1, 2, 2, 1)
    assert (summary.lists, summary.labels_read, summary.obligations) == ({"partners": 2}, ("spam",), ("SG-OCC-1",))
