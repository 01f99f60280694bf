"""A process that kills itself at one instant: at its N-th call, wherever that is."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def dying_at(at: int) -> Callable[[], int]:
    """From now on the ``at``-th call is the last (0: none is). What is given back ends that: how many there were."""
    calls = 0

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        # Calls of ours, and of all that is written in C: a step to the disk is one of those.
        if event not in {"call", "c_call"} or "trustward" not in frame.f_code.co_filename:
            return
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def end() -> int:
        sys.setprofile(None)
        return calls

    sys.setprofile(count)
    return end
