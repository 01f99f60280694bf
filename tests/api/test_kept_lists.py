"""What measures keep on a list, over HTTP: it comes off when they are taken back, and not by the list."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from time import monotonic, sleep

from tests.api.served import POLICY, Served, served
from tests.api.test_enforcement import decided

LIST = "/v1/lists/blocked-domain/entries"


def listed(one: Served) -> list[str]:
    return [entry["value"] for entry in one.ask("GET", LIST).json["entries"]]


def test_what_a_measure_keeps_comes_off_with_the_measure_alone(tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    copytree(POLICY, folder)
    (folder / "lists" / "blocked-domain.txt").write_text("# kind: domain\n", encoding="utf-8")
    with served(policy=str(folder)) as one:
        block = {"do": "block_link", "kind": "domain", "entity": "evil.example.info"}
        case = decided(one, "kept-1", "by hand", measures=[block])
        one.service.run_errands()
        assert listed(one) == ["evil.example.info"]
        (measure,) = one.ask("GET", f"/v1/measures?cause=case:{case}").json["measures"]
        off = f"{LIST}?value=evil.example.info&reason=oops"
        body = {"values": ["evil.example.info"], "expires": "2027-12-31T00:00:00Z", "reason": "oops"}
        lines = '[{"value": "evil.example.info", "expires": "2027-12-31T00:00:00Z"}]'
        for answer in (
            one.ask("DELETE", off),
            one.ask("PUT", LIST, json=body),
            one.ask("POST", "/v1/lists/blocked-domain/import?reason=oops", lines.encode()),
        ):
            assert (answer.status, answer.json["code"]) == (409, "TW-580")
            assert measure["id"] in answer.json["detail"]
        assert one.ask("PUT", LIST, json={**body, "expires": None}).status == 200
        assert one.ask("POST", f"/v1/measures/{measure['id']}/lift", json={"reason": "a bank"}).status == 200
        one.service.run_errands()
        # What somebody has put there since stays, until it is taken off by hand.
        assert one.ask("DELETE", off).status == 200
        until = monotonic() + 30
        while listed(one):
            assert monotonic() < until
            sleep(0.02)
