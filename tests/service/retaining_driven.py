"""Runs of retention that kill themselves at one instant each: at their N-th call, wherever that is.

python -m tests.service.retaining_driven NOW COUNTED [DATA ...]
The first one, over COUNTED, goes on to its end, and says how many calls it made; the others are spread over those.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.service.dying import dying_at
from tests.service.test_retention import MESSAGES, retaining
from trustward.adapters.store.opened import open_store


def killed(data: str, now_us: int, at: int) -> int:
    """Run to the call ``at``; to the end if there are not as many. How many there were."""
    store = open_store("", Path(data))
    story = retaining(store, now_us, MESSAGES)
    end = dying_at(at)
    story.run(lambda _told: None)
    calls = end()
    store.close()
    return calls


def main(now_us: int, counted: str, others: list[str]) -> None:
    """Each of the others in a process of its own, which has everything loaded already."""
    calls = killed(counted, now_us, 0)
    for number, data in enumerate(others, 1):
        child = os.fork()
        if not child:
            killed(data, now_us, 1 + number * (calls - 1) // (len(others) + 1))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
