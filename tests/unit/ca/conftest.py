"""Key pairs by the real ssh-keygen, and security token keys made up byte by byte."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from daypass.ca.keys import generate_ca_key
from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.ca.signer import LocalSigner
from daypass.ca.spec import build_spec
from daypass.ca.wire import string
from daypass.domain.certificates import CertificateSpec
from daypass.domain.windows import window_from

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
GRANT_ID = "01JD0000000000000000000000"
KEYGEN_TYPES = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa-256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa-384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa-521": ("-t", "ecdsa", "-b", "521"),
    "rsa-3072": ("-t", "rsa", "-b", "3072"),
}
ALL_TYPES = (*KEYGEN_TYPES, "sk-ed25519", "sk-ecdsa")

needs_ssh_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen isn't installed")


def run_ssh_keygen(*arguments: str) -> str:
    return subprocess.run(["ssh-keygen", *arguments], check=True, capture_output=True, text=True).stdout


def sk_ed25519_line(application: bytes = b"ssh:") -> str:
    """PROTOCOL.u2f: type, public key, application."""
    point = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return line_of(b"sk-ssh-ed25519@openssh.com", string(point) + string(application))


def sk_ecdsa_line() -> str:
    """PROTOCOL.u2f: type, curve, point, application."""
    key = generate_private_key(SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    rest = string(b"nistp256") + string(point) + string(b"ssh:")
    return line_of(b"sk-ecdsa-sha2-nistp256@openssh.com", rest)


def line_of(key_type: bytes, rest: bytes) -> str:
    return f"{key_type.decode()} {base64.b64encode(string(key_type) + rest).decode()}"


@pytest.fixture(scope="session")
def public_lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One public key line a type, as its owner's .pub file has it."""
    folder = tmp_path_factory.mktemp("keys")
    for name, arguments in KEYGEN_TYPES.items():
        run_ssh_keygen("-q", *arguments, "-N", "", "-C", "alice@laptop", "-f", str(folder / name))
    lines = {name: (folder / f"{name}.pub").read_text() for name in KEYGEN_TYPES}
    return lines | {"sk-ed25519": sk_ed25519_line(), "sk-ecdsa": sk_ecdsa_line()}


@pytest.fixture(scope="session")
def signer() -> LocalSigner:
    return LocalSigner(generate_ca_key())


@pytest.fixture
def make_spec(public_lines: dict[str, str]) -> Callable[..., CertificateSpec]:
    """`build_spec` with everything filled in; arguments replace."""

    def make(key: str = "ed25519", **changes: object) -> CertificateSpec:
        public_key: PublicKey = check_public_key(public_lines[key])
        wanted: dict[str, object] = {
            "public_key": public_key,
            "serial": 7,
            "login": "alice",
            "grant_id": GRANT_ID,
            "flow": "direct",
            "number": 1,
            "window": window_from(NOW, timedelta(hours=2)),
        }
        return build_spec(**wanted | changes)

    return make


def write_certificate(folder: Path, text: str) -> Path:
    path = folder / "id-cert.pub"
    path.write_text(text + "\n")
    return path
