"""Every kind of fault, as an analyst reads it.

Each ``golden/NAME.policy`` has its approved text beside it in ``golden/NAME.txt`` (lists in ``golden/NAME.lists/``).
After a change that is meant, approve the new texts with one command, and look at what changed::

    TRUSTWARD_APPROVE=1 python -m pytest tests/policy/test_golden.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.policy.kit import GOLDEN, catalogue
from trustward.base.errors import PolicyError
from trustward.policy import Source, load_policy
from trustward.policy.faults import CODES, Faults
from trustward.policy.files import read_lists

CASES = sorted(GOLDEN.glob("*.policy"))


def render(path: Path) -> str:
    """What loading the policy says."""
    lists = [
        Source(f"lists/{file.name}", file.read_text(encoding="utf-8"))
        for file in sorted(path.with_suffix(".lists").glob("*.txt"))
    ]
    found = Faults()
    specs = read_lists(lists, catalogue(), found)
    rendered = [fault.render() for fault in found.sorted()]
    try:
        load_policy([Source(path.name, path.read_text(encoding="utf-8"))], catalogue(), lists=specs)
    except PolicyError as error:
        rendered += error.faults
    return "\n\n".join(rendered) + "\n"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_faults_read_as_approved(path: Path) -> None:
    approved = path.with_suffix(".txt")
    said = render(path)
    if os.environ.get("TRUSTWARD_APPROVE"):
        approved.write_text(said, encoding="utf-8")
    assert approved.is_file(), "not approved yet: see the head of this file"
    assert said == approved.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_golden_policy_shows_the_fault_it_is_named_for(path: Path) -> None:
    if path.stem.startswith("P0"):
        assert f": {path.stem[:4]} " in path.with_suffix(".txt").read_text(encoding="utf-8")


def test_every_code_has_a_golden_text() -> None:
    shown = {code for path in CASES for code in re.findall(r": (P\d{3}) ", path.with_suffix(".txt").read_text("utf-8"))}
    # P001 is about files that cannot be read; test_files.py has it.
    assert set(CODES) - shown == {"P001"}


def test_every_fault_has_a_place_and_a_mark() -> None:
    for path in CASES:
        for fault in path.with_suffix(".txt").read_text("utf-8").strip().split("\n\n"):
            assert re.match(r"[\w./-]+:\d+:\d+: P\d{3} \S", fault), fault
            assert "^" in fault, fault
