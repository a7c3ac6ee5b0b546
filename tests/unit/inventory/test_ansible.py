from __future__ import annotations

import json
import subprocess
import sys

from daypass.domain.servers import Server
from daypass.inventory.ansible import to_inventory

TEMPLATE = "{{ 7 * 6 }}{% raw %}"


def test_inventory_names_hosts_by_server_name_and_connects_to_the_host():
    """The inventory name is the server's name everywhere; the address is a variable."""
    inventory = to_inventory(
        [Server(name="web-1", host="10.0.0.1", user="ops", port=2222, integration="prod")]
    )
    host = inventory["all"]["children"]["daypass_servers"]["hosts"]["web-1"]
    assert (host["ansible_host"], host["ansible_user"], host["ansible_port"]) == ("10.0.0.1", "ops", 2222)
    assert host["daypass_integration"] == "prod"
    assert "tags" not in host


def test_template_in_a_tag_stays_text_in_ansible(tmp_path):
    """A tag comes from outside: Ansible, which trusts inventories, must not run what stands in it."""
    server = Server(name="web-1", host="127.0.0.1", tags={"note": TEMPLATE})
    inventory = to_inventory([server], {"web-1": {"daypass_document": TEMPLATE}})
    file = tmp_path / "inventory.json"
    file.write_text(json.dumps(inventory))
    command = [
        sys.executable,
        "-m",
        "ansible",
        "adhoc",
        "-i",
        str(file),
        "web-1",
        "-c",
        "local",
        "-m",
        "debug",
    ]
    done = subprocess.run(
        [*command, "-a", "msg={{ [daypass_tags.note, daypass_document] }}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(TEMPLATE) == 2
