"""Sixteen stateless rules over decoded events, against the same rules written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trustward.cli.bench.result import Result, Settings, at_least, rate, ratio, result

FOLDER = Path(__file__).with_name("rules16")
SEED = 20_240_607


def measure(settings: Settings) -> Result:
    """Twenty thousand checkouts; every event's hits are compared with those of the function written by hand."""
    events = settings.sized(20_000, 500)
    settings.fresh(drive, events=100, seed=1, repeats=1)  # compiles and caches what there is
    settings.say(f"rules: {events:,} events, {settings.repeats} rounds")
    found = settings.fresh(drive, events=events, seed=SEED, repeats=settings.repeats)
    ours = rate("the policy, all hits", "events", events, found["policy"])
    whole = rate("the engine, whole decisions with reasons", "events", events, found["engine"])
    by_hand = rate("a function written by hand", "events", events, found["by_hand"])
    part = ratio("policy / function", ours, by_hand)
    return result(
        "rules",
        "16 rules over one decoded event type with 22 fields, one core",
        settings,
        figures=[ours, whole],
        yardsticks=[by_hand],
        ratios=[part],
        bars=[at_least(ours, 120_000)],
        equal=found["equal"],
        sizes={"events": events, "with a hit": found["hit"], "hits": found["hits"]},
        notes=[
            "The policy and the function give, for every event, the rules that hold.",
            "The engine gives every event's decision: verdict, score, actions, each hit's reason and values.",
            f"The events' seed is always {SEED}.",
        ],
    )


def drive(events: int, seed: int, repeats: int) -> dict[str, Any]:
    """Task: the rounds, taken in turns."""
    from trustward.base.clock import elapsed_s, now_us
    from trustward.base.units import parse_time
    from trustward.cli.bench.checkouts import RULES, by_hand, checkouts
    from trustward.cli.bench.policies import start_engine

    engine, decoder = start_engine(str(FOLDER / "policy"), (FOLDER / "catalogue.toml",))
    made = decoder.classes["checkout.submitted"]
    decoded = [made(**fields) for fields in checkouts(events, seed)]
    times = [parse_time(event.time) for event in decoded]
    program = engine.policy.types["checkout.submitted"]
    match, state = program.match, engine.state
    taken: dict[str, list[float]] = {"policy": [], "by_hand": [], "engine": []}
    ours: list[Sequence[int]] = []
    theirs: list[tuple[int, ...]] = []
    for _ in range(repeats + 1):
        begin = elapsed_s()
        theirs = [by_hand(event) for event in decoded]
        taken["by_hand"].append(elapsed_s() - begin)
        begin = elapsed_s()
        ours = [match(event, time, (), state) for event, time in zip(decoded, times, strict=True)]
        taken["policy"].append(elapsed_s() - begin)
        begin = elapsed_s()
        engine.decide_batch(decoded, now_us=now_us(), every=True)
        taken["engine"].append(elapsed_s() - begin)
    names = [rule.id for rule in engine.policy.rules]
    equal = all(
        {names[number] for number in one} == {RULES[number] for number in other}
        for one, other in zip(ours, theirs, strict=True)
    )
    first_is_warm_up = {name: seconds[1:] for name, seconds in taken.items()}
    return {**first_is_warm_up, "equal": equal, "hit": sum(map(bool, ours)), "hits": sum(map(len, ours))}
