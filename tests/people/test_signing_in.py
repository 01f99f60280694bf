"""Signing in over HTTP: what lets people in, what does not, and what ends a session."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.api.served import Served
from tests.people.kit import OTHER, PASSWORD, Browser, Device, by_passkey, code_of, joined, with_passkey
from trustward.api.desk import ASKED
from trustward.base.clock import now_us
from trustward.base.errors import SignInError
from trustward.model.stored import AuditRow
from trustward.operations.passwords import Passwords
from trustward.operations.signing_in import ADDRESS_PACE, USER_PACE, Where


@pytest.fixture(autouse=True)
def _forgiven(desk: Served) -> None:
    """No test pays for another one's failures."""
    desk.service.store.attempts.sweep(now_us() + 1)
    desk.service.desk._asked.clear()


def audit(one: Served, subject: str) -> list[str]:
    rows = one.service.store.audit.read(0, 100_000)
    return [f"{row.action} by {row.actor}" for row in rows if row.subject == subject]


def test_an_invited_person_comes_in(desk: Served) -> None:
    kim, secret = joined(desk, "kim", "analyst")
    told = kim.told
    assert (told["level"], told["needs"], told["totp"]) == ("full", [], True)
    assert told["scopes"] == ["change", "policies", "read"]
    assert len(told["recovery_codes"]) == told["recovery_codes_left"] == 10
    assert kim.ask("GET", "/v1/lists").status == 200
    assert kim.ask("GET", "/v1/users").status == 403
    said = {"kind": "account", "entity": "a", "label": "watched", "reason": "r"}
    assert kim.ask("PUT", "/v1/labels", said).status == 200
    (label,) = desk.ask("GET", "/v1/entities/account/a").json["labels"]
    assert label["actor"] == f"user:{told['user']}"
    again = Browser(desk)
    assert again.sign_in("Kim ", code=code_of(secret)).status == 200
    assert again.told["level"] == "full"
    assert audit(desk, f"user:{told['user']}") == [
        "user.invited by key:test",
        "user.link by key:test",
        f"user.password by user:{told['user']}",
        f"user.totp by user:{told['user']}",
        f"user.recovery_codes by user:{told['user']}",
        f"session.began by user:{told['user']}",
        f"session.began by user:{told['user']}",
    ]


def test_the_cookie(desk: Served) -> None:
    browser = Browser(desk)
    _, secret = desk.service.desk.people.invite("cora", "", ["analyst"], actor="key:test")
    said = browser.use_link(secret).headers["set-cookie"]
    assert said.startswith("__Host-trustward=")
    assert set(said.split("; ")[1:]) == {"Path=/", "Max-Age=600", "Secure", "HttpOnly", "SameSite=Strict"}
    token = browser.cookie
    assert msgspec.json.encode(browser.told).find(token.encode()) < 0
    browser.enrol_totp()
    assert (
        "Max-Age=43200"
        in browser.ask("PUT", "/v1/session/password", {"old": PASSWORD, "new": OTHER}).headers["set-cookie"]
    )
    out = browser.ask("DELETE", "/v1/session")
    assert "Max-Age=0" in out.headers["set-cookie"]


def test_a_half_session_can_do_nothing_but_become_whole(desk: Served) -> None:
    _, secret = joined(desk, "hal", "admin")
    half = Browser(desk)
    assert half.sign_in("hal").status == 200
    assert (half.told["level"], half.told["needs"], half.told["scopes"]) == ("half", ["code"], [])
    first = half.cookie
    for method, path in (("GET", "/v1/users"), ("GET", "/v1/sessions"), ("GET", "/v1/openapi/openapi.json")):
        assert half.ask(method, path).status == 403, path
    # Who has only the password must not add a factor of their own.
    for path in ("/v1/session/totp", "/v1/session/passkeys/options"):
        refused = half.ask("POST", path)
        assert (refused.status, refused.json["detail"]) == (403, "the second factor is missing")
    assert half.ask("POST", "/v1/session/code", {"code": "000000"}).status == 401
    assert half.ask("POST", "/v1/session/code", {"code": code_of(secret)}).status == 200
    assert half.told["level"] == "full"
    # The token changes with what it is good for.
    assert half.cookie != first
    stale = Browser(desk)
    stale.cookie = first
    assert stale.ask("GET", "/v1/session").status == 401
    assert half.ask("GET", "/v1/users").status == 200


def test_codes_are_good_once(desk: Served) -> None:
    one, secret = joined(desk, "rita")
    codes = one.told["recovery_codes"]
    code = code_of(secret)
    assert Browser(desk).sign_in("rita", code=code).status == 200
    assert Browser(desk).sign_in("rita", code=code).status == 401
    recovery = codes[0].lower().replace("-", " ")
    assert Browser(desk).sign_in("rita", code=recovery).status == 200
    assert Browser(desk).sign_in("rita", code=recovery).status == 401
    fresh = one.ask("POST", "/v1/session/recovery-codes").json["recovery_codes"]
    assert Browser(desk).sign_in("rita", code=codes[1]).status == 401
    assert Browser(desk).sign_in("rita", code=fresh[1]).status == 200


def test_nothing_tells_who_is_there(desk: Served) -> None:
    joined(desk, "nina")
    wrong = Browser(desk).sign_in("nina", "not her password at all")
    nobody = Browser(desk).sign_in("nobody-of-this-name", "not her password at all")
    assert (wrong.status, wrong.body) == (nobody.status, nobody.body) == (401, wrong.body)
    assert wrong.json["code"] == "TW-601"


def test_a_name_that_is_nobodys_costs_the_same_writes(desk: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    joined(desk, "nora")
    written: list[AuditRow] = []
    monkeypatch.setattr(desk.service.store.audit, "record", written.append)
    for name in ("nora", "nobody-like-nora"):
        assert Browser(desk).sign_in(name, "not her password at all").status == 401
    assert [row.action for row in written] == ["session.refused"] * 2
    assert written[1].subject == "user:nobody"
    assert b"nora" not in written[1].detail


def test_no_session_grows_out_of_one_that_has_ended(desk: Served) -> None:
    one, secret = joined(desk, "olaf")
    story, factors = desk.service.desk.signing_in, desk.service.desk.factors
    found = story.look_up(one.cookie)
    assert found is not None
    user, session = found
    half = story.by_password("olaf", PASSWORD, "", Where("203.0.113.9"))
    # Somebody helps her, while others of the service's processes still believe in it for a moment.
    desk.service.desk.people.end_sessions(user.id, actor="key:test")
    with pytest.raises(SignInError, match="has ended"):
        factors.begin_totp(user, session)
    with pytest.raises(SignInError, match="has ended"):
        factors.new_codes(user, session)
    with pytest.raises(SignInError, match="has ended"):
        story.by_code(user, half.session, code_of(secret), Where("203.0.113.9"))


def test_nobody_fills_the_database_with_challenges(desk: Served) -> None:
    many = Browser(desk, "198.51.100.77")
    found = [many.ask("POST", "/v1/session/passkey/options").status for _ in range(3 * ASKED)]
    assert found[:ASKED] == [200] * ASKED
    assert 429 in found
    assert Browser(desk, "198.51.100.78").ask("POST", "/v1/session/passkey/options").status == 200


@pytest.fixture
def _stopped(desk: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes while somebody tries."""
    at_us = now_us()
    monkeypatch.setattr(desk.service.desk.signing_in, "clock", lambda: at_us)


@pytest.mark.usefixtures("_stopped")
def test_no_spelling_of_a_name_tells_who_is_there_by_its_pauses(desk: Served) -> None:
    joined(desk, "olga")
    for name in ("olga", "nobody-like-olga"):
        browser = Browser(desk, f"203.0.113.{len(name)}")
        for _ in range(USER_PACE.free + 1):
            assert browser.sign_in(name, "not her password at all").status == 401
        assert {browser.sign_in(one).status for one in (name, name.title(), f" {name.upper()} ")} == {429}, name


def test_a_code_in_other_letters_is_a_wrong_one(desk: Served) -> None:
    one, _ = joined(desk, "otto")
    begun = one.ask("POST", "/v1/session/totp").json
    for code in ("１２３４５６", "😀", "12345é"):
        assert one.ask("PUT", "/v1/session/totp", {"id": begun["id"], "code": code}).status == 401
        assert one.ask("POST", "/v1/session/code", {"code": code}).status == 401


@pytest.mark.usefixtures("_stopped")
def test_pauses_grow_for_a_user_and_are_forgotten_with_success(desk: Served) -> None:
    one, secret = joined(desk, "paul")
    statuses = []
    for number in range(USER_PACE.free + 2):
        browser = Browser(desk, f"203.0.113.{number + 10}")
        statuses.append(browser.sign_in("paul", "not his password at all").status)
    assert statuses == [401] * (USER_PACE.free + 1) + [429]
    locked = Browser(desk).sign_in("paul", code=code_of(secret))
    assert (locked.status, locked.json["code"]) == (429, "TW-621")
    assert int(locked.headers["retry-after"]) >= 1
    # The session that he has goes on, and a passkey, which nobody can guess, lets him in.
    assert one.ask("GET", "/v1/session").status == 200
    device = Device()
    assert with_passkey(one, device).status == 200
    assert by_passkey(Browser(desk), device).status == 200
    # Another user is not kept out by it.
    joined(desk, "petra")
    assert Browser(desk).sign_in("petra").status == 200


@pytest.mark.usefixtures("_stopped")
def test_codes_have_a_count_of_their_own(desk: Served) -> None:
    joined(desk, "cleo")
    browser = Browser(desk)
    statuses = []
    for _ in range(USER_PACE.free + 2):
        # A right password in between does not make the guesses at the code any cheaper.
        assert browser.sign_in("cleo").status == 200
        statuses.append(browser.ask("POST", "/v1/session/code", {"code": "123 456"}).status)
    assert statuses == [401] * (USER_PACE.free + 1) + [429]


@pytest.mark.usefixtures("_stopped")
def test_an_address_that_tries_many_names_waits(desk: Served) -> None:
    statuses = [
        Browser(desk, f"2001:db8:1:9::{number:x}").sign_in(f"name{number}", "some password").status
        for number in range(ADDRESS_PACE.free + 2)
    ]
    assert statuses == [401] * (ADDRESS_PACE.free + 1) + [429]
    assert Browser(desk, "2001:db8:1:a::7").sign_in("anybody", "some password").status == 401


def test_a_password_change_ends_every_session(desk: Served) -> None:
    one, secret = joined(desk, "sam")
    other = Browser(desk)
    assert other.sign_in("sam", code=code_of(secret)).status == 200
    assert one.ask("PUT", "/v1/session/password", {"old": "wrong", "new": OTHER}).status == 401
    assert one.ask("PUT", "/v1/session/password", {"old": PASSWORD, "new": "short"}).status == 400
    before = one.cookie
    assert one.ask("PUT", "/v1/session/password", {"old": PASSWORD, "new": OTHER}).status == 200
    assert one.cookie != before
    assert one.ask("GET", "/v1/session").status == 200
    assert other.ask("GET", "/v1/session").status == 401
    assert Browser(desk).sign_in("sam").status == 401
    assert Browser(desk).sign_in("sam", OTHER).status == 200


def test_sessions_are_listed_and_ended(desk: Served) -> None:
    one, secret = joined(desk, "lea")
    other = Browser(desk, "198.51.100.9")
    assert other.ask("POST", "/v1/session", {"name": "lea", "password": PASSWORD, "code": code_of(secret)},
                     User_Agent="An\u00ff Agent").status == 200  # fmt: skip
    lines = one.ask("GET", "/v1/sessions").json["sessions"]
    assert [(line["this"], line["how"]) for line in lines] == [(True, "enrolled totp"), (False, "password+totp")]
    assert (lines[1]["address"], lines[1]["agent"]) == ("198.51.100.9", "Anÿ Agent")
    stranger, _ = joined(desk, "max")
    assert stranger.ask("DELETE", f"/v1/sessions/{lines[1]['id']}").status == 404
    assert one.ask("DELETE", f"/v1/sessions/{lines[1]['id']}").status == 200
    assert other.ask("GET", "/v1/session").status == 401
    assert one.ask("DELETE", "/v1/session").status == 200
    assert one.ask("GET", "/v1/session").status == 401


def test_sessions_end_by_themselves(desk: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    story = desk.service.desk.signing_in
    begun = now_us()
    later = 0
    monkeypatch.setattr(story, "clock", lambda: now_us() + later)
    one, _ = joined(desk, "tim")
    token = one.cookie
    rules = story.rules
    for later in (rules.idle_us // 2, rules.idle_us // 2 * 2, rules.idle_us // 2 * 3):  # noqa: B007 - the clock reads it
        assert story.look_up(token) is not None
    later = rules.idle_us // 2 * 3 + rules.idle_us
    assert story.look_up(token) is None
    later = 0
    while later < rules.lasts_us - rules.idle_us:
        later += rules.idle_us // 2
        story.look_up(token)
    later = rules.lasts_us + 1_000_000 - (now_us() - begun)
    assert story.look_up(token) is None
    story.sweep()
    assert story.store.sessions.of(one.told["user"]) == []


def test_a_passkey_alone_is_both_factors(desk: Served) -> None:
    _, secret = desk.service.desk.people.invite("pat", "Pat", ["reviewer"], actor="key:test")
    one = Browser(desk)
    assert one.use_link(secret).status == 200
    device = Device(count=1)
    added = with_passkey(one, device)
    assert added.status == 200, added.body
    assert (one.told["level"], len(one.told["recovery_codes"])) == ("full", 10)
    device.count = 2
    other = Browser(desk)
    assert by_passkey(other, device).status == 200
    assert (other.told["name"], other.told["level"]) == ("pat", "full")
    (line,) = [line for line in other.ask("GET", "/v1/sessions").json["sessions"] if line["this"]]
    assert line["how"] == "passkey"
    # A copy of it falls behind.
    assert by_passkey(Browser(desk), device).status == 401
    device.count = 3
    assert by_passkey(Browser(desk), device).status == 200
    (passkey,) = other.ask("GET", "/v1/session").json["passkeys"]
    refused = other.ask("DELETE", f"/v1/session/passkeys/{passkey['id']}")
    assert (refused.status, refused.json["detail"]) == (403, "it is the only second factor")
    other.enrol_totp()
    assert other.ask("DELETE", f"/v1/session/passkeys/{passkey['id']}").status == 200
    device.count = 4
    assert by_passkey(Browser(desk), device).status == 401
    assert other.ask("DELETE", "/v1/session/totp").status == 403


@pytest.mark.parametrize(
    "how", [{"origin": "https://trust.example.evil"}, {"site": "evil"}, {"verified": False}], ids=str
)
def test_a_passkey_of_elsewhere_or_without_its_owner_is_none(desk: Served, how: dict[str, Any]) -> None:
    _, secret = desk.service.desk.people.invite(f"dora{hash(str(how)) % 10**8}", "", ["reviewer"], actor="key:test")
    one = Browser(desk)
    assert one.use_link(secret).status == 200
    assert with_passkey(one, Device(**how)).status == 401
    good = Device()
    assert with_passkey(one, good).status == 200
    for name, value in how.items():
        setattr(good, name, value)
    assert by_passkey(Browser(desk), good).status == 401


def test_a_challenge_is_good_once_and_for_one_person(desk: Served) -> None:
    one, _ = joined(desk, "una")
    two, _ = joined(desk, "ugo")
    device = Device()
    asked = one.ask("POST", "/v1/session/passkeys/options").json
    wanted = {"id": asked["id"], "credential": device.make(asked["options"]), "name": "key"}
    assert two.ask("POST", "/v1/session/passkeys", wanted).status == 401
    assert one.ask("POST", "/v1/session/passkeys", wanted).status == 401
    assert with_passkey(one, device).status == 200
    asked = one.ask("POST", "/v1/session/passkey/options").json
    wanted = {"id": asked["id"], "credential": device.answer(asked["options"])}
    assert Browser(desk).ask("POST", "/v1/session/passkey", wanted).status == 200
    assert Browser(desk).ask("POST", "/v1/session/passkey", wanted).status == 401
    begun = one.ask("POST", "/v1/session/totp").json
    stolen = {"id": begun["id"], "code": code_of(begun["secret"])}
    assert two.ask("PUT", "/v1/session/totp", stolen).status == 401


@pytest.mark.parametrize(
    "credential", [{}, {"id": 5}, {"id": "AA", "response": {}}, {"id": "AA", "rawId": [], "type": {}, "response": "x"}]
)
def test_nonsense_for_a_passkey(desk: Served, credential: dict[str, Any]) -> None:
    one, _ = joined(desk, f"ivy{abs(hash(str(credential))) % 10**8}")
    asked = one.ask("POST", "/v1/session/passkeys/options").json
    assert one.ask("POST", "/v1/session/passkeys", {"id": asked["id"], "credential": credential}).status == 401
    asked = one.ask("POST", "/v1/session/passkey/options").json
    assert one.ask("POST", "/v1/session/passkey", {"id": asked["id"], "credential": credential}).status == 401


def test_the_cost_of_a_password(desk: Served) -> None:
    """Who was kept at another cost is kept at today's from the next sign-in on."""
    one, secret = joined(desk, "cosima")
    story = desk.service.desk.signing_in
    cheap, story.passwords = story.passwords, Passwords()
    try:
        assert Browser(desk).sign_in("cosima", code=code_of(secret)).status == 200
    finally:
        story.passwords = cheap
    user = desk.service.store.people.get(one.told["user"])
    assert user is not None
    assert user.password.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert one.ask("GET", "/v1/session").status == 200


def test_what_is_kept_opens_nothing(desk: Served) -> None:
    """Whoever reads the database has no password, session, link or recovery code to use."""
    one, _ = joined(desk, "vera")
    user = desk.service.store.people.named("vera")
    assert user is not None
    assert user.password.startswith("$argon2id$v=19$m=64,t=3,")
    secret = desk.service.desk.people.link(user, actor="key:test")
    (session,) = desk.service.store.sessions.of(user.id)
    texts = (one.cookie, secret, PASSWORD, *one.told["recovery_codes"])
    for stored in (user, session, *desk.service.store.audit.read(0, 100_000)):
        said = str(stored)
        assert not [text for text in texts if text in said]
    thief = Browser(desk)
    thief.cookie = session.hash
    assert thief.ask("GET", "/v1/session").status == 401
