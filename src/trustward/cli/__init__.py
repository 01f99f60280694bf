"""The command line. ``main`` is what the ``trustward`` command runs."""

from __future__ import annotations


def main() -> None:
    """Run the command line and end the process with its exit code."""
    import sys

    from trustward.cli.run import run

    sys.exit(run(sys.argv[1:]))
