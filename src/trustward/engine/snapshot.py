"""The engine's whole state in one file: written beside and moved into place, checked in full before it is used."""

from __future__ import annotations

import os
import zlib
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from trustward.base.errors import StateError
from trustward.engine.engine import DEFAULT_SKEW_US, Engine
from trustward.engine.state import FOREVER, State
from trustward.windows.state import Windows

if TYPE_CHECKING:
    from trustward.policy import Policy

_MAGIC = b"trustward state 2\n"
_REMEDY = "replay the events instead, or take an older snapshot"


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    policy: str
    seed: str
    state_bytes: int
    state_crc: int


class Capture:
    """An engine's state as it is now, to be written at leisure: by another thread, while the engine goes on."""

    def __init__(self, engine: Engine) -> None:
        self.policy = engine.policy.hash
        self._seed = engine.seed
        self._state = dump_state(engine)
        self._windows = engine.windows.frozen()

    def save(self, path: Path) -> None:
        """Write it. Raises StateError if it cannot be written."""
        _write(path, self.policy, self._seed, self._state, self._windows)


def save(engine: Engine, path: Path) -> None:
    """Write the engine's state to ``path``; a file that is there is replaced only when the new one is complete.

    Raises StateError if it cannot be written.
    """
    _write(path, engine.policy.hash, engine.seed, dump_state(engine), engine.windows)


def _write(path: Path, policy: str, seed: bytes, state: bytes, windows: Windows) -> None:
    header = msgspec.json.encode(_Header(policy, seed.hex(), len(state), zlib.crc32(state)))
    target = Path(os.path.realpath(path))
    # A pipe or a device is written to directly; it would be replaced by a file otherwise.
    direct = target.exists() and not target.is_file() and not target.is_dir()
    beside = target if direct else target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    try:
        with open(beside, "wb", opener=_for_the_owner) as file:
            file.write(_MAGIC + len(header).to_bytes(4, "big") + header + state)
            windows.save(file)
            file.flush()
            if not direct:
                os.fsync(file.fileno())
        if not direct:
            beside.replace(target)
    except OSError as fault:
        raise StateError(
            f"cannot write {path}: {fault.strerror or fault}", remedy="name a file in a folder you may write to"
        ) from fault
    finally:
        if not direct:
            beside.unlink(missing_ok=True)


def _for_the_owner(path: str, flags: int) -> int:
    """A snapshot holds the secret seed and people's labels: it is for its owner only."""
    return os.open(path, flags, 0o600)


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    """What differs between a list and the policy's own: values put on it (with their expiry) and values taken off."""

    put: dict[str, int]
    gone: list[str]


class _Saved(msgspec.Struct, forbid_unknown_fields=True):
    state: msgspec.Raw
    lists: dict[str, _Change]


def dump_state(engine: Engine) -> bytes:
    """The state as JSON, of lists only what was changed: the policy's own values come with the policy."""
    changes = {}
    for name, held in sorted(engine.state.lists.items()):
        listed = engine.policy.lists.get(name)
        own = set(listed.values) if listed is not None else set()
        put = {value: until for value, until in sorted(held.items()) if until != FOREVER or value not in own}
        changes[name] = _Change(put, sorted(own - held.keys()))
    state = copy(engine.state)
    state.lists = {}
    return msgspec.json.encode(_Saved(msgspec.Raw(state.dump()), changes))


def load_state(data: bytes, fresh: State) -> State:
    """The saved state, with the lists of the policy that it is loaded for and the changes made to them since."""
    saved = msgspec.json.decode(data, type=_Saved)
    state = State.load(bytes(saved.state))
    state.lists = fresh.lists
    for name, change in saved.lists.items():
        held = state.lists.setdefault(name, {})
        for value in change.gone:
            held.pop(value, None)
        held.update(change.put)
    return state


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
            engine.state = load_state(state, engine.state)
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
