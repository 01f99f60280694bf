"""Evidence put together: what a clue or an answer rests on, from the journal, the archive and the files of cases.

The same state gives the same bundle, byte for byte: everything comes in the order of its id or its entry, nothing says
when the bundle was made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, BinaryIO

import msgspec

from trustward.base.errors import TooLargeError
from trustward.base.units import format_time
from trustward.exchange.evidence import BundleWriter, SigningKey, encode, encode_lines
from trustward.model.bundle import PART_BYTES, Bundle
from trustward.model.case import Case, CasePage
from trustward.model.clue import Clue
from trustward.model.dossier import Pair
from trustward.model.journal import Found
from trustward.model.report import Report
from trustward.model.request import Asked, Scope, Withheld
from trustward.operations.masking import Masker
from trustward.operations.reading import each
from trustward.operations.searching import Query, Searching
from trustward.ports import Store

Rules = Callable[[str], Mapping[str, Mapping[str, Any]]]
"""The rules of a policy by their ids, as its sources have them; empty if it cannot be compiled any more."""
MOST_ENTRIES = 200_000
_AT_ONCE = 500
_SPOOLED = 8 << 20
_READ_ME = b"""This is a bundle of evidence of Trustward.

manifest.json lists every file with its size and SHA-256; manifest.sig is the Ed25519 signature of manifest.json:
"ed25519", the public key, the signature, in hexadecimal. about.json says what the bundle is about. Files named .ndjson
hold one JSON value a line; "entry" is the number in the journal. Times are UTC.

To verify it, without asking anybody:  trustward clues verify BUNDLE --key PUBLIC-KEY
"""


class Bundling:
    """Makes bundles, and keeps them. For any number of threads."""

    def __init__(
        self,
        store: Store,
        searching: Callable[[], Searching],
        rules: Rules,
        key: Callable[[], SigningKey],
        *,
        limit: int,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._searching = searching
        self._rules = rules
        self._key = key
        self._limit = limit
        self._clock = clock

    def public(self) -> str:
        """The public key, in hexadecimal."""
        return self._key().public

    def of_clue(self, clue: Clue) -> Bundle:
        """The evidence of a clue: its form, its case, reports, decisions with events and explanations, policies.

        Raises TooLargeError, StoreError.
        """
        masker = Masker(clue.authority.reporters, ((clue.kind, clue.entity), *clue.entities))
        cases = self._cases([clue.case] if clue.case else [])
        seqs = sorted({*clue.decisions, *(seq for case in cases for seq in case.decisions)})

        def write(writer: BundleWriter) -> None:
            writer.add("about.json", "what the clue says, in the authority's form", [encode(_about_clue(clue))])
            self._add_cases(writer, cases, masker)
            self._add_decisions(writer, seqs, masker)

        return self._made(f"clue:{clue.id}", write, secret=False)

    def upto_now(self, scope: Scope) -> Scope:
        """A scope, up to the journal's last entry of now."""
        return msgspec.structs.replace(scope, upto=self._store.journal.head())

    def of_request(self, asked: Asked, scope: Scope, withheld: Sequence[Withheld] = ()) -> Bundle:
        """What is given in answer to a request. Raises TooLargeError, StoreError, UnavailableError."""
        masker = Masker("masked", scope.entities)

        def write(writer: BundleWriter) -> None:
            writer.add(
                "about.json", "what was asked, and what is given", [encode(_about_request(asked, scope, withheld))]
            )
            # Reporters are known before anything that may name them is written.
            cases = self._about(scope.entities) if {"cases", "reports"} & set(scope.data) else []
            if "reports" in scope.data:
                self._add_reports(writer, cases, masker)
            if "cases" in scope.data:
                self._add_files(writer, cases, masker)
            if "labels" in scope.data:
                writer.add("labels.ndjson", "what people have said of the entities", encode_lines(self._labels(scope)))
            if {"events", "decisions"} & set(scope.data):
                seqs = self._entries(scope)
                self._add_decisions(
                    writer, seqs, masker, events="events" in scope.data, decisions="decisions" in scope.data
                )

        return self._made(f"request:{asked.id}", write, secret=asked.secret)

    # ------------------------------------------------------------------ made and kept

    def _made(self, record: str, write: Callable[[BundleWriter], None], *, secret: bool) -> Bundle:
        with tempfile.SpooledTemporaryFile(_SPOOLED) as file:
            out: BinaryIO = file  # type: ignore[assignment]
            writer = BundleWriter(out, record, self._limit)
            writer.add("readme.txt", "how to read this", [_READ_ME])
            write(writer)
            writer.end(self._key())
            size = out.tell()
            digest = sha256()
            for part in _parts(out):
                digest.update(part)
            bundle = Bundle(
                id=digest.hexdigest(),
                record=record,
                at_us=self._clock(),
                size=size,
                files=len(writer.items),
                secret=secret,
            )
            self._store.bundles.add(bundle, _parts(out))
        return bundle

    # ------------------------------------------------------------------ cases, reports

    def _cases(self, names: Sequence[str]) -> list[Case]:
        """Cases by their ids, with those that were merged into them."""
        found: dict[str, Case] = {}
        waiting = list(names)
        while waiting:
            case = self._store.cases.get(waiting.pop())
            # What only checks reviewers never was: it is no evidence.
            if case is not None and case.id not in found and case.golden is None:
                found[case.id] = case
                waiting += case.merged
        return [found[name] for name in sorted(found)]

    def _about(self, entities: Iterable[Pair]) -> list[Case]:
        names = {case.id for entity in entities for case in self._naming(entity)}
        return self._cases(sorted(names))

    def _naming(self, entity: Pair) -> Iterator[Case]:
        return each(lambda after: self._store.cases.about(*entity, after, _AT_ONCE), "", lambda case: case.id)

    def _add_cases(self, writer: BundleWriter, cases: Sequence[Case], masker: Masker) -> None:
        if cases:
            self._add_reports(writer, cases, masker)
            self._add_files(writer, cases, masker)

    def _add_reports(self, writer: BundleWriter, cases: Sequence[Case], masker: Masker) -> None:
        for case in cases:
            for report in self._reports(case.id):
                masker.know(report)
        lines = (masker.report(report) for case in cases for report in self._reports(case.id))
        writer.add("reports.ndjson", f"what was reported; reporters: {masker.mode}", encode_lines(lines))

    def _reports(self, case: str) -> Iterator[Report]:
        return each(lambda after: self._store.reports.of_case(case, after, _AT_ONCE), "", lambda report: report.id)

    def _add_files(self, writer: BundleWriter, cases: Sequence[Case], masker: Masker) -> None:
        lines = (msgspec.to_builtins(case) for case in cases)
        writer.add("cases.ndjson", "the cases, as they stand", encode_lines(lines))
        pages = (masker.page(msgspec.to_builtins(page)) for case in cases for page in self._pages(case.id))
        writer.add("case-files.ndjson", "what happened to the cases, step by step", encode_lines(pages))

    def _pages(self, case: str) -> Iterator[CasePage]:
        return each(lambda after: self._store.cases.pages(case, after, _AT_ONCE), 0, lambda page: page.number)

    def _labels(self, scope: Scope) -> Iterator[dict[str, Any]]:
        for kind, entity in sorted(scope.entities):
            for mark in sorted(self._store.kept.labels(kind, entity), key=lambda mark: mark.label):
                yield msgspec.to_builtins(mark)

    # ------------------------------------------------------------------ events, decisions

    def _entries(self, scope: Scope) -> list[int]:
        """The entries of the journal that name one of the entities, in the period."""
        searching = self._searching()
        found: set[int] = set()
        for kind, entity in scope.entities:
            query = Query(kind=kind, entity=entity, from_us=scope.from_us, to_us=scope.to_us)
            before: int | None = scope.upto + 1
            while before is not None:
                page = searching.page(query, before, _AT_ONCE)
                found.update(one.seq for one in page.found)
                before = page.before
                if len(found) > MOST_ENTRIES:
                    raise TooLargeError(
                        f"more than {MOST_ENTRIES:,} events", remedy="ask for less: fewer entities, a shorter period"
                    )
        return sorted(found)

    def _add_decisions(
        self,
        writer: BundleWriter,
        seqs: Sequence[int],
        masker: Masker,
        *,
        events: bool = True,
        decisions: bool = True,
    ) -> None:
        if not seqs:
            return
        if events:
            lines = (_event(found, masker) for found in self._read(seqs))
            writer.add("events.ndjson", "the events, as they came", encode_lines(lines))
        if not decisions:
            return
        policies: dict[str, None] = {}
        told = (_decision(found, masker, policies) for found in self._read(seqs))
        writer.add("decisions.ndjson", "what was decided on them, with the values that counted", encode_lines(told))
        explained = (self._explained(found, masker) for found in self._read(seqs) if found.decision.rules)
        writer.add(
            "explanations.ndjson", "the conditions that held, as the policy of then has them", encode_lines(explained)
        )
        for hash in sorted(policies):  # noqa: A001 - the word for it
            stored = self._store.policies.get(hash)
            if stored is not None:
                sources = [{"name": name, "text": text} for name, text in stored.sources]
                body = encode({"hash": stored.hash, "name": stored.name, "sources": sources})
                writer.add(f"policies/{hash}.json", "the rules that were live then", [body])

    def _read(self, seqs: Sequence[int]) -> Iterator[Found]:
        for start in range(0, len(seqs), _AT_ONCE):
            yield from self._store.journal.entries(list(seqs[start : start + _AT_ONCE]))

    def _explained(self, found: Found, masker: Masker) -> dict[str, Any]:
        known = self._rules(found.decision.policy)
        rules = [{**msgspec.to_builtins(hit), **known.get(hit.id, {})} for hit in found.decision.rules]
        told = masker.decision(found.decision.type, {"rules": rules})
        return {"entry": found.seq, "event": found.decision.event_id, **told}


def _parts(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while part := file.read(PART_BYTES):
        yield part


def _event(found: Found, masker: Masker) -> dict[str, Any]:
    event = masker.event(msgspec.json.decode(found.body))
    told: dict[str, Any] = {"entry": found.seq, "decided": format_time(found.at_us), "event": event}
    if found.faults:
        told["faults"] = msgspec.to_builtins(found.faults)
    return told


def _decision(found: Found, masker: Masker, policies: dict[str, None]) -> dict[str, Any]:
    decision = masker.decision(found.decision.type, msgspec.to_builtins(found.decision))
    if found.decision.rules:
        policies[found.decision.policy] = None
    return {"entry": found.seq, "decided": format_time(found.at_us), "decision": decision}


def _about_clue(clue: Clue) -> dict[str, Any]:
    return {
        "clue": clue.id,
        "drafted": format_time(clue.at_us),
        "authority": {"id": clue.authority.id, "name": clue.authority.name, "market": clue.authority.market},
        "why": clue.why,
        "subject": {"kind": clue.kind, "id": clue.entity},
        "entities": clue.entities,
        "summary": clue.summary,
        "form": clue.fields,
        "facts": msgspec.to_builtins(clue.facts),
        "case": clue.case,
        "supplements": clue.of,
    }


def _about_request(asked: Asked, scope: Scope, withheld: Sequence[Withheld]) -> dict[str, Any]:
    times = {"from": scope.from_us, "to": scope.to_us}
    return {
        "request": asked.id,
        "received": format_time(asked.at_us),
        "by": asked.by,
        "reference": asked.reference,
        "basis": asked.basis,
        "asked": {"entities": asked.entities, "data": asked.data, "text": asked.text},
        "given": {
            "entities": scope.entities,
            "data": scope.data,
            **{name: format_time(at_us) for name, at_us in times.items() if at_us is not None},
            "up_to_entry": scope.upto,
        },
        "withheld": msgspec.to_builtins(tuple(withheld)),
    }
