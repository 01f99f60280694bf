"""Mail addresses and payment addresses of their form, plain and written around."""

from __future__ import annotations

import re

from trustward.screening.contacts.finding import Finding
from trustward.screening.contacts.words import tlds

_PLAIN = re.compile(r"(?<![\w.%+\-])[\w.%+\-]++\s?@\s?[\w-]++(?:\s?\.\s?[\w-]++)*+")
_AT = r"\s{0,2}(?:[\[({<*_]\s?(?:at|@|arroba|ät|a t|собака|собачка|艾特|圈a)\s?[\])}>*_]|@)\s{0,2}"
_DOT = (
    r"(?:\s?\.\s?|\s?[\[({<*_]\s?(?:\.|dot|punto|ponto|point|punkt|точка|点)\s?[\])}>*_]\s?"
    r"|\s(?:dot|punto|ponto|point|punkt|точка)\s)"
)
_AROUND = re.compile(
    rf"(?<![\w.%+\-])[\w.%+\-]++(?:{_AT}[\w-]++(?:{_DOT}[\w-]++){{1,5}}"
    r"|\s(?:at|arroba)\s[\w-]++(?:\s(?:dot|punto|ponto|point)\s[\w-]++){1,4})"
)
_WITHIN_LINK = re.compile(r"(?://|\\\\)[^\s/]{0,80}\Z")
_SPLIT = re.compile(rf"{_AT}|\s(?:at|arroba)\s")
_DOTS = re.compile(_DOT)
_LATIN_END = re.compile(r"[a-z0-9._%+\-]+$")
UPI = frozenset(
    "upi ybl ibl axl paytm apl okaxis okhdfcbank okicici oksbi ptyes ptaxis pthdfc ptsbi yapl rapl waicici "
    "wahdfcbank waaxis wasbi axisb icici sbi hdfcbank kotak jupiteraxis fbl freecharge ikwik airtel jio "
    "timecosmos naviaxis slice idfcbank indus yesbank yesbankltd barodampay cnrb pnb unionbank uboi federal "
    "kbl rbl aubank dbs hsbc citi postbank ezeepay abfspay superyes".split()
)
"""What stands after the @ in payment addresses of India."""


def find(finding: Finding) -> None:
    """Mail addresses, and payment addresses like ``name@ybl``."""
    low = finding.low
    if "@" in low:
        for found in _PLAIN.finditer(low):
            if finding.spent():
                return
            whole = found[0]
            if " " in whole:  # Spaces stand in addresses only where all else fits; the next pattern tells.
                local, _, host = whole.partition("@")
                if local.endswith(" ") or host[:1] == " " or " ." in host or ". " in host:
                    host = host.strip()
                    if " " in host:
                        host = host.partition(" ")[0] if host.partition(" ")[0].rpartition(".")[2] in tlds() else host
                    _mail(finding, local.strip(), host.replace(" ", ""), found.start(), found.end())
                    continue
            local, _, host = whole.partition("@")
            _mail(finding, local, host, found.start(), found.end())
        finding.next_kind()
        low = finding.low
    if "at" in low or "@" in low or "arroba" in low or "圈a" in low or "艾特" in low or "соба" in low:
        for found in _AROUND.finditer(low):
            if finding.spent():
                return
            parts = _SPLIT.split(found[0], maxsplit=1)
            if len(parts) == 2:
                _mail(finding, parts[0], _DOTS.sub(".", parts[1]), found.start(), found.end(), around=True)


def _mail(finding: Finding, local: str, host: str, start: int, end: int, *, around: bool = False) -> None:
    latin = _LATIN_END.search(local)
    if latin is None:
        return
    start += latin.start()
    if _WITHIN_LINK.search(finding.low, max(start - 80, 0), start):
        # A name before the host of a link: the link takes it, with its trick.
        return
    local = latin[0].lstrip(".")
    if not 1 <= len(local) <= 64 or not 2 <= len(host) <= 253 or "_" in host:
        return
    labels = host.split(".")
    if len(labels) == 1:
        if host in UPI and len(local) >= 2:
            finding.add("payment_account", f"upi:{local}@{host}", start, end)
        return
    known = tlds()
    for last in range(len(labels) - 1, 0, -1):
        label = labels[last]
        lead = re.match(r"[a-z]+", label)
        name = label if label in known else lead[0] if lead and not label[lead.end() :][:1].isascii() else ""
        if name in known and all(labels[:last]) and not (name == "so" and around):
            host = ".".join([*labels[:last], name])
            finding.add(
                "email",
                f"{local}@{host}",
                start,
                end - (sum(map(len, labels[last:])) - len(name) + len(labels) - 1 - last),
            )
            return
