"""The story itself, act by act: who does what, over which route, and what has come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec

from trustward.base.errors import UsageError
from trustward.cli.story.service import Desk, serving
from trustward.cli.story.world import Stage, stage

Say = Callable[[str, str], None]
"""Told for each step: what it is about, and what has come of it."""
POLICY = "starter"


class Told(msgspec.Struct, kw_only=True):
    """What is known at the end, step by step; a test holds the story to it."""

    stage: Stage
    verdicts: dict[str, int] = {}
    case: str = ""
    receipts: tuple[str, ...] = ()
    actions: list[dict[str, Any]] = []
    clue: dict[str, Any] = {}
    evidence: Path | None = None
    key: str = ""


class Acts:
    """All desks of the story at one running service."""

    def __init__(self, http: httpx.Client, keys: Mapping[str, str], told: Told, say: Say, folder: Path) -> None:
        self.folder = folder
        self.told = told
        self.say = say
        self.service = Desk(http, keys["service"])
        self.lea = Desk(http, keys["reviewers"], "lea")
        self.omar = Desk(http, keys["reviewers"], "omar")
        self.mina = Desk(http, keys["compliance"], "mina")

    def play(self) -> None:
        """From the first event to the last answer."""
        self.detect()
        self.report()
        self.judge()
        self.clue()

    def detect(self) -> None:
        """The service sends what happens, and is told what to do."""
        stage = self.told.stage
        answer = self.service.ask("POST", "/v1/events", content=stage.events)
        for one in answer["decisions"]:
            verdict = one["verdict"]
            self.told.verdicts[verdict] = self.told.verdicts.get(verdict, 0) + 1
        found = self.service.get("/v1/decisions/" + stage.example["id"])
        reasons = "; ".join(hit["reason"] for hit in found["decision"]["rules"])
        self.say("detected", f"{stage.count:,} events decided; one of the campaign: {found['decision']['verdict']} ({reasons})")

    def report(self) -> None:
        """Three of those who got its messages report the sender."""
        stage = self.told.stage
        receipts = []
        for name in stage.told[:3]:
            body = {
                "category": "scam", "kind": "account", "entity": stage.sender, "reporter": name,
                "text": "wants me to sign in at a page that is not the shop's", "market": "SG",
            }
            receipts.append(self.service.post("/v1/reports", body))
        self.told.receipts = tuple(one["receipt"] for one in receipts)
        self.told.case = receipts[0]["case"]
        self.say("reported", f"{len(receipts)} reports, {len({one['case'] for one in receipts})} case, answers by {receipts[0]['answer_by']}")

    def judge(self) -> None:
        """A reviewer takes the case, looks at it, and decides."""
        case = self.told.case
        queue = self.lea.get(f"/v1/cases/{case}")["case"]["queue"]
        work = self.lea.post(f"/v1/queues/{queue}/next", {})
        while work["case"]["id"] != case:
            self.lea.post(f"/v1/cases/{work['case']['id']}/steps", {"step": "skip", "reason": "not of this story"})
            work = self.lea.post(f"/v1/queues/{queue}/next", {})
        stage = self.told.stage
        outcome = {
            "verdict": "act", "policy": "scam.phishing", "reasons": "sends strangers to a page that asks for their password",
            "measures": [
                {"do": "close", "kind": "account", "entity": stage.sender},
                {"do": "block_link", "kind": "url", "entity": stage.link},
            ],
        }
        self.lea.post(f"/v1/cases/{case}/steps", {"step": "close", "outcome": outcome})
        self.say("judged", f"case {case} out of the queue {queue}")


    def clue(self) -> None:
        """The police are told what was found, with evidence that they can verify by themselves."""
        stage, case, mina = self.told.stage, self.told.case, self.mina
        facts = {"category": "scam", "markets": ["SG"], "victims": len(stage.told)}
        about = {"entity": f"account:{stage.sender}", "verdict": "hold,limit,block"}
        entries = mina.until("/v1/decisions", lambda found: len(found["decisions"]) > 1, **about)["decisions"]
        draft = {
            "decisions": [one["entry"] for one in entries],
            "authority": "SG-SPF", "case": case, "facts": facts,
            "summary": "An account sent strangers to a page that asks for passwords.",
            "fields": {
                "what": "Links to a page that passes itself off as the shop's, sent to strangers.",
                "suspects": f"account {stage.sender}; {stage.link}", "period": "the last two days",
                "contact": "fraud-desk@service.example",
            },
        }
        clue = mina.post("/v1/clues", draft)["id"]
        mina.post(f"/v1/clues/{clue}/steps", {"step": "approve"})
        mina.post(f"/v1/clues/{clue}/steps", {"step": "send", "handed": "uploaded at the police's counter"})
        bundle = mina.answer("GET", f"/v1/clues/{clue}/bundle")
        evidence = self.folder / "evidence.tar"
        evidence.write_bytes(bundle.content)
        key = mina.get("/v1/evidence/key")["public"]
        mina.post(f"/v1/clues/{clue}/steps", {"step": "receipt", "number": "SPF-2041-77"})
        mina.post(f"/v1/clues/{clue}/steps", {"step": "feedback", "feedback": "taken_up", "text": "An officer has been named."})
        found = mina.get(f"/v1/clues/{clue}")
        self.told.evidence, self.told.key, self.told.clue = evidence, key, found
        self.say("told the police", f"clue {clue}: {found['clue']['state']}, evidence of {len(bundle.content):,} bytes")


def tell(folder: Path, accounts: int, seed: int, say: Say) -> Told:
    """The whole story, in a folder of its own; what came of it. Raises UsageError where it fails."""
    from trustward.bootstrap import create_key, service_settings, upgrade

    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"the folder {folder} is not empty", remedy="name a new one")
    data = folder / "data"
    data.mkdir(parents=True)
    settings = service_settings(data=str(data))
    upgrade(settings)
    told = Told(stage=stage(accounts, seed))
    scopes = {
        "service": ("decide", "read", "actions", "report", "act"),
        "reviewers": ("read", "operate", "act"),
        "compliance": ("read", "operate", "act", "secret", "audit"),
    }
    keys = {name: create_key(settings, name, each, None)[1] for name, each in scopes.items()}
    with serving(data, {"POLICY": POLICY}) as address, httpx.Client(base_url=address, timeout=60) as http:
        Acts(http, keys, told, say, folder).play()
    return told
