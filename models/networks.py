"""Ranges of addresses: from the raw reference lists to the sorted partitions that the screener of networks ships.

Also measures the rules for user agents on their labelled set. Nothing of that set is shipped.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import numpy as np

from trustward.screening.networks.addresses import CLOUD, CRAWLER, HOSTING, RELAY, VPN
from trustward.screening.networks.agents import HARMFUL, SUSPICIOUS, judged

OUT = Path(__file__).resolve().parents[1] / "src" / "trustward" / "screening" / "data" / "networks"
# The MISP list "vpn-ipv4" is nine tenths the same rented servers as the list of data centres, and a tenth of what the
# narrow list of VPN exits holds: it is read as hosting. No list of mobile carriers' ranges is at hand.
SOURCES = {
    "x4b_datacenter_ipv4": HOSTING,
    "x4b_vpn_ipv4": VPN,
    "misp_vpn-ipv4": HOSTING,
    "misp_vpn-ipv6": HOSTING,
    "misp_amazon-aws": CLOUD,
    "misp_microsoft-azure": CLOUD,
    "misp_google-gcp": CLOUD,
    "misp_cloudflare": RELAY,
    "misp_googlebot": CRAWLER,
}
MOST_LISTS = 5


def lines(lists: Path, name: str) -> list[str]:
    """The items of a reference list."""
    with gzip.open(lists / f"{name}.txt.gz", "rt", encoding="utf-8", errors="replace") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def partition(ranges: list[tuple[int, int, int]]) -> tuple[list[int], list[int]]:
    """Where each part of all addresses starts, and the flags that hold there, from ranges (first, last, flag)."""
    edges: dict[int, Counter[int]] = {0: Counter()}
    for first, last, flag in ranges:
        edges.setdefault(first, Counter())[flag] += 1
        edges.setdefault(last + 1, Counter())[flag] -= 1
    starts: list[int] = []
    flags: list[int] = []
    open_ranges: Counter[int] = Counter()
    for edge in sorted(edges):
        open_ranges.update(edges[edge])
        now = sum(flag for flag, count in open_ranges.items() if count > 0)
        if not flags or flags[-1] != now:
            starts.append(edge)
            flags.append(now)
    return starts, flags


def ranges_of(lists: Path) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """All ranges of IPv4, and of IPv6 by their first 64 bits; an IPv6 range narrower than that counts as 64 bits."""
    four: list[tuple[int, int, int]] = []
    six: list[tuple[int, int, int]] = []
    for name, flag in SOURCES.items():
        for line in lines(lists, name):
            network: IPv4Network | IPv6Network = ip_network(line, strict=False)
            first, last = int(network.network_address), int(network.broadcast_address)
            if isinstance(network, IPv4Network):
                four.append((first, last, flag))
            else:
                six.append((first >> 64, last >> 64, flag))
    return four, six


def build(data: Path, target: Path) -> dict[str, Any]:
    """Write what is shipped below ``target``; returns what there is."""
    lists = data / "ref_lists"
    target.mkdir(parents=True, exist_ok=True)
    four, six = ranges_of(lists)
    arrays: dict[str, Any] = {}
    for name, ranges, bits, kind in (("4", four, 32, np.uint32), ("6", six, 64, np.uint64)):
        starts, flags = partition(ranges)
        kept = [at for at, start in enumerate(starts) if start < 1 << bits]
        arrays[f"starts{name}"] = np.array([starts[at] for at in kept], kind)
        arrays[f"flags{name}"] = np.array([flags[at] for at in kept], np.uint8)
    bad: dict[int, int] = {}
    for line in lines(lists, "ipsum_bad_ips"):
        ip, _, count = line.partition("\t")
        found = ip_address(ip)
        if found.version == 4:
            bad[int(found)] = min(int(count or 1), MOST_LISTS)
    arrays["bad"] = np.array(sorted(bad), np.uint32)
    arrays["levels"] = np.array([bad[number] for number in sorted(bad)], np.uint8)
    for name, array in arrays.items():
        np.save(target / f"{name}.npy", array, allow_pickle=False)
    return {name: int(array.size) for name, array in arrays.items() if not name.startswith(("flags", "levels"))}


def agents(data: Path) -> dict[str, Any]:
    """How the rules for user agents do on the development half of their set."""
    with gzip.open(data / "ua_bot_human" / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    scores = np.array([judged(row["text"])[0] for row in rows])
    labels = np.array([row["label"] for row in rows])
    human, program = scores[labels == 0], scores[labels == 1]
    bound = np.quantile(human, 0.99, method="higher")
    kinds: dict[str, list[float]] = {}
    for row, score in zip(rows, scores, strict=True):
        if row["label"]:
            kinds.setdefault(row["category"], []).append(float(score >= SUSPICIOUS))
    return {
        "recall_at_1pct": round(float(np.mean(program > bound)), 4),
        "suspicious": {
            "programs": round(float(np.mean(program >= SUSPICIOUS)), 4),
            "people": round(float(np.mean(human >= SUSPICIOUS)), 4),
        },
        "harmful": {
            "programs": round(float(np.mean(program >= HARMFUL)), 4),
            "people": round(float(np.mean(human >= HARMFUL)), 4),
        },
        "by_kind": {kind: round(float(np.mean(found)), 3) for kind, found in sorted(kinds.items())},
    }


def main(data: Path) -> None:
    """Build and print the measures."""
    print(json.dumps(build(data, OUT) | {"agents": agents(data)}, indent=1))
