"""Screening: texts and links in batches and one by one, and what screening every text and link costs a replay."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trustward.cli.bench.fresh import Clock
from trustward.cli.bench.inputs import ACCOUNTS, EVENTS, FORTY, stream
from trustward.cli.bench.replay import decide
from trustward.cli.bench.result import Result, Settings, at_least, at_most, figure, rate, ratio, result

SCREENED = Path(__file__).with_name("screened")
_LENGTH = 100
"""Characters that a text of the measurement has at least: messages of the stream, put together."""
_EACH = 2_000
"""Values that are screened one by one."""


def measure(settings: Settings) -> Result:
    """Texts and links of a simulated stream, and the replay of it with and without screening."""
    events, accounts = settings.sized(EVENTS, 2_000), settings.sized(ACCOUNTS, 200)
    values = settings.sized(100_000, 2_000)
    path = stream(settings, events, accounts)
    out = str(settings.folder / "decisions.ndjson")
    both = settings.folder / "forty-screened"
    shutil.copytree(FORTY, both, dirs_exist_ok=True)
    shutil.copytree(SCREENED, both, dirs_exist_ok=True)
    plain: list[dict[str, float]] = []
    screened: list[dict[str, float]] = []
    texts: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    # The first round compiles and caches.
    before = 0 if settings.trial else 1
    for turn in range(-before, settings.repeats):
        settings.say(f"screening: round {turn + 1} of {settings.repeats}")
        plain.append(settings.fresh(decide, policy=FORTY, path=str(path), out=out))
        screened.append(settings.fresh(decide, policy=str(both), path=str(path), out=out))
        texts.append(settings.fresh(of_texts, path=str(path), count=values))
        links.append(settings.fresh(of_links, path=str(path), count=values))
    plain, screened, texts, links = plain[before:], screened[before:], texts[before:], links[before:]
    text_rate = rate("texts, whole signals", "texts", values, [one["many"] for one in texts])
    link_rate = rate("links, whole signals", "links", values, [one["many"] for one in links])
    text_load = figure("weights and lexicons of texts loaded", "s", [one["load"] for one in texts])
    link_load = figure("weights and lists of links loaded", "s", [one["load"] for one in links])
    one_text = figure("one text, median", "us", [one["median"] for one in texts])
    one_link = figure("one link, median", "us", [one["median"] for one in links])
    without = rate("replay without screening", "events", events, [one["seconds"] for one in plain])
    with_it = rate("replay with every text and link screened", "events", events, [one["seconds"] for one in screened])
    part = ratio("replay with / without screening", with_it, without)
    return result(
        "screening",
        f"texts of {_LENGTH} characters and more, links, and a replay of {events:,} events, one core",
        settings,
        figures=[
            text_rate,
            rate("texts, scores only", "texts", values, [one["scores"] for one in texts]),
            one_text,
            figure("one text, 99th percentile", "us", [one["late"] for one in texts]),
            link_rate,
            rate("links, scores only", "links", values, [one["scores"] for one in links]),
            one_link,
            figure("one link, 99th percentile", "us", [one["late"] for one in links]),
            rate("texts, whole signals, by processor time", "texts", values, [one["many busy"] for one in texts]),
            rate("links, whole signals, by processor time", "links", values, [one["many busy"] for one in links]),
            text_load,
            figure("first signal of a text, compiler and libraries included", "s", [one["first"] for one in texts]),
            link_load,
            figure("first signal of a link, compiler and libraries included", "s", [one["first"] for one in links]),
            with_it,
        ],
        yardsticks=[without],
        ratios=[part],
        bars=[
            at_least(text_rate, 60_000),
            at_most(one_text, 60),
            at_least(link_rate, 100_000),
            at_most(one_link, 25),
            at_most(text_load, 0.3),
            at_most(link_load, 0.3),
            at_least(part, 0.4),
        ],
        equal=all(one["equal"] for one in (*texts, *links)),
        sizes={
            "values": values,
            "characters a text": round(texts[-1]["length"]),
            "different texts": texts[-1]["different"],
            "texts with a contact point": texts[-1]["naming"],
            "texts of a category": texts[-1]["told"],
            "different links": links[-1]["different"],
            "not ok among the texts": texts[-1]["found"],
            "not ok among the links": links[-1]["found"],
            "events": events,
        },
        notes=[
            "Whole signals: score, verdict, category, reasons, entities; scores alone are what rules over batches ask.",
            "Signals of many are compared with those of one, and scores with those of the signals.",
            "Texts are messages of several people put together: more of them name something than single messages do.",
            "Loaded: what the package brings, once the compiler of kernels runs; a first signal needs both.",
        ],
    )


def of_texts(path: str, count: int) -> dict[str, Any]:
    """Task: texts of a stream, put together to the length of a message that says something."""
    import msgspec

    found: list[str] = []
    line: list[str] = []
    size = 0
    with Path(path).open("rb") as file:
        for row in file:
            text = msgspec.json.decode(row).get("text")
            if text:
                line.append(text)
                size += len(text) + 1
                if size >= _LENGTH:
                    found.append(" ".join(line))
                    line, size = [], 0
    with Clock() as first:
        _start_compiler()
        with Clock() as load:
            from trustward.screening.contacts import contacts
            from trustward.screening.links.screen import shipped_brands
            from trustward.screening.texts.model import model
            from trustward.screening.texts.screener import screen_text, screen_texts, text_scores

            model().load_all()
            shipped_brands()
            contacts("")
        screen_text("Call +65 9123 4567 or see http://a.example/x")
    texts = [found[i % len(found)] for i in range(count)]
    return {**_rounds(texts, screen_text, screen_texts, text_scores), **_loads(first, load)}


def of_links(path: str, count: int) -> dict[str, Any]:
    """Task: links of a stream."""
    import msgspec

    found: list[str] = []
    with Path(path).open("rb") as file:
        for row in file:
            event = msgspec.json.decode(row)
            found += [event["url"]] if event.get("url") else event.get("urls") or []
    with Clock() as first:
        _start_compiler()
        with Clock() as load:
            from trustward.screening.links.screen import link_scores, screen_link, screen_links, shipped_brands

            shipped_brands()
        screen_link("http://a.example")
    links = [found[i % len(found)] for i in range(count)]
    return {**_rounds(links, screen_link, screen_links, link_scores), **_loads(first, load)}


def _start_compiler() -> None:
    """Call a small kernel: the first one of a process waits for the compiler's own libraries."""
    from trustward.screening.folding import fold

    fold("a")


def _loads(first: Clock, load: Clock) -> dict[str, float]:
    return {"first": first.read()["seconds"], "load": load.read()["seconds"]}


def _rounds(
    values: Sequence[str],
    one: Callable[[str], Any],
    many: Callable[[Sequence[str]], list[Any]],
    scores: Callable[[Sequence[str]], Any],
) -> dict[str, Any]:
    from trustward.base.clock import elapsed_s

    many(values[:100])
    scores(values[:100])
    with Clock() as whole:
        signals = many(values)
    with Clock() as alone:
        bare = scores(values).tolist()
    taken = []
    singles = []
    for value in values[:_EACH]:
        begin = elapsed_s()
        singles.append(one(value))
        taken.append(elapsed_s() - begin)
    taken.sort()
    return {
        "many": whole.read()["seconds"],
        "many busy": whole.read()["busy"],
        "scores": alone.read()["seconds"],
        "median": taken[len(taken) // 2] * 1e6,
        "late": taken[len(taken) * 99 // 100] * 1e6,
        "equal": singles == signals[: len(singles)]
        and all(signal.score == score for signal, score in zip(signals, bare, strict=True)),
        "found": sum(signal.verdict != "ok" for signal in signals),
        "different": len(set(values)),
        "naming": sum(bool(signal.entities) for signal in signals),
        "told": sum(signal.category not in ("", "none") for signal in signals),
        "length": sum(map(len, values)) / len(values),
    }
