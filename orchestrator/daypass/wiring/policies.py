"""The policy of a configuration: read without the record, so that it can be tried before `daypass init`."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from daypass import config
from daypass.config import Settings
from daypass.directory import FetchedCalendars
from daypass.domain.secrets import SecretReference
from daypass.flows import Policy, build_policy
from daypass.secret_stores import resolve
from daypass.wiring.clock import now
from daypass.wiring.people import People

CALENDARS = "calendars"  # in state_dir: the last good copies


def read_policy(config_path: Path | None) -> Policy:
    """All flows with people and servers.

    Raises:
        ConfigurationError: The configuration or the directory has problems, or there is no directory.
    """
    return read_rules(config_path)[1]


def read_rules(config_path: Path | None) -> tuple[Settings, Policy]:
    """As `read_policy`, with the settings that it was made of."""
    settings = config.load(config_path, os.environ, Path.cwd())
    return settings, policy_of(settings, looked_at(settings))


def looked_at(settings: Settings) -> People:
    """People for commands that only look, also before there is a state folder.

    Raises:
        ConfigurationError: There is no directory.
    """
    environ = dict(os.environ)  # a copy: whoever else looks needs the variables, too
    return People(settings, now(), lambda reference: resolve(reference, environ), keeps=False)


def policy_of(settings: Settings, people: People) -> Policy:
    """As `read_policy`, of settings and people that are there already."""
    calendars = FetchedCalendars(settings.state_dir / CALENDARS, now(), cache(_reveal))
    return build_policy(settings, people.read(calendars))


def _reveal(reference: SecretReference) -> str:
    """The address; a variable is taken out of the environment when it is read, so ask once for each."""
    return resolve(reference, os.environ, {}).reveal().decode("ascii", "replace").strip()
