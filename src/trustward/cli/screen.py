"""``trustward screen``: what a link, a text, a listing, a number, an address says by itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from trustward.screening.screeners import Screener

_BLOCK = 1_000
_READ = 1 << 20
_LONGEST_LINE = 64 << 20
"""Bytes of one line of input; a longer one is refused before it fills the memory."""
_MARK = b"\xef\xbb\xbf"
"""What some programs write in front of UTF-8."""


def screen(
    name: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="What to screen: link, text, listing, phone, email, merchant, address, agent."
        ),
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VALUE",
            help="Values. Without any, lines of JSON are read from standard input.",
            show_default=False,
        ),
    ] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option("--in", metavar="FILE", help="Read the lines of JSON from a file instead.", show_default=False),
    ] = None,
) -> None:
    """Screen values by themselves: a score from 0 to 1, a verdict, and why.

    Each line of input is an object such as {"id": "m1", "value": "..."}; the value of a listing is an object of its
    own, or its fields stand beside the id. Each line of output is an object with id, score, verdict (ok, suspicious,
    harmful), category, reasons, entities and version, in the order of the input. A line that cannot be read is
    reported with its number and passed over; the command then ends with exit code 1.
    """
    from trustward.base.errors import UsageError
    from trustward.cli.console import counted, messages
    from trustward.cli.exits import Exit
    from trustward.model.nearest import nearest
    from trustward.screening.screeners import screeners

    known = screeners()
    screener = known.get(name)
    if screener is None:
        near = nearest(name, known)
        raise UsageError(
            f"there is nothing to screen called {name!r}",
            remedy=f"did you mean {near}?" if near else f"choose one of {', '.join(sorted(known))}",
        )
    if values:
        if file is not None:
            raise UsageError("both values and --in are given", remedy="give one of them")
        _write(screener, [(str(i), _argument(screener, value)) for i, value in enumerate(values, 1)])
        return
    faults = 0
    block: list[tuple[Any, Any]] = []
    for number, line in _lines(file):
        if line is not None:
            try:
                block.append(_record(screener, number, line))
            except UnreadableError as fault:
                faults += 1
                messages().print(f"line {number}: {fault.args[0]}; {fault.args[1]}", soft_wrap=True)
        if line is None or len(block) >= _BLOCK:
            _write(screener, block)
            block = []
    _write(screener, block)
    if faults:
        messages().print(f"{counted(faults, 'line')} passed over")
        raise typer.Exit(Exit.FOUND)


def _lines(file: Path | None) -> Iterator[tuple[int, bytes | None]]:
    """The lines with their numbers; None whenever no more is there yet, so that a slow sender gets its answers."""
    stream = file.open("rb") if file is not None else sys.stdin.buffer
    number, size = 0, 0
    rest: list[bytes] = []
    with stream:
        while piece := stream.read1(_READ):  # type: ignore[union-attr]
            first, *lines = piece.split(b"\n")
            # The pieces of a long line are joined once, when its end is there.
            rest.append(first)
            size += len(first)
            if lines:
                lines.insert(0, b"".join(rest))
                rest = [lines.pop()]
                size = len(rest[0])
            for line in lines:
                number += 1
                yield number, line if number > 1 else line.removeprefix(_MARK)
            if size > _LONGEST_LINE:
                from trustward.base.errors import InputError

                raise InputError(
                    f"line {number + 1} is longer than {_LONGEST_LINE >> 20} MiB", remedy="write one object a line"
                )
            if lines:
                yield number, None
    if last := b"".join(rest):
        yield number + 1, last if number else last.removeprefix(_MARK)


def _argument(screener: Screener, value: str) -> Any:
    """A value from the command line: for fields, an object of JSON, or the first field alone."""
    # What is no text to the system comes in with half surrogates, and is screened as it is.
    if not screener.fields:
        return value
    if value.lstrip().startswith("{"):
        from trustward.base.errors import UsageError

        fields, fault = _fields(screener, _decoded(value.encode("utf-8", "surrogatepass")))
        if fields is None:
            raise UsageError(f"{value[:60]!r}: {fault}", remedy=f"give an object with {', '.join(screener.fields)}")
        return fields
    return {next(iter(screener.fields)): value}


def _decoded(line: bytes) -> Any:
    """The value of a line of JSON, or None. The slow decoder reads what the strict one refuses (lone surrogates)."""
    import json

    import msgspec

    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None


class UnreadableError(ValueError):
    """What is wrong with a line, and what to do."""


def _record(screener: Screener, number: int, line: bytes) -> tuple[Any, Any]:
    """Id and value of a line. Raises :class:`UnreadableError`."""
    if not line.strip():
        raise UnreadableError("the line is empty", 'write {"id": ..., "value": ...}')
    record = _decoded(line)
    if isinstance(record, str) and not screener.fields:
        return number, record
    if not isinstance(record, dict):
        raise UnreadableError("this is no object of JSON", 'write {"id": ..., "value": ...} on one line')
    key = record.get("id", number)
    if not isinstance(key, (str, int)) or isinstance(key, bool):
        raise UnreadableError("id is neither a text nor a whole number", "give each line an id of its own")
    value = record.get("value")
    if screener.fields:
        given = value if isinstance(value, dict) else {k: v for k, v in record.items() if k not in ("id", "value")}
        if isinstance(value, str):
            given = {next(iter(screener.fields)): value, **given}
        fields, fault = _fields(screener, given)
        if fields is None:
            raise UnreadableError(fault, "see `trustward screen --help`")
        return key, fields
    if not isinstance(value, str):
        raise UnreadableError("value is no text", 'write {"id": ..., "value": "..."}')
    return key, value


def _fields(screener: Screener, given: Any) -> tuple[dict[str, Any] | None, str]:
    """The fields of a value, or what is wrong with them. Fields that the screener does not know are passed over."""
    if not isinstance(given, dict):
        return None, "the value is no object"
    first = next(iter(screener.fields))
    if not isinstance(given.get(first), str):
        return None, f"{first} is missing or no text"
    found: dict[str, Any] = {}
    for name, kind in screener.fields.items():
        value = given.get(name)
        if value is None:
            continue
        wanted = str if kind == "text" else (int, float)
        if not isinstance(value, wanted) or isinstance(value, bool):
            return None, f"{name} is no {kind}"
        found[name] = value
    return found, ""


def _write(screener: Screener, block: list[tuple[Any, Any]]) -> None:
    if not block:
        return
    import json

    signals = screener.screen_many([value for _, value in block])
    lines = []
    for (key, _), signal in zip(block, signals, strict=True):
        answer = {
            "id": key,
            "score": signal.score,
            "verdict": signal.verdict,
            "category": signal.category,
            "reasons": signal.reasons,
            "entities": [{"kind": kind, "id": entity} for kind, entity in signal.entities],
            "version": signal.version,
        }
        lines.append(json.dumps(answer, ensure_ascii=True))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
