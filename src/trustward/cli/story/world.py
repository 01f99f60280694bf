"""The world of the story: a simulated service up to now, with a campaign of phishing in it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from trustward.base.clock import now_us
from trustward.base.errors import UsageError
from trustward.base.units import format_time

_DAYS = 2
_DAY_US = 86_400_000_000
KIND = "phishing"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that happened, as NDJSON, and what is known of the campaign by whoever looks from outside.

    ``sender`` wrote most of its messages, ``link`` is in most of them, ``told`` are those who got one from the sender.
    """

    events: bytes
    count: int
    sender: str
    accounts: tuple[str, ...]
    link: str
    domain: str
    told: tuple[str, ...]
    example: dict[str, Any]
    honest: str


def stage(accounts: int, seed: int) -> Stage:
    """The last two days of a service of so many accounts. Raises UsageError if no campaign fits."""
    from trustward.simulate.run import simulate

    sink = io.BytesIO()
    start = format_time((now_us() - _DAYS * _DAY_US) // 1_000_000 * 1_000_000)
    simulate(accounts, _DAYS, seed, sink, start=start, campaigns=(KIND,))
    events = [msgspec.json.decode(line) for line in sink.getvalue().splitlines()]
    bait = [one for one in events if one.get("truth") == KIND and one["type"] == "message.sent" and one.get("urls")]
    if len(bait) < 3:
        raise UsageError("this world has no campaign that fits", remedy="take another seed")
    sender = _most(one["sender"] for one in bait)
    mine = [one for one in bait if one["sender"] == sender]
    link = _most(one["urls"][0] for one in mine)
    example = next(one for one in mine if one["urls"][0] == link)
    knows_nothing = [{name: value for name, value in one.items() if name != "truth"} for one in events]
    return Stage(
        events=b"\n".join(msgspec.json.encode(one) for one in knows_nothing) + b"\n",
        count=len(events),
        sender=sender,
        accounts=tuple(dict.fromkeys(one["sender"] for one in bait)),
        link=link,
        domain=example["domains"][0],
        told=tuple(dict.fromkeys(one["recipient"] for one in mine)),
        example=next(one for one in knows_nothing if one["id"] == example["id"]),
        honest=_honest(events, link),
    )


def _most(names: Any) -> str:
    return str(Counter(names).most_common(1)[0][0])


def _honest(events: Sequence[dict[str, Any]], link: str) -> str:
    """An account that only wrote honest messages."""
    for one in events:
        if one["type"] == "message.sent" and not one.get("truth") and link not in one.get("urls", ()):
            return str(one["sender"])
    raise UsageError("nobody wrote an honest message", remedy="take a larger world")
