"""Key pairs of the person: found, or made by ssh-keygen, which asks for the passphrase itself.

The private key stays where ssh-keygen writes it; nothing here ever reads it.
"""

from __future__ import annotations

from pathlib import Path

from daypass.ca.public_keys import MAX_CHARACTERS, PublicKey, check_public_key
from daypass.errors import UsageError


def public_file(private: Path) -> Path:
    """Where ssh-keygen puts the public half."""
    return private.with_name(f"{private.name}.pub")


def public_key_of(private: Path) -> PublicKey | None:
    """The public half of a pair, None where it isn't there.

    Raises:
        PublicKeyRefused: It is one that Daypass doesn't sign.
        UsageError: It can't be read.
    """
    file = public_file(private)
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_CHARACTERS + 2)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}") from None
    return check_public_key(content.decode("utf-8", "replace"))
