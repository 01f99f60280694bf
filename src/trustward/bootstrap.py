"""The only place that picks parts and joins them: files, catalogue, policy and engine become one command's work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from importlib.resources import files
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from trustward.base.clock import elapsed_s
from trustward.base.errors import PolicyError, RecordError, UsageError
from trustward.model.catalogue import Catalogue, load_catalogue

if TYPE_CHECKING:
    from trustward.adapters.files import Chunk
    from trustward.adapters.output import LineFile, ParquetFile, RejectFile
    from trustward.adapters.store.backup import Copied
    from trustward.adapters.store.opened import DatabaseStore
    from trustward.adapters.webhooks import Webhooks
    from trustward.engine.engine import Engine, Outcome
    from trustward.engine.summary import BacktestSummary, CheckReport, RejectStat, ReplaySummary
    from trustward.exchange.records import Reject
    from trustward.model.stored import ApiKey, StoredPolicy
    from trustward.operations.deciding import Deciding
    from trustward.operations.delivering import Delivering
    from trustward.operations.polling import Polling
    from trustward.operations.working import Working
    from trustward.policy import Policy
    from trustward.policy.streams import Slots
    from trustward.ports import Store
    from trustward.settings import Settings

Progress = Callable[[int, int, int, int], None]
"""Called now and then with bytes done, bytes in all (0: not known), events so far, flagged so far."""

_MOST_REJECT_KINDS = 50


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
    from trustward.model.stored import StoredPolicy
    from trustward.policy.faults import Faults
    from trustward.policy.files import read_sources

    path = policy_path(name)
    loaded = policy(name, known or catalogue())
    sources, lists = read_sources(path, Faults())
    texts = tuple((source.name, "\ufeff" * source.marked + source.text) for source in (*sources, *lists))
    return StoredPolicy(hash=loaded.hash, name=path.name, sources=texts, actor=actor, at_us=at_us)


def compiler(known: Catalogue) -> Callable[[StoredPolicy], Policy]:
    """What makes a policy out of stored sources."""
    from trustward.policy import Source, load_policy

    return lambda stored: load_policy([Source(name, text) for name, text in stored.sources], known)


def store(settings: Settings, *, migrated: bool = True) -> DatabaseStore:
    """The store that the settings name. Raises SettingsError, SchemaError, StoreError."""
    from trustward.adapters.store.opened import open_store

    return open_store(settings.database, Path(settings.data), migrated=migrated)


def deciding(settings: Settings, opened: Store, known: Catalogue) -> Deciding:
    """The engine's host over a store, not started. Raises UsageError, PolicyError."""
    import os
    import socket

    from trustward.base.clock import now_us
    from trustward.exchange.decode import EventDecoder
    from trustward.operations.deciding import Deciding, Options

    initial = None
    if opened.journal.head() == 0:
        initial = stored_policy(settings.policy, actor="trustward", at_us=now_us(), known=known)
    options = Options(
        owner=f"process {os.getpid()} on {socket.gethostname()}",
        skew_us=settings.skew_us,
        commit_events=settings.commit_events,
        queue_events=settings.queue_events,
        snapshot_events=settings.snapshot_events,
        snapshot_keep=settings.snapshot_keep,
        standby=settings.standby,
    )
    return Deciding(opened, EventDecoder(known), compiler(known), initial=initial, options=options)


def delivering(settings: Settings, opened: Store) -> Delivering:
    """The story of actions on their way out. Raises SettingsError."""
    import secrets

    from trustward.base.clock import SteadyClock
    from trustward.base.units import parse_duration
    from trustward.exchange.targets import targets
    from trustward.operations.delivering import Delivering, Retries

    retries = Retries(
        rests_us=tuple(map(parse_duration, settings.delivery_rests)),
        give_up_us=parse_duration(settings.delivery_give_up),
    )
    return Delivering(
        opened,
        targets(settings),
        clock=SteadyClock(),
        draw=secrets.SystemRandom().random,
        retries=retries,
        lease_us=parse_duration(settings.delivery_lease),
    )


def polling(settings: Settings, opened: Store) -> Polling:
    """The story of actions that are fetched. Raises SettingsError."""
    from trustward.operations.polling import Polling

    return Polling(delivering(settings, opened))


def working(settings: Settings, opened: Store, stop: Event) -> tuple[Working, Webhooks]:
    """A worker's rounds, and what they send with: close it at the end. Raises SettingsError."""
    import os
    import socket

    from trustward.adapters.addresses import networks
    from trustward.adapters.webhooks import Webhooks
    from trustward.base.clock import now_us
    from trustward.base.units import parse_duration
    from trustward.operations.working import Working

    story = delivering(settings, opened)
    worker = f"process {os.getpid()} on {socket.gethostname()}"
    timeout_us = parse_duration(settings.delivery_timeout)
    webhooks = Webhooks(
        list(story.targets.values()),
        timeout_s=timeout_us / 1e6,
        clock=now_us,
        worker=worker,
        private=networks(settings.delivery_networks),
    )
    return Working(story, webhooks.send, worker, stop, timeout_us=timeout_us), webhooks


def service_settings(**told: object) -> Settings:
    """The settings of this environment, with what a command was told. Raises SettingsError."""
    import os

    from trustward.settings import load_settings

    return load_settings(os.environ, told)


def upgrade(settings: Settings) -> tuple[str, str]:
    """Bring the database's schema up to date: its versions before and after. Raises SchemaError, StoreError."""
    from trustward.adapters.store import migrate

    with closing(store(settings, migrated=False)) as opened:
        return migrate.upgrade(opened.database)


def check_store(settings: Settings) -> tuple[int, list[str]]:
    """The journal's last entry, and what is wrong with the database."""
    from trustward.adapters.store.backup import check

    with closing(store(settings)) as opened:
        return opened.journal.head(), check(opened)


def backup_store(settings: Settings, file: Path) -> Copied:
    """Write a backup. Raises UsageError, InputError, StoreError."""
    from trustward.adapters.store.backup import backup

    with closing(store(settings)) as opened:
        return backup(opened, file)


def restore_store(settings: Settings, file: Path) -> Copied:
    """Fill an empty database, which gets its tables first. Raises UsageError, InputError, WriterError, StoreError."""
    from trustward.adapters.store.backup import restore

    upgrade(settings)
    with closing(store(settings)) as opened:
        return restore(file, opened)


def create_key(settings: Settings, name: str, scopes: Sequence[str], lasts: str | None) -> tuple[ApiKey, str]:
    """A new key and its text. Raises UsageError, StoreError."""
    from trustward.base.clock import now_us
    from trustward.base.units import parse_duration
    from trustward.operations.keys import make_key

    try:
        lasts_us = None if lasts is None else parse_duration(lasts)
    except ValueError as fault:
        raise UsageError(str(fault), remedy="write it like 90d") from fault
    key, text = make_key(name, scopes, actor="the command line", now_us=now_us(), lasts_us=lasts_us)
    with closing(store(settings)) as opened:
        opened.keys.add(key)
    return key, text


def list_keys(settings: Settings) -> Sequence[ApiKey]:
    """Every key."""
    with closing(store(settings)) as opened:
        return opened.keys.all()


def revoke_key(settings: Settings, key: str) -> None:
    """End a key. Raises NotFoundError."""
    from trustward.base.clock import now_us

    with closing(store(settings)) as opened:
        opened.keys.revoke(key, "the command line", now_us())


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


class _Rejects:
    """Counts and writes what is set aside; ``strict`` stops at the first."""

    def __init__(self, file: RejectFile, *, strict: bool) -> None:
        self.file = file
        self.strict = strict
        self.count = 0
        self._kinds: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], int] = {}

    def add(self, rejects: Sequence[Reject]) -> None:
        self.file.add(rejects)
        for reject in rejects:
            self.count += not reject.decided
            kind = (reject.path, reject.cause)
            if kind in self._kinds or len(self._kinds) < _MOST_REJECT_KINDS:
                self._kinds[kind] += 1
                self._first.setdefault(kind, reject.line)
            if self.strict:
                raise RecordError(
                    f"{reject.file} line {reject.line}, {reject.path}: {reject.cause}",
                    path=reject.path,
                    remedy="mend the record, or go on past faulty records by leaving out --strict",
                )

    def stats(self) -> tuple[RejectStat, ...]:
        from trustward.engine.summary import RejectStat

        return tuple(
            RejectStat(path=path, cause=cause, count=count, line=self._first[path, cause])
            for (path, cause), count in self._kinds.most_common()
        )


class _Features:
    """Writes the exported features of every event that has them."""

    def __init__(self, path: Path, engine: Engine) -> None:
        from trustward.adapters.output import ParquetFile

        self._exports = {name: program.exports for name, program in engine.policy.types.items() if program.exports}
        if not self._exports:
            raise UsageError("the policy gives out no features", remedy="name them in export(...) in the policy")
        self._kinds = {"event_id": "text", "type": "text", "time_us": "whole", "truth": "text"}
        for name, exports in self._exports.items():
            floats = engine.windows.float_reads(engine.policy.types[name].index)
            for export, slots in exports.items():
                real = slots.kind == "mean_difference" or floats[slots.at[0]]
                self._kinds[export] = "float" if real else "whole"
        self.file: ParquetFile = ParquetFile(path, self._kinds)

    def write(self, events: Sequence[Any], outcome: Outcome) -> None:
        import numpy as np

        from trustward.base.units import MISSING

        for name, exports in self._exports.items():
            if name not in outcome.features:
                continue
            positions, columns = outcome.features[name]
            chosen = [events[at] for at in positions.tolist()]
            table: dict[str, Any] = {
                "event_id": [event.id for event in chosen],
                "type": [name] * len(chosen),
                "time_us": outcome.times[positions],
                "truth": [event.truth for event in chosen],
            }
            for export, kind in self._kinds.items():
                if export in exports:
                    table[export] = _column(exports[export], columns)
                elif export not in table:
                    table[export] = np.full(len(chosen), MISSING if kind == "whole" else np.nan)
            self.file.write(table)


def _column(slots: Slots, columns: Sequence[Any]) -> Any:
    """One exported feature as a column, from what the windows gave."""
    import numpy as np

    at = [columns[place] for place in slots.at]
    if slots.kind == "plain":
        return at[0]
    if slots.kind == "difference":
        return at[0] - at[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (at[0] - at[1]) / (at[2] - at[3])


def _open(events: Sequence[str], known: Catalogue, mapping: Path | None, *, strict: bool) -> Iterator[Chunk]:
    from trustward.adapters.files import EventFiles
    from trustward.exchange.decode import EventDecoder
    from trustward.exchange.mapping import load_mapping

    rows = load_mapping(mapping, known) if mapping is not None else None
    return iter(EventFiles(events, EventDecoder(known, thorough=strict), mapping=rows))


def _refused(chunk: Chunk, refused: Sequence[tuple[int, Any]]) -> list[Reject]:
    import msgspec

    from trustward.exchange.records import Reject, excerpt

    decoded = chunk.decoded
    return [
        Reject(
            file=chunk.file,
            line=decoded.lines[at],
            path=fault.path,
            cause=fault.cause,
            raw=excerpt(msgspec.json.encode(decoded.events[at])),
        )
        for at, fault in refused
    ]


def replay(  # noqa: PLR0913  # one argument an option of the command
    events: Sequence[str],
    policy_name: str,
    out: Path | None = None,
    *,
    all_: bool = False,
    mapping: Path | None = None,
    rejects: Path | None = None,
    labels: str | None = None,
    features_out: Path | None = None,
    catalogue: Sequence[Path] = (),
    strict: bool = False,
    now_us: int,
    snapshot_in: Path | None = None,
    snapshot_out: Path | None = None,
    progress: Progress | None = None,
) -> ReplaySummary:
    """Decide on every event of some files, in order, and say what was found.

    ``now_us`` is the time against which events in the future are refused. Raises TrustwardError.
    """
    from trustward.adapters.output import LineFile, RejectFile
    from trustward.engine import snapshot
    from trustward.engine.engine import Engine
    from trustward.engine.recorder import Recorder
    from trustward.engine.summary import ReplaySummary

    began = elapsed_s()
    known = load_catalogue(catalogue)
    loaded = policy(policy_name, known)
    if labels is not None:
        _check_labels(labels, known)
    engine = snapshot.load(snapshot_in, loaded) if snapshot_in is not None else Engine(loaded)
    recorder = Recorder(loaded, labels)
    written = 0
    with ExitStack() as stack:
        aside = _Rejects(stack.enter_context(RejectFile(rejects)), strict=strict)
        answers: LineFile | None = stack.enter_context(LineFile(out)) if out is not None else None
        table: _Features | None = None
        if features_out is not None:
            table = _Features(features_out, engine)
            stack.enter_context(table.file)
        for chunk in _open(events, known, mapping, strict=strict):
            decoded = chunk.decoded
            if decoded.rejects:
                aside.add(decoded.rejects)
            if decoded.events:
                outcome = engine.decide_batch(
                    decoded.events, decoded.faults, now_us=now_us, every=all_, features=table is not None
                )
                if outcome.refused:
                    aside.add(_refused(chunk, outcome.refused))
                recorder.add(decoded.events, outcome)
                if answers is not None:
                    written += len(outcome.decisions)
                    answers.write_records([decision for _, decision in outcome.decisions])
                if table is not None:
                    table.write(decoded.events, outcome)
            if progress is not None:
                progress(chunk.done, chunk.total, recorder.events, sum(recorder.verdicts.values()))
        if snapshot_out is not None:
            snapshot.save(engine, snapshot_out)
    width, timeline = recorder.timeline()
    return ReplaySummary(
        policy=loaded.hash,
        policy_name=policy_name,
        sources=tuple(events),
        events=recorder.events,
        rejected=aside.count,
        degraded=recorder.degraded,
        seconds=elapsed_s() - began,
        verdicts=recorder.verdict_counts(),
        first_us=recorder.first_us,
        last_us=recorder.last_us,
        written=written,
        out=str(out) if out is not None else None,
        rejects=aside.stats(),
        rules=recorder.rules(),
        entities=recorder.entities(),
        bucket_us=width,
        timeline=timeline,
        quality=recorder.quality(),
        campaigns=recorder.campaigns(),
        scores=recorder.scores() if labels is not None else (),
        examples=recorder.examples(),
    )


def _check_labels(field: str, known: Catalogue) -> None:
    names = {"truth"} | {name for event_type in known.types.values() for name in event_type.fields}
    if field not in names:
        from difflib import get_close_matches

        near = get_close_matches(field, names, 1)
        raise UsageError(
            f"no event has a field {field!r}",
            remedy=f"did you mean {near[0]!r}?" if near else "known answers usually stand in truth",
        )


def backtest(  # noqa: PLR0913  # the same
    events: Sequence[str],
    new: str,
    old: str,
    *,
    mapping: Path | None = None,
    labels: str | None = None,
    catalogue: Sequence[Path] = (),
    strict: bool = False,
    now_us: int,
    progress: Progress | None = None,
) -> BacktestSummary:
    """Replay events under two policies and say what changes. Raises TrustwardError."""
    from trustward.adapters.output import RejectFile
    from trustward.engine.backtest import Backtest
    from trustward.engine.summary import BacktestSummary

    began = elapsed_s()
    known = load_catalogue(catalogue)
    if labels is not None:
        _check_labels(labels, known)
    test = Backtest(policy(old, known), policy(new, known), labels)
    with RejectFile(None) as nowhere:
        aside = _Rejects(nowhere, strict=strict)
        for chunk in _open(events, known, mapping, strict=strict):
            decoded = chunk.decoded
            if decoded.rejects:
                aside.add(decoded.rejects)
            if decoded.events:
                refused = test.add(decoded.events, decoded.faults, now_us=now_us)
                if refused:
                    aside.add(_refused(chunk, refused))
            if progress is not None:
                progress(chunk.done, chunk.total, test.new_record.events, test.changed)
    return BacktestSummary(
        old_policy=test.old.policy.hash,
        new_policy=test.new.policy.hash,
        old_name=old,
        new_name=new,
        sources=tuple(events),
        events=test.new_record.events,
        rejected=aside.count,
        seconds=elapsed_s() - began,
        changed=test.changed,
        verdicts=test.verdicts(),
        rules=test.rules(),
        entities=test.entities(),
        examples=test.examples(),
        old_quality=test.old_record.quality(),
        new_quality=test.new_record.quality(),
    )
