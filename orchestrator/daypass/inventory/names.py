"""Server names: inventory host names, `HostKeyAlias` of ssh, and words on the command line, all at once."""

from __future__ import annotations

import re

from daypass.domain.servers import Server
from daypass.inventory.problems import FieldRefused, shown

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
MAX_NAME = 253  # as long as a host name, since many servers are named by theirs
SERVERS_GROUP = "daypass_servers"  # the one group that our inventories make
# `all` and `ungrouped` are Ansible's groups; the others it takes for the controller itself
# (InventoryData.add_host, C.LOCALHOST).
RESERVED_NAMES = frozenset({"all", "ungrouped", "localhost", "127.0.0.1", SERVERS_GROUP})

ALLOWED = "a letter or digit, then letters, digits, _ . -"


def check_name(value: object) -> str:
    """The name as it is, or FieldRefused with a proposal."""
    if not isinstance(value, str):
        raise FieldRefused(shown(value), ALLOWED)
    if not NAME.fullmatch(value) or len(value) > MAX_NAME:
        raise FieldRefused(shown(value), f"{ALLOWED}; for example {proposal(value)}")
    if value.lower() in RESERVED_NAMES:
        raise FieldRefused(f"{shown(value)}, which Ansible reserves", f"another name; {proposal(value)}")
    return value


def proposal(value: str) -> str:
    """A name near to the refused one; only ever shown, never used."""
    kept = re.sub(r"[^A-Za-z0-9_.-]+", "-", value[:MAX_NAME]).strip("-_.")
    return f"server-{kept}" if kept.lower() in RESERVED_NAMES else kept or "server-1"


def name_key(name: str) -> str:
    """What two names must differ in: ssh compares names in known_hosts without case."""
    return name.lower()


def inventory_name(server: Server) -> str:
    """The name of a server's host in every inventory: command line, plugin and AWX."""
    return server.name
