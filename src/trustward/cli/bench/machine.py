"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_LOOK_S = 0.2
_LIBRARIES = ("trustward", "msgspec", "numpy", "numba", "google-re2", "pyarrow", "duckdb")


def facts() -> dict[str, str]:
    """The machine and the versions, without anything that names it.

    >>> sorted(facts())[:3]
    ['cores', 'duckdb', 'google-re2']
    """
    known = {
        "cores": str(os.cpu_count() or 0),
        "processor": _processor(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "pinned": "one core" if pinning() else "not pinned (this system cannot)",
        "load": _load(),
    }
    for name in _LIBRARIES:
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            known[name] = "not installed"
    return known


def pinning() -> bool:
    """Whether this system can hold a process on one core."""
    return hasattr(os, "sched_setaffinity")


def pin() -> None:
    """Hold this process on one core: of those that it may use, the one that is idle most just now."""
    if pinning():
        before = _idle()
        time.sleep(_LOOK_S)
        after = _idle()
        os.sched_setaffinity(
            0, {max(os.sched_getaffinity(0), key=lambda core: after.get(core, 0) - before.get(core, 0))}
        )


def _idle() -> dict[int, int]:
    """For each core, how long it has been idle (in the system's ticks); empty where the system does not tell."""
    try:
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    cores = (line.split() for line in lines if line.startswith("cpu") and line[3:4].isdigit())
    return {int(words[0][3:]): int(words[4]) + int(words[5]) for words in cores}


def processor_s() -> float:
    """Seconds of a processor that this process has used so far."""
    return time.process_time()


def peak_bytes() -> int:
    """The most memory that this process has held so far, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def held_bytes() -> int:
    """The memory that this process holds now, in bytes; the peak where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return peak_bytes()
    return pages * os.sysconf("SC_PAGE_SIZE")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return "unknown"
    return f"{size / 2**30:.0f} GiB"


def _load() -> str:
    """How busy the machine is: a figure taken beside other work is worth less."""
    try:
        return f"{os.getloadavg()[0]:.1f}"
    except (OSError, AttributeError):
        return "unknown"
