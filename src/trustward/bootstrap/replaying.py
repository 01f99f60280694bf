"""Files, catalogue, policy and engine become one command's work: replay and backtest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustward.base.clock import elapsed_s
from trustward.base.errors import RecordError, UsageError
from trustward.bootstrap.policies import policy
from trustward.model.catalogue import Catalogue, load_catalogue

if TYPE_CHECKING:
    from trustward.adapters.files import Chunk
    from trustward.adapters.output import LineFile, ParquetFile, RejectFile
    from trustward.engine.engine import Engine, Outcome
    from trustward.engine.summary import BacktestSummary, RejectStat, ReplaySummary
    from trustward.exchange.records import Reject
    from trustward.policy.streams import Slots

Progress = Callable[[int, int, int, int], None]
"""Called now and then with bytes done, bytes in all (0: not known), events so far, flagged so far."""

_MOST_REJECT_KINDS = 50


class _Rejects:
    """Counts and writes what is set aside; ``strict`` stops at the first."""

    def __init__(self, file: RejectFile, *, strict: bool) -> None:
        self.file = file
        self.strict = strict
        self.count = 0
        self._kinds: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], Reject] = {}

    def add(self, rejects: Sequence[Reject]) -> None:
        self.file.add(rejects)
        for reject in rejects:
            self.count += not reject.decided
            kind = reject.kind
            if kind in self._kinds or len(self._kinds) < _MOST_REJECT_KINDS:
                self._kinds[kind] += 1
                self._first.setdefault(kind, reject)
            if self.strict:
                raise RecordError(
                    f"{reject.file} line {reject.line}, {reject.path}: {reject.cause}",
                    path=reject.path,
                    remedy="mend the record, or go on past faulty records by leaving out --strict",
                )

    def stats(self) -> tuple[RejectStat, ...]:
        from trustward.engine.summary import RejectStat

        return tuple(
            RejectStat(path=kind[0], cause=self._first[kind].cause, count=count, line=self._first[kind].line)
            for kind, count in self._kinds.most_common()
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

    from trustward.base.units import MISSING

    at = [columns[place] for place in slots.at]
    if slots.kind == "plain":
        return at[0]
    if slots.kind == "difference":
        # Floats that are missing are no numbers, and so is their difference; whole ones would give 0.
        return at[0] - at[1] if at[0].dtype.kind == "f" else np.where(at[0] == MISSING, MISSING, at[0] - at[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return (at[0] - at[1]) / (at[2] - at[3])


def _open(
    events: Sequence[str], known: Catalogue, mapping: Path | None, form: str | None, *, strict: bool
) -> Iterator[Chunk]:
    from trustward.adapters.files import EventFiles
    from trustward.exchange.decode import EventDecoder
    from trustward.exchange.mapping import load_mapping

    rows = load_mapping(mapping, known) if mapping is not None else None
    return iter(EventFiles(events, EventDecoder(known, thorough=strict), mapping=rows, form=form))


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
    form: str | None = None,
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
        for chunk in _open(events, known, mapping, form, strict=strict):
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
    form: str | None = None,
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
        for chunk in _open(events, known, mapping, form, strict=strict):
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
