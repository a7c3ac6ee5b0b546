from __future__ import annotations

import base64
import subprocess
import textwrap

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from daypass.domain.secrets import Secret
from daypass.errors import ConfigurationError
from daypass.secret_stores import decode_connector_key

KEY = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)


def pem(key=KEY, layout=PrivateFormat.OpenSSH, encryption=None) -> bytes:
    return key.private_bytes(Encoding.PEM, layout, encryption or NoEncryption())


PEM = pem()  # once: the layout of OpenSSH holds random bytes


def decoded(content: bytes) -> bytes:
    return decode_connector_key(Secret(content), "prod").reveal()


WRAPPED = "\n".join(textwrap.wrap(base64.b64encode(PEM).decode(), 76)).encode()


@pytest.mark.parametrize(
    "form",
    [
        PEM,
        PEM.rstrip(b"\n"),
        b"\n  " + PEM,
        PEM.replace(b"\n", b"\r\n"),
        base64.b64encode(PEM),
        WRAPPED,
        WRAPPED.replace(b"\n", b" "),
        base64.b64encode(PEM.rstrip(b"\n")) + b"\n",
    ],
)
def test_every_form_of_the_key_means_the_same(form):
    """Plain PEM or its base64, wrapped at any column; environment variables lose the last line end."""
    assert decoded(form) == PEM


@pytest.mark.parametrize(
    ("key", "layout"),
    [
        (RSA, PrivateFormat.TraditionalOpenSSL),
        (RSA, PrivateFormat.PKCS8),
        (RSA, PrivateFormat.OpenSSH),
        (ec.generate_private_key(ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL),
    ],
)
def test_older_pem_layouts_are_taken(key, layout):
    """ssh reads these too."""
    text = pem(key, layout)
    assert decoded(text) == text


def test_key_that_ssh_keygen_protected_is_refused(tmp_path):
    """OpenSSH's own layout says so in its own way."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", str(tmp_path / "key")]
    subprocess.run(command, check=True, timeout=30)
    with pytest.raises(ConfigurationError, match="passphrase"):
        decoded((tmp_path / "key").read_bytes())


@pytest.mark.parametrize("layout", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_key_with_a_passphrase_is_refused_with_the_way_out(layout):
    """Nobody is there to type it."""
    with pytest.raises(ConfigurationError, match="passphrase") as caught:
        decoded(pem(RSA, layout, BestAvailableEncryption(b"x")))
    assert "ssh-keygen" in caught.value.hint


BROKEN = PEM.replace(b"\n", b"", 2)


@pytest.mark.parametrize(
    "content",
    [
        b"not a key",
        b"\xff\xfe",
        base64.b64encode(b"not a key"),
        KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        BROKEN,
        PEM[:200],
        PEM.replace(b"b3BlbnNzaC1rZXk", b"b3BlbnNzaC1rZXl"),
        PEM + PEM,
        base64.b64encode(base64.b64encode(PEM)),
    ],
)
def test_what_is_no_private_key_is_refused_and_not_shown(content):
    """The message names the integration and shows nothing of what was given."""
    with pytest.raises(ConfigurationError) as caught:
        decoded(content)
    said = f"{caught.value.sentence} {caught.value.hint} {caught.value.__cause__}"
    assert "prod" in said
    assert content[:12].decode("latin-1") not in said
    assert caught.value.__context__ is None or caught.value.__suppress_context__
