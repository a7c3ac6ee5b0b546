"""Host keys as text: `TYPE BASE64`, part of a known_hosts line (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from daypass.inventory.problems import FieldRefused, shown

ECDSA_POINT_BYTES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}  # RFC 5656 section 3.1, uncompressed
ED25519_BYTES = 32  # RFC 8709 section 4
RSA_BYTES = (256, 2048)  # 2048 bits, what every supported OpenSSH makes, to its limit of 16384
KEY_TYPES = ("ssh-ed25519", "ssh-rsa", *(f"ecdsa-sha2-{curve}" for curve in ECDSA_POINT_BYTES))
TEXT = re.compile(r"(?P<type>[a-z0-9-]{1,32}) (?P<base64>[A-Za-z0-9+/]{1,4096}={0,2})")
# A whole ed25519 key (RFC 8709 section 4): type and both lengths are constant, the 32 bytes are anything. The
# constant part ends within a character, whose first two bits are zero. So the kind that most servers have
# needs no decoding, which in a list of 100,000 servers is a third of the time.
ED25519 = re.compile(r"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-P][A-Za-z0-9+/]{42}")
ALLOWED = f"TYPE BASE64, as ssh-keyscan prints it after the host; types: {', '.join(KEY_TYPES)}"


def check_host_key(value: object) -> str:
    """The key as it is, or FieldRefused: type, encoding and lengths are those of a key that ssh can use."""
    if isinstance(value, str) and ED25519.fullmatch(value):
        return value
    match = TEXT.fullmatch(value) if isinstance(value, str) else None
    if match is None or not isinstance(value, str):
        raise FieldRefused(shown(value), ALLOWED)
    key_type = match["type"]
    if key_type not in KEY_TYPES:
        raise FieldRefused(f"a key of type {key_type}", ALLOWED)
    if not _fits(key_type, _fields(match["base64"])):
        raise FieldRefused(f"a damaged {key_type} key", ALLOWED)
    return value


def _fields(text: str) -> list[bytes]:
    """The length-prefixed strings of a key (RFC 4251 section 5); empty when it isn't made of such strings."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return []
    fields, position = [], 0
    while position < len(blob):
        start = position + 4
        position = start + int.from_bytes(blob[position:start], "big")
        fields.append(blob[start:position])
    return fields if position == len(blob) else []


def _fits(key_type: str, fields: list[bytes]) -> bool:
    if not fields or fields[0] != key_type.encode("ascii"):
        return False
    if key_type == "ssh-ed25519":
        return [len(field) for field in fields[1:]] == [ED25519_BYTES]
    if len(fields) != 3:
        return False
    if key_type == "ssh-rsa":  # exponent, modulus; a leading zero byte keeps the modulus positive
        low, high = RSA_BYTES
        return 1 <= len(fields[1]) <= 8 and low <= len(fields[2].lstrip(b"\0")) <= high
    curve = key_type.removeprefix("ecdsa-sha2-")
    return fields[1] == curve.encode("ascii") and len(fields[2]) == ECDSA_POINT_BYTES[curve]


def fingerprint(key: str) -> str:
    """`SHA256:…` of a checked key, as `ssh-keygen -l` shows it."""
    blob = base64.b64decode(key.split(" ")[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")
