"""Bundles of evidence: a tar file with a manifest and a signature, the same byte for byte if made of the same.

Files come in a fixed order, each with a head that follows from its name and size alone; then ``manifest.json``, which
lists them with their sizes and SHA-256, then ``manifest.sig``, its Ed25519 signature. There is one way to write a
bundle, so any byte that is another one is found: whoever has the public key needs nothing else. ``docs/clues.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from trustward.base.errors import SettingsError, TooLargeError, UsageError

FORMAT = "trustward-evidence-1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
_BLOCK = 512
_PIECE = 1 << 16
_MOST_MANIFEST = 16 << 20
_NAME = re.compile(r"[a-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_SIGNED = re.compile(rb"ed25519 ([0-9a-f]{64}) ([0-9a-f]{128})\n")
_LARGEST = 8**11 - 1


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a bundle: what it is, how large, with which content."""

    name: str
    what: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All files of a bundle, in order. ``record`` is what it was made of, such as ``clue:4f1c``."""

    format: str
    record: str
    files: tuple[Item, ...]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a bundle: with which file, and what."""

    file: str
    what: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a bundle is as it was signed. The first of ``faults`` comes first in the bundle.

    ``trusted`` says whether the key that signed it is the one that was given; None if none was.
    """

    faults: tuple[Fault, ...]
    record: str
    key: str
    trusted: bool | None
    files: tuple[Item, ...]
    size: int
    sha256: str

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


class SigningKey:
    """An Ed25519 key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def make(cls) -> SigningKey:
        """A new one."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, pem: bytes) -> SigningKey:
        """A key as :meth:`pem` has written it. Raises SettingsError."""
        try:
            found = load_pem_private_key(pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
            raise SettingsError("the key for evidence cannot be read", remedy="give an Ed25519 key, as PEM") from fault
        if not isinstance(found, Ed25519PrivateKey):
            raise SettingsError("the key for evidence is none of Ed25519", remedy="give an Ed25519 key, as PEM")
        return cls(found)

    def pem(self) -> bytes:
        """The key itself, to be kept: PKCS#8, not encrypted."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public(self) -> str:
        """The public key, in hexadecimal."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> bytes:
        """A signature: the same for the same content."""
        return self._private.sign(content)


def _head(name: str, size: int) -> bytes:
    """The head of a file: nothing in it but the name and the size (POSIX ustar)."""
    head = bytearray(_BLOCK)
    head[: len(name)] = name.encode("ascii")
    head[100:136] = b"0000644\x000000000\x000000000\x00%011o\x00" % size
    head[136:148] = b"00000000000\x00"
    head[148:156] = b" " * 8
    head[156:157] = b"0"
    head[257:265] = b"ustar\x0000"
    head[148:156] = b"%06o\x00 " % sum(head)
    return bytes(head)


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


class BundleWriter:
    """Writes a bundle into a file that can be sought in. Raises TooLargeError beyond ``limit`` bytes."""

    def __init__(self, out: BinaryIO, record: str, limit: int) -> None:
        self._out = out
        self._record = record
        self._limit = min(limit, _LARGEST)
        self._size = 0
        self.items: list[Item] = []

    def add(self, name: str, what: str, content: Iterable[bytes]) -> None:
        """Add a file. Its name is of letters, digits, ``.``, ``_``, ``-``, ``/``, and not longer than 100."""
        if not _NAME.fullmatch(name) or len(name) > 100 or name in {MANIFEST, SIGNATURE}:
            raise ValueError(f"no name for a file of a bundle: {name}")
        if any(item.name == name for item in self.items):
            raise ValueError(f"there is such a file already: {name}")
        size, digest = self._write(name, content)
        self.items.append(Item(name=name, what=what, size=size, sha256=digest))

    def _write(self, name: str, content: Iterable[bytes]) -> tuple[int, str]:
        start = self._out.tell()
        self._grow(_BLOCK)
        self._out.write(bytes(_BLOCK))
        size, digest = 0, sha256()
        for part in content:
            self._grow(len(part))
            self._out.write(part)
            digest.update(part)
            size += len(part)
        self._out.write(_padding(size))
        self._grow(-size % _BLOCK)
        end = self._out.tell()
        self._out.seek(start)
        self._out.write(_head(name, size))
        self._out.seek(end)
        return size, digest.hexdigest()

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > self._limit:
            raise TooLargeError(
                f"the bundle would be larger than {self._limit:,} bytes",
                remedy="ask for less: fewer entities, a shorter period; or raise evidence_mb",
            )

    def end(self, key: SigningKey) -> None:
        """Write the manifest and its signature: the bundle is whole."""
        manifest = encode(Manifest(format=FORMAT, record=self._record, files=tuple(self.items)))
        self._write(MANIFEST, [manifest])
        self._write(SIGNATURE, [b"ed25519 %b %b\n" % (key.public.encode(), key.sign(manifest).hex().encode())])
        self._out.write(bytes(2 * _BLOCK))


def encode(value: object) -> bytes:
    """A value as JSON, always the same way: names in order, indented, a line end."""
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n"


def encode_lines(values: Iterable[object]) -> Iterator[bytes]:
    """Values as NDJSON, each always the same way."""
    for value in values:
        yield msgspec.json.encode(value, order="sorted") + b"\n"


# ---------------------------------------------------------------------- verifying


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    size: int
    sha256: str
    content: bytes = b""


class _Reader:
    """Reads a bundle from its first byte to its last; stops where nothing can be told any more."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._digest = sha256()
        self.size = 0
        self.faults: list[Fault] = []

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def _take(self, count: int) -> bytes:
        parts, left = [], count
        while left and (part := self._source.read(min(left, _PIECE))):
            parts.append(part)
            left -= len(part)
        found = b"".join(parts)
        self._digest.update(found)
        self.size += len(found)
        return found

    def _wrong(self, file: str, what: str) -> None:
        self.faults.append(Fault(file=file, what=what))

    def files(self) -> Iterator[_Found]:
        number = 0
        while True:
            number += 1
            head = self._take(_BLOCK)
            if head == bytes(_BLOCK):
                self._end()
                return
            name, size = _read_head(head)
            if size < 0 or head != _head(name, size):
                self._wrong(name or f"file {number}", f"the head of file {number} was changed, or is missing")
                self._drain()
                return
            found = self._file(name, size)
            if found is None:
                return
            yield found

    def _file(self, name: str, size: int) -> _Found | None:
        kept: list[bytes] = []
        small = name in {MANIFEST, SIGNATURE} and size <= _MOST_MANIFEST
        digest, left = sha256(), size
        while left:
            part = self._take(min(left, _PIECE))
            if not part:
                self._wrong(name, "the bundle ends within this file")
                return None
            digest.update(part)
            left -= len(part)
            if small:
                kept.append(part)
        padding = _padding(size)
        if self._take(len(padding)) != padding:
            self._wrong(name, "bytes after its end were changed")
        return _Found(name=name, size=size, sha256=digest.hexdigest(), content=b"".join(kept))

    def _end(self) -> None:
        if self._take(_BLOCK) != bytes(_BLOCK):
            self._wrong("the end", "the bundle does not end as it has to")
        if self._drain():
            self._wrong("the end", "something follows the end of the bundle")

    def _drain(self) -> int:
        count = 0
        while part := self._take(_PIECE):
            count += len(part)
        return count


def _read_head(head: bytes) -> tuple[str, int]:
    name = head[:100].split(b"\0")[0]
    digits = head[124:135]
    fits = len(head) == _BLOCK and re.fullmatch(rb"[0-7]{11}", digits) and _NAME.fullmatch(name.decode("latin-1"))
    return (name.decode("ascii"), int(digits, 8)) if fits else ("", -1)


def verify(source: BinaryIO, key: str = "") -> Verdict:
    """Hold a bundle against its manifest, its signature, and (in hexadecimal) the public ``key`` that is trusted.

    Nothing is asked of anybody. Without a key a bundle is only as good as the key in it, which :class:`Verdict` names.
    """
    reader = _Reader(source)
    found = list(reader.files())
    names = [one.name for one in found]
    last = {one.name: one for one in found}
    signed = _SIGNED.fullmatch(last[SIGNATURE].content) if SIGNATURE in last else None
    manifest = _manifest(last[MANIFEST].content) if MANIFEST in last else None
    faults = list(reader.faults)
    if manifest is not None:
        faults += _compare(manifest.files, [one for one in found if one.name not in {MANIFEST, SIGNATURE}])
    if names[-2:] != [MANIFEST, SIGNATURE] or names.count(MANIFEST) > 1 or names.count(SIGNATURE) > 1:
        faults.append(Fault(file=MANIFEST, what="the manifest and its signature do not come last, once each"))
    if MANIFEST in last and manifest is None:
        faults.append(Fault(file=MANIFEST, what="it is no manifest"))
    public = signed[1].decode() if signed is not None else ""
    if signed is None:
        faults.append(Fault(file=SIGNATURE, what="there is no signature" if SIGNATURE not in last else "it is none"))
    elif MANIFEST in last and not _good(public, bytes.fromhex(signed[2].decode()), last[MANIFEST].content):
        faults.append(Fault(file=MANIFEST, what="it is not what was signed"))
    trusted = None if not key else public == key.strip().lower()
    if trusted is False:
        faults.append(Fault(file=SIGNATURE, what=f"it was signed with another key: {public or 'none'}"))
    order = {name: at for at, name in enumerate(item.name for item in manifest.files)} if manifest is not None else {}
    faults.sort(key=lambda fault: order.get(fault.file, len(order)))
    return Verdict(
        faults=tuple(faults),
        record=manifest.record if manifest is not None else "",
        key=public,
        trusted=trusted,
        files=manifest.files if manifest is not None else (),
        size=reader.size,
        sha256=reader.sha256,
    )


def _manifest(content: bytes) -> Manifest | None:
    try:
        found = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.format == FORMAT else None


def _good(public: str, signature: bytes, content: bytes) -> bool:

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _compare(items: tuple[Item, ...], found: list[_Found]) -> Iterator[Fault]:
    """What differs between what the manifest lists and what is there."""
    listed = {item.name: item for item in items}
    there: dict[str, _Found] = {}
    for one in found:
        if one.name not in listed:
            yield Fault(file=one.name, what="it is not in the manifest")
        elif one.name in there:
            yield Fault(file=one.name, what="it is there twice")
        else:
            there[one.name] = one
    for item in items:
        one_ = there.get(item.name)
        if one_ is None:
            yield Fault(file=item.name, what="it is missing")
        elif (one_.size, one_.sha256) != (item.size, item.sha256):
            yield Fault(file=item.name, what="its content was changed")
    order = [item.name for item in items if item.name in there]
    for wanted, name in zip(order, there, strict=True):
        if wanted != name:
            yield Fault(file=wanted, what="it is not in its place")
            return


def check_public(text: str) -> str:
    """A public key as it was given: in hexadecimal. Raises UsageError."""
    key = text.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", key):
        raise UsageError("that is no public key", remedy="give the 64 digits that trustward clues key prints")
    return key
