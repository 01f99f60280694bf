"""Lines in which one key may stand twice, found fast enough to look at every line.

Decoders take the last of two equal keys, others the first, so such a line says two things at once. What is found here
is a suspicion: the exact reader then looks at the line. No line with a doubled key is passed over: every key outside
of texts is looked at, in objects of any depth, and a key with an escape in it is suspicious by itself.
"""

from __future__ import annotations

import re

_SMALL = 2**17
_KEY = re.compile(rb'"([^"\\]*)"\s*:')


def suspicious_lines(chunk: bytes | bytearray | memoryview) -> list[int]:
    r"""The numbers (from 0) of the lines of a chunk of JSON that may give a key twice.

    >>> suspicious_lines(b'{"a": 1, "b": 2}\n{"a": 1, "a": 2}\n')
    [1]
    """
    if len(chunk) >= _SMALL:
        from trustward.exchange.scan import scan  # noqa: PLC0415  # compiled code, not worth loading for a few lines

        return scan(chunk)
    return [number for number, line in enumerate(bytes(chunk).split(b"\n")) if _suspicious(line)]


def _suspicious(line: bytes) -> bool:
    if b"\\" in line:
        # Escapes may hide where a text ends, or what a key says.
        return True
    keys = _KEY.findall(line)
    return len(set(keys)) != len(keys)
