"""The parts of the running service: store, engine's host, deliveries."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from trustward.base.errors import UsageError
from trustward.bootstrap.operations import chores
from trustward.bootstrap.policies import catalogue, compiler, stored_and_loaded
from trustward.model.catalogue import Catalogue

if TYPE_CHECKING:
    from trustward.adapters.store.opened import DatabaseStore
    from trustward.adapters.webhooks import Webhooks
    from trustward.operations.deciding import Deciding
    from trustward.operations.delivering import Delivering
    from trustward.operations.indexing import Indexing
    from trustward.operations.polling import Polling
    from trustward.operations.trying import Trying
    from trustward.operations.working import Working
    from trustward.ports import Store
    from trustward.ports.traces import Tracer
    from trustward.settings import Settings


def service_settings(**told: object) -> Settings:
    """The settings of this environment, with what a command was told. Raises SettingsError."""
    import os

    from trustward.settings import load_settings

    return load_settings(os.environ, told)


def held_folder() -> AbstractContextManager[Path]:
    """A temporary folder of this user's alone; what a killed process leaves of such is removed."""
    from trustward.adapters.held import held_folder as held

    return held()


def store(settings: Settings, *, migrated: bool = True, there: bool = False) -> DatabaseStore:
    """The store that the settings name; ``there``: only if there is one, as for all that looks at it.

    Raises SettingsError, SchemaError, StoreError, UsageError.
    """
    from trustward.adapters.store.database import FILE
    from trustward.adapters.store.opened import open_store

    if there and not settings.database and not (Path(settings.data) / FILE).is_file():
        # A mistyped folder would be a new, empty database, with which everything is in order.
        raise UsageError(
            f"there is no database in {settings.data}",
            remedy="name the folder by --data or TRUSTWARD_DATA; trustward serve makes a new one",
        )
    archive = Path(settings.archive) if settings.archive else None
    return open_store(settings.database, Path(settings.data), archive=archive, migrated=migrated)


def deciding(settings: Settings, opened: Store, known: Catalogue) -> Deciding:
    """The engine's host over a store, not started. Raises UsageError, PolicyError."""
    import os
    import socket

    from trustward.base.clock import now_us
    from trustward.exchange.decode import EventDecoder
    from trustward.model.archived import DAY_US
    from trustward.operations.deciding import Deciding
    from trustward.operations.standing import Options

    initial = loaded = None
    if opened.journal.head() == 0:
        initial, loaded = stored_and_loaded(settings.policy, actor="trustward", at_us=now_us(), known=known)
    options = Options(
        owner=f"process {os.getpid()} on {socket.gethostname()}",
        skew_us=settings.skew_us,
        commit_events=settings.commit_events,
        queue_events=settings.queue_events,
        snapshot_events=settings.snapshot_events,
        snapshot_keep=settings.snapshot_keep,
        snapshot_us=DAY_US,
        standby=settings.standby,
    )
    return Deciding(opened, EventDecoder(known), compiler(known, loaded), initial=initial, options=options)


def trying(settings: Settings, opened: Store, known: Catalogue) -> Trying:
    """A worker's rounds over policies on trial."""
    from trustward.base.clock import now_us
    from trustward.exchange.decode import EventDecoder
    from trustward.operations.trying import Trying

    # Always the same name: there is one beside the engine, and the one after it need not wait for its lease to end.
    return Trying(
        opened,
        EventDecoder(known),
        compiler(known),
        skew_us=settings.skew_us,
        worker="beside the engine",
        clock=now_us,
    )


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
        keep_us=parse_duration(settings.delivery_keep),
    )


def polling(settings: Settings, opened: Store) -> Polling:
    """The story of actions that are fetched. Raises SettingsError."""
    from trustward.operations.polling import Polling

    return Polling(delivering(settings, opened))


def indexing(settings: Settings, opened: Store) -> Indexing:
    """What makes the index behind the journal. Raises CatalogueError."""
    from trustward.exchange.decode import EventDecoder
    from trustward.operations.indexing import Indexing

    return Indexing(opened, EventDecoder(catalogue([Path(name) for name in settings.catalogue])))


def tracer(settings: Settings) -> Tracer | None:
    """Where traces go; None where none are wanted. Raises SettingsError."""
    if not settings.traces:
        return None
    from trustward.adapters.traces import OtelTracer

    return OtelTracer(settings.traces, settings.trace_share)


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
        tracer=tracer(settings),
    )
    return Working(story, webhooks.send, worker, stop, timeout_us=timeout_us, chores=chores(settings, opened)), webhooks
