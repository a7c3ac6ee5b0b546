"""Secret references -> values. One file per store; nothing is kept on disk or handed to a child process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping

from daypass.domain.secrets import FromEnvironment, Secret, SecretReference
from daypass.secret_stores.connector_key import decode_connector_key
from daypass.secret_stores.environment import take_variable
from daypass.secret_stores.file import read_secret_file

__all__ = ["decode_connector_key", "resolve", "take_environment"]


def resolve(
    reference: SecretReference,
    environ: MutableMapping[str, str],
    taken: Mapping[FromEnvironment, Secret] | None = None,
) -> Secret:
    """The secret that a reference names.

    Args:
        environ: The process environment; a variable that is read is taken out of it.
        taken: What `take_environment` took before.

    Raises:
        ConfigurationError: Missing, empty, too long, or a file that others can read.
    """
    if isinstance(reference, FromEnvironment):
        return (taken or {}).get(reference) or take_variable(reference, environ)
    return read_secret_file(reference)


def take_environment(
    references: Iterable[SecretReference], environ: MutableMapping[str, str]
) -> dict[FromEnvironment, Secret]:
    """Take all named variables out of the environment, before anything is started.

    One that isn't set is left out; `resolve` says so when it is needed. Several references may name the same
    variable.
    """
    named = {reference for reference in references if isinstance(reference, FromEnvironment)}
    present = [reference for reference in named if environ.get(reference.name)]
    return {reference: take_variable(reference, environ) for reference in present}
