"""A summary with something in every field, and text that tries to break out."""

from __future__ import annotations

import random

from trustward.engine.summary import (
    BacktestSummary,
    Bucket,
    CampaignStat,
    ChangedDecision,
    CurvePoint,
    EntityChange,
    EntityStat,
    Example,
    Quality,
    RejectStat,
    ReplaySummary,
    RuleChange,
    RuleStat,
    ScoreBin,
    VerdictChange,
)
from trustward.model.decision import VERDICTS, Action, Decision, Fault, RuleHit, Verdict

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&\x1b[2J\u202e\ud800]]>"
HOUR_US = 3_600_000_000
START_US = 1_767_225_600_000_000


def a_decision(event_id: str = "m-1", verdict: Verdict = "hold", *, text: str = "33 people contacted") -> Decision:
    return Decision(
        event_id=event_id,
        type="message.sent",
        time="2026-01-02T10:11:12Z",
        verdict=verdict,
        score=0.8,
        degraded=True,
        rules=(
            RuleHit(id="mass-contact", mode="live", reason=text, values={"contacts_1h": 33, "event.sender": text}),
            RuleHit(id="new-link", mode="shadow", reason="a link never seen before"),
        ),
        actions=(
            Action(do="hold", kind="event", entity=event_id, rule="mass-contact"),
            Action(
                do="label", kind="account", entity=text, rule="mass-contact", note="spammer", lasts_us=604_800_000_000
            ),
        ),
        faults=(Fault(path="$.amount", cause=text),),
        policy="5e" * 32,
    )


def a_replay(*, hostile: str = HOSTILE, hours: int = 24 * 7) -> ReplaySummary:
    draw = random.Random(4)
    timeline = []
    for hour in range(hours):
        wave = draw.randrange(40) if 60 < hour < 75 else draw.randrange(4)
        daily = int(400 + 300 * abs(12 - hour % 24) / 12 + draw.randrange(60))
        verdicts: dict[Verdict, int] = {
            "allow": daily,
            "hold": wave,
            "block": wave // 3,
            "challenge": draw.randrange(5),
        }
        timeline.append(Bucket(start_us=START_US + hour * HOUR_US, verdicts=verdicts, fraud=wave))
    quality = Quality(
        caught=600,
        false_alarms=40,
        missed=150,
        passed=90_000,
        precision=0.9375,
        recall=0.8,
        pr_auc=0.81,
        curve=(
            CurvePoint(score=0.95, precision=0.99, recall=0.3),
            CurvePoint(score=0.8, precision=0.9375, recall=0.8),
            CurvePoint(score=0.5, precision=0.5, recall=0.85),
            CurvePoint(score=0.0, precision=0.008, recall=1.0),
        ),
    )
    rules = [
        RuleStat(
            id=f"rule-{n}",
            mode="shadow" if n == 2 else "live",
            verdict=VERDICTS[1 + n % 5],
            hits=400 // (n + 1),
            owner="messaging-risk",
            fraud="spam",
            reason=f"{30 + n} people contacted within an hour by an account 2h{n}m old",
            caught=380 // (n + 1) - n,
            precision=0.95 - n / 50,
            recall=0.5 / (n + 1),
        )
        for n in range(9)
    ]
    rules.append(RuleStat(id=hostile, mode="live", verdict="hold", hits=3, reason=hostile, owner=hostile))
    rules.append(RuleStat(id="never", mode="live", verdict="hold", hits=0))
    kinds = ["spam-wave", "device-farm", "takeover", "phishing", "fake-shop", "mule-ring", hostile]
    return ReplaySummary(
        policy="5e" * 32,
        policy_name="starter",
        sources=("out/demo/events.ndjson", hostile),
        events=90_790,
        rejected=4,
        degraded=2,
        seconds=0.71,
        verdicts={"allow": 90_150, "challenge": 120, "hold": 400, "block": 120},
        first_us=START_US,
        last_us=START_US + hours * HOUR_US,
        rejects=(RejectStat(path="$.amount", cause=hostile, count=4, line=17),),
        rules=tuple(rules),
        entities=(
            EntityStat(kind="account", id="a-1", decisions=90, verdict="hold", rules=("mass-contact",)),
            EntityStat(kind=hostile, id=hostile, decisions=1, verdict="block", rules=(hostile,)),
        ),
        timeline=tuple(timeline),
        quality=quality,
        campaigns=tuple(
            CampaignStat(
                name=kind,
                events=900 // (n + 1),
                flagged=(850 // (n + 1)) if n != 4 else 0,
                first_us=START_US,
                first_flagged_after_us=None if n == 4 else 700_000_000 * n,
                events_before=None if n == 4 else 3 * n,
                rules=("mass-contact", hostile) if n == 6 else ("mass-contact", "rule-2"),
            )
            for n, kind in enumerate(kinds)
        ),
        scores=tuple(
            ScoreBin(low=n / 10, high=(n + 1) / 10, honest=(90_000 if n == 0 else 9 * n), fraud=80 * n)
            for n in range(10)
        ),
        examples=tuple(
            Example(
                decision=a_decision(f"m-{n}", VERDICTS[5 - n], text=text),
                fields={"sender": "a-1", "text": text, "length": 3},
                truth="spam-wave",
            )
            for n, text in enumerate(["33 people contacted within an hour", "a link seen", hostile])
        ),
    )


def a_backtest() -> BacktestSummary:
    return BacktestSummary(
        old_policy="aa" * 32,
        new_policy="bb" * 32,
        old_name="live",
        new_name=HOSTILE,
        sources=("events.ndjson",),
        events=1_000,
        rejected=0,
        seconds=0.2,
        changed=7,
        verdicts=(VerdictChange(old="allow", new="hold", events=7, fraud=6),),
        rules=(RuleChange(id=HOSTILE, change="added", old_hits=0, new_hits=7, gained=7, lost=0),),
        entities=(EntityChange(kind="account", id=HOSTILE, old="allow", new="hold", events=7),),
        examples=(ChangedDecision(old=a_decision(verdict="allow"), new=a_decision(text=HOSTILE), truth="spam"),),
        old_quality=Quality(caught=1, false_alarms=1, missed=6, passed=92, precision=0.5, recall=0.1, pr_auc=None),
        new_quality=Quality(caught=7, false_alarms=2, missed=0, passed=91, precision=0.78, recall=1.0, pr_auc=0.9),
    )
