"""An archive step in a process of its own that kills itself at one instant: at its N-th call, wherever that is.

python -m tests.service.archiving_driven DATABASE DATA N (0: it goes on to the end, and prints how many calls it made)
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.service.dying import dying_at
from trustward.adapters.store.opened import open_store
from trustward.operations.archiving import Archiving


def main(database: str, data: str, at: int) -> None:
    store = open_store(database, Path(data))
    story = Archiving(store.journal, store.archived, store.snapshots, store.shelf, lambda: 1)
    end = dying_at(at)
    story.run(None, lambda _day: None)
    sys.stdout.write(f"{end()}\n")
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
