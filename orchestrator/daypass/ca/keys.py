"""The CA's own key: made, and read once."""

from __future__ import annotations

from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from daypass.ca.public_keys import MIN_RSA_BITS, PublicKeyRefused, check_public_key
from daypass.domain.secrets import Secret
from daypass.errors import SigningError

CaKeyKind = Literal["ed25519", "ecdsa", "rsa"]
CaPrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey
NOT_REPLACED = "put the right file back from the backup; `daypass init` makes a key only where there is none"
_OPENSSH_HEADER = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def generate_ca_key(kind: CaKeyKind = "ed25519") -> Secret:
    """A new CA key as OpenSSH PEM without passphrase: ed25519, ecdsa (nistp256) or rsa (3072 bits)."""
    key: CaPrivateKey
    if kind == "ed25519":
        key = Ed25519PrivateKey.generate()
    elif kind == "ecdsa":
        key = generate_private_key(SECP256R1())
    else:
        key = generate_rsa_key(public_exponent=65537, key_size=MIN_RSA_BITS)
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def load_ca_key(secret: Secret) -> CaPrivateKey:
    """Read a CA key from its PEM text.

    Raises:
        SigningError: `ca_key_encrypted`, `ca_key_unreadable`, `ca_key_type`; the key itself is never quoted.
    """
    pem = secret.reveal()
    load = load_ssh_private_key if _OPENSSH_HEADER in pem else load_pem_private_key
    try:
        key = load(pem, password=None)
    except TypeError:  # how cryptography says that a passphrase is missing
        raise SigningError(
            "The CA key is encrypted with a passphrase; Daypass needs it without one.",
            hint="remove it with: ssh-keygen -p -f FILE; then keep the file 0600 or in a secret store",
            code="ca_key_encrypted",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SigningError(
            "The CA key can't be read as an OpenSSH or PEM private key.",
            hint=NOT_REPLACED,
            code="ca_key_unreadable",
        ) from None
    if not isinstance(key, CaPrivateKey) or not _signs_well(key):
        raise SigningError(
            f"The CA key's kind isn't allowed: ed25519, ecdsa and rsa from {MIN_RSA_BITS} bits are.",
            hint=NOT_REPLACED,
            code="ca_key_type",
        )
    return key


def public_line(key: CaPrivateKey) -> str:
    """`TYPE BASE64` of the CA's public key, for key lines on servers."""
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")


def _signs_well(key: CaPrivateKey) -> bool:
    """The CA's key meets the demands on everybody's key (length, curve)."""
    try:
        check_public_key(public_line(key))
    except (PublicKeyRefused, ValueError, UnsupportedAlgorithm):
        return False
    return True
