"""An authority of the story: it signs what it orders, and the service knows its key."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Police:
    """An issuer of orders with an Ed25519 key made for the story."""

    issuer = "story-police"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def sign(self, document: bytes) -> bytes:
        """A detached signature."""
        return self._key.sign(document)

    def regime(self) -> str:
        """The file with which a service says that it knows this key."""
        pem = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        lines = ("[[issuers]]", f'id = "{self.issuer}"', 'name = "Police of the story"', 'market = "SG"')
        return "\n".join((*lines, f'public_key = """\n{pem}"""\n'))
