"""Check sums of accounts: IBAN, payment cards, and addresses of crypto currencies."""

from __future__ import annotations

import re
from hashlib import sha256

from stdnum import iban as _iban
from stdnum import luhn

_B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_XRP = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BRANDS = (
    ("unionpay", re.compile(r"62\d{14,17}|81[0-6]\d{13,16}")),
    ("visa", re.compile(r"4\d{12}(?:\d{3}){0,2}")),
    ("mastercard", re.compile(r"(?:5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12})")),
    ("amex", re.compile(r"3[47]\d{13}")),
    ("jcb", re.compile(r"35(?:2[89]|[3-8]\d)\d{12,15}")),
    ("diners", re.compile(r"3(?:0[0-59]|[689]\d)\d{11}")),
    ("discover", re.compile(r"6(?:011|4[4-9]\d|5\d\d)\d{12,15}")),
    ("mir", re.compile(r"220[0-4]\d{12,15}")),
    ("rupay", re.compile(r"(?:60|65|81|82|508)\d{13,14}")),
    ("elo", re.compile(r"(?:4011|4389|5041|5067|5090|6277|6362|6363|650\d|651\d|655\d)\d{12}")),
    ("maestro", re.compile(r"(?:50|5[6-9]|6\d)\d{10,17}")),
)


def base58_payload(text: str, alphabet: str = _B58) -> bytes | None:
    """The payload (version byte first) of a Base58Check text of at most 60 characters, or None if its sum is wrong.

    >>> base58_payload("1BoatSLRHtKNngkdXEeobR76b53LETtpyT")[0]
    0
    """
    if not 20 <= len(text) <= 60:
        return None
    number = 0
    for letter in text:
        digit = alphabet.find(letter)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    data = b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if len(data) != 25:
        return None
    return data[:-4] if sha256(sha256(data[:-4]).digest()).digest()[:4] == data[-4:] else None


def bech32_ok(text: str) -> bool:
    """Whether a text is a Bech32 or Bech32m address with a right check sum (BIP-173, BIP-350).

    >>> bech32_ok("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq")
    True
    """
    head, one, data = text.rpartition("1")
    if not one or not head or len(data) < 8 or len(text) > 90:
        return False
    values = [_BECH.find(letter) for letter in data]
    if min(values) < 0:
        return False
    total = 1
    for value in [*(ord(c) >> 5 for c in head), 0, *(ord(c) & 31 for c in head), *values]:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                total ^= generator
    return total in (1, 0x2BC830A3)


def ton_ok(text: str) -> bool:
    """Whether 48 characters are a TON address: its last two bytes are a CRC-16 of the others."""
    import base64  # noqa: PLC0415 - rare

    try:
        data = base64.urlsafe_b64decode(text)
    except ValueError:
        return False
    crc = 0
    for byte in data[:-2]:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return len(data) == 36 and crc == int.from_bytes(data[-2:], "big")


def crypto_kind(text: str) -> str:
    """The currency of an address with a right check sum (``btc``, ``eth``, ``tron`` and so on), or "" if it is none.

    Addresses of Ethereum and its kin have no check sum that all programs write, so their form alone decides.

    >>> crypto_kind("1BoatSLRHtKNngkdXEeobR76b53LETtpyT"), crypto_kind("1BoatSLRHtKNngkdXEeobR76b53LETtpyX")
    ('btc', '')
    """
    first = text[:1]
    if first == "0" and re.fullmatch(r"0[xX][0-9a-fA-F]{40}", text):
        return "eth"
    low = text.lower()
    if low.startswith(("bc1", "ltc1")) and text in (low, text.upper()):
        return _bech_kind(low)
    if len(text) == 48 and text.startswith(("EQ", "UQ")) and ton_ok(text):
        return "ton"
    if first == "r":
        payload = base58_payload(text, _XRP)
        return "xrp" if payload is not None and payload[0] == 0 else ""
    payload = base58_payload(text)
    if payload is None:
        return ""
    return {
        0x00: "btc",
        0x05: "btc",
        0x41: "tron",
        0x30: "ltc",
        0x32: "ltc",
        0x1E: "doge",
        0x16: "doge",
        0x4C: "dash",
    }.get(payload[0], "")


def _bech_kind(low: str) -> str:
    if not bech32_ok(low):
        return ""
    return "btc" if low.startswith("bc1") else "ltc"


def iban_ok(text: str) -> bool:
    """Whether a text is an IBAN with the country's length and form and right check digits (ISO 13616).

    >>> iban_ok("GB29 NWBK 6016 1331 9268 19"), iban_ok("GB28 NWBK 6016 1331 9268 19")
    (True, False)
    """
    return len(text) <= 60 and text.isascii() and _iban.is_valid(text, check_country=False)


def brand_of(digits: str) -> str:
    """The card brand whose numbers look like this, or "" (by the issuers' published ranges; the sum is not looked at).

    >>> brand_of("4111111111111111")
    'visa'
    """
    for brand, form in _BRANDS:
        if form.fullmatch(digits):
            return brand
    return ""


def luhn_ok(digits: str) -> bool:
    """Whether the last digit is the right check digit (ISO/IEC 7812-1).

    >>> luhn_ok("4111111111111111")
    True
    """
    return digits.isascii() and digits.isdigit() and bool(luhn.is_valid(digits)) and digits.strip("0") != ""


def masked(digits: str) -> str:
    """A card number as it may be kept: its first six and last four digits.

    >>> masked("4111111111111111")
    '411111******1111'
    """
    return digits[:6] + "*" * (len(digits) - 10) + digits[-4:]
