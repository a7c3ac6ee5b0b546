"""Signers: what turns a spec into a certificate. Only `sign_checked` is for use outside of this folder."""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives.serialization import (
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_public_key,
)

from daypass.ca.checking import check_certificate
from daypass.ca.keys import load_ca_key, public_line
from daypass.ca.public_keys import check_public_key
from daypass.ca.sk_certificates import sign_sk_certificate
from daypass.ca.spec import check_spec
from daypass.domain.certificates import CertificateSpec
from daypass.domain.secrets import Secret


class Signer(Protocol):
    """Anything that holds, or reaches, a CA key."""

    @property
    def public_key(self) -> str:
        """`TYPE BASE64` of the CA's public key."""

    def sign(self, spec: CertificateSpec) -> str:
        """Sign a checked spec; `TYPE BASE64` comes back. Call `sign_checked` instead."""


class LocalSigner:
    """Signs in this process with a key that was read once.

    Raises:
        SigningError: The key can't be used (`ca_key_…`).
    """

    def __init__(self, ca_key: Secret) -> None:
        self._key = load_ca_key(ca_key)
        self._public_key = public_line(self._key)

    @property
    def public_key(self) -> str:
        return self._public_key

    def sign(self, spec: CertificateSpec) -> str:
        if spec.public_key.startswith("sk-"):
            return sign_sk_certificate(spec, self._key)
        builder = (
            SSHCertificateBuilder()
            .public_key(load_ssh_public_key(spec.public_key.encode("ascii")))  # type: ignore[arg-type]  # no DSA here
            .serial(spec.serial)
            .type(SSHCertificateType.USER)
            .key_id(spec.key_id.encode("ascii"))
            .valid_principals([spec.principal.encode("ascii")])
            .valid_after(int(spec.valid_after.timestamp()))
            .valid_before(int(spec.valid_before.timestamp()))
        )
        for name, value in spec.critical_options.items():
            builder = builder.add_critical_option(name.encode("ascii"), value.encode("utf-8"))
        for extension in spec.extensions:
            builder = builder.add_extension(extension.encode("ascii"), b"")
        return builder.sign(self._key).public_bytes().decode("ascii")


def sign_checked(signer: Signer, spec: CertificateSpec) -> str:
    """The only way to a certificate: check the spec, sign, read back, compare, verify.

    Returns:
        `TYPE BASE64`, without comment and newline.

    Raises:
        SigningError: The spec is outside the profile, or what came back isn't exactly what was asked for.
        PublicKeyRefused: The spec's public key isn't one that Daypass signs.
    """
    # 1. Nothing is signed that isn't allowed, whoever built the spec.
    check_spec(spec)
    check_public_key(spec.public_key)
    # 2. Sign.
    text = signer.sign(spec)
    # 3. Nothing leaves that isn't exactly what was asked for.
    check_certificate(text, spec, signer.public_key)
    return text
