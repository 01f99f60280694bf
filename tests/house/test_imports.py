"""The house's own rules that no import contract can say: dotted names, clocks, the front door, file sizes."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "trustward"
FILES = sorted(SOURCE.rglob("*.py"))
VALUE_ROOMS = ("base", "model", "windows", "screening", "exchange", "policy", "engine", "ports", "settings")
FORBIDDEN_TO_VALUES = ("urllib.request", "multiprocessing", "subprocess", "asyncio", "webbrowser", "ctypes")
MOST_LINES = 550
MOST_LINES_OF_A_FUNCTION = 90
CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(module: ast.Module) -> Iterator[str]:
    """Every name that a module imports, wherever the import stands."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_only_the_clock_asks_the_machine_for_the_time() -> None:
    found = []
    for path in FILES:
        if path == SOURCE / "base" / "clock.py":
            continue
        for node in ast.walk(tree(path)):
            asked: set[str] = set()
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                asked = {node.attr} & CLOCKS.get(node.value.id, set())
            elif isinstance(node, ast.ImportFrom) and node.module == "time":
                asked = {alias.name for alias in node.names} & CLOCKS["time"]
            found += [f"{path}:{node.lineno}: {name}" for name in asked]  # type: ignore[attr-defined]
    assert not found, "use base/clock.py, or take the time as an argument"


def test_values_in_values_out() -> None:
    found = [
        f"{path}: {name}"
        for path in FILES
        if room(path) in VALUE_ROOMS
        for name in imported(tree(path))
        if name.startswith(FORBIDDEN_TO_VALUES)
    ]
    assert not found, "floors 0 to 4 start nothing and fetch nothing"


def test_nobody_inside_uses_the_front_door() -> None:
    rooms = {room(path) for path in FILES}
    found = []
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module == "trustward":
                found += [f"{path}: {alias.name}" for alias in node.names if alias.name not in rooms]
            elif isinstance(node, ast.Import):
                found += [f"{path}: {alias.name}" for alias in node.names if alias.name == "trustward"]
    assert not found, "import the module that has the name, not trustward itself"


def test_files_and_functions_stay_readable() -> None:
    found = []
    for path in FILES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MOST_LINES:
            found.append(f"{path}: {lines} lines")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > MOST_LINES_OF_A_FUNCTION:
                    found.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
    assert not found


def test_the_import_contract_knows_every_room() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    floors = next(contract for contract in contracts if contract["id"] == "floors")
    assert floors["exhaustive"]
    known = {name.strip("() ") for layer in floors["layers"] for name in layer.split("|")}
    rooms = {room(path) for path in FILES} - {"__init__"}
    assert rooms <= known
    values = next(contract for contract in contracts if contract["id"] == "values-in-values-out")
    lower = {name.strip("() ") for layer in floors["layers"][3:] for name in layer.split("|")}
    assert {f"trustward.{name}" for name in lower & rooms} == set(values["source_modules"])
    assert set(VALUE_ROOMS) == lower & rooms


def test_every_package_says_what_it_is() -> None:
    silent = [path for path in FILES if path.name == "__init__.py" and not ast.get_docstring(tree(path))]
    assert not silent
