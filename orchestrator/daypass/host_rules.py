"""The one place where the orchestrator meets the collection's pure code: patterns, limits, document format.

They are written once, in the collection, because the host must be able to check them without us (host-
contract.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import ansible_collections.daypass.ssh.plugins.module_utils.contract.constraints as constraints
import ansible_collections.daypass.ssh.plugins.module_utils.contract.document as document
import ansible_collections.daypass.ssh.plugins.module_utils.contract.names as names
import ansible_collections.daypass.ssh.plugins.module_utils.contract.sudo_rules as sudo_rules
from daypass.domain.grants import SudoRule
from daypass.errors import UsageError

P = ParamSpec("P")
T = TypeVar("T")

FIRST_UID, LAST_UID = names.UID_MIN, names.UID_MAX
SEQUENCE_MAX = names.SEQUENCE_MAX
PRINCIPALS_MAX = names.PRINCIPALS_MAX  # certificates of one grant
KNOWN_EXTENSIONS = frozenset(constraints.EXTENSIONS)  # of certificates
FORCE_COMMAND_LENGTH = constraints.FORCE_COMMAND_LENGTH  # characters
SOURCE_ADDRESSES_MAX = constraints.SOURCE_ADDRESSES_MAX
CANARY_UID = FIRST_UID  # the canary of onboarding has the first one; people begin above it


def check_login(login: str) -> None:
    """Refuse a login that hosts would refuse.

    Raises:
        UsageError: With the host's own code, sentence and hint.
    """
    _checked(names.check_login, login)


def check_group(group: str) -> None:
    """Refuse a group name that hosts would refuse; errors as `check_login`."""
    _checked(names.check_group, group)


def check_created_group(group: str) -> None:
    """Refuse the name of a group that hosts would never make; errors as `check_login`."""
    _checked(names.check_created_group, group)


def check_sudo_rule(rule: SudoRule) -> None:
    """Refuse a sudo rule that hosts would refuse; errors as `check_login`."""
    commands = rule.commands if isinstance(rule.commands, str) else list(rule.commands)
    _checked(sudo_rules.check_rule, rule.run_as, commands)


def is_force_command(text: str) -> bool:
    """Whether this may be a forced command, in a certificate and in a key line."""
    return bool(constraints.is_force_command(text))


def is_source_address(text: str) -> bool:
    """Whether this is one address or network as certificates and key lines take it."""
    return bool(constraints.is_source_address(text))


def seal_document(document_fields: Mapping[str, object]) -> tuple[str, str]:
    """The opaque string that travels to the host, and the SHA-256 hex digest of what is in it.

    Raises:
        UsageError: The host would refuse this document; nothing must be sent.
    """
    sealed: tuple[str, str] = _checked(document.build, dict(document_fields))
    return sealed


def _checked(check: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return check(*args, **kwargs)
    except names.Refusal as refusal:
        raise UsageError(refusal.sentence, hint=refusal.hint, code=refusal.code) from None
