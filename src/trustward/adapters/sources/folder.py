"""A watched folder: every file that appears in it is read once, whole."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from time import sleep
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from trustward.adapters.files import Chunk, EventFiles
from trustward.adapters.output import RejectFile
from trustward.base.clock import elapsed_s
from trustward.base.errors import InputError, MappingError, SettingsError, SourceError, TrustwardError
from trustward.base.units import parse_duration
from trustward.exchange.records import Decoded, Reject
from trustward.ports.sources import Batch, Tools

BLOCK_BYTES = 2**18
"""How much of a file is decoded at a time."""
_REJECTS = ".rejects.ndjson"
_NOT_READ = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".swp", "~", _REJECTS)
_LOOK_S = 0.05
_ROOM = 200
"""How many bytes of a file's name another name may begin with."""


class FolderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A watched folder."""

    path: Annotated[str, Meta(description="The folder. Files appear in it by renaming; folders in it are left alone.")]
    mapping: Annotated[str, Meta(description="A mapping file that turns rows of any table into events.")] = ""
    form: Annotated[
        Literal["", "ndjson", "csv", "parquet"],
        Meta(description="What the files are. Empty: their names and first bytes say it."),
    ] = ""
    done: Annotated[
        Literal["move", "remember"],
        Meta(
            description="`move`: a file that is done goes to `done` in the folder, a broken one to `failed`."
            " `remember`: files stay, and a list in the data folder knows them by name, size and time."
        ),
    ] = "move"
    rejects: Annotated[
        str,
        Meta(
            description="The folder of what was set aside, one file for each that had faults. Empty: `rejects` in the "
            "folder, or with `remember` in the data folder."
        ),
    ] = ""
    poll: Annotated[str, Meta(description="How often it looks for new files.")] = "1s"
    still: Annotated[
        str, Meta(description="A file is read when it has not changed for so long, should it not appear by renaming.")
    ] = "2s"


class _File:
    """A file on its way: how it was when it was opened, and what was wrong in it."""

    def __init__(self, path: Path, seen: tuple[int, int, int]) -> None:
        self.path = path
        self.seen = seen
        self.failed = False
        self.rejects: RejectFile | None = None


class FolderSource:
    """The port ``Source`` over a folder. A file is confirmed as a whole: one that was interrupted is read again."""

    Settings: ClassVar[type[msgspec.Struct]] = FolderSettings

    def __init__(self, name: str, settings: FolderSettings, tools: Tools) -> None:
        self._folder = Path(settings.path)
        self._settings = settings
        self._tools = tools
        self._mapping = tools.mapping(settings.mapping) if settings.mapping else None
        self._poll_s = _seconds(name, "poll", settings.poll)
        self._still_us = int(_seconds(name, "still", settings.still) * 1e6)
        moving = settings.done == "move"
        self._rejects = (
            Path(settings.rejects) if settings.rejects else (self._folder if moving else tools.folder) / "rejects"
        )
        self._ledger = None if moving else _Ledger(tools.folder / "done.ndjson")
        self._waiting: deque[str] = deque()
        self._under_way: dict[str, _File] = {}
        self._file: _File | None = None
        self._chunks: Iterator[Chunk] | None = None
        self._looked_s: float | None = None

    # ------------------------------------------------------------------ the port

    def open(self) -> None:
        """See :class:`trustward.ports.Source`."""
        try:
            with os.scandir(self._folder):
                pass
            for needed in self._folders():
                needed.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._ledger is not None:
                self._ledger.open()
        except OSError as fault:
            raise _trouble(self._folder, fault) from fault
        self._looked_s = None

    def read(self, wait_s: float) -> Batch | None:
        """See :class:`trustward.ports.Source`."""
        until = elapsed_s() + wait_s
        while self._file is None and not self._next():
            left = until - elapsed_s()
            if left <= 0:
                return None
            sleep(min(left, _LOOK_S))
        file = self._file
        assert file is not None  # one is open now
        assert self._chunks is not None  # the same
        try:
            chunk = next(self._chunks)
            return Batch(decoded=chunk.decoded, place=(file, False))
        except StopIteration:
            decoded = _nothing()
        except (InputError, MappingError) as fault:
            file.failed = True
            decoded = _nothing(
                Reject(file=_told(str(file.path)), line=0, path="$", cause=_told(f"{fault.message}: {fault.remedy}"))
            )
        self._file = self._chunks = None
        return Batch(decoded=decoded, place=(file, True))

    def confirm(self, batch: Batch, faults: Sequence[Reject]) -> None:
        """See :class:`trustward.ports.Source`."""
        file, last = batch.place
        try:
            if faults:
                if file.rejects is None:
                    file.rejects = RejectFile(self._rejects / f"{_short(file.path.name)}{_REJECTS}")
                file.rejects.add([msgspec.structs.replace(fault, file=_told(file.path.name)) for fault in faults])
            if last:
                self._finish(file)
        except OSError as fault:
            raise _trouble(file.path, fault) from fault
        except TrustwardError as fault:
            raise SourceError(_told(fault.message), remedy=fault.remedy) from fault

    def close(self) -> None:
        """See :class:`trustward.ports.Source`."""
        for file in self._under_way.values():
            _discard(file)
        self._under_way.clear()
        self._waiting.clear()
        self._file = self._chunks = None

    # ------------------------------------------------------------------ files

    def _folders(self) -> list[Path]:
        if self._ledger is not None:
            return [self._tools.folder, self._rejects]
        return [self._folder / "done", self._folder / "failed", self._rejects]

    def _next(self) -> bool:
        """Open the next file that is ready; False if there is none."""
        if not self._waiting:
            now_s = elapsed_s()
            if self._looked_s is not None and now_s - self._looked_s < self._poll_s:
                return False
            self._looked_s = now_s
            self._waiting.extend(self._ready())
        while self._waiting:
            name = self._waiting.popleft()
            if name not in self._under_way and self._begin(self._folder / name):
                return True
        return False

    def _ready(self) -> list[str]:
        """The names of all files that may be read, in order."""
        try:
            with os.scandir(self._folder) as found:
                names = [entry.name for entry in found if _wanted(entry.name) and entry.is_file(follow_symlinks=False)]
        except OSError as fault:
            raise _trouble(self._folder, fault) from fault
        return sorted(names)

    def _begin(self, path: Path) -> bool:
        seen = _seen(path)
        if seen is None or (self._ledger is not None and self._ledger.knows(path.name, seen)):
            return False
        if not os.access(path, os.R_OK):
            raise SourceError(f"{_told(str(path))}: may not be read", remedy="let the service read it, or take it away")
        if 0 <= self._tools.clock() - seen[1] // 1000 < self._still_us:
            return False
        file = _File(path, seen)
        self._under_way[path.name] = file
        self._file = file
        self._chunks = self._open_file(path)
        return True

    def _open_file(self, path: Path) -> Iterator[Chunk]:
        """The file's chunks. What is wrong with the file as a whole is raised when the first one is asked for."""
        form = self._settings.form or None
        yield from EventFiles([path], self._tools.decoder, mapping=self._mapping, form=form, block_bytes=BLOCK_BYTES)

    def _finish(self, file: _File) -> None:
        """Everything of a file is confirmed: keep what was set aside, then never read it again."""
        del self._under_way[file.path.name]
        if _seen(file.path) != file.seen:
            # Somebody still writes to it, or has taken it away: it is read again when it is still.
            _discard(file)
            return
        if file.rejects is not None:
            file.rejects.__exit__(None, None, None)
            file.rejects = None
            _to_disk(self._rejects)
        if self._ledger is not None:
            self._ledger.add(file.path.name, file.seen, failed=file.failed)
            return
        target = _free(self._folder / ("failed" if file.failed else "done") / file.path.name)
        file.path.rename(target)
        _to_disk(target.parent)


class _Ledger:
    """The files that are done, by name, size and time: one line each, on disk before anybody relies on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[tuple[str, int, int]] = set()

    def open(self) -> None:
        """Read what is known; a last line that broke off is as if it had never been."""
        self._known.clear()
        whole = 0
        if self._path.exists():
            for line in self._path.read_bytes().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                entry = msgspec.json.decode(line)
                self._known.add((entry["file"], entry["size"], entry["mtime_ns"]))
            os.truncate(self._path, whole)

    def knows(self, name: str, seen: tuple[int, int, int]) -> bool:
        """Whether this file is done, as it is now."""
        return (_told(name), seen[0], seen[1]) in self._known

    def add(self, name: str, seen: tuple[int, int, int], *, failed: bool) -> None:
        """A file is done."""
        entry = {"file": _told(name), "size": seen[0], "mtime_ns": seen[1], "failed": failed}
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._known.add((_told(name), seen[0], seen[1]))


def _told(name: str) -> str:
    r"""A file's name as it can be written: names need not be UTF-8.

    >>> _told("b\udce9"), _told("é")
    ('b\\udce9', 'é')
    """
    return name.encode("utf-8", "backslashreplace").decode()


def _short(name: str) -> str:
    """A file's name that leaves room for an ending: the longest one has 255 bytes. Two long ones may differ at the end.

    >>> len(_short("a" * 255)), _short("a.csv")
    (194, 'a.csv')
    """
    raw = os.fsencode(name)
    if len(raw) <= _ROOM:
        return name
    return os.fsdecode(raw[: _ROOM - 23]) + "." + blake2b(raw, digest_size=8).hexdigest()


def _wanted(name: str) -> bool:
    return not name.startswith((".", "_")) and not name.lower().endswith(_NOT_READ)


def _seen(path: Path) -> tuple[int, int, int] | None:
    """Size, time and number of a file; None if it is gone, or no plain file."""
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _free(target: Path) -> Path:
    """A name that is not taken: a file may come again under the same name."""
    number = 1
    found = target
    while found.exists():
        number += 1
        found = target.with_name(f"{_short(target.name)}.{number}")
    return found


def _discard(file: _File) -> None:
    if file.rejects is not None:
        broken = InputError("not confirmed")
        file.rejects.__exit__(InputError, broken, None)
        file.rejects = None


def _to_disk(folder: Path) -> None:
    """A folder's own entries, so that a name is not lost with the power."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _nothing(*rejects: Reject) -> Decoded:
    return Decoded(events=[], faults={}, rejects=list(rejects), lines=[])


def _trouble(path: Path, fault: OSError) -> SourceError:
    return SourceError(
        f"{_told(str(path))}: {fault.strerror or fault}", remedy="make the folder, and let the service write to it"
    )


def _seconds(name: str, field: str, text: str) -> float:
    try:
        return parse_duration(text) / 1e6
    except ValueError as fault:
        raise SettingsError(f"sources: {name}: {field}: {fault}", remedy="write it like 2s") from fault


KIND: Any = FolderSource
