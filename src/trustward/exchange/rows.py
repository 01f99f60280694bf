"""Rows of a table to events, by a mapping or by columns that are named like fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from operator import itemgetter
from typing import Any, NamedTuple

from trustward.base.errors import MappingError
from trustward.exchange.cells import Reader, as_text, major_reader, plain_number, reader
from trustward.exchange.diagnose import ENVELOPE, Diagnoser, Diagnosis, UnusableError
from trustward.exchange.mapping import (
    NUMBERS,
    DecimalSign,
    EventMapping,
    RowMapping,
    Take,
    When,
    missing_columns,
    template_parts,
)
from trustward.exchange.records import RAW_LIMIT, Decoded, Reject, safe_text
from trustward.exchange.times import TimeReader
from trustward.exchange.values import CellError, check
from trustward.model.catalogue import Catalogue, Field
from trustward.model.decision import Fault
from trustward.model.event import ID_LIMIT, Event
from trustward.model.nearest import nearest

Row = Sequence[Any]
_Source = Callable[[Row], Any]
_TEXT = Field(name="", type="text")
_COLUMN = Take(column="")


class _Step(NamedTuple):
    """One field of one event: where its cell is, and how it is read (by the currency of the row, where ``by``)."""

    field: Field
    origin: str
    source: _Source
    read: Reader
    by: str = ""


class RowDecoder:
    """Decodes the rows of one table. Raises ``MappingError`` where mapping and header do not fit.

    >>> from trustward.model.catalogue import load_catalogue
    >>> from trustward.model.event import event_classes
    >>> catalogue = load_catalogue()
    >>> rows = RowDecoder(catalogue, event_classes(catalogue), ["type", "id", "time", "account"])
    >>> rows.decode([(2, ["password.changed", "e1", "2026-01-31T12:00:00Z", "a7"])]).events[0].account
    'a7'
    """

    def __init__(
        self,
        catalogue: Catalogue,
        classes: Mapping[str, type[Event]],
        header: Sequence[str],
        mapping: RowMapping | None = None,
        *,
        diagnoser: Diagnoser | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._classes = classes
        self._header = list(header)
        self._diagnoser = diagnoser or Diagnoser(catalogue, classes)
        self._missing = frozenset(mapping.missing) if mapping else frozenset({""})
        self._makers: list[Callable[[Row], Diagnosis | None]]
        if mapping is None:
            self._check_header()
            self._readers: dict[str, dict[str, Reader]] = {}
            self._makers = [self._unmapped]
        else:
            fault = missing_columns(mapping, self._header)
            if fault:
                raise MappingError(f"{mapping.name}: {fault}", remedy="the table has " + _some(self._header))
            self._makers = [self._maker(mapping, event) for event in mapping.events]

    def decode(self, rows: Iterable[tuple[int, Row]], rejects: Sequence[Reject] = ()) -> Decoded:
        """The events of numbered rows, in their order; ``rejects`` were found on the way here and are passed on."""
        events: list[Event] = []
        faults: dict[int, tuple[Fault, ...]] = {}
        set_aside = list(rejects)
        lines: list[int] = []
        number = 0
        for number, row in rows:
            for make in self._makers:
                try:
                    made = make(row)
                except UnusableError as fault:
                    set_aside.append(Reject(line=number, path=fault.path, cause=fault.cause, raw=_raw(row)))
                    continue
                if made is None:
                    continue
                if made.faults:
                    faults[len(events)] = made.faults
                    set_aside += [
                        Reject(line=number, path=f.path, cause=f.cause, decided=True, raw=_raw(row))
                        for f in made.faults
                    ]
                events.append(made.event)
                lines.append(number)
        return Decoded(events=events, faults=faults, rejects=set_aside, lines=lines)

    # ------------------------------------------------------------------ with a mapping

    def _maker(self, mapping: RowMapping, event: EventMapping) -> Callable[[Row], Diagnosis | None]:
        cls = self._classes[event.type]
        fields = self._catalogue.types[event.type].fields
        steps = [self._step(fields[name], take, event, mapping) for name, take in event.fields.items()]
        if event.truth is not None:
            steps.append(self._step(Field(name="truth", type="text"), event.truth, event, mapping))
        # What is read by the row's currency comes after the currency.
        steps.sort(key=lambda step: bool(step.by))
        required = [field.name for field in fields.values() if field.required]
        id_source, id_read = self._cell(Field(name="id", type="text"), event.id, mapping)
        time_source, time_read = self._cell(Field(name="time", type="time"), event.time, mapping)
        holds = self._condition(event.when) if event.when else None
        missing, source = self._missing, mapping.source
        no_nan = "NaN" in missing

        def make(row: Row) -> Diagnosis | None:
            if holds is not None and not holds(row):
                return None
            values: dict[str, Any] = {
                "id": _envelope(row, id_source, id_read, "id", missing),
                "time": _envelope(row, time_source, time_read, "time", missing),
                "source": source,
            }
            faults: list[Fault] = []
            for field, origin, cell_of, read, by in steps:
                try:
                    cell = cell_of(row)
                    if cell is None or (cell.__class__ is str and cell in missing):
                        continue
                    if cell.__class__ is float and no_nan and isnan(cell):
                        continue
                    values[field.name] = major_reader(values.get(by))(cell) if by else read(cell)
                except (ValueError, OverflowError) as fault:
                    values[field.name] = None
                    faults.append(_fault(field.name, fault, f"{origin}: "))
            for name in required:
                if name not in values:
                    values[name] = None
                    faults.append(Fault(path=f"$.{name}", cause=f"missing, and {event.type} needs it"))
            return Diagnosis(cls(**values), tuple(faults))

        return make

    def _step(self, field: Field, take: Take, event: EventMapping, mapping: RowMapping) -> _Step:
        source, read = self._cell(field, take, mapping)
        by = field.currency if take.unit == "major" else ""
        origin = f"column {safe_text(take.column)!r}" if take.column is not None else "the mapping"
        if by and (constant := event.fields[by].value) is not None:
            try:
                read, by = major_reader(constant), ""
            except CellError as fault:
                raise MappingError(
                    f"{mapping.name}: fields.{by}: {fault}", remedy="write it as ISO 4217 does"
                ) from fault
        return _Step(field, origin, source, read, by)

    def _cell(self, field: Field, take: Take, mapping: RowMapping) -> tuple[_Source, Reader]:
        """Where a value's cell is, and its reader."""
        if take.value is not None:
            constant = check(field, take.value)
            return (lambda _row: constant), _same
        source = self._source(take)
        if take.values is not None:
            values = {key: check(field, value) for key, value in take.values.items()}
            other = None if take.other is None else check(field, take.other)
            return (lambda row: _looked_up(source(row), values, other)), _same
        decimal = take.decimal or mapping.decimal
        if decimal is not None and field.type in NUMBERS:
            source = self._spelled(source, decimal, whole=field.type == "whole")
        return source, reader(field, take, mapping.zone)

    def _spelled(self, source: _Source, decimal: DecimalSign, *, whole: bool) -> _Source:
        missing = self._missing

        def spelled(row: Row) -> Any:
            cell = source(row)
            if cell.__class__ is str and cell in missing:
                return cell
            number = plain_number(cell, decimal)
            # The mapping has said that its zeros are a fraction.
            return number.removesuffix(".000") if whole and number.__class__ is str else number

        return spelled

    def _source(self, take: Take) -> _Source:
        if take.column is not None:
            return itemgetter(self._header.index(take.column))
        parts = [
            (text, None if column is None else self._header.index(column))
            for text, column in template_parts(take.template or "")
        ]
        absent = self._absent

        def fill(row: Row) -> str | None:
            filled = []
            for text, column in parts:
                filled.append(text)
                if column is not None:
                    cell = row[column]
                    if absent(cell):
                        return None
                    filled.append(as_text(cell))
            return "".join(filled)

        return fill

    def _absent(self, cell: Any) -> bool:
        """Whether a cell is written as absent ones are."""
        if cell.__class__ is float:
            return isnan(cell) and "NaN" in self._missing
        return cell is None or (cell.__class__ is str and cell in self._missing)

    def _condition(self, when: When) -> Callable[[Row], bool]:
        column = self._header.index(when.column)
        among = None if when.among is None else frozenset(map(as_text, when.among))
        absent = self._absent

        def holds(row: Row) -> bool:
            cell = row[column]
            there = not absent(cell)
            if when.present is not None and there != when.present:
                return False
            if among is None:
                return True
            try:
                return there and ((text := as_text(cell)) in among or _without_point(text) in among)
            except ValueError:
                return False

        return holds

    # ------------------------------------------------------------------ without

    def _check_header(self) -> None:
        for name in ("type", "id", "time"):
            if name not in self._header:
                near = nearest(name, self._header)
                meant = f"; is it {near!r}?" if near else ""
                raise MappingError(
                    f"the table has no column {name!r}{meant}",
                    remedy="say with --mapping how its rows become events; it has " + _some(self._header),
                )

    def _unmapped(self, row: Row) -> Diagnosis:
        record = {
            name: cell
            for name, cell in zip(self._header, row, strict=True)
            if cell is not None and not (cell.__class__ is str and not cell)
        }
        faults: list[Fault] = []
        given = set(record)
        event_type = record.get("type")
        known = isinstance(event_type, str) and event_type in self._catalogue.types
        fields = self._catalogue.types[str(event_type)].fields if known else {}
        for name in given:
            field = fields.get(name)
            try:
                if field is not None:
                    record[name] = self._reader(str(event_type), field)(record[name])
                elif name == "time":
                    record[name] = _RFC3339.read(record[name])
                elif name in ENVELOPE:
                    record[name] = as_text(record[name])
            except (ValueError, OverflowError) as fault:
                if name in ("id", "time"):
                    raise UnusableError(f"$.{name}", safe_text(str(fault), 200)) from fault
                record[name] = None
                faults.append(_fault(name, fault))
        return self._diagnoser.record(record, faults, given)

    def _reader(self, event_type: str, field: Field) -> Reader:
        known = self._readers.setdefault(event_type, {})
        if field.name not in known:
            known[field.name] = reader(field, _COLUMN, None)
        return known[field.name]


_RFC3339 = TimeReader()


def _envelope(row: Row, source: _Source, read: Reader, name: str, missing: frozenset[str]) -> str:
    """The id or the time of a row's event. Raises ``UnusableError``."""
    try:
        cell = source(row)
        if cell is None or (cell.__class__ is str and cell in missing):
            raise UnusableError(f"$.{name}", "missing: every event needs one")
        value = str(read(cell))
    except (ValueError, OverflowError) as fault:
        raise UnusableError(f"$.{name}", safe_text(str(fault), 200)) from fault
    if name == "id" and not 0 < len(value) <= ID_LIMIT:
        raise UnusableError("$.id", f"an id has 1 to {ID_LIMIT} characters, this one {len(value):,}")
    return value


def _fault(name: str, fault: Exception, origin: str = "") -> Fault:
    where = fault.where if isinstance(fault, CellError) else ""
    return Fault(path=f"$.{name}{where}", cause=origin + safe_text(str(fault), 200))


def _looked_up(cell: Any, values: Mapping[str, Any], other: Any) -> Any:
    if cell is None:
        return None
    if cell.__class__ is float and isnan(cell):
        return other
    text = as_text(cell)
    return values[text] if text in values else values.get(_without_point(text), other)


def _without_point(text: str) -> str:
    """A whole number that was written as a float, as tables with empty cells do, without its ``.0``."""
    whole, point, zeros = text.partition(".")
    return whole if point and not zeros.strip("0") and whole.removeprefix("-").isdigit() else text


def _same(value: Any) -> Any:
    return value


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(safe_text(str(name), 40) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _raw(row: Row) -> str:
    """A faulty row for the reject file: its cells with commas between them."""
    cells = ("" if cell is None else safe_text(str(cell), RAW_LIMIT) for cell in row)
    return ",".join(cells)[:RAW_LIMIT]
