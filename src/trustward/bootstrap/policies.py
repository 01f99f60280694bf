"""The catalogue and policies: shipped, a service's own, and stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from trustward.base.errors import PolicyError, UsageError
from trustward.model.catalogue import Catalogue, load_catalogue

if TYPE_CHECKING:
    from trustward.engine.summary import CheckReport
    from trustward.model.stored import StoredPolicy
    from trustward.policy import Policy


def catalogue(extra: Sequence[Path] = ()) -> Catalogue:
    """The shipped event catalogue with a service's own files."""
    return load_catalogue(extra)


def packs() -> dict[str, Path]:
    """The shipped policies by name."""
    root = Path(str(files("trustward") / "packs"))
    return {path.name: path for path in sorted(root.iterdir()) if any(path.glob("*.policy"))}


def policy_path(name: str) -> Path:
    """The folder of a policy: a path, or the name of a shipped pack. Raises UsageError."""
    path = Path(name)
    if path.exists():
        return path
    shipped = packs()
    if name in shipped:
        return shipped[name]
    raise UsageError(
        f"no such policy: {name}", remedy=f"name a folder with *.policy files, or a pack ({', '.join(shipped)})"
    )


def policy(name: str, known: Catalogue, *, drafts: bool = False) -> Policy:
    """Load a policy by path or pack name. Raises PolicyError with all its faults."""
    from trustward.policy import load_policy

    return load_policy(policy_path(name), known, drafts=drafts)


def load(name: str, extra: Sequence[Path] = ()) -> Policy:
    """A policy with the catalogue that it needs."""
    return policy(name, catalogue(extra))


def stored_policy(name: str, *, actor: str, at_us: int = 0, known: Catalogue | None = None) -> StoredPolicy:
    """A policy's sources as the store keeps them, checked. Raises UsageError, PolicyError."""
    return stored_and_loaded(name, actor=actor, at_us=at_us, known=known or catalogue())[0]


def stored_and_loaded(name: str, *, actor: str, at_us: int, known: Catalogue) -> tuple[StoredPolicy, Policy]:
    """A policy as the store keeps it, and as it decides. Raises UsageError, PolicyError."""
    from trustward.model.stored import StoredPolicy
    from trustward.policy.faults import Faults
    from trustward.policy.files import read_sources

    path = policy_path(name)
    loaded = policy(name, known)
    sources, lists = read_sources(path, Faults())
    texts = tuple((source.name, "\ufeff" * source.marked + source.text) for source in (*sources, *lists))
    return StoredPolicy(hash=loaded.hash, name=path.name, sources=texts, actor=actor, at_us=at_us), loaded


def compiler(known: Catalogue, first: Policy | None = None) -> Callable[[StoredPolicy], Policy]:
    """What makes a policy out of stored sources; of those of ``first`` it is there already."""
    from trustward.policy import Source, load_policy

    def compiled(stored: StoredPolicy) -> Policy:
        if first is not None and first.hash == stored.hash:
            return first
        return load_policy([Source(name, text) for name, text in stored.sources], known)

    return compiled


def check(name: str, extra: Sequence[Path] = ()) -> CheckReport:
    """Check a policy and run its examples; faults come back in the report."""
    from trustward.engine.examples import run_examples
    from trustward.engine.summary import CheckReport

    known = catalogue(extra)
    try:
        loaded = policy(name, known, drafts=True)
    except PolicyError as error:
        return CheckReport(name=name, faults=error.faults or (str(error),))
    failures = run_examples(loaded, known)
    return CheckReport(
        name=name,
        policy=loaded.hash,
        rules=len(loaded.rules),
        features=sum(len(stream.reads) for stream in loaded.plan.streams),
        examples=sum(len(rule.examples) for rule in loaded.rules),
        failures=tuple(failures),
    )
