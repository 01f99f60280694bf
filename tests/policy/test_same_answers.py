"""Many at once, one at a time, part by part, and by the plainest reading: always the same answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.policy import grammar
from tests.policy.grammar import Condition, World
from tests.policy.kit import State, policy, rule
from trustward.base.errors import PolicyError
from trustward.base.units import MISSING
from trustward.policy import Policy, TypeProgram, compiled

TIME = 1_000_000
REFUSED_BY_DESIGN = {"P054", "P055"}


def load(conditions: list[Condition]) -> Policy:
    """A policy with one rule for each condition; those that never or always hold are passed over."""
    text = grammar.NAMES + "".join(rule(when[0], name=f"r{n}") for n, when in enumerate(conditions))
    try:
        made = policy(text, lists=grammar.LISTS)
    except PolicyError as error:
        found = list(error.faults)
    else:
        return made
    # pytest.fail, for an assertion would hide the faults.
    if not {fault.split(": ", 1)[1][:4] for fault in found} <= REFUSED_BY_DESIGN:
        pytest.fail("\n".join(found))
    assume(condition=False)
    raise AssertionError


def slot_values(data: st.DataObject, program: TypeProgram, rows: int) -> list[np.ndarray[Any, Any]]:
    """Numbers for every place among the features, as windows could give them."""
    count = 1 + max(place for slots in program.exports.values() for place in slots.at)
    columns: list[np.ndarray[Any, Any] | None] = [None] * count
    for name, slots in program.exports.items():
        for place in slots.at:
            certain = name in ("sent_1h", "sent_again", "late")
            values: st.SearchStrategy[float]
            kind: type[np.int64 | np.float64] = np.int64
            if name in grammar.DURATIONS:
                values = grammar.duration_values
            elif name in grammar.FLOATS and slots.kind == "plain":
                values, kind = grammar.float_values, np.float64
            else:
                values = grammar.certain_values if certain else grammar.whole_values
            drawn = data.draw(st.lists(values, min_size=rows, max_size=rows), label=name)
            columns[place] = np.array(drawn, kind)
        if len(slots.at) > 1:
            # The parts of a delayed feature are missing together.
            first = columns[slots.at[0]]
            assert first is not None
            for place in slots.at[1:]:
                column = columns[place]
                assert column is not None
                column[first == MISSING] = MISSING
                first[column == MISSING] = MISSING
            for place in slots.at[1:]:
                column = columns[place]
                assert column is not None
                column[first == MISSING] = MISSING
    assert all(column is not None for column in columns)
    return [column for column in columns if column is not None]


def named_values(program: TypeProgram, features: list[Any]) -> dict[str, Any]:
    """The features of one event by name."""
    found: dict[str, Any] = {}
    for name, (kind, at) in program.exports.items():
        parts = [features[place] for place in at]
        if any(grammar.missing(part) for part in parts):
            found[name] = None
        elif kind == "plain":
            found[name] = parts[0]
        elif kind == "difference":
            found[name] = parts[0] - parts[1]
        else:
            found[name] = None if parts[2] == parts[3] else (parts[0] - parts[1]) / (parts[2] - parts[3])
    return found


@st.composite
def states(draw: st.DrawFn) -> State:
    """Labels and lists with entries that hold and entries that have expired."""
    expiries = st.sampled_from([TIME - 1, TIME, TIME + 1, 2**62])
    labels = draw(
        st.dictionaries(
            st.tuples(st.just("account"), grammar.accounts, st.sampled_from(["spammer", "vip"])), expiries, max_size=4
        )
    )
    lists = {
        "partners": draw(st.dictionaries(grammar.accounts, expiries, max_size=3)),
        "words": draw(st.dictionaries(st.sampled_from(["en", "ms"]), expiries, max_size=2)),
        "bad": draw(st.dictionaries(st.sampled_from(["u1", "u2"]), expiries, max_size=2)),
    }
    return State(labels, lists)


@given(data=st.data(), conditions=st.lists(grammar.conditions, min_size=1, max_size=4), state=states())
def test_every_way_of_asking_gives_the_same_answer(
    data: st.DataObject, conditions: list[Condition], state: State
) -> None:
    made = load(conditions)
    program = made.types["message.sent"]
    rows = data.draw(st.integers(1, 12))
    events = [
        program.cls(id=f"e{n}", time="2026-01-05T12:00:00Z", **data.draw(grammar.fields, label=f"event {n}"))
        for n in range(rows)
    ]
    times = [TIME + n % 2 for n in range(rows)]
    columns = slot_values(data, program, rows)
    many = dict(program.hits(events, times, columns, state))
    assert program.gate(events, times, columns, state) == sorted(many)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "FEW", 0)
        assert dict(program.hits(events, times, columns, state)) == many
    for at, (event, time) in enumerate(zip(events, times, strict=True)):
        features = [column[at].item() for column in columns]
        one = list(program.match(event, time, features, state))
        world = World(event, time, named_values(program, features), state.labels, state.lists)
        plainly = [n for n, (_, meaning) in enumerate(conditions) if meaning(world) is True]
        traced = [n for n in program.rules if program.trace(n, event, time, features, state).outcome is True]
        assert one == plainly
        assert traced == plainly
        assert (many.get(at) or []) == plainly
        for number in one:
            assert program.reason(number, event, time, features) == "..."
            assert isinstance(program.values(number, event, time, features, state), dict)
            assert [action.do for action in program.actions(number, event, time, features)] == ["hold"]


@given(data=st.data(), condition=grammar.conditions, state=states())
def test_an_outcome_that_is_no_fault_does_not_depend_on_the_faulty_field(
    data: st.DataObject, condition: Condition, state: State
) -> None:
    made = load([condition])
    program = made.types["message.sent"]
    given_fields = data.draw(grammar.fields)
    columns = slot_values(data, program, 1)
    features = [column[0].item() for column in columns]
    unread = program.cls(id="e", time="2026-01-05T12:00:00Z", **{**given_fields, "text": None})
    outcome = program.trace(0, unread, TIME, features, state, frozenset({"text"})).outcome
    for text in (*grammar.TEXTS, None):
        event = program.cls(id="e", time="2026-01-05T12:00:00Z", **{**given_fields, "text": text})
        holds = 0 in program.match(event, TIME, features, state)
        if outcome != "fault":
            assert holds == (outcome is True)


@given(data=st.data(), conditions=st.lists(grammar.conditions, min_size=1, max_size=2))
def test_what_is_refused_as_never_or_always_so_is_so(data: st.DataObject, conditions: list[Condition]) -> None:
    """Of two parts joined by ``and``, a refusal of the whole means that no world makes it hold."""
    text = grammar.NAMES + rule(" and ".join(f"({when})" for when, _ in conditions))
    try:
        policy(text, lists=grammar.LISTS)
    except PolicyError as error:
        if not all(": P054 this can never hold" in fault for fault in error.faults):
            return
        if any(" or " in when for when, _ in conditions) or any("not (" in when for when, _ in conditions):
            return  # A part of an "or" may be dead while the whole is not.
        probe = policy(grammar.NAMES, lists=grammar.LISTS).types["message.sent"]
        state = State(lists={"partners": {"a1": 2**62}, "words": {}, "bad": {}})
        event = probe.cls(id="e", time="2026-01-05T12:00:00Z", **data.draw(grammar.fields))
        features = [column[0].item() for column in slot_values(data, probe, 1)]
        world = World(event, TIME, named_values(probe, features), state.labels, state.lists)
        assert not all(meaning(world) is True for _, meaning in conditions)


def test_texts_are_looked_at_only_where_cheaper_fields_allow_and_nothing_is_lost() -> None:
    wanted = 'matches(event.text, "(?i)[0-9]{4} ?(telegram|wechat)")'
    text = (
        f'n = count(by=event.sender, within="1h", of="message.sent", where=event.first_contact and {wanted})\n'
        + rule(f'n >= 3 or (event.first_contact and event.language == "en" and {wanted})')
        + rule(f"event.is_reply and not event.forwarded and {wanted}", name="reply")
    )
    program = policy(text).types["message.sent"]
    texts = ["1234 Telegram", "nothing", None, "ä 9999wechat", "a\0b"]
    choices: list[dict[str, Any]] = [
        {"text": text, "first_contact": first, "is_reply": reply, "language": "en", "forwarded": False, "sender": "a"}
        for text in texts
        for first in (True, False, None)
        for reply in (True, False, None)
    ]
    events = [program.cls(id=f"e{n}", time="2026-01-05T12:00:00Z", **fields) for n, fields in enumerate(choices)]
    columns = [np.full(len(events), 2, np.int64)]
    found = dict(program.hits(events, [TIME] * len(events), columns, State()))
    flags = program.columns(events)[2]
    assert 0 < len(found) < len(events)
    for at, event in enumerate(events):
        assert (found.get(at) or []) == list(program.match(event, TIME, [2], State()))
        assert [flag[at] for flag in flags] == [flag[0] for flag in program.columns([event])[2]]
