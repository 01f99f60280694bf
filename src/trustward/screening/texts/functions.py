"""What rules can ask of a text as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trustward.model.signal import Signal
from trustward.screening.functions import Function


def _text(text: str) -> Signal:
    from trustward.screening.texts.screener import screen_text  # noqa: PLC0415 - the weights load when they are needed

    return screen_text(text)


def _scores(texts: Sequence[str]) -> Any:
    from trustward.screening.texts.screener import text_scores  # noqa: PLC0415 - the same

    return text_scores(texts)


def _likeness(text: str) -> tuple[str, ...]:
    from trustward.screening.texts.screener import likeness  # noqa: PLC0415 - the same

    return likeness(text)


FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="text",
        arguments=(("text", "text"),),
        result="signal",
        call=_text,
        scores=_scores,
        cost=25.0,
        about="How likely a message is a scam, of which kind, and why; links in it are screened too.",
        example="text(event.text).score >= 0.9",
    ),
    Function(
        name="likeness",
        arguments=(("text", "text"),),
        result="list:text",
        call=_likeness,
        cost=20.0,
        about="Fingerprints of a text; near-duplicates share at least one, also where names or sentences differ.",
        example="likeness(event.text)",
    ),
)
