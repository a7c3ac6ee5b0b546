from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from daypass.config import load
from daypass.config.settings import Integration
from daypass.inventory.ansible import to_inventory

EXAMPLE = Path(__file__).resolve().parents[3] / "inventories" / "example"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def test_example_configuration_is_right_and_names_every_setting():
    """Whoever copies it starts with something that works and misses nothing."""
    file = EXAMPLE / "daypass.yaml"
    settings = load(file, {}, Path("/"))
    assert len(settings.servers) == 5
    text = file.read_text()
    names = [field.alias or name for name, field in Integration.model_fields.items()]
    assert [name for name in names if f"{name}: " not in text and f"{name}:\n" not in text] == []


@pytest.fixture
def listed(tmp_path):
    """What `ansible-inventory --list` makes of a configuration of the plugin."""

    def run(config: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ansible", "inventory", "-i", str(config), "--list"]
        environment = {**ENVIRONMENT, "HOME": str(tmp_path), "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False, timeout=60
        )

    return run


def plain(value: object) -> object:
    """The value without the mark that says it is no template."""
    return value["__ansible_unsafe"] if isinstance(value, dict) else value


def test_plugin_and_orchestrator_see_the_same_hosts(listed):
    """One function names hosts and one says how to connect, for waves, plugin and AWX."""
    done = listed(EXAMPLE / "daypass_servers.yml")
    assert done.returncode == 0, done.stderr
    inventory = json.loads(done.stdout)
    hosts = inventory["_meta"]["hostvars"]
    wave = to_inventory(load(EXAMPLE / "daypass.yaml", {}, Path("/")).servers)
    wave_hosts = wave["all"]["children"]["daypass_servers"]["hosts"]
    assert sorted(inventory["daypass_servers"]["hosts"]) == sorted(wave_hosts)
    for name, variables in wave_hosts.items():
        for variable in (
            "ansible_host",
            "ansible_user",
            "ansible_port",
            "daypass_proxy_jump",
            "daypass_host_key",
        ):
            assert plain(hosts[name][variable]) == variables[variable]
    assert sorted(inventory["env_prod"]["hosts"]) == ["db-1", "web-1", "web-2"]
    assert plain(hosts["build-1"]["ansible_ssh_common_args"]) == "-o ProxyJump=apono@bastion.example.com"


def test_template_in_a_tag_stays_text_in_the_plugin(listed, tmp_path):
    """A tag comes from outside; groups made from it must not run it either."""
    config = tmp_path / "daypass_servers.yml"
    servers = [{"name": "web-1", "host": "h", "tags": {"note": "{{ 7 * 6 }}"}}]
    text = {
        "plugin": "daypass.ssh.servers",
        "servers": json.dumps(servers),
        "compose": {"again": "daypass_tags.note"},
    }
    config.write_text(json.dumps(text))
    done = listed(config)
    assert done.returncode == 0, done.stderr
    variables = json.dumps(json.loads(done.stdout)["_meta"]["hostvars"]["web-1"])
    assert variables.count("{{ 7 * 6 }}") == 2
    assert "42" not in variables


def test_list_with_problems_is_refused_whole_by_the_plugin(listed, tmp_path):
    """A play never runs on the half of a list that happened to be right; every problem is named."""
    config = tmp_path / "daypass_servers.yml"
    servers = [{"name": "web-1", "host": "h"}, {"name": "all", "host": "-o"}]
    config.write_text(json.dumps({"plugin": "daypass.ssh.servers", "servers": servers}))
    done = listed(config)
    assert done.returncode != 0
    assert "servers[1].name" in done.stderr
    assert "servers[1].host" in done.stderr
