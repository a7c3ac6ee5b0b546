"""The CA's own key."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from daypass.ca.keys import generate_ca_key
from daypass.ca.signer import LocalSigner
from daypass.domain.secrets import Secret
from daypass.errors import SigningError

from .conftest import needs_ssh_keygen, run_ssh_keygen


def refusal(pem: bytes) -> str:
    with pytest.raises(SigningError) as caught:
        LocalSigner(Secret(pem))
    assert caught.value.hint
    return caught.value.code


@needs_ssh_keygen
@pytest.mark.parametrize(("kind", "shown"), [("ed25519", "256"), ("ecdsa", "256"), ("rsa", "3072")])
def test_new_key_is_one_that_openssh_reads(kind, shown, tmp_path):
    """The key file can be used, and replaced, with OpenSSH's own tools."""
    key = generate_ca_key(kind)
    path = tmp_path / "ca"
    path.touch(mode=0o600)
    path.write_bytes(key.reveal())
    assert run_ssh_keygen("-l", "-f", str(path)).startswith(f"{shown} SHA256:")
    assert run_ssh_keygen("-y", "-f", str(path)).split()[:2] == LocalSigner(key).public_key.split()


@needs_ssh_keygen
def test_encrypted_openssh_key_is_refused_with_the_command_that_helps(tmp_path):
    """Nobody is there to type a passphrase when reconcile runs."""
    run_ssh_keygen("-q", "-t", "ed25519", "-N", "a passphrase", "-f", str(tmp_path / "ca"))
    assert refusal((tmp_path / "ca").read_bytes()) == "ca_key_encrypted"


def test_encrypted_pkcs8_key_is_refused():
    """The same, in the other format."""
    encryption = BestAvailableEncryption(b"a passphrase")
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    assert refusal(pem) == "ca_key_encrypted"


def test_pkcs8_key_works():
    """Secret stores often hold PKCS#8."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert LocalSigner(Secret(pem)).public_key.startswith("ssh-ed25519 ")


def test_short_rsa_key_is_refused():
    """The CA's key meets the demands on everybody's key."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    assert refusal(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())) == "ca_key_type"


def test_key_that_signs_nothing_is_refused():
    """An x25519 key is a private key, but none that signs."""
    pem = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert refusal(pem) == "ca_key_type"


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_garbage_is_refused_without_quoting_it(content):
    """A secret that can't be read may still be a secret."""
    assert refusal(content) == "ca_key_unreadable"
    with pytest.raises(SigningError) as caught:
        LocalSigner(Secret(b"not-a-key-but-secret"))
    assert "not-a-key" not in str(caught.value) + caught.value.hint
