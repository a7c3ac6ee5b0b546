"""The policy of a configuration: read without the record, so that it can be tried before `daypass init`."""

from __future__ import annotations

import os
from pathlib import Path

from daypass import config
from daypass.directory import YamlDirectory
from daypass.errors import ConfigurationError
from daypass.flows import Policy, build_policy


def read_policy(config_path: Path | None) -> Policy:
    """All flows with people and servers.

    Raises:
        ConfigurationError: The configuration or the directory has problems, or there is no directory.
    """
    settings = config.load(config_path, os.environ, Path.cwd())
    if settings.directory is None:
        raise ConfigurationError(
            f"{settings.source} names no directory: there is nobody to decide about.",
            hint="add `directory: directory.yaml` and `access_flows`; see docs/flows.md",
            code="directory_missing",
        )
    return build_policy(settings, YamlDirectory(settings.directory).read())
