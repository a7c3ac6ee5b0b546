"""The CA key, and what to do where its file is gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping

from daypass.config import Settings
from daypass.domain.secrets import FromEnvironment, FromFile, Secret
from daypass.errors import ConfigurationError
from daypass.secret_stores import resolve


def read_ca_key(
    settings: Settings,
    environ: MutableMapping[str, str],
    taken: Mapping[FromEnvironment, Secret],
    signed: Callable[[], bool],
) -> Secret:
    """The CA key.

    Args:
        signed: Whether servers trust one already.

    Raises:
        ConfigurationError: It can't be read.
    """
    check_there(settings, signed)
    return resolve(settings.ca.key, environ, taken)


def check_there(settings: Settings, signed: Callable[[], bool]) -> None:
    """Refuse to go on without a key file that has signed: another key would open nothing.

    Raises:
        ConfigurationError: `ca_key_missing`.
    """
    reference = settings.ca.key
    if isinstance(reference, FromFile) and not reference.path.exists() and signed():
        raise ConfigurationError(
            f"The CA key {reference.path} is missing, and it has signed certificates already.",
            hint="put this file back from the backup, mode 0600; where there is none, change to another key: "
            "docs/operating.md (Another CA key). `daypass revoke` and `reconcile` work without",
            code="ca_key_missing",
        )
