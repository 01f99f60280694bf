"""The table of characters: what each one is and what it is read as.

Made from Unicode's own data as Python knows it, the characters' pairs of traditional and simplified Chinese in
``vendored/opencc``, and the look-alikes written out below.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "src" / "trustward" / "screening" / "data" / "folding"
GONE, SPACE, LATIN, DIGIT, DENSE, LETTER, MARKED, SIGN, PICTURE, MONEY, MARK = range(11)
"""Kinds of character; ``trustward.screening.folding`` says what each means."""
UPPER = 1 << 28
ODD = 1 << 29
"""Read as a plain letter or digit, but written with another character: styled, enclosed, small capital."""
CODE = (1 << 21) - 1
BLOCK = 256
LOOKS_FROM, LOOKS_TO = 0x0370, 0x0590

# Letters of other alphabets that are taken for Latin ones, from looking at them.
LOOKS = {
    group[0]: group[1:]
    for group in (
        "aаαɑ bЬвβ cсϲ dԁ eеєε fғ gԍ hһнн iіιӏ jј kкκ lӏ mм nпηո oоοօσ pрρ qԛգ rгг sѕ tтτ uυսц vѵν wԝωшա xхχ yуγү zζ "
    ).split()
}
CAPITALS = {
    group[0]: group[1:] for group in ("aАΑ bВΒ cСϹ eЕΕ hНΗ iІΙӀ jЈ kКΚ mМΜ nΝ oОΟ pРΡ sЅ tТΤ xХΧ yУΥҮ zΖ wԜ ").split()
}
# Styled letters that Unicode gives no decomposition for.
STYLED = {
    pair[0]: pair[1]
    for pair in (
        "ᴀa ʙb ᴄc ᴅd ᴇe ꜰf ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz ɑa ɡg ƅb ƚl ɩi ꞓc ꓢs ꓪw "
        "Ꭺa Ᏼb Ꮯc Ꭰd Ꭼe Ꮐg Ꮋh Ꭻj Ꮶk Ꮮl Ꮇm Ꮲp Ꮢr Ꮪs Ꭲt Ꮩv Ꮃw Ꮓz "
    ).split()
}
PLAIN = {
    pair[0]: pair[1]
    for pair in ("ßs ẞs ıi İi øo Øo đd Đd łl Łl æa Æa œo Œo þt Þt ðd Ðd ħh Ħh ŧt Ŧt ŋn Ŋn ſs ƒf ").split()
}
ARABIC = {pair[0]: pair[1] for pair in ("أا إا آا ٱا ىي ةه کك یي ؤو ئي ").split()}
# Variants that the pairs do not hold and that sellers write instead of the plain character.
VARIANTS = {
    pair[0]: pair[1]
    for pair in (
        "囗口 徽微 薇微 崴微 葳微 ꕤ爱 〇0 ○0 ◯0 ➕+ ✚+ 囍喜 亻人 氵水 "
        "戶户 戸户 內内 說说 爲为 裡里 祕秘 彙汇 䃼补 仟千 佰百 "
    ).split()
}
GONE_TOO = {
    0x00AD,
    0x034F,
    0x061C,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    0x180B,
    0x180C,
    0x180D,
    0x180E,
    0x2800,
    0x3164,
    0xFFA0,
    0xFFFC,
    0x0640,
}
# Alphabets that put no space between words, and those whose vowels are marks.
DENSE_RANGES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3041, 0x30FF), (0x31F0, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF),
)  # fmt: skip


def kind_of(code: int) -> int:
    """What a character is, before it is read as another one."""
    character, category = chr(code), unicodedata.category(chr(code))
    if code in GONE_TOO or 0xFE00 <= code <= 0xFE0F or 0xE0000 <= code <= 0xE01EF or 0xD800 <= code <= 0xDFFF:
        return GONE
    if character in "\t\n\r\v\f\x85" or category in ("Zs", "Zl", "Zp"):
        return SPACE
    if category in ("Cc", "Cf"):
        return GONE
    if category == "Nd":
        return DIGIT
    if category.startswith("M"):
        # Marks on Latin, Greek, Cyrillic and Arabic letters are left out by people as they please; others are vowels.
        return (
            GONE
            if code < 0x0370
            or 0x0483 <= code <= 0x0489
            or 0x0591 <= code <= 0x06ED
            or 0x1AB0 <= code <= 0x1AFF
            or 0x1DC0 <= code <= 0x1DFF
            or 0x20D0 <= code <= 0x20FF
            else MARK
        )
    if any(low <= code <= high for low, high in DENSE_RANGES) and category[0] in "LN":
        return DENSE
    if category[0] == "L":
        return LATIN if unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN")) else LETTER
    if category == "Sc":
        return MONEY
    if 0x1F000 <= code <= 0x1FAFF or 0x2600 <= code <= 0x27BF or 0x2B00 <= code <= 0x2BFF:
        return PICTURE
    return SIGN


def plain_letter(code: int) -> str:
    """The character without case, accent and style: one character, or the character itself."""
    character = chr(code)
    for table in (PLAIN, STYLED, ARABIC):
        if character in table:
            return table[character]
    composed = unicodedata.normalize("NFKC", character)
    if len(composed) == 1:
        character = composed
    folded = character.casefold()
    if len(folded) == 1:
        character = folded
    parts = unicodedata.normalize("NFD", character)
    if len(parts) > 1 and ord(parts[0]) < 0x0590 and all(unicodedata.category(p) == "Mn" for p in parts[1:]):
        character = parts[0]
    return PLAIN.get(character, STYLED.get(character, character))


def enclosed(code: int) -> str:
    """The letter or digit of an enclosed character that Unicode does not decompose; empty if it is none."""
    for first, last, start in (
        (0x1F150, 0x1F169, "a"),
        (0x1F170, 0x1F189, "a"),
        (0x2776, 0x277E, "1"),
        (0x278A, 0x2792, "1"),
        (0x24F5, 0x24FD, "1"),
        (0x1F1E6, 0x1F1FF, "a"),
    ):
        if first <= code <= last:
            return chr(ord(start) + code - first)
    return "0" if code in (0x24FF, 0x1F10B, 0x1F10C) else ""


def simplified() -> dict[int, int]:
    """Traditional to simplified Chinese characters; the first one where there are several."""
    pairs = {}
    for line in (HERE / "vendored" / "opencc" / "TSCharacters.txt").read_text(encoding="utf-8").splitlines():
        traditional, _, others = line.partition("\t")
        first = others.split(" ")[0].strip()
        if len(traditional) == 1 and len(first) == 1:
            pairs[ord(traditional)] = ord(first)
    pairs.update({ord(key): ord(value) for key, value in VARIANTS.items()})
    return pairs


def entry(code: int, chinese: dict[int, int]) -> int:
    """The table's word for a character: what it is read as, its kind, and whether it is a capital or styled."""
    kind = kind_of(code)
    if kind == GONE:
        return 0
    if kind == SPACE:
        return ord(" ") | SPACE << 24
    letter = enclosed(code)
    if letter:
        return ord(letter) | (DIGIT if letter.isdigit() else LATIN) << 24 | ODD
    if kind == DIGIT:
        return ord("0") + unicodedata.digit(chr(code)) | DIGIT << 24 | (0 if code < 0x80 else ODD)
    read = ord(plain_letter(code))
    read = chinese.get(read, read)
    kind = kind_of(read) if read != code else kind
    word = read | kind << 24
    if chr(code) in STYLED or (kind in (LATIN, DIGIT) and unicodedata.decomposition(chr(code)).startswith("<")):
        word |= ODD
    category = unicodedata.category(chr(code))
    return word | (UPPER if category in ("Lu", "Lt") else 0)


def _relative(code: int, word: int) -> int:
    """The word with the distance to what is read, not the character itself: most blocks are then alike."""
    return word & ~CODE | ((word & CODE) - code) & CODE if word else 0


def tables() -> dict[str, np.ndarray]:
    """``index``: for each block of 256 characters its page; ``pages``: the words; ``looks``: Latin look-alikes."""
    chinese = simplified()
    pages: dict[bytes, int] = {}
    index = np.zeros(0x110000 // BLOCK, np.uint16)
    for block in range(index.size):
        first = block * BLOCK
        words = np.array([_relative(code, entry(code, chinese)) for code in range(first, first + BLOCK)], np.uint32)
        index[block] = pages.setdefault(words.tobytes(), len(pages))
    looks = np.zeros(LOOKS_TO - LOOKS_FROM, np.uint8)
    for table in (LOOKS, CAPITALS):
        for letter, others in table.items():
            for other in others:
                if LOOKS_FROM <= ord(other) < LOOKS_TO:
                    looks[ord(other) - LOOKS_FROM] = ord(letter)
    stacked = np.frombuffer(b"".join(pages), np.uint32).reshape(-1, BLOCK)
    return {"index": index, "pages": stacked, "looks": looks}


def build(target: Path) -> None:
    """Write the tables below ``target``."""
    target.mkdir(parents=True, exist_ok=True)
    for name, table in tables().items():
        np.save(target / f"{name}.npy", table, allow_pickle=False)


def main(_data: Path) -> None:
    """Build: nothing is read but Unicode's own data and what lies here."""
    build(OUT)
