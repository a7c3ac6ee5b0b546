"""Secrets from files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from daypass.domain.secrets import FromFile, Secret
from daypass.errors import ConfigurationError

MAX_SECRET_BYTES = 64 * 1024  # an RSA 16384 key in PEM, base64 again, is 17 KB
OTHERS = stat.S_IRWXG | stat.S_IRWXO  # ssh refuses such private keys too: ssh(1), FILES, ~/.ssh/id_rsa


def read_secret_file(reference: FromFile) -> Secret:
    """The content of a regular file that belongs to us or root and that nobody else can read.

    Links are followed (secret mounts are links); what is checked is the opened file itself, so it can't be
    swapped between check and read.

    Raises:
        ConfigurationError: Missing, unreadable, not a regular file, open to others, empty or longer than
            `MAX_SECRET_BYTES`.
    """
    try:
        # O_NONBLOCK: opening a FIFO would wait for a writer.
        descriptor = os.open(reference.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = "Run `daypass init` to make what is missing, or correct the path." if error.errno == 2 else ""
        raise _refused(reference.path, f"can't be read: {reason}", hint, "secret_missing") from None
    try:
        _check_mode(reference.path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_SECRET_BYTES + 1)
    finally:
        os.close(descriptor)
    if not content.strip():
        raise _refused(reference.path, "is empty", "", "secret_missing")
    if len(content) > MAX_SECRET_BYTES:
        raise _refused(reference.path, f"is longer than {MAX_SECRET_BYTES} bytes", "", "secret_invalid")
    return Secret(content)


def _check_mode(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, "isn't a regular file", "", "secret_invalid")
    if status.st_uid not in (0, os.geteuid()):
        raise _refused(path, f"belongs to uid {status.st_uid}, not to us or root", "", "secret_exposed")
    if status.st_mode & OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise _refused(
            path, f"can be read or changed by others (mode {mode:04o})", f"chmod 600 {path}", "secret_exposed"
        )


def _refused(path: Path, finding: str, hint: str, code: str) -> ConfigurationError:
    return ConfigurationError(f"The secret file {path} {finding}.", hint=hint, code=code)
