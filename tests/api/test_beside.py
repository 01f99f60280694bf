"""What runs beside the engine: delivers without a second command, is started again, and never outlives it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from tests.api.running import Running, alive, ask, children, key_for, running, until
from tests.api.served import sent
from tests.service.outgoing import SECRET, Receiver
from trustward.adapters.store.opened import open_store
from trustward.api.beside import Beside

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")


@contextmanager
def delivering(data: Path, receiver: Receiver, *words: str) -> Iterator[tuple[Running, str]]:
    target = {"name": "shop", "url": receiver.url, "secrets": [SECRET]}
    told = {
        "TARGETS": msgspec.json.encode([target]).decode(),
        "DELIVERY_NETWORKS": "127.0.0.0/8",
        "DELIVERY_TIMEOUT": "300ms",
        "DELIVERY_LEASE": "1s",
    }
    key = key_for(data)
    with running(data, *words, told=told) as one:
        yield one, key


def held(running: Running, key: str, name: str) -> None:
    """Events of which the last one is held."""
    events = [sent(f"{name}{n}", sender=name, recipient=f"r{n}") for n in range(3)]
    assert list(ask(running.port, key, events).values())[-1] == "hold"


def test_one_command_delivers(tmp_path: Path) -> None:
    with Receiver() as receiver, delivering(tmp_path, receiver) as (one, key):
        held(one, key, "first")
        until(lambda: len(receiver.taken) >= 2)
        (worker,) = children(one.process.pid)
        os.kill(worker, signal.SIGKILL)
        held(one, key, "second")
        until(lambda: len({said["key"] for said in receiver.taken}) >= 4)
        (again,) = children(one.process.pid)
        assert again != worker
        # However it ends, nothing of it stays behind.
        one.process.kill()
        until(lambda: not alive(again))
    assert not receiver.forged
    # A hold and a label for each.
    told = {said["key"]: said["data"]["entity"] for said in receiver.taken}
    assert list(told.values()) == ["first2", "first", "second2", "second"]


def test_without_the_worker_actions_wait(tmp_path: Path) -> None:
    with Receiver() as receiver, delivering(tmp_path, receiver, "--no-deliver") as (one, key):
        held(one, key, "first")
        assert not children(one.process.pid)
        store = open_store("", tmp_path)
        assert len(store.outbox.waiting(10)) == 2
        store.close()
        assert not receiver.seen


def test_wrong_targets_are_refused_at_the_start(tmp_path: Path) -> None:
    with running(tmp_path, wait=False, told={"TARGETS": '[{"name": "shop", "url": "ftp://x"}]'}) as one:
        assert one.process.wait(30) == 2
        assert "TW-110" in one.told()


@pytest.mark.parametrize("ends", [True, False])
def test_what_ends_is_started_again_until_it_is_ended(*, ends: bool) -> None:
    script = "raise SystemExit(3)" if ends else "import sys; sys.stdin.read()"
    one = Beside("test", ["-c", script])
    one.start()
    until(lambda: one.starts >= (2 if ends else 1))
    one.tell()
    one.end()
    one.join(10)
    assert one.pid == 0
    if not ends:
        assert one.starts == 1
