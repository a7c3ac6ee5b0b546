"""Certificates for keys in security tokens (`sk-…`), which the library's builder can't sign.

The body is written as OpenSSH's PROTOCOL.certkeys and PROTOCOL.u2f say; all else goes through the builder.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from daypass.ca.keys import CaPrivateKey, public_line
from daypass.ca.public_keys import CERTIFICATE_MARK, blob_of
from daypass.ca.wire import Reader, mpint, string
from daypass.domain.certificates import CertificateSpec

USER_CERTIFICATE = 1  # SSH_CERT_TYPE_USER


def ecdsa_hash(bits: int) -> HashAlgorithm:
    """The hash that goes with a curve (RFC 5656, section 6.2.1)."""
    return {256: SHA256(), 384: SHA384(), 521: SHA512()}[bits]


def sign_sk_certificate(spec: CertificateSpec, ca_key: CaPrivateKey) -> str:
    """`TYPE BASE64` of a user certificate for a checked `sk-…` key."""
    key = Reader(blob_of(spec.public_key))
    key_type = key.string().decode("ascii").removesuffix("@openssh.com") + CERTIFICATE_MARK
    key_fields = blob_of(spec.public_key)[key.position :]
    body = string(key_type.encode("ascii")) + string(os.urandom(32)) + key_fields + _fields(spec)
    body += string(blob_of(public_line(ca_key)))
    body += string(_signature(ca_key, body))
    return f"{key_type} {base64.b64encode(body).decode('ascii')}"


def _fields(spec: CertificateSpec) -> bytes:
    """Everything between the public key and the CA's key."""
    values = spec.critical_options.items()
    options = ((name.encode("ascii"), string(value.encode("utf-8"))) for name, value in values)
    extensions = ((name.encode("ascii"), b"") for name in spec.extensions)
    return b"".join(
        (
            spec.serial.to_bytes(8, "big"),
            USER_CERTIFICATE.to_bytes(4, "big"),
            string(spec.key_id.encode("ascii")),
            string(string(spec.principal.encode("ascii"))),
            int(spec.valid_after.timestamp()).to_bytes(8, "big"),
            int(spec.valid_before.timestamp()).to_bytes(8, "big"),
            string(_named(options)),
            string(_named(extensions)),
            string(b""),  # reserved
        )
    )


def _named(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(string(name) + string(value) for name, value in sorted(pairs))


def _signature(ca_key: CaPrivateKey, body: bytes) -> bytes:
    """Algorithm and signature (RFC 8709, RFC 5656 section 3.1.2, RFC 8332)."""
    if isinstance(ca_key, Ed25519PrivateKey):
        return string(b"ssh-ed25519") + string(ca_key.sign(body))
    if isinstance(ca_key, EllipticCurvePrivateKey):
        bits = ca_key.curve.key_size
        r, s = decode_dss_signature(ca_key.sign(body, ECDSA(ecdsa_hash(bits))))
        return string(f"ecdsa-sha2-nistp{bits}".encode("ascii")) + string(mpint(r) + mpint(s))
    return string(b"rsa-sha2-512") + string(ca_key.sign(body, PKCS1v15(), SHA512()))
