"""Lines in which one key may stand twice, found fast enough to look at every line.

Decoders take the last of two equal keys, others the first, so such a line says two things at once. What is found here
is a suspicion: the exact reader then looks at the line. No line with a doubled key is passed over: every key outside
of texts is looked at, in objects of any depth, and a key with an escape in it is suspicious by itself.
"""

from __future__ import annotations

import re

import msgspec

_SMALL = 2**17
_KEY = re.compile(rb'"([^"\\]*)"\s*:')
_APART = re.compile(rb'"\s+:')
_read = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def suspicious_lines(chunk: bytes | bytearray | memoryview) -> list[int]:
    r"""The numbers (from 0) of the lines of a chunk of JSON that may give a key twice.

    >>> suspicious_lines(b'{"a": 1, "b": 2}\n{"a": 1, "a": 2}\n')
    [1]
    """
    if len(chunk) >= _SMALL:
        from trustward.exchange.scan import scan  # noqa: PLC0415  # compiled code, not worth loading for a few lines

        return scan(chunk)
    return [number for number, line in enumerate(bytes(chunk).split(b"\n")) if line and _suspicious(line)]


def _suspicious(line: bytes) -> bool:
    try:
        keys = _read(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _suspicious_text(line)
    # A quote and a colon stand behind each key, be it of the outermost object or of one within: where there are as many
    # as there are different keys in the outermost, there are no others. A text may hold them too; then it is looked at.
    if line.count(b'":') != len(keys):
        return True
    blanks = (b" " in line and b" :" in line) or b"\t" in line or b"\r" in line
    return blanks and bool(_APART.search(line))


def _suspicious_text(line: bytes) -> bool:
    if b"\\" in line:
        # Escapes may hide where a text ends, or what a key says.
        return True
    keys = _KEY.findall(line)
    return len(set(keys)) != len(keys)
