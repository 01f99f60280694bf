"""The numbers that the compiled code and the tables share: kinds of host, words, tricks, features."""

from __future__ import annotations

# Kinds of host: bits of the table of hosts. The first four are rules of the public-suffix list.
RULE, WILD, EXCEPTION, PRIVATE = 1, 2, 4, 8
SHORTENER, HOSTING, DYNAMIC, BIO, IPFS, TUNNEL, STORAGE, FORMS = 16, 32, 64, 128, 256, 512, 1024, 2048
CHEAP, FREE, GENERIC, HONEST = 1 << 12, 1 << 13, 1 << 14, 1 << 15
BRAND_SHIFT = 16
"""From this bit on: the number of the brand whose official domain it is, plus one."""

KINDS = {
    "shortener": SHORTENER,
    "hosting": HOSTING,
    "dynamic": DYNAMIC,
    "bio": BIO,
    "ipfs": IPFS,
    "tunnel": TUNNEL,
    "storage": STORAGE,
    "forms": FORMS,
    "cheap": CHEAP,
    "free": FREE,
    "generic": GENERIC,
    "honest": HONEST,
}

CLASSES = (
    "brand",
    "credential",
    "service",
    "money",
    "crypto",
    "invest",
    "shop",
    "prize",
    "delivery",
    "gaming",
    "adult",
    "gambling",
    "hacked",
    "honest",
    "authority",
    "file",
)
"""Classes of word, in the order of their numbers."""
N_CLASSES = len(CLASSES)
STRONG = 1
"""A brand's flag: its name is no everyday word, so it counts within longer words too."""

# Tricks: bits of what normalising had to undo.
DEFANGED, USERINFO, NUMERIC, ENCODED, MIXED, INVISIBLE, PORT, REDIRECT = 1, 2, 4, 8, 16, 32, 64, 128
BACKSLASH, UNICODE, DOUBLED, SCRIPT, CONFUSED = 256, 512, 1024, 2048, 4096
HIDDEN_POPULAR = 1 << 20
"""Not a trick: asks the kernel to behave as if the list of popular domains were empty (for measuring without it)."""
FORCED = 1 << 21
"""Not a trick: the link has been made plain already."""
TRICKS = {
    "defanged": DEFANGED,
    "userinfo": USERINFO,
    "numeric host": NUMERIC,
    "encoded host": ENCODED,
    "mixed scripts": MIXED,
    "invisible marks": INVISIBLE,
    "odd port": PORT,
    "redirect": REDIRECT,
    "backslash": BACKSLASH,
    "other script": UNICODE,
    "double encoding": DOUBLED,
    "script": SCRIPT,
    "confusable letters": CONFUSED,
}

# How a brand was found, harshest last.
OFFICIAL, IN_PATH, IN_SUB, WITHIN, TOKEN, SUFFIX, NEAR, SKELETON = range(1, 9)

FEATURES = (
    # the host
    "host_len",
    "label_len",
    "sub_labels",
    "sub_len",
    "longest_label",
    "label_hyphens",
    "sub_hyphens",
    "label_digits",
    "sub_digits",
    "label_runs",
    "ending",
    "suffix_labels",
    "private",
    "hosting",
    "dynamic",
    "shortener",
    "bio",
    "ipfs",
    "tunnel",
    "storage",
    "forms",
    "numeric",
    "popular",
    "label_surprise",
    "label_worst",
    "sub_surprise",
    "vowels",
    "consonants",
    "covered",
    "label_words",
    "brand_official",
    "brand_suffix",
    "brand_token",
    "brand_within",
    "brand_near",
    "brand_skeleton",
    "brand_sub",
    "brand_path",
    "brands",
    "ending_in_host",
    # the rest
    "deep",
    "path_len",
    "depth",
    "query_len",
    "parameters",
    "path_digits",
    "path_hyphens",
    "longest_token",
    "longest_hex",
    "upper",
    "php",
    "html",
    "program",
    "slash",
    "fragment",
    "mail",
    "path_dots",
    "domain_in_path",
    "doubled_slash",
    "path_surprise",
    "path_worst",
    "short_folders",
    "year",
    "escapes",
    "path_letters",
    "slug_words",
    "odd_marks",
    # what the linear models over pieces of text say
    "host_pieces",
    "path_pieces",
)
F = {name: number for number, name in enumerate(FEATURES)}
HOST_WORDS = len(FEATURES)
"""From this column on: words of each class in the host, and after them in the rest."""
PATH_WORDS = HOST_WORDS + N_CLASSES
N_FEATURES = PATH_WORDS + N_CLASSES

PIECE_BITS = 17
"""Bits of a piece's number: there are 2**17 weights each for pieces of hosts and of paths."""
SYMBOLS = 38
"""A boundary, 26 letters, 10 digits and a hyphen."""
