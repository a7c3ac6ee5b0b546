"""The removal of an account on a real host: what is kept, what goes, and whom it doesn't hold up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import machine, podman
from tests.integration.accounts.managed_host import ManagedHost, account, grant

ARCHIVES = "/home/.daypass-archive"
# lookup, forget, getattr, statfs, getxattr, init, opendir, readdir, releasedir, access, interrupt (fuse.h)
LOOKING = frozenset("1 2 3 17 22 26 27 28 29 34 36 42".split())
ID_ONLY = [{"run_as": "root", "commands": ["/usr/bin/id"]}]


@pytest.fixture(autouse=True)
def no_archives(host: ManagedHost):
    """Each test begins and ends without archives."""
    host.run("rm", "-rf", ARCHIVES)
    yield
    host.run("rm", "-rf", ARCHIVES)


def remove_alice(host: ManagedHost, **changes) -> dict:
    """Alice's part of the answer to a document that removes her."""
    result = host.send(account("alice", 70007, remove=True, **changes))
    assert result["answer"]["failed"] is False
    return result["answer"]["answer"]["accounts"]["alice"]


def mounting(host: ManagedHost, script: str) -> None:
    """Run a shell script with the right to mount, which the host itself lacks."""
    host.lab.exec(host.host, ["sh", "-c", script], privileged=True)


def archives(host: ManagedHost) -> list[str]:
    return host.sh(f"ls -A {ARCHIVES} 2>/dev/null", check=False).split()


def test_archive_gives_the_home_back_as_it_was(host: ManagedHost):
    """Owners, modes, times, links, odd names; root alone reads it."""
    host.send(account("alice", 70007, grant("G1")))
    host.sh(
        "su alice -c 'cd; mkdir -m 711 a; echo x > a/f; chmod 640 a/f; ln a/f hard; ln -s /etc/shadow soft; "
        "mkfifo pipe; touch -d 2020-01-01 old; truncate -s 1M hole; touch \"$(printf 'b\\351')\"'"
    )
    look = "find . -printf '%p %y %U %G %m %TY-%Tm-%Td %TH:%TM %n %l\\n' | sort"
    before = host.sh(f"cd /home/alice && {look}")
    host.send(account("alice", 70007))
    assert remove_alice(host)["unfinished"] is None
    (name,) = archives(host)
    assert host.run("stat", "-c", "%a %u:%g", f"{ARCHIVES}/{name}").split() == ["600", "0:0"]
    host.sh(f"mkdir /root/back && tar -C /root/back -xpf {ARCHIVES}/{name}")
    try:
        assert host.sh(f"cd /root/back/alice && {look}") == before
    finally:
        host.run("rm", "-rf", "/root/back")


@pytest.mark.parametrize(
    ("setting", "undo", "why"),
    [
        ("mv /home/alice /home/elsewhere && ln -s /home/elsewhere /home/alice", "", "no folder"),
        ("chown root /home/alice", "", "belongs to 0"),
        ("mount -t tmpfs none /home/alice && chown alice /home/alice", "umount /home/alice", "mounted"),
        ("mkdir /home/alice/m && mount -t tmpfs none /home/alice/m", "umount /home/alice/m", "mounted"),
        ("usermod -d /home/alice olaf", "usermod -d /home/olaf olaf", "olaf shares it"),
        ("usermod -d /home/alice/sub olaf", "usermod -d /home/olaf olaf", "olaf shares it"),
    ],
)
@pytest.mark.parametrize("policy", ["archive", "delete"])
def test_home_that_isnt_plainly_its_own_is_kept(host: ManagedHost, setting, undo, why, policy):
    """The account goes all the same; the answer says what stayed, and why."""
    host.send(account("alice", 70007, grant("G1")))
    host.send(account("alice", 70007))
    mounting(host, f"echo precious > /home/alice/file; {setting}")
    try:
        answer = remove_alice(host, home_on_removal=policy)
        assert (answer["state"], why in answer["warnings"][0]) == ("removed", True), answer
        assert archives(host) == []
    finally:
        mounting(host, undo or "true")
    place = "/home/elsewhere" if "elsewhere" in setting else "/home/alice"
    try:
        assert host.run("cat", f"{place}/file").strip() == "precious"
    finally:
        host.run("rm", "-rf", "/home/alice", "/home/elsewhere")


@pytest.mark.skipif(not os.access("/dev/fuse", os.W_OK), reason="this machine has no FUSE")
@pytest.mark.parametrize("policy", ["archive", "delete"])
def test_home_on_a_network_file_system_is_only_looked_at(host: ManagedHost, policy):
    """Work on somebody else's machine is somebody else's: no file is opened there, and nothing is changed."""
    host.send(account("alice", 70007, grant("G1")))
    host.send(account("alice", 70007))
    words = ["inspect", "--format", "{{.State.Pid}}", host.lab.container(host.host)]
    pid = podman.run(*words).stdout.strip()
    serving = [sys.executable, Path(__file__).with_name("network_home.py"), pid, "/home", "alice", "70007"]
    with subprocess.Popen(
        machine.privileged(map(str, serving)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "mounted\n"
        try:
            answer = remove_alice(host, home_on_removal=policy)
        finally:
            said, _ = server.communicate()
    assert answer["state"] == "removed"
    assert "network file system (fuse.sshfs)" in answer["warnings"][0]
    assert set(said.removeprefix("asked: ").split()) <= LOOKING
    assert archives(host) == []
    host.run("rm", "-rf", "/home/alice")


@pytest.mark.parametrize(("policy", "left"), [("keep", True), ("delete", False)])
def test_home_is_kept_or_deleted_as_the_policy_says(host: ManagedHost, policy, left):
    """And nothing of it is in the archive folder."""
    host.send(account("alice", 70007, grant("G1")))
    host.send(account("alice", 70007))
    remove_alice(host, home_on_removal=policy)
    assert (host.code("test", "-e", "/home/alice") == 0) is left
    assert archives(host) == []
    host.run("rm", "-rf", "/home/alice")


def test_home_that_takes_long_holds_up_nobody(host: ManagedHost):
    """Somebody is at work on homes: the account is gone, others are closed, the archive comes later."""
    host.send(account("alice", 70007, grant("G1")), account("bob", 70008, grant("G2")))
    host.send(account("alice", 70007), account("bob", 70008, grant("G2")))
    lock = "/var/lib/daypass/archive.lock"
    holder = subprocess.Popen(host.lab.exec_argv(host.host, ["sh", "-c", f"exec flock {lock} sleep 614"]))
    try:
        host.sh(f"until test -e {lock} && ! flock -n {lock} true; do sleep 0.1; done")
        result = host.send(account("alice", 70007, remove=True), account("bob", 70008))["answer"]
        answers = result["answer"]["accounts"]
        assert (answers["alice"]["state"], answers["alice"]["unfinished"]["code"]) == ("removed", "in_work")
        assert answers["bob"]["state"] == "closed"
        assert not host.state_of("alice")["exists"]
    finally:
        host.sh("pkill -f 'sleep 614'", check=False)
        holder.wait()
    assert remove_alice(host)["unfinished"] is None
    assert [name.endswith(".tar") for name in archives(host)] == [True]


def test_home_without_room_for_its_archive_waits_and_is_told(host: ManagedHost):
    """A small file system: nothing is lost; when there is room again, the next run does it."""
    mounting(host, "mount -t tmpfs -o size=400m none /home")
    try:
        host.send(account("alice", 70007, grant("G1")))
        host.send(account("alice", 70007))
        answer = remove_alice(host)
        assert (answer["state"], answer["unfinished"]["code"]) == ("removed", "home_no_room")
        (kept,) = archives(host)
        assert host.code("test", "-e", f"{ARCHIVES}/{kept}/.bashrc") == 0
        mounting(host, "mount -o remount,size=900m /home")
        assert remove_alice(host)["unfinished"] is None
        assert archives(host) == [f"{kept}.tar"]
    finally:
        mounting(host, "umount /home")


def test_person_who_comes_back_while_the_home_is_being_archived_gets_a_new_one(host: ManagedHost):
    """The old one goes its way; the new account isn't touched by it."""
    host.send(account("alice", 70007, grant("G1")))
    host.sh("echo old > /home/alice/note; chown alice /home/alice/note")
    host.send(account("alice", 70007))
    lock = "/var/lib/daypass/archive.lock"
    holder = subprocess.Popen(host.lab.exec_argv(host.host, ["sh", "-c", f"exec flock {lock} sleep 615"]))
    try:
        host.sh(f"until test -e {lock} && ! flock -n {lock} true; do sleep 0.1; done")
        remove_alice(host)
    finally:
        host.sh("pkill -f 'sleep 615'", check=False)
        holder.wait()
    host.send(account("alice", 70007, grant("G2")))
    assert host.is_open("alice")
    (name,) = archives(host)
    assert host.run("tar", "-xOf", f"{ARCHIVES}/{name}", "alice/note").strip() == "old"
    assert host.code("test", "-e", "/home/alice/note") == 1


def test_full_disk_keeps_no_line_of_what_ended(host: ManagedHost):
    """Key file and sudoers can't be written anew: lines are blanked in place, the other grant goes on."""
    one, two = grant("G1", sudo=ID_ONLY), grant("G2", groups=["team"])
    host.send(account("alice", 70007, one, two), account("bob", 70008, grant("G3", sudo=ID_ONLY)))
    folders = ("/etc/ssh/daypass/keys", "/etc/sudoers.d")
    for folder in folders:
        mounting(host, f"cp -a {folder} /root/saved && mount -t tmpfs -o size=64k,mode=755 none {folder}")
        host.sh(f"cp -a /root/saved/. {folder}/ && rm -rf /root/saved")
        host.sh(f"dd if=/dev/zero of={folder}/.full bs=1k 2>/dev/null", check=False)
    try:
        full = host.send(account("alice", 70007, two), account("bob", 70008, grant("G3", sudo=ID_ONLY)))
        answer = full["answer"]["answer"]["accounts"]["alice"]
        assert answer["grants"] == ["G2"]
        state = host.state_of("alice")
        live = [line for line in state["keys"].splitlines() if not line.startswith("#")]
        assert [("G2" in line, "G1" in line) for line in live] == [(True, False)]
        assert state["sudo"] == ""
        assert host.state_of("bob")["sudo"]
        assert host.code("visudo", "-cf", "/etc/sudoers.d/daypass") == 0
        for folder in folders:
            host.run("rm", f"{folder}/.full")
        host.send(account("alice", 70007, two), account("bob", 70008, grant("G3", sudo=ID_ONLY)))
        assert "#" not in host.state_of("alice")["keys"]
    finally:
        for folder in folders:
            mounting(host, f"umount {folder}")
