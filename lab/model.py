"""What a lab consists of: names, addresses, hosts. Values only, no effects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lab.errors import LabError

CONNECTOR = "apono"
"""The account that Ansible logs in with, on every host."""

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""Lab names and host prefixes: they become host names (RFC 1123) and parts of container names."""

NAME_LIMIT = 40
"""With a number behind it still below the 63 characters of a host name's label (RFC 1035)."""

BLOCK_SIZE = 250
"""Hosts in one block, 127.77.B.1 to 127.77.B.250."""

BLOCKS = 256
"""Blocks in 127.77.0.0/16."""


class Kind(StrEnum):
    """How a host runs: with systemd, or with sshd alone."""

    FULL = "full"
    LIGHT = "light"


@dataclass(frozen=True)
class Host:
    """One server of a lab.

    Attributes:
        role: The prefix of the name; a tag in the server list.
        host_key: The host's public key as "ssh-ed25519 BASE64".
    """

    name: str
    address: str
    port: int
    image: str
    kind: Kind
    role: str
    host_key: str


def check_name(text: str, what: str) -> None:
    """Refuse a lab name or host prefix that can't be part of a host name.

    Raises:
        LabError: `bad_name`.
    """
    if len(text) > NAME_LIMIT or not NAME.fullmatch(text):
        raise LabError(
            "bad_name",
            f"{what} {text!r} is not usable",
            f"lower-case letters, digits and single dashes, at most {NAME_LIMIT}",
        )


def block_of(address: str) -> int | None:
    """Number of the block that a lab address lies in, or None for any other address."""
    match = re.fullmatch(r"127\.77\.(\d{1,3})\.\d{1,3}", address)
    return int(match.group(1)) if match else None


def free_block(used: Iterable[int]) -> int:
    """The lowest block that no lab has.

    Raises:
        LabError: `no_addresses`, when all blocks are taken.
    """
    taken = set(used)
    for block in range(BLOCKS):
        if block not in taken:
            return block
    raise LabError("no_addresses", "all of 127.77.0.0/16 is taken by labs", "take labs down: lab down --all")


def free_addresses(blocks: Iterable[int], used: Iterable[str]) -> list[str]:
    """Addresses of these blocks that no host has, in order."""
    taken = set(used)
    candidates = (f"127.77.{block}.{n}" for block in blocks for n in range(1, BLOCK_SIZE + 1))
    return [address for address in candidates if address not in taken]


def server_entry(lab: str, host: Host) -> dict[str, object]:
    """The host as an entry of the JSON server list."""
    return {
        "name": host.name,
        "host": host.address,
        "user": CONNECTOR,
        "port": host.port,
        "tags": {"env": "lab", "lab": lab, "role": host.role},
        "host_key": host.host_key,
    }
