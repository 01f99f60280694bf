"""``trustward events``: what it prints, and how it ends."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from tests.events.lines import CATALOGUE, HEAD
from trustward.adapters.survey import KINDS_LIMIT, survey
from trustward.base.errors import InputError, TrustwardError, UsageError
from trustward.cli.events import app, example
from trustward.exchange.decode import EventDecoder

MAPPING = Path(__file__).parents[2] / "examples" / "mappings" / "card_sim_handbook.toml"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit | TrustwardError), result.exception
    return result


def answer(*arguments: str | Path) -> Any:
    return msgspec.json.decode(run(*arguments, "--json").stdout)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.ndjson"
    path.write_text(
        HEAD
        + "}\n"
        + HEAD
        + ',"length":"x"}\nbad\n'
        + HEAD
        + ',"length":1,"length":2}\n'
        + HEAD.replace("2026", "2025")
        + "}\n"
    )
    return path


def test_list() -> None:
    assert "message.sent" in run("list").stdout
    listed = answer("list")
    assert [row["name"] for row in listed] == list(CATALOGUE.types)
    assert listed[0].keys() == {"name", "about", "retention", "fields"}


def test_list_with_own_types(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('["ticket.bought"]\nabout = "Somebody bought."\nretention = "trade"\n')
    assert answer("list", "--catalogue", own)[-1]["name"] == "ticket.bought"


def test_show() -> None:
    shown = run("show", "payment.authorised").stdout
    assert "money (currency)" in shown
    assert "Known later" in shown
    fields = answer("show", "message.sent")["fields"]
    assert fields["urls"]["of"] == "entity"


def test_show_of_an_unknown_type_names_the_nearest() -> None:
    result = run("show", "mesage.sent")
    assert isinstance(result.exception, UsageError)
    assert result.exception.message == "no such event type: mesage.sent; did you mean message.sent?"


def test_every_example_is_an_event() -> None:
    decoder = EventDecoder(CATALOGUE, thorough=True)
    for event_type in CATALOGUE.types.values():
        decoded = decoder.decode_lines(example(event_type).encode())
        assert decoded.rejects == [], event_type.name


def test_validate_finds_what_is_wrong(mixed: Path, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.ndjson"
    result = run("validate", mixed, "--rejects", rejects)
    assert result.exit_code == 1
    assert "4 events" in result.stdout
    found = answer("validate", mixed)
    assert (found["events"], found["set_aside"], found["with_faults"]) == (4, 1, 2)
    assert found["types"] == {"message.sent": 4}
    assert (found["first_time"], found["last_time"]) == ("2025-01-31T12:00:00Z", "2026-01-31T12:00:00Z")
    assert [(f["line"], f["path"], f["count"]) for f in found["faults"]] == [
        (2, "$.length", 1), (3, "$", 1), (4, "$.length", 1),
    ]  # fmt: skip
    lines = [msgspec.json.decode(line) for line in rejects.read_bytes().splitlines()]
    assert [(row["line"], row["decided"]) for row in lines] == [(2, True), (3, False), (4, True)]


def test_validate_of_good_files_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "good.ndjson"
    path.write_text(HEAD + "}\n")
    result = run("validate", path)
    assert result.exit_code == 0
    assert "nothing to complain about" in result.stdout


def test_validate_with_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "tx.csv"
    path.write_text("TRANSACTION_ID,ts,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,label\n1,2018-06-25T00:00:13,2,3,24.78,0\n")
    assert answer("validate", path, "--mapping", MAPPING)["types"] == {"payment.authorised": 1}
    assert answer("validate", path, "--mapping", MAPPING, "--format", "csv")["events"] == 1


def test_validate_tells_what_came_before_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "cut.ndjson.gz"
    whole = gzip.compress("".join(f'{HEAD},"text":"{n * 7919:x}"}}\n' for n in range(50_000)).encode())
    path.write_bytes(whole[: len(whole) // 2])
    result = run("validate", path)
    assert isinstance(result.exception, InputError)
    assert "events, from 2026" in result.stdout
    assert not result.stdout.startswith("0 ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "missing.ndjson"],
        ["validate", "missing.ndjson", "--mapping", "missing.toml"],
        ["validate", "missing.ndjson", "--catalogue", "missing.toml"],
        ["list", "--catalogue", "missing.toml"],
        ["validate", "missing.ndjson", "--format", "xml"],
    ],
)
def test_mistakes_are_errors_with_a_remedy(arguments: list[str]) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, TrustwardError)
    assert result.exception.remedy


def test_faults_that_differ_only_in_the_value_are_one_kind(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    lines = [
        f'{{"type":"message.sent","id":"m{n}","time":"2026-01-31T12:00:00Z","sender":"a","length":{length}}}\n'
        for n, length in enumerate(["1.5", "2.5", '"12"', '"it\'s"', "null", "9007199254740993", "9007199254740999"])
    ]
    path.write_text("".join(lines))
    found, _ = survey([str(path)])
    assert sorted((fault.count, fault.line) for fault in found.faults) == [(2, 1), (2, 3), (2, 6)]


def test_countless_kinds_of_fault_are_counted_together(tmp_path: Path) -> None:
    path = tmp_path / "bad.ndjson"
    path.write_text("".join(f'{{"type":"x{n}"}}\n' for n in range(KINDS_LIMIT + 500)))
    found, trouble = survey([str(path)])
    assert trouble is None
    assert len(found.faults) == KINDS_LIMIT + 1
    assert (found.faults[0].cause, found.faults[0].count) == ("other faults", 500)
    assert found.set_aside == KINDS_LIMIT + 500
