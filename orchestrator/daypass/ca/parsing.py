"""Certificates read back, field by field, from the text that a signer gave (OpenSSH's PROTOCOL.certkeys).

Written apart from the builder that signs, on purpose: a mistake there must not be repeated here.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass

from daypass.ca.wire import Reader, WireError
from daypass.errors import SigningError

# Fields of the public key after its type; they stand between nonce and serial.
_KEY_FIELDS = {
    b"ssh-ed25519-cert-v01@openssh.com": 1,
    b"ecdsa-sha2-nistp256-cert-v01@openssh.com": 2,
    b"ecdsa-sha2-nistp384-cert-v01@openssh.com": 2,
    b"ecdsa-sha2-nistp521-cert-v01@openssh.com": 2,
    b"ssh-rsa-cert-v01@openssh.com": 2,
    b"sk-ssh-ed25519-cert-v01@openssh.com": 2,
    b"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com": 3,
}


@dataclass(frozen=True)
class ParsedCertificate:
    """What stands in a certificate; nothing of it is checked yet, the signature neither.

    Attributes:
        type: `…-cert-v01@openssh.com`.
        key_fields: The certified public key's wire fields after its type.
        kind: 1 = user, 2 = host.
        valid_after: Seconds since 1970.
        valid_before: Seconds since 1970.
        options: Critical options in their order, values unwrapped.
        extensions: In their order, values unwrapped (empty for all that Daypass uses).
        signature_key: Wire form of the CA's public key.
        signed_part: The bytes under the signature.
        signature: Wire form: algorithm, then the signature.
    """

    type: str
    nonce: bytes
    key_fields: bytes
    serial: int
    kind: int
    key_id: bytes
    principals: tuple[bytes, ...]
    valid_after: int
    valid_before: int
    options: tuple[tuple[bytes, bytes], ...]
    extensions: tuple[tuple[bytes, bytes], ...]
    reserved: bytes
    signature_key: bytes
    signed_part: bytes
    signature: bytes


def parse_certificate(text: str) -> ParsedCertificate:
    """Read `TYPE BASE64`.

    Raises:
        SigningError: It isn't one whole certificate; code `certificate_unreadable`.
    """
    try:
        key_type, encoded = text.split(" ")
        return _parse(key_type, binascii.a2b_base64(encoded.encode("ascii"), strict_mode=True))
    except (WireError, ValueError) as error:
        raise SigningError(
            f"What the signer gave is no readable certificate: {error}.", code="certificate_unreadable"
        ) from None


def _parse(key_type: str, body: bytes) -> ParsedCertificate:
    reader = Reader(body)
    inner_type = reader.string()
    if inner_type != key_type.encode("ascii") or inner_type not in _KEY_FIELDS:
        raise WireError("its type is unknown, or not the one in front")
    nonce = reader.string()
    key_start = reader.position
    for _ in range(_KEY_FIELDS[inner_type]):
        reader.string()
    key_fields = body[key_start : reader.position]
    serial, kind, key_id = reader.number(8), reader.number(4), reader.string()
    principals = _strings(reader.string())
    valid_after, valid_before = reader.number(8), reader.number(8)
    options, extensions = _named_values(reader.string()), _named_values(reader.string())
    reserved, signature_key = reader.string(), reader.string()
    signed_part = body[: reader.position]
    signature = reader.string()
    reader.finish()
    return ParsedCertificate(
        key_type, nonce, key_fields, serial, kind, key_id, principals, valid_after, valid_before,
        options, extensions, reserved, signature_key, signed_part, signature,
    )  # fmt: skip


def _strings(field: bytes) -> tuple[bytes, ...]:
    reader, found = Reader(field), []
    while not reader.at_end():
        found.append(reader.string())
    return tuple(found)


def _named_values(field: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Names with values; a value that isn't empty is itself a string field in the string field."""
    reader, found = Reader(field), []
    while not reader.at_end():
        name, wrapped = reader.string(), Reader(reader.string())
        value = b"" if wrapped.at_end() else wrapped.string()
        wrapped.finish()
        found.append((name, value))
    return tuple(found)
