"""The source that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from daypass.config.directory import DirectorySettings
from daypass.directory.ldap_source import LdapDirectory
from daypass.directory.yaml_file import YamlDirectory
from daypass.domain.secrets import Secret, SecretReference

FOLDER = "directory"  # in state_dir: the last good answer, and who was seen


def source_of(
    settings: DirectorySettings,
    state_dir: Path,
    now: datetime,
    reveal: Callable[[SecretReference], Secret],
    *,
    keeps: bool = True,
) -> YamlDirectory | LdapDirectory:
    """Where people come from; nothing is read yet.

    Args:
        now: Aware UTC.
        reveal: The secret that a reference stands for.
        keeps: Whether what another machine says is kept for later.
    """
    if settings.ldap is not None:
        return LdapDirectory(settings.ldap, state_dir / FOLDER, now, reveal, settings.shifts, keeps=keeps)
    if settings.file is None:
        raise ValueError("directory settings without a source")
    return YamlDirectory(settings.file)
