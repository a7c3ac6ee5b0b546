"""Names of key pairs below ~/.ssh: what a configuration may say, and what a client takes from an answer."""

from __future__ import annotations

import re

KEY_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
DEFAULT_KEY_NAME = "daypass"
CLIENT_FOLDER = "daypass-access"  # below ~/.ssh: what `daypass access ssh-config` keeps there
# Files that ~/.ssh has already, or that a key pair's second file would overwrite (ssh(1), FILES).
TAKEN_KEY_NAMES = frozenset(
    {"config", "authorized_keys", "authorized_keys2", "known_hosts", "environment", "rc", CLIENT_FOLDER}
)


def is_key_name(name: str) -> bool:
    """Whether this is a plain file name, so that nothing but a new file beside the others can come of it."""
    return KEY_NAME.fullmatch(name) is not None


def is_taken(name: str) -> bool:
    """Whether ~/.ssh uses the name for something else; `.pub` is for public keys and certificates."""
    return name.lower() in TAKEN_KEY_NAMES or name.endswith(".pub")
