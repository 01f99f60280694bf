"""Clues and their evidence from the command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from trustward.base.errors import InputError, UsageError
from trustward.bootstrap.operations import operations
from trustward.bootstrap.service import store

if TYPE_CHECKING:
    from trustward.exchange.evidence import Verdict
    from trustward.model.bundle import Bundle
    from trustward.model.clue import Clue
    from trustward.model.dossier import FilePage
    from trustward.settings import Settings


def list_clues(settings: Settings, *, state: str, authority: str, case: str, limit: int) -> Sequence[Clue]:
    """Clues by their ids."""
    from trustward.model.dossier import DossierQuery

    query = DossierQuery(
        states=(state,) if state else (), party=authority, cause=f"case:{case}" if case else "", secret=True
    )
    with closing(store(settings, there=True)) as opened:
        return operations(settings, opened).clues.find(query, limit=limit)


def show_clue(settings: Settings, id: str) -> tuple[Clue, Sequence[FilePage], int | None]:
    """A clue, its file, and how long its duty took. Raises NotFoundError."""
    with closing(store(settings, there=True)) as opened:
        made = operations(settings, opened)
        found = made.clues.get(id)
        latency_us = made.duties.get(found.duty).latency_us if found.duty else None
        return found, made.clues.file(id), latency_us


def write_bundle(settings: Settings, id: str, file: Path, *, secret: bool = False) -> Bundle:
    """Write the evidence of a clue, or of ``request:ID``, into a new file, whole or not at all, its owner's alone.

    That of a secret request only if ``secret`` ones are wanted. Raises NotFoundError, UsageError, InputError.
    """
    with closing(store(settings, there=True)) as opened:
        made = operations(settings, opened)
        kind, _, name = id.partition(":")
        found = (
            made.requests.bundle(made.requests.get(name, secret=secret))
            if kind == "request" and name
            else made.clues.bundle(made.clues.get(id))
        )
        part = file.with_name(f".{file.name}.part")
        if file.exists():
            raise UsageError(f"{file} exists", remedy="name a new file: nothing is replaced")
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as out:
                for piece in opened.bundles.read(found.id):
                    out.write(piece)
            part.replace(file)
        except OSError as fault:
            raise InputError(
                f"cannot write {file}: {fault.strerror}", remedy="name a file in a folder you may write to"
            ) from fault
        finally:
            part.unlink(missing_ok=True)
        return found


def verify_bundle(file: Path, key: str) -> Verdict:
    """Hold a file against its manifest and its signature. Raises InputError if it cannot be read."""
    from trustward.exchange.evidence import check_public, verify

    trusted = check_public(key) if key else ""
    try:
        with file.open("rb") as source:
            return verify(source, trusted)
    except OSError as fault:
        raise InputError(f"cannot read {file}: {fault.strerror}", remedy="check the path and its rights") from fault
