"""Whose a process is, told from /proc: everything of a person, nothing of anybody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.sessions import processes

ALICE, BOB = 70007, 70008
UNSET = 4294967295  # loginuid of what no login began


def process(
    proc: Path,
    pid: int,
    uids: str = "0 0 0 0",
    *,
    began: int = UNSET,
    cgroup: str = "/system.slice/ssh.service",
    title: str = "daemon",
    exe: str = "/usr/sbin/daemon",
    state: str = "S",
    threads: int = 1,
) -> None:
    """One process as proc(5) shows it."""
    folder = proc / str(pid)
    folder.mkdir()
    ids = "\t".join(uids.split())
    (folder / "status").write_text(
        f"Name:\tx\nState:\t{state} (x)\nPPid:\t1\nUid:\t{ids}\nThreads:\t{threads}\n"
    )
    (folder / "loginuid").write_text(str(began))
    (folder / "cgroup").write_text(f"0::{cgroup}\n")
    (folder / "cmdline").write_bytes(title.encode() + b"\0")
    (folder / "exe").symlink_to(exe)


def found(proc: Path, **logins: int) -> set[int]:
    """The pids that belong to these accounts; alice's when none are named."""
    return {one.pid for one in processes.find(logins or {"alice": ALICE}, str(proc))}


@pytest.mark.parametrize("at", range(4))
def test_any_of_the_four_uids_makes_it_his(tmp_path: Path, at: int):
    """Real, effective, saved and file system uid: a setuid program is still his."""
    uids = ["0"] * 4
    uids[at] = str(ALICE)
    process(tmp_path, 200, " ".join(uids))
    assert found(tmp_path) == {200}


def test_what_his_login_began_is_his(tmp_path: Path):
    """`sudo -b setsid` gives root's uid and keeps the login's."""
    process(tmp_path, 200, began=ALICE)
    assert found(tmp_path) == {200}


@pytest.mark.parametrize(
    "cgroup", ["/user.slice/user-70007.slice/session-1.scope", "/user.slice/user-70007.slice"]
)
def test_what_lies_in_his_slice_is_his(tmp_path: Path, cgroup: str):
    """By systemd's own account of sessions."""
    process(tmp_path, 200, cgroup=cgroup)
    assert found(tmp_path) == {200}


@pytest.mark.parametrize("title", ["sshd: alice [priv]", "sshd-session: alice [priv]", "sshd: alice@pts/0"])
def test_login_in_flight_is_his(tmp_path: Path, title: str):
    """Root's process of a login that isn't through yet would survive otherwise."""
    process(tmp_path, 200, title=title)
    assert found(tmp_path) == {200}


@pytest.mark.parametrize(
    "title",
    [
        "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
        "sshd: [accepted]",
        "sshd: unknown [priv]",
        "sshd: bob [priv]",
        "sshd: alice.b [priv]",
        "vi sshd: alice [priv]",
    ],
)
def test_processes_of_root_and_others_arent_touched(tmp_path: Path, title: str):
    """Only his."""
    process(tmp_path, 200, title=title)
    process(tmp_path, 201, "70008 70008 70008 70008", began=BOB, cgroup="/user.slice/user-700070.slice")
    assert found(tmp_path) == set()


def test_process_one_and_zombies_are_left_out(tmp_path: Path):
    """Even if they look like his: pid 1 is the host, a zombie waits for its parent."""
    process(tmp_path, 1, began=ALICE)
    process(tmp_path, 200, "70007 70007 70007 70007", state="Z")
    assert found(tmp_path) == set()


def test_process_whose_first_thread_ended_is_found(tmp_path: Path):
    """It is shown as a zombie (pthread_exit in main) and its other threads run on."""
    process(tmp_path, 200, "70007 70007 70007 70007", state="Z", threads=2)
    process(tmp_path, 201, "70007 70007 70007 70007", state="Z", threads=12)
    assert found(tmp_path) == {200, 201}


def test_kernel_shows_the_threads_that_run_on():
    """The rule above is the kernel's: a real process of ours, whose first thread ends."""
    program = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(30,)).start()\n"
        "print('up', flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        status = Path(f"/proc/{child.pid}/status")
        until = time.monotonic() + 10
        while "State:\tZ" not in status.read_text() and time.monotonic() < until:
            time.sleep(0.01)
        assert "State:\tZ" in status.read_text()
        assert not processes.is_over(status.read_text())
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == -signal.SIGKILL


def slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: dict[str, int]) -> Path:
    """Alice's control groups (path -> the one process in it), each with a file that would kill it."""
    top = tmp_path / "cgroup/user-70007.slice"
    for name, pid in groups.items():
        (top / name).mkdir(parents=True, exist_ok=True)
        (top / name / "cgroup.procs").write_text(f"{pid}\n")
    for folder in {top, *(path for path in top.rglob("*") if path.is_dir())}:
        (folder / "cgroup.kill").touch()
    monkeypatch.setattr(processes, "SLICES", (str(tmp_path / "cgroup"),))
    monkeypatch.setattr(processes, "PROC", str(tmp_path / "proc"))
    (tmp_path / "proc").mkdir()
    return top


def killed(top: Path) -> set[str]:
    """The groups that were killed."""
    return {str(path.parent.relative_to(top)) for path in top.rglob("cgroup.kill") if path.read_text() == "1"}


def test_slice_is_killed_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The kernel is faster than anybody forks."""
    top = slices(tmp_path, monkeypatch, {"session-1.scope": 200, "session-2.scope": 201})
    for pid in (200, 201):
        process(tmp_path / "proc", pid, "70007 70007 70007 70007")
    processes._kill_slice(System(), ALICE)
    assert killed(top) == {"."}


def test_sshd_in_his_slice_is_left_and_all_beside_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Someone with that right started the host's sshd again from his session: nobody else may be shut out."""
    top = slices(
        tmp_path, monkeypatch, {"session-1.scope": 200, "session-2.scope": 201, "user@.service/x": 202}
    )
    title = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"
    process(tmp_path / "proc", 200, title=title, exe="/usr/sbin/sshd")
    process(
        tmp_path / "proc", 201, "70007 70007 70007 70007", title=title, exe="/usr/sbin/sshd"
    )  # not root's
    process(tmp_path / "proc", 202, "70007 70007 70007 70007")
    processes._kill_slice(System(), ALICE)
    assert killed(top) == {"session-2.scope", "user@.service", "user@.service/x"}


def test_number_that_is_somebody_elses_by_now_gets_no_signal():
    """Between looking and ending a number may go round, where somebody forks as fast as he can."""
    child = subprocess.Popen(["sleep", "30"])
    try:
        assert not System().signal(child.pid, signal.SIGKILL, lambda: False)
        assert child.poll() is None
        assert System().signal(child.pid, signal.SIGKILL, lambda: True)
        assert child.wait(10) == -signal.SIGKILL
    finally:
        child.kill()


def test_sshd_that_he_started_again_is_spared(tmp_path: Path):
    """Someone with that right may restart sshd from his session; ending it would shut everybody out."""
    title = "sshd: /usr/sbin/sshd [listener] 0 of 10-100 startups"
    process(tmp_path, 200, began=ALICE, title=title, exe="/usr/sbin/sshd")
    process(tmp_path, 201, began=ALICE, title=title, exe="/home/alice/sshd")
    process(tmp_path, 202, "70007 70007 70007 70007", title=title, exe="/usr/sbin/sshd")
    assert found(tmp_path) == {201, 202}


def test_several_accounts_are_told_apart(tmp_path: Path):
    """Each process goes to the account that it belongs to."""
    process(tmp_path, 200, "70007 70007 70007 70007")
    process(tmp_path, 201, "70008 70008 70008 70008")
    owners = {one.pid: one.uid for one in processes.find({"alice": ALICE, "bob": BOB}, str(tmp_path))}
    assert owners == {200: ALICE, 201: BOB}


def test_process_is_looked_at_again_before_its_signal(monkeypatch: pytest.MonkeyPatch):
    """Between the look and the signal his process may end and its number be given to another."""
    found = [processes.Process(os.getpid(), ALICE)]
    monkeypatch.setattr(processes, "find", lambda _logins: [found.pop()] if found else [])
    meant: list[bool] = []

    class Asking(System):
        def signal(self, pid: int, number: int, still_meant: Callable[[], bool] | None = None) -> bool:
            assert still_meant is not None
            meant.append(still_meant())
            return False

    monkeypatch.setattr(processes, "SWEEP_AFTER_SECONDS", 0)
    assert processes.end_all(Asking(), {"alice": ALICE}, 1) == {}
    assert meant == [False]
