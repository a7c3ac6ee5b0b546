from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from daypass.cli import main
from daypass.cli.servers import scan as scanning
from daypass.inventory.host_key_text import fingerprint


def new_key() -> str:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


FIRST, SECOND = new_key(), new_key()


@pytest.fixture
def shown() -> dict[str, list[str] | str]:
    """What the servers show; a test changes it."""
    return {"web-1": [FIRST], "web-2": [SECOND]}


@pytest.fixture
def run(tmp_path, monkeypatch, shown):
    """`daypass …` in a folder with two servers that show these keys."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAYPASS_CONFIG", raising=False)
    monkeypatch.setattr(scanning, "scan", lambda servers: {s.name: shown[s.name] for s in servers})
    servers = [{"name": name, "host": "127.0.0.1"} for name in shown]
    (tmp_path / "servers.json").write_text(json.dumps(servers))

    def run_words(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    assert run_words("init", "--connector-key", "env:KEY").exit_code == 0
    return run_words


def scanned(result: Result) -> dict[str, tuple[str, bool]]:
    return {name: (one["standing"], one["recorded"]) for name, one in json.loads(result.stdout).items()}


def test_keys_arent_recorded_without_a_confirmation(run):
    """Where nobody can be asked, the fingerprints are shown and nothing is recorded."""
    result = run("servers", "scan")
    assert result.exit_code == 2
    assert fingerprint(FIRST) in result.stdout
    assert "--yes" in result.stderr
    assert scanned(run("servers", "scan", "--yes", "-o", "json"))["web-1"] == ("new", True)


def test_confirmed_keys_are_recorded_once(run):
    """The second scan finds them known and asks nothing."""
    assert run("servers", "scan", "--yes").exit_code == 0
    again = run("servers", "scan", "-o", "json")
    assert again.exit_code == 0
    assert scanned(again) == {"web-1": ("same", False), "web-2": ("same", False)}


def test_only_the_named_servers_are_asked(run):
    """Names narrow the scan down."""
    assert list(scanned(run("servers", "scan", "web-2", "--yes", "-o", "json"))) == ["web-2"]


def test_unknown_server_is_refused_with_the_nearest_name(run):
    """As everywhere else."""
    result = run("servers", "scan", "web-3", "--yes")
    assert result.exit_code == 2
    assert "web-" in result.stderr


def test_changed_key_isnt_recorded_by_yes_alone(run, shown):
    """Somebody may be in between: exit code 3, and the old key stays until --replace."""
    run("servers", "scan", "--yes")
    shown["web-1"] = [SECOND]
    result = run("servers", "scan", "--yes")
    assert result.exit_code == 3
    assert "web-1: shows another key" in result.stderr
    assert scanned(run("servers", "scan", "--yes", "-o", "json"))["web-1"] == ("changed", False)
    assert scanned(run("servers", "scan", "--yes", "--replace", "-o", "json"))["web-1"] == ("changed", True)
    assert run("servers", "scan").exit_code == 0


def test_silent_server_doesnt_hold_up_the_others(run, shown):
    """Done in part: the others are recorded, the silent one is named with the reason."""
    shown["web-1"] = "127.0.0.1 port 22 showed no host key"
    result = run("servers", "scan", "--yes", "-o", "json")
    assert result.exit_code == 3
    assert scanned(result) == {"web-1": ("failed", False), "web-2": ("new", True)}
    shown["web-2"] = "the same"
    assert run("servers", "scan", "--yes").exit_code == 1
