"""The whole configuration and environment of a wave's Ansible; nothing of the caller's is in either.

Sources: "Ansible Configuration Settings" of ansible-core 2.18 to 2.21; ansible-runner's `config/_base.py`
for the variables that its callback needs.
"""

from __future__ import annotations

import configparser
import importlib.util
import io
import shlex
import site
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from daypass.errors import ExecutionError

# Cold logins cost about 0.1 s of CPU each on both sides, so a few dozen at a time keep several cores busy;
# more forks cost memory (about 50 MB each) and gain nothing on two cores (facts: 22 s to 25 s for 100 hosts
# at 20 to 50 forks).
DEFAULT_FORKS = 25
# sshd's own LoginGraceTime aside, a host that hasn't spoken after 10 s is down or frozen; a wave waits once
# for it.
DEFAULT_CONNECT_TIMEOUT_SECONDS = 10
# How long Ansible waits for sudo on a server that has answered; its ssh plugin gives up on the server then.
# Connecting has its own, shorter limit in ssh's options, which come first and win (ssh_config(5)).
PROMPT_SECONDS = 60
# How often Ansible looks for results; by itself it does so a thousand times a second, which costs a wave more
# CPU than all else that it does while it waits for a server (40 ms of 90 ms, for one server).
POLL_SECONDS = 0.01

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# On every Linux server with Python; discovery would cost a second login on each.
TARGET_PYTHON = "/usr/bin/python3"
COLLECTION = ("daypass", "ssh")
OWN_CALLBACKS = Path(__file__).parent / "callbacks"

# Plugins are ours or Ansible's own: the usual search paths lie in the caller's home and in /usr/share.
PLUGIN_PATHS = (
    "action_plugins",
    "become_plugins",
    "cache_plugins",
    "callback_plugins",
    "cliconf_plugins",
    "connection_plugins",
    "filter_plugins",
    "httpapi_plugins",
    "inventory_plugins",
    "library",
    "lookup_plugins",
    "module_utils",
    "netconf_plugins",
    "roles_path",
    "strategy_plugins",
    "terminal_plugins",
    "test_plugins",
    "vars_plugins",
)


def find_collections(search_path: Sequence[str] | None = None) -> Path:
    """The folder that holds `ansible_collections/daypass/ssh`, in an installed package or a checkout.

    Raises:
        ExecutionError: The collection isn't beside the package.
    """
    for entry in sys.path if search_path is None else search_path:
        root = Path(entry or ".").resolve()
        if root.joinpath("ansible_collections", *COLLECTION, "plugins").is_dir():
            return root
    raise ExecutionError(
        "the collection daypass.ssh isn't installed beside the package daypass",
        hint="install daypass again: its wheel holds both",
        code="collection_missing",
    )


def find_ansible() -> Path:
    """The package `ansible` of this Python.

    Raises:
        ExecutionError: There is none.
    """
    found = importlib.util.find_spec("ansible")
    if found is None or found.origin is None:
        raise ExecutionError(
            f"{sys.executable} has no package ansible",
            hint="install daypass with its dependencies",
            code="ansible_missing",
        )
    return Path(found.origin).parent


def render_settings(
    run: Path,
    *,
    collections: Iterable[Path],
    ssh_arguments: Iterable[str],
    forks: int,
) -> bytes:
    """The text of ansible.cfg for one run; every folder that Ansible writes to lies in `run`."""
    nothing_here = run / "nothing"
    sections: dict[str, dict[str, object]] = {
        "defaults": {
            "home": run / "ansible",
            "local_tmp": run / "tmp",
            "collections_path": ":".join(map(str, collections)),
            "collections_scan_sys_path": False,
            **dict.fromkeys(PLUGIN_PATHS, nothing_here),
            "forks": forks,
            "timeout": PROMPT_SECONDS,
            # A slow server must not make the others wait between two tasks of one play.
            "strategy": "ansible.builtin.host_pinned",
            "internal_poll_interval": POLL_SECONDS,
            "gathering": "explicit",
            "fact_caching": "memory",
            "inject_facts_as_vars": False,
            "interpreter_python": TARGET_PYTHON,
            "host_key_checking": True,
            "retry_files_enabled": False,
            "nocows": True,
            "nocolor": True,
            "deprecation_warnings": False,
            "system_warnings": False,
            "localhost_warning": False,
            "display_args_to_stdout": False,
            "use_persistent_connections": False,
        },
        "inventory": {"enable_plugins": "ansible.builtin.yaml", "cache": False},
        "connection": {"pipelining": True},
        "ssh_connection": {"pipelining": True, "retries": 0, "ssh_args": shlex.join(ssh_arguments)},
    }
    config = configparser.RawConfigParser()
    config.read_dict(
        {name: {key: str(value) for key, value in keys.items()} for name, keys in sections.items()}
    )
    text = io.StringIO()
    config.write(text)
    return text.getvalue().encode("utf-8")


def build_environment(
    run: Path, *, agent_socket: Path, settings_file: Path, artifacts: Path, callbacks: Path
) -> dict[str, str]:
    """The whole environment of Ansible and of ssh; ansible-runner writes it to a file."""
    environment = {
        "PATH": SYSTEM_PATH,
        "HOME": str(run),  # also how `end_processes` finds what belongs to the run
        "TMPDIR": str(run / "tmp"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "SSH_AUTH_SOCK": str(agent_socket),
        "ANSIBLE_CONFIG": str(settings_file),
        "AWX_ISOLATED_DATA_DIR": str(artifacts),
        "ANSIBLE_CALLBACK_PLUGINS": f"{callbacks}:{OWN_CALLBACKS}",
        "ANSIBLE_STDOUT_CALLBACK": "awx_display",
        "ORIGINAL_STDOUT_CALLBACK": "daypass_silent",
    }
    if site.ENABLE_USER_SITE:  # Ansible may be installed there, and HOME no longer says where that is
        environment["PYTHONUSERBASE"] = site.getuserbase()
    return environment


def runner_callbacks() -> Path:
    """The folder of ansible-runner's callback plugin, which reports each event.

    Raises:
        ExecutionError: ansible-runner isn't installed.
    """
    found = importlib.util.find_spec("ansible_runner")
    if found is None or found.origin is None:
        raise ExecutionError("ansible-runner isn't installed", hint="install daypass with its dependencies")
    return Path(found.origin).parent / "display_callback" / "callback"
