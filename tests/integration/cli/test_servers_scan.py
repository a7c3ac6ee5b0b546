"""`daypass servers` against the sshd of real hosts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from daypass.cli import main
from daypass.inventory.host_key_text import fingerprint
from lab import api


@pytest.fixture
def servers(light_lab: api.Lab, tmp_path: Path) -> list[dict[str, object]]:
    """The lab's hosts as a server list that names no host keys."""
    entries = [{"name": h.name, "host": h.address, "port": h.port} for h in light_lab.hosts]
    (tmp_path / "servers.json").write_text(json.dumps(entries))
    return entries


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, servers: list[dict[str, object]]):
    """`daypass …` beside that list."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAYPASS_CONFIG", raising=False)

    def run_words(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    assert run_words("init", "--connector-key", "env:KEY").exit_code == 0
    return run_words


def test_list_that_the_lab_writes_has_no_problems(light_lab: api.Lab, run) -> None:
    """The lab's own servers.json passes the check that needs no configuration."""
    assert run("servers", "check", str(light_lab.servers_file)).exit_code == 0


def test_scan_records_the_keys_that_the_servers_have(light_lab: api.Lab, run) -> None:
    """What is recorded is what each host says of itself, and the second scan finds it known."""
    result = run("servers", "scan", "--yes", "-o", "json")
    assert result.exit_code == 0, result.output
    scanned = json.loads(result.stdout)
    for host in light_lab.hosts:
        shown = {key["fingerprint"] for key in scanned[host.name]["keys"]}
        assert fingerprint(" ".join(host.host_key.split()[:2])) in shown
        assert scanned[host.name]["recorded"] is True
    assert run("servers", "scan").exit_code == 0


def test_server_that_is_down_is_named_and_the_others_are_recorded(light_lab: api.Lab, run) -> None:
    """Done in part: exit code 3 and the reason."""
    down = light_lab.hosts[0]
    light_lab.stop(down)
    try:
        result = run("servers", "scan", "--yes", "-o", "json")
    finally:
        light_lab.start(down)
    assert result.exit_code == 3
    scanned = json.loads(result.stdout)
    assert scanned[down.name]["standing"] == "failed"
    assert [one["recorded"] for name, one in scanned.items() if name != down.name] == [True, True]
