"""Daypass as it is installed: program and collection find each other without a configuration file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from daypass import __version__

pytestmark = pytest.mark.essential

PROGRAMS = Path(sys.executable).parent


def answer(folder: Path, *argv: str, **variables: str) -> str:
    """What a program of this environment prints, started in an empty folder without the caller's settings."""
    words = [str(PROGRAMS / argv[0]), *argv[1:]]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8", **variables}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_program_tells_its_version(tmp_path):
    """The command is installed and is the one of this package."""
    assert __version__ in answer(tmp_path, "daypass", "--version")


def test_ansible_finds_the_collection_beside_the_package(tmp_path):
    """No ansible.cfg, no variable: the collection lies where Ansible looks by itself."""
    listed = json.loads(answer(tmp_path, "ansible-galaxy", "collection", "list", "--format", "json"))
    assert any("daypass.ssh" in collections for collections in listed.values())


def test_documentation_of_the_module_is_shown(tmp_path):
    """`ansible-doc` knows the module and all its options."""
    shown = json.loads(answer(tmp_path, "ansible-doc", "--json", "daypass.ssh.accounts"))
    assert "document" in shown["daypass.ssh.accounts"]["doc"]["options"]


def test_ansible_of_this_environment_reaches_the_servers(tmp_path, lab):
    """This ansible-core works on the servers' Python as root, by the host keys that the lab wrote down."""
    hosts = {
        host.name: {
            "ansible_host": host.address,
            "ansible_user": "apono",
            "ansible_ssh_private_key_file": str(lab.connector_key),
            "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={lab.known_hosts}",
        }
        for host in lab.hosts
    }
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    settings = {
        "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
        "ANSIBLE_TIMEOUT": "60",  # machines may be busy
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",  # a socket's path may be too long in a test's folder
    }
    words = ("-i", str(inventory), "--become", "-m", "ansible.builtin.command", "-a", "id -u", "-o")
    printed = answer(tmp_path, "ansible", "all", *words, **settings)
    assert printed.count("(stdout) 0") == len(hosts), printed
