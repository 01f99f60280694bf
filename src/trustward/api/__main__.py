"""Runs the service: ``python -m trustward.api``, as ``trustward serve`` does. Settings come from the environment."""

from __future__ import annotations

import os
import sys

from trustward.api.server import run
from trustward.base.errors import TrustwardError
from trustward.settings import load_settings


def main() -> int:
    """Serve; 0 after a good end, 2 if the service could not start."""
    try:
        run(load_settings(os.environ))
    except TrustwardError as fault:
        sys.stderr.write(f"error {fault.code}: {fault.message}\n")
        if fault.remedy:
            sys.stderr.write(f"  what to do: {fault.remedy}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
