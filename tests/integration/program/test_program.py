"""The program on a real host: what is sent, what is run, and what a kill leaves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.plugin_utils.program import CODE
from tests.integration.accounts.managed_host import absent, account, grant
from tests.integration.program.playing import MOST_REQUEST_BYTES, PROGRAM, Playing, lasting
from tests.waiting import LIMIT_SECONDS

LEDGER = "/var/lib/daypass/ledger.json"
DRIFT_SECONDS = 240  # one clock for both; as long as a busy machine may take
RUNNING = {"version": CODE.version[:16], "installed": True}
WRONG = (
    {"uid": "many"},
    {"existing": "perhaps"},
    {"surprise": 1},
    {"grants": [{"id": "G1", "state": "absent", "groups": ["team"]}]},
    {"grants": [{"id": "G1", "not_after": "soon", "principals": ["daypass-G1-1"]}]},
    {"shell": "sh"},
)
# Puts more text behind a source in the program, as root there could.
REWRITE = """
import re, sys, zipfile
path, module, more = sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode()
old = zipfile.ZipFile(path)
members = {name: old.read(name) for name in old.namelist()}
found = re.search(rb"^%s (\\d+)\\n" % re.escape(module), members["sources"], re.MULTILINE)
end, text = found.end() + int(found[1]), members["sources"]
head = b"%s %d\\n" % (module, int(found[1]) + len(more))
members["sources"] = text[: found.start()] + head + text[found.end() : end] + more + text[end:]
with zipfile.ZipFile(path, "w") as new:
    for name, content in members.items():
        new.writestr(name, content)
"""


def rewrite(host: Playing, module: str, more: str) -> None:
    host.run("python3", "-c", REWRITE, PROGRAM, module, more)


def digest(host: Playing) -> str:
    return host.run("sha256sum", PROGRAM)


def options_for(host: Playing, *accounts: dict, **more: object) -> dict[str, object]:
    """Arguments that a playbook would spell out."""
    host.sequence += 1
    ids = {"host_id": host.host_id, "orchestrator_id": host.orchestrator_id, "sequence": host.sequence}
    return {"accounts": list(accounts), "ca_keys": [host.ca_key], **ids, **more}


def test_first_wave_brings_the_program_and_the_next_sends_a_request_alone(host: Playing):
    """The sources go to a host once; afterwards neither they nor a module are sent."""
    document = {"document": host.document(account("alice", 70007, grant("G1", groups=["team"])))}
    first = host.result(document)
    request, sources = host.sizes()
    assert (first["changed"], first["answer"]["program"]) == (True, RUNNING)
    assert abs(first["answer"]["drift_seconds"]) < DRIFT_SECONDS  # the time of sending went with it
    assert request < MOST_REQUEST_BYTES < sources
    again = host.result(document)
    assert (again["changed"], again["answer"]["program"]) == (False, RUNNING)
    assert [size < MOST_REQUEST_BYTES for size in host.sizes()] == [True]
    assert host.run("stat", "-c", "%a %U:%G", PROGRAM, PROGRAM.rpartition("/")[0]).split("\n")[:2] == [
        "600 root:root",
        "755 root:root",
    ]


def test_options_of_a_playbook_go_as_a_request_too(host: Playing):
    """What a playbook spells out becomes the same document: no module is sent, the account opens."""
    host.result(options_for(host))
    host.sizes()
    opened = host.result(options_for(host, account("alice", 70007, grant("G1"))))
    assert opened["answer"]["accounts"]["alice"]["state"] == "active"
    assert [size < MOST_REQUEST_BYTES for size in host.sizes()] == [True]
    assert host.is_open("alice")


def test_check_mode_and_diff_are_the_same_by_both_ways(host: Playing):
    """Program and module give the same answer from the same plan, and change nothing."""
    host.send(account("bob", 70008, grant("G2", groups=["team"])))
    wanted = options_for(host, account("alice", 70007, grant("G1", groups=["team"])), exclusive=True)
    before = host.sh(f"cat /etc/passwd /etc/shadow /etc/group {LEDGER}; ls /usr/local/lib")
    by_program = host.result(wanted, "--check", "--diff")
    by_module = host.result(wanted, "--check", "--diff", way="module")
    assert lasting(by_program) == lasting(by_module)
    assert by_program["changed"] is True
    assert "alice" in by_program["diff"]["after"]
    assert by_program["answer"]["program"] == {**RUNNING, "installed": False}
    assert host.sh(f"cat /etc/passwd /etc/shadow /etc/group {LEDGER}; ls /usr/local/lib") == before


def test_module_brings_the_same_program(host: Playing):
    """From Ansible's packed module the sources are the very same: the next wave finds them there."""
    opened = host.result(options_for(host, account("alice", 70007, grant("G1"))), way="module")
    assert opened["answer"]["program"] == RUNNING
    assert abs(opened["answer"]["drift_seconds"]) < DRIFT_SECONDS
    host.sizes()
    assert host.result(options_for(host))["answer"]["program"] == RUNNING
    assert [size < MOST_REQUEST_BYTES for size in host.sizes()] == [True]


def test_wrong_arguments_fail_the_same_by_both_ways(host: Playing):
    """An error in a playbook reads as Ansible's own where it is Ansible's, else with our code."""
    several = [options_for(host, {**account("alice", 70007), **wrong}) for wrong in WRONG]
    by_program, by_module = (host.results(several, way) for way in ("program", "module"))
    assert [one["failed"] for one in by_program] == [True] * len(WRONG)
    assert [lasting(one) for one in by_program] == [lasting(one) for one in by_module]


def test_program_that_was_changed_is_not_run(host: Playing):
    """One byte more in a source, whoever wrote it: the sources are sent again and put in its place."""
    document = {"document": host.document()}
    host.result(document)
    right = digest(host)
    for module in ("run.converge", "contract.names"):
        rewrite(host, module, "\nopen('/var/tmp/was-run', 'w')\n")
        host.sizes()
        assert host.result(document)["answer"]["program"] == RUNNING
        assert len(host.sizes()) == 2
        assert digest(host) == right
    assert host.code("test", "-e", "/var/tmp/was-run") == 1


def test_other_program_is_replaced_before_the_ledger_is_written(host: Playing):
    """An older program would refuse a newer ledger: there is no moment at which it meets one."""
    host.result({"document": host.document()})
    right = digest(host)
    rewrite(host, "run.tick", "# an older one\n")
    effects = host.send(account("alice", 70007, grant("G1")), program=True)["effects"]
    written = [path for kind, path in effects if kind == "write"]
    assert written.index(PROGRAM) < written.index(LEDGER)
    assert digest(host) == right


def test_kill_while_the_program_is_written_leaves_the_next_run_right(host: Playing):
    """Before and after each effect of the installation: no account opens, and the next run ends right."""
    wanted = account("alice", 70007, grant("G1"))
    effect = 0
    while True:
        host.forget("alice")
        document = host.document(wanted)
        wish = {"document": document, "program": True}
        killed = [
            host.drive({**wish, "kill": {"effect": effect, "when": when}}) for when in ("before", "after")
        ]
        assert not host.state_of("alice")["exists"]
        done = host.drive(wish)
        assert killed == [None, None]
        assert done is not None
        assert done["answer"]["failed"] is False
        assert done["answer"]["answer"]["program"] == RUNNING
        if host.sh("ls -A /usr/local/lib/daypass") != "daypass-host.pyz\n":
            pytest.fail("litter beside the program")
        host.forget("alice")
        kinds = host.send(wanted, program=True)["effects"]
        if kinds[effect][1] == PROGRAM:
            return
        effect += 1


def test_host_that_cannot_take_the_program_opens_nothing_and_closes_all(host: Playing):
    """Without a program on the host nothing would end access in time."""
    host.send(account("alice", 70007, grant("G1")))
    host.sh("touch /usr/local/lib/daypass")
    result = host.result(
        {"document": host.document(account("alice", 70007, absent("G1")), account("bob", 70008, grant("G2")))}
    )
    answer = result["answer"]
    assert (result["failed"], answer["code"]) == (True, "program_unwritable")
    assert answer["accounts"]["bob"]["code"] == "program_unwritable"
    assert not host.is_open("alice")
    assert not host.state_of("bob")["exists"]


def test_tick_that_runs_while_the_program_is_replaced_ends_well(host: Playing, tmp_path: Path):
    """It goes on in the file that it was started from."""
    host.result({"document": host.document()})
    words = ["flock", "/var/lib/daypass/lock", "sh", "-c", "echo held; cat"]
    hold = host.lab.exec_argv(host.host, words, interactive=True)  # held until its input ends
    start = host.lab.exec_argv(host.host, ["python3", "-I", "-S", PROGRAM, "tick"])
    with subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with subprocess.Popen(start, stderr=subprocess.PIPE, text=True) as tick:
            host.sh(
                "until ls -l /proc/$(pgrep -of '[p]yz tick')/fd | grep -q daypass/lock; do sleep 0.05; done;"
                f"head -c 100000 /dev/urandom > {PROGRAM}.new && mv {PROGRAM}.new {PROGRAM}"
            )
            holder.communicate("")
            _none, complaint = tick.communicate(timeout=LIMIT_SECONDS)
    assert (tick.returncode, complaint) == (0, "")
