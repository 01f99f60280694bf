"""``trustward queues``: how many cases wait, and since when."""

from __future__ import annotations

from trustward.cli import options


def queues(*, data: options.Data = None, database: options.Database = None, json: options.Json = False) -> None:
    """Show every queue: how many cases wait in it, and since when the oldest does."""
    from trustward.bootstrap import list_queues, service_settings
    from trustward.cli.account import show, table
    from trustward.cli.console import answers, emit_json, plain

    found = list_queues(service_settings(data=data, database=database))
    if json:
        emit_json(found)
        return
    rows = table("", "queue", "waiting", "oldest", "title")
    for one in found:
        rows.add_row(one.queue, f"{one.waiting:,}", one.oldest or "", plain(one.title, 60))
    show(answers(), rows)
