"""Trials in a process of its own that can be killed at any instant; a line for each round that got on.

python -m tests.service.trial_worker DATA
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

from tests.service.kit import DECODER, NOW_US, compile_policy
from trustward.adapters.store.opened import open_store
from trustward.operations.trying import Trying


def main(data: str) -> None:
    """Go on with every trial until none is open."""
    with closing(open_store("", Path(data))) as store:
        # Always the same name: whoever comes next need not wait for the lease to end.
        trying = Trying(
            store, DECODER, compile_policy, skew_us=0, worker="w", clock=lambda: NOW_US, slice_s=0, save_s=0
        )
        while store.trials.open():
            trying.round()
            os.write(1, b"round\n")


if __name__ == "__main__":
    main(sys.argv[1])
