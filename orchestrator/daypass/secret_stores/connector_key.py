"""The connector user's private key, in the forms that people keep it in."""

from __future__ import annotations

import base64
import binascii
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from daypass.domain.secrets import Secret
from daypass.errors import ConfigurationError

ARMOUR = re.compile(  # one key, not two
    rb"-----BEGIN ([A-Z ]{0,20})PRIVATE KEY-----\n(?:(?!-----).)+\n-----END \1PRIVATE KEY-----\n", re.DOTALL
)
HINT = "Give the private key file as it is, or its base64: base64 < KEYFILE"


def decode_connector_key(secret: Secret, where: str = "this integration") -> Secret:
    """The key as PEM with a final newline, as `ssh-add -` reads it.

    Accepted are plain PEM and base64 of it, wrapped at any column (`cat key | base64` wraps at 76). Windows
    line ends count as line ends.

    Args:
        where: The name of the integration or reference, for messages.

    Raises:
        ConfigurationError: Not a private key, protected by a passphrase, or of a kind that can't be used.
    """
    content = secret.reveal().strip()
    if not content.startswith(b"-----BEGIN "):
        content = _from_base64(content, where)
    pem = content.replace(b"\r\n", b"\n").strip() + b"\n"
    if not ARMOUR.fullmatch(pem):
        raise _refused(where, "isn't a private key in PEM form", HINT)
    _check_usable(pem, where)
    return Secret(pem)


def _from_base64(content: bytes, where: str) -> bytes:
    try:
        return base64.b64decode(b"".join(content.split()), validate=True).strip()
    except (binascii.Error, ValueError):
        raise _refused(where, "is neither a private key in PEM form nor base64 of one", HINT) from None


def _check_usable(pem: bytes, where: str) -> None:
    load = load_ssh_private_key if b"BEGIN OPENSSH" in pem else load_pem_private_key
    try:
        load(pem, password=None)
    except TypeError:  # what cryptography raises for an encrypted key without password
        hint = "Make a key without one for the connector: ssh-keygen -t ed25519 -N '' -f connector_key"
        raise _refused(where, "is protected by a passphrase, and nobody is there to type it", hint) from None
    except (ValueError, UnsupportedAlgorithm):
        # Their text isn't repeated: it may quote the key.
        raise _refused(where, "is damaged or of a kind that can't be used", HINT) from None


def _refused(where: str, finding: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"The connector key of {where} {finding}.", hint=hint, code="connector_key")
