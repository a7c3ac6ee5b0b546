"""Late, double, killed and broken: whatever comes in whatever order, nobody has more than is wanted."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.accounts.managed_host import FOLDER, ManagedHost, Person, absent, account, grant
from tests.waiting import LIMIT_SECONDS

ID_ONLY = [{"run_as": "root", "commands": ["/usr/bin/id"]}]


def test_wave_left_behind_changes_nothing(host: ManagedHost):
    """An older document that lands after a newer one opens nothing and closes nothing that it leaves out."""
    old = host.document(
        account("alice", 70007, grant("G1", groups=["team"])), account("bob", 70008, grant("G2"))
    )
    host.send(account("alice", 70007), account("carol", 70009, grant("G3")))
    late = host.drive({"document": old})["answer"]
    assert (late["answer"]["status"], late["changed"]) == ("stale", False)
    assert [host.is_open(login) for login in ("alice", "bob", "carol")] == [False, False, True]


def test_late_ending_still_ends(host: ManagedHost):
    """An ending is an ending, however late it comes."""
    old = host.document(account("alice", 70007, absent("G1")))
    host.send(account("alice", 70007, grant("G1"), grant("G2")))
    host.drive({"document": old})
    assert "G1" not in host.state_of("alice")["keys"]
    assert "G2" in host.state_of("alice")["keys"]


# One of what each step of a closing, an opening and a removal does, as the effects say it.
STEPS = (
    "write /var/lib/daypass/ledger.json",  # the intent
    *("remove /etc/ssh/daypass/keys/bob", "--password !* --expiredate 1 bob"),
    *("remove /var/spool/cron/crontabs/bob", "remove /etc/sudoers.d/daypass", "usermod --groups daypass bob"),
    *("signal", "useradd --uid 70007", "usermod --groups daypass,team alice", "write /etc/sudoers.d/daypass"),
    *("usermod --password * --expiredate", "write /etc/ssh/daypass/keys/alice", "userdel carol"),
    "write /var/lib/daypass/ledger.json",  # what is true now
)


def test_closings_of_all_come_first_then_openings_and_removals_last(host: ManagedHost):
    """And each in the order in which nobody has more than is wanted, wherever it may be cut off."""
    bob = grant("G2", groups=["web"], sudo=ID_ONLY)
    host.send(account("bob", 70008, bob), account("carol", 70009, grant("G3", sudo=ID_ONLY)))
    host.send(account("bob", 70008, bob), account("carol", 70009))
    host.sh("echo '@daily true' | crontab -u bob -; setsid setpriv --reuid 70008 --clear-groups sleep 607 &")
    alice = account("alice", 70007, grant("G1", groups=["team"], sudo=ID_ONLY))
    done = host.send(alice, account("bob", 70008), account("carol", 70009, remove=True))
    effects = iter([f"{kind} {detail}" for kind, detail in done["effects"]])
    missing = [step for step in STEPS if not any(step in effect for effect in effects)]
    assert missing == [], done["effects"]


TICK = f"import sys; sys.path.insert(0, {FOLDER!r}); from daypass_host.run import tick; sys.exit(tick.main())"


def test_local_tick_neither_opens_nor_removes(host: ManagedHost):
    """What a cut-off run had begun waits for the next document; the tick only closes."""
    host.send(account("alice", 70007, grant("G1")))
    host.send(account("alice", 70007))
    wish = account("alice", 70007, remove=True), account("bob", 70008, grant("G2"))
    killed = {"document": host.document(*wish), "kill": {"effect": 1, "when": "after"}}
    assert host.drive(killed) is None
    found = {login: one["pending"] for login, one in host.ledger()["accounts"].items()}
    assert found == {"alice": "remove", "bob": "create"}
    host.run("python3", "-I", "-S", "-c", TICK)
    assert (host.state_of("alice")["exists"], host.state_of("bob")["exists"]) == (True, False)
    host.send(*wish)
    assert (host.state_of("alice")["exists"], host.is_open("bob")) == (False, True)


def test_two_runs_at_once_wait_for_each_other(host: ManagedHost):
    """Runs take turns; the end is that of the newest document."""
    documents = [
        host.document(account("alice", 70007, grant("G1"))),
        host.document(account("alice", 70007, grant("G1"), grant("G2", groups=["team"]))),
        host.document(
            account("alice", 70007, grant("G2", groups=["team"])), account("bob", 70008, grant("G3"))
        ),
    ]
    with ThreadPoolExecutor(len(documents)) as pool:
        results = list(
            pool.map(
                lambda document: host.drive({"document": document, "lock_wait": LIMIT_SECONDS}), documents
            )
        )
    assert all(result is not None and not result["answer"]["failed"] for result in results)
    assert list(host.ledger()["accounts"]["alice"]["grants"]) == ["G2"]
    assert host.is_open("bob")


def test_broken_ledger_doesn_t_keep_anybody_in(host: ManagedHost, alice: Person):
    """Without a record, what is asked to be closed is closed where it is provably ours; nothing opens."""
    host.send(
        account("alice", 70007, grant("G1", groups=["team"], sudo=ID_ONLY)),
        account("bob", 70008, grant("G2", sudo=ID_ONLY)),
    )
    host.sh("cd /var/lib/daypass && echo broken > ledger.json && echo broken > ledger.copy")
    wish = [
        account("alice", 70007, absent("G1")),
        account("bob", 70008, grant("G2")),
        account("carol", 70009, grant("G3")),
    ]
    result = host.send(*wish)["answer"]
    assert (result["failed"], result["answer"]["code"]) == (True, "ledger_corrupt")
    assert not alice.gets_in()
    state = host.state_of("alice")
    assert (state["groups"], state["sudo"], state["password"]) == ({"alice", "daypass"}, "", "!*")
    assert host.state_of("bob")["sudo"]
    assert not host.state_of("carol")["exists"]


@pytest.mark.parametrize("breakage", ["echo 'broken(' > /etc/sudoers.d/x", "chmod 644 /etc/sudoers.d/README"])
def test_broken_sudoers_doesn_t_stop_a_closing(host: ManagedHost, breakage: str):
    """What somebody else broke in sudoers hinders openings at most."""
    host.send(
        account("alice", 70007, grant("G1", sudo=ID_ONLY)), account("bob", 70008, grant("G2", sudo=ID_ONLY))
    )
    host.sh(breakage)
    try:
        result = host.send(account("alice", 70007), account("bob", 70008, grant("G2", sudo=ID_ONLY)))
    finally:
        host.sh("rm -f /etc/sudoers.d/x; chmod 440 /etc/sudoers.d/README", check=False)
    assert result["answer"]["answer"]["accounts"]["alice"]["state"] == "closed"
    assert not host.state_of("alice")["sudo"]
    assert host.state_of("bob")["sudo"]


def test_tool_that_fails_doesn_t_stop_the_rest_of_a_closing(host: ManagedHost, alice: Person):
    """Each step of a closing is tried; what failed is reported and done by the next run."""
    host.send(account("alice", 70007, grant("G1", groups=["team"], sudo=ID_ONLY)))
    session = alice.stay("sleep", "605")
    host.sh("mv /usr/sbin/usermod /usr/sbin/usermod.away")
    try:
        failed = host.send(account("alice", 70007))
    finally:
        host.sh("mv /usr/sbin/usermod.away /usr/sbin/usermod")
    session.communicate(timeout=LIMIT_SECONDS)
    assert failed["answer"]["answer"]["accounts"]["alice"]["state"] == "failed"
    assert not alice.gets_in()
    state = host.state_of("alice")
    assert (state["keys"], state["sudo"], state["processes"]) == ("", "", [])
    assert host.send(account("alice", 70007))["answer"]["failed"] is False
    state = host.state_of("alice")
    assert (state["password"], state["expire"], state["groups"]) == ("!*", 1, {"alice", "daypass"})


def test_account_that_lost_the_mark_is_closed_and_stays_so(host: ManagedHost, alice: Person):
    """Out of the group daypass sshd takes other keys: closed, reported, opened by a new grant only."""
    host.send(account("alice", 70007, grant("G1")))
    host.run("gpasswd", "-d", "alice", "daypass")
    for _run in range(2):
        answer = host.send(account("alice", 70007, grant("G1")))["answer"]["answer"]["accounts"]["alice"]
        assert (answer["state"], answer["code"], answer["grants"]) == ("refused", "membership_lost", [])
        assert not host.is_open("alice")
    assert host.send(account("alice", 70007, grant("G9")))["answer"]["answer"]["accounts"]["alice"][
        "grants"
    ] == ["G9"]


def kill_everywhere(
    host: ManagedHost, start: list[str], killed: str, following: list[str], expect: str, step: int
) -> None:
    """Kill the run at every effect and inside every program: nobody has more, and the next run ends right."""
    found = host.kill_loop(
        people={"alice": 70007}, start=start, killed=killed, next=following, expect=expect, inside_step=step
    )
    assert found["kills"] > 5
    assert found["failures"] == []


def alices(host: ManagedHost, *grants, **changes) -> str:
    """The next document, with alice in it."""
    return host.document(account("alice", 70007, *grants, **changes))


FULL = {"groups": ["team"], "sudo": ID_ONLY}


def test_killed_opening_is_finished_by_the_next_run(host: ManagedHost):
    """Killed anywhere while an account is made and opened, inside useradd too."""
    document = alices(host, grant("G1", **FULL))
    kill_everywhere(host, [], document, [document], "same", 3)


def test_killed_opening_is_taken_back_by_a_newer_document(host: ManagedHost):
    """Nothing of a half-made account is left open when it isn't wanted any more."""
    document = alices(host, grant("G1", **FULL))
    kill_everywhere(host, [], document, [alices(host)], "closed", 5)


def test_killed_opening_stays_shut_under_an_older_document(host: ManagedHost):
    """An old wave meets a half-made account: nothing opens, and the newer document still wins."""
    older, document = alices(host), alices(host, grant("G1", **FULL))
    kill_everywhere(host, [], document, [older, document], "same", 0)


def test_killed_closing_is_finished_by_the_next_run(host: ManagedHost):
    """Killed anywhere while an account is closed: the same document finishes it."""
    start = alices(host, grant("G1", **FULL))
    document = alices(host)
    kill_everywhere(host, [start], document, [document], "same", 3)


def test_killed_change_is_finished_by_the_next_run(host: ManagedHost):
    """Killed anywhere while one grant ends, another begins and a third stays."""
    stays = grant("G3", sudo=[{"run_as": "root", "commands": "ALL"}])
    start = alices(host, grant("G1", **FULL), stays)
    document = alices(host, grant("G2", groups=["web"]), stays)
    kill_everywhere(host, [start], document, [document], "same", 5)


def test_killed_removal_is_finished_by_the_next_run(host: ManagedHost):
    """Killed anywhere while an account is removed, inside userdel too."""
    start = [alices(host, grant("G1")), alices(host)]
    document = alices(host, remove=True)
    kill_everywhere(host, start, document, [document], "same", 2)


HOLDING = f"""
import sys, time; sys.path.insert(0, {FOLDER!r})
from daypass_host.effects.system import System
with System().lock("/var/lib/daypass/lock", 30):
    time.sleep(617)
"""


def test_lock_says_who_holds_it(host: ManagedHost):
    """A run that can't get its turn says which process has it; with nobody holding it, it goes on."""
    holder = subprocess.Popen(host.lab.exec_argv(host.host, ["python3", "-c", HOLDING]))
    try:
        host.sh("until flock -n /var/lib/daypass/lock true; test $? = 1; do sleep 0.1; done")
        answer = host.send(account("alice", 70007, grant("G1")), lock_wait=1)["answer"]["answer"]
        assert answer["code"] == "lock_timeout"
        pids = host.run("pgrep", "-f", "^python3.*sleep.617").split()
        assert any(f"held by process {pid} " in answer["message"] for pid in pids), answer
    finally:
        host.sh("pkill -f 'sleep.61[7]'", check=False)
        holder.wait()
    assert host.send(account("alice", 70007, grant("G1")), lock_wait=1)["answer"]["failed"] is False
