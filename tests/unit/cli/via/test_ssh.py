"""`daypass --via … ssh SERVER`: what is used, asked and waited for, and which ssh is started in the end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daypass.ca.public_keys import check_public_key
from daypass.cli import main
from daypass.cli.render import json_text
from daypass.cli.via import followed_up
from daypass.cli.via import ssh as command
from daypass.client import waiting
from daypass.client.places import Home, home_of
from daypass.domain.open_access import OpenAccess, OpenCertificate, OpenGrant, OpenServer
from tests.asking import PUBLIC_KEY
from tests.fake_ssh import FakeSsh

VIA = ("--via", "ssh://daypass@broker")
REQUEST, GRANT = "01JD8F3K9M2N4P6Q8R0S2T4V6W", "01JD8F3K9M2N4P6Q8R0S2T4V6X"
KEY = check_public_key(PUBLIC_KEY)
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
Said = tuple[str, str, int]


class LoggedIn(BaseException):
    """The process would be ssh from here on."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """With the public half of a key; never the home of whoever runs the tests."""
    made = home_of(tmp_path)
    made.ssh.mkdir()
    made.key("daypass.pub").write_text(f"{KEY.line}\n")
    for module in (command, followed_up):
        monkeypatch.setattr(module, "home_of", lambda *_path: made)
    return made


@pytest.fixture
def ssh(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSsh:
    fake = FakeSsh(tmp_path)
    monkeypatch.setenv("PATH", f"{fake.bin}:{os.environ['PATH']}")
    monkeypatch.setattr(waiting, "SHORTEST_PAUSE", 0.0)
    return fake


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str] | int]]:
    """`daypass --via … ssh …`: the ssh that it becomes, or its exit code."""

    def execute(_program: str, argv: list[str]) -> None:
        raise LoggedIn(*argv)

    monkeypatch.setattr(os, "execvp", execute)
    pipes = signal.getsignal(signal.SIGPIPE)  # another process's from here on, but not in these tests

    def call(*words: str) -> list[str] | int:
        with pytest.raises((LoggedIn, SystemExit)) as end:
            main([*VIA, "ssh", *words])
        found = end.value
        return int(found.code or 0) if isinstance(found, SystemExit) else [str(one) for one in found.args]

    yield call
    signal.signal(signal.SIGPIPE, pipes)


def said(value: object, code: int = 0) -> Said:
    return (json_text(value), "", code)


def listed(
    *groups: str, state: str = "applied", left: timedelta = HOUR, begun: timedelta = HOUR
) -> dict[str, Any]:
    """One grant of `access list`."""
    servers = {"web-1": {"state": state, "groups": list(groups)}}
    return {"id": GRANT, "not_before": NOW - begun, "not_after": NOW + left, "servers": servers}


def request(state: str = "pending", server_state: str = "", outcome: str | None = None) -> Said:
    access = {
        "grant": GRANT,
        "not_before": NOW - HOUR,
        "not_after": NOW + HOUR,
        "servers": {"web-1": {"state": server_state, "outcome": outcome, "message": "no answer"}},
    }
    told = {"id": REQUEST, "state": state, "decision": "because"}
    return said({"request": told, "access": access if server_state else None})


def configured(*, certificates: bool = True) -> Said:
    """What `access ssh-config` answers."""
    certificate = OpenCertificate(
        1, KEY.fingerprint, NOW - HOUR, NOW + HOUR, "ssh-ed25519-cert-v01@openssh.com AAAA"
    )
    found = (certificate,) if certificates else ()
    grant = OpenGrant(
        GRANT, "applied", NOW - HOUR, NOW + HOUR, False, found, "" if found else "the key was revoked"
    )
    server = OpenServer("web-1", "192.0.2.1", 22, "alice", "daypass", (PUBLIC_KEY,), (grant,))
    return said(asdict(OpenAccess("d" * 32, "alice", (server,))))


SET_UP = (configured(certificates=False), configured())


def test_open_access_is_used_and_nothing_is_asked_for(ssh, run, home):
    """Looked up, put in place, logged in: by our file until ~/.ssh/config includes it."""
    ssh.answers(said([listed("ops", "logs")]), *SET_UP)
    argv = run("web-1", "--group", "ops", "--for", "1h", "--", "systemctl", "status", "-l")
    config = str(home.folder / ("d" * 32) / "config")
    assert argv == ["ssh", "-F", config, "web-1", "--", "systemctl", "status", "-l"]
    assert ssh.words[0] == "access list --output=json"
    assert not any("request" in one for one in ssh.words)
    assert (home.folder / ("d" * 32) / "known_hosts").read_text() == f"web-1 {PUBLIC_KEY}\n"
    (home.ssh / "config").write_text(f"{home.include}\n")
    ssh.answers(said([listed()]), *SET_UP)
    assert run("web-1", "-t") == ["ssh", "-t", "web-1"]


@pytest.mark.parametrize(
    "access",
    [
        [],
        [listed("logs")],
        [listed("ops", state="pending")],
        [listed("ops", left=timedelta(seconds=20))],
        [listed("ops", begun=-HOUR, left=2 * HOUR)],
        [listed("ops") | {"servers": {"db-1": {"state": "applied", "groups": ["ops"]}}}],
    ],
)
def test_access_that_is_not_enough_is_asked_for_and_waited_for(ssh, run, access):
    """Other groups, not there yet, about to end, later, elsewhere: with the words and this machine's key."""
    ssh.answers(said(access), request(), request(), request("approved", "applied", "applied"), *SET_UP)
    argv = run("web-1", "--group", "ops", "--for", "1h", "--reason", "it's down")
    assert isinstance(argv, list)
    assert argv[-1] == "web-1"
    asked, key = ssh.started[1]
    assert asked[-1].startswith("request new --server=web-1 --group=ops --for=1h '--reason=it'")
    assert key == f"{KEY.line}\n"
    assert ssh.words[2:4] == [f"request show --output=json -- {REQUEST}"] * 2


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (request("denied"), 4),
        (request("cancelled"), 4),
        (request("expired"), 4),
        (request("approved", "pending", "unreachable"), 3),
    ],
)
def test_without_access_nobody_logs_in(ssh, run, capsys, end, code):
    """The exit code says why; nothing is left below ~/.ssh."""
    ssh.answers(said([]), request(), end)
    assert run("web-1") == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "because" in err
    assert len(ssh.started) == 3


def test_denied_at_once_is_told_with_the_reasons_of_the_flows(ssh, run, capsys):
    """As on the broker; what they say is harmless for a terminal."""
    rules = [
        {"rule": "hours", "ok": False, "text": "only \x1b[2Jon Mondays"},
        {"rule": "who", "ok": True, "text": "-"},
    ]
    answer = {"request": {"id": REQUEST, "state": "denied", "decision": "no flow"}}
    ssh.answers(said([]), said(answer | {"decision": {"reasons": [{"flow": "work", "rules": rules}]}}, 4))
    assert run("web-1") == 4
    err = capsys.readouterr().err
    assert "only \\x1b[2Jon Mondays" in err


def test_request_that_is_open_already_is_followed(ssh, run):
    """Whoever interrupted the waiting types the same line again."""
    pending = {
        "code": "already_pending",
        "message": "asked already",
        "hint": f"ssh d@b request show {REQUEST}",
    }
    ssh.answers(
        said([]), said({"error": pending}, 2), request(), request("approved", "applied", "applied"), *SET_UP
    )
    assert isinstance(run("web-1"), list)
    assert ssh.words[2] == f"request show --output=json -- {REQUEST}"


def test_what_the_gate_says_is_wrong_is_told_with_its_code(ssh, run, capsys):
    """Exit code 4 of a denial that is no request's."""
    ssh.answers(
        said([]), said({"error": {"code": "denied", "message": "too many", "hint": "cancel some"}}, 4)
    )
    assert run("web-1") == 4
    assert "hint: cancel some" in capsys.readouterr().err


def test_access_without_a_certificate_for_this_machine_is_an_error(ssh, run, capsys):
    """With the reason that the gate gives."""
    ssh.answers(said([listed()]), configured(certificates=False))
    assert run("web-1") == 1
    assert "the key was revoked" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["-oProxyCommand=id", "web 1", "web-1\n", "../x", "localhost", ""])
def test_odd_name_is_refused_before_anybody_is_asked(ssh, run, name):
    """It would become a word of ssh's."""
    assert run("--", name) == 2
    assert ssh.started == []


def test_without_a_gate_it_is_told_how_to_name_one(capsys, monkeypatch):
    """Who somebody is follows from the key that logs in there; an operator's machine has nobody's keys."""
    monkeypatch.delenv("DAYPASS_VIA", raising=False)
    with pytest.raises(SystemExit) as end:
        main(["ssh", "web-1"])
    assert end.value.code == 2
    assert "daypass --via ssh://" in capsys.readouterr().err


def test_hostile_answers_write_nothing(ssh, run, home):
    """Another shape, a name with a line break, an id that would be an option."""
    for answers in (
        [said({"a": 1})],
        [said([{"servers": 1}])],
        [said([]), said({"request": {"id": "--help", "state": "pending"}})],
        [said([listed()]), said({"orchestrator": "../../x", "login": "alice", "servers": [], "format": 1})],
        [said([listed()]), said(json.loads(configured()[0].replace("192.0.2.1", "x\\n  ProxyCommand id")))],
    ):
        ssh.answers(*answers)
        assert run("web-1") == 1
    assert not home.folder.exists()


def test_new_request_with_wait_goes_through_the_gate(ssh, capsys):
    """The same waiting, by looks; then certificates are put in place."""
    ssh.answers(request(), request(), request("approved", "applied", "applied"), *SET_UP)
    with pytest.raises(SystemExit) as end:
        main([*VIA, "request", "new", "--server", "web-1", "--wait", "-o", "json"])
    assert end.value.code == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["request"]["state"] == "approved"
    assert "waits for" in err
    assert "--wait" not in ssh.words[0]
    assert "open" in err


def test_time_that_is_over_is_told_with_what_is_typed_here(ssh, capsys):
    """The request stays; the lines to type next go through the same gate."""
    ssh.answers(request())
    with pytest.raises(SystemExit) as end:
        main([*VIA, "request", "wait", REQUEST, "--give-up-after", "PT1S"])
    assert end.value.code == 1
    err = capsys.readouterr().err
    assert "is still pending" in err
    assert f"daypass --via ssh://daypass@broker request wait {REQUEST}" in err
    assert f"daypass --via ssh://daypass@broker request cancel {REQUEST}" in err
