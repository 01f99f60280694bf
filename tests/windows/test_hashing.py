"""Fingerprints against SipHash written out plainly, which in turn gives the published values of SipHash-2-4."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trustward.base.jit import kernel, pointer
from trustward.windows.hashing import (
    MOST_WORDS,
    distinct_entry,
    distinct_find,
    distinct_remove,
    distinct_slot,
    hash_strings,
    rehash_distinct,
)
from trustward.windows.packing import escaped, joined

MASK = 2**64 - 1


def siphash128(key: bytes, data: bytes, rounds: int, final_rounds: int) -> tuple[int, int]:
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D ^ 0xEE, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def turn(word: int, bits: int) -> int:
        return (word << bits | word >> (64 - bits)) & MASK

    def mixed(times: int) -> None:
        for _ in range(times):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = turn(v[1], 13) ^ v[0]
            v[0] = turn(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = turn(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = turn(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = turn(v[1], 17) ^ v[2]
            v[2] = turn(v[2], 32)

    whole = len(data) // 8 * 8
    words = [data[at : at + 8] for at in range(0, whole, 8)]
    words.append(data[whole:].ljust(7, b"\0") + bytes([len(data) & 255]))
    for part in words:
        word = int.from_bytes(part, "little")
        v[3] ^= word
        mixed(rounds)
        v[0] ^= word
    v[2] ^= 0xEE
    mixed(final_rounds)
    low = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    mixed(final_rounds)
    return low, v[0] ^ v[1] ^ v[2] ^ v[3]


@kernel
def prints_of(text: np.ndarray, count: int, secret: np.ndarray, prints: np.ndarray) -> bool:
    return bool(hash_strings(pointer(text), text.size, count, pointer(secret), pointer(prints)))


def test_the_plain_one_gives_the_published_values() -> None:
    key = bytes(range(16))
    for data, wanted in (
        (b"", "a3817f04ba25a8e66df67214c7550293"),
        (b"\x00", "da87c1d86b99af44347659119b22fc45"),
    ):
        low, high = siphash128(key, data, 2, 4)
        assert (low.to_bytes(8, "little") + high.to_bytes(8, "little")).hex() == wanted


@given(st.lists(st.text(max_size=40), min_size=1, max_size=20), st.binary(min_size=16, max_size=16))
def test_prints_are_siphash_1_3(strings: list[str], key: bytes) -> None:
    strings = [text.replace("\0", "") for text in strings]
    prints = np.zeros(2 * len(strings), np.uint64)
    assert prints_of(joined(strings), len(strings), np.frombuffer(key, np.uint64), prints)
    for place, text in enumerate(strings):
        low, high = siphash128(key, text.encode(), 1, 3)
        assert prints[2 * place : 2 * place + 2].tolist() == ([low, high | 1] if text else [0, 0])


letters = st.one_of(st.characters(), st.sampled_from(["\0", "\ud800", "\udfff"]))


@given(st.lists(st.text(letters, max_size=9), min_size=1, max_size=9))
def test_strings_with_zero_bytes_are_noticed_and_kept_apart(strings: list[str]) -> None:
    count = len(strings)
    prints = np.zeros(2 * count, np.uint64)
    secret = np.arange(2, dtype=np.uint64)
    whole = any("\0" in text for text in strings)
    surrogates = any(0xD800 <= ord(letter) < 0xE000 for text in strings for letter in text)
    assert prints_of(joined(strings), count, secret, prints) == (not surrogates and not whole)
    assert prints_of(escaped(strings), count, secret, prints)
    pairs = {text: tuple(prints[2 * i : 2 * i + 2]) for i, text in enumerate(strings)}
    assert len(set(pairs.values())) == len(pairs)


@kernel
def play(moves: np.ndarray, words: np.ndarray, last: np.ndarray, found: np.ndarray) -> None:
    """Put entries in the table of distinct values and take them out; ``words[entry]`` is what an entry holds."""
    table, mem, slots = pointer(last), pointer(words), last.size
    for i in range(moves.size):
        entry = abs(moves[i])
        if moves[i] > 0:
            slot = distinct_find(table, slots, mem, mem[entry], 0)
            found[i] = distinct_entry(table[slot])
            table[slot] = distinct_slot(mem[entry], entry)
        else:
            distinct_remove(table, slots, mem[entry], entry)


@given(st.data())
def test_distinct_words_that_begin_alike(data: st.DataObject) -> None:
    # Few beginnings and few endings: many words share the first 28 bits, and many homes lie side by side.
    parts = st.tuples(st.integers(0, 5), st.integers(0, 3))
    drawn = data.draw(st.lists(parts, min_size=1, max_size=40))
    words = np.array([0] + [((7 << 60) + (begin << 36) | end << 1) % 2**64 for begin, end in drawn], np.uint64)
    kept: dict[int, int] = {}
    moves, wanted = [], []
    for entry in range(1, len(words)):
        word = int(words[entry])
        moves.append(entry)
        wanted.append(kept.get(word, 0))
        kept[word] = entry
        leaves: bool = data.draw(st.booleans())
        if leaves and kept:
            gone = data.draw(st.sampled_from(sorted(kept)))
            moves.append(-kept.pop(gone))
            wanted.append(0)
    found = np.zeros(len(moves), np.int64)
    last = np.zeros(64, np.uint64)
    play(np.array(moves), words.view(np.int64), last, found)
    assert found.tolist() == wanted
    larger = np.zeros(80, np.uint64)
    rehash_distinct(last, larger)
    for table in (last, larger):
        entries = table[table != 0] & np.uint64(MOST_WORDS - 1)
        assert sorted(entries.tolist()) == sorted(kept.values())
    again = np.zeros(len(kept), np.int64)
    play(np.array(list(kept.values()), np.int64), words.view(np.int64), larger, again)
    assert again.tolist() == list(kept.values())
