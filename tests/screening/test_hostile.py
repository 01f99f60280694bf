"""Faults that were found by trying to break the screeners; each became a test first."""

from __future__ import annotations

import io
import json
import re
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.cli.screen import _lines
from trustward.screening.functions import Function, load_functions
from trustward.screening.goods import screen_listing
from trustward.screening.goods.screen import Goods, shipped_goods
from trustward.screening.links import link_scores, screen_link


def screened(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[Any], str]:
    """Exit code, answers and messages of screening some lines of JSON as phone numbers."""
    file = tmp_path / "lines.ndjson"
    file.write_bytes(content)
    code = run(["screen", "phone", "--in", str(file)])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_nested_too_deep_is_a_fault_of_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = b'{"id": 1, "value": "1", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    code, answers, messages = screened(tmp_path, deep + b'{"id": 2, "value": "91234567"}\n', capsys)
    assert code == Exit.FOUND
    assert [answer["id"] for answer in answers] == [2]
    assert "line 1" in messages


@pytest.mark.parametrize("end", [b"", b"\n", b'\r\n{"id": 2, "value": "2"}'])
def test_a_mark_in_front_of_utf_8_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], end: bytes
) -> None:
    code, answers, _ = screened(tmp_path, b'\xef\xbb\xbf{"id": 1, "value": "91234567"}' + end, capsys)
    assert code == Exit.FINE
    assert [answer["id"] for answer in answers] == ([1, 2] if b"2" in end else [1])


def test_true_is_no_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answers, messages = screened(tmp_path, b'{"id": true, "value": "91234567"}\n', capsys)
    assert code == Exit.FOUND
    assert not answers
    assert "id is neither" in messages


def test_values_and_a_file_are_one_too_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lines.ndjson"
    file.write_text('{"value": "1"}')
    assert run(["screen", "phone", "91234567", "--in", str(file)]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert not out
    assert "--in" in err


class _Pipe(io.BytesIO):
    """Hands out little at a time, as a pipe does."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(4_096)


def test_a_long_line_from_a_pipe_is_read_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(size: int) -> float:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=_Pipe(b"a" * size)))
        start = time.process_time()
        assert [len(line) for _, line in _lines(None) if line is not None] == [size]
        return time.process_time() - start

    assert seconds(40_000_000) < 2.0


def test_lines_come_whole_whatever_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [b"a" * 5_000, b"", b"b", b"c" * 4_095, b"d" * 10_000]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=_Pipe(b"\n".join(wanted))))
    found = [(number, line) for number, line in _lines(None) if line is not None]
    assert found == list(enumerate(wanted, 1))


def test_listings_are_screened_the_same_by_two_threads() -> None:
    goods = shipped_goods()
    sets = [
        [{"title": f"Selling bank account {number} with card and otp"} for number in range(100)],
        [{"title": f"出售电话卡 实名已激活 {number}", "market": "SG"} for number in range(100)],
    ]
    wanted = [goods.screen_listings(listings) for listings in sets]
    right: list[bool] = []
    before = sys.getswitchinterval()

    def work(goods: Goods, number: int) -> None:
        right.extend(goods.screen_listings(sets[number]) == wanted[number] for _ in range(40))

    try:
        sys.setswitchinterval(1e-6)
        threads = [threading.Thread(target=work, args=(goods, number)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert right == [True] * 80


@pytest.mark.parametrize("market", ["Singapore", "China", "SGP", "S1", "\u00df", "\x1b[", "91234567"])
def test_a_market_that_is_no_code_is_not_cut_to_another_country(market: str) -> None:
    vape = {"title": "Disposable vape"}
    assert screen_listing({**vape, "market": market}) == screen_listing(vape)


@pytest.mark.parametrize("market", ["SG", "sg", " SG "])
def test_a_market_is_known_however_it_is_written(market: str) -> None:
    assert screen_listing({"title": "Disposable vape", "market": market}).verdict == "harmful"


@pytest.mark.parametrize(
    "link", ["java\tscript:alert(1)", "\x01javascript:alert(1)", "\u200bjavascript:alert(1)", " \r\njavas\ncript:x"]
)
def test_a_script_is_seen_through_what_browsers_drop(link: str) -> None:
    plain = screen_link("javascript:alert(1)")
    assert screen_link(link) == plain
    assert plain.verdict != "ok"
    assert link_scores([link]).tolist() == [plain.score]


@pytest.mark.parametrize(
    "function", [one for one in load_functions().values() if one.result == "signal"], ids=lambda one: one.name
)
def test_examples_compare_a_part_of_a_signal(function: Function) -> None:
    assert re.search(r"\)\.(score|verdict|category|reasons)\b", function.example), function.example
