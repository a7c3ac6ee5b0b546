"""Every way out of the forced command is closed, on a real sshd as `daypass gate install` leaves it."""

from __future__ import annotations

import json
import socket
import subprocess
import time

import pytest

from lab.broker import NAME, Broker
from lab.recipes import LOGINS_AT_ONCE
from tests.integration.gate.conftest import everybody

MARK = "/tmp/daypass-was-here"
MANY = 1000
REFUSED = b"Exceeded MaxStartups\r\n"
PATIENCE_SECONDS = 60
TOUCH = f"touch {MARK}"
NASTY = [
    TOUCH,
    f"request list; {TOUCH}",
    f"request list && {TOUCH}",
    f"request list || {TOUCH}",
    f"request list | {TOUCH}",
    f"request list\n{TOUCH}",
    f"request list & {TOUCH}",
    f"$({TOUCH})",
    f"request list `{TOUCH}`",
    f"'; {TOUCH}; '",
    f'"; {TOUCH}; "',
    f"request show '$({TOUCH})'",
    f'request show "\'; {TOUCH} #"',
    f"-- sh -c '{TOUCH}'",
    "{{ lookup('pipe', 'touch " + MARK + "') }}",
    "request show {{7*7}}",
    "request show %s%n${HOME}",
    "--config /etc/passwd request list",
    "request list --config /dev/stdin",
    "request list --as bob",
    "request new --server web-1 --public-key /etc/shadow",
    "certificate 01X --save /tmp/daypass-was-here",
    "../../../bin/sh",
    "gate run --person bob",
    "grant --login alice --server web-1 --for 1h",
    "request show \x1b]0;x\x07",
    "request show \\x00",
    "@/etc/passwd",
]


@pytest.fixture(autouse=True)
def nothing_ran(broker: Broker):
    """No test gets a command of its own to run on the broker."""
    yield
    found = broker.exec("find", "/tmp", "/", "-maxdepth", "1", "-name", "daypass-was-here*").stdout
    assert not found


def test_person_is_who_the_key_says(broker):
    """Help is shown, and a request is that person's with that key; the address is in the record."""
    shown = broker.ssh("alice", "help")
    assert shown.returncode == 0, shown.stderr
    assert f"ssh daypass@{NAME} request new" in shown.stdout
    words = [
        "request",
        "new",
        "--server",
        "web-1",
        "--for",
        "1h",
        "--reason",
        "'nginx is down'",
        "-o",
        "json",
    ]
    made = broker.ssh("alice", *words)
    assert made.returncode == 0, made.stdout + made.stderr
    request = json.loads(made.stdout)["request"]
    assert (request["requester"], request["justification"]) == ("alice", "nginx is down")
    assert request["id"] in broker.ssh("bob", "request", "list").stdout
    cancelled = broker.ssh("alice", "request", "cancel", request["id"])
    assert cancelled.returncode == 0, cancelled.stderr


def test_what_is_typed_never_runs_as_anything_else(broker):
    """A second command, quotes, line breaks, template marks, options before and after: exit code 2."""
    with broker.shared("alice") as shared:
        ended = [(typed, broker.ssh("alice", typed, options=shared)) for typed in NASTY]
    assert [(typed, done) for typed, done in ended if done.returncode != 2] == []
    said = "".join(done.stdout + done.stderr for _, done in ended)
    assert "Traceback" not in said
    assert "\x1b" not in said


def test_a_megabyte_of_words_ends_at_once(broker):
    """Neither the gate nor sshd falls over, and the next one comes in."""
    for size in (20_000, 100_000, 1_000_000):
        words = ["request", "show", *(["x" * 60_000] * (size // 60_000 or 1))]
        done = broker.ssh("alice", *words)
        assert done.returncode != 0
    assert broker.ssh("alice", "help").returncode == 0


def test_variables_of_the_client_change_nothing(broker):
    """Those that Debian's sshd lets in, and those that it doesn't."""
    options = ["-o", "SendEnv=LC_* LANG PYTHON* LD_* DAYPASS_* BASH_ENV ENV"]
    options += [
        "-o",
        "SetEnv=LC_ALL=/tmp LC_X=$(id) PYTHONSTARTUP=/tmp/x BASH_ENV=/tmp/x LD_PRELOAD=/tmp/x.so",
    ]
    done = broker.ssh(
        "alice", "help", options=options, environment={"LC_MESSAGES": "../../x", "DAYPASS_CONFIG": "/tmp/x"}
    )
    assert done.returncode == 0, done.stderr
    assert "Commands:" in done.stdout


def test_forwardings_are_refused(broker):
    """-L, -D, -W, -R, sockets, tunnels."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    refused = broker.ssh("alice", options=["-W", f"127.0.0.1:{port}"])
    assert refused.returncode != 0
    assert "prohibited" in refused.stderr, refused.stderr
    for option in (["-R", "0:127.0.0.1:22"], ["-R", "/tmp/daypass-was-here:127.0.0.1:22"], ["-w", "any:any"]):
        done = broker.ssh("alice", "help", options=[*option, "-o", "ExitOnForwardFailure=yes"])
        assert done.returncode == 255, (option, done.stdout, done.stderr)
    direct, dynamic = _free_port(), _free_port()
    options = ["-N", "-L", f"127.0.0.1:{direct}:127.0.0.1:{port}", "-D", f"127.0.0.1:{dynamic}"]
    held = subprocess.Popen(
        ["ssh", *broker.options("alice"), *options, f"daypass@{broker.host.address}"],
        stderr=subprocess.DEVNULL,
    )
    socks = b"\x05\x01\x00", b"\x05\x01\x00\x01\x7f\x00\x00\x01" + port.to_bytes(2, "big")  # RFC 1928
    try:
        assert _closed_by_the_other_side(direct, b"x")
        assert _closed_by_the_other_side(dynamic, *socks)
    finally:
        held.kill()
        held.wait()
    server.settimeout(0.2)
    with pytest.raises(TimeoutError):
        server.accept()
    server.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _closed_by_the_other_side(port: int, *messages: bytes) -> bool:
    """Whether ssh gives the connection up behind the last message; before that it may answer by itself."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as client:
                client.settimeout(PATIENCE_SECONDS)
                for message in messages:
                    client.sendall(message)
                    answer = client.recv(10)
                return answer == b""
        except ConnectionResetError:
            return True
        except OSError:
            time.sleep(0.1)
    return False


def test_agent_and_display_are_not_taken_along(broker):
    """A session has neither, whatever the client offers."""
    log = broker.ssh("alice", "help", options=["-A", "-X", "-v"]).stderr
    assert "Requesting authentication agent forwarding" not in log or "refused" in log or "failed" in log
    assert broker.exec("find", "/tmp", "-name", "ssh-*").stdout == ""


def test_no_file_is_carried_in_or_out(broker, tmp_path):
    """sftp, scp by either protocol."""
    (tmp_path / "x").write_text("x")
    port = ["-P", str(broker.host.port)]
    options = broker.options("alice")
    cut = options.index("-p")
    options = options[:cut] + options[cut + 2 :]
    target = f"daypass@{broker.host.address}"
    for argv in (
        ["sftp", *options, *port, "-b", "/dev/null", target],
        ["scp", *options, *port, str(tmp_path / "x"), f"{target}:{MARK}"],
        ["scp", "-O", *options, *port, str(tmp_path / "x"), f"{target}:{MARK}"],
        ["scp", *options, *port, f"{target}:/etc/hostname", str(tmp_path / "y")],
    ):
        assert subprocess.run(argv, capture_output=True, check=False, timeout=60).returncode != 0, argv
    assert not (tmp_path / "y").exists()
    assert broker.ssh("alice", "sftp", options=["-s"]).returncode != 0


def test_without_a_command_there_is_no_shell(broker):
    """Neither with words over standard input, nor with a terminal."""
    for options in ([], ["-tt"]):
        done = broker.ssh("alice", options=options, stdin=f"{TOUCH}\n\x04".encode())
        assert "Traceback" not in done.stdout + done.stderr
        assert "what you could ask for" in done.stdout


def test_only_a_persons_own_key_comes_in(broker):
    """A stranger's key, no key, a password: refused. So is a key that stands at two people, for both."""
    for key in ("stranger", "shared"):
        assert "Permission denied (publickey)" in broker.ssh(key, "help").stderr
    log = broker.exec("journalctl", "-t", "daypass-gate", "--no-pager").stdout
    assert "stands at alice, bob: refused for all of them" in log
    none = broker.ssh("alice", "help", options=["-o", "PubkeyAuthentication=no"])
    assert "Permission denied (publickey)" in none.stderr
    for other in ("root", "nobody"):
        argv = ["ssh", *broker.options("alice"), f"{other}@{broker.host.address}", "help"]
        assert subprocess.run(argv, capture_output=True, check=False, timeout=60).returncode == 255


def test_who_left_is_out_at_the_next_login(broker):
    """Within one read of the directory, and back as soon as it says so; a broken one lets nobody in."""
    alice = {"public_keys": [broker.public("alice")]}
    try:
        broker.people(alice=alice | {"active": False}, bob={"public_keys": [broker.public("bob")]})
        assert broker.ssh("alice", "help").returncode == 255
        assert broker.ssh("bob", "help").returncode == 0
        broker.write("/etc/daypass/directory.yaml", "people: [")
        assert broker.ssh("bob", "help").returncode == 255
    finally:
        broker.people(**everybody(broker))
    assert broker.ssh("alice", "help").returncode == 0


def test_a_thousand_connections_at_once_do_not_pile_up(broker):
    """sshd takes as many as it may and tells the others; when they are gone people come in as before."""
    most = int(LOGINS_AT_ONCE.rpartition(":")[2])
    strangers = [socket.socket() for _ in range(MANY)]
    try:
        for one in strangers:
            one.settimeout(PATIENCE_SECONDS)
            one.connect((broker.host.address, broker.host.port))
        answers = [_answer(one) for one in strangers]
        taken = sum(answer.startswith(b"SSH-2.0-") for answer in answers)
        assert 10 <= taken <= most
        assert {answer for answer in answers if not answer.startswith(b"SSH-2.0-")} <= {b"", REFUSED}
        processes = broker.exec("pgrep", "-c", "sshd|python").stdout
        assert int(processes) <= 2 * most + 20
    finally:
        for one in strangers:
            one.close()
    end = time.monotonic() + PATIENCE_SECONDS
    while (done := broker.ssh("alice", "help")).returncode == 255:
        assert time.monotonic() < end, done.stderr
    assert done.returncode == 0, done.stderr


def _answer(connection: socket.socket) -> bytes:
    try:
        return connection.recv(len(REFUSED))
    except ConnectionResetError:
        return b""
