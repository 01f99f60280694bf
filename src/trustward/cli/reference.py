"""The reference of the command line, made from the commands themselves: ``python -m trustward.cli.reference FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

from trustward.cli.exits import MEANINGS

_HEAD = """\
# The command line

<!-- Written by `make docs` from the commands themselves; a test fails when this page is out of date. -->

Answers go to standard output, progress and errors to standard error. With `--json` the answer is one JSON document, in
the shape of the records in `src/trustward/engine/summary.py`. Progress is shown only on a terminal.

Files are written beside their place and moved there when they are complete: a command that is stopped leaves nothing
half-written. `TRUSTWARD_DEBUG=1` shows the trace of an unexpected error instead of putting it into a file.

## Exit codes

| code | means |
| --- | --- |
"""


def commands(group: Any, prefix: str = "trustward") -> Iterator[tuple[str, Any]]:
    """Every command with its full name, those of sub-groups included."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")


def _describe(name: str, command: Any) -> Iterator[str]:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option" and param.name != "help"]
    usage = " ".join([name, *map(_argument, arguments), "[OPTIONS]"])
    yield f"## {name}\n"
    yield f"```text\n{usage}\n```\n"
    yield cleandoc(command.help or "").replace("\f", "") + "\n"
    if arguments or options:
        yield "| argument or option | meaning | without it |"
        yield "| --- | --- | --- |"
    for param in arguments:
        yield f"| `{_argument(param)}` | {_cell(param.help or '')} | required |"
    for param in options:
        shown = f"{', '.join(param.opts)}{' ' + param.metavar if param.metavar and not param.is_flag else ''}"
        default = "required" if param.required else _default(param)
        yield f"| `{shown}` | {_cell(param.help or '')} | {default} |"
    yield ""


def _argument(param: Any) -> str:
    return f"{param.metavar or param.name.upper()}{'...' if param.nargs == -1 else ''}"


def _default(param: Any) -> str:
    value = param.default
    if value is None or value is False or value in ([], ()):
        return ""
    return f"`{value}`"


def render() -> str:
    """The whole page as Markdown."""
    from typer.main import get_command

    from trustward.cli.app import app

    lines = [f"| {int(code)} | {_cell(meaning)} |" for code, meaning in MEANINGS.items()]
    parts = [_HEAD + "\n".join(lines) + "\n"]
    for name, command in commands(get_command(app)):
        parts.extend(_describe(name, command))
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
