"""Two roads to one schema: what the migrations make is what the tables say, on both databases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from trustward.adapters.store import migrate
from trustward.adapters.store.database import Database, open_database
from trustward.adapters.store.opened import open_store
from trustward.adapters.store.queries import named, statements
from trustward.base.errors import SchemaError, SettingsError


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    address = request.getfixturevalue("server").database() if request.param == "postgresql" else ""
    opened = open_database(address, tmp_path)
    yield opened
    opened.close()


def test_migrations_and_tables_agree(database: Database) -> None:
    assert len(migrate.differences(database)) > 5
    with pytest.raises(SchemaError, match="empty"):
        migrate.ensure(database)
    assert migrate.upgrade(database) == ("", migrate.newest())
    assert migrate.upgrade(database) == (migrate.newest(), migrate.newest())
    migrate.ensure(database)
    assert migrate.differences(database) == []


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_the_file_and_what_lies_beside_it_are_their_owners_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(0o022)
    try:
        with closing(open_store("", tmp_path, migrated=False)):
            rights = {one.name: one.stat().st_mode & 0o077 for one in tmp_path.iterdir() if one.is_file()}
    finally:
        os.umask(before)
    assert "trustward.db" in rights
    assert set(rights.values()) == {0}, rights


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_a_file_of_an_earlier_version_becomes_its_owners_alone(tmp_path: Path) -> None:
    with closing(open_store("", tmp_path)):
        pass
    file = tmp_path / "trustward.db"
    file.chmod(0o644)
    with closing(open_store("", tmp_path, migrated=False)) as store:
        assert store.archived.days() == []
        rights = {one.name: one.stat().st_mode & 0o077 for one in tmp_path.iterdir() if one.is_file()}
    assert set(rights.values()) == {0}, rights


def test_a_newer_schema_is_left_alone(database: Database) -> None:
    migrate.upgrade(database)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="newer"):
        migrate.ensure(database)
    with pytest.raises(SchemaError, match="newer"):
        migrate.upgrade(database)


def test_every_statement_is_understood(database: Database) -> None:
    migrate.upgrade(database)
    for name in statements():
        other = "postgresql" if database.is_sqlite else "sqlite"
        if name.endswith(other) or (database.is_sqlite and name.startswith("number_")):
            continue
        values: dict[str, object] = dict.fromkeys(named(name)._bindparams, 1)
        for array in {*"keys seqs runs lasts belows firsts lines line_sizes saids said_sizes".split()} & set(values):
            values[array] = "[1]" if database.is_sqlite else [1]
        texts = {
            "owner",
            "kind",
            "policy",
            "actor",
            "origin",
            "reason",
            "entity",
            "label",
            "list",
            "value",
            "rule",
            "name",
        }
        texts |= {"target", "worker", "same", "why", "undone_by", "said"}
        texts |= {
            "user",
            "full_name",
            "roles",
            "password",
            "totp",
            "issuer",
            "subject",
            "how",
            "address",
            "agent",
        }
        texts |= {"parent", "decision", "account", "appeal"}
        texts |= {"keep"} | ({"level"} if name == "add_session" else set())
        texts |= {"day", "digest", "of", *({"kept", "entries"} if name == "note_retained" else ())}
        texts |= {"hash", "mode", "id", "action", "subject", "scopes"} | (
            {"after"} if name == "list_entries" else set()
        )
        texts |= {
            "duty",
            "market",
            "what",
            "cause",
            "case_id",
            "reporter",
            "queue",
            "open_on",
            "assigned",
            "reviewer",
            "past",
            "known_as",
            "issuer",
            "order_id",
        }
        texts |= {"standing", "party", "record", "about"}
        texts |= {"state", "fault", "base", "before_state"} if "trial" in name or "proposal" in name else set()
        values |= {key: "t" for key in values if key in texts}
        bytes_ = {"body", "was", "marks", "sources", "detail", "faults", "decisions", "result"} | (
            {"hash"} if name == "add_key" else set()
        )
        bytes_ |= {"key"} if name == "add_passkey" else set()
        bytes_ -= {"decisions"} if "archived_day" in name else set()
        values |= {key: b"x" for key in values if key in bytes_}
        values |= {key: [] for key in values if key in {"kinds", "entities", "named"}}
        if name == "add_marked_segment_postgresql":
            values["first"] = 2  # beside the one without marks
        with database.write() as connection:
            connection.execute(named(name), values)


@pytest.mark.parametrize("address", ["mysql://localhost/x", "not an address", "oracle://x"])
def test_other_addresses_are_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        open_store(address, tmp_path)


def test_the_names_of_the_steps_say_what_they_are() -> None:
    script = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert [step.revision for step in script.walk_revisions()] == list(reversed(migrate.versions()))
    assert script.get_current_head() == migrate.newest()
