"""Train the screeners: ``python -m models [NAME ...] [--data FOLDER]``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

NAMES = ("folding", "links", "texts", "goods", "identities", "networks")


def main() -> int:
    """Build what is asked for, or everything, in an order in which nothing needs what comes later."""
    parser = argparse.ArgumentParser(prog="python -m models", description="Train the screeners.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder of the sets")
    told = parser.parse_args()
    unknown = [name for name in told.names if name not in NAMES]
    if unknown or not (told.data / "ref_lists").is_dir():
        print(f"unknown: {unknown}" if unknown else f"{told.data} is not the folder of the sets", file=sys.stderr)
        return 2
    for name in told.names or NAMES:
        print(f"{name} ...", flush=True)
        import_module(f"models.{name}").main(told.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
