"""`daypass request wait` and `--wait` where the orchestrator is: how it ends, what an interruption leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daypass.cli import main
from daypass.workflow.requests import listing
from tests.asking import KEYS
from tests.initialised import ALICE_ASKS_BOB, initialised

NEW = ("request", "new", "--as", "alice", "--server", "web-1", "--reason", "nginx is down")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A configuration with people, initialised."""
    path = initialised(tmp_path, ALICE_ASKS_BOB, {name: KEYS[name] for name in ("alice", "bob")})
    monkeypatch.setenv("DAYPASS_CONFIG", str(path))
    capsys.readouterr()
    return tmp_path


def daypass(*words: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    assert end.value.code == code


def waiting(*words: str) -> subprocess.Popen[str]:
    """A command that waits, as a person would have it; without a terminal it writes lines."""
    argv = [sys.executable, "-m", "daypass", *words]
    return subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def first_line(process: subprocess.Popen[str]) -> str:
    """Blocks until it says that it waits."""
    assert process.stderr is not None
    return process.stderr.readline()


def pending(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    daypass("request", "list", "-o", "json")
    [request] = json.loads(capsys.readouterr().out)["requests"]
    return str(request["id"])


def test_request_that_is_denied_meanwhile_ends_the_waiting(folder, capsys):
    """Exit code 4, with what the approver said; JSON is one value for the end."""
    process = waiting(*NEW, "--wait", "-o", "json")
    assert "waits for" in first_line(process)
    request = pending(capsys)
    daypass("request", "deny", request, "--as", "bob", "--reason", "use the replica")
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 4
    told = json.loads(out)["request"]
    assert (told["id"], told["state"]) == (request, "denied")
    assert "use the replica" in told["decision"]
    daypass("request", "wait", request, "--as", "alice", code=4)
    assert f"request {request} is denied" in capsys.readouterr().out


def test_interrupted_waiting_leaves_the_request_and_says_how_to_go_on(folder, capsys):
    """Ctrl-C, however the process was started; exit code 1."""
    process = waiting(*NEW, "--wait")
    first_line(process)
    request = pending(capsys)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 1
    assert f"daypass request wait {request} --as alice" in err
    assert f"daypass request cancel {request} --as alice" in err
    assert "Traceback" not in err
    assert pending(capsys) == request


def test_interruption_waits_until_the_record_is_read(folder, capsys, monkeypatch):
    """Cut off inside, the database's library prints a traceback of its own."""
    daypass(*NEW)
    request = pending(capsys)
    show, read = listing.show_request, []

    def interrupted(*given: object) -> object:
        signal.raise_signal(signal.SIGINT)
        read.append(show(*given))
        return read[0]

    monkeypatch.setattr(listing, "show_request", interrupted)
    daypass("request", "wait", request, "--as", "alice", code=1)
    assert len(read) == 1
    assert f"request {request} stays as it is" in capsys.readouterr().err


def test_time_that_is_over_leaves_the_request(folder, capsys):
    """Exit code 1; nothing is taken back."""
    daypass(*NEW)
    request = pending(capsys)
    daypass("request", "wait", request, "--as", "alice", "--give-up-after", "PT1S", code=1)
    err = capsys.readouterr().err
    assert "is still pending" in err
    assert f"daypass request wait {request} --as alice" in err
    assert pending(capsys) == request


def test_request_of_somebody_else_is_not_waited_for(folder, capsys):
    """As good as not there."""
    daypass("request", "wait", "01JD8F3K9M2N4P6Q8R0S2T4V6W", "--as", "alice", code=2)
    assert "no request" in capsys.readouterr().err
