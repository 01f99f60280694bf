"""Small random streams that make the trial policy speak often."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from trustward.base.units import format_time
from trustward.engine.engine import Engine
from trustward.model.catalogue import Catalogue, load_catalogue
from trustward.model.decision import Fault
from trustward.model.event import Event, event_classes
from trustward.policy import Policy, load_policy

CATALOGUE: Catalogue = load_catalogue()
CLASSES = event_classes(CATALOGUE)
POLICY: Policy = load_policy(Path(__file__).parent / "policy", CATALOGUE)
NOW_US = 1_900_000_000_000_000
START_US = 1_800_000_000_000_000

accounts = st.sampled_from(["a", "b", "c", "p1"])
countries = st.sampled_from(["SG", "MY", None])


def make(kind: str, number: int, time_us: int, **fields: Any) -> Event:
    """An event with an id and a time."""
    return CLASSES[kind](id=f"e{number}", time=format_time(time_us), **fields)


def messages() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Messages between few accounts."""
    fields = {
        "sender": accounts,
        "recipient": st.sampled_from(["a", "b", "c", "d", "e", None]),
        "urls": st.sampled_from([None, ("http://x.example/",), ("http://x.example/", "http://y.example/"), ()]),
        "text": st.sampled_from([None, "hi", "a longer text"]),
        "country": countries,
    }
    return st.fixed_dictionaries(fields).map(lambda chosen: ("message.sent", chosen))


def payments() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Payments of few accounts from few devices."""
    fields = {
        "account": accounts,
        "device": st.sampled_from(["d1", "d2", None]),
        "amount": st.sampled_from([None, 1, 5_000, 9_999, -100]),
        "currency": st.sampled_from(["SGD", "USD", "JPY", None]),
        "country": countries,
    }
    return st.fixed_dictionaries(fields).map(lambda chosen: ("payment.requested", chosen))


def others() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A type that the policy does not look at."""
    return accounts.map(lambda account: ("account.closed", {"account": account}))


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Event], dict[int, tuple[Fault, ...]]]:
    """Events in order of arrival, mostly forward in time, some late, some at once; and the faults of some of them."""
    steps = draw(
        st.lists(
            st.tuples(
                st.one_of(messages(), messages(), payments(), others()),
                st.sampled_from([0, 0, 1, 999_999, 1_000_000, 5_000_000, 20_000_000, 60_000_000, -3_000_000]),
                st.sampled_from([None] * 12 + ["recipient", "country", "sender", "amount", "urls"]),
            ),
            max_size=60,
        )
    )
    events: list[Event] = []
    faults: dict[int, tuple[Fault, ...]] = {}
    time = START_US
    for number, ((kind, fields), gap, faulty) in enumerate(steps):
        time += gap
        if faulty in fields and faulty != "sender":
            fields = {**fields, faulty: None}  # noqa: PLW2901  # the fault takes the value away
            faults[number] = (Fault(path=f"$.{faulty}", cause="expected something else"),)
        events.append(make(kind, number, time, **fields))
    return events, faults


def one_by_one(engine: Engine, events: list[Event], faults: dict[int, tuple[Fault, ...]]) -> list[Any]:
    """Decide events one after the other."""
    return [engine.decide(event, faults.get(at, ()), now_us=NOW_US) for at, event in enumerate(events)]


def in_batches(engine: Engine, events: list[Event], faults: dict[int, tuple[Fault, ...]], cuts: list[int]) -> list[Any]:
    """Decide events in batches, cut where ``cuts`` says."""
    decisions: list[Any] = []
    bounds = sorted({0, len(events), *(cut for cut in cuts if cut <= len(events))})
    for start, stop in pairwise(bounds):
        part = {at - start: found for at, found in faults.items() if start <= at < stop}
        # Few events are decided one by one; here every other part goes the way of many, however few they are.
        outcome = engine.decide_batch(events[start:stop], part, now_us=NOW_US, every=True, features=start % 2 == 0)
        decisions += [decision for _, decision in outcome.decisions]
    return decisions
