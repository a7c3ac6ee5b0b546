"""What a person's own machine must know of open access: the plain form that goes through the gate as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from daypass.domain.servers import DEFAULT_PORT

ANSWER_FORMAT = 1  # a client that reads another one says so; fields may be added without a new one
FORWARDING = "permit-port-forwarding"  # the certificate extension that jumping through a host needs


@dataclass(frozen=True)
class OpenCertificate:
    """A certificate of a grant, as far as it may be used.

    Attributes:
        number: n of the principal, from 1 within the grant.
        fingerprint: `SHA256:…` of the key that it is for.
        text: The OpenSSH certificate line.
    """

    number: int
    fingerprint: str
    valid_after: datetime
    valid_before: datetime
    text: str


@dataclass(frozen=True)
class OpenGrant:
    """One grant on one server.

    Attributes:
        state: Of the grant on that server: `applied`, or `pending` where it hasn't confirmed the last change.
        forwards: Whether its certificates may forward ports, as editors and jumps need.
        certificates: The newest one for each key that was asked for.
        problem: Why there is none for such a key, in a sentence; empty where there is.
    """

    id: str
    state: str
    not_before: datetime
    not_after: datetime
    forwards: bool
    certificates: tuple[OpenCertificate, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class OpenJump:
    """The host on the way to a server.

    Attributes:
        user: Login there where the server list says one.
        server: Its name where it is in the server list itself; access to it may be open, too.
        host_keys: `TYPE BASE64` each; empty where they aren't known.
    """

    host: str
    port: int = DEFAULT_PORT
    user: str | None = None
    server: str | None = None
    host_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenServer:
    """A server that a person has access to, now or later.

    Attributes:
        name: Also ssh's HostKeyAlias.
        login: The person's login there.
        key_name: File name below ~/.ssh of the person's key pair (`user_key_name`).
        host_keys: `TYPE BASE64` each.
        grants: At least one.
        details: The integration's custom access details.
    """

    name: str
    host: str
    port: int
    login: str
    key_name: str
    host_keys: tuple[str, ...]
    grants: tuple[OpenGrant, ...]
    jump: OpenJump | None = None
    details: str = ""


@dataclass(frozen=True)
class OpenAccess:
    """Everything that is open for one person.

    Attributes:
        orchestrator: 32 lower hex digits; keeps what several orchestrators say apart.
        servers: By name.
    """

    orchestrator: str
    login: str
    servers: tuple[OpenServer, ...] = ()
    format: int = ANSWER_FORMAT
