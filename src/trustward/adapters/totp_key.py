"""Secrets of authenticators, encrypted with a key that lies in a file and not in the database.

What is kept is ``aes1.KEY.TEXT``: AES-256-GCM, which key it was (the beginning of its hash), and nonce and ciphertext
in base64. The user's id is bound to it: nobody gets another one's secret by copying a row.
"""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from threading import Lock

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trustward.adapters.key_files import key_file
from trustward.base.errors import SettingsError

KEY_FILE = "totp.key"
"""Its name in the data folder."""
_FILE = re.compile(rb"trustward-totp-1 ([0-9a-f]{64})\s*")
_MARK = "aes1."
_NONCE = 12


class TotpKey:
    """The port ``Sealing``. The file is read when it is first needed; may be called from any thread."""

    def __init__(self, path: Path, *, make: bool) -> None:
        self._path = path
        self._make = make
        self._lock = Lock()
        self._held: tuple[str, AESGCM] | None = None

    def seal(self, user: str, secret: str) -> str:
        """See :class:`trustward.ports.Sealing`."""
        name, cipher = self._key(make=self._make)
        nonce = secrets.token_bytes(_NONCE)
        text = urlsafe_b64encode(nonce + cipher.encrypt(nonce, secret.encode(), user.encode()))
        return f"{_MARK}{name}.{text.decode()}"

    def is_sealed(self, kept: str) -> bool:
        """See :class:`trustward.ports.Sealing`."""
        return kept.startswith(_MARK)

    def open(self, user: str, kept: str) -> str:
        """See :class:`trustward.ports.Sealing`."""
        if not self.is_sealed(kept):
            return kept
        said, _, text = kept.removeprefix(_MARK).partition(".")
        # A new key could not open it: none is made.
        name, cipher = self._key(make=False)
        if said != name:
            raise SettingsError(
                f"the secrets of authenticators are encrypted with the key {said}, {self._path} holds {name}",
                remedy=_RESTORE,
            )
        try:
            packed = urlsafe_b64decode(text)
            return cipher.decrypt(packed[:_NONCE], packed[_NONCE:], user.encode()).decode()
        except (InvalidTag, ValueError) as fault:
            raise SettingsError(
                f"the authenticator's secret of the user {user[:80]} is damaged, or another user's",
                remedy="trustward users reset NAME lets the user begin anew",
            ) from fault

    def _key(self, *, make: bool) -> tuple[str, AESGCM]:
        with self._lock:
            if self._held is None:
                self._held = self._read(make=make)
            return self._held

    def _read(self, *, make: bool) -> tuple[str, AESGCM]:
        if not make and not self._path.exists():
            raise SettingsError(f"there is no key for authenticators: {self._path}", remedy=_RESTORE)
        found = _FILE.fullmatch(key_file(self._path, "authenticators", _new if make else None))
        if found is None:
            raise SettingsError(f"this is no key for authenticators: {self._path}", remedy=_RESTORE)
        key = bytes.fromhex(found[1].decode())
        return sha256(b"trustward-totp" + key).hexdigest()[:8], AESGCM(key)


_RESTORE = (
    "restore the file, or set totp_key to where it is; without it trustward users reset NAME lets each user begin anew"
)


def _new() -> bytes:
    return f"trustward-totp-1 {secrets.token_hex(32)}\n".encode()
