"""An archive step in a process of its own that kills itself at one instant: at its N-th call, wherever that is.

python -m tests.service.archiving_driven DATABASE DATA N (0: it goes on to the end, and prints how many calls it made)
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from trustward.adapters.store.opened import open_store
from trustward.operations.archiving import Archiving


def main(database: str, data: str, at: int) -> None:
    store = open_store(database, Path(data))
    story = Archiving(store.journal, store.archived, store.snapshots, store.shelf, lambda: 1)
    calls = 0

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        # Calls of ours, and of all that is written in C: a step to the disk is one of those.
        if event not in {"call", "c_call"} or "trustward" not in frame.f_code.co_filename:
            return
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    story.run(None, lambda _day: None)
    sys.setprofile(None)
    sys.stdout.write(f"{calls}\n")
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
