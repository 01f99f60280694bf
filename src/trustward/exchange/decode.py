"""Lines to events: whole chunks at the decoder's own speed, line by line only where something is wrong.

A record whose envelope is unusable (no JSON object, no id, no known type, no time) is set aside. A record with a
faulty field stays an event, without that field, and its faults are named: the engine decides it as degraded. The
outcome of a line never depends on the lines beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Union

import msgspec

from trustward.exchange.cloudevents import CloudEvents
from trustward.exchange.diagnose import Diagnoser, Diagnosis, UnusableError, has_doubled_keys, parse_object
from trustward.exchange.doubled import suspicious_lines
from trustward.exchange.records import Decoded, Reject, excerpt
from trustward.exchange.values import time_fault
from trustward.model.catalogue import Catalogue
from trustward.model.decision import Fault
from trustward.model.event import Event, event_classes, type_of

LINE_LIMIT = 16 * 2**20
"""Most bytes that one line may have."""
BOM = b"\xef\xbb\xbf"

_LARGE = 2**17
_NEWLINE, _BRACE = 10, 123
_BLANK = b" \t\r"
_FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class EventDecoder:
    """Decodes NDJSON in the flat form and in CloudEvents 1.0, mixed as they come.

    ``thorough`` also looks at each line for malformed times, which takes about ten times as long; without it times are
    left to the engine.

    >>> from trustward.model.catalogue import load_catalogue
    >>> decoder = EventDecoder(load_catalogue())
    >>> line = b'{"type": "password.changed", "id": "1", "time": "2026-01-31T12:00:00Z", "account": 7}'
    >>> decoder.decode_lines(line).faults
    {0: (Fault(path='$.account', cause='expected text, got 7'),)}
    """

    def __init__(self, catalogue: Catalogue, *, thorough: bool = False, line_limit: int = LINE_LIMIT) -> None:
        self.catalogue = catalogue
        self.classes = event_classes(catalogue)
        self.thorough = thorough
        self.line_limit = line_limit
        self._decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(
            Union[tuple(self.classes.values())]  # noqa: UP007  # a union made of data
        )
        self._times = {
            name: [field.name for field in event_type.fields.values() if field.type == "time"]
            for name, event_type in catalogue.types.items()
        }

    @cached_property
    def _cloudevents(self) -> CloudEvents:
        return CloudEvents(self.catalogue, self.classes)

    @cached_property
    def diagnoser(self) -> Diagnoser:
        """The slow and exact reader of single records."""
        return Diagnoser(self.catalogue, self.classes)

    def decode_lines(self, chunk: bytes | bytearray | memoryview, first_line: int = 1) -> Decoded:
        """The events of whole lines. ``first_line`` is the number of the chunk's first line, from 1.

        Never raises for what the lines hold. A byte order mark before the first line of all is skipped.
        """
        if first_line == 1 and bytes(chunk[:3]) == BOM:
            chunk = memoryview(chunk)[3:]
        if not self.thorough and len(chunk) <= self.line_limit:
            try:
                events = self._decoder.decode_lines(chunk)
            except _FAILURES:
                events = []
            if _one_to_a_line(chunk, len(events)) and not self._doubled(chunk):
                count = len(events)
                lines = range(first_line, first_line + count)
                return Decoded(
                    events=events, faults={}, rejects=[], lines=lines, first_line=first_line, line_count=count
                )
        return self._line_by_line(bytes(chunk), first_line)

    def _doubled(self, chunk: bytes | bytearray | memoryview) -> bool:
        """Whether a line of a chunk gives a key twice."""
        suspicious = suspicious_lines(chunk)
        if not suspicious:
            return False
        rows = bytes(chunk).split(b"\n")
        return any(_is_doubled(rows[number]) for number in suspicious)

    def _line_by_line(self, chunk: bytes, first_line: int) -> Decoded:
        events: list[Event] = []
        faults: dict[int, tuple[Fault, ...]] = {}
        rejects: list[Reject] = []
        lines: list[int] = []
        rows = chunk.split(b"\n")
        if not rows[-1]:
            rows.pop()
        # Most lines are good, and beside each other in the same form: try the form of the last line that was not.
        read: Callable[[bytes], Event] = self._decoder.decode
        longest = -1 if self.thorough else self.line_limit
        suspicious = set() if self.thorough else set(suspicious_lines(chunk))
        for number, row in enumerate(rows, first_line):
            if len(row) <= longest and number - first_line not in suspicious:
                try:
                    event = read(row)
                except _FAILURES:
                    pass
                else:
                    events.append(event)
                    lines.append(number)
                    continue
            if not row.strip(_BLANK):
                continue
            read = self._cloudevents.decode if b'"specversion"' in row else self._decoder.decode
            try:
                event, found = self._one(row)
            except UnusableError as fault:
                rejects.append(Reject(line=number, path=fault.path, cause=fault.cause, raw=excerpt(row)))
                continue
            if found:
                faults[len(events)] = found
                raw = excerpt(row)
                rejects += [Reject(line=number, path=f.path, cause=f.cause, decided=True, raw=raw) for f in found]
            events.append(event)
            lines.append(number)
        return Decoded(
            events=events, faults=faults, rejects=rejects, lines=lines, first_line=first_line, line_count=len(rows)
        )

    def _one(self, row: bytes) -> Diagnosis:
        """One line's event. Raises ``UnusableError``."""
        if len(row) > self.line_limit:
            raise UnusableError("$", oversize(len(row), self.line_limit))
        readers: list[Callable[[bytes], Event]] = [self._decoder.decode]
        if b'"specversion"' in row:
            readers.insert(0, self._cloudevents.decode)
        complaint = ""
        for read in readers:
            try:
                event = read(row)
            except _FAILURES as failure:
                complaint = complaint or str(failure)
                continue
            if has_doubled_keys(parse_object(row)):
                break
            return self._with_times(Diagnosis(event, ())) if self.thorough else Diagnosis(event, ())
        diagnosis = self.diagnoser.line(row)
        if not diagnosis.faults:
            raise UnusableError("$", f"not readable: {complaint}")
        return self._with_times(diagnosis) if self.thorough else diagnosis

    def _with_times(self, diagnosis: Diagnosis) -> Diagnosis:
        event, faults = diagnosis
        cause = time_fault(event.time)
        if cause:
            raise UnusableError("$.time", cause)
        wrong: dict[str, Any] = {}
        for name in self._times[type_of(event)]:
            text = getattr(event, name)
            cause = None if text is None else time_fault(text)
            if cause:
                wrong[name] = None
                faults = (*faults, Fault(path=f"$.{name}", cause=cause))
        return Diagnosis(msgspec.structs.replace(event, **wrong), faults) if wrong else diagnosis


def _is_doubled(row: bytes) -> bool:
    """Whether a line gives a key twice; False for one that is not JSON, which is somebody else's finding."""
    try:
        return has_doubled_keys(parse_object(row))
    except UnusableError:
        return False


def oversize(size: int, limit: int) -> str:
    """The cause told of a line that is too long."""
    return f"a line has at most {limit:,} bytes, this one {size:,}"


def _one_to_a_line(chunk: bytes | bytearray | memoryview, count: int) -> bool:
    """Whether the events that were decoded from a chunk stood one to a line, with no line left over.

    The decoder takes any white space between objects and inside them, so it may have read two from one line or one
    from two. Fields hold no objects, so a line that begins with a brace begins an event: with as many such lines as
    lines and as events, nothing else is possible.
    """
    return _aligned_large(chunk, count) if len(chunk) > _LARGE else _aligned_small(bytes(chunk), count)


def _aligned_small(text: bytes, count: int) -> bool:
    if not text:
        return count == 0
    newlines = text.count(b"\n") - text.endswith(b"\n")
    return newlines + 1 == count and text.startswith(b"{") and text.count(b"\n{") == newlines


def _aligned_large(chunk: bytes | bytearray | memoryview, count: int) -> bool:
    import numpy as np  # noqa: PLC0415  # four times as fast on a large chunk, and not worth loading for a small one

    data = np.frombuffer(chunk, np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    starts = ends[:-1] + 1 if len(ends) and ends[-1] == len(data) - 1 else ends + 1
    return len(starts) + 1 == count and data[0] == _BRACE and bool((data[starts] == _BRACE).all())
