from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from daypass.inventory import host_key_text
from daypass.inventory.host_key_text import check_host_key, fingerprint
from daypass.inventory.problems import FieldRefused


def line(private_key) -> str:
    return private_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def wire(*fields: bytes) -> str:
    """A key line made of these strings (RFC 4253 section 6.6); the first is its type."""
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return f"{fields[0].decode()} {base64.b64encode(blob).decode()}"


ED25519 = line(ed25519.Ed25519PrivateKey.generate())
GOOD = [
    ED25519,
    line(rsa.generate_private_key(65537, 2048)),
    *(line(ec.generate_private_key(curve)) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())),
]


@pytest.mark.parametrize("key", GOOD, ids=lambda key: key.split(" ")[0])
def test_key_that_ssh_makes_is_taken(key):
    """Every type that servers have today."""
    load_ssh_public_key(key.encode())
    assert check_host_key(key) == key


BLOB = base64.b64decode(ED25519.split(" ")[1])


@pytest.mark.parametrize(
    "key",
    [
        wire(b"ssh-dss", b"\x00" + b"\xab" * 128, b"\xcd" * 20, b"\x02", b"\x03"),
        wire(b"ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xab" * 128),
        f"{ED25519} root@web-1",
        f"web-1 {ED25519}",
        ED25519.split(" ")[1],
        ED25519.replace(" ", "  "),
        f"{ED25519}\n",
        ED25519.replace("ssh-ed25519", "ssh-rsa"),
        f"ssh-ed25519 {base64.b64encode(BLOB[:-1]).decode()}",
        f"ssh-ed25519 {base64.b64encode(BLOB + b'x').decode()}",
        f"ssh-ed25519 {base64.b64encode(b'').decode()}",
        "ssh-ed25519 AAAA",
        f"ssh-ed25519-cert-v01@openssh.com {ED25519.split(' ')[1]}",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        f"{ED25519} {'A' * 10_000}",
    ],
)
def test_what_is_no_plain_host_key_is_refused(key):
    """Weak or damaged keys, certificates, whole known_hosts lines and private keys are no `TYPE BASE64`."""
    with pytest.raises(FieldRefused):
        check_host_key(key)


@pytest.mark.parametrize("place", range(len(BLOB)))
def test_ed25519_key_is_taken_by_its_look_as_it_would_be_by_its_bytes(monkeypatch, place):
    """The pattern for the usual key takes what decoding takes, whichever byte differs."""
    changed = BLOB[:place] + bytes([BLOB[place] ^ 0x81]) + BLOB[place + 1 :]
    key = f"ssh-ed25519 {base64.b64encode(changed).decode()}"

    def taken() -> bool:
        try:
            return check_host_key(key) == key
        except FieldRefused:
            return False

    by_look = taken()
    monkeypatch.setattr(host_key_text, "ED25519", re.compile("(?!)"))
    assert by_look is taken() is (place >= 19)  # the last 32 are the key itself


def test_fingerprint_is_the_one_that_ssh_keygen_shows():
    """SHA-256 of the key, base64 without padding (`ssh-keygen -l`)."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    assert fingerprint(key) == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
