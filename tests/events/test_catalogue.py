"""The catalogue: whole, of one mind about names, and extended by files alone."""

# ruff: noqa: E501  # texts that are compared are kept whole

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from trustward.base.errors import CatalogueError
from trustward.model.catalogue import Catalogue, load_catalogue, parse_catalogue
from trustward.model.event import ENTITY_LIMIT, LIST_LIMIT, event_classes, type_of

CATALOGUE = load_catalogue()


def test_every_area_of_an_online_service_is_there() -> None:
    areas = {name.partition(".")[0] for name in CATALOGUE.types}
    assert {
        "account", "signin", "challenge", "password", "device", "message", "contact", "group", "link", "listing", "ad",
        "merchant", "order", "payment", "payout", "beneficiary", "transfer", "dispute", "review", "engagement",
        "stream", "report", "export", "post",
    } <= areas  # fmt: skip
    assert 55 <= len(CATALOGUE.types) <= 90


def test_a_name_means_the_same_in_every_type() -> None:
    seen: dict[str, tuple[str, str, str, str]] = {}
    for event_type in CATALOGUE.types.values():
        for field in event_type.fields.values():
            what = (field.type, field.kind, field.of, field.currency)
            assert seen.setdefault(field.name, what) == what, f"{event_type.name}.{field.name}"


def test_every_kind_and_class_is_used_and_explained() -> None:
    fields = [field for event_type in CATALOGUE.types.values() for field in event_type.fields.values()]
    assert {field.kind for field in fields if field.kind} == set(CATALOGUE.kinds)
    assert {field.personal for field in fields} == set(CATALOGUE.personal)
    assert {event_type.retention for event_type in CATALOGUE.types.values()} == set(CATALOGUE.retention)
    assert all(field.about.endswith(".") for field in fields)
    assert all(event_type.about.endswith(".") for event_type in CATALOGUE.types.values())


def test_whoever_acts_from_a_device_says_which() -> None:
    client = {"device", "ip", "country", "user_agent", "session"}
    for event_type in CATALOGUE.types.values():
        held = client & event_type.fields.keys()
        assert held in (client, set()), event_type.name


def test_the_actor_is_called_account() -> None:
    for name, event_type in CATALOGUE.types.items():
        if "device" in event_type.fields:
            assert ("sender" if name == "message.sent" else "account") in event_type.fields, name


def test_records_are_frozen_and_keyword_only() -> None:
    classes = event_classes(CATALOGUE)
    assert set(classes) == set(CATALOGUE.types)
    sent = classes["message.sent"](id="1", time="t", sender="a")  # type: ignore[call-arg]
    assert type_of(sent) == type_of(type(sent)) == "message.sent"
    with pytest.raises(AttributeError):
        sent.id = "2"  # type: ignore[misc]
    with pytest.raises(TypeError):
        classes["message.sent"]("1", "t", "a")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "fields",
    [{"sender": "a" * (ENTITY_LIMIT + 1)}, {"sender": "a", "urls": ["u"] * (LIST_LIMIT + 1)}, {"sender": "a", "x": 1}],
)
def test_limits_hold(fields: dict[str, object]) -> None:
    cls = event_classes(CATALOGUE)["message.sent"]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "message.sent", "id": "1", "time": "t", **fields}, cls)


OWN = """
[kinds]
ticket = "A ticket for a show."

["ticket.bought"]
about = "Somebody bought a ticket."
retention = "trade"
include = ["money", "client"]
["ticket.bought".fields]
account = { type = "entity", kind = "account", required = true, personal = "identifier", about = "Who buys." }
ticket = { type = "entity", kind = "ticket", about = "The ticket." }

["message.sent".fields]
effect = { type = "text", about = "Animation chosen." }
"""


def test_a_service_adds_types_and_fields_by_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN, encoding="utf-8-sig")
    catalogue = load_catalogue([own])
    assert catalogue.types["ticket.bought"].fields["ticket"].kind == "ticket"
    assert "ip" in catalogue.types["ticket.bought"].fields
    assert list(catalogue.types["message.sent"].fields)[-1] == "effect"
    assert catalogue.types["message.sent"].fields["sender"] == CATALOGUE.types["message.sent"].fields["sender"]
    made = event_classes(catalogue)["ticket.bought"](id="1", time="t", account="a", amount=5)  # type: ignore[call-arg]
    assert msgspec.json.encode(made) == b'{"type":"ticket.bought","id":"1","time":"t","account":"a","amount":5}'


FINE = '["a.b"]\nabout = "x"\nretention = "trade"\n["a.b".fields]\n'
FAULTS = {
    "x = ": "TW-330: own.toml: not a TOML file: Invalid value (at end of document) (write it as docs/events.md shows)",
    "a = 1": 'TW-330: own.toml: [a] is not a table (write it as a table: ["a"])',
    '["Big.Name"]': 'TW-330: own.toml: [Big.Name] is not the name of an event type (write "area.happened" in lower case '
    'and in quotes, such as ["ticket.bought"])',
    '["a.b"]\nretention = "trade"': "TW-330: own.toml: [a.b] has no about (say in one sentence what has happened)",
    '["a.b"]\nabout = "x"\nretention = "traed"': "TW-330: own.toml: [a.b] retention = 'traed' is no retention class; did "
    "you mean 'trade'? (use one of identity, security, activity, content, trade, financial, moderation, aggregate)",
    '["a.b"]\nabuot = "x"': "TW-330: own.toml: [a.b] has 'abuot', which is not known; did you mean 'about'? (use about, "
    "retention, include, fields)",
    '["a.b"]\ninclude = ["cleint"]': "TW-330: own.toml: [a.b] include names no group 'cleint'; did you mean 'client'? (use "
    "one of client, money, text, card, trade, offer)",
    FINE
    + 'n = { type = "txt" }': "TW-330: own.toml: [a.b.fields] n: Invalid enum value 'txt' - at `$.type` (types are "
    "text, number, whole, flag, time, duration, money, entity, list)",
    FINE
    + 'n = { type = "entity", kind = "acount" }': "TW-330: own.toml: [a.b.fields] n kind = 'acount' is not known; did "
    "you mean 'account'? (use one of ...)",
    FINE + 'n = { type = "entity" }': "TW-330: own.toml: [a.b.fields] n kind = '' is not known (use one of ...)",
    FINE
    + 'n = { type = "text", kind = "account" }': "TW-330: own.toml: [a.b.fields] n has kind, which only entities have "
    "(leave out kind)",
    FINE
    + 'n = { type = "list" }': 'TW-330: own.toml: [a.b.fields] n is a list of what? (write of = "text" or of = "entity")',
    FINE + 'n = { type = "money" }': "TW-330: own.toml: [a.b.fields] n has no currency beside it (add a text field "
    'currency, or name another with currency = "...")',
    FINE
    + 'id = { type = "text" }': "TW-330: own.toml: [a.b.fields] id is a name of the envelope (take another name than "
    "data, id, source, specversion, time, truth, type)",
    FINE
    + 'class = { type = "text" }': "TW-330: own.toml: [a.b.fields] class is not a field name (use lower case letters, "
    "digits and _)",
    FINE
    + "n = 5": 'TW-330: own.toml: [a.b.fields] n is not a field (write it like: note = { type = "text", about = "..." })',
    '["message.sent"]\nabout = "mine"': "TW-330: own.toml: [message.sent] is already defined (leave out about and retention "
    "to add fields to it, or give the new type another name)",
    '["message.sent".fields]\ntext = { type = "flag" }': "TW-330: own.toml: [message.sent.fields] text is already defined "
    "otherwise (give the field another name)",
    '["message.sent".fields]\nx = { type = "flag", required = true }': "TW-330: own.toml: [message.sent.fields] x cannot be "
    "required (a field that is added to an existing type must be optional)",
    "[kinds]\nX = 5": "TW-330: own.toml: [kinds] X is not a name with its meaning (write it like: kinds = { wallet = "
    '"An electronic purse." })',
}


def shipped() -> list[tuple[str, bytes]]:
    folder = Path(__file__).parents[2] / "src" / "trustward" / "catalogue"
    return [(path.name, path.read_bytes()) for path in sorted(folder.glob("*.toml"))]


@pytest.mark.parametrize("text", FAULTS)
def test_a_faulty_file_is_refused_with_place_cause_and_remedy(text: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue([*shipped(), ("own.toml", text.encode())])
    said = str(caught.value)
    expected = FAULTS[text]
    if expected.endswith("(use one of ...)"):
        said = said[: said.index("(use one of")] + "(use one of ...)"
    assert said == expected


def test_a_missing_file_is_named() -> None:
    with pytest.raises(CatalogueError, match=r"cannot read the catalogue file nowhere\.toml"):
        load_catalogue([Path("nowhere.toml")])


def test_types_that_have_fields() -> None:
    assert CATALOGUE.types_with(["seller", "shipping_address"]) == ["order.created"]


def test_an_empty_catalogue_is_one() -> None:
    assert parse_catalogue([]) == Catalogue(types={}, kinds={}, personal={}, retention={})


def test_loading_takes_no_large_library() -> None:
    program = (
        "import sys\n"
        "from trustward.model.catalogue import load_catalogue\n"
        "from trustward.exchange.decode import EventDecoder\n"
        "EventDecoder(load_catalogue()).decode_lines(b'{}')\n"
        "import trustward.adapters.files, trustward.cli.events\n"
        "assert not {'numpy', 'pyarrow', 'numba', 'pandas'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
