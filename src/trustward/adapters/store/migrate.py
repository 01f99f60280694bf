"""The schema's version: bring it up to date, or say what is wrong with it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect

from trustward.adapters.store.database import Database
from trustward.base.errors import SchemaError

if TYPE_CHECKING:
    from alembic.config import Config

_TABLE = "schema_version"
# Two processes that start at once must not both migrate.
_LOCK = 7_305_807_301
_STEPS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> tuple[str, str]:
    """Bring the schema to this version's; the versions before and after. A step is done whole or not at all.

    Raises SchemaError if it is newer than this version knows.
    """
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        before = _known(connection)
        if before != newest():
            _migrate(connection)
        return before, version(connection)


def _migrate(connection: Connection) -> None:
    # A third of a second to load, for what most starts need not do.
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    script = ScriptDirectory.from_config(_config())

    def steps(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs("head", revision)  # noqa: SLF001 - Alembic's own manual says to

    with EnvironmentContext(_config(), script, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection, version_table=_TABLE)
        environment.run_migrations()


def version(connection: Connection) -> str:
    """The schema's version; empty for an empty database."""
    if not inspect(connection).has_table(_TABLE):
        return ""
    return str(connection.exec_driver_sql(f"SELECT version_num FROM {_TABLE}").scalar() or "")  # noqa: S608 - our own


def newest() -> str:
    """The version that this program needs."""
    return versions()[-1]


@cache
def versions() -> tuple[str, ...]:
    """All that there have been, in order: the numbers in the names of their steps."""
    return tuple(sorted(path.name[1:5] for path in (_STEPS / "versions").glob("v[0-9][0-9][0-9][0-9]_*.py")))


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
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - see above
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - the same

    from trustward.adapters.store.schema import METADATA  # noqa: PLC0415 - the same

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": _TABLE, "compare_type": True})
        return [str(difference) for difference in compare_metadata(context, METADATA)]


def _known(connection: Connection) -> str:
    found = version(connection)
    if found and found not in versions():
        raise SchemaError(
            f"the database's schema ({found}) is newer than this version knows",
            remedy="use the version that it was made with, or a newer one",
        )
    return found


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    # A percent sign in the path would be taken for a reference to another option.
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
