"""What a command does to the database: upgrade, check, backup, restore, keys."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from trustward.base.errors import UsageError
from trustward.bootstrap.service import store

if TYPE_CHECKING:
    from trustward.adapters.store.backup import Copied
    from trustward.model.stored import ApiKey
    from trustward.settings import Settings


def upgrade(settings: Settings) -> tuple[str, str]:
    """Bring the database's schema up to date, encrypt secrets that are not yet: its versions before and after.

    Raises WriterError while a service runs, SchemaError, StoreError, SettingsError if the key for secrets of
    authenticators is missing or another one.
    """
    from trustward.adapters.store import migrate
    from trustward.bootstrap.people import signing_in

    with closing(store(settings, migrated=False)) as opened, opened.writer.alone():
        versions = migrate.upgrade(opened.database)
        signing_in(settings, opened).seal_all()
        return versions


def check_store(settings: Settings) -> tuple[int, list[str]]:
    """The journal's last entry, and what is wrong with the database, and with the archive beside it."""
    from trustward.adapters.store.backup import check

    with closing(store(settings, there=True)) as opened:
        found = check(opened)
        if not any(fault.startswith("schema: ") for fault in found):
            found += [
                f"archive: {day.day}: {fault}" for day in opened.archived.days() for fault in opened.shelf.check(day)
            ]
        return opened.journal.head(), found


def backup_store(settings: Settings, file: Path) -> Copied:
    """Write a backup. Raises UsageError, InputError, StoreError."""
    from trustward.adapters.store.backup import backup

    with closing(store(settings, there=True)) as opened:
        return backup(opened, file)


def restore_store(settings: Settings, file: Path) -> Copied:
    """Fill an empty database, which gets its tables first. Raises UsageError, InputError, WriterError, StoreError."""
    from trustward.adapters.store.backup import check_backup, restore

    check_backup(file)
    upgrade(settings)
    with closing(store(settings)) as opened:
        return restore(file, opened)


def create_key(settings: Settings, name: str, scopes: Sequence[str], lasts: str | None) -> tuple[ApiKey, str]:
    """A new key and its text. Raises UsageError, StoreError."""
    from trustward.base.clock import now_us
    from trustward.base.units import parse_duration
    from trustward.operations.keys import make_key

    try:
        lasts_us = None if lasts is None else parse_duration(lasts)
    except ValueError as fault:
        raise UsageError(str(fault), remedy="write it like 90d") from fault
    key, text = make_key(name, scopes, actor="the command line", now_us=now_us(), lasts_us=lasts_us)
    with closing(store(settings)) as opened:
        opened.keys.add(key)
    return key, text


def rotate_key(settings: Settings, key: str, overlap: str) -> tuple[ApiKey, str]:
    """A new key in the place of an old one, which is good for a while yet. Raises UsageError, NotFoundError."""
    from trustward.base.clock import now_us
    from trustward.base.units import parse_duration
    from trustward.operations.keys import rotate_key

    try:
        overlap_us = parse_duration(overlap)
    except ValueError as fault:
        raise UsageError(str(fault), remedy="write it like 1d") from fault
    with closing(store(settings, there=True)) as opened:
        return rotate_key(opened.keys, key, actor="the command line", now_us=now_us(), overlap_us=overlap_us)


def list_keys(settings: Settings) -> Sequence[ApiKey]:
    """Every key."""
    with closing(store(settings, there=True)) as opened:
        return opened.keys.all()


def revoke_key(settings: Settings, key: str) -> None:
    """End a key. Raises NotFoundError."""
    from trustward.base.clock import now_us

    with closing(store(settings, there=True)) as opened:
        opened.keys.revoke(key, "the command line", now_us())
