"""What `daypass doctor` reads: real files, sockets, programs and databases."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from daypass import config
from daypass.ca.keys import generate_ca_key
from daypass.domain.hosts import Host, HostKey
from daypass.domain.servers import Server
from daypass.execution.reach import silent_servers
from daypass.gate.installing import Broker
from daypass.gate.sshd_block import drop_in
from daypass.store.examining import damage_of
from daypass.wiring import examine, initialise, now, open_daypass
from daypass.wiring.examining import files, gate, machine
from daypass.wiring.examining.fleet import spread
from daypass.workflow.doctor import Finding, Grade, worst
from daypass.workflow.reconciling import reconcile_once

CONFIGURATION = """
state_dir: state
integrations: [{name: prod, servers: servers.json, secret: {file: connector_key}}]
"""


@contextmanager
def greeting(text: bytes) -> Iterator[int]:
    """A port where this is said to everybody who comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(text)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    """Where something greets as sshd does."""
    with greeting(b"welcome\r\nSSH-2.0-OpenSSH_9.2\r\n") as number:
        yield number


@pytest.fixture
def place(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration of an orchestrator with one server, before `daypass init`."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    tmp_path.chmod(0o755)
    (tmp_path / "connector_key").write_bytes(generate_ca_key().reveal())
    (tmp_path / "connector_key").chmod(0o600)
    (tmp_path / "servers.json").write_text(json.dumps([{"name": "web-1", "host": "127.0.0.1", "port": port}]))
    path = tmp_path / "daypass.yaml"
    path.write_text(CONFIGURATION)
    path.chmod(0o644)
    return path


@pytest.fixture
def ready(place: Path) -> Path:
    """As `place`, with all that a healthy one has: a record, keys, an onboarded server, a pass just now."""
    initialise(place, servers=None, integration="prod", groups=(), connector_key=None)
    with open_daypass(place) as daypass:
        seams = daypass.seams
        with seams.store.write("x", now()) as work:
            work.add_host_key(HostKey("web-1", "ssh-ed25519 AAAA", "SHA256:a", now()))
            work.set_host(Host("web-1", "a" * 32, onboarded_at=now()))
        reconcile_once(seams, now())
    return place


@pytest.fixture
def findings(place: Path) -> Callable[[], dict[str, Finding]]:
    """What doctor finds now: by what was looked at, the worst of each."""

    def look() -> dict[str, Finding]:
        found = sorted(examine(place), key=lambda one: list(Grade).index(one.grade))
        return {one.what: one for one in found}

    return look


def test_a_healthy_machine_has_nothing_to_mend(ready, findings):
    """Programs, agent, files, database, log, keys, servers: everything real, nothing to do.

    A machine of the tests may lack a time server.
    """
    found = findings()
    found.pop("clock", None)
    assert [one for one in found.values() if one.grade is not Grade.OK] == []
    assert {"ssh-agent", "database file", "audit log", "CA key", "reachability", "disk"} <= set(found)


def test_a_lost_ca_key_is_told_once_with_what_brings_it_back(ready, findings):
    """`daypass init` would refuse."""
    with open_daypass(ready) as daypass, daypass.seams.store.write("x", now()) as work:
        work.set_ca_keys((daypass.seams.signer().public_key,))
    (ready.parent / "state" / "user_ca").unlink()
    told = [one for one in findings().values() if "user_ca" in one.found]
    assert [one.what for one in told] == ["CA key"]
    assert "backup" in told[0].hint


def test_a_server_that_is_being_off_boarded_is_not_called_new(ready, findings):
    """What ends it is to be typed again; `daypass onboard` would take it back."""
    with open_daypass(ready) as daypass, daypass.seams.store.write("x", now()) as work:
        work.set_host(Host("web-1", "a" * 32, onboarded_at=now(), leaving_at=now()))
    found = findings()
    assert (found["onboarding of prod"].grade, found["off-boarding"].grade) == (Grade.OK, Grade.WARN)
    assert found["off-boarding"].found == "isn't over on web-1"
    assert found["off-boarding"].hint.startswith("daypass offboard web-1")


def test_looking_before_init_makes_nothing(place, findings):
    """Each thing that is missing names what makes it."""
    before = sorted(place.parent.rglob("*"))
    found = findings()
    assert {
        what for what, one in found.items() if one.hint == "daypass init" and one.grade is Grade.FAIL
    } >= {
        "state folder",
        "database",
    }
    assert sorted(place.parent.rglob("*")) == before


def test_files_that_others_may_read_or_write_are_told_with_the_command(ready, findings):
    """Secrets are this account's alone, settings may be read."""
    (ready.parent / "connector_key").chmod(0o644)
    (ready.parent / "state").chmod(0o750)
    ready.chmod(0o666)
    found = findings()
    assert found["secret connector_key"].hint == f"chmod 0600 {ready.parent / 'connector_key'}"
    assert found["state folder"].hint == f"chmod 0700 {ready.parent / 'state'}"
    assert found["who writes the configuration"].hint == f"chmod o-w {ready}"


def test_a_database_of_a_newer_daypass_is_named_as_such(ready, findings):
    """`daypass init` can't help there."""
    with closing(sqlite3.connect(ready.parent / "state/daypass.sqlite3")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    found = findings()
    assert "newer" in found["database schema"].hint
    assert "audit log" not in found


def test_a_damaged_database_is_found(ready, findings):
    """By SQLite's own check, whatever else still works."""
    database = ready.parent / "state/daypass.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [[page]] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'host_keys'")
        [[size]] = connection.execute("PRAGMA page_size")
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    assert findings()["database file"].grade is Grade.FAIL


def test_a_large_database_is_looked_at_for_a_limited_time(tmp_path):
    """Nobody waits for the whole of it."""
    with closing(sqlite3.connect(tmp_path / "db")) as connection, connection:
        connection.execute(
            "CREATE TABLE t AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n"
            " LIMIT 200000) SELECT x FROM n"
        )
    assert damage_of(tmp_path / "db", seconds=0) is None
    assert damage_of(tmp_path / "db", seconds=60) == []


def test_a_log_that_does_not_fit_its_anchor_is_a_failure(ready, findings):
    """The cheap half of `daypass audit verify`: the one event that was noted."""
    anchor = ready.parent / "state/audit-head.json"
    noted = json.loads(anchor.read_text())
    anchor.write_text(json.dumps(noted | {"hash": "0" * 64}))
    assert findings()["audit log"].hint == "daypass audit verify"
    anchor.unlink()
    assert "daypass audit verify" in findings()["audit log"].hint


def test_a_clock_behind_the_last_event_is_a_failure(ready, findings):
    """Access would end too late."""
    with open_daypass(ready) as daypass, daypass.seams.store.write("x", now() + timedelta(days=1)) as work:
        work.append_event("test", "x", {})
    assert findings()["clock"].grade is Grade.FAIL


def test_what_a_killed_run_left_behind_is_told_and_left_alone(ready, findings, tmp_path, monkeypatch):
    """`daypass reconcile` removes it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    left = tmp_path / "daypass/run-0123456789ab"
    left.mkdir(parents=True)
    left.parent.chmod(0o700)
    assert findings()["runs"].hint == "daypass reconcile"
    assert left.is_dir()


def test_servers_that_are_no_sshd_are_told_with_the_reason(port):
    """Refused, another service, no address: a connection alone proves nothing."""
    with (
        greeting(b"220 mail.example.com ESMTP\r\n") as mail,
        socket.create_server(("127.0.0.1", 0)) as closed,
    ):
        free = closed.getsockname()[1]
        closed.close()
        places = {
            "good": ("127.0.0.1", port),
            "mail": ("127.0.0.1", mail),
            "off": ("127.0.0.1", free),
            "lost": ("nowhere.invalid", 22),
        }
        asked = [Server(name, host, port=number) for name, (host, number) in places.items()]
        done: list[None] = []
        silent = silent_servers(asked, lambda: done.append(None))
    assert silent.keys() == {"mail", "off", "lost"}
    assert (silent["off"], silent["mail"]) == ("connection refused", f"port {mail} is no sshd")
    assert len(done) == 4


def test_of_many_servers_some_from_all_over_the_list_are_asked():
    """A whole list takes a while; --servers asks for it."""
    servers = [Server(f"web-{number}", "h") for number in range(1000)]
    assert [one.name for one in spread(servers, 4)] == ["web-0", "web-250", "web-500", "web-750"]
    assert spread(servers[:3], 4) == servers[:3]


def test_a_state_folder_of_somebody_else_is_not_looked_into(ready, findings, monkeypatch):
    """Looking would leave files there that its owner couldn't write; as whom to look is said."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    found = findings()
    assert "sudo -u" in found["state folder"].hint
    assert "database" not in found


def test_a_program_that_is_looked_at_sees_none_of_the_secrets(tmp_path, monkeypatch):
    """Which variables hold secrets isn't known before the configuration was read, so nobody gets any."""
    seen = tmp_path / "seen"
    for name in machine.PROGRAMS:
        (tmp_path / name).write_text(f"#!/bin/sh\nexport -p > {seen}\necho OpenSSH_9.2 >&2\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DAYPASS_CONNECTOR_KEY", "the-private-key")
    assert worst(machine.openssh()) is Grade.OK
    assert "the-private-key" not in seen.read_text()


def test_a_link_is_judged_by_what_it_leads_to(tmp_path):
    """What is read is what counts."""
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(0o640)
    (tmp_path / "link").symlink_to("key")
    assert files.facts_of(tmp_path / "link").mode == 0o640


def test_a_gate_is_looked_at_without_root(ready, tmp_path):
    """Drop-in and units as they were installed, for this configuration; else which of them isn't."""
    settings = config.load(ready, {}, tmp_path)
    file = tmp_path / "gate.conf"
    assert gate.facts_of(settings, str(file)) is None
    broker = Broker(settings, "broker")
    whole = drop_in("daypass", "daypass-broker", broker.keys_command, startups=True)
    file.write_text(whole)
    assert str(file) not in gate.facts_of(settings, str(file)).changed
    file.write_text(whole.replace("PermitTTY yes", "PermitTTY no"))
    assert str(file) in gate.facts_of(settings, str(file)).changed
    file.write_text(whole.replace(str(ready), "/srv/other.yaml"))
    assert gate.facts_of(settings, str(file)).elsewhere == "/srv/other.yaml"
