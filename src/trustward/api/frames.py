"""What goes between the engine's process and those that speak HTTP: frames over a Unix socket, each with its length."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from trustward.api.logs import log
from trustward.base.errors import StateError
from trustward.model.decision import Fault
from trustward.operations.grouping import Problem

FRAME_BYTES = 256 << 20
"""Most bytes of a frame: a longer one can only be a fault."""
EVENTS, REQUESTS = "events.sock", "requests.sock"
"""The engine's sockets, in a folder of their own: for frames of events, and for all other requests."""
_HEAD = struct.Struct(">I")
_PEER = struct.Struct("3i")

Sample = tuple[str, tuple[tuple[str, str], ...], float]
"""A metric's name, its labels, its value."""


class Asked(msgspec.Struct, frozen=True, array_like=True, tag="ask"):
    """To the engine: events as lines of JSON, as the journal keeps them, and their faults by position.

    ``dues`` says by position until when callers wait, on this machine's steady clock.
    """

    number: int
    count: int
    lines: bytes
    faults: dict[int, tuple[Fault, ...]]
    dues: dict[int, float] = {}


class Counted(msgspec.Struct, frozen=True, array_like=True, tag="count"):
    """To the engine: what a process has counted since it started; events by key since the last time."""

    samples: tuple[Sample, ...]
    spent: dict[str, int] = {}


class Told(msgspec.Struct, frozen=True, array_like=True, tag="late"):
    """To the engine: decisions, with their entries, that came late without their commit saying so; JSON."""

    decisions: bytes


class Answered(msgspec.Struct, frozen=True, array_like=True, tag="answer"):
    """To HTTP: what became of the events of one frame.

    ``seqs`` is empty where the entries follow ``first`` without a gap. ``decisions`` is JSON, as in the journal.
    ``told`` are those that were committed after their callers' deadlines, and follow the safe answer.
    """

    number: int
    policy: str
    first: int
    seqs: tuple[int, ...]
    decisions: bytes | None
    problems: dict[int, Problem]
    again: tuple[int, ...]
    told: tuple[int, ...] = ()


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="fail"):
    """To HTTP: the events of one frame were not decided; the error's code, and what it says."""

    number: int
    code: str
    message: str
    remedy: str


class Standing(msgspec.Struct, frozen=True, array_like=True, tag="state"):
    """To HTTP: how the engine is, and what an answer after a deadline says by the live policy.

    ``owed`` are the keys that have sent more than they may, and until when (on this machine's steady clock).
    """

    phase: str
    warmed: bool
    draining: bool
    policy: str
    safe: dict[str, tuple[tuple[str, str], ...]]
    owed: dict[str, float] = {}


ToEngine = Asked | Counted | Told
ToHttp = Answered | Failed | Standing
_ENCODE = msgspec.msgpack.Encoder().encode


def frame(message: ToEngine | ToHttp) -> bytes:
    """A message with its length before it."""
    body = _ENCODE(message)
    return _HEAD.pack(len(body)) + body


class Framed(asyncio.Protocol):
    """One end of the line: cuts what comes in into messages of some kind, and hands them to :meth:`take`."""

    def __init__(self, kind: Any) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._held = bytearray()
        self.transport: asyncio.Transport | None = None

    def take(self, message: Any) -> None:
        """A message is there."""
        raise NotImplementedError

    def gone(self) -> None:
        """The line is cut."""

    def send(self, message: ToEngine | ToHttp) -> None:
        """Send a message; into the void if the line is cut."""
        if self.transport is not None:
            self.transport.write(frame(message))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        try:
            for body in _cut(self._held, data):
                self.take(self._decode(body))
        except (StateError, msgspec.MsgspecError) as fault:
            log("a line is cut: what came is no frame", error=fault)
            if self.transport is not None:
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it was cut
        """See :class:`asyncio.Protocol`."""
        self.transport = None
        self.gone()


def _cut(held: bytearray, data: bytes) -> Iterator[bytes]:
    r"""The messages that are whole; the rest stays held.

    >>> held = bytearray()
    >>> list(_cut(held, b"\0\0\0\2ab\0\0")), list(_cut(held, b"\0\1c"))
    ([b'ab'], [b'c'])
    """
    held += data
    at = 0
    while len(held) - at >= _HEAD.size:
        (size,) = _HEAD.unpack_from(held, at)
        if size > FRAME_BYTES:
            raise StateError(
                f"a frame of {size:,} bytes", remedy="start again: the two ends do not understand each other"
            )
        if len(held) - at - _HEAD.size < size:
            break
        at += _HEAD.size
        yield bytes(held[at : at + size])
        at += size
    del held[:at]


def own_peer(transport: asyncio.BaseTransport) -> bool:
    """Whether the other end is a process of the same user: the folder's rights say so already, and the system again."""
    peer = transport.get_extra_info("socket")
    if peer is None or not hasattr(socket, "SO_PEERCRED"):
        return True
    _, user, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return bool(user == os.getuid())


def listen_at(path: str) -> socket.socket:
    """A Unix socket that nobody else may speak to."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(path)
    finally:
        os.umask(before)
    listening.listen(1024)
    return listening


def labels_of(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Labels in a fixed order."""
    return tuple(sorted(labels.items()))
