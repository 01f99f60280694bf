"""The engine's whole state in one file: written beside and moved into place, checked in full before it is used."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from trustward.base.errors import StateError
from trustward.engine.engine import DEFAULT_SKEW_US, Engine
from trustward.engine.state import State
from trustward.windows.state import Windows

if TYPE_CHECKING:
    from trustward.policy import Policy

_MAGIC = b"trustward state 1\n"
_REMEDY = "replay the events instead, or take an older snapshot"


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    policy: str
    seed: str
    state_bytes: int
    state_crc: int


def save(engine: Engine, path: Path) -> None:
    """Write the engine's state to ``path``; a file that is there is replaced only when the new one is complete."""
    state = engine.state.dump()
    header = msgspec.json.encode(_Header(engine.policy.hash, engine.seed.hex(), len(state), zlib.crc32(state)))
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(_MAGIC + len(header).to_bytes(4, "big") + header + state)
            engine.windows.save(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load(path: Path, policy: Policy, *, skew_us: int = DEFAULT_SKEW_US) -> Engine:
    """The engine as it was saved, at work with ``policy``, which must ask the same of the windows.

    Raises StateError if the file is damaged or belongs to a policy with other features.
    """
    try:
        with path.open("rb") as file:
            header = _read_header(file, path)
            state = file.read(header.state_bytes)
            if len(state) != header.state_bytes or zlib.crc32(state) != header.state_crc:
                raise StateError(f"{path}: the snapshot is damaged", remedy=_REMEDY)
            engine = Engine(policy, skew_us=skew_us, seed=bytes.fromhex(header.seed))
            engine.state = _with_shipped_lists(State.load(state), engine.state)
            engine.windows = Windows.restore(file, policy.plan, engine.seed)
            return engine
    except OSError as fault:
        raise StateError(f"{path}: {fault.strerror or fault}", remedy="check the path and its permissions") from fault
    except (msgspec.MsgspecError, ValueError) as fault:
        raise StateError(f"{path}: the snapshot is damaged ({fault})", remedy=_REMEDY) from fault


def _read_header(file: BinaryIO, path: Path) -> _Header:
    start = file.read(len(_MAGIC) + 4)
    if not start.startswith(_MAGIC) or len(start) < len(_MAGIC) + 4:
        raise StateError(f"{path}: not a snapshot of this version", remedy=_REMEDY)
    size = int.from_bytes(start[len(_MAGIC) :], "big")
    return msgspec.json.decode(file.read(min(size, 65_536)), type=_Header)


def _with_shipped_lists(saved: State, fresh: State) -> State:
    """The saved state, with the lists that only the policy has by now."""
    for name, values in fresh.lists.items():
        saved.lists.setdefault(name, values)
    return saved
