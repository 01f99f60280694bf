"""What every command uses to speak: answers on standard output, everything else on standard error."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Watch = Callable[[int, int, int, int], None]
"""Is told bytes done, bytes in all (0 if unknown), events, and flagged events."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

PIPED_WIDTH = 120
"""Characters to a line where there is no terminal to ask."""

_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, invisible and direction marks, lone surrogates, line separators


def plain(value: object, limit: int = 400) -> str:
    r"""Text that is safe to print: what could steer a terminal or hide is shown as an escape.

    >>> plain("ok\x1b[2J\u202e")
    'ok\\x1b[2J\\u202e'
    >>> plain("a" * 10, limit=5)
    'aaaa…'
    """
    text = str(value)
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        ascii(character)[1:-1] if unicodedata.category(character) in _UNSAFE else character for character in text
    )


def counted(number: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "record"), counted(1_200, "record")
    ('1 record', '1,200 records')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def answers() -> Console:
    """The console for answers: standard output."""
    from rich.console import Console

    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def messages() -> Console:
    """The console for progress and errors: standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, width=None if sys.stderr.isatty() else PIPED_WIDTH)


def emit_json(answer: Any, *, indent: int = 2) -> None:
    """Print a record, or anything made of records, lists and dicts, as JSON."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(answer), indent=indent).decode()
    if (sys.stdout.encoding or "").lower().replace("-", "") not in {"utf8", "utf8sig"}:
        # JSON is UTF-8, and any encoding can hold its escapes.
        text = _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)
    sys.stdout.write(text + "\n")


@contextmanager
def watching(title: str, *, quiet: bool = False) -> Iterator[Watch]:
    """A progress bar on standard error, if that is a terminal; otherwise nothing is shown.

    >>> with watching("Reading") as watch:
    ...     watch(50, 100, 3, 0)
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _total, _events, _flagged: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=messages(), transient=True, refresh_per_second=8) as progress:
        task = progress.add_task(title, total=None, note="")

        def watch(done: int, total: int, events: int, flagged: int) -> None:
            note = f"{events:,} events" + (f", {flagged:,} flagged" if flagged else "")
            progress.update(task, completed=done, total=total or None, note=note)

        yield watch
