"""The schema's version: bring it up to date, or say what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from trustward.adapters.store.database import Database
from trustward.adapters.store.schema import METADATA
from trustward.base.errors import SchemaError

_TABLE = "schema_version"
# Two processes that start at once must not both migrate.
_LOCK = 7_305_807_301


def upgrade(database: Database) -> tuple[str, str]:
    """Bring the schema to this version's; the versions before and after. A step is done whole or not at all.

    Raises SchemaError if it is newer than this version knows.
    """
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        before = _known(connection)
        script = ScriptDirectory.from_config(_config())

        def steps(revision: Any, _context: Any) -> Any:
            return script._upgrade_revs("head", revision)  # noqa: SLF001 - Alembic's own manual says to

        with EnvironmentContext(_config(), script, fn=steps, destination_rev="head") as environment:
            environment.configure(connection=connection, version_table=_TABLE)
            environment.run_migrations()
        return before, version(connection)


def version(connection: Connection) -> str:
    """The schema's version; empty for an empty database."""
    return MigrationContext.configure(connection, opts={"version_table": _TABLE}).get_current_revision() or ""


def newest() -> str:
    """The version that this program needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def ensure(database: Database) -> None:
    """Raise SchemaError unless the schema is the one that this program needs."""
    with database.read() as connection:
        found = _known(connection)
    if found != newest():
        raise SchemaError(
            f"the database's schema is {found or 'empty'}, {newest()} is needed", remedy="run trustward db upgrade"
        )


def differences(database: Database) -> list[str]:
    """What differs between the database and the tables that this program describes, one line each."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": _TABLE, "compare_type": True})
        return [str(difference) for difference in compare_metadata(context, METADATA)]


def _known(connection: Connection) -> str:
    found = version(connection)
    script = ScriptDirectory.from_config(_config())
    if found and found not in {step.revision for step in script.walk_revisions()}:
        raise SchemaError(
            f"the database's schema ({found}) is newer than this version knows",
            remedy="use the version that it was made with, or a newer one",
        )
    return found


def _config() -> Config:
    config = Config()
    # A percent sign in the path would be taken for a reference to another option.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
