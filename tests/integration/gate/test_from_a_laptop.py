"""`daypass --via …` on a person's machine: from nothing to logged in, through a real gate."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab.broker import CONFIG, NAME, PYTHON, SECONDS, Broker
from tests.waiting import wait_for

SERVER = "self-1"  # the broker is a server like any other
HOME = "/home/laptop"


@dataclass(frozen=True)
class Laptop:
    """An account of its own, with the key that alice has in the directory, and no configuration."""

    broker: Broker

    @property
    def via(self) -> str:
        return f"ssh://daypass@{NAME}:{self.broker.host.port}"

    def argv(self, *words: str) -> list[str]:
        return ["runuser", "-u", "laptop", "--", "env", f"HOME={HOME}", "TERM=xterm", *words]

    def daypass(self, *words: str) -> list[str]:
        return self.argv(PYTHON, "-m", "daypass", "--via", self.via, *words)

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return self.broker.exec("sh", "-c", 'cd / && exec "$@"', "sh", *argv, check=False)

    def start(self, *argv: str) -> subprocess.Popen[str]:
        words = self.broker.lab.exec_argv(self.broker.host, ["sh", "-c", 'cd / && exec "$@"', "sh", *argv])
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def waiting(self) -> list[str]:
        """Requests that wait for bob."""
        listed = self.broker.ssh("bob", "request", "list", "-o", "json")
        return [one["id"] for one in json.loads(listed.stdout)["requests"] if one["waits_for_you"]]

    def the_request(self) -> str:
        found: list[str] = []
        assert wait_for(lambda: bool(found.extend(self.waiting()) or found))
        return found[0]


@pytest.fixture(scope="module")
def laptop(broker: Broker) -> Iterator[Laptop]:
    """The host key is the line that `gate install` printed."""
    before = broker.exec("cat", "/etc/daypass/servers.json").stdout
    place = {"host": broker.host.address, "port": broker.host.port, "host_key": broker.host.host_key}
    server = {"name": SERVER, **place}
    broker.write("/etc/daypass/servers.json", json.dumps([*json.loads(before), server]))
    broker.exec("groupadd", "--force", "ops")
    broker.as_account("onboard", "--config", CONFIG, SERVER)
    installed = broker.daypass(
        "gate", "install", "--config", CONFIG, "--broker", NAME, "--check", "-o", "json"
    )
    pinned = [
        line.replace(NAME, _name(broker.host.port)) for line in json.loads(installed.stdout)["known_hosts"]
    ]
    broker.exec("sh", "-c", f"echo '{broker.host.address} {NAME}' >> /etc/hosts")
    broker.exec("useradd", "--create-home", "--shell", "/bin/sh", "laptop")
    broker.exec("install", "-d", "-m", "0700", "-o", "laptop", f"{HOME}/.ssh")
    broker.write(f"{HOME}/.ssh/known_hosts", "\n".join([*pinned, ""]))
    broker.write(f"{HOME}/.ssh/id_ed25519", broker.key("alice").read_text())
    broker.exec("chmod", "0600", f"{HOME}/.ssh/id_ed25519")
    broker.exec("chown", "-R", "laptop:", f"{HOME}/.ssh")
    yield Laptop(broker)
    broker.write("/etc/daypass/servers.json", before)


def _name(port: int) -> str:
    """As sshd(8) has it in known_hosts."""
    return NAME if port == 22 else f"[{NAME}]:{port}"


def test_one_command_goes_from_nothing_to_logged_in(laptop):
    """Asked, approved by bob meanwhile, certified for a new key, configured, logged in; then again."""
    asked = ("--group", "ops", "--for", "1h", "--reason", "it's down; really", "--no-passphrase")
    command = laptop.daypass("ssh", SERVER, *asked, "--", "id", "-un;", "id", "-Gn")
    process = laptop.start(*command)
    try:
        request = laptop.the_request()
        shown = json.loads(laptop.broker.ssh("bob", "request", "show", request, "-o", "json").stdout)
        assert shown["request"]["justification"] == "it's down; really"
        approved = laptop.broker.ssh("bob", "request", "approve", request)
        assert approved.returncode == 0, approved.stdout + approved.stderr
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, err
    assert out.split("\n")[0] == "alice"
    assert "ops" in out.split("\n")[1].split()
    assert f"request {request} waits for" in err
    again = laptop.run(*command)
    assert (again.returncode, again.stdout) == (0, out), again.stderr
    assert "is open until" in again.stderr
    ended = laptop.run(*laptop.daypass("ssh", SERVER, "--", "exit", "7"))
    assert ended.returncode == 7
    on_terminal = laptop.run(
        *laptop.argv("script", "-qec", f"{PYTHON} -m daypass --via {laptop.via} access list", "/dev/null")
    )
    assert "\x1b[1m" in on_terminal.stdout, on_terminal
    assert SERVER in on_terminal.stdout
    listed = laptop.run(*laptop.daypass("access", "list", "-o", "json"))
    [grant] = json.loads(listed.stdout)
    assert grant["request"] == request
    ended = laptop.run(*laptop.daypass("access", "end", grant["id"], "--yes"))
    assert ended.returncode == 0, ended.stderr


def test_denied_and_unknown_host_keys_end_with_a_sentence(laptop):
    """Exit code 4 with what bob said; 1 where the broker's key isn't known, before anything is sent."""
    process = laptop.start(*laptop.daypass("ssh", SERVER, "--group", "ops", "--reason", "again"))
    try:
        denied = laptop.broker.ssh("bob", "request", "deny", laptop.the_request(), "--reason", "'not today'")
        assert denied.returncode == 0, denied.stderr
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (4, ""), err
    assert "not today" in err
    laptop.broker.exec("mv", f"{HOME}/.ssh/known_hosts", f"{HOME}/.ssh/aside")
    try:
        refused = laptop.run(*laptop.daypass("access", "list"))
    finally:
        laptop.broker.exec("mv", f"{HOME}/.ssh/aside", f"{HOME}/.ssh/known_hosts")
    assert refused.returncode == 1
    assert "daypass gate install" in refused.stderr
    assert not laptop.waiting()
