"""User agents: programs that say so, programs that are known, browsers without a person, and names that cannot be.

A browser's name follows a grammar: ``Mozilla/5.0 (platform) engine browser``, made of parts that browsers use. What
follows it says nothing; what does not is a program. Nothing is learned here: a program that copies a browser's whole
name looks like it, and only its behaviour tells.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import normalize

from trustward.model.signal import Signal, verdict_of
from trustward.screening.contacts.sets import Test, matcher

VERSION = "1"
SUSPICIOUS = 0.6
HARMFUL = 0.9
LONGEST = 1_000
"""Characters of a user agent that are read; browsers' own have less than 400."""
CATEGORIES = ("declared", "library", "client", "headless", "unknown", "odd", "app", "browser", "empty")
DATA = Path(__file__).resolve().parent.parent / "data" / "networks"
_COMMENT = re.compile(r"\(([^()]{0,400})\)")
_DESKTOPS = ("Macintosh", "X11", "Windows")
_DESKTOP = re.compile(
    r"(?:Macintosh|X11|U|N|I|Intel Mac OS X[ \d._]*|PPC Mac OS X[ \d._]*|Wayland|CrOS [\w .]+|Ubuntu|Fedora|Debian"
    r"|Linux|Linux (?:x86_64|i[3-6]86|i686 on x86_64|amd64|aarch64|armv\w+|ppc64\w*)|(?:Free|Open|Net)BSD \w+|SunOS \w+"
    r"|Windows(?: NT [\d.]+| 9[58]| XP)?|Win64|WOW64|x64|ARM|ARM64|rv:[\d.]+|[a-z]{2}(?:[-_][A-Za-z]{2,4})?"
    r"|Trident/[\d.]+|Touch|MSIE [\d.]+\w?|\.NET[ \w.]+|SLCC\d|Media Center PC [\d.]+|Tablet PC [\d.]+|InfoPath\.\d"
    r"|Xbox(?: \w+)?|Avant Browser|SV1|FDM|GTB[\d.]+|MAGWJS|LCJB|MDD[A-Z]JS|MA[A-Z]{2,4}|NP\d+|TB[\d.]+"
    r"|compatible|WebView/[\d.]+)?"
)
_CONTACT = re.compile(
    r"https?:|www\.|\.(?:com|org|net|io)\b|\w ?(?:@|\[at\]|\(at\)| at ) ?[\w-]{1,63}(?:\.| ?\[?dot\]? ?)[a-z]{2}"
)
_SCALED = re.compile(r"; ios [0-9.]+; scale/[0-9.]+\)")
_DEVICE = re.compile(r"\((?:linux; (?:u; )?android|android|iphone|ipad|ipod)[^()]*")
_SURE = re.compile(r"bot\b|crawl|spider|https?:|compatible")
_CHROME = re.compile(r"Chrome/(\d+)\.(\d+)(?:\.(\d+)\.(\d+))?")


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((DATA / "agents.toml").read_text("utf-8"))


HEADLESS, DECLARED, WORD, CLIENT, LIBRARY, APP = range(6)
"""What :func:`_found` tells of a name, by place."""


@cache
def _found() -> Test:
    def one_of(words: list[str]) -> str:
        return "|".join(map(re.escape, sorted(words)))

    def whole(words: list[str]) -> str:
        return f"(?:^|[^a-z])(?:{one_of(words)})(?:[^a-z]|$)"

    table = _words()
    return matcher(
        [
            one_of(table["headless"]["parts"]),
            one_of(table["declared"]["parts"]),
            whole(table["declared"]["words"]),
            whole(table["client"]["parts"]),
            whole(table["library"]["parts"]),
            one_of(table["apps"]["parts"]),
        ]
    )


@cache
def _honest() -> re.Pattern[str]:
    """Honest names that hold a telling part: they are taken out first."""
    return re.compile(
        "|".join(map(re.escape, sorted(_words()["declared"]["not"], key=lambda word: (-len(word), word))))
    )


@cache
def _products() -> frozenset[str]:
    return frozenset(_words()["browser"]["products"])


def agent(value: str) -> Signal:
    """What a user agent says about who sent it: the score is how surely it is a program, not a person's browser.

    >>> agent("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)").category
    'declared'
    >>> agent("python-requests/2.31.0").category
    'library'
    """
    score, category, reason = judged(value)
    return Signal(
        score=score,
        verdict=verdict_of(score, SUSPICIOUS, HARMFUL),
        category=category,
        reasons=(reason,) if reason else (),
        version=VERSION,
    )


def agents(values: Sequence[str]) -> list[Signal]:
    """The signals of many user agents."""
    known: dict[str, Signal] = {}
    return [known[value] if value in known else known.setdefault(value, agent(value)) for value in values]


def judged(value: str) -> tuple[float, str, str]:
    """Score, category and reason."""
    text = normalize("NFKC", value[:LONGEST]).strip()
    if not text or text == "-":
        return 0.85, "empty", "no user agent"
    low = text.lower()
    found = _found()(_honest().sub(" ", _DEVICE.sub(_device, low, count=1)))
    if HEADLESS in found or "headless" in low:
        return 0.98, "headless", "a browser run by a program"
    if DECLARED in found:
        return 0.99, "declared", "names itself a program"
    if ("." in low or "http" in low) and _CONTACT.search(low):
        return 0.97, "declared", "gives an address for questions, as programs do"
    if CLIENT in found or _SCALED.search(low):
        return 0.7, "client", "the network library of apps on telephones"
    if LIBRARY in found:
        return 0.93, "library", "a program's way to fetch pages"
    if WORD in found:
        return 0.97, "declared", "names itself a program"
    return _grammar(text, app=APP in _found()(low))


def _device(found: re.Match[str]) -> str:
    """Names of devices hold all sorts of words: only the plainest count there."""
    return found[0] if _SURE.search(found[0].replace("cubot", "")) else " "


def _grammar(text: str, *, app: bool) -> tuple[float, str, str]:
    comments = _COMMENT.findall(text)
    rest = _COMMENT.sub(" ", text)
    names = [part.partition("/")[0].lower() for part in rest.split()]
    if app:
        return 0.2, "app", "an app's own browser"
    if not text.startswith(("Mozilla/5.0 (", "Mozilla/4.0 (", "Opera/9")):
        return 0.95, "unknown", "not the form of a browser's name"
    if "(" in rest or ")" in rest:
        return 0.8, "unknown", "brackets that no browser leaves open"
    first = comments[0] if comments else ""
    if first.startswith("compatible") and "MSIE" not in first:
        return 0.93, "unknown", "a compatible program that is no browser"
    strange = [name for name in names if name not in _products() and not name.replace(".", "").isdigit()]
    if strange or any(comment != "KHTML, like Gecko" for comment in comments[1:2]):
        return 0.85, "unknown", "a part that no known browser's name has"
    if first.startswith(_DESKTOPS) and not all(_DESKTOP.fullmatch(part.strip()) for part in first.split(";")):
        return 0.8, "unknown", "a part that no computer's platform has"
    if not _PLATFORM.search(first):
        return 0.88, "unknown", "no platform that browsers run on"
    if len(names) < 2 and "MSIE" not in first and "Trident" not in first:
        return 0.85, "unknown", "a browser's name without a browser"
    odd = _odd(text, first, names)
    return (0.55, "odd", odd) if odd else (0.1, "browser", "")


_PLATFORM = re.compile(
    r"Windows|Macintosh|Linux|X11|Android|iPhone|iPad|iPod|CrOS|Tizen|Mobile|PlayStation|Nintendo|Xbox|FreeBSD|OpenBSD"
    r"|BB10|BlackBerry|webOS|Web0S|KAIOS|SMART-TV|Fuchsia|OpenHarmony|HarmonyOS|Symbian"
)


def _odd(text: str, platform: str, names: list[str]) -> str:
    """What is impossible about a name of a browser's form, or ""."""
    apple = platform.startswith(("iPhone", "iPad", "iPod"))
    if apple and "chrome" in names:
        return "Chrome for computers on a telephone of Apple"
    if "chrome" in names and "safari" not in names and "wv)" not in text:
        return "Chrome without the rest of its name"
    if "Windows NT" in platform and "mobile" in names and "safari" in names:
        return "a telephone's browser on Windows"
    if "firefox" in names and "applewebkit" in names:
        return "two engines in one browser"
    if platform.startswith("Macintosh") and "Android" in platform:
        return "two platforms"
    chrome = _CHROME.search(text)
    if chrome is not None and chrome[3] is not None:
        major, minor, build = int(chrome[1]), int(chrome[2]), int(chrome[3])
        if minor or (major >= 40 and build and not _build_fits(major, build)):
            return "a version of Chrome that there is not"
    return ""


def _build_fits(major: int, build: int) -> bool:
    """Whether a build number belongs to a version: they grow together, about 45 to 75 a version (chromiumdash)."""
    low, high = 2214 + (major - 40) * 40, 2214 + (major - 40) * 62 + 200
    return low <= build <= high
