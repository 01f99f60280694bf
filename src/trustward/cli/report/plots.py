"""Plots as inline SVG, drawn twice: for a wide and for a narrow page. Colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from trustward.base.units import format_duration
from trustward.cli.report.markup import Child, Markup, join, tag
from trustward.engine.summary import Bucket, Quality, ScoreBin
from trustward.model.decision import VERDICTS, Verdict

WIDE, HALF, NARROW = 1000, 480, 340
_LETTER = 6.6  # about how wide a digit is, in the units of the plot
FLAGGED: tuple[Verdict, ...] = VERDICTS[1:]


class Area(NamedTuple):
    """Where something is drawn: a rectangle, y running down."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top


def nice_ticks(highest: float, about: int = 4) -> list[float]:
    """Round numbers from 0 to at least ``highest``.

    >>> nice_ticks(87)
    [0.0, 25.0, 50.0, 75.0, 100.0]
    >>> nice_ticks(0)
    [0.0, 1.0]
    """
    if highest < 1:
        return [0.0, 1.0]
    rough = highest / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    return [step * index for index in range(math.ceil(highest / step - 1e-9) + 1)]


def short(number: float) -> str:
    """A number for an axis.

    >>> short(12_500), short(3_000_000), short(40), short(0.5)
    ('12.5k', '3M', '40', '0.5')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def moment(us: int, pattern: str = "%d %b %H:%M") -> str:
    """A time in UTC for people. Beyond the years that a calendar has, the microseconds themselves.

    >>> moment(0)
    '01 Jan 00:00'
    """
    try:
        return datetime.fromtimestamp(us / 1e6, UTC).strftime(pattern)
    except (OverflowError, ValueError, OSError):
        return f"{us} µs"


def figure(
    name: str,
    description: str,
    draw: Callable[[float], tuple[float, Markup]],
    note: Child = None,
    *,
    wide: float = WIDE,
) -> Markup:
    """A plot with its caption; ``draw`` is given the width and returns height and content."""

    def picture(width: float, kind: str) -> Markup:
        height, content = draw(width)
        return tag(
            "svg",
            tag("title", name),
            tag("desc", description),
            content,
            class_=f"plot {kind}",
            viewBox=f"0 0 {width:g} {height:g}",
            role="img",
            aria_label=f"{name}. {description}",
        )

    return tag("figure", picture(wide, "wide"), picture(NARROW, "narrow"), tag("figcaption", description, note))


def _label(x: float, y: float, words: str, *, anchor: str = "middle", kind: str = "tick") -> Markup:
    return tag("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_=kind)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> Markup:
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=kind)


def _bars(rectangles: Sequence[tuple[float, float, float, float]], kind: str) -> Markup | None:
    """Many rectangles (left, top, width, height) as one path."""
    drawn = [f"M{x:.1f} {y:.1f}h{w:.1f}v{h:.1f}h{-w:.1f}z" for x, y, w, h in rectangles if h > 0]
    return tag("path", d=Markup("".join(drawn)), class_=kind) if drawn else None


def _left_axis(area: Area, ticks: Sequence[float]) -> Markup:
    parts: list[Markup] = []
    for tick in ticks:
        y = area.bottom - area.height * tick / ticks[-1]
        parts += (_line(area.left, y, area.right, y), _label(area.left - 6, y + 4, short(tick), anchor="end"))
    return join(*parts)


# ------------------------------------------------------------------------------------------------------- the timeline


def merge_buckets(buckets: Sequence[Bucket], width_us: int, most: int) -> tuple[list[Bucket], int]:
    """At most ``most`` buckets without gaps, and how long each lasts in microseconds."""
    if not buckets:
        return [], width_us
    first = min(bucket.start_us for bucket in buckets)
    last = max(bucket.start_us for bucket in buckets)
    steps = (last - first) // width_us + 1
    width_us *= -(-steps // most)
    counts: list[dict[Verdict, int]] = [{} for _ in range((last - first) // width_us + 1)]
    fraud = [0] * len(counts)
    for bucket in buckets:
        index = (bucket.start_us - first) // width_us
        fraud[index] += bucket.fraud
        for verdict, count in bucket.verdicts.items():
            counts[index][verdict] = counts[index].get(verdict, 0) + count
    return [
        Bucket(start_us=first + index * width_us, verdicts=verdicts, fraud=fraud[index])
        for index, verdicts in enumerate(counts)
    ], width_us


def timeline(buckets: Sequence[Bucket], width_us: int) -> Markup:
    """Events over time, and below them the flagged ones by verdict."""
    events = sum(bucket.events for bucket in buckets)
    flagged = sum(bucket.flagged for bucket in buckets)
    description = (
        f"All events above, the flagged ones by verdict below, in UTC: {events:,} events, {flagged:,} flagged."
    )

    def draw(width: float) -> tuple[float, Markup]:
        merged, step_us = merge_buckets(buckets, width_us, 168 if width == WIDE else 56)
        return 330, _draw_timeline(merged, step_us, width)

    return figure("Events and flagged events over time", description, draw, _legend(buckets))


def _legend(buckets: Sequence[Bucket]) -> Markup:
    seen = [verdict for verdict in FLAGGED if any(bucket.verdicts.get(verdict) for bucket in buckets)]
    return tag("span", *(tag("span", verdict, class_=f"key {verdict}") for verdict in seen), class_="legend")


def _draw_timeline(buckets: list[Bucket], step_us: int, width: float) -> Markup:
    above = Area(48, 22, width - 4, 150)
    below = Area(48, 190, width - 4, 300)
    slot = above.width / max(1, len(buckets))
    gap = min(2.0, slot * 0.15)
    step = format_duration(step_us)
    tops = nice_ticks(max((bucket.events for bucket in buckets), default=0), 3)
    lows = nice_ticks(max((bucket.flagged for bucket in buckets), default=0), 3)
    parts: list[Markup | None] = [
        _label(4, 12, f"events per {step}", anchor="start", kind="head"),
        _label(4, 180, f"flagged per {step}", anchor="start", kind="head"),
        _left_axis(above, tops),
        _left_axis(below, lows),
    ]
    lefts = [above.left + index * slot for index in range(len(buckets))]
    heights = [above.height * bucket.events / tops[-1] for bucket in buckets]
    parts.append(
        _bars([(x, above.bottom - h, slot - gap, h) for x, h in zip(lefts, heights, strict=True)], "bar events")
    )
    bottoms = [below.bottom] * len(buckets)
    for verdict in FLAGGED:
        rectangles = []
        for index, bucket in enumerate(buckets):
            h = below.height * bucket.verdicts.get(verdict, 0) / lows[-1]
            bottoms[index] -= h
            rectangles.append((lefts[index], bottoms[index], slot - gap, h))
        parts.append(_bars(rectangles, f"bar {verdict}"))
    parts.append(_time_axis(buckets, step_us, below, slot))
    for x, bucket in zip(lefts, buckets, strict=True):
        told = ", ".join(
            f"{verdict} {bucket.verdicts[verdict]:,}" for verdict in FLAGGED if bucket.verdicts.get(verdict)
        )
        words = f"{moment(bucket.start_us)}: {bucket.events:,} events, {bucket.flagged:,} flagged"
        hover = tag("title", words + (f" ({told})" if told else ""))
        parts.append(
            tag(
                "rect",
                hover,
                x=f"{x:.1f}",
                y=above.top,
                width=f"{slot:.1f}",
                height=below.bottom - above.top,
                class_="hover",
            )
        )
    return join(*parts)


def _time_axis(buckets: list[Bucket], step_us: int, area: Area, slot: float) -> Markup:
    """Labels where a day (or a round number of hours or days) begins, as many as there is room for."""
    if not buckets:
        return join()
    span_us = step_us * len(buckets)
    hour, day = 3_600_000_000, 86_400_000_000
    room = max(2, int(area.width // 75))
    choices = (hour, 3 * hour, 6 * hour, 12 * hour, *(day * n for n in (1, 2, 4, 7, 14, 28, 91, 182, 365)))
    every = next((choice for choice in choices if span_us / choice <= room), span_us)
    pattern = "%d %b" if every >= day else "%d %b %H:%M"
    if every > 300 * day:
        pattern = "%Y"
    first = buckets[0].start_us
    parts: list[Markup] = []
    at = -(-first // every) * every
    while at < first + span_us and len(parts) < 60:
        x = area.left + (at - first) / step_us * slot
        parts.append(_line(x, area.bottom, x, area.bottom + 5, "axis"))
        words = moment(at, pattern)
        half = len(words) * _LETTER / 2
        parts.append(_label(min(max(x, half), area.right - half), area.bottom + 19, words))
        at += every
    return join(*parts)


# ------------------------------------------------------------------------------------------------ scores and the curve


def score_histogram(bins: Sequence[ScoreBin]) -> Markup:
    """How many honest and fraudulent events had which score, on a logarithmic scale."""
    judged = any(bin_.fraud for bin_ in bins)
    description = "How many events had which score" + (", honest and fraudulent beside each other" if judged else "")
    description += " (logarithmic scale)."
    highest = max((max(bin_.honest, bin_.fraud) for bin_ in bins), default=0)
    decades = max(1, math.ceil(math.log10(highest + 1)))

    def draw(width: float) -> tuple[float, Markup]:
        area = Area(44, 22, width - 8, 210)

        def height(count: int) -> float:
            # A single event must be seen: zero is below one.
            return area.height * (math.log10(count) + 0.15) / (decades + 0.15) if count else 0.0

        parts: list[Markup | None] = [_label(4, 12, "events", anchor="start", kind="head")]
        for power in range(decades + 1):
            y = area.bottom - height(10**power)
            parts += (_line(area.left, y, area.right, y), _label(area.left - 6, y + 4, short(10**power), anchor="end"))
        for kind, shift in (("honest", 0.0), ("fraud", 0.5)):
            rectangles = []
            for bin_ in bins:
                slot = area.width * (bin_.high - bin_.low)
                bar = height(bin_.honest if kind == "honest" else bin_.fraud)
                left = area.left + area.width * bin_.low + slot * (0.06 + shift * 0.88)
                rectangles.append((left, area.bottom - bar, slot * (0.44 if judged else 0.88), bar))
            parts.append(_bars(rectangles, f"bar {kind}"))
        parts.append(_unit_axis(area))
        parts.append(_label((area.left + area.right) / 2, area.bottom + 36, "score"))
        return 252, join(*parts)

    keys = [tag("span", "honest", class_="key honest"), tag("span", "fraud", class_="key fraud")]
    return figure("Scores", description, draw, tag("span", *keys, class_="legend") if judged else None, wide=HALF)


def _unit_axis(area: Area) -> Markup:
    parts: list[Markup] = [_line(area.left, area.bottom, area.right, area.bottom, "axis")]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x = area.left + area.width * tick
        parts.append(_label(x - (6 if tick == 1 else 0), area.bottom + 19, f"{tick:g}"))
    return join(*parts)


def precision_recall(quality: Quality) -> Markup:
    """The precision-recall curve over the scores, with the point at which the policy acts."""
    area_words = f"{quality.pr_auc:.3f}" if quality.pr_auc is not None else "-"
    description = f"Precision against recall for every score threshold; the area below is {area_words}."
    if quality.precision is not None and quality.recall is not None:
        description += (
            f" The dot is where the policy acts: precision {quality.precision:.3f}, recall {quality.recall:.3f}."
        )

    def draw(width: float) -> tuple[float, Markup]:
        area = Area(44, 22, width - 8, 210)

        def at(recall: float, precision: float) -> tuple[float, float]:
            return area.left + area.width * recall, area.bottom - area.height * precision

        parts: list[Markup] = [_label(4, 12, "precision", anchor="start", kind="head")]
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            y = area.bottom - area.height * tick
            parts += (_line(area.left, y, area.right, y), _label(area.left - 6, y + 4, f"{tick:g}", anchor="end"))
        if quality.base_rate is not None:
            y = at(0, quality.base_rate)[1]
            parts.append(_line(area.left, y, area.right, y, "base"))
        if quality.curve:
            path, before = "", 0.0
            for point in quality.curve:
                # Steps, not slopes: between two thresholds there is no policy that gives a point in between.
                start, end = at(before, point.precision), at(point.recall, point.precision)
                path += f"{'L' if path else 'M'}{start[0]:.1f} {start[1]:.1f}L{end[0]:.1f} {end[1]:.1f}"
                before = point.recall
            parts.append(tag("path", d=Markup(path), class_="curve"))
        parts.append(_unit_axis(area))
        parts.append(_label((area.left + area.right) / 2, area.bottom + 36, "recall"))
        if quality.precision is not None and quality.recall is not None:
            x, y = at(quality.recall, quality.precision)
            parts.append(tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=6, class_="dot"))
        return 252, join(*parts)

    return figure("Precision and recall", description, draw, wide=HALF)


# --------------------------------------------------------------------------------------------------- bars inside tables


def bar(parts: Sequence[tuple[float, str]], words: str) -> Markup:
    """A bar for a table's cell: shares of the full width (together at most 1) with their kinds, one after another."""
    drawn: list[Markup] = []
    left = 0.0
    for portion, kind in parts:
        width = max(0.0, min(portion, 1 - left)) * 100
        drawn.append(tag("rect", x=f"{left * 100:.2f}", y=0, width=f"{width:.2f}", height=10, class_=f"bar {kind}"))
        left += width / 100
    picture = tag("svg", *drawn, viewBox="0 0 100 10", preserveAspectRatio="none", role="img", aria_label=words)
    return tag("span", picture, class_="meter")
