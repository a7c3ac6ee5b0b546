"""Open access as files that ssh reads: its configuration, known_hosts, certificates. Pure.

Sources: ssh_config(5), sshd(8) (SSH_KNOWN_HOSTS FILE FORMAT). What comes first counts in ssh's configuration,
so that these entries, included at the top of ~/.ssh/config, say everything that safety rests on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from daypass.client.domains import is_ours, why_not
from daypass.domain.open_access import OpenAccess, OpenCertificate, OpenGrant, OpenJump, OpenServer
from daypass.errors import UsageError

CONFIG, KNOWN_HOSTS = "config", "known_hosts"
JUMP_MARK = "_jump-"  # no server's name begins with `_`
# sshd gives up after six keys that it doesn't take (sshd_config(5), MaxAuthTries); the bare key is one of
# them for each key pair, and what an agent or the person's own settings add comes last.
MOST_CERTIFICATES = 4
# ssh reads a path word by word, expands `%`, `${` and a `~` in front. Blanks are fine within quotes.
ODD_IN_PATHS = frozenset("\"'\\%$*?[]#\n")
HEAD = (
    "# Written by `daypass access ssh-config`, and replaced by each run of it. Harmless when it is over:\n"
    "# the certificates have ended with it. To take everything away: daypass access ssh-config --remove\n"
)


class KeyPlace(NamedTuple):
    """A key pair of this machine.

    Attributes:
        path: The private key as ssh is to read it, `~/.ssh/daypass`.
    """

    fingerprint: str
    path: str


class Usable(NamedTuple):
    """A certificate with the key here that it is for."""

    grant: OpenGrant
    certificate: OpenCertificate
    key: KeyPlace

    @property
    def file(self) -> str:
        return f"{self.grant.id}-{self.certificate.number}-cert.pub"


@dataclass(frozen=True)
class Rendered:
    """Files by name, and what they lead to.

    Attributes:
        usable: Server to its certificates, the one that is tried first in front.
        unusable: Servers that no certificate here is for, with the reason.
    """

    files: Mapping[str, str]
    usable: Mapping[str, Sequence[Usable]]
    unusable: Mapping[str, str]


def render(
    access: OpenAccess,
    keys: Sequence[KeyPlace],
    folder: str,
    now: datetime,
    domains: Collection[str] = (),
) -> Rendered:
    """The files of one orchestrator's folder; no files where nothing is usable.

    Args:
        access: Checked (`answer.check_access`).
        folder: Where the files will be, as ssh is to read it: `~/.ssh/…`, or a whole path.
        domains: As `domains.is_ours`.
    """
    check_path(folder)
    for key in keys:
        check_path(key.path)
    foreign = {server.name for server in access.servers if not is_ours(server, domains)}
    found = {one.name: _usable(one, keys, now) for one in access.servers if one.name not in foreign}
    usable = {name: certificates for name, certificates in found.items() if certificates}
    servers = [server for server in access.servers if server.name in usable]
    unusable = {
        one.name: why_not(one.name) if one.name in foreign else _why(one, now)
        for one in access.servers
        if one.name not in usable
    }
    if not servers:
        return Rendered({}, {}, unusable)
    by_name = {server.name: server for server in servers}
    ways = {server.name: _way(server, usable, by_name) for server in servers}
    files = {one.file: f"{one.certificate.text}\n" for some in usable.values() for one in some}
    files[KNOWN_HOSTS] = "".join(_known(servers, ways))
    entries = ["\n".join(_entry(one, usable[one.name], ways[one.name], folder)) for one in servers]
    files[CONFIG] = HEAD + "".join(f"\n{entry}\n" for entry in entries)
    return Rendered(files, usable, unusable)


def check_path(path: str) -> None:
    """Refuse a path that ssh would read as something else.

    Raises:
        UsageError: `path_odd`.
    """
    if not path.isprintable() or ODD_IN_PATHS & set(path) or not path.startswith(("/", "~/")):
        raise UsageError(
            f"the path {path!r} can't be written into ssh's configuration",
            hint="a home without quotes, %, $, * and the like is needed",
            code="path_odd",
        )


def _usable(server: OpenServer, keys: Sequence[KeyPlace], now: datetime) -> list[Usable]:
    """What is open already before what begins later, what forwards before what doesn't, the longest first.

    Of the key that the integration names, and of others only where there is none for it.
    """
    places = {key.fingerprint: key for key in keys}
    found = [
        Usable(grant, certificate, places[certificate.fingerprint])
        for grant in server.grants
        for certificate in grant.certificates
        if certificate.fingerprint in places and min(grant.not_after, certificate.valid_before) > now
    ]
    named = [one for one in found if one.key.path.rpartition("/")[2] == server.key_name]
    return sorted(named or found, key=lambda one: _worth(one, now), reverse=True)[:MOST_CERTIFICATES]


def _worth(one: Usable, now: datetime) -> tuple[bool, bool, datetime, int]:
    certificate = one.certificate
    return one.grant.not_before <= now, one.grant.forwards, certificate.valid_before, certificate.number


def _why(server: OpenServer, now: datetime) -> str:
    problems = dict.fromkeys(grant.problem for grant in server.grants if grant.problem)
    if problems:
        return "; ".join(problems)
    over = all(grant.not_after <= now for grant in server.grants)
    return "it has ended" if over else f"no certificate for ~/.ssh/{server.key_name} yet"


class _Way(NamedTuple):
    """How ssh comes to a server.

    Attributes:
        jump: The name of the entry to go through, None = directly.
        own: That entry's host, where it isn't a server that the person has access to.
    """

    jump: str | None = None
    own: OpenJump | None = None


def _way(
    server: OpenServer, usable: Mapping[str, Sequence[Usable]], by_name: Mapping[str, OpenServer]
) -> _Way:
    """Through the person's own access to the jump host where that forwards; else by any other login there."""
    if server.jump is None:
        return _Way()
    name = server.jump.server or ""
    if name in by_name and usable[name][0].grant.forwards and not _comes_back(server, by_name):
        return _Way(name)
    return _Way(f"{JUMP_MARK}{server.name}", server.jump)


def _comes_back(server: OpenServer, by_name: Mapping[str, OpenServer]) -> bool:
    """Whether jumps lead round in a circle, in which ssh would start itself without end."""
    seen: set[str] = set()
    step: OpenServer | None = server
    while step is not None and step.name not in seen:
        seen.add(step.name)
        step = by_name.get(step.jump.server or "") if step.jump else None
    return step is not None


def _entry(server: OpenServer, usable: Sequence[Usable], way: _Way, folder: str) -> Iterator[str]:
    yield from _host(server.name)
    yield f"    HostName {server.host}"
    yield f"    Port {server.port}"
    yield f"    User {server.login}"
    yield from _trust(server.name, folder)
    yield "    PreferredAuthentications publickey"
    yield "    IdentitiesOnly yes"
    yield "    AddKeysToAgent yes"
    for path in dict.fromkeys(one.key.path for one in usable):
        yield f'    IdentityFile "{path}"'
    for one in usable:
        yield f'    CertificateFile "{folder}/{one.file}"'
    if way.jump is not None:
        yield f"    ProxyJump {way.jump}"
    if way.own is not None:
        yield ""
        yield from _jump_entry(way.jump or "", way.own, folder)


def _jump_entry(name: str, jump: OpenJump, folder: str) -> Iterator[str]:
    """A host that the person logs in to by other means; only its way and its keys are said here."""
    yield from _host(name)
    yield f"    HostName {jump.host}"
    yield f"    Port {jump.port}"
    if jump.user is not None:
        yield f"    User {jump.user}"
    if jump.host_keys:
        yield from _trust(name, folder)
    else:
        yield f"    HostKeyAlias {_label(jump)}"


def _label(jump: OpenJump) -> str:
    """As ssh itself calls the host in known_hosts, had the person typed its address."""
    return jump.host if jump.port == 22 else f"[{jump.host}]:{jump.port}"


def _host(name: str) -> Iterator[str]:
    """The entry's first line; ssh tells capital letters apart here, and people don't."""
    yield f"Host {' '.join(dict.fromkeys((name, name.lower())))}"


def _trust(name: str, folder: str) -> Iterator[str]:
    """The server's own keys and no others, whatever the rest of the configuration says of trust."""
    yield f"    HostKeyAlias {name}"
    yield f'    UserKnownHostsFile "{folder}/{KNOWN_HOSTS}"'
    yield "    GlobalKnownHostsFile /dev/null"
    yield "    StrictHostKeyChecking yes"
    yield "    UpdateHostKeys no"
    yield "    VerifyHostKeyDNS no"


def _known(servers: Sequence[OpenServer], ways: Mapping[str, _Way]) -> Iterator[str]:
    for server in servers:
        for key in server.host_keys:
            yield f"{server.name} {key}\n"
        way = ways[server.name]
        for key in way.own.host_keys if way.own else ():
            yield f"{way.jump} {key}\n"
