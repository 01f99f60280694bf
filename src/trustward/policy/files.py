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
"""The most characters in the list files of a policy."""


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
    held: list[Source] = []
    left = MAX_LIST_CHARACTERS
    for file in lists:
        source = _read(file, base, faults, left)
        if source is not None:
            held.append(source)
            left -= len(source.text)
    return [s for s in found if s is not None], held


def _unreadable(faults: Faults, name: str, cause: str, hint: str = "name a folder with *.policy files") -> None:
    faults.add("P001", cause, Span(Source(name, ""), 1, 0, 1, 0), hint)


def _read(file: Path, base: Path, faults: Faults, most: int) -> Source | None:
    name = file.relative_to(base).as_posix()
    try:
        if file.stat().st_size > most * 4:
            _unreadable(faults, name, f"the file is too large: {most:,} characters are left for it", "use less")
            return None
        data = file.read_bytes()
    except OSError as fault:
        _unreadable(faults, name, f"the file cannot be read: {fault.strerror or type(fault).__name__}", "")
        return None
    try:
        return Source(name, data.decode("utf-8"))
    except UnicodeDecodeError as fault:
        shown = Source(name, data.decode("utf-8", "replace"))
        before = data[: fault.start].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n") - 1
        span = Span(shown, line, column, line, column + 1)
        faults.add("P001", f"the file is not UTF-8 text (byte {fault.start})", span, "save it as UTF-8")
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
        values: dict[str, None] = {}
        for number, line in enumerate(source.lines[1:], 2):
            value = line.strip()
            if value and not value.startswith("#"):
                _check_value(source, number, value, kind, faults)
                values[value] = None
        lists[name] = ListSpec(kind, tuple(values))
    return lists


def _check_value(source: Source, number: int, value: str, kind: str, faults: Faults) -> None:
    """Record what a value on a list cannot be."""
    line = source.lines[number - 1]
    odd = next((at for at, character in enumerate(line) if character < " " and character != "\t"), -1)
    if odd >= 0:
        span = Span(source, number, odd, number, odd + 1)
        faults.add("P060", f"a control character (U+{ord(line[odd]):04X}) in a value", span, "take it out")
    elif kind != "text" and (" #" in value or "\t#" in value):
        at = line.index("#")
        span = Span(source, number, at, number, len(line.rstrip()))
        faults.add("P060", "this would be a part of the value", span, "a comment stands on a line of its own")
    elif kind == "domain" and (at := next((at for at, sign in enumerate(value) if sign in "/@ \t"), -1)) >= 0:
        span = Span(source, number, line.index(value), number, line.index(value) + len(value))
        hint = "write evil.example, without https:// and path"
        faults.add("P060", f"no domain has {value[at]!r} in it, so this is never found", span, hint)
