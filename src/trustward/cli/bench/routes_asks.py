"""What is asked of the service at size: each route with ids that there are, rare ones and the busiest."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from trustward.cli.bench.routes_fill import Part
from trustward.cli.bench.routes_world import HOT, MARK
from trustward.model.journal import MADE

NOT_ASKED: dict[tuple[str, str], str] = {
    ("GET", "/v1/session"): "a person's own, by a cookie",
    ("GET", "/v1/sessions"): "a person's own, by a cookie",
    ("GET", "/v1/sso/begin"): "asks the provider",
    ("GET", "/v1/sso/return"): "asks the provider",
    ("GET", "/v1/policies/proposals/{id}"): "a few records in all",
    ("GET", "/v1/backtests/{id}"): "a few records in all",
    ("GET", "/v1/policies/shadow/compare"): "a few records in all",
    ("GET", "/v1/openapi/openapi.json"): "the same document as /v1/openapi/openapi.json's page",
    ("GET", "/v1/openapi/{path}"): "the same document",
    ("GET", "/v1/openapi"): "a document that is made once",
    ("GET", "/v1/lists/{name}/export"): "a stream of the whole list",
    **dict.fromkeys(
        (
            ("GET", "/v1/orders/{order_id}"),
            ("GET", "/v1/orders/{order_id}/targets"),
            ("GET", "/v1/orders/{order_id}/file"),
            ("GET", "/v1/programmes/{programme_id}"),
            ("GET", "/v1/clues/{clue_id}"),
            ("GET", "/v1/clues/{clue_id}/bundle"),
            ("GET", "/v1/holds/{hold_id}"),
            ("GET", "/v1/requests/{request_id}"),
            ("GET", "/v1/requests/{request_id}/bundle"),
            ("GET", "/v1/appeals/{appeal_id}"),
            ("GET", "/v1/measures/{measure_id}"),
        ),
        "the world at size has none of these yet",
    ),
}
"""Routes that are looked at by nobody while he works, with the reason why they are not timed."""


class Ask(NamedTuple):
    """One way of asking a route: ``make`` gives path, body and who asks, for the n-th time."""

    name: str
    method: str
    route: str
    make: Callable[[int], tuple[str, Any, str]]


class Known:
    """Ids that there are, drawn over all copies of the part."""

    def __init__(self, part: Part, copies: int, seed: int) -> None:
        self._draw = Random(seed)  # noqa: S311 - which rows are asked for
        self._copies = copies
        self._part = part
        with closing(sqlite3.connect(part.file)) as database:

            def all_of(statement: str) -> list[Any]:
                return [row[0] for row in database.execute(statement)]

            self.cases = all_of("SELECT id FROM cases")
            waiting = "SELECT id FROM cases WHERE state = 0 {} ORDER BY due_us, id"
            # Without a checklist, so that they can be closed at once.
            self.open = all_of(waiting.format("AND queue = 'general'")) or all_of(waiting.format("")) or self.cases
            self.busy = all_of("SELECT case_id FROM reports GROUP BY case_id ORDER BY count(*) DESC LIMIT 1")
            self.reports = all_of("SELECT id FROM reports")
            self.duties = all_of("SELECT id FROM duties")
            self.accounts = all_of("SELECT entity FROM case_entities WHERE kind = 'account'")
            self.letters = all_of(f"SELECT seq FROM letters WHERE seq > {MADE}")
            self.acted = [
                (row[0], row[1]) for row in database.execute("SELECT kind, entity FROM effects LIMIT 1000")
            ] or [("account", "none")]
            self.policy = all_of("SELECT hash FROM policies")[0]
            self.events: list[str] = []
            met: Counter[tuple[str, str]] = Counter()
            for body in all_of("SELECT body FROM segments WHERE kind = 'events'"):
                for line in body.splitlines():
                    event = msgspec.json.decode(line)
                    self.events.append(event["id"])
                    met.update((kind, event[kind]) for kind in ("ip", "device", "account") if event.get(kind))
            unmarked = [(pair, count) for pair, count in met.most_common() if MARK not in pair[1]]
            self.busiest = unmarked[0][0] if unmarked else HOT
            self.rules = sorted(
                {
                    hit["id"]
                    for decided in all_of("SELECT decisions FROM segments WHERE decisions IS NOT NULL")
                    for _, decision in msgspec.json.decode(decided)
                    for hit in decision["rules"]
                }
            ) or ["none"]

    def one(self, names: Sequence[str]) -> str:
        """Any of them, in any copy."""
        return self._draw.choice(names).replace(MARK, f"{self._draw.randrange(self._copies):05x}")

    def waiting(self, number: int) -> str:
        """An open case, another one each time, from the end of the queue."""
        copy, place = self._copies - 1 - number % self._copies, number // self._copies
        return str(self.open[-1 - place % len(self.open)]).replace(MARK, f"{copy:05x}")

    def letter(self) -> str:
        """The id of an action that a person or a clock has made."""
        copy = self._draw.randrange(self._copies)
        return f"m{self._draw.choice(self.letters) - MADE + copy * self._part.letters}-0"


def asks(known: Known, batch: str, at: str) -> list[Ask]:
    """Every route that is looked at, in the ways in which it is. ``at`` is a time of this year."""
    some = known.one

    def get(name: str, route: str, path: Callable[[], str]) -> Ask:
        return Ask(name, "GET", route, lambda _number: (path(), None, ""))

    def plain(path: str, route: str = "") -> Ask:
        return get(path, route or path.partition("?")[0], lambda: path)

    kind, busiest = known.busiest

    def rare() -> str:
        return quote(some(known.accounts))

    return [
        *map(plain, ("/livez", "/readyz", "/metrics", "/v1/lists", "/v1/policies", "/v1/snoozes")),
        *map(plain, ("/v1/policies/proposals", "/v1/backtests", "/v1/users", "/v1/keys", "/v1/clocks", "/v1/queues")),
        get("/v1/policies/{hash}", "/v1/policies/{hash}", lambda: f"/v1/policies/{known.policy}"),
        plain("/v1/lists/trusted-domains/entries", "/v1/lists/{name}/entries"),
        # decisions
        *map(plain, ("/v1/decisions", "/v1/decisions?verdict=block,hold", "/v1/decisions?type=message.sent")),
        get("/v1/decisions?rule=", "/v1/decisions", lambda: f"/v1/decisions?rule={known.rules[0]}"),
        get("/v1/decisions?entity=, rare", "/v1/decisions", lambda: f"/v1/decisions?entity=account:{rare()}"),
        plain(f"/v1/decisions?entity={kind}:{quote(busiest)}"),
        get("/v1/decisions/{event_id}", "/v1/decisions/{event_id}", lambda: f"/v1/decisions/{some(known.events)}"),
        get("/v1/entities, rare", "/v1/entities/{kind}/{entity_id}", lambda: f"/v1/entities/account/{rare()}"),
        get(
            "/v1/entities, the busiest",
            "/v1/entities/{kind}/{entity_id}",
            lambda: f"/v1/entities/{kind}/{quote(busiest)}",
        ),
        # duties
        *map(plain, ("/v1/duties", "/v1/duties?state=open", "/v1/duties?state=done", "/v1/duties?breached=true")),
        *map(plain, ("/v1/duties?owner=operations", f"/v1/duties?due_before={at}")),
        get("/v1/duties?subject=", "/v1/duties", lambda: f"/v1/duties?subject=report:{some(known.reports)}"),
        get("/v1/duties?after=, deep", "/v1/duties", lambda: f"/v1/duties?state=done&after={some(known.duties)}"),
        get("/v1/duties/{duty_id}", "/v1/duties/{duty_id}", lambda: f"/v1/duties/{some(known.duties)}"),
        get("/v1/gates", "/v1/gates", lambda: f"/v1/gates?subject=case:{some(known.cases)}&event=launch"),
        # reports, cases
        get("/v1/reports/{report_id}", "/v1/reports/{report_id}", lambda: f"/v1/reports/{some(known.reports)}"),
        *map(
            plain, ("/v1/cases", "/v1/cases?state=open", "/v1/cases?queue=goods&state=open", "/v1/cases?state=merged")
        ),
        *map(plain, ("/v1/cases?queue=leads", "/v1/cases?assigned=nobody")),
        get("/v1/cases?after=, deep", "/v1/cases", lambda: f"/v1/cases?queue=goods&after={some(known.cases)}"),
        get("/v1/cases?entity=, rare", "/v1/cases", lambda: f"/v1/cases?kind=account&entity={rare()}"),
        plain(f"/v1/cases?kind={HOT[0]}&entity={HOT[1]}"),
        get("/v1/cases/{case_id}", "/v1/cases/{case_id}", lambda: f"/v1/cases/{some(known.cases)}"),
        get("/v1/cases/{case_id}, the busiest", "/v1/cases/{case_id}", lambda: f"/v1/cases/{some(known.busy)}"),
        get(
            "/v1/cases/{case_id}/reports",
            "/v1/cases/{case_id}/reports",
            lambda: f"/v1/cases/{some(known.busy)}/reports",
        ),
        get(
            "/v1/cases/{case_id}/similar",
            "/v1/cases/{case_id}/similar",
            lambda: f"/v1/cases/{some(known.cases)}/similar",
        ),
        plain("/v1/reviewers/key:bench:reviewer03", "/v1/reviewers/{name}"),
        plain("/v1/batches"),
        plain(f"/v1/batches/{batch}", "/v1/batches/{batch_id}"),
        # measures, appeals, orders, clues
        get("/v1/measures?cause=", "/v1/measures", lambda: f"/v1/measures?cause=case:{some(known.cases)}"),
        get("/v1/strikes", "/v1/strikes", lambda: f"/v1/strikes?kind=account&entity={rare()}"),
        get(
            "/v1/consequences",
            "/v1/consequences",
            lambda: f"/v1/consequences?policy=fraud/phishing&kind=account&entity={rare()}",
        ),
        *map(
            plain, ("/v1/policy-tree", "/v1/appeals", "/v1/appeal-rates", "/v1/orders", "/v1/issuers", "/v1/programmes")
        ),
        *map(plain, ("/v1/authorities", "/v1/clues", "/v1/holds", "/v1/requests", "/v1/disclosures")),
        *map(plain, ("/v1/evidence/key", "/v1/audit", "/v1/retention")),
        # actions
        get("/v1/actions?kind=&entity=", "/v1/actions", lambda: "/v1/actions?kind={}&entity={}".format(*_acted(known))),
        get("/v1/actions/{id}", "/v1/actions/{id}", lambda: f"/v1/actions/{known.letter()}"),
        *map(plain, ("/v1/actions/backlog", "/v1/dead-letters?target=pull")),
        *_steps(known),
    ]


def _acted(known: Known) -> tuple[str, str]:
    kind, entity = known._draw.choice(known.acted)  # noqa: SLF001 - of this module
    return kind, quote(known.one([entity]))


def _steps(known: Known) -> list[Ask]:
    """What people wait for while they work."""
    outcome = {"verdict": "no_action", "policy": "fraud/scam", "reasons": "a joke between friends"}

    def told(number: int, subject: str) -> dict[str, Any]:
        said = {"channel": "user", "category": "scam", "kind": "account", "entity": subject}
        return {**said, "reporter": f"new{number}", "text": "asked me for money", "market": "SG"}

    def step(name: str, body: dict[str, Any]) -> Ask:
        route = "/v1/cases/{case_id}/steps"
        return Ask(
            f"POST {route}: {name}",
            "POST",
            route,
            lambda number: (f"/v1/cases/{known.waiting(number)}/steps", body, f"p{number}"),
        )

    def post(name: str, route: str, make: Callable[[int], dict[str, Any] | None], path: str = "") -> Ask:
        return Ask(f"POST {name}", "POST", route, lambda number: (path or route, make(number), f"n{number}"))

    return [
        post("/v1/queues/{queue}/next", "/v1/queues/{queue}/next", lambda _number: None, "/v1/queues/takeovers/next"),
        step("take", {"step": "take"}),
        step("keep", {"step": "keep"}),
        step("note", {"step": "note", "text": "called back"}),
        step("close", {"step": "close", "outcome": outcome}),
        post("/v1/reports, a new subject", "/v1/reports", lambda number: told(number, f"fresh{number}")),
        post("/v1/reports, one subject", "/v1/reports", lambda number: told(number, "much-reported")),
        post(
            "/v1/duties",
            "/v1/duties",
            lambda number: {"clock": "report-outcome", "subject": f"bench:{number}", "reason": "so"},
        ),
    ]
