"""The files of a policy: ``*.policy`` and ``lists/*.txt``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from trustward.model.catalogue import Catalogue
from trustward.policy.faults import Faults, Span, nearest
from trustward.policy.source import MAX_CHARACTERS, Source
from trustward.policy.workspace import ListSpec

MAX_FILES = 500
"""The most files in one policy."""
MAX_LIST_CHARACTERS = 64_000_000
"""The most characters in one list file."""


def read_sources(path: Path, faults: Faults) -> tuple[list[Source], list[Source]]:
    """The policy files and list files of a folder (or one policy file), in order of their names."""
    if path.is_dir():
        files = sorted(path.glob("*.policy"))
        lists = sorted((path / "lists").glob("*.txt"))
        if not files:
            _unreadable(faults, path.name, "there is no *.policy file in the folder")
        if len(files) + len(lists) > MAX_FILES:
            _unreadable(faults, path.name, f"more than {MAX_FILES} files")
            return [], []
    elif path.is_file():
        files, lists = [path], sorted((path.parent / "lists").glob("*.txt"))
    else:
        _unreadable(faults, str(path), "there is no such file or folder")
        return [], []
    base = path if path.is_dir() else path.parent
    found = [_read(file, base, faults, MAX_CHARACTERS) for file in files]
    held = [_read(file, base, faults, MAX_LIST_CHARACTERS) for file in lists]
    return [s for s in found if s is not None], [s for s in held if s is not None]


def _unreadable(faults: Faults, name: str, cause: str) -> None:
    faults.add("P001", cause, Span(Source(name, ""), 1, 0, 1, 0), "name a folder with *.policy files")


def _read(file: Path, base: Path, faults: Faults, most: int) -> Source | None:
    name = file.relative_to(base).as_posix()
    try:
        if file.stat().st_size > most * 4:
            _unreadable(faults, name, f"the file has more than {most:,} characters")
            return None
        return Source(name, file.read_bytes().decode("utf-8-sig"))
    except OSError as fault:
        _unreadable(faults, name, f"the file cannot be read: {fault.strerror or type(fault).__name__}")
    except UnicodeDecodeError as fault:
        _unreadable(faults, name, f"the file is not UTF-8 text (byte {fault.start})")
    return None


def read_lists(files: Iterable[Source], catalogue: Catalogue, faults: Faults) -> dict[str, ListSpec]:
    """The lists by name: the first line is ``# kind: account`` or ``# kind: text``, then one value a line."""
    lists: dict[str, ListSpec] = {}
    for source in files:
        name = source.name.rpartition("/")[2].removesuffix(".txt")
        head = source.lines[0].strip()
        span = Span(source, 1, 0, 1, len(source.lines[0]))
        kind = head.removeprefix("# kind:").strip() if head.startswith("# kind:") else ""
        if not kind:
            faults.add(
                "P060", "the first line of a list says what it holds", span, "write # kind: account, or # kind: text"
            )
            continue
        if kind != "text" and kind not in catalogue.kinds:
            hint = nearest(kind, [*catalogue.kinds, "text"])
            faults.add("P060", f"there is no kind {kind[:60]!r}", span, hint)
            continue
        values = (line.strip() for line in source.lines[1:])
        lists[name] = ListSpec(kind, tuple(dict.fromkeys(v for v in values if v and not v.startswith("#"))))
    return lists
