"""Synthetic checkouts for the benchmark of stateless rules, and the same sixteen rules written by hand."""

from __future__ import annotations

import random
import re
from typing import Any

_COUNTRIES = ["SG", "MY", "ID", "TH", "US", "GB", "DE", "NG", "RO", "VN"]
_WEIGHTS = [30, 15, 12, 10, 10, 8, 6, 3, 2, 4]
_MAILS = ["example.com", "example.org", "mail.example", "mailinator.com", "yopmail.com"]
_AGENTS = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/131.0 Safari/537.36",
    "python-requests/2.32.3",
]
_NOTES = [
    "Please leave it with the neighbour at number 7 if nobody opens the door.",
    "It is a present, so kindly leave out the receipt.",
    "Ring the bell twice, the dog is harmless.",
    "",
    "Could you write to me on WhatsApp about the size before you send it?",
    "Call me on +65 9123 4567 when you are downstairs.",
    "Questions? My Telegram is faster than this here.",
]
_DESCRIPTIONS = [
    "Brand new, sealed, with invoice and two years of guarantee. Sent by tracked post on the next working day.",
    "Used for two months, small scratches on the back, works as on the first day; charger and box are included.",
    "Handmade of oak, oiled twice; every piece differs a little in colour and grain from the pictures.",
    "All details and more pictures are at https://bit.ly/3xYzAbC and I answer within the hour.",
]
_CATEGORIES = ["electronics", "fashion", "home", "toys", "gift_card"]
_TITLES = [
    "iPhone 16 Pro 256 GB",
    "MacBook Air",
    "RTX 5080 graphics card",
    "Kettle 1.7 l",
    "Desk lamp",
    "Rain coat",
    "Chess set",
]
_BINS = ["455673", "520082", "371449", "411111", "510510", "356600"]


def checkouts(count: int, seed: int) -> list[dict[str, Any]]:
    """Fields of ``count`` checkouts; a bit more than half trip at least one of the sixteen rules.

    >>> len(checkouts(3, 1)), len(checkouts(1, 1)[0])
    (3, 24)
    """
    draw = random.Random(seed)  # noqa: S311 - a benchmark needs a seed, not a secret
    return [_checkout(number, draw) for number in range(count)]


def _checkout(number: int, draw: random.Random) -> dict[str, Any]:
    card = draw.choices(_COUNTRIES, _WEIGHTS)[0]
    away = draw.random() < 0.16
    at = f"2026-01-{1 + number // 2_000_000:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    return {
        "id": f"c{number}",
        "time": at,
        "account": f"a{draw.randrange(5000)}",
        "device": f"d{draw.randrange(6000)}",
        "ip": f"198.51.{draw.randrange(256)}.{draw.randrange(256)}",
        "amount": round(draw.lognormvariate(4.2, 1.2), 2),
        "account_age_days": int(draw.expovariate(1 / (12 if draw.random() < 0.3 else 240))),
        "card_country": card,
        "ship_country": draw.choices(_COUNTRIES, _WEIGHTS)[0] if away else card,
        "ship_same_as_bill": not away or draw.random() < 0.4,
        "email": f"u{draw.randrange(9999)}@{draw.choices(_MAILS, [45, 35, 16, 2, 2])[0]}",
        "note": draw.choices(_NOTES, [25, 20, 20, 23, 4, 4, 4])[0],
        "description": draw.choices(_DESCRIPTIONS, [34, 32, 28, 6])[0],
        "attempts_1h": min(12, int(draw.expovariate(0.36))),
        "is_emulator": draw.random() < 0.1,
        "user_agent": draw.choices(_AGENTS, [35, 30, 28, 4, 3])[0],
        "email_verified": draw.random() < 0.75,
        "items": 1 + min(20, int(draw.expovariate(0.45))),
        "category": draw.choices(_CATEGORIES, [30, 26, 22, 14, 8])[0],
        "price": round(draw.lognormvariate(4.2, 1.0), 2),
        "title": draw.choice(_TITLES),
        "avs": draw.choices(["Y", "N", "C", "U"], [78, 9, 5, 8])[0],
        "card_bin": draw.choices(_BINS, [28, 28, 10, 12, 10, 12])[0],
        "orders_count": int(draw.expovariate(0.25)),
    }


RULES = (
    "high-amount-new-account",
    "country-mismatch",
    "disposable-email",
    "off-platform-contact",
    "phone-in-note",
    "url-shortener",
    "card-testing",
    "emulator-new-account",
    "automation-user-agent",
    "risky-ship-country",
    "unverified-bulk",
    "too-good-price",
    "avs-fail",
    "prepaid-bin-high-amount",
    "gift-card-rush",
    "stolen-card-combo",
)
"""The rules, in the order of the numbers that :func:`by_hand` gives."""

_disposable = re.compile(r"@(mailinator|guerrillamail|temp-mail|yopmail|10minutemail)[.]").search
_elsewhere = re.compile(r"(whats ?app|telegram|wechat|signal me|kik me)", re.IGNORECASE).search
_phone = re.compile(r"[+]?[0-9][0-9 -]{8,}[0-9]").search
_shortened = re.compile(r"https?://(bit[.]ly|t[.]co|tinyurl[.]com|goo[.]gl)/").search
_automated = re.compile(r"(HeadlessChrome|PhantomJS|python-requests|curl/)").search
_sought = re.compile(r"(iphone|macbook|ps5|rtx)", re.IGNORECASE).search
_prepaid = re.compile(r"^(4111|5105|4000)").search


def by_hand(event: Any) -> tuple[int, ...]:  # noqa: C901, PLR0912 - sixteen rules are sixteen branches
    """What a programmer would write for these rules: the numbers of those that hold."""
    hits: list[int] = []
    hit = hits.append
    amount = event.amount
    age = event.account_age_days
    if amount > 500 and age < 7:
        hit(0)
    mismatch = event.card_country != event.ship_country and not event.ship_same_as_bill
    if mismatch:
        hit(1)
    if _disposable(event.email):
        hit(2)
    note = event.note
    if _elsewhere(note):
        hit(3)
    if _phone(note):
        hit(4)
    if _shortened(event.description):
        hit(5)
    if event.attempts_1h >= 5 and amount < 50:
        hit(6)
    if event.is_emulator and age < 30:
        hit(7)
    if _automated(event.user_agent):
        hit(8)
    if event.ship_country in ("NG", "RO", "VN") and amount > 200:
        hit(9)
    if not event.email_verified and event.items >= 5:
        hit(10)
    if event.category == "electronics" and event.price < 150 and _sought(event.title):
        hit(11)
    failed = event.avs in ("N", "C") and amount > 100
    if failed:
        hit(12)
    if _prepaid(event.card_bin) and amount > 300:
        hit(13)
    if event.category == "gift_card" and event.orders_count == 0 and amount >= 100:
        hit(14)
    if (mismatch or failed) and age < 14:
        hit(15)
    return tuple(hits)
