"""What rules read, in words: for ``trustward policy explain`` and ``list``, and for everybody who reviews a rule."""

from __future__ import annotations

import msgspec

from trustward.base.units import format_duration
from trustward.model.regimes import load_obligations
from trustward.policy.compiled import Policy
from trustward.policy.features import AGGREGATES, Feature
from trustward.policy.nodes import AnyIn, Attribute, Call, Labelled, Listed, Member, Reading, walk
from trustward.policy.rules import Rule


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A feature that a rule reads: its source text, and what it says in words."""

    text: str
    says: str


class Reads(msgspec.Struct, frozen=True, kw_only=True):
    """All that a rule looks at: fields, features, functions, labels and lists, each once and in order."""

    fields: tuple[str, ...]
    windows: tuple[Window, ...]
    functions: tuple[str, ...]
    labels: tuple[str, ...]
    lists: tuple[str, ...]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A policy in numbers. ``streams`` are the shared logs behind its features, ``keys`` their kinds of key."""

    hash: str
    rules: int
    live: int
    shadow: int
    drafts: int
    features: int
    streams: int
    keys: int
    lists: dict[str, int]
    labels_set: tuple[str, ...]
    labels_read: tuple[str, ...]
    obligations: tuple[str, ...]


def rule_reads(rule: Rule) -> Reads:
    """What a rule reads to decide, on any of its event types."""
    fields: dict[str, None] = {}
    windows: dict[str, Window] = {}
    functions: dict[str, None] = {}
    labels: dict[str, None] = {}
    lists: dict[str, None] = {}
    for typed in rule.typed.values():
        for node in walk(typed.when):
            match node:
                case Attribute():
                    fields[node.key] = None
                case Reading():
                    windows.setdefault(node.key, Window(text=node.feature.text, says=in_words(node)))
                case Call():
                    functions[node.function.name] = None
                case Labelled():
                    labels[node.label] = None
                case Member() | AnyIn():
                    if isinstance(node.group, Listed) and node.group.name:
                        lists[node.group.name] = None
                case _:
                    pass
    return Reads(
        fields=tuple(fields),
        windows=tuple(windows.values()),
        functions=tuple(functions),
        labels=tuple(labels),
        lists=tuple(lists),
    )


def in_words(reading: Reading) -> str:
    """A feature in a sentence.

    Such as "how many different values of event.recipient for the same event.sender within 1h, on message.sent".
    """
    feature = reading.feature
    parts = [AGGREGATES[feature.aggregate]]
    if feature.value_key:
        parts.append(f"of {feature.value_key}")
    key = ", ".join(part.key for part in reading.keys)
    parts.append(f"for the same {key}" if feature.aggregate != "age" else f"({key})")
    if feature.window:
        what = "kept" if feature.aggregate in ("age", "since", "previous") else "within"
        parts.append(f"{what} {format_duration(feature.window)}")
    if feature.baseline:
        parts.append(f"against {format_duration(feature.baseline)}")
    if feature.delay:
        parts.append(f"as of {format_duration(feature.delay)} ago")
    return f"{' '.join(parts)}, on {_fed_by(feature)}"


def _fed_by(feature: Feature) -> str:
    names = sorted(feature.feeds)
    if len(names) > 4:
        return f"{len(names)} event types"
    where = next((feed.where for feeds in feature.feeds.values() for feed in feeds if feed.where is not None), None)
    return ", ".join(names) + (f" where {where.text}" if where is not None else "")


def explain_rule(policy: Policy, rule_id: str) -> str:
    """What one rule of a policy is on, reads, does and answers, as text. Raises KeyError for an unknown id."""
    rule = next((found for found in policy.rules if found.id == rule_id), None)
    if rule is None:
        raise KeyError(rule_id)
    reads = rule_reads(rule)
    titles = load_obligations()
    lines = [f"{rule.id} ({rule.mode}, {rule.verdict}, score {rule.score:g}), owned by {rule.owner}"]
    lines += ["on: " + ", ".join(rule.types), "when: " + rule.when_text, "then: " + ", ".join(rule.actions_text)]
    lines += [f"reads: {', '.join(reads.fields)}"] if reads.fields else []
    lines += [f"window: {window.text}: {window.says}" for window in reads.windows]
    lines += [f"functions: {', '.join(reads.functions)}"] if reads.functions else []
    lines += [f"labels: {', '.join(reads.labels)}"] if reads.labels else []
    lines += [f"list: {name} ({len(policy.lists[name].values):,} {policy.lists[name].kind})" for name in reads.lists]
    lines += [f"limit: {most:,} actions in {format_duration(within)}" for most, within in rule.limits]
    lines += [f"answers: {identity}: {titles[identity]}" for identity in rule.answers]
    lines.append(f"if it cannot be evaluated: {rule.on_fault}")
    return "\n".join(lines)


def policy_summary(policy: Policy) -> Summary:
    """A policy in numbers."""
    modes = [rule.mode for rule in policy.rules]
    return Summary(
        hash=policy.hash,
        rules=len(modes),
        live=modes.count("live"),
        shadow=modes.count("shadow"),
        drafts=modes.count("draft"),
        features=sum(len(stream.reads) for stream in policy.plan.streams),
        streams=len(policy.plan.streams),
        keys=len({stream.keyspace for stream in policy.plan.streams}),
        lists={name: len(held.values) for name, held in policy.lists.items()},
        labels_set=tuple(sorted({label for rule in policy.rules for label in rule.sets_labels})),
        labels_read=tuple(sorted(policy.labels_read)),
        obligations=tuple(sorted({identity for rule in policy.rules for identity in rule.answers})),
    )
