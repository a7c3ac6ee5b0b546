"""The exact fields of a certificate, built and checked before signing (design.md, certificate profile)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from daypass.ca.public_keys import PublicKey
from daypass.domain.certificates import PTY_ONLY, CertificateSpec
from daypass.domain.windows import Window
from daypass.errors import SigningError
from daypass.host_rules import (
    KNOWN_EXTENSIONS,
    SOURCE_ADDRESSES_MAX,
    is_force_command,
    is_source_address,
)

BACKDATE_SECONDS = 60  # allowance for clock drift before the window opens (design.md)
MAX_SERIAL = 2**63 - 1  # random 63 bits; databases have no unsigned 64
KNOWN_CRITICAL_OPTIONS = frozenset({"source-address", "force-command"})

_PRINCIPAL = re.compile(r"daypass-[A-Za-z0-9]{1,40}-[1-9][0-9]{0,5}")
_GRANT_ID = re.compile(r"[A-Za-z0-9]{1,40}")
_KEY_ID_WORD = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")  # no space, no `=`: sshd's log line stays clear
_KEY_ID = re.compile(
    rf"daypass user={_KEY_ID_WORD.pattern} grant={_GRANT_ID.pattern} flow={_KEY_ID_WORD.pattern}"
)
_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})
_EPOCH_LIMIT_YEAR = 9999


def principal_of(grant_id: str, number: int) -> str:
    """`daypass-<grant id>-<n>`: the one name that the certificate carries."""
    return f"daypass-{grant_id}-{number}"


def key_id_of(login: str, grant_id: str, flow: str) -> str:
    """What sshd writes into its own log at each login."""
    return f"daypass user={login} grant={grant_id} flow={flow}"


def build_spec(
    *,
    public_key: PublicKey,
    serial: int,
    login: str,
    grant_id: str,
    flow: str,
    number: int,
    window: Window,
    critical_options: Mapping[str, str] = _NO_OPTIONS,
    extensions: tuple[str, ...] = PTY_ONLY,
) -> CertificateSpec:
    """Turn an approved grant into the exact certificate fields to sign.

    Args:
        serial: 1 to 2**63 - 1, already reserved in the store.
        number: Counts the certificates of this grant, from 1.
        window: The grant's window; the certificate begins 60 s earlier.
        critical_options: From the flow only, never from the requester.

    Raises:
        SigningError: A field is outside the profile; `code` is `spec_<field>`.
    """
    spec = CertificateSpec(
        public_key=public_key.line,
        serial=serial,
        key_id=key_id_of(login, grant_id, flow),
        principal=principal_of(grant_id, number),
        valid_after=window.not_before - timedelta(seconds=BACKDATE_SECONDS),
        valid_before=window.not_after,
        critical_options=dict(critical_options),
        extensions=tuple(sorted(extensions)),
    )
    check_spec(spec)
    return spec


def check_spec(spec: CertificateSpec) -> None:
    """Refuse every spec outside the profile, wherever it was made.

    Raises:
        SigningError: `code` is `spec_<field>`.
    """
    if not 1 <= spec.serial <= MAX_SERIAL:
        raise _outside("serial", f"{spec.serial}; allowed is 1 to 2**63 - 1")
    if not _KEY_ID.fullmatch(spec.key_id):
        raise _outside("key_id", f"{spec.key_id!r}; allowed is `daypass user=LOGIN grant=ID flow=NAME`")
    if not _PRINCIPAL.fullmatch(spec.principal):
        raise _outside("principal", f"{spec.principal!r}; allowed is `daypass-<grant id>-<n>`")
    _check_times(spec.valid_after, spec.valid_before)
    _check_critical_options(spec.critical_options)
    unknown = sorted(set(spec.extensions) - KNOWN_EXTENSIONS)
    if unknown or len(set(spec.extensions)) != len(spec.extensions):
        allowed = ", ".join(sorted(KNOWN_EXTENSIONS))
        raise _outside("extensions", f"{list(spec.extensions)}; each of {allowed} is allowed once")


def _check_times(valid_after: datetime, valid_before: datetime) -> None:
    for field, value in (("valid_after", valid_after), ("valid_before", valid_before)):
        if value.utcoffset() != timedelta(0) or value.microsecond:
            raise _outside(field, f"{value.isoformat()}; allowed is aware UTC in whole seconds")
        if not 1970 <= value.year <= _EPOCH_LIMIT_YEAR:
            raise _outside(field, f"{value.isoformat()}; allowed is 1970 to 9999")
    if valid_before <= valid_after:
        raise _outside("valid_before", f"{valid_before.isoformat()}; it must be later than valid_after")


def _check_critical_options(options: Mapping[str, str]) -> None:
    unknown = sorted(set(options) - KNOWN_CRITICAL_OPTIONS)
    if unknown:
        raise _outside("critical_options", f"{unknown}; allowed are source-address and force-command")
    if "source-address" in options:
        _check_source_address(options["source-address"])
    if "force-command" in options and not is_force_command(options["force-command"]):
        raise _outside(
            "critical_options",
            "a force-command that is blank, too long, not printable ASCII, or ends in a backslash",
        )


def _check_source_address(value: str) -> None:
    """Comma-separated addresses or networks, no spaces (PROTOCOL.certkeys, critical options)."""
    networks = value.split(",")
    if len(networks) > SOURCE_ADDRESSES_MAX:
        raise _outside(
            "critical_options", f"{len(networks)} source addresses; at most {SOURCE_ADDRESSES_MAX}"
        )
    for network in networks:
        if not is_source_address(network):
            raise _outside("critical_options", f"source-address {network!r}; allowed is CIDR, as 10.0.0.0/8")


def _outside(field: str, found: str) -> SigningError:
    return SigningError(
        f"The certificate would be outside the profile: {field} is {found}.", code=f"spec_{field}"
    )
