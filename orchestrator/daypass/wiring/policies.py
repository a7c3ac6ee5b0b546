"""The policy of a configuration: read without the record, so that it can be tried before `daypass init`."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from daypass import config
from daypass.config import Settings
from daypass.directory import FetchedCalendars, YamlDirectory
from daypass.domain.secrets import SecretReference
from daypass.errors import ConfigurationError
from daypass.flows import Policy, build_policy
from daypass.secret_stores import resolve
from daypass.wiring.clock import now

CALENDARS = "calendars"  # in state_dir: the last good copies


def read_policy(config_path: Path | None) -> Policy:
    """All flows with people and servers.

    Raises:
        ConfigurationError: The configuration or the directory has problems, or there is no directory.
    """
    return policy_of(config.load(config_path, os.environ, Path.cwd()))


def policy_of(settings: Settings, people: YamlDirectory | None = None) -> Policy:
    """As `read_policy`, of settings that are read already.

    Args:
        people: The directory's file, where a command has one already: it is read once then.
    """
    if settings.directory is None:
        raise ConfigurationError(
            f"{settings.source} names no directory: there is nobody to decide about.",
            hint="add `directory: directory.yaml` and `access_flows`; see docs/flows.md",
            code="directory_missing",
        )
    calendars = FetchedCalendars(settings.state_dir / CALENDARS, now(), cache(_reveal))
    return build_policy(settings, (people or YamlDirectory(settings.directory)).read(calendars))


def _reveal(reference: SecretReference) -> str:
    """The address; a variable is taken out of the environment when it is read, so ask once for each."""
    return resolve(reference, os.environ, {}).reveal().decode("ascii", "replace").strip()
