"""Mail addresses: their form, throw-away and free providers, tags and dots, domains that look like a provider's."""

from __future__ import annotations

import gzip
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple
from unicodedata import category, normalize

from publicsuffixlist import PublicSuffixList

from trustward.model.signal import Signal
from trustward.screening.contacts.words import tlds
from trustward.screening.identities.fingerprints import Domains
from trustward.screening.identities.machine import DATA, is_made
from trustward.screening.identities.verdicts import Finding, signal

LONGEST = 400
"""Characters of a value that are read: an address has at most 254 (RFC 5321)."""
CATEGORIES = ("disposable", "look-alike", "free", "relay", "role", "other", "invalid")
_LOCAL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+)*"
)
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_TELLING = re.compile(
    r"(?:trash|temp|throwaway|disposable|10min|tenmin|20min|minute|guerrilla|discard|fake|burner|junk|spam)-?(?:mail|box|inbox|email)"
    r"|(?:mail|inbox|email)-?(?:drop|trash|temp|catch|sac|nesia|poof)"
)
_SLIPS = {
    "con": "com",
    "cmo": "com",
    "comm": "com",
    "ocm": "com",
    "cim": "com",
    "vom": "com",
    "xom": "com",
    "coml": "com",
    "om": "com",
    "cm": "com",
    "nte": "net",
    "ent": "net",
    "rog": "org",
    "ogr": "org",
}


class Address(NamedTuple):
    """An address that can be read: its parts in lower case, the domain in its own letters."""

    local: str
    domain: str


class Provider(NamedTuple):
    """How a provider reads names: the domain to keep, the sign of a tag, and signs that do not count."""

    domain: str
    tag: str
    ignored: str
    dashed: bool


class _Book(NamedTuple):
    providers: dict[str, Provider]
    watched: tuple[str, ...]
    families: frozenset[str]
    relays: frozenset[str]
    roles: frozenset[str]
    free: frozenset[str]
    sure: Domains
    broad: Domains
    near: frozenset[str]


@cache
def _book() -> _Book:
    table = tomllib.loads((DATA / "providers.toml").read_text("utf-8"))
    providers = {}
    for item in table["provider"]:
        for name in item["same"]:
            kept = name if item.get("alone") else item["same"][0]
            providers[name] = Provider(kept, item["tag"], item.get("ignored", ""), item.get("dashed", False))
    names = table["names"]
    free = frozenset(gzip.decompress((DATA / "free.txt.gz").read_bytes()).decode().split())
    near = {form for name in names["watched"] for form in _deletions(name)}
    return _Book(
        providers,
        tuple(names["watched"]),
        frozenset(names["families"]),
        frozenset(names["relays"]),
        frozenset(names["roles"]),
        free | providers.keys() | set(names["watched"]),
        Domains(DATA / "disposable.npy"),
        Domains(DATA / "disposable_broad.npy"),
        frozenset(near),
    )


def _deletions(name: str) -> set[str]:
    """A name and all it becomes with one letter left out: two names one slip apart share one of them."""
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}


def address_of(value: str) -> Address | str:
    """The address that a value is, or what is wrong with it (RFC 5321, without quoted names and bare networks)."""
    text = (
        "".join(c for c in normalize("NFKC", value[:LONGEST]) if category(c) != "Cf")
        .strip()
        .strip("<>")
        .removeprefix("mailto:")
        .strip()
    )
    local, at, domain = text.rpartition("@")
    if not at:
        return "no @"
    if len(text) > 254 or len(local) > 64:
        return "longer than an address can be"
    if not _LOCAL.fullmatch(local):
        return "a name that no address can have"
    domain = domain.rstrip(".").lower()
    if "xn--" in domain:
        try:
            domain = domain.encode("ascii").decode("idna")
        except UnicodeError:
            return "a domain that cannot be"
    labels = domain.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return "a domain that cannot be"
    if labels[-1] not in tlds() and labels[-1] not in _SLIPS:
        return "a top-level domain that there is not"
    return Address(local.lower(), domain)


def canonical_email(value: str) -> str | None:
    """The address that all spellings of one mailbox share, or None: the key for windows and lists.

    Case does not count; what follows a ``+`` is the user's own tag; dots do not count at Gmail; and so on
    (``data/identities/providers.toml``).

    >>> (
    ...     canonical_email("J.O.Hn+promo@GoogleMail.com"),
    ...     canonical_email("a@b@c"),
    ...     canonical_email("ann+x@corp.example.com"),
    ... )
    ('john@gmail.com', None, 'ann@corp.example.com')
    """
    found = address_of(value)
    return None if isinstance(found, str) else _canonical(found)


def _canonical(address: Address) -> str:
    provider = _book().providers.get(address.domain)
    local = address.local
    if provider is None:
        base = local.partition("+")[0] or local
        return f"{base}@{address.domain}"
    if provider.tag:
        local = local.partition(provider.tag)[0] or local
    kept = "".join(letter for letter in local if letter not in provider.ignored) or local
    if provider.dashed:
        kept = kept.replace("-", ".")
    return f"{kept}@{provider.domain}"


def email(value: str) -> Signal:
    """What a mail address by itself says.

    >>> email("x9@mailinator.com").category, email("x9@mailinator.com").verdict
    ('disposable', 'suspicious')
    >>> email("maria@gmial.com").category, email("maria@gmail.com").verdict
    ('look-alike', 'ok')
    """
    found = address_of(value)
    if isinstance(found, str):
        return signal([(0.7, f"no mail address: {found}")], "invalid")
    local, domain = found
    book = _book()
    findings: list[Finding] = []
    kind = _domain(domain, book, findings)
    base = local.partition("+")[0]
    if base in book.roles:
        findings.append((0.1, "a role's address, not a person's"))
        kind = "role" if kind in ("other", "free") else kind
    if kind != "relay" and is_made(base):
        findings.append((0.4, "a name that looks drawn by a program"))
    dots = base.count(".")
    if (provider := book.providers.get(domain)) is not None and provider.ignored and dots >= 3:
        findings.append((0.25, "many dots that the provider does not count"))
    if "+" in local and provider is not None and len(local.partition("+")[2]) > 0:
        findings.append((0.1, "a tag that makes one mailbox look like several"))
    return signal(findings, kind, [("email", _canonical(found)), *_registrable(domain)])


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _registrable(domain: str) -> list[tuple[str, str]]:
    try:
        plain = domain.encode("idna").decode()
    except UnicodeError:
        return []
    own = _suffixes().privatesuffix(plain)
    return [("domain", own)] if own else []


def _domain(domain: str, book: _Book, findings: list[Finding]) -> str:
    if domain in book.relays:
        findings.append((0.15, "an alias that forwards to a person's own mailbox"))
        return "relay"
    if domain in book.free or domain in book.providers:
        findings.append((0.1, ""))
        return "free"
    like = looks_like(domain)
    if like:  # Before the lists: they hold slips of the pen as well.
        findings.append((0.65, f"looks like {like}, and is another domain"))
        return "look-alike"
    if domain in book.sure:
        findings.append((0.8, "a throw-away mail domain"))
        return "disposable"
    if domain in book.broad:
        findings.append((0.7, "a domain listed as throw-away mail"))
        return "disposable"
    if _TELLING.search(domain):
        findings.append((0.65, "a domain named like throw-away mail"))
        return "disposable"
    findings.append((0.08, ""))
    return "other"


def looks_like(domain: str) -> str:
    """The provider that a domain is nearly the same as, or "".

    >>> looks_like("gmial.com"), looks_like("outlok.com"), looks_like("gmail.con"), looks_like("example.org")
    ('gmail.com', 'outlook.com', 'gmail.com', '')
    """
    book = _book()
    head, _, last = domain.rpartition(".")
    if last in _SLIPS and (fixed := f"{head}.{_SLIPS[last]}") in book.free:
        return fixed
    if domain in book.free:
        return ""
    plain = _plain(domain)
    if plain != domain and plain in book.free:
        return plain
    labels = plain.split(".")
    if any(".".join(labels[at:]) in book.free for at in range(1, len(labels) - 1)):
        return ""
    if labels[0] in book.families:
        return f"{labels[0]}.com"
    if len(plain) <= 40 and not book.near.isdisjoint(_deletions(plain)):
        for name in book.watched:
            if _one_slip(plain, name):
                return name
    return next((f"{name}.com" for name in book.families if _spoken(plain, name)), "")


def _plain(domain: str) -> str:
    if domain.isascii():
        swapped = domain
    else:
        from trustward.screening.folding import fold  # noqa: PLC0415 - only for domains beyond ASCII

        swapped = "".join(fold(label).text + "." for label in domain.split(".")).rstrip(".")
    return swapped.replace("rn", "m") if swapped.replace("rn", "m") in _book().free else swapped


def _spoken(plain: str, name: str) -> bool:
    """Whether a provider's name is a part of the domain: ``gmail-login.com``, ``gmail.com.example.net``."""
    return name in plain and any(name in label.split("-") for label in plain.split(".")[:-1])


def _one_slip(first: str, second: str) -> bool:
    """Whether one letter left out, added, changed, or two neighbours swapped, makes one name the other."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    at = 0
    while at < min(len(first), len(second)) and first[at] == second[at]:
        at += 1
    a, b = first[at:], second[at:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:] and len(a) > 1)


def email_many(values: Sequence[str]) -> list[Signal]:
    """The signals of many addresses."""
    return [email(value) for value in values]
