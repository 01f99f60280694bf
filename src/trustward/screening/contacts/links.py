"""Links in running text: with a scheme, with ``www.``, bare, and written so that programs overlook them."""

from __future__ import annotations

import re

from trustward.screening.contacts.finding import Finding
from trustward.screening.contacts.places import HANDLE_HOSTS, PAYEES
from trustward.screening.contacts.words import tlds

_DOT = r"(?:\.|\s?[\[({<]\s?(?:\.|dot|punto|ponto|点|點)\s?[\])}>]\s?|\s(?:dot|d0t)\s)"
# A point with spaces by it, right before an ending and a path: the rest of its host stands before it.
_SPACED = re.compile(
    r"(?<![\w@.\-])(?:[\w-]++(?:\.|\s\.\s?)){0,3}[\w-]++(?:\s\.\s?|\.\s)((?:(?:com?|net|org|gov)(?:\s\.\s?|\.\s|\.))?"
    r"[a-z]{2,24})(/[a-z0-9][!#-;=?-~]*+)"
)
_SPACED_DOT = re.compile(r"\s?\.\s?")
_SCHEME = re.compile(r"(?<![a-z])(h(?:tt|xx|tx|xt|\*\*)ps?|ftp)\s?\[?:?\]?\s?(?://|\\\\|/\s/)\s?(?=[^\s/])")
_HOST = re.compile(rf"[^\s<>\"'/?#\\|,;()\[\]{{}}\0]++(?:{_DOT}[^\s<>\"'/?#\\|,;()\[\]{{}}\0]++)*+")
_BARE = re.compile(rf"(?<![\w@.\-])(?:[\w-]++{_DOT}){{1,10}}(?:xn--)?[^\W\d_][\w-]*+")
_DOTS = re.compile(_DOT)
_SLASHES = ("//", "\\\\", "/ /")
_WORDS_FOR_DOT = (".", "dot", "d0t", "点", "點", "punto", "ponto")
_REST = re.compile(r"(?::\d{1,5})?(?:[/?#\\][!#-;=?-~]*+)?")
_TAIL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$")
_LEAD = re.compile(r"[a-z][a-z-]*")
_ANY = re.compile(r"[a-z0-9](?:[a-z0-9._%@-]*[a-z0-9])?")
_WORDLIKE = frozenset(
    "is in it to so me am at be by do my no us as id la pm et al hm de es no pa re se ma mr ms co st pl"
    " here now one live life today all you men win care best love work".split()
)
# Words that begin many a sentence and are hardly ever the end of a host: there must be a path, a digit or a hyphen.
_SHORT_WORDS = frozenset(
    "in it is to so am at be by do as no al et me us you pm call free like lol here now one all men how see read save"
    " watch talk open hot new next name map mom place play rip run safe say show sky star tax tips vote wow yes room"
    " rest town still thanks il im tc ki got meet".split()
)
# Endings that are nobody's words: enough after a point with spaces by it, if a path follows.
_NO_WORDS = frozenset(
    "com net org xyz cc cn ru icu biz tk ml gq cf cyou sbs ly gd gl ws br vn kr jp th sg ph uk nl eu mx ar cl pk ng ke"
    " za bd hk tw tr pl se dk fi ua kz ir ae sa eg".split()
)
_SECOND = frozenset("co com gov org net ac edu or go ne gob gouv nic res mil".split())
_NAME = re.compile(r"/(?:send/?\?phone=|message/\S*phone=|ti/p/|r/ti/p/|add/|o/|\+|u/)?([%~@+\w.-]{3,40})")


def find(finding: Finding) -> None:
    """Links of a text; those that lead to a messenger or a payment give that account too."""
    low = finding.low
    covered = -1
    for scheme in _SCHEME.finditer(low) if any(sign in low for sign in _SLASHES) else ():
        if scheme.start() < covered:
            continue
        if finding.spent():
            return
        covered = max(covered, _link(finding, scheme.start(), scheme.end(), scheme[1]))
    finding.next_kind()
    if not any(word in finding.low for word in _WORDS_FOR_DOT):
        return
    _spaced(finding)
    low, plain = finding.low, finding.plain
    for bare in _BARE.finditer(low):
        if finding.spent():
            return
        start, end, labels = _cut(low, bare.start(), bare.end())
        if len(labels) < 2:
            continue
        rest = _REST.match(low, end)
        path = rest[0] if rest else ""
        if _likely(labels, path, plain[start:end]):
            _keep(finding, "", ".".join(labels), start, end, path)


def _spaced(finding: Finding) -> None:
    """Links whose points stand apart: ``evil . example/x``."""
    if "." not in finding.low or "/" not in finding.low:
        return
    for found in _SPACED.finditer(finding.low):
        if finding.spent():
            return
        labels = _SPACED_DOT.split(finding.low[found.start() : found.end(1)])
        name, ending, path = labels[-2], labels[-1], found[2]
        odd = any(c.isdigit() or c == "-" for c in name + path)
        if ending not in tlds() or path.strip("/") in tlds() or not any(c.isalpha() for c in labels[0]):
            continue
        if ending in _NO_WORDS or (odd and ending not in _SHORT_WORDS and ending not in _WORDLIKE):
            _keep(finding, "", ".".join(labels), found.start(), found.end(1), path)
    finding.next_kind()


def _link(finding: Finding, start: int, after: int, scheme: str) -> int:
    low = finding.low
    host = _HOST.match(low, after)
    if host is None:
        return after
    first, end, labels = _cut(low, host.start(), host.end())
    if not labels:
        # Where a scheme stands, any host will do: a number, one without an ending, one that nobody has registered.
        lead = _ANY.match(host[0])
        labels = [lead[0] if lead else ""]
        first, end = host.start(), host.start() + len(labels[0])
    if not labels[0] or first != host.start():
        return after
    rest = _REST.match(low, end)
    scheme = scheme.replace("xx", "tt").replace("tx", "tt").replace("xt", "tt").replace("**", "tt")
    return _keep(finding, f"{scheme}://", ".".join(labels), end - (end - start), end, rest[0] if rest else "")


def _keep(finding: Finding, scheme: str, host: str, start: int, end: int, path: str) -> int:
    stop = end + len(path)
    written = finding.plain[end:stop].rstrip(".,;:!?)]}'\"*~`、。）")
    stop = end + len(written)
    finding.add("url", f"{scheme}{host}{written}"[:2000], start, stop)
    name = host.rpartition("@")[2].partition(":")[0].removeprefix("www.")
    if name in HANDLE_HOSTS and (found := _NAME.match(written)):
        _account(finding, HANDLE_HOSTS[name], found[1], start, stop)
    elif name in PAYEES and (found := PAYEES[name][1].match(written)):
        finding.add("payment_account", f"{PAYEES[name][0]}:{found[1].lower()}", start, stop)
    return stop


def _account(finding: Finding, service: str, name: str, start: int, stop: int) -> None:
    name = name.strip(".-").lower().replace("%40", "@").replace("%2b", "+")
    digits = name.lstrip("+")
    if service in ("whatsapp", "zalo", "viber") and digits.isdigit():
        name = f"+{digits}" if digits[:1] != "0" else digits
    if name not in ("joinchat", "share", "addstickers", "send", "p", "reel", "explore", "message"):
        finding.add("handle", f"{service}:{name.lstrip('@')}", start, stop)


def _cut(low: str, start: int, end: int) -> tuple[int, int, list[str]]:
    """The part of a run of labels that is a host: from where Latin letters begin to the last known top-level domain."""
    spots = []
    at = start
    for dot in _DOTS.finditer(low, start, end):
        spots.append((at, dot.start()))
        at = dot.end()
    spots.append((at, end))
    known = tlds()
    for last in range(len(spots) - 1, 0, -1):
        text = low[spots[last][0] : spots[last][1]]
        stop = spots[last][1]
        port = text.partition(":")[0]
        if port not in known:
            port = text if text in known else _ascii_lead(text)
        if port in known:
            stop = spots[last][0] + len(port)
            labels = [low[a:b] for a, b in spots[: last + 1]]
            labels[-1] = port
            return _trimmed(start, stop, labels)
    labels = [low[a:b] for a, b in spots]
    if len(labels) == 4:  # An address in numbers, with or without a port.
        written = len(labels[-1])
        labels[-1] = labels[-1].partition(":")[0]
        if all(label.isdecimal() for label in labels):
            return start, end - written + len(labels[-1]), labels
    return start, end, []


def _trimmed(start: int, stop: int, labels: list[str]) -> tuple[int, int, list[str]]:
    first = labels[0]
    if not first.isascii() and "@" not in first:
        tail = _TAIL.search(first)
        if tail is not None:
            return start + tail.start(), stop, [tail[0], *labels[1:]]
        if labels[-1].isascii() and len(first) > 12:
            return start, stop, []
    if not all(labels):
        return start, stop, []
    return start, stop, labels


def _ascii_lead(text: str) -> str:
    found = _LEAD.match(text)
    lead = found[0] if found else ""
    return lead if len(lead) == len(text) or not text[len(lead)].isascii() else ""


def _likely(labels: list[str], path: str, written: str) -> bool:
    """Whether bare labels are a link and not two sentences without a space between, a file's name or a sum."""
    last, name = labels[-1], labels[-2]
    if len(path) > 1 or labels[0] == "www":
        return True
    if last in _SHORT_WORDS:
        return (len(labels) > 2 and name in _SECOND) or any(c.isdigit() or c == "-" for c in name)
    if len(labels) > 2:
        return len(name) > 1 or any(len(label) > 2 for label in labels[:-2])
    if not name.strip("-_") or (written.rpartition(".")[2][:1].isupper() and not written.isupper()):
        return False
    if name.isdigit() and len(name) < 2:
        return False
    if last in _WORDLIKE:
        return len(name) >= 5 or any(c.isdigit() for c in name)
    return len(name) >= 2 or last not in _WORDLIKE
