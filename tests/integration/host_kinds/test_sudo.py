"""sudo rules on hosts with sudo, with sudo-rs, and with neither; sudoers that others broke."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab import api
from tests.integration.accounts.managed_host import FOLDER, ManagedHost, account, grant
from tests.integration.deadline.watching import end_of
from tests.waiting import wait_for

ID_ONLY = [{"run_as": "root", "commands": ["/usr/bin/id"]}]
BY_DEADLINE = "sudo here doesn't end rules by itself; the local deadline does"
TICK = f"import sys; sys.path.insert(0, {FOLDER!r}); from daypass_host.run import tick; sys.exit(tick.main())"
LOGINS = ("alice", "bob", "carol", "dora")
NAMED = ("disk", "docker", "lxd", "sudo", "wheel")  # as good as root by themselves
BOB = account("bob", 70008, grant("G2", sudo=ID_ONLY))

# What an administrator may have broken; sudo and sudo-rs complain of each.
BROKEN = {
    "a line that is none": "echo 'broken(' > /etc/sudoers.d/x",
    "a file that all may write": "echo '#' > /etc/sudoers.d/x; chmod 666 /etc/sudoers.d/x",
    "a folder in place of a file": "mkdir /etc/sudoers.d/x",
    "an include that isn't there": "echo '@include /etc/nowhere' > /etc/sudoers.d/x",
    "an include in a circle": "cd /etc/sudoers.d; echo '@include /etc/sudoers.d/x' > x; chmod 440 x",
}
REPAIR = "rm -rf /etc/sudoers.d/x"


@pytest.fixture(scope="module", params=["debian12", "debian13-sudo-rs"])
def managed(request: pytest.FixtureRequest, lab_name: str) -> ManagedHost:
    """A light host with one of the two sudo, under a ledger of our own."""
    prefix = f"sudo-{request.param}"
    lab = api.up(lab_name, 1, image=request.param, light=True, prefix=prefix, fresh=True)
    machine = ManagedHost(lab, lab.host(f"{prefix}-1"))
    machine.sh(f"for name in ops {' '.join(NAMED)}; do groupadd -f $name; done")
    return machine


@pytest.fixture
def host(managed: ManagedHost) -> Iterator[ManagedHost]:
    """The host without accounts of ours."""
    managed.forget(*LOGINS)
    yield managed
    managed.forget(*LOGINS)


@pytest.fixture
def without_sudo(host: ManagedHost) -> Iterator[ManagedHost]:
    """The host with its sudo taken away, as removing the package leaves it."""
    host.sh("mkdir /root/away; mv /usr/bin/sudo /usr/sbin/visudo /root/away/")
    yield host
    host.sh("mv /root/away/sudo /usr/bin/; mv /root/away/visudo /usr/sbin/; rmdir /root/away")


def told(result: dict, login: str) -> dict:
    """What the answer says of an account."""
    return dict(result["answer"]["answer"]["accounts"][login])


def is_rs(host: ManagedHost) -> bool:
    """Whether the host has sudo-rs."""
    return "sudo-rs" in host.sh("sudo --version 2>&1")


def rules(host: ManagedHost) -> str:
    """Our sudoers file."""
    return host.sh("cat /etc/sudoers.d/daypass 2>/dev/null || true")


def as_alice(host: ManagedHost, command: str) -> int:
    """Return code of a command of hers."""
    return host.code("su", "-s", "/bin/sh", "alice", "-c", command)


def test_rules_have_the_form_that_this_sudo_takes(host: ManagedHost):
    """With an end where sudo knows it; where it doesn't, the answer says what ends them instead."""
    for result in (host.send(account("alice", 70007, grant("G1", sudo=ID_ONLY))) for _twice in range(2)):
        assert (BY_DEADLINE in result["answer"]["answer"]["warnings"]) is is_rs(host)
    assert ("NOTAFTER" in rules(host)) is not is_rs(host)
    assert as_alice(host, "sudo -n /usr/bin/id") == 0
    assert as_alice(host, "sudo -n /usr/bin/env true") != 0
    gone = host.send(account("alice", 70007))
    assert BY_DEADLINE not in gone["answer"]["answer"]["warnings"]
    assert rules(host) == ""


def test_rule_ends_with_the_grant_by_sudo_itself_or_by_the_tick(host: ManagedHost):
    """Where sudo knows no end, the host's own tick takes the rule away, without an orchestrator."""
    hour_ago = int(time.time()) - 3600  # for the runs it isn't over, however long they take
    host.send(account("alice", 70007, grant("G1", sudo=ID_ONLY), grant("G2")), now=hour_ago)
    assert as_alice(host, "sudo -n /usr/bin/id") == 0
    ends = grant("G1", sudo=ID_ONLY, seconds=2)
    host.send(account("alice", 70007, ends, grant("G2")), now=hour_ago)
    assert wait_for(lambda: time.time() > end_of(ends) + 1)
    assert (as_alice(host, "sudo -n /usr/bin/id") == 0) is is_rs(host)
    host.run("python3", "-I", "-S", "-c", TICK)
    assert rules(host) == ""
    assert as_alice(host, "sudo -n /usr/bin/id") != 0
    assert host.is_open("alice")


def test_rule_with_an_end_gives_nothing_where_sudo_doesnt_know_it(host: ManagedHost):
    """A host that changes to sudo-rs keeps nobody in by a rule whose end isn't read."""
    host.send(account("alice", 70007, grant("G1")))
    line = "alice ALL=(root) NOTAFTER=20990101000000Z NOPASSWD: /usr/bin/id\n"
    host.lab.exec(host.host, ["sh", "-c", "cat > /etc/sudoers.d/z; chmod 440 /etc/sudoers.d/z"], input=line)
    try:
        assert (as_alice(host, "sudo -n /usr/bin/id") == 0) is not is_rs(host)
    finally:
        host.run("rm", "/etc/sudoers.d/z")


def test_every_character_that_we_allow_means_itself(host: ManagedHost):
    """Neither sudo finds a wildcard, an escape or a list in what passes our check."""
    command = "/usr/bin/env A=b /x.y-z_1/@%+ -a --b=c d~e @f %g +h 1.2"
    commands = [command, "/usr/bin/a.b-c_d@e%f+g"]
    host.send(account("alice", 70007, grant("G1", sudo=[{"run_as": "root", "commands": commands}])))
    listed = host.run("sudo", "-l", "-U", "alice").replace("\\", "")
    assert all(one in listed for one in commands)


@pytest.mark.parametrize("who", ["ALL", "#70007", "%daypass"])
def test_right_of_others_is_seen_whatever_sudo_says_it(host: ManagedHost, who: str):
    """A rule that would cover the new account keeps it from being opened."""
    host.sh(f"echo '{who} ALL=(root) NOPASSWD: /usr/bin/env' > /etc/sudoers.d/x")
    try:
        result = host.send(account("alice", 70007, grant("G1")))
    finally:
        host.sh(REPAIR)
    assert (told(result, "alice")["code"], host.state_of("alice")["exists"]) == ("old_rights", False)


@pytest.mark.parametrize("breakage", BROKEN)
def test_sudoers_that_somebody_broke_stop_openings_and_no_closing(host: ManagedHost, breakage: str):
    """Nobody knows which rights wait, so nothing opens; what is to end ends, others keep what they have."""
    host.send(BOB, account("carol", 70009, grant("G3", sudo=ID_ONLY)))
    host.sh(BROKEN[breakage])
    try:
        result = host.send(account("alice", 70007, grant("G1")), BOB, account("carol", 70009))
        assert (told(result, "alice")["code"], told(result, "alice")["state"]) == (
            "sudoers_broken",
            "refused",
        )
        assert told(result, "carol")["state"] == "closed"
        assert host.state_of("carol")["sudo"] == ""
        assert not host.state_of("alice")["exists"]
        assert (told(result, "bob")["state"], host.is_open("bob")) == ("active", True)
        assert "bob " in rules(host)
    finally:
        host.sh(REPAIR)
    assert told(host.send(account("alice", 70007, grant("G1")), BOB), "alice")["state"] == "active"


def test_sudoers_without_our_folder_refuse_sudo_rules_only(host: ManagedHost):
    """A rule that no sudo reads isn't counted as given."""
    host.sh("cp -p /etc/sudoers /root/sudoers; sed -i /includedir/d /etc/sudoers")
    try:
        result = host.send(account("alice", 70007, grant("G1", sudo=ID_ONLY), grant("G2")))
    finally:
        host.sh("mv /root/sudoers /etc/sudoers")
    assert told(result, "alice")["refused"] == {"G1": "sudoers_not_included"}
    assert told(result, "alice")["grants"] == ["G2"]


def test_grant_with_sudo_rules_needs_sudo(without_sudo: ManagedHost):
    """It fails for that host with the reason; one without rules works."""
    result = without_sudo.send(account("alice", 70007, grant("G1", sudo=ID_ONLY), grant("G2")))
    assert told(result, "alice")["refused"] == {"G1": "sudo_missing"}
    assert "sudo isn't installed" in told(result, "alice")["message"]
    assert told(result, "alice")["grants"] == ["G2"]
    assert without_sudo.is_open("alice")
    assert told(without_sudo.send(account("alice", 70007)), "alice")["state"] == "closed"


def test_rules_go_though_sudo_went_first(host: ManagedHost, request: pytest.FixtureRequest):
    """Somebody removes sudo during a grant: its end takes the lines out, or they'd be back with sudo."""
    host.send(account("alice", 70007, grant("G1", sudo=ID_ONLY)), BOB)
    request.getfixturevalue("without_sudo")
    assert told(host.send(account("alice", 70007), BOB), "alice")["state"] == "closed"
    assert "alice " not in rules(host)
    assert "bob " in rules(host)


def test_what_is_as_good_as_root_is_named(host: ManagedHost):
    """A group that sudoers lets do all, ALL commands as root, and each group that needs no rule for it are
    told of with the account."""
    host.sh("echo '%ops ALL=(ALL) ALL' > /etc/sudoers.d/x; sed -i.before '/^%sudo/d' /etc/sudoers")
    everything = [{"run_as": "root", "commands": "ALL"}]
    try:
        result = host.send(
            account("alice", 70007, grant("G1", groups=["ops"])),
            account("bob", 70008, grant("G2", sudo=everything)),
            account("carol", 70009, grant("G3", sudo=ID_ONLY)),
            account("dora", 70010, grant("G4", groups=[*NAMED, "games"])),
        )
    finally:
        host.sh(f"{REPAIR}; mv /etc/sudoers.before /etc/sudoers")
    assert told(result, "alice")["warnings"] == ["the group ops is root-equivalent"]
    assert told(result, "dora")["warnings"] == [f"the group {name} is root-equivalent" for name in NAMED]
    assert told(result, "bob")["warnings"] == ["sudo with ALL commands as root is root-equivalent"]
    assert [told(result, login)["root_equivalent"] for login in LOGINS] == [True, True, False, True]
