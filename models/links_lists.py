"""What is made from lists of popular domains: their fingerprints, and how their names are spelled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.links_data import BENCH, read_list, spans_of
from trustward.screening.links import kernel, tables
from trustward.screening.links import words as w

Array = npt.NDArray[Any]
PROBES = 7
TOP = ("misp_tranco10k", "misp_majestic_million", "misp_cisco_top20k", "misp_university_domains", "misp_bank-website")


def registrable_all(hosts: list[str]) -> list[str]:
    """The registrable domains of hosts, each once, sorted."""
    hosts = [host for host in hosts if host.isascii() and "." in host and "/" not in host]
    spans = spans_of(hosts).tolist()
    kept = {host[span[3] : span[1]] for host, span in zip(hosts, spans, strict=True) if span[1] > 0 and span[3] >= 0}
    return sorted(kept - {""})


def filter_of(domains: list[str], bits_each: int) -> Array:
    """A Bloom filter of domains."""
    data, ends = tables.joined(domains)
    hashes = np.zeros(len(domains), dtype=np.uint64)
    kernel.hash_all(data, ends, hashes)
    bits = np.zeros((len(domains) * bits_each + 7) // 8, dtype=np.uint8)
    kernel.fill_filter(bits, hashes, PROBES)
    return bits


def chain_of(names: list[str]) -> Array:
    """How surprising a letter is after the two before it, in sixteenths of a bit, from names that people chose."""
    size = w.SYMBOLS
    counts = np.zeros((size, size, size), dtype=np.float64)
    alphabet = BENCH.tables.alphabet
    text = np.frombuffer(("\0\0" + "\0\0".join(names) + "\0\0").encode("ascii", "replace"), dtype=np.uint8)
    symbols = alphabet[text].astype(np.int64)
    first, second, third = symbols[:-2], symbols[1:-1], symbols[2:]
    # Two boundaries in a row only begin a name.
    inner = ~((second == 0) & (first != 0))
    np.add.at(counts, (first[inner], second[inner], third[inner]), 1)
    pairs = counts.sum(axis=0)
    backed = (pairs + 3 * counts.sum(axis=(0, 1)) / counts.sum()) / (pairs.sum(axis=1, keepdims=True) + 3)
    shares = (counts + 8 * backed[None]) / (counts.sum(axis=2, keepdims=True) + 8)
    flat: Array = np.clip(np.rint(-np.log2(np.maximum(shares, 1e-9)) * 16), 0, 255).astype(np.uint8).ravel()
    return flat


def prepare(data: Path) -> dict[str, Array]:
    """Make the lists' arrays and let measuring use them."""
    top = registrable_all([host for name in TOP for host in read_list(data, name)])
    popular = registrable_all(read_list(data, "misp_tranco"))
    names = [domain.split(".")[0] for domain in popular]
    made = {
        "chain": chain_of(names),
        "popular": filter_of(popular, 14),
        "top": filter_of(top, 12),
    }
    BENCH.tables = BENCH.tables._replace(**made)
    return made
