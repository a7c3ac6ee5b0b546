"""Public keys that people hand in: checked, or refused with the reason."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from daypass.ca.wire import Reader, WireError
from daypass.errors import UsageError

SK_TYPES = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
ACCEPTED_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    *SK_TYPES,
)
MIN_RSA_BITS = 3072  # 128 bits of strength until 2030 and beyond (NIST SP 800-57 part 1, table 2)
MAX_RSA_BITS = 16384  # OpenSSH's own limit (sshbuf.h, SSHBUF_MAX_BIGNUM)
MAX_CHARACTERS = 8192  # an RSA key of 16384 bits takes 2,800; the rest is comment
CERTIFICATE_MARK = "-cert-v01@openssh.com"
PRIVATE_MARKS = ("PRIVATE KEY", "PuTTY-User-Key-File")
MAKE_A_KEY = "make a key pair with: ssh-keygen -t ed25519 -f KEYFILE; then give KEYFILE.pub"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class PublicKeyRefused(UsageError):
    """What was given isn't a public key that Daypass signs; `code` says why."""

    code = "public_key_malformed"


@dataclass(frozen=True)
class PublicKey:
    """A public key that passed every check.

    Attributes:
        type: As in the line, for example `ssh-ed25519`.
        line: `TYPE BASE64`, without comment.
        fingerprint: `SHA256:…`, as ssh-keygen -l prints it.
        comment: The owner's own note; never trusted, never signed.
    """

    type: str
    line: str
    fingerprint: str
    comment: str


def check_public_key(text: str) -> PublicKey:
    """Check one line of an OpenSSH public key file.

    Args:
        text: `TYPE BASE64 [comment]`, at most 8192 characters; one newline at the end is fine.

    Raises:
        PublicKeyRefused: With the reason as `code`: `public_key_…` is_private, too_large, missing,
            several_lines, is_certificate, dsa, has_options, type_unknown, rsa_too_short, rsa_too_long or
            malformed.
    """
    words = _one_line(text).split(" ", 2)
    _check_type(words)
    key_type, encoded = words[0], words[1] if len(words) > 1 else ""
    blob = _decode(encoded)
    _check_content(key_type, f"{key_type} {encoded}", blob)
    comment = words[2].strip() if len(words) > 2 else ""
    return PublicKey(key_type, f"{key_type} {encoded}", fingerprint_of(blob), comment)


def fingerprint_of(blob: bytes) -> str:
    """`SHA256:` and the unpadded base64 of the digest, as ssh-keygen -l prints it."""
    digest = hashlib.sha256(blob).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def blob_of(line: str) -> bytes:
    """The key itself from a checked `TYPE BASE64` line (RFC 4253, section 6.6)."""
    return base64.b64decode(line.split(" ")[1], validate=True)


def _one_line(text: str) -> str:
    if any(mark in text for mark in PRIVATE_MARKS):
        raise PublicKeyRefused(
            "This is a private key; it belongs to its owner alone and was not read further.",
            hint="give the file that ends in .pub; if the private key left its machine, make a new pair",
            code="public_key_is_private",
        )
    if len(text) > MAX_CHARACTERS:
        raise PublicKeyRefused(
            f"The public key has {len(text)} characters; at most {MAX_CHARACTERS} are allowed.",
            hint=MAKE_A_KEY,
            code="public_key_too_large",
        )
    line = text.removesuffix("\n").removesuffix("\r")
    if not line.strip():
        raise PublicKeyRefused("The public key is empty.", hint=MAKE_A_KEY, code="public_key_missing")
    if len(line.splitlines()) > 1:
        raise PublicKeyRefused(
            "The public key has more than one line; exactly one key in one line is allowed.",
            hint="other formats are converted with: ssh-keygen -i -f FILE",
            code="public_key_several_lines",
        )
    if _CONTROL.search(line):
        raise PublicKeyRefused("The public key holds control characters.", hint=MAKE_A_KEY)
    return line


def _check_type(words: list[str]) -> None:
    key_type = words[0]
    if key_type in ACCEPTED_TYPES:
        return
    if key_type.endswith(CERTIFICATE_MARK):
        raise PublicKeyRefused(
            "This is a certificate, not a public key.",
            hint="give the public key that it was made for (the file without -cert)",
            code="public_key_is_certificate",
        )
    if key_type == "ssh-dss":
        raise PublicKeyRefused(
            "DSA keys are not accepted: 1024 bits are too weak.", hint=MAKE_A_KEY, code="public_key_dsa"
        )
    later_words = " ".join(words[1:]).split(" ")
    if any(word in ACCEPTED_TYPES or word == "ssh-dss" for word in later_words):
        raise PublicKeyRefused(
            "Something stands before the key type; a line with options is not accepted.",
            hint="give TYPE BASE64 alone, as in the .pub file",
            code="public_key_has_options",
        )
    raise PublicKeyRefused(
        "This is no OpenSSH public key of an accepted type; accepted are " + ", ".join(ACCEPTED_TYPES) + ".",
        hint=MAKE_A_KEY,
        code="public_key_type_unknown",
    )


def _decode(encoded: str) -> bytes:
    try:
        blob = binascii.a2b_base64(encoded.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        raise _malformed("its base64 is broken") from None
    if base64.b64encode(blob).decode("ascii") != encoded:
        raise _malformed("its base64 is not in its one right form")
    return blob


def _check_content(key_type: str, line: str, blob: bytes) -> None:
    """The key inside is of the type that is written outside, complete, valid and long enough."""
    try:
        inner_type = Reader(blob).string()
        key = load_ssh_public_key(line.encode("ascii"))
    except (WireError, ValueError, UnsupportedAlgorithm):
        raise _malformed("the key inside can't be read") from None
    if inner_type != key_type.encode("ascii"):
        raise _malformed("the type inside is another one than in front")
    if key_type not in SK_TYPES and key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() != line:
        raise _malformed("the key is not written in its one right form")
    if isinstance(key, RSAPublicKey):
        _check_rsa_length(key.key_size)


def _check_rsa_length(bits: int) -> None:
    if bits < MIN_RSA_BITS:
        raise PublicKeyRefused(
            f"The RSA key has {bits} bits; at least {MIN_RSA_BITS} are needed.",
            hint=MAKE_A_KEY,
            code="public_key_rsa_too_short",
        )
    if bits > MAX_RSA_BITS:
        raise PublicKeyRefused(
            f"The RSA key has {bits} bits; OpenSSH takes at most {MAX_RSA_BITS}.",
            hint=MAKE_A_KEY,
            code="public_key_rsa_too_long",
        )


def _malformed(what: str) -> PublicKeyRefused:
    return PublicKeyRefused(f"The public key is damaged: {what}.", hint=MAKE_A_KEY)
