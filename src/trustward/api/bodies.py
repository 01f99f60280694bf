"""Bodies: how much, how slow and how packed they may be, and how a stream of them is cut into lines."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from litestar import Request
from litestar.types import Receive

from trustward.base.clock import elapsed_s
from trustward.base.errors import FormatError, InputError, SlowError, TooLargeError

BLOCK_BYTES = 256 * 1024
"""How much of a stream is decoded at a time: an event loop must not be held for long."""
EXPANSION = 200
"""How many times its packed size a stream may have, beyond the first megabyte."""
SLOWEST = 100
"""How many bytes of a stream must come in a second, on average: who drips must not hold a place for ever."""
_FREE = 1 << 20
_PIECE = 1 << 18
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},"]', re.DOTALL)
_WHITE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
LINE_ENDS = bytes.maketrans(b"\r\n", b"\t\t")
"""Puts JSON on one line: between values a tab is as good, and within a text it is as wrong."""

AnyRequest = Request[Any, Any, Any]


Headers = Iterable[tuple[bytes, bytes]]


def media_type(request: AnyRequest, known: tuple[str, ...]) -> str:
    """The body's media type; the first known one if none is said. Raises FormatError."""
    return media_type_in(request.scope["headers"], known)


def media_type_in(headers: Headers, known: tuple[str, ...]) -> str:
    """The same, where there are only the headers."""
    said = _header(headers, b"content-type").partition(";")[0].strip().lower()
    if not said:
        return known[0]
    if said not in known:
        raise FormatError(f"not a format of this route: {said[:80]}", remedy=f"send one of: {', '.join(known)}")
    return said


def _header(headers: Headers, wanted: bytes) -> str:
    for name, value in headers:
        if name == wanted:
            return value.decode("latin-1")
    return ""


def _packing(headers: Headers) -> str:
    return _header(headers, b"content-encoding").strip().lower()


def _check_length(headers: Headers, limit: int) -> None:
    said = _header(headers, b"content-length")
    if said.isascii() and said.isdigit() and int(said[:20]) > limit:
        raise TooLargeError(f"the body has more than {limit:,} bytes", remedy="send less at a time")


async def whole(request: AnyRequest, limit: int, wait_s: float) -> bytes:
    """A small body, all of it. Raises TooLargeError, SlowError, FormatError for a packed one, InputError."""
    return await whole_of(request.scope["headers"], request.receive, limit, wait_s)


async def whole_of(headers: Headers, receive: Receive, limit: int, wait_s: float) -> bytes:
    """The same, where there are only the headers and the way to the body."""
    packing = _packing(headers)
    if packing not in {"", "identity"}:
        raise FormatError(f"not packed as {packing[:40]}, please", remedy="send the body as it is")
    _check_length(headers, limit)
    if _is_there(receive):
        return await _gathered(receive, limit)
    try:
        async with asyncio.timeout(wait_s):
            return await _gathered(receive, limit)
    except TimeoutError as fault:
        raise SlowError(f"the body did not arrive within {wait_s:g} s", remedy="send it again") from fault


def _is_there(receive: Receive) -> bool:
    """Whether the server has the whole body already, so that nobody can be slow any more. Only uvicorn says so."""
    return getattr(getattr(receive, "__self__", None), "more_body", True) is False


async def _gathered(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise InputError("the connection broke off", remedy="send it again")
        part = message["body"]
        size += len(part)
        if size > limit:
            raise TooLargeError(f"the body has more than {limit:,} bytes", remedy="send less at a time")
        if not message["more_body"]:
            return b"".join((*parts, part)) if parts else bytes(part)
        parts.append(part)


async def pieces(request: AnyRequest, wait_s: float) -> AsyncIterator[bytes]:
    """A body of any size, piece by piece, unpacked. Raises as :func:`whole` does, but for its size."""
    packing = _packing(request.scope["headers"])
    unpack = None
    if packing in {"gzip", "x-gzip", "deflate"}:
        unpack = Unpacker()
    elif packing not in {"", "identity"}:
        raise FormatError(f"not packed as {packing[:40]}, please", remedy="send it as it is, or with gzip")
    more = True
    waited_s, size = 0.0, 0
    while more:
        # Only waiting counts: a client is not slow when we are.
        begun_s = elapsed_s()
        try:
            async with asyncio.timeout(wait_s):
                message: Any = await request.receive()
        except TimeoutError as fault:
            raise SlowError(f"no more of the body came within {wait_s:g} s", remedy="send it again") from fault
        waited_s += elapsed_s() - begun_s
        size += len(message.get("body", b""))
        if waited_s > wait_s + size / SLOWEST:
            raise SlowError(f"less than {SLOWEST} bytes came in a second", remedy="send it again, in smaller parts")
        if message["type"] == "http.disconnect":
            raise InputError("the connection broke off", remedy="send it again: events that are known do no harm")
        part, more = bytes(message["body"]), message["more_body"]
        if unpack is None:
            if part:
                yield part
            continue
        for piece in unpack.feed(part):
            yield piece
            await asyncio.sleep(0)
    if unpack is not None:
        unpack.finish()


class Unpacker:
    """Unpacks gzip and zlib little by little, and stops at what unpacks to far more than it is.

    >>> import gzip
    >>> b"".join(Unpacker().feed(gzip.compress(b"hello")))
    b'hello'
    """

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        self._given = 0
        self._made = 0

    def feed(self, part: bytes) -> Iterator[bytes]:
        """What a part unpacks to, in pieces. Raises InputError, TooLargeError."""
        self._given += len(part)
        while part:
            try:
                piece = self._inner.decompress(part, _PIECE)
            except zlib.error as fault:
                raise InputError("the body cannot be unpacked", remedy="see how it was packed") from fault
            self._made += len(piece)
            if self._made > _FREE + EXPANSION * self._given:
                raise TooLargeError(
                    f"the body unpacks to more than {EXPANSION} times its size", remedy="send it as it is"
                )
            if piece:
                yield piece
            part = self._inner.unconsumed_tail
            if self._inner.eof and (part := self._inner.unused_data.lstrip(b"\0")):
                # Packed files may follow one another.
                self._inner = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)

    def finish(self) -> None:
        """Raises InputError if something is missing at the end."""
        if self._given and not self._inner.eof:
            raise InputError("the packed body breaks off", remedy="send it again: events that are known do no harm")


class Lines:
    """Cuts a stream into blocks of whole lines. A line that is longer than the limit is passed on cut off."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._skipping = False

    def feed(self, part: bytes) -> Iterator[bytes]:
        """Blocks that are complete."""
        held = self._held
        if self._skipping:
            end = part.find(b"\n")
            if end < 0:
                return
            part = part[end + 1 :]
            self._skipping = False
        held += part
        if len(held) >= BLOCK_BYTES:
            end = held.rfind(b"\n", max(0, len(held) - len(part)))
            if end >= 0:
                yield bytes(held[: end + 1])
                del held[: end + 1]
            elif len(held) > self._limit + BLOCK_BYTES:
                # The decoder says that it is too long; what is left of the line is passed over.
                yield bytes(held)
                held.clear()
                self._skipping = True

    def finish(self) -> Iterator[bytes]:
        """What is left at the end."""
        if self._held:
            yield bytes(self._held)
            self._held.clear()


class Elements:
    r"""Cuts a JSON array into blocks with one element on each line, whatever is in them. Raises InputError.

    >>> cut = Elements(1000)
    >>> list(cut.feed(b'[{"a": [1,2]},')), list(cut.feed(b' {"b": "]"} ]')), list(cut.finish())
    ([], [], [b'{"a": [1,2]}\n{"b": "]"}\n'])
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._at = 0
        self._start = 0
        self._depth = 0
        self._count = 0
        self._ended = False
        self._out: list[bytes] = []
        self._size = 0

    def feed(self, part: bytes) -> Iterator[bytes]:
        """Blocks that are complete."""
        held = self._held
        held += part
        if self._depth == 0 and not self._ended and not self._open():
            return
        if not self._ended:
            self._scan()
            if len(held) - self._start > self._limit + BLOCK_BYTES:
                raise InputError(
                    f"element {self._count} of the array has more than {self._limit:,} bytes",
                    remedy="the elements before it were taken in; mend it, and send them again",
                )
            del held[: self._start]
            self._at -= self._start
            self._start = 0
        if self._ended:
            if held.strip(_WHITE):
                raise InputError("something follows the end of the array", remedy="send one array")
            held.clear()
        if self._size >= BLOCK_BYTES:
            yield self._block()

    def _open(self) -> bool:
        held = self._held
        if len(held) < len(_BOM) and _BOM.startswith(held):
            return False
        rest = held.removeprefix(_BOM).lstrip(_WHITE)
        if rest and not rest.startswith(b"["):
            raise InputError("the body is no JSON array", remedy="send [...], or lines as application/x-ndjson")
        held[:] = rest or b" " * len(_BOM)
        self._at = self._start = 1
        self._depth = 1 if rest else 0
        return bool(rest)

    def _scan(self) -> None:
        held, depth, start = self._held, self._depth, self._start
        for token in _TOKENS.finditer(held, self._at):
            text = token[0]
            if len(text) > 1:
                self._at = token.end()
                continue
            if text == b'"':
                # A text that goes on in the next part.
                self._at = token.start()
                break
            self._at = token.end()
            if text in b"{[":
                depth += 1
            elif text == b",":
                if depth == 1:
                    self._add(start, token.start(), last=False)
                    start = token.end()
            else:
                depth -= 1
                if depth == 0:
                    self._add(start, token.start(), last=True)
                    start = token.end()
                    self._ended = True
                    break
        else:
            self._at = len(held)
        self._depth, self._start = depth, start

    def _add(self, start: int, end: int, *, last: bool) -> None:
        element = bytes(self._held[start:end]).strip(_WHITE)
        if not element and last and self._count == 0:
            return
        self._count += 1
        element = element.translate(LINE_ENDS) if element else b"null"
        self._out.append(element + b"\n")
        self._size += len(element) + 1

    def _block(self) -> bytes:
        block = b"".join(self._out)
        self._out, self._size = [], 0
        return block

    def finish(self) -> Iterator[bytes]:
        """What is left at the end. Raises InputError if the array has none."""
        if self._out:
            yield self._block()
        if not self._ended:
            raise InputError("the array breaks off", remedy="send it again: events that are known do no harm")
