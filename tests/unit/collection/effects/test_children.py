"""Programs as children."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects import children


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a program stands in the root folder afterwards; other tests don't want to."""
    monkeypatch.chdir(Path.cwd())


def run(script: str, stdin: bytes = b"", seconds: float = 60, held: int | None = None):
    return children.run(["sh", "-c", script], stdin, seconds, held, lambda: None)


def test_all_that_a_program_says_is_heard_while_it_takes_all_that_it_is_told():
    """More than a pipe holds, both ways at once: neither waits for the other for ever."""
    text = b"0123456789abcdef" * 50_000
    code, out, complaint = run("tee /dev/stderr", text)
    assert (code, out == text, complaint == text) == (0, True, True)


def test_program_that_reads_nothing_and_closes_early_ends_as_it_says():
    """Input that nobody takes is no failure; the exit code tells the rest, or the signal that ended it."""
    assert run("exec 0<&-; echo no >&2; exit 3", b"x" * 300_000) == (3, b"", b"no\n")
    assert run("kill -TERM $$")[0] == -15


def test_program_with_nothing_to_read_finds_the_end_at_once():
    """No input is an end of file, not a wait."""
    assert run("cat")[:2] == (0, b"")


def test_program_gets_nothing_of_ours_but_the_held_descriptor(tmp_path: Path):
    """Descriptors, environment, folder, session, ignored signals: all its own, whatever the caller has."""
    with (tmp_path / "lock").open("w") as lock, (tmp_path / "other").open("w"):
        script = "ls -l /proc/self/fd; pwd; tr '\\0' '\\n' </proc/self/environ; grep SigIgn /proc/self/status"
        out = run(script, held=lock.fileno())[1].decode()
        session = run("ps -o sid= -p $$; echo $$")[1].split()
    assert (str(tmp_path / "lock") in out, str(tmp_path / "other") in out) == (True, False)
    assert "\n/\n" in out
    named = {line.partition("=")[0] for line in out.splitlines() if "=" in line}
    assert named == {"PATH", "LC_ALL"}
    ignored = int(out.partition("SigIgn:")[2].split()[0], 16)
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)
    assert session[0] == session[1]


def test_held_descriptor_passes_whatever_its_number(tmp_path: Path):
    """Its own number would close with the start of the program, and another may be a pipe's until then."""
    with (tmp_path / "lock").open("w") as lock:
        for number in (3, 4, 9):
            kept = os.dup(number) if Path(f"/proc/self/fd/{number}").exists() else None
            try:
                os.dup2(lock.fileno(), number, inheritable=False)
                assert str(tmp_path / "lock") in run("ls -l /proc/self/fd", held=number)[1].decode()
            finally:
                os.dup2(kept, number, inheritable=False) if kept is not None else os.close(number)


def test_program_that_takes_too_long_is_killed_with_what_it_started():
    """Also one that said all it had to say, and goes on."""
    began = time.monotonic()
    for script in ("sleep 618 & wait", "exec >/dev/null 2>&1; sleep 618 & wait"):
        with pytest.raises(TimeoutError):
            run(script, seconds=0.3)
    assert time.monotonic() - began < 30
    assert subprocess.run(["pgrep", "-f", "sleep 618"], check=False, capture_output=True).returncode == 1


def test_end_of_a_program_is_noticed_without_a_descriptor_of_it(monkeypatch: pytest.MonkeyPatch):
    """Python 3.8 and old kernels have none: then it is looked for again and again."""
    monkeypatch.setattr(children, "hold", lambda _pid: None)
    assert run("exec >/dev/null 2>&1; sleep 0.05; exit 4")[0] == 4


def test_nothing_stays_open_and_no_child_unasked_for(tmp_path: Path):
    """Neither after an answer, nor where the program isn't there or can't be started."""
    broken = tmp_path / "broken"
    broken.write_text("no program")
    before = sorted(Path("/proc/self/fd").iterdir())
    run("echo")
    for name, wrong in (("daypass-nowhere", FileNotFoundError), (str(broken), PermissionError)):
        with pytest.raises(wrong):
            children.run([name], b"", 1, None, lambda: None)
    assert sorted(Path("/proc/self/fd").iterdir()) == before
