"""A person with a browser: cookie, page's token, authenticator; and a passkey made of a real key pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import cbor2
import pyotp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url

from tests.api.served import Answer, Served
from trustward.base.clock import now_us

ORIGIN = "https://trust.example"
SITE = "trust.example"
PASSWORD = "seven blue horses sing"
OTHER = "eight red donkeys dance"


class Browser:
    """Keeps the cookie, and says where its requests come from."""

    def __init__(self, one: Served, address: str = "203.0.113.1") -> None:
        self.one = one
        self.address = address
        self.cookie = ""
        self.csrf = ""
        self.told: dict[str, Any] = {}

    def ask(self, method: str, path: str, json: Any = None, **headers: str) -> Answer:
        said = {"X-Forwarded-For": self.address, "Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
        if self.cookie:
            said["Cookie"] = f"other=1; __Host-trustward={self.cookie}"
        if self.csrf:
            said["Trustward-CSRF"] = self.csrf
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        said = {name: value for name, value in said.items() if value}
        answer = self.one.ask(method, path, json=json, key="", headers=said)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
        if answer.status == 200 and "csrf" in answer.json:
            self.told = answer.json
            self.csrf = self.told["csrf"]
        return answer

    def sign_in(self, name: str, password: str = PASSWORD, code: str = "") -> Answer:
        return self.ask("POST", "/v1/session", {"name": name, "password": password, "code": code})

    def use_link(self, secret: str, password: str = PASSWORD, name: str = "") -> Answer:
        return self.ask("POST", "/v1/session/link", {"token": secret, "password": password, "name": name})

    def enrol_totp(self) -> str:
        """An authenticator, put in force; its secret."""
        begun = self.ask("POST", "/v1/session/totp")
        assert begun.status == 200, begun.body
        secret: str = begun.json["secret"]
        done = self.ask("PUT", "/v1/session/totp", {"id": begun.json["id"], "code": code_of(secret, -1)})
        assert done.status == 200, done.body
        return secret


def code_of(secret: str, later: int = 0) -> str:
    """The authenticator's code of now, or of some half minutes later."""
    return pyotp.TOTP(secret).at(for_time=now_us() // 1_000_000, counter_offset=later)


def joined(one: Served, name: str, *roles: str) -> tuple[Browser, str]:
    """Somebody who was invited with these roles and is signed in, and the secret of the authenticator."""
    story = one.service.desk.people
    _, secret = story.invite(name, name.title(), roles or ("analyst",), actor="key:test")
    browser = Browser(one)
    assert browser.use_link(secret).status == 200
    return browser, browser.enrol_totp()


class Device:
    """A security key: answers challenges as a browser would hand them on."""

    def __init__(self, *, origin: str = ORIGIN, site: str = SITE, verified: bool = True, count: int = 0) -> None:
        self.origin = origin
        self.site = site
        self.verified = verified
        self.count = count
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.id = sha256(self._key.private_numbers().private_value.to_bytes(32, "big")).digest()

    def _seen(self, kind: str, options: Mapping[str, Any]) -> bytes:
        seen = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(seen).encode()

    def _data(self, *, fresh: bool) -> bytes:
        flags = 0x01 | (0x04 if self.verified else 0) | (0x40 if fresh else 0)
        data = sha256(self.site.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")
        if fresh:
            point = self._key.public_key().public_numbers()
            key = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
            data += bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(key)
        return data

    def make(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.create`` gives."""
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(fresh=True)})
        response = {"clientDataJSON": self._seen("webauthn.create", options), "attestationObject": attested}
        return self._credential(response)

    def answer(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.get`` gives."""
        seen, data = self._seen("webauthn.get", options), self._data(fresh=False)
        signature = self._key.sign(data + sha256(seen).digest(), ec.ECDSA(SHA256()))
        return self._credential({"clientDataJSON": seen, "authenticatorData": data, "signature": signature})

    def _credential(self, response: Mapping[str, bytes]) -> dict[str, Any]:
        name = bytes_to_base64url(self.id)
        told = {key: bytes_to_base64url(value) for key, value in response.items()}
        return {"id": name, "rawId": name, "type": "public-key", "response": told, "clientExtensionResults": {}}


def with_passkey(browser: Browser, device: Device) -> Answer:
    """Add a passkey."""
    asked = browser.ask("POST", "/v1/session/passkeys/options")
    assert asked.status == 200, asked.body
    wanted = {"id": asked.json["id"], "credential": device.make(asked.json["options"]), "name": "key"}
    return browser.ask("POST", "/v1/session/passkeys", wanted)


def by_passkey(browser: Browser, device: Device) -> Answer:
    """Sign in with a passkey."""
    asked = browser.ask("POST", "/v1/session/passkey/options")
    assert asked.status == 200, asked.body
    wanted = {"id": asked.json["id"], "credential": device.answer(asked.json["options"])}
    return browser.ask("POST", "/v1/session/passkey", wanted)
