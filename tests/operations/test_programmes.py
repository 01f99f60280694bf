"""Rectification notices, implementation directives and campaigns."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.operations.kit import DAY_US, START_US
from tests.operations.orders_kit import Bench
from trustward.base.errors import ConflictError, NotFoundError, StepError, UsageError
from trustward.model.programme import STAGES, Programme
from trustward.operations.programmes import ItemWanted, ProgrammeWanted
from trustward.ports import Store

FINDING = ItemWanted(title="Reports go unanswered", obligation="SG-OCC-3", due_us=START_US + 20 * DAY_US)
NOTICE = ProgrammeWanted(
    kind="rectification",
    issuer="police",
    reference="RN-3",
    basis="s 23",
    title="Failures found",
    items=(FINDING, ItemWanted(title="No check", obligation="SG-OCC-1", due_us=START_US + 30 * DAY_US)),
)


def states(programme: Programme) -> list[str]:
    return [item.state for item in programme.items]


def test_a_finding_is_put_right_and_another_officer_stands_for_it(opened: Callable[[], Store]) -> None:
    bench = Bench(opened())
    story = bench.programmes
    notice = story.open(NOTICE, "kim")
    assert story.open(NOTICE, "kim").id == notice.id
    with pytest.raises(ConflictError):
        story.open(
            ProgrammeWanted(**{**{n: getattr(NOTICE, n) for n in NOTICE.__struct_fields__}, "title": "x"}), "kim"
        )
    with pytest.raises(UsageError, match="what shows it"):
        story.remedy(notice.id, "lee", 1, "answered within a day", ())
    with pytest.raises(StepError):
        story.attest(notice.id, "kim", 1, "looked")
    story.remedy(notice.id, "lee", 1, "answered within a day", ("report:7",))
    with pytest.raises(StepError, match="another officer"):
        story.attest(notice.id, "lee", 1, "looked")
    story.send_back(notice.id, "kim", 1, "not on Sundays")
    story.remedy(notice.id, "lee", 1, "on Sundays too", ("report:8",))
    after = story.attest(notice.id, "kim", 1, "ten reports, all answered")
    first, second = (bench.duties.get(item.duty) for item in after.items)
    assert (states(after), first.state, second.state) == (["attested", "open"], "done", "open")
    assert first.evidence is not None
    assert first.evidence.refs == ("report:8",)
    with pytest.raises(StepError, match="not attested: the items 2"):
        story.close(notice.id, "kim", "all right")
    story.extend(notice.id, "kim", 2, until_us=START_US + 40 * DAY_US, authority="MHA", reason="asked")
    assert bench.duties.get(second.id).due_us == START_US + 40 * DAY_US
    story.remedy(notice.id, "kim", 2, "checked", ("control:1",))
    story.attest(notice.id, "lee", 2, "looked")
    story.close_item(notice.id, "kim", 1, "their letter of May", ("file:9",))
    done = story.close(notice.id, "kim", "all of it is put right")
    assert (done.state, states(done)) == ("closed", ["closed", "attested"])
    with pytest.raises(StepError):
        story.remedy(notice.id, "kim", 2, "again", ("x",))
    with pytest.raises(NotFoundError):
        story.get("nothing")


def test_an_implementation_directive_reports_its_progress() -> None:
    bench = Bench()
    wanted = ProgrammeWanted(
        kind="implementation",
        issuer="police",
        reference="ID-1",
        basis="s 24",
        title="Against impersonation",
        items=(ItemWanted(title="Look-alike names", stage="first", due_us=START_US + DAY_US),),
        progress_us=(START_US + 10 * DAY_US, START_US + 20 * DAY_US),
    )
    story = bench.programmes
    made = story.open(wanted, "kim")
    duties = [one.duty for one in made.progress]
    story.progress(made.id, "kim", "half of it")
    assert [bench.duties.get(duty).state for duty in duties] == ["done", "open"]
    story.remedy(made.id, "lee", 1, "it is live", ("release:4",))
    story.attest(made.id, "kim", 1, "seen")
    story.close(made.id, "kim", "done")
    assert [bench.duties.get(duty).state for duty in duties] == ["done", "cancelled"]
    assert [told[1] for told in bench.told()] == ["programme.progress", "programme.result"]


def test_a_campaign_goes_stage_by_stage() -> None:
    bench = Bench()
    story = bench.programmes
    stages = tuple(
        ItemWanted(title=stage, stage=stage, due_us=START_US + at * DAY_US) for at, stage in enumerate(STAGES, 1)
    )
    plain = {"kind": "campaign", "issuer": "police", "reference": "C-1", "basis": "", "title": "Clean-up"}
    with pytest.raises(UsageError, match="in order"):
        story.open(ProgrammeWanted(**plain, items=stages[::-1]), "kim")  # type: ignore[arg-type]
    made = story.open(ProgrammeWanted(**plain, items=stages), "kim")  # type: ignore[arg-type]
    with pytest.raises(StepError, match="scope comes first"):
        story.remedy(made.id, "kim", 2, "looked", ("x",))
    for number in (1, 2, 3):
        story.remedy(made.id, "kim", number, "done", ("x",))
    story.add(made.id, "lee", ItemWanted(title="a phone card on sale", obligation="CN-MIIT2019-4b"))
    with pytest.raises(StepError, match="the finding 6"):
        story.remedy(made.id, "kim", 4, "done", ("x",))
    story.remedy(made.id, "kim", 6, "delisted", ("m1-0",))
    for number in (4, 5):
        story.remedy(made.id, "kim", number, "done", ("x",))
    for number in range(1, 7):
        story.attest(made.id, "lee", number, "seen")
    assert story.close(made.id, "kim", "the result").state == "closed"


def test_what_cannot_be_taken_in() -> None:
    story = Bench().programmes
    for items in ((), (ItemWanted(title="x", obligation="nonsense", due_us=1),), (ItemWanted(title="x"),)):
        fields = {name: getattr(NOTICE, name) for name in NOTICE.__struct_fields__} | {"items": items}
        with pytest.raises(UsageError):
            story.open(ProgrammeWanted(**fields), "kim")
    made = story.open(NOTICE, "kim")
    gone = story.withdraw(made.id, "kim", "a mistake of theirs")
    assert gone.state == "withdrawn"
    assert story.note(made.id, "kim", "seen").pages > gone.pages
