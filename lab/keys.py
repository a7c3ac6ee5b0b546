"""SSH key pairs for hosts and connectors."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@dataclass(frozen=True)
class KeyPair:
    """An ed25519 pair: the private half as OpenSSH writes it, the public half as one line."""

    private: str = field(repr=False)
    public: str


def new_key(comment: str) -> KeyPair:
    """Make a pair without a passphrase: it opens throwaway hosts on loopback addresses only."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return KeyPair(private.decode(), f"{public.decode()} {comment}")
