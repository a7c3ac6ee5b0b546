"""Key pairs of the person: found, or made by ssh-keygen, which asks for the passphrase itself.

The private key stays where ssh-keygen writes it; nothing here ever reads it. Source: ssh-keygen(1).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from daypass.ca.public_keys import MAX_CHARACTERS, PublicKey, check_public_key
from daypass.errors import UsageError

PLAIN_TYPE = "ed25519"
FIDO_TYPE = "ed25519-sk"  # the private half stays in a FIDO authenticator, which asks for a touch
STANDARD_ERROR = 2
KEY_TYPES = (PLAIN_TYPE, FIDO_TYPE)


def public_file(private: Path) -> Path:
    """Where ssh-keygen puts the public half."""
    return private.with_name(f"{private.name}.pub")


def public_key_of(private: Path) -> PublicKey | None:
    """The public half of a pair, None where there is no pair. The private one may be in an agent alone.

    Raises:
        PublicKeyRefused: It is one that Daypass doesn't sign.
        UsageError: It can't be read, or only the private half is there.
    """
    file = public_file(private)
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_CHARACTERS + 2)
    except FileNotFoundError:
        if os.path.lexists(private):
            raise UsageError(
                f"{private} is there, and {file} isn't",
                hint=f"if it is a private key: ssh-keygen -y -f {private} > {file}",
                code="public_half_missing",
            ) from None
        return None
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}") from None
    return check_public_key(content.decode("utf-8", "replace"))


def make_pair(private: Path, *, key_type: str = PLAIN_TYPE, passphrase: bool = True) -> None:
    """Make a key pair that isn't there yet; both halves or none, and never over another file.

    Args:
        passphrase: ssh-keygen asks for one, on the terminal. False: the key is protected by its file's mode
            alone, which somebody must have said in so many words.

    Raises:
        UsageError: `key_exists`, `passphrase_needed` (nobody can be asked), `key_not_made`.
    """
    public = public_file(private)
    for file in (private, public):
        if os.path.lexists(file):
            raise UsageError(f"{file} is there already, and is left as it is", code="key_exists")
    if passphrase and not sys.stdin.isatty():
        raise UsageError(
            f"there is no key {private}, and nobody can be asked for its passphrase",
            hint=f"on a terminal: ssh-keygen -t {key_type} -f {private}; or without any: --no-passphrase",
            code="passphrase_needed",
        )
    private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _workshop(private.parent) as folder:
        made = folder / private.name
        _keygen(made, key_type, passphrase)
        try:
            private.hardlink_to(made)  # unlike a rename, never over a file that came in the meantime
            public.hardlink_to(public_file(made))
        except OSError as error:
            raise UsageError(f"can't make {private}: {error.strerror}", code="key_not_made") from None


def _keygen(path: Path, key_type: str, passphrase: bool) -> None:
    argv = ["ssh-keygen", "-t", key_type, "-f", str(path)]
    argv += [] if passphrase else ["-N", ""]
    argv += [] if key_type == FIDO_TYPE else ["-q"]  # which would leave out when to touch the authenticator
    try:
        # Its questions go to the terminal itself; what it tells isn't our answer.
        done = subprocess.run(argv, stdout=STANDARD_ERROR, check=False)
    except OSError as error:
        raise UsageError(
            f"ssh-keygen can't be run: {error.strerror}", hint="install OpenSSH's client programs"
        ) from None
    if done.returncode != 0 or not path.exists():
        asked = "; is the authenticator plugged in, and was it touched?" if key_type == FIDO_TYPE else ""
        raise UsageError(f"ssh-keygen made no key{asked}", code="key_not_made")


@contextmanager
def _workshop(parent: Path) -> Iterator[Path]:
    """A private folder on the same file system, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".daypass-key-", dir=parent))
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)
