"""Strings to fingerprints, and the two hash tables: entities by fingerprint, last entries by distinct value.

Fingerprints are 128-bit SipHash-1-3 under a secret seed. Both tables are open addressing with linear probing: two words
to a slot for entities (it is empty when the second is 0), one for distinct values (0 when empty). The home of a
fingerprint is its top half scaled to the number of slots, so slots lie in the order of their fingerprints and growing a
table is one sequential pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trustward.base.jit import kernel, load64, part, shared, stack_words, trailing_zeros
from trustward.base.units import MISSING

_ONES = np.uint64(0x0101010101010101)
_HIGH = np.uint64(0x8080808080808080)
_V0 = np.uint64(0x736F6D6570736575)
_V1 = np.uint64(0x646F72616E646F6D)
_V2 = np.uint64(0x6C7967656E657261)
_V3 = np.uint64(0x7465646279746573)
_EE = np.uint64(0xEE)
_DD = np.uint64(0xDD)
_U0 = np.uint64(0)
_U1 = np.uint64(1)
_U13 = np.uint64(13)
_U16 = np.uint64(16)
_U17 = np.uint64(17)
_U21 = np.uint64(21)
_U32 = np.uint64(32)
_U43 = np.uint64(43)
_U47 = np.uint64(47)
_U48 = np.uint64(48)
_U51 = np.uint64(51)
_U56 = np.uint64(56)
_M1 = np.uint64(0xFF51AFD7ED558CCD)
_M2 = np.uint64(0xC4CEB9FE1A85EC53)
_U33 = np.uint64(33)
_GOLD = np.uint64(0x9E3779B97F4A7C15)
LANES = 16
STATE_WORDS = 5 * LANES
ADDRESS_BITS = 48
"""A table slot's second word is an entity's address below and its keyspace's number above."""
ADDRESS_MASK = np.int64((1 << ADDRESS_BITS) - 1)
MOST_WORDS = 1 << 36
"""No arena is larger (512 GiB): a slot of the table of distinct values is an entry's address below, and above the first
28 bits of what the entry holds of the value."""
_ENTRY_BITS = np.uint64(36)
_TAG_BITS = np.uint64(28)
_ENTRY_MASK = np.uint64(MOST_WORDS - 1)


@part
def _round(v0: Any, v1: Any, v2: Any, v3: Any) -> Any:
    v0 += v1
    v1 = ((v1 << _U13) | (v1 >> _U51)) ^ v0
    v0 = (v0 << _U32) | (v0 >> _U32)
    v2 += v3
    v3 = ((v3 << _U16) | (v3 >> _U48)) ^ v2
    v0 += v3
    v3 = ((v3 << _U21) | (v3 >> _U43)) ^ v0
    v2 += v1
    v1 = ((v1 << _U17) | (v1 >> _U47)) ^ v2
    v2 = (v2 << _U32) | (v2 >> _U32)
    return v0, v1, v2, v3


@part
def _finish(v0: Any, v1: Any, v2: Any, v3: Any) -> Any:
    v2 ^= _EE
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    low = v0 ^ v1 ^ v2 ^ v3
    v1 ^= _DD
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return low, v0 ^ v1 ^ v2 ^ v3


@part
def siphash_start(secret: Any) -> Any:
    """The state of a text's fingerprint before its first byte."""
    return secret[0] ^ _V0, secret[1] ^ _V1 ^ _EE, secret[0] ^ _V2, secret[1] ^ _V3


@part
def absorb(v0: Any, v1: Any, v2: Any, v3: Any, word: Any) -> Any:
    """Take in 8 bytes."""
    v0, v1, v2, v3 = _round(v0, v1, v2, v3 ^ word)
    return v0 ^ word, v1, v2, v3


@part
def has_zero(word: Any) -> Any:
    """Not 0 if one of 8 bytes is 0: its lowest bit set is that of the first such byte."""
    return (word - _ONES) & ~word & _HIGH


@part
def finish_lanes(state: Any, lanes: Any, prints: Any, at: Any) -> None:
    """The fingerprints of ``lanes`` texts, from their states and lengths (side by side, ``LANES`` of each word).

    Most of SipHash is its end, and that is the same for all texts, so the compiler does it for several at once.
    """
    for i in range(LANES):
        low, high = _finish(state[i], state[LANES + i], state[2 * LANES + i], state[3 * LANES + i])
        there = state[4 * LANES + i] != _U0
        # (0, 0) means "missing"; a string gets it by chance once in 2**128.
        state[i] = low if there else _U0
        state[LANES + i] = high | _U1 if there else _U0
    for i in range(lanes):
        prints[at + 2 * i] = state[i]
        prints[at + 2 * i + 1] = state[LANES + i]


@shared
def hash_strings(text: Any, size: Any, count: Any, secret: Any, prints: Any) -> Any:
    """Fingerprint ``count`` strings, each ended by a zero byte; ``text`` has 8 zero bytes at its end besides.

    An empty string gets the fingerprint (0, 0). Returns whether exactly ``count`` strings fill the text: if one of
    them held a zero byte they do not.
    """
    position = 0
    if size < count + 8:
        return False
    state = stack_words(STATE_WORDS)
    for begin in range(0, count, LANES):
        lanes = min(LANES, count - begin)
        for i in range(lanes):
            v0, v1, v2, v3 = siphash_start(secret)
            start = position
            word = load64(text, position)
            zero = has_zero(word)
            while zero == _U0:
                v0, v1, v2, v3 = absorb(v0, v1, v2, v3, word)
                position += 8
                word = load64(text, position)
                zero = has_zero(word)
            used = trailing_zeros(zero) >> 3
            position += used
            word &= (_U1 << np.uint64(8 * used)) - _U1
            word |= np.uint64(position - start) << _U56
            v0, v1, v2, v3 = absorb(v0, v1, v2, v3, word)
            state[i] = v0
            state[LANES + i] = v1
            state[2 * LANES + i] = v2
            state[3 * LANES + i] = v3
            state[4 * LANES + i] = np.uint64(position - start)
            position += 1
        finish_lanes(state, lanes, prints, 2 * begin)
    return position == size - 8


@part
def combine_start(secret: Any) -> Any:
    """The state of a fingerprint over fingerprints: for composite keys and list-valued values."""
    return secret[2] ^ _V0, secret[3] ^ _V1 ^ _EE, secret[2] ^ _V2, secret[3] ^ _V3


@part
def combine_add(v0: Any, v1: Any, v2: Any, v3: Any, low: Any, high: Any) -> Any:
    """Take in one more fingerprint."""
    v3 ^= low
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= low
    v3 ^= high
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= high
    return v0, v1, v2, v3


@part
def combine_end(v0: Any, v1: Any, v2: Any, v3: Any) -> Any:
    """The combined fingerprint."""
    return _finish(v0, v1, v2, v3)


@part
def mix(word: Any) -> Any:
    """A one-to-one scramble of 64 bits."""
    word ^= word >> _U33
    word *= _M1
    word ^= word >> _U33
    word *= _M2
    return word ^ (word >> _U33)


@kernel
def hash_numbers(numbers: Any, start: int, secret: Any, prints: Any) -> None:
    """Fingerprints of whole-number keys, from place ``start`` on: two keyed one-to-one scrambles."""
    for i in range(numbers.size):
        word = np.uint64(numbers[i])
        prints[2 * (start + i)] = mix(mix(word ^ secret[0]) + secret[1])
        prints[2 * (start + i) + 1] = mix(mix(word + secret[2]) ^ secret[3]) | _U1


@part
def home(word: Any, slots: Any) -> Any:
    """The slot where the search for a fingerprint starts."""
    return np.int64(((word >> _U32) * np.uint64(slots)) >> _U32)


@part
def find(table: Any, slots: Any, mem: Any, low: Any, high: Any) -> Any:
    """(address or 0, slot): the entity of a fingerprint, or the empty slot where it belongs."""
    slot = home(low, slots)
    while True:
        word = np.int64(table[2 * slot + 1])
        if word == 0:
            return np.int64(0), slot
        if table[2 * slot] == low:
            address = word & ADDRESS_MASK
            if mem[address] == np.int64(high):
                return address, slot
        slot += 1
        if slot == slots:
            slot = 0


@kernel
def rehash(old: Any, new: Any) -> None:
    """Copy every slot of a table into a larger empty one."""
    slots = new.size >> 1
    for i in range(old.size >> 1):
        if old[2 * i + 1] != _U0:
            slot = home(old[2 * i], slots)
            while new[2 * slot + 1] != _U0:
                slot += 1
                if slot == slots:
                    slot = 0
            new[2 * slot] = old[2 * i]
            new[2 * slot + 1] = old[2 * i + 1]


@kernel
def rehash_distinct(old: Any, new: Any) -> None:
    """``rehash`` for the table of distinct values."""
    slots = new.size
    for i in range(old.size):
        if old[i] != _U0:
            slot = distinct_home(old[i], slots)
            while new[slot] != _U0:
                slot += 1
                if slot == slots:
                    slot = 0
            new[slot] = old[i]


@part
def distinct_word(header: Any, value: Any) -> Any:
    """What an entry holds of a value: 63 bits, for one header one-to-one in the value but for the lowest bit.

    That bit is for "superseded". Of different headers words are as good as random, so the word alone tells whose it is.
    """
    word = np.int64(mix(np.uint64(value) + np.uint64(header) * _GOLD)) & ~1
    return word if word != MISSING else np.int64(0)


@part
def distinct_home(word: Any, slots: Any) -> Any:
    """The slot where the search for an entry's word starts; of a slot's own word too, for they begin alike."""
    return np.int64(((word >> _ENTRY_BITS) * np.uint64(slots)) >> _TAG_BITS)


@part
def distinct_slot(word: Any, entry: Any) -> Any:
    """A slot that points to an entry with this word."""
    return (np.uint64(word) & ~_ENTRY_MASK) | np.uint64(entry)


@part
def distinct_entry(slot: Any) -> Any:
    """The entry that a slot points to; 0 if it is empty."""
    return np.int64(slot & _ENTRY_MASK)


@part
def distinct_find(last: Any, slots: Any, mem: Any, word: Any, offset: Any) -> Any:
    """The slot of the entry with this word that nothing supersedes, or the empty slot where it belongs.

    Should one entry have two words that begin alike, its two slots are equal, and either serves.
    """
    slot = distinct_home(np.uint64(word), slots)
    while True:
        there = last[slot]
        if there == _U0:
            return slot
        if (there ^ np.uint64(word)) >> _ENTRY_BITS == _U0 and mem[distinct_entry(there) + offset] == word:
            return slot
        slot += 1
        if slot == slots:
            slot = 0


@part
def distinct_remove(last: Any, slots: Any, word: Any, entry: Any) -> Any:
    """Take out the slot that points to this entry, closing the gap."""
    sought = distinct_slot(word, entry)
    slot = distinct_home(sought, slots)
    while last[slot] != sought:
        slot += 1
        if slot == slots:
            slot = 0
    gap = slot
    while True:
        slot += 1
        if slot == slots:
            slot = 0
        if last[slot] == _U0:
            break
        from_gap = distinct_home(last[slot], slots) - gap
        if from_gap <= 0:
            from_gap += slots
        here = slot - gap
        if here < 0:
            here += slots
        # A slot may move into the gap unless its home lies (going round) after the gap, up to the slot itself.
        if from_gap > here:
            last[gap] = last[slot]
            gap = slot
    last[gap] = _U0


@shared
def drop_repeats(prints: Any, start: int, stop: int, seen: Any) -> None:
    """Make every later occurrence of a fingerprint in one list missing. ``seen`` has at least 2 slots for each."""
    slots = np.int64(2 * (stop - start))
    for i in range(slots):
        seen[i] = 0
    for i in range(start, stop):
        low = prints[2 * i]
        high = prints[2 * i + 1]
        if high == _U0:
            continue
        slot = home(low, slots)
        while seen[slot] != 0:
            j = seen[slot] - 1
            if prints[2 * j] == low and prints[2 * j + 1] == high:
                prints[2 * i] = _U0
                prints[2 * i + 1] = _U0
                break
            slot += 1
            if slot == slots:
                slot = 0
        else:
            seen[slot] = i + 1
