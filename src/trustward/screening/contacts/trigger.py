"""The quick look: whether a text can hold a contact point at all, and of which kinds.

All questions are one automaton (RE2) over the text, linear in its length: most texts are done after it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache

from trustward.screening.contacts.sets import Test, matcher
from trustward.screening.contacts.view import NUMERALS
from trustward.screening.contacts.words import tables

_NUMERAL = r"\pN" + "".join(NUMERALS)
_GAP = r"[^\pL\pN\n]"
_WITHIN = r"[^\pL\pN\n,;:%$€£¥₹฿₫₩+#]"
_DIGITS = rf"[{_NUMERAL}](?:{_GAP}{{0,4}}[{_NUMERAL}oOlISZB]){{5}}"
_LINKS = (
    r"://|[:：]\s?\\\\|\bh[tx]{2}ps?\W|[\pL\pN_\])}\-][.。．｡][\pL\pN]{2}|[\[({<]\s?(?:[.]|dot|punto|ponto|点|點)"
    r"|\b(?:dot|d0t|punto|ponto)\b|(?:\s\.\s?|\.\s)[a-z]{2,24}/[a-z0-9]"
)
_MAILS = (
    r"[@＠]|[\[({<*_]\s?(?:at|arroba|ät|a t|艾特|圈a)\s?[\])}>*_]|\b(?:arroba|собака|собачка)\b"
    r"|\bat\s\S{2,40}\s(?:dot|punto|ponto|point)\b"
)
_CHECKED = r"[0-9A-Za-z_\-]{15}|\b[a-z]{2}[0-9]{2}[ .\-]?[a-z0-9]{4}"
# What the readers of numbers can take: seven characters at least, with no sign of a sum, a time or a list within.
_NUMBERS = rf"[{_NUMERAL}](?:{_WITHIN}{{0,4}}[{_NUMERAL}oOlISZB]){{5,12}}{_WITHIN}{{0,4}}[{_NUMERAL}]"
# Countries that have IBAN (ISO 13616).
COUNTRIES = (
    "ad ae al at az ba be bg bh bi br by ch cr cy cz de dj dk do ee eg es fi fk fo fr gb ge gi gl gr gt hn hr hu ie"
    " il iq is it jo kw kz lb lc li lt lu lv ly mc md me mk mn mr mt mu ni nl no om pk pl ps pt qa ro rs ru sa sc sd se"
    " si sk sm so st sv tl tn tr ua va vg xk ye"
).split()
_SUMMED = (
    r"[0-9A-Za-z_\-]{25}|(?:bc1|ltc1)[0-9a-z]{11}"
    rf"|(?:^|[^a-z0-9])(?:{'|'.join(COUNTRIES)})\s?[0-9]{{2}}(?:[ .\-]?[a-z0-9]){{11}}"
)
# Invisible characters may stand inside anything.
_UNSEEN = (
    r"[\x{ad}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}"
    r"\x{1d400}-\x{1d7ff}\x{24b6}-\x{24e9}\x{ff21}-\x{ff5a}]"
    r"|[a-z][\x{370}-\x{4ff}]|[\x{370}-\x{4ff}][a-z]"
)

DIGITS, LINKS, MAILS, CHECKED, UNSEEN, HANDLES, WALLETS, BANKS, NUMBERS, SUMMED = range(10)
"""The questions, by their place in what :func:`kinds` gives.

Where a text is plain (:func:`view.is_plain`), DIGITS come to nothing without NUMBERS, and CHECKED without SUMMED.
"""
_ONLY_WORDS = frozenset([WALLETS, BANKS, NUMBERS, SUMMED])
"""What is nothing by itself: a bank's name without a number, and the closer looks at what others have found."""
_TAGS = ("$", "＄", "﹩")


def says_nothing(kinds: Collection[int], text: str) -> bool:
    """Whether a text that may hold these kinds surely holds none; a payment service is one by a name with a dollar."""
    return _ONLY_WORDS.issuperset(kinds) and not (WALLETS in kinds and any(tag in text for tag in _TAGS))


CUE, OTHER = range(2)
"""What :func:`cues` says of the words before a number: it is a telephone number; it is another one."""


def _words(words: Iterable[str], *, whole: bool = False) -> str:
    """Words as RE2 finds them: it knows no look-behind, but borders of Latin words (``whole``: at both ends)."""
    parts = []
    for word in sorted(set(words)):
        source = re.sub(r"\\? ", lambda _: r"\s?", re.escape(word))
        front = r"\b" if word[0].isascii() and word[0].isalnum() else ""
        back = r"(?:\b|[0-9_])" if whole and word[-1].isascii() and word[-1].isalnum() else ""
        parts.append(front + source + back)
    return "(?:" + "|".join(parts) + ")"


@cache
def kinds() -> Test:
    """Which kinds of contact points a text can hold, by one pass over it."""
    forms = tables()
    wallets = _words(word for words in forms["wallets"].values() for word in words)
    banks = _words([*forms["banks"]["accounts"], *forms["banks"]["names"]])
    names = forms["messengers"].values()
    sure = _words(word for known in names for word in known["sure"])
    handles = f"{sure}|{_words((word for known in names for word in known['short']), whole=True)}"
    # Counted repeats of anything would be more exact, and make the automaton too large to be quick.
    return matcher([_DIGITS, _LINKS, _MAILS, _CHECKED, _UNSEEN, handles, wallets, banks, _NUMBERS, _SUMMED])


@cache
def cues() -> Test:
    """What the few words before a number say that it is."""
    phone = _words(tables()["phones"]["cues"], whole=True)
    others = _words(tables()["phones"]["others"], whole=True)
    return matcher([phone, rf"{others}[\s:.#]{{0,3}}(?:(?:no|nr|number|id|is|:|号)[\s:.#]{{0,3}})?$"])


@cache
def invitation() -> Test:
    """Whether a few words before a messenger's name invite to write or to add somebody."""
    return matcher([_words(tables()["invitations"]["words"], whole=True)])
