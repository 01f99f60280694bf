"""Labels that are set within a batch: whoever comes later is looked for once for each entity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from trustward.base.units import parse_time
from trustward.engine.engine import Engine
from trustward.engine.followers import Followers
from trustward.exchange.decode import EventDecoder
from trustward.model.catalogue import load_catalogue
from trustward.policy import Source, load_policy

POLICY = """
rule(
    id="marks", on="message.sent", when=event.length >= 2, then=[label(event.sender, "odd", lasts="1s")],
    reason="r", fraud="spam", owner="me", hits=[{"sender": "a", "length": 2}], misses=[{"sender": "a", "length": 1}],
)
rule(
    id="warns", on="message.sent", when=labelled(event.sender, "odd"), then=[warn(event.sender)],
    reason="r", fraud="spam", owner="me",
    hits=[[{"sender": "a", "length": 2}, {"sender": "a", "length": 2}]], misses=[{"sender": "a", "length": 1}],
)
"""


def test_followers_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A label that ends and is set again by every event would otherwise cost the square of the batch."""
    asked: Counter[tuple[str, str]] = Counter()
    real = Followers.of

    def of(self: Followers, kind: str, entity: str) -> Sequence[int]:
        asked[kind, entity] += 1
        return real(self, kind, entity)

    monkeypatch.setattr(Followers, "of", of)
    catalogue = load_catalogue()
    made = load_policy([Source("p.policy", POLICY)], catalogue)
    lines = []
    for n in range(300):
        time = f"2026-01-05T10:{n // 60:02}:{n % 60:02}.{n % 2 * 5}Z"
        lines.append(f'{{"type":"message.sent","id":"m{n}","time":"{time}","sender":"a{n % 3}","length":2}}')
    events = EventDecoder(catalogue).decode_lines("\n".join(lines).encode()).events
    now = parse_time("2026-01-06T00:00:00Z")
    together = Engine(made).decide_batch(events, now_us=now, every=True, features=True)
    assert asked == {("account", f"a{n}"): 1 for n in range(3)}
    alone = Engine(made)
    assert [decision for _, decision in together.decisions] == [alone.decide(event, now_us=now) for event in events]
