"""The bytes that go to a host: modules as Ansible packs them, and the program that a wave sends.

`python -m bench.packed_module NAME…`

In a process of its own: Ansible's loader must come before everything that imports from `ansible_collections`.
"""

from __future__ import annotations

import json
import sys


def packed_sizes(names: list[str]) -> dict[str, int]:
    """Module name to bytes of its AnsiballZ, without options."""
    from ansible.executor.module_common import modify_module
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader, module_loader
    from ansible.template import Templar

    init_plugin_loader()
    sizes = {}
    for name in names:
        found = module_loader.find_plugin_with_context(name)
        built = modify_module(
            module_name=found.plugin_resolved_name or name,
            module_path=found.plugin_resolved_path,
            module_args={},
            templar=Templar(DataLoader()),
            task_vars={"ansible_python_interpreter": "/usr/bin/python3"},
            module_compression="ZIP_DEFLATED",  # Ansible's default
        )
        data = built[0] if isinstance(built, tuple) else built.b_module_data
        sizes[name] = len(data)
    return sizes


def program_sizes() -> dict[str, int]:
    """Bytes that the action `daypass.ssh.accounts` sends instead, without a document."""
    from ansible_collections.daypass.ssh.plugins.plugin_utils.program import render_input

    return {
        "program, first time": len(render_input({}, with_sources=True)),
        "program": len(render_input({}, with_sources=False)),
    }


if __name__ == "__main__":
    print(json.dumps({**packed_sizes(sys.argv[1:]), **program_sizes()}))
