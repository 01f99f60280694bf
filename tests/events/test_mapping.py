"""Mappings: rows of any table become events, and a wrong mapping is refused with its place."""

# ruff: noqa: E501  # texts that are compared are kept whole

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.lines import CATALOGUE
from trustward.adapters.files import EventFiles
from trustward.base.errors import MappingError
from trustward.exchange.cells import money_reader
from trustward.exchange.decode import EventDecoder
from trustward.exchange.mapping import RowMapping, load_mapping, parse_mapping
from trustward.exchange.records import Decoded
from trustward.exchange.rows import RowDecoder
from trustward.exchange.times import TimeReader

DECODER = EventDecoder(CATALOGUE)
EXAMPLES = Path(__file__).parents[2] / "examples" / "mappings"


def mapping(text: str) -> RowMapping:
    return parse_mapping("m.toml", text.encode(), CATALOGUE)


def decode(text: str, header: Sequence[str], *rows: Sequence[Any]) -> Decoded:
    decoder = RowDecoder(CATALOGUE, DECODER.classes, header, mapping(text))
    return decoder.decode(list(enumerate(rows, 2)))


def one(
    fields: str, header: Sequence[str], row: Sequence[Any], kind: str = "payment.requested"
) -> tuple[Any, list[str]]:
    """The event of one row whose fields are mapped as said, and its faults."""
    text = f'zone = "UTC"\n[[event]]\ntype = "{kind}"\nid = {{ value = "e" }}\ntime = {{ value = "2026-01-31T12:00:00Z" }}\n'
    decoded = decode(text + "fields = { account = { value = 'a' }, " + fields + " }", header, row)
    return decoded.events[0], [f"{fault.path}: {fault.cause}" for fault in decoded.faults.get(0, ())]


ECOM = """user_id,signup_time,purchase_time,purchase_value,device_id,source,browser,sex,age,ip_address,country,ts,label
11,2015-03-01T08:00:00,2015-06-01T10:00:30,25.0,DEV1,Ads,Chrome,F,38.0,2001426400.0,Singapore,2015-03-01T08:00:00,0
12,2015-04-01T09:00:00,2015-04-01T09:00:00,63.0,DEV1,SEO,Safari,M,31.0,686082863.1,,2015-04-01T09:00:00,1
13,2015-04-01T09:00:00,soon,63.0,DEV1,SEO,Safari,M,old,-5,,2015-04-01T09:00:00,1
"""


def test_one_row_becomes_a_sign_up_and_a_purchase_in_order_of_time(tmp_path: Path) -> None:
    table = tmp_path / "dev.csv"
    table.write_text(ECOM)
    chunks = list(EventFiles([table], DECODER, mapping=load_mapping(EXAMPLES / "ecom_signup_fraud.toml", CATALOGUE)))
    events: list[Any] = [event for chunk in chunks for event in chunk.decoded.events]
    assert [(event.id, event.time, event.truth) for event in events] == [
        ("signup-11", "2015-03-01T08:00:00Z", None),
        ("signup-12", "2015-04-01T09:00:00Z", None),
        ("purchase-12", "2015-04-01T09:00:00Z", "fraud"),
        ("signup-13", "2015-04-01T09:00:00Z", None),
        ("purchase-11", "2015-06-01T10:00:30Z", None),
    ]
    signup, purchase = events[0], events[2]
    assert (signup.account, signup.ip, signup.age_years, signup.channel) == ("11", "119.75.87.224", 38, "ads")
    assert (purchase.account, purchase.device, purchase.amount, purchase.currency) == ("12", "DEV1", 6300, "USD")
    rejects = [reject for chunk in chunks for reject in chunk.decoded.rejects]
    assert [(r.line, r.path, r.cause, r.decided) for r in rejects] == [
        (4, "$.ip", "column 'ip_address': expected a whole number below 2**32, got text '-5'", True),
        (4, "$.age_years", "column 'age': expected a whole number, got text 'old'", True),
        (4, "$.time", "not a time: 'soon'", False),
    ]
    faulty = [(chunk.decoded.lines[at], len(found)) for chunk in chunks for at, found in chunk.decoded.faults.items()]
    assert faulty == [(4, 2)]


def test_a_payment_carries_its_label_for_later(tmp_path: Path) -> None:
    table = tmp_path / "dev.csv"
    table.write_text(
        "TRANSACTION_ID,ts,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD_SCENARIO,label\n"
        "815100,2018-06-25T00:00:13,1066,793,24.78,0,0\n"
        "815101,2018-06-25T00:00:21,3778,5633,157.89999999999998,3,1\n"
    )
    rows = load_mapping(EXAMPLES / "card_sim_handbook.toml", CATALOGUE)
    (chunk,) = EventFiles([table], DECODER, mapping=rows)
    events: Any = chunk.decoded.events
    assert [(e.account, e.terminal, e.amount, e.currency, e.fraud_confirmed, e.truth) for e in events] == [
        ("c1066", "t793", 2478, "EUR", False, None),
        ("c3778", "t5633", 15790, "EUR", True, "fraud"),
    ]
    assert CATALOGUE.types["payment.authorised"].fields["fraud_confirmed"].known_later


@pytest.mark.parametrize(
    ("fields", "cell", "value"),
    [
        ("attempt = 'c'", "3", 3),
        ("attempt = 'c'", 3.0, 3),
        ("attempt = 'c'", "38.0", 38),
        ("attempt = 'c'", "38.000000", 38),
        ("amount = 'c', currency = { value = 'EUR' }", "2400.0", 2400),
        ("amount = 'c', currency = { value = 'EUR' }", Decimal(2400), 2400),
        ("attempt = { column = 'c', decimal = '.' }", "1.000", 1),
        ("amount = { column = 'c', exponent = 2 }, currency = { value = 'EUR' }", "12.5", 1250),
        ("amount = { column = 'c', unit = 'major' }, currency = { value = 'JPY' }", "1250", 1250),
        ("amount = { column = 'c', unit = 'major' }, currency = { value = 'KWD' }", 1.25, 1250),
        ("amount = 'c'", "1250", 1250),
        ("amount = { column = 'c', exponent = 2, decimal = ',' }, currency = { value = 'EUR' }", "1.234,5", 123450),
        ("amount = { column = 'c', exponent = 2, decimal = ',' }, currency = { value = 'EUR' }", "-12,50 ", -1250),
        ("amount = { column = 'c', unit = 'major', decimal = '.' }, currency = { value = 'USD' }", "1,234.50", 123450),
        ("amount = { column = 'c', exponent = 2, decimal = ',' }, currency = { value = 'EUR' }", 12.5, 1250),
        (
            "amount = { column = 'c', exponent = 2, decimal = ',' }, currency = { value = 'CHF' }",
            "1\u202f234'567,05",
            123456705,
        ),
        ("attempt = { column = 'c', decimal = ',' }", "1.000", 1000),
        ("bin = { column = 'c', prefix = 'b' }", 411111.0, "b411111"),
        ("bin = { template = '{c}-{c}!' }", 4, "4-4!"),
        ("bin = { column = 'c', convert = 'upper' }", "ab", "AB"),
        ("bin = { column = 'c', convert = 'strip' }", " x ", "x"),
        ("ip = { column = 'c', convert = 'ipv4' }", 2001426400.0, "119.75.87.224"),
        ("country = { column = 'c', values = { Singapore = 'SG' }, other = 'ZZ' }", "Singapore", "SG"),
        ("country = { column = 'c', values = { Singapore = 'SG' }, other = 'ZZ' }", "Laos", "ZZ"),
        ("country = { column = 'c', values = { Singapore = 'SG' } }", "Laos", None),
        ("country = { column = 'c', values = { 1 = 'SG' }, other = 'ZZ' }", "1.0", "SG"),
        ("country = { column = 'c', values = { 1 = 'SG' }, other = 'ZZ' }", "1.5", "ZZ"),
        ("fraud_confirmed = 'c'", "Yes", True),
        ("fraud_confirmed = 'c'", 0, False),
        ("fraud_confirmed = { column = 'c', values = { P = true }, other = false }", "N", False),
        ("attempt = 'c'", "", None),
        ("attempt = 'c'", None, None),
    ],
)
def test_values_are_converted(fields: str, cell: Any, value: Any) -> None:
    event, faults = one(fields, ["c"], [cell])
    assert faults == []
    assert getattr(event, fields.split(maxsplit=1)[0]) == value


@pytest.mark.parametrize(
    ("kind", "fields", "cell", "value"),
    [
        ("post.created", "tags = { column = 'c', separator = ' ' }, post = { value = 'p' }", "a b  c", ("a", "b", "c")),
        (
            "post.created",
            "tags = { column = 'c', separator = ',' }, post = { value = 'p' }",
            "a, b ,, c",
            ("a", "b", "c"),
        ),
        ("post.created", "tags = { column = 'c', prefix = '#' }, post = { value = 'p' }", ["a", "b"], ("#a", "#b")),
        ("post.created", "tags = { value = ['x'] }, post = { value = 'p' }", "", ("x",)),
        ("challenge.passed", "taken = { column = 'c', unit = 'ms' }", "1500", 1.5),
        ("challenge.passed", "taken = 'c'", timedelta(milliseconds=1500), 1.5),
        ("review.posted", "rating = 'c'", "4.5e0", 4.5),
        ("review.posted", "rating = 'c'", "12000000000.5", 12000000000.5),
    ],
)
def test_values_of_other_types_are_converted(kind: str, fields: str, cell: Any, value: Any) -> None:
    event, faults = one(fields, ["c"], [cell], kind)
    assert faults == []
    assert getattr(event, fields.split(maxsplit=1)[0]) == value


@pytest.mark.parametrize(
    ("fields", "cell", "fault"),
    [
        ("attempt = 'c'", "3.5", "$.attempt: column 'c': expected a whole number, got text '3.5'"),
        (
            "attempt = 'c'",
            "9007199254740993",
            "$.attempt: column 'c': out of range: a whole number here is at most 2**53 in size, this is 9007199254740993",
        ),
        ("attempt = 'c'", float("nan"), "$.attempt: column 'c': expected a whole number, got nan"),
        ("attempt = 'c'", float("inf"), "$.attempt: column 'c': expected a whole number, got inf"),
        ("attempt = 'c'", True, "$.attempt: column 'c': expected a whole number, got true"),
        (
            "amount = { column = 'c', exponent = 2 }, currency = { value = 'EUR' }",
            "12.345",
            "$.amount: column 'c': more than 2 decimal digits: text '12.345'",
        ),
        (
            "amount = { column = 'c', exponent = 2 }, currency = { value = 'EUR' }",
            Decimal("0.001"),
            "$.amount: column 'c': more than 2 decimal digits: 0.001",
        ),
        (
            "amount = { column = 'c', exponent = 2 }, currency = { value = 'EUR' }",
            "12,50",
            """$.amount: column 'c': expected an amount, got text '12,50'; decimal = "," or "." in the mapping says how to read it""",
        ),
        (
            "amount = { column = 'c', exponent = 2, decimal = ',' }, currency = { value = 'EUR' }",
            "12.50",
            "$.amount: column 'c': expected a number with ',' before its fraction, got text '12.50'",
        ),
        (
            "amount = { column = 'c', exponent = 2 }, currency = { value = 'EUR' }",
            "1e9",
            "$.amount: column 'c': expected an amount, got text '1e9'",
        ),
        (
            "amount = { column = 'c', exponent = 9 }, currency = { value = 'EUR' }",
            "9" * 16,
            "$.amount: column 'c': out of range: money here is at most 2**53 minor units in size",
        ),
        (
            "amount = { column = 'c', unit = 'major' }, currency = 'd'",
            "5",
            "$.amount: column 'c': the currency is missing, so the minor units are not known",
        ),
        (
            "amount = 'c', currency = { value = 'EUR' }",
            "24.00",
            """$.amount: column 'c': expected whole minor units of the currency, got text '24.00'; unit = "major" in a mapping reads amounts""",
        ),
        (
            "amount = 'c', currency = { value = 'EUR' }",
            Decimal("24.00"),
            """$.amount: column 'c': expected whole minor units of the currency, got 24.00; unit = "major" in a mapping reads amounts""",
        ),
        (
            "attempt = 'c'",
            "1.000",
            """$.attempt: column 'c': a thousand or one: text '1.000'; decimal = "," or "." in the mapping says how to read it""",
        ),
        (
            "fraud_confirmed = 'c'",
            "perhaps",
            "$.fraud_confirmed: column 'c': expected true or false, got text 'perhaps'",
        ),
        (
            "ip = { column = 'c', convert = 'ipv4' }",
            "4294967296",
            "$.ip: column 'c': expected a whole number below 2**32, got text '4294967296'",
        ),
        (
            "card = 'c'",
            "x" * 4097,
            "$.card: column 'c': the id of an entity has at most 4,096 characters, this one 4,097",
        ),
        ("card = 'c'", {"a": 1}, "$.card: column 'c': expected text, got an object"),
        ("card = 'c'", float("nan"), "$.card: column 'c': expected text, got nan"),
        ("card = { template = 'k-{c}' }", float("nan"), "$.card: the mapping: expected text, got nan"),
    ],
)
def test_cells_that_do_not_fit_are_faults(fields: str, cell: Any, fault: str) -> None:
    event, faults = one(fields, ["c", "d"], [cell, ""])
    assert faults == [fault]
    assert getattr(event, fields.split(maxsplit=1)[0]) is None


def test_the_digits_of_a_currency_that_is_none_are_not_guessed() -> None:
    fields = "amount = { column = 'c', unit = 'major' }, currency = CURRENCY"
    event, faults = one(fields.replace("CURRENCY", "'d'"), ["c", "d"], ["1250", "jpy"])
    assert event.amount is None
    assert len(faults) == 1
    assert "text 'jpy' is no code of ISO 4217" in faults[0]
    event, faults = one(fields.replace("CURRENCY", "{ column = 'd', convert = 'upper' }"), ["c", "d"], ["1250", "jpy"])
    assert (event.amount, faults) == (1250, [])
    with pytest.raises(MappingError, match="'jpy' is no code of ISO 4217"):
        one(fields.replace("CURRENCY", "{ value = 'jpy' }"), ["c"], ["1250"])


def test_missing_cells_can_be_written_in_other_ways() -> None:
    text = 'missing = ["", "NULL", "NaN"]\n[[event]]\ntype = "review.posted"\nid = "n"\ntime = "t"\nfields = { account = "a", rating = "r" }'
    header = ["n", "t", "a", "r"]
    decoded = decode(
        text, header, ["1", "2026-01-31T12:00:00Z", "a", "NULL"], [2, "2026-01-31T12:00:00Z", "NULL", float("nan")]
    )
    assert [event.rating for event in decoded.events] == [None, None]  # type: ignore[attr-defined]
    assert [fault.path for fault in decoded.faults[1]] == ["$.account"]


def test_a_float_that_is_no_number_is_an_absent_cell_wherever_it_stands() -> None:
    text = (
        'missing = ["NaN"]\n[[event]]\ntype = "password.changed"\nid = "{n}"\ntime = "t"\n'
        'truth = { column = "k", values = { "1" = "fraud" } }\nwhen = { column = "k", present = PRESENT }\n'
        'fields = { account = "a", device = { template = "d-{d}" } }'
    )
    t = "2026-01-01T00:00:00Z"
    nan = float("nan")
    rows: list[list[Any]] = [
        [1, t, "x", nan, nan],
        [2, t, "x", 4.0, 1.0],
        [nan, t, "x", 4.0, 1.0],
        [4, t, nan, 5.0, 0.0],
    ]
    header = ["n", "t", "a", "d", "k"]
    there = decode(text.replace("PRESENT", "true"), header, *rows)
    assert [(e.id, e.account, e.device, e.truth) for e in there.events] == [  # type: ignore[attr-defined]
        ("2", "x", "d-4", "fraud"),
        ("4", None, "d-5", None),
    ]
    assert [reject.path for reject in there.rejects] == ["$.id", "$.account"]
    gone = decode(text.replace("PRESENT", "false"), header, *rows)
    assert [(e.id, e.device) for e in gone.events] == [("1", None)]  # type: ignore[attr-defined]


def test_rows_can_be_chosen() -> None:
    text = (
        '[[event]]\ntype = "password.changed"\nid = "{n}"\ntime = "t"\nfields = { account = "n" }\nwhen = { column = "k", in = ["x", 1] }\n'
        '[[event]]\ntype = "password.reset"\nid = "{n}r"\ntime = { column = "t", add = "7d" }\nfields = { account = "n" }\nwhen = { column = "k", present = false }\n'
    )
    t = "2026-01-01T00:00:00Z"
    decoded = decode(
        text, ["n", "t", "k"], [1, t, "x"], [2, t, "y"], [3, t, ""], [4, t, 1.0], [5, t, ["x"]], [6, t, "1.0"]
    )
    assert [(event.id, event.time) for event in decoded.events] == [
        ("1", t),
        ("3r", "2026-01-08T00:00:00Z"),
        ("4", t),
        ("6", t),
    ]


def test_rows_without_an_id_or_a_time_are_set_aside() -> None:
    text = '[[event]]\ntype = "password.changed"\nid = "{n}"\ntime = "t"\nfields = { account = "n" }'
    t = "2026-01-01T00:00:00Z"
    decoded = decode(text, ["n", "t"], ["", t], ["1", None], ["2", "2026-01-01"], ["x" * 300, t], [["l"], t], ["3", t])
    assert [event.id for event in decoded.events] == ["3"]
    assert [(reject.line, reject.path, reject.cause) for reject in decoded.rejects] == [
        (2, "$.id", "missing: every event needs one"),
        (3, "$.time", "missing: every event needs one"),
        (4, "$.time", "no zone in the time '2026-01-01' (give zone in the mapping)"),
        (5, "$.id", "an id has 1 to 256 characters, this one 300"),
        (6, "$.id", "expected text, got a list"),
    ]


def test_lines_of_json_can_be_mapped(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_bytes(b'\xef\xbb\xbf{"n":1,"t":0}\n\n[1]\n{"t":1.5,"n":"x","more":{}}\n{"n":2}\n')
    rows = mapping(
        '[[event]]\ntype = "password.changed"\nid = "{n}"\ntime = { column = "t", unit = "s" }\nfields = { account = "n" }'
    )
    chunks = list(EventFiles([path], DECODER, mapping=rows))
    decoded = chunks[0].decoded
    assert [(event.id, event.time) for event in decoded.events] == [
        ("1", "1970-01-01T00:00:00Z"),
        ("x", "1970-01-01T00:00:01.500000Z"),
    ]
    assert list(decoded.lines) == [1, 4]
    assert [(reject.line, reject.path) for reject in decoded.rejects] == [(3, "$"), (5, "$.time")]
    assert len(chunks) == 1


def test_a_key_that_no_object_of_a_file_has_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_bytes(b'{"n":1,"t":0,"device_id":"d"}\n{"n":2,"t":1}\n')
    rows = mapping(
        '[[event]]\ntype = "password.changed"\nid = "{n}"\ntime = { column = "t", unit = "s" }\n'
        'fields = { account = "n", device = "devce_id" }'
    )
    chunks = list(EventFiles([path], DECODER, mapping=rows))
    assert [len(chunk.decoded.events) for chunk in chunks] == [2, 0]
    (told,) = chunks[1].decoded.rejects
    assert (told.file, told.line, told.path, told.decided) == (str(path), 2, "$.devce_id", True)
    assert told.cause == "the mapping takes it, and no object of the file has it; did you mean 'device_id'?"


@pytest.mark.parametrize(
    ("options", "cell", "expected"),
    [
        ({}, "2026-01-31T12:00:00+08:00", "2026-01-31T04:00:00Z"),
        ({"zone": "UTC"}, "2026-01-31 12:00:00.25", "2026-01-31T12:00:00.250000Z"),
        ({"zone": "Asia/Singapore"}, "2026-01-31", "2026-01-30T16:00:00Z"),
        ({"zone": "-03:30"}, "2026-01-31T12:00:00", "2026-01-31T15:30:00Z"),
        ({"pattern": "%d/%m/%Y %H:%M", "zone": "UTC"}, "31/01/2026 12:00", "2026-01-31T12:00:00Z"),
        ({"unit": "ms"}, 1500, "1970-01-01T00:00:01.500000Z"),
        ({"unit": "us"}, "-1", "1969-12-31T23:59:59.999999Z"),
        ({"zone": "UTC", "add": "7d"}, "2026-01-31T12:00:00", "2026-02-07T12:00:00Z"),
        ({}, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_times_in_many_ways(options: dict[str, str], cell: object, expected: str) -> None:
    assert TimeReader(**options).read(cell) == expected


@pytest.mark.parametrize(
    ("options", "cell"),
    [({}, "2026-01-31"), ({}, 5), ({}, ""), ({"unit": "s"}, "5e9"), ({"unit": "s"}, 1e300), ({"unit": "s"}, True),
     ({"unit": "s"}, 10**17), ({"zone": "+14:00"}, "0001-01-01T00:00:00"), ({"zone": "UTC", "add": "7d"}, "9999-12-31T00:00:00"),
     ({"unit": "s"}, float("nan")), ({"pattern": "%Y"}, "x"), ({}, []), ({"zone": "UTC"}, "1712123112345")],
)  # fmt: skip
def test_times_that_are_none(options: dict[str, str], cell: object) -> None:
    with pytest.raises(ValueError, match=r"time|range|number"):
        TimeReader(**options).read(cell)


@given(st.integers(-(10**13), 10**13), st.integers(0, 4))
def test_money_is_exact(minor: int, exponent: int) -> None:
    text = f"{abs(minor):0{exponent + 1}d}"
    whole, fraction = (text[:-exponent], "." + text[-exponent:]) if exponent else (text, "")
    written = ("-" if minor < 0 else "") + whole + fraction
    assert money_reader(exponent)(written) == minor
    if abs(minor) < 10**12:
        assert money_reader(exponent)(float(written)) == minor


GOOD = '[[event]]\ntype = "payment.requested"\nid = "n"\ntime = "t"\n'
FAULTS = {
    "x": "TW-320: m.toml: not a TOML file: Expected '=' after a key in a key/value pair (at end of document) (write it as docs/events.md shows)",
    "": "TW-320: m.toml: no [[event]] table (say which event each row becomes, as docs/events.md shows)",
    "sorted = true": "TW-320: m.toml: the top of the file has 'sorted', which is not known (use about, source, zone, sort, delimiter, encoding, decimal, missing, event)",
    "sort = 5": "TW-320: m.toml: the top of the file: Expected `bool`, got `int` - at `$.sort` (write it as docs/events.md shows)",
    'zone = "Mars"\n' + GOOD: "TW-320: m.toml: zone: no such zone: 'Mars' (write \"UTC\", an offset such as \"+08:00\" or a name such as \"Asia/Singapore\")",
    'encoding = "klingon"\n' + GOOD: 'TW-320: m.toml: encoding: unknown encoding: klingon (write one such as "utf-8" or "latin-1")',
    'delimiter = ";;"\n' + GOOD: 'TW-320: m.toml: delimiter is not one character (write delimiter = ";" or leave it out)',
    '[[event]]\ntype = "payment.request"\nid = "n"\ntime = "t"': "TW-320: m.toml: [[event]] number 1: type = 'payment.request' is no event type; did you mean 'payment.requested'? (see trustward events list)",
    '[[event]]\ntype = "payment.requested"\ntime = "t"': "TW-320: m.toml: [[event]] number 1: Object missing required field `id` (write it as docs/events.md shows)",
    GOOD + "feilds = {}": "TW-320: m.toml: [[event]] number 1 has 'feilds', which is not known; did you mean 'fields'? (use type, id, time, fields, truth, when)",
    GOOD: "TW-320: m.toml: [[event]] number 1: payment.requested needs account, which is not mapped (add fields.account: Who pays.)",
    GOOD + 'fields.acount = "a"': "TW-320: m.toml: [[event]] number 1: payment.requested has no field 'acount'; did you mean 'account'? (see trustward events show payment.requested)",
    GOOD + "fields.account = {}": "TW-320: m.toml: [[event]] number 1: fields.account does not say where its value comes from (give one of column, template and value)",
    GOOD + 'fields.account = { column = "a", value = "b" }': "TW-320: m.toml: [[event]] number 1: fields.account does not say where its value comes from (give one of column, template and value)",
    GOOD + 'fields.account = { column = "a", decimal = "," }': "TW-320: m.toml: [[event]] number 1: fields.account: decimal does not go with a field of type entity (leave out decimal)",
    GOOD + 'fields.account = { column = "a", exponent = 2 }': "TW-320: m.toml: [[event]] number 1: fields.account: exponent does not go with a field of type entity (leave out exponent)",
    GOOD + "fields.account = { value = 5 }": "TW-320: m.toml: [[event]] number 1: fields.account: expected text, got 5 (write a value of type entity)",
    GOOD + 'fields.account = "{a"': 'TW-320: m.toml: [[event]] number 1: fields.account: template: braces do not match (write it like "a-{column}")',
    GOOD + 'fields = { account = "a", amount = { column = "b", unit = "major" } }': 'TW-320: m.toml: [[event]] number 1: fields.amount has unit = "major", but no currency (map fields.currency too, or give exponent instead)',
    GOOD + 'fields = { account = "a", amount = { column = "b", exponent = 99 } }': "TW-320: m.toml: [[event]] number 1: fields.amount: exponent is not 0 to 9 (give the currency's decimal digits)",
    '[[event]]\ntype = "payment.requested"\nid = "n"\ntime = { column = "t", add = "later" }\nfields.account = "a"': "TW-320: m.toml: [[event]] number 1: time: add: not a duration: 'later' (write a number and one of us, ms, s, m, h, d, w, such as \"90s\" or \"1h30m\") (write it like add = \"7d\")",
    '[[event]]\ntype = "payment.requested"\nid = "n"\ntime = { column = "t", zone = "+99:00" }\nfields.account = "a"': "TW-320: m.toml: [[event]] number 1: time: zone: no such zone: '+99:00' (write \"UTC\", an offset such as \"+08:00\" or a name such as \"Asia/Singapore\")",
    '[[event]]\ntype = "payment.requested"\nid = "n"\ntime = { colum = "t" }': "TW-320: m.toml: [[event]] number 1: Object contains unknown field `colum` - at `$.time` (write it as docs/events.md shows)",
}  # fmt: skip


@pytest.mark.parametrize("text", list(FAULTS), ids=range(len(FAULTS)))
def test_a_faulty_mapping_is_refused_with_place_cause_and_remedy(text: str) -> None:
    with pytest.raises(MappingError) as caught:
        mapping(text)
    assert str(caught.value) == FAULTS[text]


def test_a_mapping_that_does_not_fit_the_table_is_refused() -> None:
    with pytest.raises(MappingError) as caught:
        decode(GOOD + 'fields.account = "user"', ["n", "t", "users"])
    assert str(caught.value) == "TW-320: m.toml: no column 'user'; did you mean 'users'? (the table has n, t, users)"


def test_a_missing_mapping_is_named() -> None:
    with pytest.raises(MappingError, match=r"cannot read the mapping file nowhere\.toml"):
        load_mapping(Path("nowhere.toml"), CATALOGUE)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_is_a_mapping(path: Path) -> None:
    assert load_mapping(path, CATALOGUE).events


_CELLS = (
    st.none()
    | st.text(max_size=8)
    | st.floats()
    | st.integers()
    | st.booleans()
    | st.binary(max_size=4)
    | st.lists(st.none() | st.text(max_size=2), max_size=2)
)


@given(st.lists(st.lists(_CELLS, min_size=6, max_size=6), max_size=4))
def test_no_cell_breaks_the_reader(rows: list[list[Any]]) -> None:
    text = (
        'zone = "UTC"\n[[event]]\ntype = "payment.requested"\nid = "{a}"\ntime = { column = "b", unit = "s" }\ntruth = "c"\n'
        'fields = { account = "a", amount = { column = "d", unit = "major" }, currency = "e", attempt = "f", ip = { column = "f", convert = "ipv4" }, fraud_confirmed = "c", card = { column = "d", prefix = "x" } }\n'
        '[[event]]\ntype = "post.created"\nid = { value = "x" }\ntime = "b"\nfields = { account = "c", post = "d", tags = "e", urls = { column = "f", separator = "," } }\nwhen = { column = "a", in = ["1", 2, true] }'
    )
    decoded = decode(text, list("abcdef"), *rows)
    assert len(decoded.events) == len(decoded.lines)
    for event in decoded.events:
        assert event.id
    plain = RowDecoder(CATALOGUE, DECODER.classes, ["type", "id", "time", "account", "tags", "text"])
    decoded = plain.decode(list(enumerate(rows, 2)))
    assert len(decoded.events) + decoded.set_aside == len(rows)
    typed = plain.decode([(n, ["post.created", "1", "2026-01-01T00:00:00Z", *row[3:]]) for n, row in enumerate(rows)])
    assert len(typed.events) == len(rows)
