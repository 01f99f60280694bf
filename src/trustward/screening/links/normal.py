"""Links made plain: what hides a link's target from people and from simple readers is undone, and named."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote

from trustward.screening.links import words as w
from trustward.screening.links.confusable import LATIN
from trustward.screening.links.suffixes import registrable_of

LONGEST = 4_000
"""Characters of a link that are read."""
DEEPEST = 3
"""How many links within links are followed."""


class Link(NamedTuple):
    """A link in its plain form.

    ``url`` is what to compare and to look up: scheme, host and rest. ``host`` is ASCII (other scripts as ``xn--``),
    ``shown`` is what a browser may show for it. ``tricks`` names what was undone: see the table in the docs.
    ``target`` is the link that this one leads on to, if it carries one.
    """

    url: str
    scheme: str
    host: str
    shown: str
    port: int | None
    path: str
    query: str
    fragment: str
    registrable: str | None
    tricks: tuple[str, ...]
    target: Link | None

    @property
    def rest(self) -> str:
        """Path, query and fragment as they stand in ``url``."""
        return self.path + (f"?{self.query}" if self.query else "") + (f"#{self.fragment}" if self.fragment else "")


INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_DOTS = re.compile("[\u3002\uff0e\uff61\u2024\ufe52\u00b7\u2022\u2219\u22c5\u30fb\u06d4]")
_SLASHES = re.compile("[\u2044\u2215\u29f8\uff0f\u2571]")
_COLONS = re.compile("[\u2236\uff1a\ufe55\ua789\ufe13]")
_BRACKET_DOT = re.compile(r"\s*[\[({<]\s*(?:\.|,|dot|punkt|punto|point|ponto|titik|nokta)\s*[\])}>]\s*", re.IGNORECASE)
_BRACKET_OTHER = re.compile(r"\s*[\[({]\s*(:|/|://|//|:/|@|at)\s*[\])}]\s*", re.IGNORECASE)
_HALF_BRACKET = re.compile(r"(?<=\w)(?:\[\.|\.\]|\(\.|\.\)|\\\.)(?=\w)")
_WORD_DOT = re.compile(r"(?<=[\w-])(?:\s+dot\s+|\s*_dot_\s*|\s+\.\s*|\s*\.\s+)(?=[\w-])", re.IGNORECASE)
_SCHEME = re.compile(
    r"\s*(?:meow|h(?:[tx*_]|\s)?[tx*_]\s?p\s?(s?)|fxp(s?)|(?:url\s*[:=]\s*)?https?(s?))(?=\s*[:;.]?\s*[/\\]|\s*:)"
    r"\s*[:;.]?\s*[/\\]\s?[/\\]?[/\\]*\s*",
    re.IGNORECASE,
)
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_PLAIN_HOST = re.compile(r"(?:https?://)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+[/?#]", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,20}):(?!\d{1,5}(?:[/?#]|$))", re.IGNORECASE)
_END = re.compile(r"[/?#]")
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")
_NESTED = re.compile(r"(?:h[tx]{2}ps?|https?):(?://|%2f%2f|/)|(?<=[=/?&#|])//(?=[\w-]+\.)|(?<==)www\.", re.IGNORECASE)
_ESCAPED = re.compile(r"%[0-9a-fA-F]{2}")
_KEPT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./:")
_PORTS = {"http": (80, 443), "https": (443, 80), "ftp": (21,)}


def normalise(text: str) -> Link | None:
    """A link in its plain form, or None if there is no host in it.

    Undoes: defanging (``hxxp``, ``[.]``, ``(dot)`` and the like), blanks that a scan has put in, wide and other odd
    letters, invisible and direction marks, userinfo, escaped hosts and twice-escaped paths, numeric hosts, backslashes,
    trailing dots, ports that say nothing; and finds the link that a redirect leads on to.

    >>> normalise("hxxps://www[.]example[.]com./a%2562").url
    'https://www.example.com/ab'
    >>> normalise("http://bank.example@3232235777/").host
    '192.168.1.1'
    >>> normalise("no link") is None
    True
    """
    return _normalise(text[:LONGEST], 0)


def _normalise(text: str, depth: int) -> Link | None:
    tricks = 0
    text = text.strip()
    cleaned = INVISIBLE.sub("", text)
    if cleaned != text:
        tricks |= w.INVISIBLE
    text = cleaned
    if not text.isascii():
        text = _COLONS.sub(":", _SLASHES.sub("/", _DOTS.sub(".", unicodedata.normalize("NFKC", text))))
        # Normal forms of some characters bring new marks and blanks.
        text = INVISIBLE.sub("", text)
    text = text.strip(" \t\r\n<>\"'`,;")
    plain = _refang(text)
    if plain != text:
        tricks |= w.DEFANGED
    scheme, text = _scheme_of(plain)
    if not scheme:
        return None
    text = re.sub(r"[\t\r\n]+", "", text)
    cut = _END.search(text.replace("\\", "/"))
    authority, rest = (text[: cut.start()], text[cut.start() :]) if cut else (text, "")
    if "\\" in rest[:1] or "\\" in rest.partition("?")[0]:
        tricks |= w.BACKSLASH
        path, mark, tail = rest.partition("?")
        rest = path.replace("\\", "/") + mark + tail
    found, more = _authority(authority, scheme)
    if found is None:
        return None
    host, shown, port = found
    tricks |= more
    path, query, fragment, doubled = _rest(rest)
    tricks |= doubled
    target = _target(path, query, fragment, depth)
    if target is not None:
        tricks |= w.REDIRECT
    written = f":{port}" if port is not None else ""
    url = f"{scheme}://{host}{written}{path}{'?' if query else ''}{query}{'#' if fragment else ''}{fragment}"
    return Link(
        url=url,
        scheme=scheme,
        host=host,
        shown=shown,
        port=port,
        path=path,
        query=query,
        fragment=fragment,
        registrable=None if host[0] == "[" or host.replace(".", "").isdigit() else registrable_of(host),
        tricks=tuple(name for name, bit in w.TRICKS.items() if tricks & bit),
        target=target,
    )


def _refang(text: str) -> str:
    """Undo what makes a link unclickable, up to the end of its host."""
    # Only the front is read for it: a path may hold brackets of its own.
    cut = len(text)
    if len(text) > 300:
        cut = 300
    front, back = text[:cut], text[cut:]
    plain = _PLAIN_HOST.match(front) is not None
    if "[" in front or "(" in front or "{" in front or "<" in front:
        front = _BRACKET_OTHER.sub(lambda match: "@" if match[1].lower() == "at" else match[1], front)
        if not plain:
            # Behind a host that hides nothing, brackets around dots are the path's own.
            front = _HALF_BRACKET.sub(".", _BRACKET_DOT.sub(".", front))
    elif "\\." in front and not plain:
        front = _HALF_BRACKET.sub(".", front)
    scheme = _SCHEME.match(front)
    if scheme and not _HTTP.match(front):
        secure = "s" if "s" in front[: scheme.end()].lower() else ""
        front = f"http{secure}://{front[scheme.end() :]}"
    if " " in front or "dot" in front.lower():
        front = front if plain else _WORD_DOT.sub(".", front)
        front = re.sub(r"^(https?://)\s+", r"\1", front, flags=re.IGNORECASE)
        front = re.sub(r"(?<=[\w-])\s+(?=/)|(?<=/)\s+(?=[\w-])", "", front)
    return front + back


def _scheme_of(text: str) -> tuple[str, str]:
    """The scheme in lower case (``http`` if there is none), and the text behind it; ("", "") if it is no web link."""
    match = re.match(r"(https?|ftps?|wss?):[/\\]*", text, re.IGNORECASE)
    if match and (len(match[0]) > len(match[1]) + 1 or "." in text[match.end() : match.end() + 260]):
        scheme = match[1].lower()
        return {"ftps": "ftp", "ws": "http", "wss": "https"}.get(scheme, scheme), text[match.end() :]
    if text.startswith(("//", "\\\\")):
        return "http", text.lstrip("/\\")
    other = _OTHER_SCHEME.match(text)
    if other and "." not in other[1]:
        return "", ""
    return "http", text


def _authority(text: str, scheme: str) -> tuple[tuple[str, str, int | None] | None, int]:
    """Host, what is shown for it, and port, and the tricks in them."""
    tricks = 0
    before, at, text = text.rpartition("@")
    if at:
        tricks |= w.USERINFO
        if not text:
            text = before
    for _ in range(3):
        if "%" not in text:
            break
        decoded = unquote(text, errors="replace")
        if decoded == text:
            break
        tricks |= w.ENCODED
        text = decoded
    if tricks & w.ENCODED:
        text = INVISIBLE.sub("", _DOTS.sub(".", unicodedata.normalize("NFKC", text)))
        text = re.split(r"[/?#\\]", text)[0].rpartition("@")[2]
    if text.startswith("["):
        inside, closed, after = text[1:].partition("]")
        if not closed:
            return None, tricks
        six = _six(inside)
        if six is None:
            return None, tricks
        port, more = _port(after.removeprefix(":"), scheme)
        return (six, six, port), tricks | more | (w.NUMERIC if six[0] != "[" else 0)
    host, _, behind = text.partition(":")
    port, more = _port(behind, scheme)
    tricks |= more
    host = re.sub(r"\.{2,}", ".", host.lower()).strip(". ")
    if not host:
        return None, tricks
    four = _four(host)
    if four is not None:
        return (four, four, port), tricks | (w.NUMERIC if four != host else 0)
    return _named(host, port, tricks)


def _named(host: str, port: int | None, tricks: int) -> tuple[tuple[str, str, int | None] | None, int]:
    """A host of names: other scripts as ``xn--``, and whether its letters are mixed."""
    labels = []
    shown = []
    for label in host.split("."):
        visible = label
        if label.startswith("xn--"):
            visible = _unpunycode(label)
        if not visible.isascii():
            tricks |= w.UNICODE | _mixture(visible)
            visible = unicodedata.normalize("NFKC", visible).lower()
        labels.append(visible if visible.isascii() else "xn--" + visible.encode("punycode", "replace").decode("ascii"))
        shown.append(visible)
    name = ".".join(labels)
    # A long name is no host, but it is no reason to lose a link either: what a resolver would refuse is cut.
    if len(name) > 253 or not _HOST.fullmatch(name) or name.rpartition(".")[2].isdigit():
        return None, tricks
    return (name, ".".join(shown), port), tricks


def _unpunycode(label: str) -> str:
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return label
    return INVISIBLE.sub("", decoded).lower() or label


def _mixture(label: str) -> int:
    """Whether a label mixes scripts, or is written in letters that all look like Latin ones."""
    scripts = {script for letter in label if (script := _script(letter))}
    mixed = len(scripts) > 1 and not scripts <= {"HAN", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "LATIN"}
    if "CYRILLIC" in scripts or "GREEK" in scripts:
        looks = all(letter in LATIN or letter.isascii() for letter in label)
        return (w.MIXED if mixed else 0) | (w.CONFUSED if looks else 0)
    return w.MIXED if mixed else 0


def _script(letter: str) -> str:
    if not letter.isalpha():
        return ""
    name = unicodedata.name(letter, "")
    first = name.split(" ")[0]
    return {"CJK": "HAN"}.get(first, first)


def _port(text: str, scheme: str) -> tuple[int | None, int]:
    digits = text[:6]
    if not digits.isascii() or not digits.isdigit():
        return None, 0
    port = int(digits)
    if port in _PORTS.get(scheme, ()) or port > 65535:
        return None, 0
    return port, w.PORT


def _four(host: str) -> str | None:
    """An IPv4 address however it is written (decimal, octal, hexadecimal, fewer parts), as browsers read it."""
    parts = host.split(".")
    if len(parts) > 4 or not parts[-1] or parts[-1][0] not in "0123456789" or not all(parts):
        return None
    numbers = []
    for part in parts:
        try:
            if part.startswith("0x"):
                numbers.append(int(part[2:] or "0", 16) if len(part) <= 18 else 1 << 40)
            elif len(part) <= 24 and part.isascii() and part.isdigit():
                numbers.append(int(part, 8) if len(part) > 1 and part[0] == "0" else int(part))
            else:
                return None
        except ValueError:
            return None
    if len(numbers) == 1 and numbers[0] < 256 and not parts[0].startswith("0x"):
        return None
    value = numbers[-1]
    if value >= 256 ** (5 - len(numbers)) or any(number > 255 for number in numbers[:-1]):
        return None
    for place, number in enumerate(numbers[:-1]):
        value += number << (24 - 8 * place)
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def _six(text: str) -> str | None:
    """An IPv6 address in brackets, or the IPv4 address that it maps."""
    text = text.partition("%")[0].lower()
    if not re.fullmatch(r"[0-9a-f:.]{2,45}", text) or text.count("::") > 1:
        return None
    if "." in text:
        head, _, tail = text.rpartition(":")
        four = _four(tail)
        if four is None:
            return None
        octets = [int(part) for part in four.split(".")]
        text = f"{head}:{octets[0] << 8 | octets[1]:x}:{octets[2] << 8 | octets[3]:x}"
    before, doubled, after = text.partition("::")
    head_groups = before.split(":") if before else []
    tail_groups = after.split(":") if after else []
    missing = 8 - len(head_groups) - len(tail_groups)
    if (missing < 1 if doubled else missing != 0) or any(
        not 1 <= len(group) <= 4 for group in head_groups + tail_groups
    ):
        return None
    groups = [int(group, 16) for group in [*head_groups, *["0"] * missing, *tail_groups]]
    if groups[:5] == [0] * 5 and groups[5] in (0, 0xFFFF) and groups[6]:
        return ".".join(str(byte) for group in groups[6:] for byte in (group >> 8, group & 255))
    return "[" + ":".join(f"{group:x}" for group in groups) + "]"


def _rest(text: str) -> tuple[str, str, str, int]:
    """Path, query and fragment, with nothing escaped that need not be; and whether something was escaped twice."""
    doubled = 0
    # One escape within another comes undone from the inside; four rounds bound the work.
    for _ in range(4):
        if "%25" not in text:
            break
        once = re.sub(r"%25(?=[0-9a-fA-F]{2})", "%", text)
        if once == text:
            break
        doubled = w.DOUBLED
        text = once
    if not text.isascii():
        text = "".join(
            letter if letter.isascii() else "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace"))
            for letter in text
        )
    if "%" in text:
        text = _ESCAPED.sub(_unescape, text)
    text = re.sub(r"[\x00-\x20\x7f]", lambda match: f"%{ord(match[0]):02X}", text)
    text, _, fragment = text.partition("#")
    path, _, query = text.partition("?")
    return path, query, fragment, doubled


def _unescape(match: re.Match[str]) -> str:
    letter = chr(int(match[0][1:], 16))
    return letter if letter in _KEPT else match[0]


def _target(path: str, query: str, fragment: str, depth: int) -> Link | None:
    """The last link that a link carries within it, which is where it leads."""
    if depth >= DEEPEST:
        return None
    for part in (query, path, fragment):
        found = _NESTED.search(part[:2000])
        if found is None:
            continue
        inner = part[found.start() :]
        if part is query:
            # A nested query's own "&" would be escaped; one that is not belongs to the outer link.
            inner = inner.partition("&")[0]
        inner = unquote(inner, errors="replace")
        if inner.startswith("//"):
            inner = "http:" + inner
        link = _normalise(inner[:2000], depth + 1)
        if link is not None and link.registrable is not None:
            return link
    return None


def reading(link: Link) -> tuple[str, int]:
    """The text that models read for a link, in ASCII, and the bits of its tricks.

    A host of other scripts is read by what its letters look like; letters that look like no Latin ones are read as
    neutral syllables, so that a script is no sign of anything.
    """
    tricks = 0
    for name in link.tricks:
        tricks |= w.TRICKS[name]
    host = link.host
    if host.startswith("["):
        host = "1.1.1.1"
    if link.shown != host and not link.shown.isascii():
        tricks |= w.CONFUSED if tricks & w.CONFUSED else 0
        labels = [
            shown if shown.isascii() else _look(shown)
            for shown, label in zip(link.shown.split("."), link.host.split("."), strict=False)
            if label
        ]
        ending = link.host.rpartition(".")[2]
        labels[-1] = ending
        host = ".".join(labels)
    return f"{link.scheme}://{host}{link.rest}", tricks


def _look(label: str) -> str:
    letters = []
    for number, letter in enumerate(label):
        plain = letter if letter.isascii() else LATIN.get(letter)
        if plain is None:
            base = unicodedata.normalize("NFKD", letter)[:1]
            plain = base if base.isascii() and base.isalnum() else ("an" if number % 2 else "na")
        letters.append(plain)
    return "".join(letters)[:63].strip("-") or "na"
