"""Users as admins see them: links, roles, resets; keys over HTTP; the commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.api.served import Served, served
from tests.people.kit import ORIGIN, OTHER, Browser, code_of, joined
from trustward.adapters.store.opened import open_store
from trustward.adapters.totp_key import TotpKey
from trustward.api import auth
from trustward.base.clock import now_us
from trustward.base.errors import SignInError
from trustward.cli.exits import Exit
from trustward.cli.run import run
from trustward.model.access import ROLES, SCOPES
from trustward.operations.keys import check_key
from trustward.operations.passwords import Passwords
from trustward.operations.people import People
from trustward.operations.signing_in import Rules, SigningIn, Where

PAGE = Path(__file__).parents[2] / "docs" / "people.md"


def secret_of(link: str) -> str:
    return link.partition("/setup#")[2].strip()


def test_the_first_start_prints_a_link_that_is_good_once(capfd: pytest.CaptureFixture[str]) -> None:
    with served(origin=ORIGIN) as one:
        said = capfd.readouterr().out
        found = re.search(r"https://trust\.example/setup#([0-9a-f]{64})\n", said)
        assert found is not None, said
        browser = Browser(one)
        assert browser.use_link(found[1], name="").status == 400
        assert browser.use_link(found[1], "password1234", "root").status == 400
        assert browser.use_link(found[1], name="Root").status == 200
        assert (browser.told["name"], browser.told["roles"], browser.told["level"]) == ("root", ["admin"], "half")
        assert browser.told["needs"] == ["enrol"]
        browser.enrol_totp()
        assert browser.ask("GET", "/v1/users").status == 200
        assert Browser(one).use_link(found[1], name="other").status == 401
        # With a user there is no such link any more.
        one.service.desk.welcome()
        assert "setup" not in capfd.readouterr().out


def test_a_newer_link_voids_the_older_one_and_time_voids_all(desk: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    people, story = desk.service.desk.people, desk.service.desk.signing_in
    user, first = people.invite("ada", "", ["analyst"], actor="key:test")
    second = people.link(user, actor="key:test")
    assert Browser(desk).use_link(first).status == 401
    at_us = now_us() + story.rules.link_us + 1
    monkeypatch.setattr(story, "clock", lambda: at_us)
    with pytest.raises(SignInError):
        people.redeem(second, OTHER, "", Where("203.0.113.9"))
    monkeypatch.undo()
    assert Browser(desk).use_link(second).status == 200


def test_nobody_does_it_to_themselves_by_a_key_of_their_own(desk: Served) -> None:
    boss, _ = joined(desk, "zoe", "admin")
    name = boss.told["user"]
    key = boss.ask("POST", "/v1/keys", {"name": "mine", "scopes": ["admin"]}).json["key"]
    for _ in range(2):
        roles = desk.ask("PUT", f"/v1/users/{name}/roles", json={"roles": ["admin", "compliance"]}, key=key)
        assert (roles.status, roles.json["detail"]) == (403, "nobody does this to themselves"), roles.body
        for what in ("reset", "disable", "enable"):
            assert desk.ask("POST", f"/v1/users/{name}/{what}", key=key).status == 403
        # Nor by a key that the key has made.
        key = desk.ask("POST", "/v1/keys", json={"name": "its", "scopes": ["admin"]}, key=key).json["key"]
    assert boss.ask("GET", "/v1/session").json["roles"] == ["admin"]


def test_what_an_admin_does(desk: Served) -> None:
    boss, _ = joined(desk, "boss", "admin")
    made = boss.ask("POST", "/v1/users", {"name": "New@Shop.example", "full": "Nëw", "roles": ["reviewer"]})
    assert (made.status, made.json["name"], made.json["ready"]) == (201, "new@shop.example", False)
    name = made.json["id"]
    assert boss.ask("POST", "/v1/users", {"name": "new@shop.example", "roles": ["reviewer"]}).status == 409
    wrong = boss.ask("POST", "/v1/users", {"name": "x1", "roles": ["revewer"]})
    assert (wrong.status, wrong.json["remedy"]) == (400, "did you mean reviewer?")
    assert boss.ask("POST", "/v1/users", {"name": "no spaces", "roles": ["reviewer"]}).status == 400
    user = Browser(desk)
    assert user.use_link(secret_of(made.json["link"])).status == 200
    user.enrol_totp()
    # Other roles end the session; the next one has them.
    changed = boss.ask("PUT", f"/v1/users/{name}/roles", {"roles": ["auditor"]})
    assert (changed.status, changed.json["roles"]) == (200, ["auditor"])
    assert user.ask("GET", "/v1/session").status == 401
    # Disabled, nothing helps.
    link = boss.ask("POST", f"/v1/users/{name}/link").json["link"]
    assert boss.ask("POST", f"/v1/users/{name}/disable").json["disabled"]
    assert user.sign_in("new@shop.example").status == 401
    assert Browser(desk).use_link(secret_of(link)).status == 401
    assert boss.ask("POST", f"/v1/users/{name}/enable").json["disabled"] is None
    assert user.sign_in("new@shop.example").status == 200
    # Reset, nothing of before is good.
    again = boss.ask("POST", f"/v1/users/{name}/reset")
    assert user.ask("GET", "/v1/session").status == 401
    assert user.sign_in("new@shop.example").status == 401
    fresh = Browser(desk)
    assert fresh.use_link(secret_of(again.json["link"]), OTHER).status == 200
    assert fresh.told["needs"] == ["enrol"]
    fresh.enrol_totp()
    assert boss.ask("DELETE", f"/v1/users/{name}/sessions").json == {"ended": 1}
    listed = {one["name"]: one for one in boss.ask("GET", "/v1/users").json["users"]}
    assert listed["new@shop.example"]["link"] is None
    rows = desk.service.store.audit.read(0, 100_000)
    mine = {row.action for row in rows if row.actor == f"user:{boss.told['user']}" and row.subject == f"user:{name}"}
    assert mine >= {"user.invited", "user.roles", "user.disabled", "user.enabled", "user.reset", "session.ended"}
    assert boss.ask("POST", "/v1/users/none/disable").status == 404


def test_nobody_helps_themselves_and_an_admin_is_left() -> None:
    with served(origin=ORIGIN) as one:
        first, _ = joined(one, "first", "admin")
        me = first.told["user"]
        for method, path, body in (
            ("PUT", "roles", {"roles": ["admin", "analyst"]}),
            ("POST", "disable", None),
            ("POST", "reset", None),
        ):
            refused = first.ask(method, f"/v1/users/{me}/{path}", body)
            assert (refused.status, refused.json["detail"]) == (403, "nobody does this to themselves")
        key = one.make_key("admin")
        assert one.ask("POST", f"/v1/users/{me}/disable", key=key).json["detail"] == "this is the last admin"
        assert one.ask("PUT", f"/v1/users/{me}/roles", key=key, json={"roles": ["auditor"]}).status == 403
        second, theirs_totp = joined(one, "second", "admin")
        made = second.ask("POST", "/v1/keys", {"name": "shop", "scopes": ["read"]}).json["key"]
        theirs = second.told["user"]
        assert one.ask("GET", "/v1/lists", key=made).status == 200
        assert first.ask("POST", f"/v1/users/{theirs}/disable").status == 200
        assert one.ask("GET", "/v1/lists", key=made).status == 401
        assert first.ask("POST", f"/v1/users/{theirs}/enable").status == 200
        one.service.ring.forget()
        assert one.ask("GET", "/v1/lists", key=made).status == 200
        # What could make users and keys goes with the role; what does something else goes on.
        low = second.sign_in("second", code=code_of(theirs_totp, 0))
        assert low.status == 200, low.body
        high = second.ask("POST", "/v1/keys", {"name": "root", "scopes": ["admin"]}).json["key"]
        assert one.ask("GET", "/v1/users", key=high).status == 200
        assert first.ask("PUT", f"/v1/users/{theirs}/roles", {"roles": ["analyst"]}).status == 200
        assert one.ask("GET", "/v1/users", key=high).status == 401
        assert one.ask("GET", "/v1/lists", key=made).status == 200
        assert first.ask("PUT", f"/v1/users/{theirs}/roles", {"roles": ["admin"]}).status == 200
        assert one.ask("PUT", f"/v1/users/{me}/roles", key=key, json={"roles": ["auditor"]}).status == 200


def test_second_factors_change_shortly_after_sign_in_only(desk: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    one, secret = joined(desk, "fred")
    story = desk.service.desk.signing_in
    ahead_us = story.rules.fresh_us + 1
    monkeypatch.setattr(story, "clock", lambda: now_us() + ahead_us)
    for method, path in (
        ("POST", "/v1/session/totp"),
        ("POST", "/v1/session/passkeys/options"),
        ("POST", "/v1/session/recovery-codes"),
        ("DELETE", "/v1/session/totp"),
        ("DELETE", "/v1/session/passkeys/x"),
    ):
        refused = one.ask(method, path)
        assert (refused.status, refused.json["detail"]) == (403, "you signed in some time ago"), path
    assert one.sign_in("fred", code=code_of(secret, ahead_us // 30_000_000)).status == 200
    assert one.ask("POST", "/v1/session/recovery-codes").status == 200


def test_keys_over_http(desk: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "FRESH_S", 0.0)
    boss, _ = joined(desk, "keeper", "admin")
    made = boss.ask("POST", "/v1/keys", {"name": "shop", "scopes": ["read"], "expires": "2126-01-01T00:00:00Z"})
    assert made.status == 201, made.body
    old = made.json
    assert desk.ask("GET", "/v1/lists", key=old["key"]).status == 200
    turned = boss.ask("POST", f"/v1/keys/{old['id']}/rotate", {"overlap": "1h"})
    assert turned.status == 201, turned.body
    new = turned.json
    assert (new["name"], new["scopes"], new["ends"][:4]) == ("shop", ["read"], "2126")
    assert [desk.ask("GET", "/v1/lists", key=key).status for key in (old["key"], new["key"])] == [200, 200]
    listed = {one["id"]: one for one in boss.ask("GET", "/v1/keys").json["keys"]}
    assert listed[old["id"]]["ends"] < listed[new["id"]]["ends"]
    assert listed[new["id"]]["key"] is None
    assert boss.ask("POST", f"/v1/keys/{old['id']}/rotate", {"overlap": "0s"}).status == 201
    assert desk.ask("GET", "/v1/lists", key=old["key"]).status == 401
    assert boss.ask("DELETE", f"/v1/keys/{new['id']}").json["usable"] is False
    assert desk.ask("GET", "/v1/lists", key=new["key"]).status == 401
    assert boss.ask("POST", f"/v1/keys/{new['id']}/rotate", {}).status == 404
    assert boss.ask("DELETE", "/v1/keys/none").status == 404
    assert boss.ask("POST", "/v1/keys", {"name": "x", "scopes": ["reed"]}).json["remedy"] == "did you mean read?"
    assert boss.ask("POST", f"/v1/keys/{old['id']}/rotate", {"overlap": "soon"}).json["path"] == "$.overlap"
    actors = {(row.actor, row.action) for row in desk.service.store.audit.read(0, 100_000) if "key." in row.action}
    me = f"user:{boss.told['user']}"
    assert {(me, "key.created"), (me, "key.rotated"), (me, "key.revoked")} <= actors


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]

    def told(*words: str, code: int = 0) -> str:
        assert run([*words, *data]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    void = told("users", "create-link")
    assert void.startswith("http://localhost:8080/setup#")
    link = told("users", "create-link", "--role", "reviewer", "--role", "analyst")
    store = open_store("", tmp_path)
    sealing = TotpKey(tmp_path / "totp.key", make=True)
    story = People(SigningIn(store, clock=now_us, rules=Rules(), passwords=Passwords(memory_kib=64), sealing=sealing))
    with pytest.raises(SignInError):
        story.redeem(secret_of(void), OTHER, "kim", Where())
    signed = story.redeem(secret_of(link), OTHER, "kim", Where())
    assert signed.user.roles == ("reviewer", "analyst")
    assert "kim" in told("users", "list")
    listed = json.loads(told("users", "list", "--json"))
    assert [(one["name"], one["disabled_us"]) for one in listed] == [("kim", None)]
    again = told("users", "reset", "kim")
    assert store.sessions.of(signed.user.id) == []
    assert story.redeem(secret_of(again), OTHER, "", Where()).user.id == signed.user.id
    assert "no such user" in told("users", "create-link", "lee", code=Exit.INPUT)
    assert "did you mean analyst" in told("users", "create-link", "--role", "analist", code=Exit.USAGE)
    assert "disabled" in told("users", "disable", "Kim")
    assert "disabled" in told("users", "disable", "kim")
    assert [row.actor for row in store.audit.read(0, 100) if row.action == "user.disabled"] == ["the command line"]
    assert "this user is disabled" in told("users", "create-link", "kim", code=Exit.INPUT)
    assert "this user is disabled" in told("users", "reset", "kim", code=Exit.INPUT)
    assert "enabled" in told("users", "enable", "kim")
    assert "has roles already" in told("users", "create-link", "kim", "--role", "admin", code=Exit.USAGE)
    assert told("users", "create-link", "kim").startswith("http://localhost:8080/setup#")
    key = told("keys", "create", "--scope", "read", "--name", "shop").strip()
    turned = told("keys", "rotate", key.split("_")[1], "--overlap", "1h").strip()
    assert turned != key
    assert [check_key(one, store.keys, now_us()) is not None for one in (key, turned)] == [True, True]
    assert check_key(key, store.keys, now_us() + 3_600_000_001) is None
    store.close()


def test_the_page_has_every_role_and_scope() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([a-z, ]+) \| .+ \|$", page, re.MULTILINE))
    assert rows == {role: ", ".join(scopes) for role, scopes in ROLES.items()}
    for scope in SCOPES:
        assert f"| `{scope}` | " in page
