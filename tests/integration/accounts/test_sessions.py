"""Sessions and processes on a real host: whose they are, when they end, and what their people are told."""

from __future__ import annotations

import re
import signal
import subprocess

import pytest

from tests.integration.accounts.managed_host import FOLDER, ManagedHost, Person, account, grant
from tests.integration.deadline.watching import end_of
from tests.waiting import LIMIT_SECONDS, wait_for

ID_ONLY = [{"run_as": "root", "commands": ["/usr/bin/id"]}]

# One process for each thing that ties one to alice (70007), that thing alone; two that are tied to others.
HOLDING = "import os,sys,time; os.setresuid(*map(int, sys.argv[1:4])); time.sleep(900)"
TIED = f"""
exec >/dev/null 2>&1 </dev/null
setsid python3 -c '{HOLDING}' 70007 65534 65534 &
setsid python3 -c '{HOLDING}' 65534 70007 65534 &
setsid python3 -c '{HOLDING}' 65534 65534 70007 &
(echo 70007 > /proc/self/loginuid; exec setsid sleep 621) &
systemd-run --slice=user-70007.slice --quiet --collect --unit=tied sleep 622
setsid bash -c 'exec -a "sshd: alice [priv]" sleep 623' &
setsid bash -c 'exec -a "sshd: bob [priv]" sleep 624' &
setsid python3 -c '{HOLDING}' 70008 65534 65534 &
"""
TIED_TO_ALICE = (
    *("900) 70007 65534 65534", "900) 65534 70007 65534", "900) 65534 65534 70007"),
    *("sleep 621", "sleep 622", "sshd: alice [priv] 623"),
)
TIED_TO_OTHERS = ("sshd: bob [priv] 624", "900) 70008 65534 65534")


def test_every_tie_to_a_person_ends_a_process_and_nobody_elses(host: ManagedHost, alice: Person):
    """By real, effective and saved uid, login uid, slice and a login in flight; TERM comes before KILL."""
    host.send(account("alice", 70007, grant("G1")), account("bob", 70008, grant("G2")))
    polite = "trap 'echo bye > /tmp/alice-bye; exit' TERM; while :; do sleep 0.1; done"
    assert alice.ssh(f'setsid -f sh -c "{polite}" >/dev/null 2>&1 </dev/null').returncode == 0
    host.sh(TIED)
    try:
        assert wait_for(lambda: all(one in running(host) for one in (*TIED_TO_ALICE, *TIED_TO_OTHERS)))
        host.send(account("alice", 70007), account("bob", 70008, grant("G2")))
        assert [one for one in TIED_TO_ALICE if one in running(host)] == []
        assert [one for one in TIED_TO_OTHERS if one in running(host)] == list(TIED_TO_OTHERS)
        assert host.run("cat", "/tmp/alice-bye") == "bye\n"
    finally:
        host.sh("pkill -KILL -f 'sleep.[69]|sshd: (alice|bob) .priv'; rm -f /tmp/alice-bye", check=False)


def running(host: ManagedHost) -> str:
    """The command lines of all processes."""
    return host.run("ps", "-eo", "args")


# Converges with the whole patience; while it waits for the last look, a login that was in flight arrives.
IN_FLIGHT = f"""
import pathlib, subprocess, sys, time; sys.path.insert(0, {FOLDER!r})
import driver
class Late(driver.Told):
    came = None
    def sleep(self, seconds):
        if seconds > 1 and self.came is None:
            words = ["setpriv", "--reuid", "70007", "--clear-groups", "sleep", "627"]
            self.came = subprocess.Popen(words)
            while "sleep" not in pathlib.Path(f"/proc/{{self.came.pid}}/cmdline").read_text().split("\\0")[0]:
                time.sleep(0.01)
        super().sleep(seconds)
told = Late(None, None)
driver.converge(told, sys.stdin.read(), now=told.clock())
print(told.came and told.came.poll())
"""


def test_who_comes_in_while_an_account_is_closed_is_found_two_seconds_later(host: ManagedHost):
    """A login in the PAM phase begins its session after everything was ended once."""
    host.send(account("alice", 70007, grant("G1")))
    document = host.document(account("alice", 70007))
    done = host.lab.exec(host.host, ["python3", "-c", IN_FLIGHT], input=document)
    assert done.stdout.strip() == str(-signal.SIGKILL)


@pytest.mark.parametrize("groups", [[], ["team"]], ids=["closed", "with a group"])
def test_setuid_and_setgid_copies_give_nothing_afterwards(host: ManagedHost, alice: Person, groups: list):
    """At home and wherever everybody writes; a group's own folder too where that group is lost."""
    host.send(account("alice", 70007, grant("G1", groups=groups)))
    host.sh("install -d -m 2770 -g team /srv/team")
    folders = ["/home/alice", "/tmp", "/var/tmp", "/dev/shm", *(["/srv/team"] if groups else [])]
    copies = [f"{folder}/alice-id" for folder in folders]
    group = "team" if groups else "alice"
    copy = f"cp /usr/bin/id $one && chgrp {group} $one && chmod 6755 $one"
    assert alice.ssh(f"set -e; for one in {' '.join(copies)}; do {copy}; done").returncode == 0
    look = ("stat", "-c", "%a", *copies)
    assert set(host.run(*look).split()) == {"6755"}
    host.send(account("alice", 70007))
    assert set(host.run(*look).split()) == {"755"}
    host.run("rm", *copies)


@pytest.mark.parametrize("lost", ["group", "sudo"])
def test_what_shrinks_ends_sessions_of_what_stays(host: ManagedHost, alice: Person, lost: str):
    """A running process keeps its groups, and what sudo began goes on: they end; a new login works."""
    wide = grant("G2", **({"groups": ["team"]} if lost == "group" else {"sudo": ID_ONLY}))
    narrow = {**wide, "groups": [], "sudo": []}
    host.send(account("alice", 70007, grant("G1"), wide))
    session = alice.stay("echo; exec sleep 625")
    assert session.stdout is not None
    session.stdout.readline()
    host.send(account("alice", 70007, grant("G1"), narrow))
    session.communicate(timeout=LIMIT_SECONDS)
    assert session.returncode != 0
    assert alice.gets_in()


TIME_IS_UP = 124  # timeout(1)
# The tick at a moment of ours, without timers.
TICK_AT = f"""
import sys; sys.path.insert(0, {FOLDER!r})
from daypass_host.deadline import timer
from daypass_host.effects.system import System
from daypass_host.run import tick
timer.arm = lambda *_words: None
System.clock = lambda self: int(sys.argv[1])
sys.exit(tick.main())
"""


def test_person_is_told_ahead_and_once_more_at_a_minute(host: ManagedHost, alice: Person):
    """Once for each, on every terminal; one that is stopped with ^S holds nobody up."""
    wish = {**grant("G1"), "warn_before": 300}
    host.send(account("alice", 70007, wish))
    words = host.lab.ssh_argv(host.host, user="alice", key=alice.key)
    terminal = [*words[:-1], "-tt", words[-1]]
    stopped = subprocess.Popen(
        [*terminal, "stty ixon; exec yes"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    reader = subprocess.Popen(
        [*terminal, "stty raw; echo ready; exec sleep 626"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"ready\n"
        assert wait_for(lambda: host.run("ps", "-C", "yes", "-o", "tty=", check=False) != "")
        assert stopped.stdin is not None
        stopped.stdin.write(b"\x13")
        stopped.stdin.flush()
        full = f"echo > /dev/{host.run('ps', '-C', 'yes', '-o', 'tty=').strip()}"
        assert wait_for(lambda: host.code("timeout", "1", "sh", "-c", full) == TIME_IS_UP)
        for rest in (400, 200, 190, 55, 45):
            tick(host, end_of(wish) - rest)
        host.sh("pkill -f 'sleep 62[6]'")
        text = reader.communicate(timeout=LIMIT_SECONDS)[0].decode()
    finally:
        for one in (stopped, reader):
            one.kill()
            one.communicate()
    assert re.findall(r"ends in ([^,]*),", text) == ["3 minutes", "55 s"], text


def tick(host: ManagedHost, now: int) -> None:
    """The local tick as if the clock showed this."""
    host.run("timeout", str(LIMIT_SECONDS), "python3", "-I", "-S", "-c", TICK_AT, str(now))
