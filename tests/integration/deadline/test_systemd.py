"""Access ends on the host itself, at its time, whatever its person does: a host with systemd."""

from __future__ import annotations

import re
import subprocess
import time

from tests.integration.accounts.managed_host import ManagedHost, account, grant, stamp
from tests.integration.deadline.watching import Watch, end_of
from tests.waiting import LIMIT_SECONDS, wait_for

ALICE, BOB, CAROL = 70007, 70008, 70009
ALL = [{"run_as": "root", "commands": "ALL"}]
PROGRAM = "/usr/local/lib/daypass/daypass-host.pyz"
RUN_AS_ALICE = f"setsid -f setpriv --reuid {ALICE} --clear-groups"
LATE_SECONDS = 50  # two seconds on a quiet machine (bench); a tick that comes next is a minute away
OFF_SECONDS = (20, 60, 180)  # for a run to end and timers to be stopped; the next where that took longer

# A program whose first thread ends while another runs on: the kernel shows a zombie.
HIDDEN = "import ctypes,threading,time;threading.Thread(target=time.sleep,args=(900,)).start();"
HIDDEN += "ctypes.CDLL(None).pthread_exit(None)"

# What somebody leaves behind who doesn't want to go.
NASTY = rf"""
setsid -f sleep 901 >/dev/null 2>&1 </dev/null
setsid -f python3 -c '{HIDDEN}' >/dev/null 2>&1 </dev/null
setsid -f sh -c 'trap "" TERM HUP; while :; do sleep 1; (crontab -l; echo "@daily true") | crontab -; done' \
    >/dev/null 2>&1 </dev/null
sudo -n -b setsid sleep 902 >/dev/null 2>&1 </dev/null
sudo -n chpasswd <<< "alice:Sesame-open-7"
sudo -n loginctl enable-linger alice
echo '@hourly true' | crontab -
echo true | at -q b now + 10 minutes 2>/dev/null
mkdir -p ~/.ssh; rm -f ~/.ssh/authorized_keys; mkfifo ~/.ssh/authorized_keys
for place in ~ /tmp /srv/team; do
    cp /usr/bin/id $place/alice-id; chgrp team $place/alice-id; chmod 2755 $place/alice-id
done
echo done
"""

# Says which of these things aren't there. Brackets: the shell that looks has the same words in its own line.
THERE = r"""
has() { what=$1; shift; "$@" >/dev/null 2>&1 || echo "no $what"; }
has crontab test -e /var/spool/cron/crontabs/alice
has lingering test -e /var/lib/systemd/linger/alice
has 'at job' sh -c 'find /var/spool/cron/atjobs -user alice -type f | grep .'
has FIFO test -p /home/alice/.ssh/authorized_keys
has copies sh -c '[ $(find /home /srv /tmp -user alice -perm -2000 -type f | wc -l) = 3 ]'
has password grep '^alice:[$]' /etc/shadow
has 'hidden program' sh -c 'ps -u alice -o stat= | grep "^Z.*l"'
for word in '[s]leep 901' '[s]leep 902' '[s]leep 903' '[s]leep 904' '^yes' '[s]shd: alice .priv'; do
    has "$word" pgrep -f "$word"
done
"""

HOLD = """#!/bin/sh
[ "$PAM_USER" != alice ] || [ ! -e /run/hold-alice ] || exec sleep 913
"""


def all_three(end: str) -> list[dict]:
    """Alice, bob and carol with all rights until one end."""
    return [
        account(login, uid, {**grant(key, groups=["team"], sudo=ALL), "not_after": end})
        for login, uid, key in (("alice", ALICE, "G1"), ("bob", BOB, "G2"), ("carol", CAROL, "G3"))
    ]


def test_nasty_person_goes_on_time_and_so_does_everybody_else(host: ManagedHost, person, tmp_path):
    """Everything that keeps somebody in ends with the grant; others with the same deadline go on time too.

    Nobody reaches the host meanwhile: its sshd is stopped, and only the lab's own way in is left.
    """
    host.sh("install -d -m 2770 -g team /srv/team; systemctl stop user@70007.service; true")
    answer = host.send(*all_three(stamp(3600)), program=True)["answer"]["answer"]
    assert answer["warnings"] == []
    alice, bob, carol = person(host, "alice", "G1"), person(host, "bob", "G2"), person(host, "carol", "G3")
    words = host.lab.ssh_argv(host.host, "bash -s", user="alice", key=alice.key)
    done = subprocess.run(
        words, input=NASTY, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert done.stdout.strip().endswith("done"), done
    control = tmp_path / "control"
    argv = host.lab.ssh_argv(host.host, user="alice", key=alice.key)
    open_ = [
        subprocess.Popen([*argv[:-1], "-N", argv[-1]], stdin=subprocess.DEVNULL),
        subprocess.Popen(
            [argv[0], "-o", f"ControlPath={control}", "-M", "-N", *argv[1:]], stdin=subprocess.DEVNULL
        ),
        bob.stay("sleep 903"),
        carol.stay("sleep 904"),
        # A terminal that is stopped with ^S and still has somebody writing to it.
        subprocess.Popen(
            [*argv[:-1], "-tt", argv[-1], "stty ixon; yes"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ),
    ]
    assert open_[4].stdin is not None
    open_[4].stdin.write(b"\x13")
    open_[4].stdin.flush()
    running = ("pgrep", "-f", "^(sleep 903|sleep 904|yes)$")
    assert wait_for(lambda: host.run(*running, check=False).count("\n") == 3)  # before logins are held
    olaf = subprocess.Popen(host.lab.exec_argv(host.host, ["su", "olaf", "-c", "sleep 905"]))
    script = "cat > /usr/local/bin/hold && chmod 755 /usr/local/bin/hold && touch /run/hold-alice"
    script += " && echo 'session optional pam_exec.so /usr/local/bin/hold' >> /etc/pam.d/sshd"
    host.lab.exec(host.host, ["sh", "-c", script], input=HOLD)
    held = alice.stay("sleep 906")
    try:
        assert wait_for(lambda: "sleep 913" in host.run("ps", "-eo", "args"))
        # All of it is really there, or its end would prove nothing.
        assert host.sh(THERE) == ""
        host.sh("systemctl stop ssh")
        soon = host.room(*all_three(stamp(3600)))
        watch = Watch(host, time.time() + soon + LIMIT_SECONDS, ALICE, BOB, CAROL)
        end = stamp(soon)
        deadline = end_of({"not_after": end})
        host.send(*all_three(end), program=True)
        seen = watch.last_seen()
        late = {uid: moment - deadline for uid, moment in seen.items()}
        assert all(-2 < seconds < LATE_SECONDS for seconds in late.values()), late
        assert wait_for(lambda: not any(one["pending"] for one in host.ledger()["accounts"].values()))
        state = host.state_of("alice")
        assert (state["password"], state["expire"], state["keys"], state["sudo"]) == ("!*", 1, "", "")
        assert state["groups"] == {"alice", "daypass"}
        assert "sleep 905" in host.run("ps", "-eo", "args")
        assert not re.search(r"sleep 90[12346]", host.run("ps", "-eo", "args"))
        for path in ("/var/spool/cron/crontabs/alice", "/var/lib/systemd/linger/alice"):
            assert host.code("test", "-e", path) == 1, path
        assert host.sh("find /var/spool/cron/atjobs -user alice -type f").strip() == ""
        copies = "find /home /srv /tmp -perm /6000 -user alice"
        assert wait_for(lambda: not host.sh(copies).split()), host.sh(copies)
        journal = host.run("journalctl", "-t", "daypass", "--no-pager", "-o", "cat")
        assert f"closed alice: grant G1 ended at {end}" in journal
        host.sh("systemctl start ssh")
        assert not alice.gets_in()
    finally:
        host.sh(
            "sed -i '/usr.local.bin.hold/d' /etc/pam.d/sshd; rm -f /run/hold-alice; pkill -x sleep;"
            "rm -f /var/spool/cron/crontabs/alice /var/lib/systemd/linger/alice /var/spool/cron/atjobs/*"
            " /srv/team/alice-id /tmp/alice-id",
            check=False,
        )
        for one in (*open_, held, olaf):
            one.kill()
            one.communicate()


def test_warnings_appear_on_the_terminal_and_a_stopped_one_holds_nobody_up(host: ManagedHost, person):
    """Told ahead with the end and how to go on; once for each lead, and once more when the end has moved."""
    given = account("alice", ALICE, {**grant("G1"), "warn_before": 60})
    host.send(given, program=True)
    alice = person(host, "alice", "G1")
    argv = host.lab.ssh_argv(host.host, user="alice", key=alice.key)
    words = [*argv[:-1], "-tt", argv[-1], "stty raw; echo ready; exec sleep 900"]
    reader = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"ready\n"
        room = host.room(given)
        ahead = min(room, 60)  # one warning, not a second one at the last minute
        soon = {**grant("G1", seconds=room + ahead), "warn_before": ahead}
        host.send(account("alice", ALICE, soon), program=True)
        text = reader.communicate(timeout=LIMIT_SECONDS)[0].decode()
    finally:
        reader.kill()
    assert text.count("daypass access extend G1 --for 30m") == 1, text
    (left,) = re.findall(r"ends in (\d+) s", text)
    assert 0 < int(left) <= ahead
    assert host.run("stat", "-c", "%a", "/run/daypass").strip() == "700"


def test_host_that_was_off_closes_late_and_what_is_still_open_at_its_time(host: ManagedHost):
    """A boot brings the tick, and with it the timer for what ends later."""
    hour_ago = int(time.time()) - 3600  # for our runs, so that nothing is over before it is open
    host.send(program=True, now=hour_ago)
    later = grant("G2")
    for seconds in OFF_SECONDS:  # the end has to pass while the host is off, and not before
        over = grant(f"G1{seconds}", seconds=seconds)
        host.send(account("alice", ALICE, over), account("bob", BOB, later), now=hour_ago)
        host.sh("systemctl stop daypass-expire.timer 'daypass-deadline-*.timer'")
        if host.is_open("alice"):
            break
    assert host.is_open("alice")
    host.lab.stop(host.host)
    assert wait_for(lambda: time.time() > end_of(over) + 1)
    host.lab.start(host.host)
    assert wait_for(lambda: not host.is_open("alice"))
    closed = f"closed alice: grant {over['id']} ended at {over['not_after']}"
    assert wait_for(lambda: closed in host.run("journalctl", "-b", "-t", "daypass", "-o", "cat"))
    assert host.is_open("bob")
    timers = f"ls /run/systemd/transient/daypass-deadline-{end_of(later)}-*.timer 2>/dev/null || true"
    assert wait_for(lambda: host.sh(timers) != "")
    unit = host.sh(timers).strip().rpartition("/")[2]
    assert wait_for(lambda: host.code("systemctl", "is-active", "--quiet", unit) == 0)
    early = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(end_of(later) - 1))
    assert early in host.run("systemctl", "show", "--property=TimersCalendar", unit)


def test_module_tick_and_useradd_at_the_same_time_leave_whole_files(host: ManagedHost):
    """The system's own locks and ours: every account is as it should be, and somebody else's too."""
    host.send(program=True)
    loops = [
        # A tick that doesn't get the lock in its time leaves the work to the next.
        f"for n in 1 2 3 4 5 6; do until python3 -I -S {PROGRAM} tick; do sleep 1; done; done",
        "for n in 1 2 3 4; do useradd -M person$n || exit 1; done; userdel person2",
    ]
    running = [
        subprocess.Popen(host.lab.exec_argv(host.host, ["sh", "-c", loop]), stderr=subprocess.PIPE, text=True)
        for loop in loops
    ]
    results = []
    bob = account("bob", BOB, grant("G8"))
    for number in range(3):
        for seconds in (3600, 2):  # open for certain; then over in a moment, for whoever comes first
            alice = account("alice", ALICE, grant(f"G{number}", groups=["team"], seconds=seconds))
            results.append(host.send(bob, alice, program=True, lock_wait=LIMIT_SECONDS))
    said = [one.communicate(timeout=LIMIT_SECONDS)[1] for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    assert "Traceback" not in "".join(said)
    assert all(not one["answer"]["failed"] for one in results), results
    # The key goes first and the sessions last; it is pending between them, here for seconds.
    assert wait_for(lambda: not host.is_open("alice") and not host.ledger()["accounts"]["alice"]["pending"])
    assert host.is_open("bob")
    assert host.run("pwck", "-r", "-q", check=False) == host.run("grpck", "-r", check=False) == ""
    assert host.sh("getent passwd person1 person3 person4").count("\n") == 3
    host.sh("for n in 1 3 4; do userdel person$n; done")


def test_quiet_tick_changes_nothing_and_a_closed_account_stays_quiet(host: ManagedHost):
    """Each minute costs nothing; what opens or runs again by hand is closed again."""
    bob = account("bob", BOB, grant("G2"))
    host.send(bob, account("alice", ALICE, grant("G1")), program=True)
    host.send(bob, account("alice", ALICE), program=True)
    tick = ("python3", "-I", "-S", PROGRAM, "tick")
    host.run(*tick)
    times = "stat -c '%n %y' /var/lib/daypass/ledger.json /run/daypass/* /etc/shadow /etc/sudoers.d"
    before = host.sh(times)
    host.run(*tick)
    assert host.sh(times) == before
    host.sh(f"usermod -p '*' -e '' alice; {RUN_AS_ALICE} sleep 908 >/dev/null 2>&1")
    host.run(*tick)
    state = host.state_of("alice")
    assert (state["password"], state["expire"], state["processes"]) == ("!*", 1, [])
    host.sh(f"{RUN_AS_ALICE} sleep 909 >/dev/null 2>&1")
    host.run(*tick)
    assert host.state_of("alice")["processes"] == []
    assert host.is_open("bob")
    host.sh("gpasswd -d bob daypass; gpasswd -a olaf daypass")
    host.run(*tick)
    assert not host.is_open("bob")
    journal = ("journalctl", "-t", "daypass", "--no-pager", "-o", "cat")
    assert wait_for(lambda: "not through Daypass: olaf" in host.run(*journal))
    assert "daypass" in host.run("id", "-nG", "olaf").split()
    host.run("gpasswd", "-d", "olaf", "daypass")
