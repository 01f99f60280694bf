"""The story itself, act by act: who does what, over which route, and what has come of it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec

from trustward.base.clock import now_us
from trustward.base.errors import UsageError
from trustward.base.units import format_time
from trustward.cli.story.police import Police
from trustward.cli.story.service import Desk, serving
from trustward.cli.story.world import Stage, stage

Say = Callable[[str, str], None]
"""Told for each step: what it is about, and what has come of it."""
PACK = "starter"
POLICY = "fraud/phishing"
_HOUR_US = 3_600_000_000
_QUEUE = """
[[queues]]
name = "phishing"
title = "Pages that ask for passwords"
categories = ["phishing"]
escalates_to = "leads"
second = "never"
"""
"""The story has a queue of its own: elsewhere chance decides whether a second reviewer looks too."""
SCOPES: dict[str, tuple[str, ...]] = {
    "service": ("decide", "read", "actions", "report"),
    "reviewers": ("read", "operate"),
    "compliance": ("read", "order", "operate", "act", "secret", "audit"),
}
"""The keys of the story: of the service's own program, of its reviewers' console, of who answers authorities."""


class Told(msgspec.Struct, kw_only=True):
    """What is known at the end, step by step; a test holds the story to it."""

    stage: Stage
    verdicts: dict[str, int] = {}
    example: dict[str, Any] = {}
    receipts: tuple[dict[str, Any], ...] = ()
    case: dict[str, Any] = {}
    measures: tuple[dict[str, Any], ...] = ()
    again: dict[str, Any] = {}
    refused: int = 0
    appeal: dict[str, Any] = {}
    strikes: tuple[int, int] = (0, 0)
    unseen: int = 0
    order: dict[str, Any] = {}
    targets: tuple[dict[str, Any], ...] = ()
    duties: tuple[dict[str, Any], ...] = ()
    clue: dict[str, Any] = {}
    done: list[dict[str, Any]] = []
    letters: list[dict[str, Any]] = []


class Acts:
    """All desks of the story at one running service."""

    def __init__(self, http: httpx.Client, keys: Mapping[str, str], told: Told, say: Say, folder: Path) -> None:
        self.told = told
        self.say = say
        self.folder = folder
        self.service = Desk(http, keys["service"])
        self.lea = Desk(http, keys["reviewers"], "lea")
        self.omar = Desk(http, keys["reviewers"], "omar")
        self.mina = Desk(http, keys["compliance"], "mina")

    def play(self, police: Police) -> None:
        """From the first event to the last answer."""
        self.detect()
        self.report()
        self.judge()
        self.enforce()
        self.appeal()
        self.obey(police)
        self.tell_police()
        self.end()

    def detect(self) -> None:
        """The service sends what happens, and is told what to do."""
        world = self.told.stage
        answer = self.service.ask("POST", "/v1/events", content=world.events)
        for one in answer["decisions"]:
            self.told.verdicts[one["verdict"]] = self.told.verdicts.get(one["verdict"], 0) + 1
        self.told.example = self.service.get("/v1/decisions/" + world.example["id"])["decision"]
        reasons = "; ".join(hit["reason"] for hit in self.told.example["rules"])
        found = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self.told.verdicts.items()))
        self.say("A campaign is detected", f"{world.count:,} events decided: {found}. One of its messages: {reasons}.")

    def report(self) -> None:
        """Three of those who got its messages report the sender."""
        world = self.told.stage
        told = {"category": "phishing", "kind": "account", "entity": world.sender, "market": "SG"}
        text = "wants me to sign in at a page that is not the shop's"
        self.told.receipts = tuple(
            self.service.post("/v1/reports", {**told, "reporter": name, "text": text}) for name in world.told[:3]
        )
        cases = {one["case"] for one in self.told.receipts}
        answer_by = self.told.receipts[0]["answer_by"]
        self.say(
            "Users report it",
            f"{len(self.told.receipts)} reports make {len(cases)} case; answers are due by {answer_by}.",
        )

    def judge(self) -> None:
        """A reviewer takes the case, and decides."""
        world, case = self.told.stage, self.told.receipts[0]["case"]
        self.lea.post(f"/v1/cases/{case}/steps", {"step": "take"})
        outcome = {
            "verdict": "act",
            "policy": POLICY,
            "reasons": "sends strangers to a page that asks for their password",
            "measures": [
                {"do": "close", "kind": "account", "entity": world.sender},
                {"do": "block_link", "kind": "url", "entity": world.link},
            ],
        }
        self.lea.post(f"/v1/cases/{case}/steps", {"step": "close", "outcome": outcome})
        self.told.case = self.lea.get(f"/v1/cases/{case}")["case"]
        self.say("A reviewer acts", f"lea closes the account and blocks the link, under the policy {POLICY}.")

    def enforce(self) -> None:
        """The link is removed wherever it was posted, and kept out from then on."""
        world, cause = self.told.stage, f"case:{self.told.case['id']}"
        sent = sum(world.link.encode() in line for line in world.events.splitlines())
        found = self.lea.until("/v1/measures", lambda page: _copies(page) >= sent, cause=cause)
        self.told.measures = tuple(found["measures"])
        again = {**world.example, "id": "again-1", "message": "m-again-1", "sender": world.honest, "time": _time()}
        self.told.again = self.service.post("/v1/decisions", again)
        self.say(
            "It is enforced",
            f"{_copies(found)} messages with the link are removed. "
            f"Who sends it anew gets: {self.told.again['verdict']}.",
        )

    def appeal(self) -> None:
        """Whoever was closed appeals, and is heard by somebody else."""
        world = self.told.stage
        before = self._strikes()
        filed = {
            "decision": f"case:{self.told.case['id']}",
            "account": world.sender,
            "text": "somebody else had my password that day",
            "market": "SG",
        }
        appeal = self.service.post("/v1/appeals", filed)["id"]
        self.told.refused = self.lea.answer("POST", f"/v1/appeals/{appeal}/steps", {"step": "take"}).status_code
        self.omar.post(f"/v1/appeals/{appeal}/steps", {"step": "take"})
        closing = next(one["id"] for one in self.told.measures if one["do"] == "close")
        decided = {
            "step": "decide",
            "finding": "partly",
            "reasons": "signed in from another country that day; the link stays blocked",
            "lift": [closing],
        }
        self.omar.post(f"/v1/appeals/{appeal}/steps", decided)
        self.told.appeal = self.omar.get(f"/v1/appeals/{appeal}")["appeal"]
        self.told.strikes = (before, self._strikes())
        self.say(
            "A user appeals",
            f"lea may not hear it ({self.told.refused}); omar does: {self.told.appeal['state']}, "
            f"strikes {before} before and {self.told.strikes[1]} after.",
        )

    def _strikes(self) -> int:
        live: dict[str, int] = self.lea.get("/v1/strikes", kind="account", entity=self.told.stage.sender)["live"]
        return sum(live.values())

    def obey(self, police: Police) -> None:
        """The police send a signed, secret order with two clocks; it is carried out and answered in time."""
        world = self.told.stage
        others = [name for name in world.accounts if name != world.sender][:5] or [world.sender]
        order = {
            "issuer": police.issuer,
            "reference": "OCHA/17",
            "basis": "Online Criminal Harms Act 2023, s 11",
            "type": "account_restriction",
            "market": "SG",
            "secret": True,
            "targets": [
                *({"kind": "account", "entity": account} for account in others),
                {"kind": "domain", "entity": world.domain, "do": "block_link"},
            ],
            "clocks": [
                {"clock": "SG-ACT-plan", "due": _time(4 * _HOUR_US)},
                {"clock": "SG-ACT-comply", "due": _time(24 * _HOUR_US)},
            ],
        }
        document = msgspec.json.encode(order)
        signed = {**order, "document": _base64(document), "signature": _base64(police.sign(document))}
        name = self.mina.post("/v1/orders", signed)["id"]
        self.told.unseen = self.lea.answer("GET", f"/v1/orders/{name}").status_code
        self.mina.post(
            f"/v1/orders/{name}/steps", {"step": "tell", "what": "plan", "text": "All targets at once, today."}
        )
        self.mina.post(f"/v1/orders/{name}/steps", {"step": "execute"})
        self.mina.until(f"/v1/orders/{name}", lambda found: found["state"] == "executed")
        self.mina.post(f"/v1/orders/{name}/steps", {"step": "report", "text": "Done."})
        self.told.order = self.mina.get(f"/v1/orders/{name}")
        self.told.targets = tuple(self.mina.get(f"/v1/orders/{name}/targets")["targets"])
        self.told.duties = tuple(self.mina.get("/v1/duties", subject=f"order:{name}", state="done")["duties"])
        effort = self.mina.get(f"/v1/orders/{name}/file")
        (self.folder / "effort.json").write_bytes(msgspec.json.format(msgspec.json.encode(effort)))
        kept = sum(not one["breaches"] for one in self.told.duties)
        self.say(
            "The police order",
            f"{len(self.told.targets)} targets, {self.told.order['authentic']['how']} checked, "
            f"{self.told.order['state']}; {kept} clocks kept. For others it is not there ({self.told.unseen}).",
        )

    def tell_police(self) -> None:
        """The police are told what was found, with evidence that they can verify by themselves."""
        world, case = self.told.stage, self.told.case["id"]
        about = {"entity": f"account:{world.sender}", "verdict": "hold,limit,block"}
        entries = self.mina.until("/v1/decisions", lambda found: found["decisions"], **about)["decisions"]
        draft = {
            "authority": "SG-SPF",
            "case": case,
            "decisions": [one["entry"] for one in entries],
            "facts": {"category": "phishing", "markets": ["SG"], "victims": len(world.told)},
            "summary": "An account sent strangers to a page that asks for passwords.",
            "fields": {
                "what": "Links to a page that passes itself off as another, sent to strangers.",
                "suspects": f"account {world.sender}; {world.link}",
                "period": "the last two days",
                "contact": "fraud-desk@service.example",
            },
        }
        clue = self.mina.post("/v1/clues", draft)["id"]
        self.mina.post(f"/v1/clues/{clue}/steps", {"step": "approve"})
        self.mina.post(f"/v1/clues/{clue}/steps", {"step": "send", "handed": "at the police's counter"})
        bundle = self.mina.answer("GET", f"/v1/clues/{clue}/bundle").content
        (self.folder / "evidence.tar").write_bytes(bundle)
        (self.folder / "evidence.pub").write_text(self.mina.get("/v1/evidence/key")["public"], encoding="utf-8")
        self.mina.post(f"/v1/clues/{clue}/steps", {"step": "receipt", "number": "SPF-77"})
        self.mina.post(f"/v1/clues/{clue}/steps", {"step": "feedback", "feedback": "taken_up", "text": "Taken up."})
        self.told.clue = self.mina.get(f"/v1/clues/{clue}")["clue"]
        self.say(
            "A clue goes out", f"{len(bundle):,} bytes of signed evidence; the receipt is {self.told.clue['receipt']}."
        )

    def end(self) -> None:
        """The service's own program has done all that it was asked for, each once."""
        while True:
            found = self.service.post("/v1/actions/lease", {"target": "pull", "limit": 500})
            if found["lease"] is None:
                break
            ids = [one["id"] for one in found["actions"]]
            self.service.post("/v1/actions/confirm", {"target": "pull", "lease": found["lease"], "ids": ids})
            for one in found["actions"]:
                (self.told.letters if one["do"] in {"inform", "remind"} else self.told.done).append(one)
        self.say("All of it is done", f"{len(self.told.done)} actions and {len(self.told.letters)} letters, each once.")


def _copies(page: dict[str, Any]) -> int:
    return sum(one["copies"] for one in page["measures"])


def _time(after_us: int = 0) -> str:
    return format_time(now_us() + after_us)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def tell(folder: Path, accounts: int, seed: int, say: Say) -> Told:
    """The whole story, in a new folder; what came of it. Raises UsageError where it fails."""
    from trustward.bootstrap import create_key, service_settings, upgrade

    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"the folder {folder} is not empty", remedy="name a new one")
    data = folder / "data"
    data.mkdir(parents=True)
    settings = service_settings(data=str(data))
    upgrade(settings)
    told = Told(stage=stage(accounts, seed))
    keys = {name: create_key(settings, name, scopes, None)[1] for name, scopes in SCOPES.items()}
    police = Police()
    regimes = folder / "regimes.toml"
    regimes.write_text(police.regime() + _QUEUE, encoding="utf-8")
    with (
        serving(data, {"POLICY": PACK, "REGIMES": str(regimes)}) as address,
        httpx.Client(base_url=address, timeout=60) as http,
    ):
        Acts(http, keys, told, say, folder).play(police)
    return told
