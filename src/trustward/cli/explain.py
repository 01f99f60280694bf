"""What rules say, and how they came out on one event, for ``trustward policy explain``."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from trustward.base.errors import UsageError
from trustward.base.units import format_duration
from trustward.cli.account import STYLES, percent
from trustward.cli.console import answers, plain, watching
from trustward.engine.explain import Explanation, Part, explain

if TYPE_CHECKING:
    from rich.console import Console

    from trustward.engine.engine import Engine
    from trustward.exchange.records import Decoded
    from trustward.policy import Rule

MARKS = {"holds": ("✓", "green"), "not": ("✗", "red"), "missing": ("?", "yellow"), "fault": ("!", "bold red")}
"""How a part came out: it holds, it does not, a value is missing, a value could not be read."""


def chosen(rules: Sequence[Rule], wanted: Sequence[str]) -> list[Rule]:
    """The rules with these ids, or all. Raises UsageError for an id that is not there."""
    known = {rule.id: rule for rule in rules}
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise UsageError(
                f"no such rule: {name}",
                remedy=f"did you mean {near[0]}?" if near else "trustward policy list shows the rules",
            )
    return [known[name] for name in wanted] if wanted else list(rules)


def print_rule(rule: Rule) -> None:
    """Say what one rule does."""
    console = answers()
    console.print(plain(rule.id), style="bold")
    limits = [f"{most:,} in {format_duration(within)}" for most, within in rule.limits]
    hits = sum(example.hit for example in rule.examples)
    facts = {
        "on": ", ".join(rule.types),
        "when": rule.when_text,
        "then": "; ".join(rule.actions_text),
        "verdict": f"{rule.verdict} (score {rule.score:g}; if it cannot be evaluated: {rule.on_fault})",
        "reason": rule.reason_text,
        "fraud": rule.fraud,
        "mode": rule.mode,
        "limits": ", ".join(limits),
        "hold-out": percent(rule.holdout) if rule.holdout else "",
        "answers": ", ".join(rule.answers),
        "owner": rule.owner,
        "examples": f"{hits:,} hits, {len(rule.examples) - hits:,} misses",
    }
    for name, value in facts.items():
        if value:
            console.print(f"  {name:<9}", end="", style="dim")
            console.print(plain(" ".join(value.split()), 2_000), soft_wrap=True)
    console.print()


def find(
    policy: str,
    event_id: str,
    events: Sequence[str],
    wanted: Sequence[str] = (),
    *,
    mapping: Path | None,
    form: str | None = None,
    catalogue: Sequence[Path],
    quiet: bool,
) -> Explanation:
    """Replay files up to an event and explain the answer to it, by the wanted rules or by all on its type.

    Raises UsageError if no file holds the event, if it is refused, or for a rule that is not there.
    """
    from trustward import bootstrap
    from trustward.adapters.files import EventFiles
    from trustward.base.clock import now_us
    from trustward.engine.engine import Engine
    from trustward.exchange.decode import EventDecoder
    from trustward.exchange.mapping import load_mapping

    known = bootstrap.catalogue(catalogue)
    engine = Engine(bootstrap.policy(policy, known))
    chosen(engine.policy.rules, wanted)
    rows = load_mapping(mapping, known) if mapping is not None else None
    now = now_us()
    count = 0
    with watching("Looking", quiet=quiet) as watch:
        for chunk in EventFiles(events, EventDecoder(known), mapping=rows, form=form):
            decoded = chunk.decoded
            at = next((n for n, event in enumerate(decoded.events) if event.id == event_id), None)
            if at is not None:
                found = _explained(engine, decoded, at, now)
                rules = tuple(rule for rule in found.rules if not wanted or rule.id in wanted)
                return Explanation(decision=found.decision, rules=rules)
            engine.decide_batch(decoded.events, decoded.faults, now_us=now)
            count += len(decoded.events)
            watch(chunk.done, chunk.total, count, 0)
    raise UsageError(f"no event {event_id} in {', '.join(events)}", remedy="look for its id in the file of decisions")


def _explained(engine: Engine, decoded: Decoded, at: int, now: int) -> Explanation:
    earlier = {position: faults for position, faults in decoded.faults.items() if position < at}
    engine.decide_batch(decoded.events[:at], earlier, now_us=now)
    try:
        return explain(engine, decoded.events[at], decoded.faults.get(at, ()), now_us=now)
    except ValueError as fault:
        raise UsageError(f"the event was refused: {fault}", remedy="an event must be in time to be decided") from fault


def print_explanation(found: Explanation, wanted: Sequence[str] = ()) -> None:
    """Show a decision and how its rules came out: those that hold in full, the others by what stood against them."""
    console = answers()
    decision = found.decision
    console.print(decision.verdict, style=STYLES[decision.verdict], end=" ")
    console.print(f"{plain(decision.type)} {plain(decision.event_id, 300)} at {plain(decision.time)}")
    console.print(f"  score {decision.score:g}{', degraded' if decision.degraded else ''}", style="dim")
    for fault in decision.faults:
        console.print(f"  ! {plain(fault.path)}: {plain(fault.cause)}", style="bold red")
    reasons = {hit.id: hit for hit in decision.rules}
    evaluated = {outcome.id for outcome in found.rules}
    for name in wanted:
        if name not in evaluated:
            console.print(f"\n  {plain(name)}  is not on {plain(decision.type)}", style="dim")
    for outcome in found.rules:
        hit = reasons.get(outcome.id)
        mark, style = MARKS[outcome.condition.outcome]
        console.print(f"\n  {mark} {plain(outcome.id)}", style=style, end="")
        console.print(f"  {plain(hit.reason, 1_000)}" if hit else "", end="")
        console.print(f"  [{outcome.mode}]" if outcome.mode != "live" else "", style="dim")
        if outcome.condition.outcome == "holds" or outcome.id in wanted:
            _print_part(console, outcome.condition, 2)
        else:
            for part in outcome.condition.leaves():
                if part.outcome != "holds":
                    _print_part(console, part, 2)


def _print_part(console: Console, part: Part, depth: int) -> None:
    mark, style = MARKS[part.outcome]
    pad = "  " * depth
    console.print(f"{pad}{mark} ", style=style, end="")
    values = ", ".join(f"{plain(name, 80)} = {plain(value, 120)}" for name, value in part.values.items())
    console.print(plain(" ".join(part.text.split()), 300), end="")
    told = [part.cause] if part.cause else []
    told += [values] if values and not part.parts else []
    console.print(f"  ({'; '.join(plain(one, 600) for one in told)})" if told else "", style="dim")
    for inner in part.parts:
        _print_part(console, inner, depth + 1)
