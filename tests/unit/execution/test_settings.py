"""The files and words that make a wave hermetic."""

from __future__ import annotations

import configparser
import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daypass.domain.secrets import Secret
from daypass.domain.servers import Server
from daypass.errors import ExecutionError
from daypass.execution.ansible_settings import (
    build_environment,
    find_ansible,
    find_collections,
    render_settings,
)
from daypass.execution.executor import WaveServer
from daypass.execution.run_folder import RunFolder
from daypass.execution.runner import RunnerExecutor
from daypass.execution.ssh_options import are_host_keys, hermetic_options, server_options
from daypass.execution.wave_files import write_wave_files

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEKFrnm5S5MkNWnebcCSQVhyvjdwOodTFlBRQ9RqrcY8"
SERVER = Server("web-1", "10.0.0.1", user="ops", port=2222)
RUN = Path("/run/user/1000/daypass/run-a")
OPTIONS = hermetic_options(RUN / "known_hosts", RUN / "agent", RUN / "connector.pub", 7)


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path, as run folders hold sockets."""
    folder = Path(tempfile.mkdtemp(prefix="daypass-"))
    yield folder
    shutil.rmtree(folder)


def effective(*words: str) -> dict[str, str]:
    """What ssh itself makes of the options (`ssh -G` connects nowhere)."""
    done = subprocess.run(["ssh", "-G", *words, "10.0.0.1"], capture_output=True, text=True, check=True)
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def test_ssh_takes_the_options_as_meant() -> None:
    """ssh reads no configuration, checks keys strictly, shares no connection and uses our agent alone."""
    found = effective(*OPTIONS, *server_options(SERVER, OPTIONS))
    expected = {
        "batchmode": "yes",
        "passwordauthentication": "no",
        "kbdinteractiveauthentication": "no",
        "forwardagent": "no",
        "identitiesonly": "yes",
        "identityagent": f"{RUN}/agent",
        "identityfile": f"{RUN}/connector.pub",
        "stricthostkeychecking": "true",
        "userknownhostsfile": f"{RUN}/known_hosts",
        "globalknownhostsfile": "/dev/null",
        "hostkeyalias": "web-1",
        "controlmaster": "false",
        "connecttimeout": "7",
        "updatehostkeys": "false",
    }
    assert {name: found[name] for name in expected} == expected
    assert OPTIONS[:2] == ["-F", "none"]
    assert found.get("controlpath", "none") == "none"


def test_jump_host_gets_the_same_strict_options_and_an_alias_of_its_own() -> None:
    """The way through a jump host is as hermetic as the way to the server."""
    words = server_options(replace(SERVER, proxy_jump="gate@jump.example:2200"), OPTIONS)
    proxy = effective(*OPTIONS, *words)["proxycommand"]
    inner = shlex.split(proxy)
    assert inner[: 1 + len(OPTIONS)] == ["ssh", *OPTIONS]
    assert inner[1 + len(OPTIONS) :] == [
        *("-o", "HostKeyAlias=jump/web-1", "-p", "2200", "-l", "gate"),
        *("-W", "[10.0.0.1]:2222", "--", "jump.example"),
    ]


def test_jump_host_defaults_to_the_servers_user_and_port_22() -> None:
    """What the list doesn't say is the connector user and ssh's port."""
    inner = shlex.split(server_options(replace(SERVER, proxy_jump="gate"), OPTIONS)[-1].partition("=")[2])
    assert inner[-8:-4] == ["-p", "22", "-l", "ops"]


@pytest.mark.parametrize(
    "key", [f"{KEY}\nevil * {KEY}", f"@revoked {KEY}", f"* {KEY}", "", KEY[:-4], f" {KEY}"]
)
def test_host_key_with_more_than_a_key_is_none(key: str) -> None:
    """A known_hosts line for somebody else can't ride along."""
    assert are_host_keys([KEY])
    assert not are_host_keys([KEY, key])


def test_settings_are_read_back_by_ansibles_parser() -> None:
    """Every folder that Ansible writes to lies in the run, and no search path leads to the caller."""
    text = render_settings(RUN, collections=[Path("/opt/x")], ssh_arguments=OPTIONS, forks=3)
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",))
    parser.read_string(text.decode())
    defaults = {name: parser.get("defaults", name, raw=True) for name in parser.options("defaults")}
    assert shlex.split(parser.get("ssh_connection", "ssh_args", raw=True)) == OPTIONS
    assert (defaults["forks"], defaults["host_key_checking"]) == ("3", "True")
    assert defaults["collections_path"] == "/opt/x"
    assert all("~" not in value and "/usr/share" not in value for value in defaults.values())


def test_environment_is_an_allow_list() -> None:
    """Nothing is copied from the caller, and nothing in it is secret."""
    environment = build_environment(
        RUN,
        agent_socket=RUN / "agent",
        settings_file=RUN / "ansible.cfg",
        artifacts=RUN / "artifacts",
        callbacks=Path("/x"),
    )
    assert set(environment) - {"PYTHONUSERBASE"} == {
        *("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "SSH_AUTH_SOCK", "ANSIBLE_CONFIG"),
        *("AWX_ISOLATED_DATA_DIR", "ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_STDOUT_CALLBACK"),
        "ORIGINAL_STDOUT_CALLBACK",
    }


def test_collection_is_found_beside_the_package() -> None:
    """In a checkout and in an installed wheel; nowhere else is looked."""
    assert (find_collections() / "ansible_collections" / "daypass" / "ssh" / "galaxy.yml").is_file()
    with pytest.raises(ExecutionError, match=r"daypass\.ssh"):
        find_collections(["/nonexistent"])


def test_missing_ansible_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ExecutionError, match="no package ansible"):
        find_ansible()


def written(root: Path, wave: WaveServer, **files: bytes) -> dict[str, Any]:
    with RunFolder(root) as run:
        found = write_wave_files(
            run, [wave], connector_public_key=KEY, files=files, forks=1, connect_timeout_seconds=5
        )
        inventory: dict[str, Any] = json.loads(found.inventory.read_text())
    return inventory


def test_every_text_in_the_inventory_is_marked_as_text(root: Path) -> None:
    """Documents, tags and paths are data; Ansible must not look for templates in them."""
    evil = "{{ lookup('pipe', 'id') }}"
    wave = WaveServer(replace(SERVER, tags={"owner": evil}), (KEY,), {"daypass_document": evil})
    text = json.dumps(written(root, wave, note=b"x"))
    assert text.count(json.dumps({"__ansible_unsafe": evil})) == 2
    assert text.count(evil) == 2


@pytest.mark.parametrize("name", ["ansible_host", "ansible_ssh_common_args", "x", "daypass_A", "daypass_x\n"])
def test_variable_that_is_not_ours_is_refused(root: Path, name: str) -> None:
    """Nobody who hands in variables decides how Ansible connects."""
    with pytest.raises(ExecutionError):
        written(root, WaveServer(SERVER, (KEY,), {name: "x"}))


@pytest.mark.parametrize("name", ["../x", "A", "", "a/b", "x\n"])
def test_file_with_another_name_is_refused(root: Path, name: str) -> None:
    """Files stay in the run folder."""
    with pytest.raises(ExecutionError):
        written(root, WaveServer(SERVER, (KEY,)), **{name: b"x"})


def test_server_without_recorded_key_is_not_asked(root: Path) -> None:
    """Neither a server nor its jump host is trusted at first sight; nothing is started for them."""
    executor = RunnerExecutor(connector_key=Secret(b""), run_root=root / "never")
    servers = [
        WaveServer(SERVER, ()),
        WaveServer(replace(SERVER, name="web-2", proxy_jump="gate"), (KEY,)),
        WaveServer(replace(SERVER, name="web-3"), ("* " + KEY,)),
    ]
    outcomes = executor.run("accounts", servers, deadline_seconds=5)
    assert [outcome.code for outcome in outcomes.values()] == ["host_key_missing"] * 3
    assert not (root / "never").exists()


def test_unknown_kind_of_wave_is_an_error(root: Path) -> None:
    """Only our own playbooks are run."""
    with pytest.raises(ExecutionError, match="accounts, onboard"):
        RunnerExecutor(connector_key=Secret(b""), run_root=root).run("../evil", [], deadline_seconds=5)
