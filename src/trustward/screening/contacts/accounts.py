"""Where money goes: IBAN, bank accounts, wallets by name or number, crypto addresses, cards (masked)."""

from __future__ import annotations

import re

from trustward.screening.contacts import phones, trigger
from trustward.screening.contacts.checks import brand_of, crypto_kind, iban_ok, luhn_ok, masked
from trustward.screening.contacts.finding import Finding
from trustward.screening.contacts.words import banks, fillers, meaning_of, wallets

_CRYPTO = re.compile(
    r"(?<![A-Za-z0-9])(?:0[xX][0-9a-fA-F]{40}|(?:bc1|ltc1|BC1|LTC1)[a-zA-Z0-9]{11,71}|[EU]Q[\w-]{46}|[13TLMDrXA][1-9A-HJ-NP-Za-km-z]{24,34})(?![A-Za-z0-9])"
)
_SOLANA = re.compile(r"(?<![A-Za-z0-9])[1-9A-HJ-NP-Za-km-z]{43,44}(?![A-Za-z0-9])")
_SOLANA_CUE = re.compile(r"(?<![a-z])(?:sol|solana|phantom|spl)(?![a-z])")
_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\s?\d\d(?:[ \-.]?[a-z0-9]){11,30}(?![a-z0-9])")
_DIGITS = re.compile(r"[0-9](?<![\w+#.][0-9])(?:[ .\-*]{0,2}[0-9]){5,24}(?![\w])")
_MAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_NAME = re.compile(r"(?:@|\$(?=[a-z]))([a-z0-9][a-z0-9_.-]{1,30}[a-z0-9])")
_TAG_BEFORE = re.compile(
    r"(?<![\w$])\$([a-z][a-z0-9_-]{0,18}[a-z0-9])\s(?:(?:on|via|through|by|with)\s)?(?:my\s)?[(]?$"
)
_TAG_REACH = 40
_CURRENCIES = frozenset("usd aud cad sgd nzd hkd mxn eur gbp jpy inr brl ngn zar php idr myr thb usdt btc eth".split())
_TICKER = re.compile(r"[A-Z]{1,5}")
"""What is written after a dollar sign and is no name: a share by its short name."""
_KEYS = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{3}\.\d{3}\.\d{3}-\d\d|\d\d\.\d{3}\.\d{3}/\d{4}-\d\d|\d{8,9}[a-z]|[tsr]\d\d[a-z]{2}\d{4}[a-z]"
)
_CARD = re.compile(r"[0-9](?<![\w+#.][0-9])[0-9]{3}(?:[ -]{0,2}[0-9]){9,15}(?![\w])")
_NEAR = 40
_NAMED = frozenset(["paypal", "venmo", "cashapp"])
"""Services that pay to names; a number after them is nobody's telephone."""


def find_checked(finding: Finding) -> None:
    """Addresses and numbers with a check sum: crypto, IBAN."""
    plain, low = finding.plain, finding.low
    for found in _CRYPTO.finditer(plain):
        if finding.spent():
            return
        kind = crypto_kind(found[0])
        if kind:
            name = found[0].lower() if kind == "eth" or found[0][:3].lower() in ("bc1", "ltc") else found[0]
            finding.add("payment_account", f"{kind}:{name}", *found.span())
    if _SOLANA_CUE.search(low):
        for found in _SOLANA.finditer(plain):
            if finding.spent():
                return
            finding.add("payment_account", f"sol:{found[0]}", *found.span())
    for found in _IBAN.finditer(low):
        if finding.spent():
            return
        end = _iban_end(found[0])
        if end:
            name = re.sub("[ .-]", "", found[0][:end]).upper()
            finding.add("payment_account", f"iban:{name}", found.start(), found.start() + end)


def _iban_end(text: str) -> int:
    """How much of the text is an IBAN: words after one look like a part of it."""
    ends = [len(text), *(gap.start() for gap in re.finditer("[ .-]", text))]
    for end in sorted(ends, reverse=True)[:12]:
        if 15 <= len(re.sub("[ .-]", "", text[:end])) <= 34 and iban_ok(re.sub("[ .-]", "", text[:end])):
            return end
    return 0


def find_wallets(finding: Finding) -> None:
    """Names and numbers after a payment service's name."""
    low = finding.low
    for word in wallets().pattern.finditer(low):
        if finding.spent():
            return
        meaning = meaning_of(wallets(), word[0])
        if meaning is not None:
            _wallet(finding, meaning[0], word.start(), word.end())


def _wallet(finding: Finding, service: str, start: int, at: int) -> None:
    low = finding.low
    for _ in range(6):
        filler = fillers().match(low, at)
        if filler is None or filler.end() == at or low[at] in "@$+":
            break
        at = filler.end()
    at -= low[at - 1 : at] in ("@", "$", "+") and at > 0
    for pattern in (_MAIL, _KEYS):
        if (found := pattern.match(low, at)) is not None:
            finding.add("payment_account", f"{service}:{found[0]}", *found.span())
            return
    number = phones.number_at(low, at, finding.region)
    if number is not None and service not in _NAMED:
        finding.add("payment_account", f"{service}:{number[0]}", at, number[1])
        finding.add("phone", number[0], at, number[1])
    elif (found := _DIGITS.match(low, at)) is not None:
        finding.add("payment_account", f"{service}:{_bare(found[0])}", *found.span())
    elif service in _NAMED and (found := _name(finding, start, at)) is not None:
        finding.add("payment_account", f"{service}:{found[1]}", *found.span())


def _name(finding: Finding, start: int, at: int) -> re.Match[str] | None:
    """A name after the service (``$maria88``, ``@maria88``) or, with a dollar sign, right before it."""
    for found in (_NAME.match(finding.low, at), _TAG_BEFORE.search(finding.low, max(0, start - _TAG_REACH), start)):
        if found is not None and (found[0][0] == "@" or _is_tag(finding.plain[found.start(1) : found.end(1)])):
            return found
    return None


def _is_tag(written: str) -> bool:
    return written.lower() not in _CURRENCIES and _TICKER.fullmatch(written) is None


def find_banks(finding: Finding) -> None:
    """Account numbers with a bank's name, or a word for an account, shortly before or after them."""
    low = finding.low
    words = [(word.start(), word.end()) for word, _ in zip(banks().finditer(low), range(400), strict=False)]
    if not words:
        return
    index, taken = 0, 0
    for found in _DIGITS.finditer(low):
        if finding.spent():
            return
        start, end = found.span()
        # A word speaks for one number: the first after it.
        while index < len(words) and words[index][1] < max(start - _NEAR, taken):
            index += 1
        if index == len(words):
            return
        if trigger.CUE in trigger.cues()(low[max(0, start - 14) : start]) and not banks().search(
            low, max(0, start - 14), start
        ):
            continue
        digits = _bare(found[0])
        near = words[index][0] < start or words[index][0] - end <= 12
        if not near or not 8 <= len(digits) <= 20 or phones.is_date(found[0]):
            continue
        if not finding.plain[max(0, start - 2) : start].endswith("+"):
            name = f"bank:{digits}" if not (len(digits) >= 13 and luhn_ok(digits) and brand_of(digits)) else ""
            finding.add(*(("payment_account", name) if name else ("card", masked(digits))), start, end)
            taken = end


def find_cards(finding: Finding) -> None:
    """Payment cards by brand and check digit; only the first six and last four digits are given."""
    for found in _CARD.finditer(finding.low):
        if finding.spent():
            return
        digits = _bare(found[0])
        if 13 <= len(digits) <= 19 and brand_of(digits) and luhn_ok(digits):
            finding.add("card", masked(digits), *found.span())


def _bare(text: str) -> str:
    return "".join(filter(str.isdigit, text))
