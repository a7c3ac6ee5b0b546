"""Whose a process is, told from /proc: everything of a person, nothing of anybody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils import processes

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
) -> None:
    """One process as proc(5) shows it."""
    folder = proc / str(pid)
    folder.mkdir()
    ids = "\t".join(uids.split())
    (folder / "status").write_text(f"Name:\tx\nState:\t{state} (x)\nPPid:\t1\nUid:\t{ids}\n")
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
