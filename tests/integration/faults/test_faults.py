"""A host that isn't well: openings fail clearly with nothing half done, closings close all they can."""

from __future__ import annotations

import time

import pytest

from tests.integration.accounts.managed_host import account, grant
from tests.integration.faults.breaking import UIDS, BreakingHost, one

HANG_SECONDS = 618  # longer than any run may take
HANGS = f"sleep {HANG_SECONDS}"
ASKING = {"python3": 5, "id": 5, "getent": 5}  # programs that ask the host's directory, and their limits


def refused(answer: dict, login: str = "alice") -> str | None:
    """Why this account's grants weren't opened."""
    found = answer["accounts"].get(login)
    return found["code"] if found else answer["code"]


def shut(host: BreakingHost, login: str) -> bool:
    """No way in, no right, nothing that runs."""
    state = host.state_of(login)
    closed = (state["keys"], state["sudo"], state["password"], state["expire"]) == ("", "", "!*", 1)
    return closed and state["groups"] == {login, "daypass"} and not host.running(login)


def test_full_disk_under_the_ledger(host: BreakingHost):
    """What can't be recorded isn't opened; what is to be closed is closed, and noted once there is room."""
    host.want(alice=one("G1"))
    host.begin_process("alice")
    host.fill("/var/lib/daypass", "64k")
    before = host.fingerprint()
    assert refused(host.want(alice=one("G1"), bob=one("G2")), "bob") == "ledger_unwritable"
    assert host.fingerprint() == before
    told = host.want(alice=[])
    assert (told["code"], told["accounts"]["alice"]["state"]) == ("ledger_unwritable", "closed")
    assert shut(host, "alice")
    host.make_room("/var/lib/daypass")
    host.want(alice=[], bob=one("G2"))
    assert (host.ledger()["accounts"]["alice"]["grants"], host.is_open("bob")) == ({}, True)


def test_revocation_that_could_not_be_recorded_stays(host: BreakingHost):
    """The document from before, landing once more, is a late one: it opens nothing."""
    before = host.document(account("alice", UIDS["alice"], *one("G1")), account("bob", UIDS["bob"]))
    host.drive({"document": before})
    host.fill("/var/lib/daypass", "64k")
    revoked = host.document(account("alice", UIDS["alice"]), account("bob", UIDS["bob"], *one("G2")))
    told = host.drive({"document": revoked})["answer"]["answer"]
    assert (told["code"], refused(told, "bob")) == ("ledger_unwritable", "ledger_unwritable")
    host.make_room("/var/lib/daypass")
    assert host.drive({"document": before})["answer"]["answer"]["status"] == "stale"
    assert shut(host, "alice")
    assert host.drive({"document": revoked})["answer"]["answer"]["accounts"]["bob"]["grants"] == ["G2"]
    assert (host.ledger()["accounts"]["alice"]["grants"], host.is_open("bob")) == ({}, True)


def test_deadline_that_could_not_be_recorded_stays(host: BreakingHost):
    """The very same document at a clock that went back: what was over stays over."""
    now = int(time.time())
    document = host.document(account("alice", UIDS["alice"], *one("G1", seconds=60)))
    host.drive({"document": document, "now": now})
    assert host.is_open("alice")
    host.fill("/var/lib/daypass", "64k")
    told = host.drive({"document": document, "now": now + 120})["answer"]["answer"]
    assert (told["code"], told["accounts"]["alice"]["state"]) == ("ledger_unwritable", "closed")
    host.make_room("/var/lib/daypass")
    host.drive({"document": document, "now": now - 30})
    assert shut(host, "alice")


def test_full_disk_under_etc(host: BreakingHost):
    """No account file can be written: nothing is half made; key files and processes go all the same."""
    host.want(alice=one("G1"))
    host.begin_process("alice")
    host.fill("/etc", "12m")
    before = host.fingerprint()
    assert refused(host.want(alice=one("G1"), bob=one("G2")), "bob") == "command_failed"
    assert host.fingerprint() == before
    told = host.want(alice=[])["accounts"]["alice"]
    assert told["state"] == "failed"
    assert (host.state_of("alice")["keys"], host.running("alice")) == ("", [])
    host.make_room("/etc")
    host.want(alice=[], bob=one("G2"))
    assert shut(host, "alice")
    assert host.is_open("bob")


def test_read_only_etc(host: BreakingHost):
    """Not even a key file can go: what runs is ended, the rest is reported, and done when it can be."""
    host.want(alice=one("G1"))
    host.begin_process("alice")
    host.make_read_only("/etc")
    before = host.fingerprint()
    assert refused(host.want(alice=one("G1"), bob=one("G2")), "bob") == "command_failed"
    told = host.want(alice=[])["accounts"]["alice"]
    assert (told["state"], host.running("alice"), host.fingerprint()) == ("failed", [], before)
    host.repair()
    host.want(alice=[])
    assert shut(host, "alice")


@pytest.mark.parametrize("script", [None, "exit 1", "echo useradd: no; exit 12"], ids=["gone", "1", "12"])
def test_useradd_that_is_gone_or_fails(host: BreakingHost, script: str | None):
    """The account isn't opened, and the group that was made for it goes again."""
    before = host.fingerprint()
    host.replace("useradd", script)
    assert refused(host.want(alice=one("G1"))) == "command_failed"
    assert host.fingerprint() == before
    host.repair()
    assert host.want(alice=one("G1"))["accounts"]["alice"]["state"] == "active"


def test_useradd_that_does_half_and_fails(host: BreakingHost):
    """What it did is taken back, whatever it said."""
    before = host.fingerprint()
    host.replace("useradd", '/usr/sbin/useradd.away "$@"; exit 1')
    assert refused(host.want(alice=one("G1"))) == "command_failed"
    assert host.fingerprint() == before


def test_usermod_that_hangs_keeps_nobody_in(host: BreakingHost):
    """Two people end at once: both lose keys, rules and processes in bounded time, the rest is retried."""
    host.want(alice=one("G1"), bob=one("G2"))
    for login in ("alice", "bob"):
        host.begin_process(login)
    host.replace("usermod", HANGS)
    began = time.monotonic()
    told = host.want(alice=[], bob=[], drive={"patience": {"usermod": 3}})["accounts"]
    assert time.monotonic() - began < HANG_SECONDS / 2
    assert [told[login]["state"] for login in ("alice", "bob")] == ["failed", "failed"]
    for login in ("alice", "bob"):
        state = host.state_of(login)
        assert (state["keys"], state["sudo"], host.running(login)) == ("", "", [])
    host.repair()
    host.want(alice=[], bob=[])
    assert shut(host, "alice")
    assert shut(host, "bob")


def test_tools_that_say_yes_and_do_nothing(host: BreakingHost):
    """Their word proves nothing: what isn't shut or gone is told as failed, and done by the next run."""
    host.want(alice=one("G1"), bob=one("G2"))
    host.want(alice=one("G1"), bob=[])
    host.replace("usermod", "exit 0")
    host.replace("userdel", "exit 0")
    host.replace("groupdel", "exit 0")  # it would refuse to take a user's group, and tell on userdel
    wish = account("alice", UIDS["alice"]), account("bob", UIDS["bob"], remove=True)
    told = host.send(*wish)["answer"]["answer"]["accounts"]
    assert [told[login]["state"] for login in ("alice", "bob")] == ["failed", "failed"]
    assert (host.state_of("bob")["exists"], host.ledger()["retired"]) == (True, [])
    host.repair()
    host.replace("userdel", '/usr/sbin/userdel.away "$@"; exit 12')
    told = host.send(*wish)["answer"]["answer"]["accounts"]
    assert [told[login]["state"] for login in ("alice", "bob")] == ["closed", "removed"]
    assert shut(host, "alice")
    assert [entry["uid"] for entry in host.ledger()["retired"]] == [UIDS["bob"]]


@pytest.mark.parametrize("script", [None, HANGS], ids=["gone", "hangs"])
def test_visudo_that_is_gone_or_hangs(host: BreakingHost, script: str | None):
    """Without its word no rule is written; a closing takes its lines out all the same."""
    host.want(alice=one("G1"), bob=one("G2"))
    host.replace("visudo", script)
    before = host.fingerprint()
    told = host.want(alice=one("G1"), bob=one("G2"), carol=one("G3"), drive={"patience": {"visudo": 2}})
    assert refused(told, "carol") in ("command_failed", "sudo_missing")
    assert host.fingerprint() == before
    told = host.want(alice=[], bob=one("G2"), drive={"patience": {"visudo": 2}})
    assert shut(host, "alice")
    assert host.state_of("bob")["sudo"]


# What a login in that moment and its sudo would begin, in the place of a visudo that refuses.
MEANWHILE = """
(echo {uid} > /proc/self/loginuid; exec setsid sleep 620) >/dev/null 2>&1 </dev/null &
setsid setpriv --reuid {uid} --regid {uid} --init-groups sleep 619 >/dev/null 2>&1 </dev/null &
until pgrep -x sleep -u {uid} -G web && pgrep -f '^sleep 620'; do sleep 0.05; done >/dev/null
exit 1
"""


def test_what_begins_while_an_opening_fails_ends_with_it(host: BreakingHost):
    """Groups are given before the rules: who comes in then by another grant keeps neither."""
    host.want(alice=one("G1"))
    host.begin_process("alice")
    earlier = host.running("alice")
    host.replace("visudo", MEANWHILE.format(uid=UIDS["alice"]))
    more = grant("G2", groups=["web"], sudo=[{"run_as": "root", "commands": ["/usr/bin/who"]}])
    told = host.want(alice=[*one("G1"), more])["accounts"]["alice"]
    assert (told["state"], told["grants"]) == ("failed", ["G1"]), told
    assert host.sh("pgrep -f '^sleep (619|620)' || true") == ""
    assert host.running("alice") == earlier
    assert host.state_of("alice")["groups"] == {"alice", "daypass", "team"}


def test_sudoers_tree_that_cant_be_read(host: BreakingHost):
    """Nobody knows what others' rules say: nothing opens, closings go on."""
    host.want(alice=one("G1"))
    host.sh("mkfifo /etc/sudoers.d/other")
    before = host.fingerprint()
    assert refused(host.want(alice=one("G1"), bob=one("G2")), "bob") == "sudoers_broken"
    assert host.fingerprint() == before
    host.want(alice=[])
    assert shut(host, "alice")


def test_sshd_that_doesnt_say_what_holds(host: BreakingHost):
    """Its settings can't be read: nothing opens, and what was begun is taken back."""
    host.want(alice=one("G1"))
    host.sh("echo 'Nonsense yes' > /etc/ssh/sshd_config.d/99-other.conf")
    before = host.fingerprint()
    assert refused(host.want(alice=one("G1"), bob=one("G2")), "bob") is not None
    assert host.fingerprint() == before
    host.want(alice=[])
    assert shut(host, "alice")


def test_clock_that_begins_at_1970(host: BreakingHost):
    """After a boot without a clock the last time that was seen counts: nothing opens, nothing is removed."""
    now = int(time.time())
    host.want(alice=one("G1"), drive={"now": now})
    host.want(alice=[], drive={"now": now})
    late = host.want(alice=one("G1", seconds=60), bob=one("G2"), drive={"now": 5, "controller_time": now})
    assert (refused(late, "alice"), refused(late, "bob")) == ("clock_drift", "clock_drift")
    assert shut(host, "alice")
    assert host.state_of("bob")["exists"] is False
    ended = one("G3", seconds=-3600)
    assert host.want(alice=ended, drive={"now": 5})["accounts"]["alice"]["state"] == "closed"


def test_clock_that_jumps_to_2099_and_back(host: BreakingHost):
    """All access ends there, no account is removed for its age, and the right time isn't lost by it."""
    now = int(time.time())
    far = now + 73 * 365 * 86400
    host.want(alice=one("G1"), bob=[])
    told = host.want(alice=one("G1"), drive={"now": far, "controller_time": now})
    assert told["accounts"]["alice"]["state"] in ("closed", "refused")
    assert shut(host, "alice")
    assert host.state_of("alice")["exists"]
    assert host.ledger()["last_seen"] < far
    assert host.want(alice=one("G2"), drive={"controller_time": now})["accounts"]["alice"]["grants"] == ["G2"]


def test_clock_that_steps_back_in_the_middle(host: BreakingHost):
    """What has ended stays ended while the clock shows an earlier time."""
    now = int(time.time())
    ends, stays = one("G1", seconds=60), one("G2")
    host.want(alice=ends, bob=stays, drive={"now": now})
    host.want(alice=ends, bob=stays, drive={"now": now + 120})
    assert shut(host, "alice")
    told = host.want(alice=ends, bob=stays, drive={"now": now - 30})
    assert told["accounts"]["alice"]["state"] == "closed"
    assert shut(host, "alice")
    assert host.is_open("bob")


def test_ledger_of_a_newer_version(host: BreakingHost):
    """An older code touches neither it nor anything else, but what the document closes by name."""
    host.want(alice=one("G1"), bob=one("G2"))
    host.sh('sed -i \'s/"version":1/"version":9/\' /var/lib/daypass/ledger.json')
    newer = host.run("cat", "/var/lib/daypass/ledger.json")
    told = host.want(alice=[], bob=one("G2"), carol=one("G3"))
    assert (told["status"], told["code"]) == ("refused", "ledger_newer")
    assert shut(host, "alice")
    assert host.is_open("bob")
    assert host.state_of("carol")["exists"] is False
    assert host.run("cat", "/var/lib/daypass/ledger.json") == newer


def test_ledger_that_was_cut_short_is_rebuilt(host: BreakingHost):
    """A power cut took its end away: the copy knows all of it, and the broken one is kept for a look."""
    host.want(alice=one("G1"), bob=one("G2"))
    host.sh("truncate -s 100 /var/lib/daypass/ledger.json")
    told = host.want(alice=[], bob=one("G2"))
    assert (told["status"], "rebuilt from its copy" in told["rebuilt"]) == ("converged", True)
    assert shut(host, "alice")
    assert host.is_open("bob")
    assert host.sh("stat -c '%s %a' /var/lib/daypass/ledger.json.corrupt-*").split() == ["100", "600"]
    host.sh("rm /var/lib/daypass/ledger.json.corrupt-*")
