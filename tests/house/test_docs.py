"""Pages are tested: their examples run, their commands exist, their links lead somewhere, their lists are complete."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import typer.main

import trustward
from trustward import settings
from trustward.base import errors
from trustward.cli import reference
from trustward.cli.app import app
from trustward.cli.exits import MEANINGS, Exit
from trustward.model.decision import Decision

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
    ]
)
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int
    kind: str
    content: str


def blocks(kind: str) -> list[Block]:
    found = []
    for page in PAGES:
        words = page.read_text(encoding="utf-8")
        found += [
            Block(page, words.count("\n", 0, match.start()) + 1, kind, match[2])
            for match in FENCE.finditer(words)
            if match[1].strip() == kind
        ]
    return found


def name(block: Block) -> str:
    return f"{block.page.relative_to(ROOT)}:{block.line}"


def test_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks("python"):
        if ">>>" not in block.content:  # a doctest is run by pytest where it stands
            exec(compile(block.content, name(block), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("block", blocks("python policy"), ids=name)
def test_policies_are_fine(block: Block, tmp_path: Path) -> None:
    from trustward import bootstrap

    (tmp_path / "page.policy").write_text(block.content, encoding="utf-8")
    report = bootstrap.check(str(tmp_path), ())
    assert report.fine, "\n".join([*report.faults, *(failure.why for failure in report.failures)])


@pytest.mark.parametrize("block", blocks("json"), ids=name)
def test_json_is_json(block: Block) -> None:
    answer: dict[str, Any] = msgspec.json.decode(block.content)
    if "verdict" in answer:
        msgspec.json.decode(block.content, type=Decision)


def test_toml_is_toml() -> None:
    for block in blocks("toml"):
        assert tomllib.loads(block.content), name(block)


def commands_of(block: Block) -> Iterator[list[str]]:
    for line in block.content.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            yield shlex.split(line[2:], comments=True)


@pytest.mark.parametrize("block", blocks("console"), ids=name)
def test_commands_exist(block: Block) -> None:
    known = dict(reference.commands(typer.main.get_command(app)))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for words in commands_of(block):
        words = words[: words.index("|")] if "|" in words else words  # noqa: PLW2901
        program = Path(words[0]).name
        if program == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets, words
        elif program == "trustward" and not words[1].startswith("-"):
            full = next((c for c in (" ".join(["trustward", *words[1:n]]) for n in (3, 2)) if c in known), None)
            assert full, f"no such command: {words}"
            options = {option for param in known[full].params for option in param.opts} | {"--help"}
            given = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert given <= options, f"{full} has no {given - options}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", FENCE.sub("", page.read_text(encoding="utf-8"))):
        if not target.startswith(("https://", "mailto:")):
            assert (page.parent / target).exists(), target


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES if (ROOT / "docs") in page.parents]
    assert [page for page in pages if page != "index.md" and f"({page})" not in index] == []


def test_the_command_line_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == reference.render(), "run: make docs"


def test_the_page_of_settings_is_up_to_date() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings.render(), "run: make docs"


def test_every_option_says_what_it_does() -> None:
    for full, command in reference.commands(typer.main.get_command(app)):
        assert command.help, full
        assert [param.name for param in command.params if not param.help] == [], full


def test_every_exit_code_is_explained() -> None:
    assert set(MEANINGS) == set(Exit)


def test_every_error_is_listed_once() -> None:
    tree: list[type[errors.TrustwardError]] = [errors.TrustwardError, *descendants(errors.TrustwardError)]
    codes = [kind.code for kind in tree]
    assert len(set(codes)) == len(codes), "a code is used twice"
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (TW-\d{3}) \| `(\w+)` \|", page, re.MULTILINE)
    assert listed == sorted((kind.code, kind.__name__) for kind in tree)


def descendants(kind: type[errors.TrustwardError]) -> Iterator[type[errors.TrustwardError]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def test_the_front_door_is_what_the_page_says() -> None:
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    section = page[page.index("## The front door") :]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    exported = getattr(trustward, "__all__", ["__version__"])
    assert sorted(listed) == sorted(exported)
    assert all(hasattr(trustward, exported_name) for exported_name in exported)


def test_the_floors_of_the_page_are_those_of_the_contract() -> None:
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    drawing = page[page.index("```text") : page.index("```\n\nBeside")]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    floors = next(contract for contract in contracts if contract["id"] == "floors")["layers"]
    for floor, rooms in enumerate(reversed(floors)):
        for room in (found.strip("() ") for found in rooms.split("|")):
            source = ROOT / "src" / "trustward" / room
            if source.is_dir() or source.with_suffix(".py").exists():
                row = next(line for line in drawing.splitlines() if re.search(rf"\b{room}(/|\.py)", line))
                assert re.search(rf" {floor} ", row), row
