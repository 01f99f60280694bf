"""Whether a document is signed by whom it names: Ed25519 keys, certificates with Ed25519, RSA or elliptic curves."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as BadBase64
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from trustward.base.errors import RegimeError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

_MARK = "-----BEGIN CERTIFICATE-----"


def key_of(pem: str, at_us: int) -> tuple[CertificatePublicKeyTypes, str]:
    """The public key of a PEM text, and its SHA-256 fingerprint. A certificate has to be valid at a time.

    Raises RegimeError for a text that holds none, UsageError for a certificate that is not valid then.
    """
    from cryptography import x509  # noqa: PLC0415 - only who checks signatures loads it
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - the same
        Encoding,
        PublicFormat,
        load_pem_public_key,
    )

    try:
        if _MARK in pem:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            at = datetime.fromtimestamp(at_us / 1e6, UTC)
            if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
                raise UsageError(
                    "the issuer's certificate is not valid at this time", remedy="ask for the new one, or call back"
                )
            key = certificate.public_key()
        else:
            key = load_pem_public_key(pem.encode())  # type: ignore[assignment]  # other kinds are refused below
        fingerprint = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    except ValueError as fault:
        raise RegimeError(f"the issuer's key cannot be read: {fault}", remedy="give it as PEM") from fault
    return key, fingerprint


def fits(pem: str, document: bytes, signature: bytes, at_us: int) -> tuple[bool, str]:
    """Whether a detached signature is this key's over these bytes, and the key's fingerprint. Raises as :func:`key_of`.

    RSA: PKCS #1 v1.5 or PSS with SHA-256; elliptic curves: ECDSA with SHA-256 in DER.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only who checks signatures loads it
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa  # noqa: PLC0415 - the same
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - the same

    key, fingerprint = key_of(pem, at_us)
    pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
    for way in (padding.PKCS1v15(), pss):
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, document)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, document, ec.ECDSA(SHA256()))
            elif isinstance(key, rsa.RSAPublicKey):
                if key.key_size < 2048:
                    raise RegimeError("the issuer's RSA key is shorter than 2048 bits", remedy="ask for a longer one")
                key.verify(signature, document, way, SHA256())
            else:
                raise RegimeError("the issuer's key is of a kind that is not read", remedy="Ed25519, RSA or ECDSA")
        except InvalidSignature:
            continue
        return True, fingerprint
    return False, fingerprint


def decoded(text: str, what: str) -> bytes:
    """The bytes of a text in base64. Raises UsageError.

    >>> decoded("aGk=", "signature")
    b'hi'
    """
    try:
        return b64decode(text, validate=True)
    except (BadBase64, ValueError) as fault:
        raise UsageError(f"{what}: not base64: {fault}", remedy="send the bytes in base64") from fault
