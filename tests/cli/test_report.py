"""The page: complete, well-formed, closed to the outside, and deaf to whatever an event says."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.samples import HOSTILE, HOUR_US, START_US, a_replay
from trustward.cli.report import render_page, write_page
from trustward.cli.report.plots import merge_buckets, nice_ticks, precision_recall, score_histogram, timeline
from trustward.engine.summary import Bucket, CurvePoint, Quality, ReplaySummary, ScoreBin
from trustward.model.decision import VERDICTS

VOID = {"meta", "br", "hr"}
ALLOWED_TAGS = set(
    "html head meta title style body header main footer section article h1 h2 h3 p div span strong code small dl dt dd"
    " ul li table thead tbody tr th td figure figcaption details summary svg desc text line path rect circle".split()
)


class Reader(HTMLParser):
    """Takes a page apart and checks that every element is closed where it must be."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize(
    "summary", [a_replay(), a_replay(hours=0), a_replay(hours=2_000)], ids=["week", "none", "long"]
)
def test_whatever_an_event_says_stays_text(summary: ReplaySummary) -> None:
    reader = read(render_page(summary, title=HOSTILE))
    assert set(reader.tags) <= ALLOWED_TAGS
    assert not [name for _, name, _ in reader.attributes if name.startswith("on") or name in {"style", "href", "src"}]
    assert "<script>alert(1)</script>" in "".join(reader.words)
    assert not set("\x1b\u202e\ud800") & set("".join(reader.words))


def test_the_page_asks_for_nothing() -> None:
    page = render_page(a_replay(hostile="honest"))
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<img|<iframe|<form", page)
    assert "default-src 'none'" in page.replace("&#x27;", "'")


def test_plots_can_be_read_aloud() -> None:
    reader = read(render_page(a_replay()))
    pictures = [value for tag, name, value in reader.attributes if (tag, name) == ("svg", "role")]
    named = [value for tag, name, value in reader.attributes if (tag, name) == ("svg", "aria-label")]
    assert len(pictures) == len(named) == reader.tags.count("svg") > 6
    assert all(named)
    assert ("html", "lang", "en") in reader.attributes


def test_the_same_summary_gives_the_same_page() -> None:
    assert render_page(a_replay()) == render_page(a_replay())


def test_a_page_about_nothing() -> None:
    nothing = ReplaySummary(
        policy="", policy_name="", sources=(), events=0, rejected=0, degraded=0, seconds=0.0, verdicts={}
    )
    assert "No rule matched" in "".join(read(render_page(nothing)).words)


def test_what_the_page_says() -> None:
    words = " ".join("".join(read(render_page(a_replay())).words).split())
    for expected in ("90,790", "93.8%", "0.810", "spam-wave", "never", "1 rule never matched", "33 people contacted"):
        assert expected in words


def test_a_page_is_whole_or_not_there(tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    write_page(page, a_replay())
    before = page.read_bytes()
    broken = msgspec.structs.replace(a_replay(), verdicts=None)
    with pytest.raises(AttributeError):
        write_page(page, broken)
    assert page.read_bytes() == before
    assert [file.name for file in page.parent.iterdir()] == ["page.html"]


def numbers_of(markup: str) -> list[float]:
    assert "nan" not in markup
    assert "inf" not in markup
    drawn = re.findall(r' (?:x|y|width|height|x1|x2|y1|y2|cx|cy)="(-?[0-9.]+)"', markup)
    return [float(number) for number in drawn]


counts = st.integers(0, 10**9)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.lists(counts, min_size=6, max_size=6)), max_size=20),
    st.sampled_from([600_000_000, HOUR_US, 28 * 24 * HOUR_US]),
)
def test_any_timeline_is_drawn_within_its_frame(rows: list[tuple[int, list[int]]], width_us: int) -> None:
    buckets = [
        Bucket(start_us=START_US + index * width_us, verdicts=dict(zip(VERDICTS, row, strict=True)))
        for index, row in rows
    ]
    drawn = timeline(buckets, width_us)
    read(drawn)
    assert all(-1 <= number <= 1001 for number in numbers_of(drawn))


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=20))
def test_any_histogram_is_drawn_within_its_frame(rows: list[tuple[int, int]]) -> None:
    bins = [
        ScoreBin(low=index / len(rows), high=(index + 1) / len(rows), honest=honest, fraud=fraud)
        for index, (honest, fraud) in enumerate(rows)
    ]
    drawn = score_histogram(bins)
    read(drawn)
    assert all(-1 <= number <= 1001 for number in numbers_of(drawn))


def test_a_curve_of_one_point() -> None:
    curve = (CurvePoint(score=0.0, precision=0.1, recall=1.0),)
    quality = Quality(caught=0, false_alarms=0, missed=1, passed=9, precision=None, recall=0.0, pr_auc=0.1, curve=curve)
    assert "circle" not in read(precision_recall(quality)).tags


@given(st.floats(0, 1e12, allow_nan=False), st.integers(2, 8))
def test_ticks_reach_the_highest_value(highest: float, about: int) -> None:
    ticks = nice_ticks(highest, about)
    assert ticks[0] == 0
    assert ticks[-1] >= highest * 0.999
    assert 2 <= len(ticks) <= about + 2


def test_merged_buckets_lose_nothing() -> None:
    buckets = [Bucket(start_us=START_US + hour * HOUR_US, verdicts={"allow": hour, "hold": 1}) for hour in (0, 5, 999)]
    merged, width = merge_buckets(buckets, HOUR_US, 100)
    assert len(merged) <= 100
    assert width == 10 * HOUR_US
    assert sum(bucket.events for bucket in merged) == sum(bucket.events for bucket in buckets)
    assert sum(bucket.flagged for bucket in merged) == 3


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(scheme: int) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 for text."""
    style = files("trustward.cli.report").joinpath("style.css").read_text(encoding="utf-8")
    part = style.split("@media (prefers-color-scheme: dark)")[scheme]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))
    for ink in [name for name in colours if name.endswith("-ink")] + ["ink", "soft", "accent"]:
        for behind in ("card", "page"):
            dark, light = sorted((luminance(colours[ink]), luminance(colours[behind])))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{ink} on {behind}"
