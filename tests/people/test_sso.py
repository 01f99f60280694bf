"""Single sign-on against a provider that runs, and against one that lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc.jwk import RSAKey

from tests.api.served import Answer, Served, served
from tests.people.kit import ORIGIN, PASSWORD, Browser
from tests.people.provider import CLIENT, SECRET, Provider, providing
from trustward.adapters.oidc import OidcProvider
from trustward.base.clock import now_us
from trustward.base.errors import SettingsError, UnavailableError
from trustward.bootstrap import signing_in, single_sign_on
from trustward.settings import Settings

ROLES = ("fraud=analyst", "leads=analyst", "leads=senior-reviewer", "a=b=auditor")


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Served, Provider]]:
    with (
        providing() as provider,
        served(origin=ORIGIN, sso_issuer=provider.issuer, sso_client=CLIENT, sso_secret=SECRET, sso_roles=ROLES) as one,
    ):
        yield one, provider


@pytest.fixture(autouse=True)
def _calm(pair: tuple[Served, Provider]) -> None:
    pair[1].calm()
    pair[0].service.store.attempts.sweep(now_us() + 1)


class Coming:
    """A browser on its way to the provider and back."""

    def __init__(self, one: Served, provider: Provider) -> None:
        self.one = one
        one.service.desk._asked.clear()
        begun = one.ask("GET", "/v1/sso/begin", key="")
        assert begun.status == 303, begun.body
        self.cookie = begun.headers["set-cookie"]
        parts = urlsplit(begun.headers["location"])
        connection = HTTPConnection(parts.netloc)
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        response.read()
        connection.close()
        self.back = urlsplit(response.headers["Location"])
        self.asked = dict(parse_qsl(self.back.query))

    def arrive(self, *, cookie: bool = True, **other: str) -> Answer:
        asked = {name: value for name, value in {**self.asked, **other}.items() if value}
        headers = {"Cookie": self.cookie.partition(";")[0]} if cookie else {}
        return self.one.ask("GET", f"{self.back.path}?{urlencode(asked)}", key="", headers=headers)


def signed(answer: Answer, one: Served) -> Browser:
    assert answer.status == 200, answer.body
    browser = Browser(one)
    browser.cookie = dict(answer.cookies)["__Host-trustward"]
    assert browser.ask("GET", "/v1/session").status == 200
    return browser


def test_a_person_comes_by_the_provider(pair: tuple[Served, Provider]) -> None:
    one, provider = pair
    coming = Coming(one, provider)
    assert coming.back.geturl().startswith(f"{ORIGIN}/v1/sso/return?")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(coming.cookie.split("; "))
    answer = coming.arrive()
    assert answer.headers["content-type"].startswith("text/html")
    olga = signed(answer, one)
    assert (olga.told["name"], olga.told["roles"], olga.told["level"]) == ("olga", ["analyst"], "full")
    user = olga.told["user"]
    # Other groups are other roles, and the sessions of before end.
    provider.who["groups"] = ["leads", "x"]
    again = signed(Coming(one, provider).arrive(), one)
    assert (again.told["user"], again.told["roles"]) == (user, ["analyst", "senior-reviewer"])
    assert olga.ask("GET", "/v1/session").status == 401
    # No group with a role is no entry, and an end.
    provider.who["groups"] = ["nobody"]
    assert Coming(one, provider).arrive().status == 403
    assert again.ask("GET", "/v1/session").status == 401
    rows = [row for row in one.service.store.audit.read(0, 10_000) if row.subject == f"user:{user}"]
    assert [row.action for row in rows] == ["user.joined", "session.began", "user.roles", "session.began", "user.roles"]


def test_there_is_no_way_past_the_provider(pair: tuple[Served, Provider]) -> None:
    one, provider = pair
    provider.who |= {"sub": "s-past", "preferred_username": "past"}
    browser = signed(Coming(one, provider).arrive(), one)
    for method, path, body in (
        ("PUT", "/v1/session/password", {"new": PASSWORD}),
        ("POST", "/v1/session/totp", None),
        ("POST", "/v1/session/passkeys/options", None),
    ):
        assert browser.ask(method, path, body).json["detail"] == "you sign in at your provider"
    admin = one.make_key("admin")
    name = browser.told["user"]
    for path in ("link", "reset"):
        assert one.ask("POST", f"/v1/users/{name}/{path}", key=admin).status == 403
    assert browser.sign_in("past", "").status == 401
    assert one.ask("POST", f"/v1/users/{name}/disable", key=admin).status == 200
    assert Coming(one, provider).arrive().status == 401


def test_names_that_are_taken_or_none(pair: tuple[Served, Provider]) -> None:
    one, provider = pair
    provider.who |= {"sub": "s-2", "preferred_username": "twin"}
    assert signed(Coming(one, provider).arrive(), one).told["name"] == "twin"
    provider.who |= {"sub": "s-3", "email": "twin@x.example", "name": 5}
    assert signed(Coming(one, provider).arrive(), one).told["name"] == "twin@x.example"
    provider.who |= {"sub": "s-4", "preferred_username": "a b\n", "email": None}
    assert signed(Coming(one, provider).arrive(), one).told["name"].startswith("sso-")
    provider.who |= {"sub": "s-5", "groups": "a=b"}
    assert signed(Coming(one, provider).arrive(), one).told["roles"] == ["auditor"]


NOW = now_us() // 1_000_000
LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "no issuer": {"claims": {"iss": None}},
    "another audience": {"claims": {"aud": "other"}},
    "no audience": {"claims": {"aud": None}},
    "an audience of numbers": {"claims": {"aud": 7}},
    "several audiences, and nobody it was given to": {"claims": {"aud": [CLIENT, "other"]}},
    "given to another": {"claims": {"aud": [CLIENT, "other"], "azp": "other"}},
    "over": {"claims": {"exp": NOW - 3_600}},
    "no end": {"claims": {"exp": None}},
    "an end that is a text": {"claims": {"exp": str(NOW + 3_600)}},
    "an end that is a flag": {"claims": {"exp": True}},
    "old": {"claims": {"iat": NOW - 3_600}},
    "of the future": {"claims": {"iat": NOW + 3_600, "exp": NOW + 7_200}},
    "not yet good": {"claims": {"nbf": NOW + 3_600}},
    "another nonce": {"claims": {"nonce": "other"}},
    "no nonce": {"claims": {"nonce": None}},
    "nobody": {"claims": {"sub": ""}},
    "a number for a name": {"claims": {"sub": 5}},
    "no signature": {"header": {"alg": "none"}},
    "signed with the public key": {"header": {"alg": "HS256"}},
    "signed with the client's secret": {"header": {"alg": "HS512"}},
    "signed with another key": {"key": RSAKey.generate_key(2048, {"kid": "one"})},
    "a key that is not there": {"header": {"kid": "two"}},
    "something critical": {"header": {"crit": ["x"], "x": 1}},
    "no token": {"token": "x.y"},
    "an empty token": {"token": ".."},
    "an encrypted token": {"token": "a.b.c.d.e"},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_a_liar_says_lets_nobody_in(pair: tuple[Served, Provider], lie: str) -> None:
    one, provider = pair
    provider.who |= {"sub": "s-liar", "preferred_username": "liar"}
    coming = Coming(one, provider)
    for name, value in LIES[lie].items():
        setattr(provider, name, value)
    answer = coming.arrive()
    assert (answer.status, answer.json["code"]) == (401, "TW-601"), answer.body
    assert "set-cookie" not in answer.headers
    assert one.service.store.people.named("liar") is None


def test_a_way_back_is_good_once_and_for_the_browser_that_began(pair: tuple[Served, Provider]) -> None:
    one, provider = pair
    coming, other = Coming(one, provider), Coming(one, provider)
    assert coming.arrive(cookie=False).status == 401
    assert coming.arrive(state="0" * 64).status == 401
    assert coming.arrive(state="").status == 401
    # Another browser's cookie voids the way: nobody can be signed in as somebody else's guest.
    stolen = Coming(one, provider)
    stolen.cookie = other.cookie
    assert stolen.arrive().status == 401
    assert stolen.arrive().status == 401
    assert coming.arrive().status == 200
    assert coming.arrive().status == 401
    changes: list[dict[str, Any]] = [
        {"code": ""},
        {"code": "x"},
        {"iss": "https://evil.example"},
        {"code": "", "error": "access_denied"},
    ]
    for change in changes:
        assert Coming(one, provider).arrive(**change).status == 401
    # A code of another sign-in does not fit this one's verifier.
    first, second = Coming(one, provider), Coming(one, provider)
    assert first.arrive(code=second.asked["code"]).status == 401


def test_new_keys_are_found(pair: tuple[Served, Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    one, provider = pair
    from trustward.adapters import oidc

    monkeypatch.setattr(oidc, "_AGAIN_S", 0.0)
    assert Coming(one, provider).arrive().status == 200
    fresh = RSAKey.generate_key(2048, {"kid": "next"})
    monkeypatch.setattr(provider, "shown", [provider.good, fresh])
    coming = Coming(one, provider)
    provider.key, provider.header = fresh, {"kid": "next"}
    assert coming.arrive().status == 200


def test_a_provider_that_is_gone_or_somebody_else(pair: tuple[Served, Provider]) -> None:
    _, provider = pair
    for document in ({"issuer": "https://evil.example"}, {"issuer": None}):
        provider.document = document
        with closing(OidcProvider(provider.issuer)) as asked, pytest.raises(UnavailableError):
            asked.discover()
    with closing(OidcProvider(provider.issuer)) as asked:
        for url in ("http://192.0.2.1/keys", "ftp://x/keys", f"{provider.issuer}/none"):
            with pytest.raises(UnavailableError):
                asked.keys(url, fresh=False)
    with closing(OidcProvider("http://127.0.0.1:9")) as asked, pytest.raises(UnavailableError):
        asked.discover()


@pytest.mark.parametrize(
    "how",
    [
        {"sso_issuer": "http://id.example"},
        {"sso_client": ""},
        {"sso_roles": ()},
        {"sso_roles": ("fraud=king",)},
        {"sso_roles": ("=analyst",)},
    ],
    ids=str,
)
def test_settings_that_are_none(pair: tuple[Served, Provider], how: dict[str, Any]) -> None:
    good = {"sso_issuer": "https://id.example", "sso_client": "x", "sso_roles": ("fraud=analyst",)}
    settings = Settings(**{**good, **how})
    story = signing_in(settings, pair[0].service.store)
    with pytest.raises(SettingsError):
        single_sign_on(settings, story)
    found = single_sign_on(Settings(**good), story)  # type: ignore[arg-type]
    assert found is not None
    found.close()


def test_without_it() -> None:
    with served() as plain:
        for path in ("/v1/sso/begin", "/v1/sso/return"):
            assert plain.ask("GET", path, key="").status == 404
