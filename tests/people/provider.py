"""A small provider of OpenID Connect over HTTP: discovery, authorize, token, keys. It can be told to misbehave."""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import RSAKey

from trustward.base.clock import now_us

CLIENT, SECRET = "trustward", "a secret of the client"


class Provider(ThreadingHTTPServer):
    """``who`` is signed in there; ``claims``, ``header`` and ``key`` make a token what it should not be."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = self.good = RSAKey.generate_key(2048, {"kid": "one"})
        self.shown = [self.good]
        self.calm()
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def calm(self) -> None:
        """Behave."""
        self.who: dict[str, Any] = {"sub": "s-1", "preferred_username": "Olga", "name": "Olga", "groups": ["fraud"]}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.key = self.good
        self.token: str | None = None

    def id_token(self, nonce: str) -> str:
        if self.token is not None:
            return self.token
        now = now_us() // 1_000_000
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce, **self.who}
        claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        header = {"alg": "RS256", "kid": "one", **self.header}
        if header["alg"] == "RS256" and "crit" not in header:
            return jwt.encode(header, claims, self.key, algorithms=["RS256"])
        # A library makes no such token: by hand, then.
        parts = (urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
        said = b".".join(parts)
        return (said + b"." + urlsafe_b64encode(self._signature(header["alg"], said)).rstrip(b"=")).decode()

    def _signature(self, alg: str, said: bytes) -> bytes:
        if alg == "none":
            return b""
        if alg == "RS256":
            assert self.good.private_key is not None
            return self.good.private_key.sign(said, PKCS1v15(), SHA256())
        # Signed with what everybody knows, the public key, or with the shared secret.
        secret = self.good.as_pem(private=False) if alg == "HS256" else SECRET.encode()
        return hmac.digest(secret, said, "sha256" if alg == "HS256" else "sha512")


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(parts.path)
        base = self.server.issuer
        if parts.path == "/.well-known/openid-configuration":
            found = {
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize?tenant=1",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/keys",
            }
            self._json(200, {**found, **self.server.document})
        elif parts.path == "/keys":
            self._json(200, {"keys": [key.as_dict(private=False) for key in self.server.shown]})
        elif parts.path == "/authorize":
            asked = dict(parse_qsl(parts.query))
            assert asked["tenant"] == "1"
            assert asked["response_type"] == "code"
            assert asked["client_id"] == CLIENT
            assert asked["code_challenge_method"] == "S256"
            assert "openid" in asked["scope"].split()
            code = secrets.token_urlsafe(16)
            self.server.codes[code] = asked
            back = urlencode({"code": code, "state": asked["state"], "iss": base})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        else:
            self._json(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self.server.codes.pop(form.get("code", ""), None)
        verifier = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        good = asked is not None and (
            verifier == asked["code_challenge"]
            and form["redirect_uri"] == asked["redirect_uri"]
            and (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        )
        if asked is None or not good:
            self._json(400, {"error": "invalid_grant"})
            return
        self._json(200, {"access_token": "x", "token_type": "Bearer", "id_token": self.server.id_token(asked["nonce"])})

    def _json(self, status: int, found: Any) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that runs."""
    provider = Provider()
    thread = Thread(target=provider.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        provider.server_close()
        thread.join(10)
