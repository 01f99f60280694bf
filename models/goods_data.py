"""The written listings and messages from which the goods screener is built and with which it is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

MATERIAL = Path(__file__).resolve().parent / "material" / "goods"


class Listing(NamedTuple):
    """A listing (``written`` as such) or a message.

    ``kind`` is a category, ``message`` (it offers what may not be sold) or ``ok``.
    """

    language: str
    kind: str
    fields: dict[str, Any]
    written: bool = True


def listings(path: Path) -> list[Listing]:
    """Read a file of written listings."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        language, kind, title, *more = line.split("\t")
        fields: dict[str, Any] = {"title": title}
        for option in more[0].split("|") if more else ():
            name, _, value = option.partition("=")
            fields[name] = float(value) if name == "price" else value
        found.append(Listing(language, kind, fields))
    return found


MESSAGES = Path(__file__).resolve().parent / "material" / "texts"
LANGUAGES = ("zh", "en", "ms", "th", "vi", "id")
"""The languages in which all core categories have words."""
SOLD = ("banned_goods", "account_trade")
"""Kinds of written message that offer what may not be sold."""
READ = tuple(f"{language}.tsv" for language in ("nl", "pt", "ru", "th", "tl", "tr", "vi", "zh"))
"""Files whose offers were read through once, so that none of them says how unseen wording fares."""


def messages(*, seen: bool) -> list[Listing]:
    """Messages written for the text screener by other hands: each that is honest, and half of those that offer goods.

    ``seen``: what was read, or may have been, when words were chosen; the rest was not. What people say *about* fraud
    (``ok.talk``) is left out: it is no offer, and a screener of listings is not asked about it.
    """
    found = []
    for path in sorted(MESSAGES.glob("*.tsv")):
        language = path.name.split(".")[0]
        number = 0
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("#") or "\t" not in line:
                continue
            kind, text = line.split("\t", 1)
            number += kind in SOLD
            if kind.startswith("ok.") and kind != "ok.talk":
                found.append(Listing(language, "ok", {"title": text}, written=False))
            elif kind in SOLD and (number % 2 == 0 or path.name in READ) == seen:
                found.append(Listing(language, "message", {"title": text}, written=False))
    return found
