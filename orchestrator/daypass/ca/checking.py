"""What came back from a signer, compared with what was asked for; then its signature."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from daypass.ca.parsing import ParsedCertificate, parse_certificate
from daypass.ca.public_keys import CERTIFICATE_MARK, blob_of
from daypass.ca.sk_certificates import USER_CERTIFICATE, ecdsa_hash
from daypass.ca.wire import Reader, WireError, positive_mpint
from daypass.domain.certificates import CertificateSpec
from daypass.errors import SigningError

MIN_NONCE_BYTES = 16  # OpenSSH writes 32; without a nonce, collisions can be prepared (PROTOCOL.certkeys)


def check_certificate(text: str, spec: CertificateSpec, ca_public_key: str) -> None:
    """Prove that `text` is the certificate of `spec`, signed by `ca_public_key`, and nothing else.

    Args:
        text: `TYPE BASE64`.
        ca_public_key: `TYPE BASE64` of the CA that is trusted, from a source other than the certificate.

    Raises:
        SigningError: `certificate_unreadable`, `certificate_mismatch` (it names the field) or
            `certificate_signature`.
    """
    found = parse_certificate(text)
    for field, value, wanted in _fields(found, spec, ca_public_key):
        if value != wanted:
            raise SigningError(
                f"The signed certificate is not what was asked for: {field} differs; it was thrown away.",
                code="certificate_mismatch",
            )
    if len(found.nonce) < MIN_NONCE_BYTES:
        raise SigningError(
            "The signed certificate has no good nonce; it was thrown away.",
            code="certificate_mismatch",
        )
    try:
        _verify(found, ca_public_key)
    except (InvalidSignature, WireError):
        raise SigningError(
            "The certificate's signature is not the CA's; it was thrown away.", code="certificate_signature"
        ) from None


def _fields(
    found: ParsedCertificate, spec: CertificateSpec, ca_public_key: str
) -> tuple[tuple[str, object, object], ...]:
    """(name, found, wanted) of each field of a certificate."""
    key_blob = blob_of(spec.public_key)
    key = Reader(key_blob)
    key_type = key.string().decode("ascii").removesuffix("@openssh.com") + CERTIFICATE_MARK
    options = tuple(sorted((name.encode(), value.encode()) for name, value in spec.critical_options.items()))
    return (
        ("type", found.type, key_type),
        ("public key", found.key_fields, key_blob[key.position :]),
        ("serial", found.serial, spec.serial),
        ("kind", found.kind, USER_CERTIFICATE),
        ("key id", found.key_id, spec.key_id.encode()),
        ("principals", found.principals, (spec.principal.encode(),)),
        ("valid after", found.valid_after, int(spec.valid_after.timestamp())),
        ("valid before", found.valid_before, int(spec.valid_before.timestamp())),
        ("critical options", found.options, options),
        ("extensions", found.extensions, tuple(sorted((name.encode(), b"") for name in spec.extensions))),
        ("reserved", found.reserved, b""),
        ("CA key", found.signature_key, blob_of(ca_public_key)),
    )


@lru_cache(maxsize=8)
def _load(ca_public_key: str) -> object:
    return load_ssh_public_key(ca_public_key.encode("ascii"))


def _verify(found: ParsedCertificate, ca_public_key: str) -> None:
    """Raises: InvalidSignature or WireError: wrong algorithm, wrong form, wrong signature."""
    key = _load(ca_public_key)
    reader = Reader(found.signature)
    algorithm, signature = reader.string(), reader.string()
    reader.finish()
    if isinstance(key, Ed25519PublicKey) and algorithm == b"ssh-ed25519":
        key.verify(signature, found.signed_part)
    elif isinstance(key, RSAPublicKey) and algorithm == b"rsa-sha2-512":
        key.verify(signature, found.signed_part, PKCS1v15(), SHA512())
    elif isinstance(key, EllipticCurvePublicKey) and algorithm == f"ecdsa-sha2-nistp{key.key_size}".encode():
        key.verify(_der(signature), found.signed_part, ECDSA(ecdsa_hash(key.key_size)))
    else:
        raise WireError("the signature is of another algorithm than the CA's")


def _der(signature: bytes) -> bytes:
    reader = Reader(signature)
    r, s = positive_mpint(reader.string()), positive_mpint(reader.string())
    reader.finish()
    return encode_dss_signature(r, s)
