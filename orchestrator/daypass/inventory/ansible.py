"""Servers -> Ansible inventory, as one value that `json.dumps` turns into an inventory file.

JSON, because a static YAML inventory of 100,000 hosts takes Ansible seven times as long. Free text (tags) is
marked, so that `{{ … }}` in a tag stays text: Ansible trusts a static inventory and would run the template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from daypass.domain.servers import Server
from daypass.inventory.names import SERVERS_GROUP, inventory_name

UNSAFE_MARK = "__ansible_unsafe"  # what Ansible's own JSON encoder writes for AnsibleUnsafeText


def unsafe(text: str) -> dict[str, str]:
    """Text that Ansible reads as text, whatever is in it."""
    return {UNSAFE_MARK: text}


def connection_variables(server: Server) -> dict[str, str | int]:
    """How Ansible connects; every value has been checked by pattern, so none can hold a template."""
    return {"ansible_host": server.host, "ansible_user": server.user, "ansible_port": server.port}


def server_variables(server: Server) -> dict[str, Any]:
    """What the server list says besides, as plain values: `daypass_server`, `daypass_tags`, …

    The free text in `daypass_tags` must be marked before Ansible sees it. (Ansible reserves `tags` alone.)
    """
    return {
        "daypass_server": server.name,
        "daypass_integration": server.integration,
        "daypass_host_key": server.host_key or "",
        "daypass_proxy_jump": server.proxy_jump or "",
        "daypass_tags": dict(server.tags),
    }


def to_inventory(
    servers: Iterable[Server], variables: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, Any]:
    """A whole inventory.

    Args:
        variables: Server name -> further variables of that host; their values are marked as text.
    """
    further = variables or {}
    hosts = {
        inventory_name(server): _host_variables(server, further.get(server.name, {})) for server in servers
    }
    return {"all": {"children": {SERVERS_GROUP: {"hosts": hosts}}}}


def _host_variables(server: Server, further: Mapping[str, str]) -> dict[str, Any]:
    own = server_variables(server)
    own["daypass_tags"] = {key: unsafe(text) for key, text in server.tags.items()}
    marked = {name: unsafe(text) for name, text in further.items()}
    return {**connection_variables(server), **own, **marked}
