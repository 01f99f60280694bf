"""Every adapter keeps every port's contract."""

from __future__ import annotations

import inspect

from trustward import ports
from trustward.testing import (
    archive_contracts,
    contracts,
    dossier_contracts,
    enforcement_contracts,
    index_contracts,
    operations_contracts,
    orders_contracts,
    outbox_contracts,
    people_contracts,
    proposal_contracts,
    retention_contracts,
    source_contracts,
    trial_contracts,
)


class TestWriter(contracts.WriterContract):
    pass


class TestJournal(contracts.JournalContract):
    pass


class TestArchived(archive_contracts.ArchivedContract):
    pass


class TestRetained(retention_contracts.RetainedContract):
    pass


class TestShelf(archive_contracts.ShelfContract):
    pass


class TestIndex(index_contracts.IndexContract):
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


class TestOrders(orders_contracts.OrdersContract):
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


class TestProposals(proposal_contracts.ProposalsContract):
    pass


class TestTrials(trial_contracts.TrialsContract):
    pass


class TestRecords(operations_contracts.RecordsContract):
    pass


class TestReports(operations_contracts.ReportsContract):
    pass


class TestCases(operations_contracts.CasesContract):
    pass


class TestMeasures(enforcement_contracts.MeasuresContract):
    pass


class TestAppeals(enforcement_contracts.AppealsContract):
    pass


class TestErrands(operations_contracts.ErrandsContract):
    pass


class TestDossiers(dossier_contracts.DossiersContract):
    pass


class TestBundles(dossier_contracts.BundlesContract):
    pass


class TestDuties(operations_contracts.DutiesContract):
    pass


def test_every_port_has_its_contract() -> None:
    classes = [kind for kind in vars(ports).values() if inspect.isclass(kind)]
    named = {kind.__name__ for kind in classes if kind.__module__.startswith(ports.__name__)}
    every = {
        *archive_contracts.CONTRACTS,
        *contracts.CONTRACTS,
        *dossier_contracts.CONTRACTS,
        *enforcement_contracts.CONTRACTS,
        *index_contracts.CONTRACTS,
        *operations_contracts.CONTRACTS,
        *orders_contracts.CONTRACTS,
        *outbox_contracts.CONTRACTS,
        *people_contracts.CONTRACTS,
        *proposal_contracts.CONTRACTS,
        *retention_contracts.CONTRACTS,
        *trial_contracts.CONTRACTS,
    }
    # The sum of the others; and what reaches outside: tests/sources and tests/people hold it against real servers.
    outside = {
        "Store",
        "Provider",
        "Sealing",
        *(contract.__name__.removesuffix("Contract") for contract in source_contracts.CONTRACTS),
    }
    assert named - outside == {contract.__name__.removesuffix("Contract") for contract in every}
    here = {kind.__mro__[1] for name, kind in globals().items() if name.startswith("Test")}
    assert here == every
