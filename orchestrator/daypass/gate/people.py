"""Settings and directory to the index of keys."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from daypass import config
from daypass.directory.ldap_source import LdapDirectory
from daypass.directory.sources import source_of
from daypass.errors import ConfigurationError
from daypass.gate.key_index import KeyIndex, digest
from daypass.secret_stores import resolve


def read_keys(config_file: Path, now: datetime) -> KeyIndex:
    """Keys of everybody who is here.

    Args:
        now: Aware UTC.

    Raises:
        ConfigurationError: Settings or directory have problems, or there is no directory.
    """
    before = _digest(config_file)
    settings = config.load(config_file, {}, Path("/"))
    if settings.directory is None:
        raise ConfigurationError(
            f"{settings.source} names no directory: nobody's key is known",
            hint="add `directory: directory.yaml`",
            code="directory_missing",
        )
    sources = {str(file): _digest(file) for file in settings.directory.files}
    source = source_of(settings.directory, settings.state_dir, now, lambda secret: resolve(secret, {}))
    directory = source.read()
    people = {
        key: person.login
        for person in directory.people.values()
        if person.active
        for key in person.public_keys
    }
    until = source.fresh_until.timestamp() if isinstance(source, LdapDirectory) else None
    return KeyIndex(people, dict(directory.shared_keys), {**sources, str(config_file): before}, until)


def _digest(path: Path) -> str:
    try:
        return digest(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} can't be read: {os.strerror(error.errno) if error.errno else type(error).__name__}",
            hint="`directory` in daypass.yaml, and --config, name files that this user may read",
            code="configuration_missing",
        ) from None
