"""Secrets from environment variables."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from daypass.domain.secrets import FromEnvironment, Secret
from daypass.errors import ConfigurationError


def take_variable(reference: FromEnvironment, environ: MutableMapping[str, str]) -> Secret:
    """The variable's value; afterwards it isn't in the environment, so no child process inherits it.

    Raises:
        ConfigurationError: Not set, or empty.
    """
    value = environ.pop(reference.name, "")
    if not value:
        raise ConfigurationError(
            f"The environment variable {reference.name} isn't set or is empty; a secret is expected in it.",
            hint=f'Set it for this command, for example: {reference.name}="$(base64 < KEYFILE)" daypass …',
            code="secret_missing",
        )
    return Secret(os.fsencode(value))
