"""``trustward replay``: a policy and a file of events in, decisions with their reasons out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trustward.cli import options
from trustward.cli.console import plain

if TYPE_CHECKING:
    from trustward.engine.summary import ReplaySummary

_WRITTEN = {
    "--out": "decisions",
    "--rejects": "faulty records",
    "--features-out": "features",
    "--snapshot-out": "state",
    "--page": "page",
}
"""What is in the file of each option."""


def replay(
    events: options.Events,
    *,
    policy: options.Policy,
    out: options.Out = None,
    every: options.Every = False,
    mapping: options.Mapping = None,
    form: options.Form = None,
    rejects: options.Rejects = None,
    labels: options.Labels = None,
    features_out: options.FeaturesOut = None,
    catalogue: options.Catalogue = None,
    strict: options.Strict = False,
    snapshot_in: options.SnapshotIn = None,
    snapshot_out: options.SnapshotOut = None,
    page: options.Page = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Decide on every event of a file and say what was found.

    Events are decided in the order of the file. Faulty records are set aside and counted; they stop nothing, and the
    exit code is 0 all the same.
    """
    from trustward.adapters.places import check_places
    from trustward.base.clock import now_us
    from trustward.bootstrap import replay as run
    from trustward.cli.console import emit_json, watching

    written = dict(zip(_WRITTEN, (out, rejects, features_out, snapshot_out, page), strict=True))
    check_places({"events": events, "--mapping": [mapping], "--catalogue": catalogue or ()}, written, json=json)
    with watching("Replaying", quiet=quiet) as watch:
        summary = run(
            events,
            policy,
            out,
            all_=every,
            mapping=mapping,
            form=form,
            rejects=rejects,
            labels=labels,
            features_out=features_out,
            catalogue=catalogue or (),
            strict=strict,
            now_us=now_us(),
            snapshot_in=snapshot_in,
            snapshot_out=snapshot_out,
            progress=watch,
        )
    if page is not None:
        from trustward.cli.report import write_page

        write_page(page, summary)
    if json:
        emit_json(summary)
    else:
        _tell(summary, written)


def _tell(summary: ReplaySummary, written: Mapping[str, Path | None]) -> None:
    """The account, on standard output unless something else goes there; and where the files are."""
    from trustward.cli.account import print_replay
    from trustward.cli.console import answers, messages

    console = messages() if Path("-") in written.values() else answers()
    print_replay(console, summary)
    for option, file in written.items():
        if file is not None:
            console.print(f"{_WRITTEN[option]}: {plain(file, 1_000)}", soft_wrap=True)
