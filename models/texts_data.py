"""Messages to learn from and to measure on: the public sets, and what we wrote ourselves."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

MATERIAL = Path(__file__).resolve().parent / "material"
SETS = (
    "email_spamassassin",
    "honest_multi",
    "sms_nus_en_ham",
    "sms_smishing_mendeley",
    "sms_spamhunter_multi",
    "sms_th",
    "sms_tr",
    "sms_uci",
    "sms_zh_fbs_fraud",
    "sms_zh_fbs_nus",
    "vishing_ko",
    "yt_comment_spam",
)
FILLS = 3
"""How many messages a written line with slots becomes."""


class Text(NamedTuple):
    """One message. ``label``: 1 harmful, 0 honest, and between them advertising. ``kind``: a kind of the material.

    ``group``: what must stay together when some messages are learned from and others are measured on.
    """

    text: str
    label: float
    source: str
    lang: str
    kind: str
    group: str


ADVERTS, OFFERS = 0.35, 0.1
"""What bulk advertising counts as, and what the offers of real shops to their customers do."""
_ZH_KINDS = {
    "FR:Phishing(Bank)": "phishing",
    "FR:Phishing(Other)": "phishing",
    "FR:Financial": "investment",
    "FR:Other": "",
    "IL:Gambling": "gambling",
    "IL:Fake_ID_and_invoice": "banned_goods",
    "IL:Escort_service": "spam",
    "IL:Political_propaganda": "spam",
}


def draws(*key: str) -> random.Random:
    """A source of chance that depends on the key alone."""
    return random.Random(hashlib.blake2b("\0".join(key).encode(), digest_size=8).digest())


def rows(data: Path, name: str) -> list[dict[str, str | int]]:
    """The rows of a set's learning half."""
    with gzip.open(data / name / "dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def public(data: Path, name: str) -> Iterator[Text]:
    """One public set as messages."""
    for row in rows(data, name):
        text, category, lang, key = str(row["text"]), str(row["category"]), str(row["lang"]), str(row["id"])
        label, kind = float(row["label"]), ""
        if name.startswith("sms_zh"):
            kind = _ZH_KINDS.get(category, "")
            label = ADVERTS if category.startswith("AD:") else 1.0 if category[:3] in ("FR:", "IL:") else 0.0
            text = with_values(text, key)
        elif name in ("sms_tr", "sms_th") and category == "spam":
            label = ADVERTS
        elif name == "sms_spamhunter_multi":
            text = as_received(text, key)
        elif name == "email_spamassassin":
            text = text[:3000]
        # What one program says in many languages stays together; other sets hold each campaign once.
        group = f"honest:{row['source']}" if name == "honest_multi" and category == "notice" else f"{name}:{key}"
        yield Text(text, label, name, lang, kind if label != ADVERTS else "ok.marketing", group)


_PLACES = "北京 上海 广州 深圳 成都 杭州 武汉 南京 西安 重庆 苏州 长沙".split()
_NAMES = "王伟 李娜 张敏 刘洋 陈静 杨磊 赵强 黄丽 周杰 吴敏 小李 小王 陈经理 刘总".split()


def with_values(text: str, key: str) -> str:
    """The Chinese sets without their stand-ins (DIGIT, URL and so on): half of the rows get values again."""
    chance = draws("zh", key)
    if chance.random() < 0.3:
        return text

    def value(match: re.Match[str]) -> str:
        what = match.group().strip()
        if what == "DIGIT":
            return str(chance.randint(1, 10 ** chance.randint(1, 5)))
        if what == "CELLPHONE":
            return "1" + "".join(chance.choice("0123456789") for _ in range(10))
        if what == "URL":
            return bad_link(chance)
        return chance.choice(_PLACES if what == "PLACE" else _NAMES)

    return re.sub(r" ?(?:DIGIT|CELLPHONE|URL|PLACE|NAME) ?", value, text)


def as_received(text: str, key: str) -> str:
    """What the makers of a set have changed, undone: digits behind X, links that the reading of pictures tore apart.

    A model must not learn that a masked number means harm because only the harmful messages were masked.
    """
    chance = draws("masked", key)
    text = re.sub(r"X{2,}", lambda match: "".join(str(chance.randint(0, 9)) for _ in match.group()), text)
    text = re.sub(r"\b(https?) ?:? ?// ?", r"\1://", text)
    text = re.sub(r"\b(www) ?\. ?", r"www.", text)
    return re.sub(r"(?<=[a-z0-9]) ?\. ?(?=(?:com|net|org|info|co|me|ly|top|xyz|online|site|club)\b)", ".", text)


# ------------------------------------------------------------------------------------------------ what we wrote


@cache
def slots(lang: str) -> dict[str, list[str]]:
    """The values for slots of a language."""
    return dict(tomllib.loads((MATERIAL / "slots" / f"{lang}.toml").read_text(encoding="utf-8")))


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_BAD_ENDINGS = (
    "top xyz shop icu vip cyou sbs online site club click live info cc com net co me link buzz lol cfd bond".split()
)
_BAD_WORDS = (
    "secure login verify account update track parcel pay refund bonus gift claim help support online id service my "
    "info fee delivery post bank card auth win prize job vip app mobile web portal".split()
)
_COMMON_ENDINGS = "com com com net org".split()
_GOOD_ENDINGS = {
    "ar": "com sa ae eg",
    "da": "dk dk",
    "de": "de de at ch",
    "en": "co.uk com.au com.sg in ng co.za ph",
    "es": "es es com.mx com.co com.ar cl pe",
    "fi": "fi fi",
    "fr": "fr fr be ch ca ci sn",
    "hi": "in co.in",
    "id": "co.id id",
    "it": "it it",
    "ja": "jp co.jp",
    "ko": "kr co.kr",
    "ms": "com.my my",
    "nl": "nl nl be",
    "no": "no no",
    "pt": "com.br com.br pt",
    "ru": "ru ru",
    "sv": "se se",
    "th": "co.th in.th",
    "tl": "ph com.ph",
    "tr": "com.tr com.tr",
    "vi": "vn com.vn",
    "zh": "cn com.cn com.hk com.tw com.sg",
}
"""Where an honest sender to people of a language has its pages."""
_SHORT = "bit.ly t.co tinyurl.com is.gd cutt.ly t.ly rb.gy s.id lnkd.in shorturl.at".split()


def word_of(chance: random.Random, least: int, most: int) -> str:
    """A word of random letters."""
    return "".join(chance.choice(_LETTERS) for _ in range(chance.randint(least, most)))


def bad_link(chance: random.Random, brand: str = "") -> str:
    """A link as scams send them."""
    shape = chance.random()
    scheme = chance.choice(["", "http://", "https://", "https://", "www."])
    if shape < 0.2:
        return chance.choice(["", "https://", "http://"]) + f"{chance.choice(_SHORT)}/{word_of(chance, 4, 7)}"
    name = slug(brand) if brand and chance.random() < 0.6 else ""
    words = chance.sample(_BAD_WORDS, 2)
    if name:
        host = chance.choice(
            [
                f"{name}-{words[0]}",
                f"{name}{words[0]}",
                f"{words[0]}-{name}",
                f"{name}.{words[0]}-{words[1]}",
                f"{name}{chance.randint(1, 99)}",
            ]
        )
    else:
        host = chance.choice(
            [
                f"{words[0]}-{words[1]}",
                word_of(chance, 5, 9),
                f"{words[0]}{chance.randint(1, 999)}",
                f"{word_of(chance, 3, 6)}-{words[0]}",
            ]
        )
    path = chance.choice(
        [
            "",
            "",
            f"/{word_of(chance, 2, 6)}",
            f"/{words[1]}",
            f"/{words[1]}.php",
            f"/?{word_of(chance, 1, 3)}={chance.randint(100, 99999)}",
        ]
    )
    return f"{scheme}{host}.{chance.choice(_BAD_ENDINGS)}{path}"


def good_link(chance: random.Random, lang: str, brand: str = "") -> str:
    """A link as honest senders use them; some shorten theirs too."""
    if chance.random() < 0.12:
        return chance.choice(["", "https://"]) + f"{chance.choice(_SHORT)}/{word_of(chance, 5, 7)}"
    endings = _COMMON_ENDINGS + _GOOD_ENDINGS[lang].split()
    host = (slug(brand) or word_of(chance, 4, 8)) + "." + chance.choice(endings)
    path = chance.choice(
        [
            "",
            "",
            "/app",
            "/help",
            f"/t/{chance.randint(1000, 999999)}",
            f"/{word_of(chance, 4, 8)}",
            "/account",
            f"/order/{chance.randint(1000, 99999)}",
            "/news",
            "/track",
        ]
    )
    return chance.choice(["", "https://", "https://", "https://www.", "www."]) + host + path


def slug(name: str) -> str:
    """A name as part of a host."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def value_of(slot: str, lang: str, chance: random.Random, brand: str) -> str:
    """A value for a slot."""
    known = slots(lang)
    if slot in known:
        return "".join(
            str(chance.randint(0, 9))
            if c == "#"
            else chance.choice(_LETTERS)
            if c == "@" and slot == "handle" and i > 0
            else c
            for i, c in enumerate(chance.choice(known[slot]))
        )
    if slot == "badlink":
        return bad_link(chance, brand)
    if slot == "goodlink":
        return good_link(chance, lang, brand or chance.choice(known["shop"] + known["bank"] + known["brand"]))
    if slot == "code":
        return str(chance.randint(1000, 999999))
    if slot == "ref":
        return word_of(chance, 2, 3).upper() + str(chance.randint(10000, 99999999))
    return str(chance.randint(1, 10 ** chance.randint(1, 4)))


def filled(line: str, lang: str, chance: random.Random) -> str:
    """A written line with its slots filled; a link fits the company that the line names."""
    brand = ""
    parts = re.split(r"\{([a-z]+)\}", line)
    for i in range(1, len(parts), 2):
        if parts[i] in ("bank", "shop", "courier", "telecom", "brand", "authority"):
            parts[i] = brand = value_of(parts[i], lang, chance, brand)
        else:
            parts[i] = "\0" + parts[i]
    parts = [value_of(part[1:], lang, chance, brand) if part.startswith("\0") else part for part in parts]
    return "".join(parts).replace("\\n", "\n")


def written(lang: str) -> Iterator[Text]:
    """What we wrote in a language; its lines may stand in several files, ``LANG.tsv`` and ``LANG.2.tsv``."""
    for path in sorted((MATERIAL / "texts").glob(f"{lang}.*")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            if line.startswith("#") or "\t" not in line:
                continue
            kind, text = line.split("\t", 1)
            label = OFFERS if kind == "ok.marketing" else 0.0 if kind.startswith("ok.") else 1.0
            for fill in range(FILLS if "{" in text else 1):
                message = filled(text, lang, draws(lang, str(number), text, str(fill)))
                yield Text(message, label, "written", lang, kind, f"{path.stem}:{number}")


def fresh() -> list[Text]:
    """The messages that are only ever measured on: scams of many kinds, and honest messages that are like them."""
    lines = (MATERIAL / "measure" / "texts.tsv").read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t", 2) for line in lines if line and not line.startswith("#")]
    return [
        Text(text, 0.0 if kind.startswith("ok.") else 1.0, "fresh", lang, kind, f"fresh:{number}")
        for number, (lang, kind, text) in enumerate(parts)
    ]


def languages() -> list[str]:
    """The languages that we have written material in."""
    return sorted(path.stem for path in (MATERIAL / "slots").glob("*.toml"))


def of_set(data: Path, name: str) -> list[Text]:
    """All messages of a set, each text once, also those that stand in another set too."""
    return list({text.text: text for text in public(data, name)}.values())


def everything(data: Path) -> list[Text]:
    """All messages, each text once."""
    found: dict[str, Text] = {}
    for name in SETS:
        for text in public(data, name):
            found.setdefault(text.text, text)
    for lang in languages():
        for text in written(lang):
            found.setdefault(text.text, text)
    return list(found.values())
