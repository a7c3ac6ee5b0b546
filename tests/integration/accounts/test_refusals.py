"""What a real host refuses, and that it then is as it was."""

from __future__ import annotations

import pytest

from tests.integration.accounts.managed_host import ManagedHost, absent, account, grant

FILES = (
    "cat /etc/passwd /etc/shadow /etc/group /etc/gshadow;"
    "find /home /etc/ssh/daypass/keys /etc/sudoers.d -printf '%p %m %U:%G\\n' | sort"
)


def refused(host: ManagedHost, *grants, says: str = "", **changes) -> str:
    """Ask for alice, who must be refused with nothing changed; the code."""
    before = host.sh(FILES)
    result = host.send(account("alice", 70007, *(grants or [grant("G1")]), **changes))
    answer = result["answer"]["answer"]["accounts"]["alice"]
    assert (result["answer"]["failed"], answer["state"], answer["grants"]) == (True, "refused", [])
    assert host.sh(FILES) == before
    assert says in answer["message"]
    return str(answer["code"])


@pytest.mark.parametrize(
    ("trap", "clear", "code"),
    [
        ("useradd -m alice", "userdel -r alice", "account_exists"),
        ("useradd -u 70007 eve", "userdel eve", "uid_taken"),
        ("groupadd -g 70007 ops", "groupdel ops", "uid_taken"),
        ("echo eve:70000:100 >> /etc/subuid", "sed -i /^eve/d /etc/subuid", "uid_subordinate"),
        ("echo eve:70000:100 >> /etc/subgid", "sed -i /^eve/d /etc/subgid", "uid_subordinate"),
        ("sed -i 's/^team:.*/&,alice/' /etc/group", "sed -i 's/,alice//' /etc/group", "old_rights"),
        ("mkdir /home/alice", "rmdir /home/alice", "old_rights"),
        (
            "echo '@daily id' > /var/spool/cron/crontabs/alice",
            "rm /var/spool/cron/crontabs/alice",
            "old_rights",
        ),
        ("echo hello > /var/mail/alice", "rm /var/mail/alice", "old_rights"),
        (
            "mkdir -p /var/spool/cron/atjobs; install -o 70007 /dev/null /var/spool/cron/atjobs/a1",
            "rm /var/spool/cron/atjobs/a1",
            "old_rights",
        ),
        (
            "mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/alice",
            "rm /var/lib/systemd/linger/alice",
            "old_rights",
        ),
        ("echo 'alice ALL=(ALL) ALL' > /etc/sudoers.d/x", "rm /etc/sudoers.d/x", "name_in_sudoers"),
        ("echo '%alice ALL=(ALL) ALL' > /etc/sudoers.d/x", "rm /etc/sudoers.d/x", "name_in_sudoers"),
        ("echo '#70007 ALL=(ALL) ALL' > /etc/sudoers.d/x", "rm /etc/sudoers.d/x", "old_rights"),
        ("echo '%daypass ALL=(ALL) ALL' > /etc/sudoers.d/x", "rm /etc/sudoers.d/x", "old_rights"),
        ("echo 'ALL ALL=(ALL) /bin/ls' > /etc/sudoers.d/x", "rm /etc/sudoers.d/x", "old_rights"),
        ("echo 'broken(' > /etc/sudoers.d/x", "rm /etc/sudoers.d/x", "sudoers_broken"),
    ],
)
def test_what_waits_for_the_name_is_reported_and_left(host: ManagedHost, trap: str, clear: str, code: str):
    """An account, number or right from before refuses the opening; nothing is touched or cleared away."""
    host.sh(trap)
    try:
        assert refused(host) == code
    finally:
        host.sh(clear)


def test_group_that_cant_be_given_is_refused(host: ManagedHost):
    """One that the host doesn't have isn't made; one of gid 0 and an account's private one aren't given."""
    host.sh("groupadd -o -g 0 rootish; groupadd -g 70500 ops")
    try:
        found = [refused(host, grant("G1", groups=[name])) for name in ("nowhere", "rootish", "ops")]
    finally:
        host.sh("groupdel rootish; groupdel ops")
    assert found == ["group_missing", "name_reserved", "group_private"]


def test_connector_is_never_managed(host: ManagedHost):
    """Whoever comes in to repair things isn't shut out by a document that names him."""
    before = host.sh(FILES)
    answer = host.send(account("apono", 70007, grant("G1")))["answer"]["answer"]["accounts"]["apono"]
    assert (answer["state"], answer["code"]) == ("refused", "name_reserved")
    assert host.sh(FILES) == before


WHILE_CLOSED = (
    ("gpasswd -a alice web", "gpasswd -d alice web", "old_rights"),
    ("usermod -g team alice", "usermod -g alice alice", "old_rights"),
    ("echo '@daily id' | crontab -u alice -", "crontab -u alice -r", "old_rights"),
    ("echo alice:200000:10 >> /etc/subgid", "sed -i /^alice/d /etc/subgid", "uid_subordinate"),
    ("usermod -c other alice", "usermod -c alice@example.com alice", "account_exists"),
    ("echo '#70007 ALL=(ALL) ALL' > /etc/sudoers.d/x", "rm /etc/sudoers.d/x", "old_rights"),
)


def test_what_came_while_it_was_closed_keeps_an_account_shut(host: ManagedHost):
    """Our own account opens again with what is granted alone, or not at all."""
    host.send(account("alice", 70007, grant("G1")))
    host.send(account("alice", 70007))
    for number, (trap, clear, code) in enumerate(WHILE_CLOSED):
        host.sh(trap)
        try:
            found = refused(host, grant(f"G2{number}"))
        finally:
            host.sh(clear)
        assert (found, host.is_open("alice")) == (code, False), trap
    host.send(account("alice", 70007, grant("G3")))
    assert host.is_open("alice")


def test_account_that_came_after_our_intent_isnt_ours(host: ManagedHost):
    """A run was cut off before its useradd; somebody made the same name and uid for another person."""
    document = host.document(account("alice", 70007, grant("G1")))
    assert host.drive({"document": document, "kill": {"effect": 1, "when": "after"}}) is None
    assert host.ledger()["accounts"]["alice"]["pending"] == "create"
    host.run("useradd", "-m", "-u", "70007", "-c", "somebody else", "alice")
    before = host.sh(FILES)
    answer = host.drive({"document": document})["answer"]["answer"]["accounts"]["alice"]
    assert (answer["state"], answer["code"]) == ("refused", "account_exists")
    assert host.sh(FILES) == before


def test_unlisted_shell_is_refused(host: ManagedHost):
    """The shell must be one of /etc/shells."""
    assert refused(host, shell="/usr/bin/python3") == "shell_not_listed"  # noqa: S604 - a field, no shell


@pytest.mark.parametrize(
    "line", ["DenyGroups team", "DenyUsers alice", "Match User alice\n    PasswordAuthentication yes"]
)
def test_sshd_that_says_otherwise_takes_the_opening_back(host: ManagedHost, line: str):
    """Open counts only when sshd's own settings for the account are ours; else it is as if it never was."""
    host.sh(f"printf '%s\\n' '{line}' > /etc/ssh/sshd_config.d/00-admin.conf")
    try:
        says = "00-admin.conf:"
        assert refused(host, grant("G1", groups=["team"]), says=says) == "sshd_overridden"
        assert not host.state_of("alice")["exists"]
    finally:
        host.sh("rm /etc/ssh/sshd_config.d/00-admin.conf")


def test_foreign_account_survives_every_wish(host: ManagedHost):
    """Opening, ending, removing: an account that isn't ours keeps its files, groups and processes."""
    host.sh("useradd -m -G team alice && su alice -c 'setsid -f sleep 604 >/dev/null 2>&1 </dev/null'")
    before = host.sh(FILES)
    for wish in ([grant("G1")], [absent("G1")], []):
        host.send(account("alice", 70007, *wish))
    host.send(account("alice", 70007, remove=True))
    assert host.sh(FILES) == before
    assert "sleep 604" in host.run("ps", "-eo", "args")
    host.sh("pkill -KILL -u alice; userdel -r alice", check=False)


def test_failed_second_grant_leaves_the_first_open(host: ManagedHost):
    """An opening that fails is undone to what was there before it."""
    host.send(account("alice", 70007, grant("G1", groups=["team"])))
    before = host.state_of("alice")
    host.sh("printf 'DenyGroups web\\n' > /etc/ssh/sshd_config.d/00-admin.conf")
    try:
        result = host.send(account("alice", 70007, grant("G1", groups=["team"]), grant("G2", groups=["web"])))
    finally:
        host.sh("rm /etc/ssh/sshd_config.d/00-admin.conf")
    answer = result["answer"]["answer"]["accounts"]["alice"]
    assert (answer["state"], answer["grants"], answer["code"]) == ("refused", ["G1"], "sshd_overridden")
    after = host.state_of("alice")
    assert {**after, "keys": ""} == {**before, "keys": ""}
    assert "G2" not in after["keys"]


def test_one_refused_account_doesn_t_stop_the_others(host: ManagedHost):
    """Accounts stand for themselves; the run fails and says for whom."""
    host.sh("useradd alice")
    result = host.send(account("alice", 70007, grant("G1")), account("bob", 70008, grant("G2")))
    accounts = result["answer"]["answer"]["accounts"]
    assert (accounts["alice"]["state"], accounts["bob"]["state"]) == ("refused", "active")
    assert result["answer"]["failed"] is True
    host.sh("userdel -r alice", check=False)


def test_clocks_apart_refuse_openings_only(host: ManagedHost):
    """Five minutes of drift open nothing; what ends, ends."""
    now = int(host.run("date", "+%s"))
    host.send(account("alice", 70007, grant("G1")))
    wish = [account("alice", 70007), account("bob", 70008, grant("G2"))]
    accounts = host.send(*wish, controller_time=now - 400)["answer"]["answer"]["accounts"]
    assert (accounts["alice"]["state"], accounts["bob"]["code"]) == ("closed", "clock_drift")
    assert not host.state_of("bob")["exists"]
    told = host.send(account("bob", 70008, grant("G3")), controller_time=now - 100)["answer"]["answer"]
    assert (told["accounts"]["bob"]["state"], "the clocks differ" in told["warnings"][0]) == ("active", True)
