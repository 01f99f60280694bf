"""Every adapter keeps every port's contract."""

from __future__ import annotations

import inspect

from trustward import ports
from trustward.testing import contracts, outbox_contracts, people_contracts


class TestWriter(contracts.WriterContract):
    pass


class TestJournal(contracts.JournalContract):
    pass


class TestOutbox(outbox_contracts.OutboxContract):
    pass


class TestEffects(outbox_contracts.EffectsContract):
    pass


class TestKept(contracts.KeptContract):
    pass


class TestPolicies(contracts.PoliciesContract):
    pass


class TestKeys(contracts.KeysContract):
    pass


class TestAudit(contracts.AuditContract):
    pass


class TestSnapshots(contracts.SnapshotsContract):
    pass


class TestPeople(people_contracts.PeopleContract):
    pass


class TestSessions(people_contracts.SessionsContract):
    pass


class TestTickets(people_contracts.TicketsContract):
    pass


class TestAttempts(people_contracts.AttemptsContract):
    pass


NOT_KEPT = {"Store", "Provider"}
"""The sum of the others; and what asks the network, which tests/people holds against a real one."""


def test_every_port_has_its_contract() -> None:
    named = set(ports.__all__)
    assert named == {name for name, kind in vars(ports).items() if inspect.isclass(kind)}
    every = {*contracts.CONTRACTS, *outbox_contracts.CONTRACTS, *people_contracts.CONTRACTS}
    assert named - NOT_KEPT == {contract.__name__.removesuffix("Contract") for contract in every}
    here = {kind.__mro__[1] for name, kind in globals().items() if name.startswith("Test")}
    assert here == every
