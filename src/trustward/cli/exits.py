"""Exit codes: what a script may rely on."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended. The docstrings are the reference that ``docs/cli.md`` shows."""

    FINE = 0
    FOUND = 1
    USAGE = 2
    INPUT = 3
    BUG = 70
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


MEANINGS = {
    Exit.FINE: "Done, and nothing to complain about.",
    Exit.FOUND: "Done, and faults were found, where finding them was the task (`policy check`, `events validate`, "
    "`db check`, `source check`, `archive --check`, `audit`, `clues verify`); `screen`: some lines could not be read.",
    Exit.USAGE: "Not done: an argument, a place to write to, a policy, a mapping or a catalogue is wrong.",
    Exit.INPUT: "Not done: a file cannot be read, or not be written to its end; with `--strict`, a record is faulty.",
    Exit.BUG: "Not done: a fault in Trustward itself. The message names a file with the details.",
    Exit.INTERRUPTED: "Stopped with Ctrl-C. Nothing half-written is left.",
    Exit.PIPE_CLOSED: "The program that read the output has stopped reading, as `head` does.",
    Exit.TERMINATED: "Stopped by the system. Nothing half-written is left.",
}
"""One sentence for each code."""
