"""What the tests compile, compiled before the first of them: by two processes side by side, each its own half.

Compiled kernels are kept on disk, so a second run finds them. But on a new machine two processes that begin with the
tests would each compile the largest kernels at the same moment.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.engine.worlds import CATALOGUE, NOW_US, POLICY
from trustward.engine.engine import Engine
from trustward.exchange.decode import EventDecoder
from trustward.screening.screeners import screeners
from trustward.simulate.run import simulate


def windows() -> None:
    """The simulator, the decoder and the windows: a small world is made and decided on."""
    with TemporaryDirectory(prefix="tw-warm-") as folder:
        events = Path(folder, "events.ndjson")
        simulate(100, 1, 1, events)
        decoded = EventDecoder(CATALOGUE).decode_lines(events.read_bytes())
    engine = Engine(POLICY)
    engine.decide_batch(decoded.events, now_us=NOW_US)


def screening() -> None:
    """The screeners, with their own examples."""
    for screener in screeners().values():
        for value in (*screener.harmless, *screener.harmful):
            screener.screen(value)
        screener.screen_many([*screener.harmless, *screener.harmful])


JOBS = (windows, screening)
