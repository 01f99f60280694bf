"""Bundles of evidence: whatever is not as it was signed is found; the same content gives the same bytes."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustward.adapters.evidence_key import signing_key
from trustward.base.errors import SettingsError, TooLargeError, UsageError
from trustward.exchange.evidence import MANIFEST, SIGNATURE, BundleWriter, SigningKey, check_public, encode, verify

KEY = SigningKey.make()
FILES = {"about.json": b"{}\n", "decisions.ndjson": b'{"a":1}\n' * 90, "empty.txt": b"", "policies/a.json": b"x" * 512}


def made(files: dict[str, bytes] | None = None, key: SigningKey = KEY, limit: int = 1 << 20) -> bytes:
    out = io.BytesIO()
    writer = BundleWriter(out, "clue:1", limit)
    for name, content in (FILES if files is None else files).items():
        writer.add(name, f"what {name} is", [content[:5], content[5:]])
    writer.end(key)
    return out.getvalue()


WHOLE = made()


def members(content: bytes) -> list[tuple[str, bytes]]:
    """The files of a bundle as any program for tar files reads them, each with its head and all."""
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        found = opened.getmembers()
        return [(one.name, content[one.offset : one.offset_data + -(-one.size // 512) * 512]) for one in found]


def first(content: bytes, key: str = "") -> str:
    """The file that the first fault names; empty if nothing is wrong."""
    verdict = verify(io.BytesIO(content), key)
    return verdict.faults[0].file if verdict.faults else ""


def test_as_it_was_signed() -> None:
    verdict = verify(io.BytesIO(WHOLE), KEY.public)
    assert verdict.fine, verdict
    assert (verdict.trusted, verdict.key, verdict.record) == (True, KEY.public, "clue:1")
    assert [item.name for item in verdict.files] == list(FILES)
    assert (verdict.size, first(WHOLE)) == (len(WHOLE), "")
    assert made() == WHOLE
    with tarfile.open(fileobj=io.BytesIO(WHOLE)) as opened:
        for name, content in FILES.items():
            file = opened.extractfile(name)
            assert file is not None
            assert file.read() == content
        assert {(one.mtime, one.mode, one.uid) for one in opened} == {(0, 0o644, 0)}


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(WHOLE) - 1), to=st.integers(1, 255))
def test_any_changed_byte_is_found(at: int, to: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] ^= to
    verdict = verify(io.BytesIO(bytes(changed)))
    assert not verdict.fine
    with tarfile.open(fileobj=io.BytesIO(WHOLE)) as opened:
        for one in opened:
            if one.name in FILES and one.offset_data <= at < one.offset_data + one.size:
                assert (verdict.faults[0].file, verdict.faults[0].what) == (one.name, "its content was changed")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_missing_extra_or_moved_file_is_found(data: st.DataObject) -> None:
    parts = members(WHOLE)
    names = [name for name, _ in parts]
    rest = WHOLE[sum(len(content) for _, content in parts) :]
    at = data.draw(st.integers(0, len(parts) - 1))
    how = data.draw(st.sampled_from(["missing", "extra", "twice", "moved"]))
    if how == "missing":
        name = names[at]
        del parts[at]
    elif how == "extra":
        name = "more.txt"
        parts.insert(at, members(made({name: b"more"}))[0])
    elif how == "twice":
        name = names[at]
        parts.insert(at, parts[at])
    else:
        to = data.draw(st.integers(0, len(parts) - 1).filter(lambda other: other != at))
        name = ""
        parts.insert(to, parts.pop(at))
    verdict = verify(io.BytesIO(b"".join(content for _, content in parts) + rest))
    assert not verdict.fine
    if name and name not in {MANIFEST, SIGNATURE}:
        assert verdict.faults[0].file == name


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=600))
def test_what_is_cut_or_longer_is_found(size: int, more: bytes) -> None:
    assert first(WHOLE[:size])
    assert first(WHOLE + more) == "the end"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000))
def test_anything_at_all(content: bytes) -> None:
    assert first(content)


def test_signed_by_somebody_else() -> None:
    other = made(key=SigningKey.make())
    assert verify(io.BytesIO(other)).fine
    verdict = verify(io.BytesIO(other), KEY.public)
    assert (verdict.fine, verdict.trusted, verdict.faults[0].file) == (False, False, SIGNATURE)
    # The manifest of one bundle with the signature of another.
    parts = dict(members(WHOLE))
    parts[SIGNATURE] = dict(members(made({"about.json": b"{}\n"})))[SIGNATURE]
    assert first(b"".join(parts.values()) + bytes(1024)) == MANIFEST
    with pytest.raises(UsageError):
        check_public("no key")
    assert check_public(f" {KEY.public.upper()}\n") == KEY.public


def test_what_cannot_be_written() -> None:
    with pytest.raises(TooLargeError, match="larger than 2,000"):
        made(limit=2000)
    for name in ("../a", "/a", "", "a b", MANIFEST, "x" * 101, "a//b", "ü"):
        with pytest.raises(ValueError, match="name"):
            made({name: b""})
    writer = BundleWriter(io.BytesIO(), "clue:1", 1 << 20)
    writer.add("a", "", [])
    with pytest.raises(ValueError, match="already"):
        writer.add("a", "", [])
    assert encode({"b": 1, "a": [{"z": 1, "y": 2}]}) == encode({"a": [{"y": 2, "z": 1}], "b": 1})


def test_the_file_of_the_key(tmp_path: Path) -> None:
    path = tmp_path / "data" / "evidence.key"
    key = signing_key(path, make=True)
    assert signing_key(path, make=True).public == key.public
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["evidence.key"]
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="others"):
        signing_key(path, make=True)
    path.chmod(0o600)
    path.write_bytes(b"-----BEGIN nonsense")
    with pytest.raises(SettingsError, match="cannot be read"):
        signing_key(path, make=False)
    with pytest.raises(SettingsError, match=os.strerror(2)):
        signing_key(tmp_path / "none", make=False)
