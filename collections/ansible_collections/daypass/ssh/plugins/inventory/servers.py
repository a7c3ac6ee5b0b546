# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: servers
short_description: Read a Daypass server list as inventory
version_added: 0.1.0
description:
  - Makes a host of each entry of a JSON server list, with the checks of C(daypass servers check). A list with
    a single problem is refused as a whole, and all its problems are named.
  - Hosts are named by the entry's C(name), in the group C(daypass_servers). Text from the list is never taken
    for a template.
author:
  - The Daypass authors (@daypass)
requirements:
  - The Python package C(daypass) on the controller.
extends_documentation_fragment:
  - ansible.builtin.constructed
options:
  plugin:
    description:
      - The name of this plugin; it marks the file as its configuration.
      - The file's name must end in C(daypass_servers.yml) or C(daypass_servers.yaml).
    type: str
    required: true
    choices:
      - daypass.ssh.servers
  servers:
    description:
      - The path of a JSON server list, a list of entries, or the minified JSON itself.
      - A relative path starts at the folder of this configuration.
    type: raw
    required: true
"""

EXAMPLES = r"""
# daypass_servers.yml
plugin: daypass.ssh.servers
servers: servers.json
keyed_groups:
  - key: daypass_tags.env
    prefix: env
compose:
  ansible_ssh_common_args: "('-o ProxyJump=' ~ daypass_proxy_jump) if daypass_proxy_jump else ''"
"""

import os
from pathlib import Path

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable

try:
    from daypass.config.server_sources import read_servers
    from daypass.inventory.ansible import connection_variables, server_variables
    from daypass.inventory.names import SERVERS_GROUP, inventory_name

    HAS_DAYPASS = True
except ImportError:
    HAS_DAYPASS = False

try:
    from ansible.utils.unsafe_proxy import wrap_var
except ImportError:  # where it is gone, text that a plugin sets isn't taken for a template anyway

    def wrap_var(value):
        """The value as it is."""
        return value


CONFIGURATIONS = ("daypass_servers.yml", "daypass_servers.yaml")


class InventoryModule(BaseInventoryPlugin, Constructable):
    """A server list as inventory; what a list may hold is decided in C(daypass.inventory)."""

    NAME = "daypass.ssh.servers"

    def verify_file(self, path):
        """Whether this file is a configuration of ours, by its name."""
        return super().verify_file(path) and path.endswith(CONFIGURATIONS)

    def parse(self, inventory, loader, path, cache=True):
        """Add the hosts; raises AnsibleParserError with every problem."""
        super().parse(inventory, loader, path, cache)
        if not HAS_DAYPASS:
            raise AnsibleParserError("the Python package daypass isn't installed beside Ansible")
        self._read_config_data(path)
        self.inventory.add_group(SERVERS_GROUP)
        for server in self._servers(path):
            self._add(server)

    def _servers(self, path):
        value = self.get_option("servers")
        folder = Path(os.path.dirname(os.path.abspath(path)))
        servers, problems = read_servers(value, file=path, path="servers", folder=folder, integration="")
        if problems:
            raise AnsibleParserError("\n".join(str(problem) for problem in problems))
        return servers

    def _add(self, server):
        host = inventory_name(server)
        self.inventory.add_host(host, group=SERVERS_GROUP)
        variables = wrap_var({**connection_variables(server), **server_variables(server)})
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)
