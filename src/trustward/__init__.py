"""Trustward: finds fraud on online services, stops it, and shows that it did.

The few names that an embedder needs; each is loaded when it is first asked for.

>>> import trustward
>>> catalogue = trustward.load_catalogue()
>>> source = '''
... sent_1m = count(by=event.sender, within="1m", of="message.sent")
... rule(
...     id="too-fast", on="message.sent", when=sent_1m >= 3, then=[limit(event.sender, "messages")],
...     reason="{sent_1m} messages within a minute", fraud="spam", owner="me",
...     hits=[[repeat(3, {"sender": "a"})]], misses=[{"sender": "a"}],
... )
... '''
>>> policy = trustward.load_policy([trustward.Source("mine.policy", source)], catalogue)
>>> engine = trustward.Engine(policy)
>>> decoder = trustward.EventDecoder(catalogue)
>>> for second in range(3):
...     line = b'{"type": "message.sent", "id": "m%d", "time": "2026-01-05T10:00:00Z", "sender": "a"}' % second
...     event = decoder.decode_lines(line).events[0]
...     print(engine.decide(event, now_us=trustward.parse_time("2026-01-05T10:00:05Z")).verdict)
allow
allow
limit
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustward.base.errors import TrustwardError as TrustwardError
    from trustward.base.units import parse_time as parse_time
    from trustward.engine.engine import Engine as Engine
    from trustward.exchange.decode import EventDecoder as EventDecoder
    from trustward.model.catalogue import Catalogue as Catalogue
    from trustward.model.catalogue import load_catalogue as load_catalogue
    from trustward.model.decision import Decision as Decision
    from trustward.model.event import Event as Event
    from trustward.policy import Policy as Policy
    from trustward.policy import Source as Source
    from trustward.policy import load_policy as load_policy

__version__ = "0.1.0"

_PLACES = {
    "Catalogue": "model.catalogue",
    "Decision": "model.decision",
    "Engine": "engine.engine",
    "Event": "model.event",
    "EventDecoder": "exchange.decode",
    "Policy": "policy",
    "Source": "policy",
    "TrustwardError": "base.errors",
    "load_catalogue": "model.catalogue",
    "load_policy": "policy",
    "parse_time": "base.units",
}

__all__ = [  # noqa: PLE0604  # the names are those of _PLACES, which a test holds against the page
    "__version__",
    *_PLACES,
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``import trustward`` stays quick."""
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'trustward' has no attribute {name!r}")
    value = getattr(import_module(f"trustward.{place}"), name)
    globals()[name] = value
    return value
