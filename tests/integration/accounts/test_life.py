"""The life of an account on a real host: opened, added to, closed, removed."""

from __future__ import annotations

import re
import subprocess
import time

from tests.integration.accounts.managed_host import ManagedHost, Person, absent, account, grant, make_person
from tests.integration.deadline.watching import end_of
from tests.waiting import LIMIT_SECONDS, wait_for

ID_ONLY = [{"run_as": "root", "commands": ["/usr/bin/id"]}]
DAY_SECONDS = 86400


def test_open_account_lets_its_person_in_with_what_was_granted(host: ManagedHost, alice: Person):
    """A grant gives a login, its groups and its sudo commands, and nothing else."""
    assert not alice.gets_in()
    wish = grant("G1", groups=["team"], sudo=ID_ONLY)
    result = host.send(account("alice", 70007, wish))
    assert result["answer"]["answer"]["accounts"]["alice"]["state"] == "active"
    assert alice.gets_in()
    state = host.state_of("alice")
    assert (state["password"], state["expire"]) == ("*", end_of(wish) // DAY_SECONDS + 1)
    assert set(alice.ssh("id", "-Gn").stdout.split()) == {"alice", "daypass", "team"}
    assert alice.ssh("sudo", "-n", "/usr/bin/id", "-u").stdout.strip() == "0"
    assert alice.ssh("sudo", "-n", "/usr/bin/whoami").returncode != 0
    assert host.run("stat", "-c", "%a %U:%G", "/etc/ssh/daypass/keys/alice").split() == ["640", "root:alice"]
    assert host.run("stat", "-c", "%a %U:%G", "/etc/sudoers.d/daypass").split() == ["440", "root:root"]
    assert host.run("stat", "-c", "%a", "/var/lib/daypass/ledger.json").strip() == "600"


def test_password_that_there_isnt_never_runs_out(host: ManagedHost, alice: Person):
    """Ageing shuts certificate users out too: a host's own rule is taken off again."""
    host.send(account("alice", 70007, grant("G1")))
    host.run("chage", "-M", "1", "-d", "2020-01-01", "alice")
    assert not alice.gets_in()
    host.send(account("alice", 70007, grant("G1")))
    assert alice.gets_in()


def test_caches_of_names_are_told_of_each_change(host: ManagedHost):
    """The system's own tools do it where a cache is installed; a stand-in writes down what it is told."""
    caches = ("/usr/sbin/nscd", "/usr/sbin/sss_cache")
    for cache in caches:
        host.sh(f"printf '#!/bin/sh\necho \"${{0##*/}} $*\" >>/run/told\n' >{cache} && chmod 755 {cache}")
    try:
        for grants in ([grant("G1", groups=["team"])], [absent("G1")]):
            host.sh("rm -f /run/told")
            host.send(account("alice", 70007, *grants))
            told = host.run("cat", "/run/told")
            for words in ("nscd -i passwd", "nscd -i group", "sss_cache -U?G", "sss_cache -UG?"):
                assert re.search(f"^{words}$", told, re.MULTILINE), told
    finally:
        host.run("rm", "-f", *caches, "/run/told")


def test_closing_ends_sessions_and_everything_begun_in_them(host: ManagedHost, alice: Person):
    """After a closing no process of the person is left, detached or not, and no login succeeds."""
    host.send(account("alice", 70007, grant("G1", sudo=[{"run_as": "root", "commands": "ALL"}])))
    session = alice.stay("sleep", "600")
    alice.ssh("setsid -f sleep 601 >/dev/null 2>&1 </dev/null")
    alice.ssh("sudo -n -b setsid sleep 602 >/dev/null 2>&1 </dev/null")
    other = host.lab.exec_argv(host.host, ["su", "olaf", "-c", "sleep 603"])
    bystander = subprocess.Popen(other)
    try:
        assert wait_for(lambda: all(str(n) in host.run("ps", "-eo", "args") for n in (600, 601, 602, 603)))
        result = host.send(account("alice", 70007, absent("G1")))
        assert result["answer"]["answer"]["accounts"]["alice"]["state"] == "closed"
        running = host.run("ps", "-eo", "args")
        assert not [n for n in (600, 601) if f"sleep {n}" in running]
        assert "sleep 603" in running
        assert session.wait(timeout=LIMIT_SECONDS) != 0
        assert not alice.gets_in()
        state = host.state_of("alice")
        assert (state["password"], state["expire"], state["keys"], state["sudo"]) == ("!*", 1, "", "")
    finally:
        host.sh("pkill -x sleep", check=False)
        session.kill()
        session.communicate()
        bystander.wait()
        host.sh("systemctl stop user@$(id -u olaf)")  # by itself it ends ten seconds after the session


# Ageing, an end, a limit of days without use, and subordinate ids for whoever is made.
DEFAULTS = """
cp -p /etc/login.defs /etc/default/useradd /root/
sed -i -E 's/^(UID_MAX|PASS_MAX_DAYS|PASS_MIN_DAYS).*//' /etc/login.defs
printf 'UID_MAX 200000\nPASS_MAX_DAYS 1\nPASS_MIN_DAYS 1\n' >> /etc/login.defs
printf 'INACTIVE=1\nEXPIRE=2000-01-01\n' >> /etc/default/useradd
touch /etc/subuid /etc/subgid
"""
DEFAULTS_BACK = "mv /root/login.defs /etc/; mv /root/useradd /etc/default/"


def test_hosts_defaults_for_new_accounts_dont_count(host: ManagedHost):
    """No ageing, no limit of days, no end but ours, no subordinate range."""
    host.sh(DEFAULTS)
    try:
        host.send(account("alice", 70007, grant("G1")))
    finally:
        host.sh(DEFAULTS_BACK)
    fields = host.run("getent", "shadow", "alice").strip().split(":")
    ageing = {int(field) for field in (fields[3], fields[4], fields[6]) if field}
    assert ageing <= {0, -1}
    assert host.is_open("alice")
    assert host.sh("grep -h alice /etc/subuid /etc/subgid || true") == ""


def test_two_grants_add_up_and_one_end_leaves_the_other(host: ManagedHost, authority, tmp_path):
    """Ending one of two grants takes away exactly what the other doesn't give."""
    first = make_person(host, authority, tmp_path, "alice", "G1")
    second = make_person(host, authority, tmp_path, "alice", "G2")
    one, two = grant("G1", groups=["team"], sudo=ID_ONLY), grant("G2", groups=["web"])
    host.send(account("alice", 70007, one))
    host.send(account("alice", 70007, one, two))
    assert first.gets_in()
    assert second.gets_in()
    assert host.state_of("alice")["groups"] == {"alice", "daypass", "team", "web"}
    host.send(account("alice", 70007, two))
    assert not first.gets_in()
    assert second.gets_in()
    state = host.state_of("alice")
    assert (state["groups"], state["sudo"]) == ({"alice", "daypass", "web"}, "")


def test_groups_from_before_keep_their_members(host: ManagedHost):
    """Opening, closing and removing one of ours leaves a group's other members in it."""
    host.send(account("alice", 70007, grant("G1", groups=["team"])))
    host.send(account("alice", 70007))
    host.send(account("alice", 70007, remove=True))
    assert host.run("getent", "group", "team").strip() == "team:x:2000:olaf"


def test_repeated_document_changes_nothing(host: ManagedHost):
    """The second run of the same wish reports no change and starts no program that changes."""
    wish = account("alice", 70007, grant("G1", groups=["team"], sudo=ID_ONLY))
    host.send(wish)
    again = host.send(wish)
    assert again["answer"]["changed"] is False
    assert again["answer"]["diff"] == {"before": "", "after": ""}
    # The ledger's sequence, in its copy first.
    assert [kind for kind, _detail in again["effects"]] == ["write", "write"]


def test_check_mode_tells_the_same_and_changes_nothing(host: ManagedHost):
    """What check mode says is what the run then does."""
    wish = account("alice", 70007, grant("G1", groups=["team"]))
    document = host.document(wish)
    said = host.drive({"document": document, "check": True})
    assert said["effects"] == []
    assert not host.state_of("alice")["exists"]
    done = host.drive({"document": document})
    assert said["answer"]["diff"] == done["answer"]["diff"]
    assert said["answer"]["changed"] is done["answer"]["changed"] is True


def test_removal_takes_the_account_with_all_it_left(host: ManagedHost):
    """Home, crontab, mail and temporary files go with the account; its uid is never somebody else's."""
    host.send(account("alice", 70007, grant("G1")))
    host.sh("su alice -c 'echo x > /tmp/alice-left; mkdir /var/tmp/alice-dir; echo y > ~/kept'")
    host.run("install", "-o", "alice", "/dev/null", "/dev/shm/alice-left")
    host.sh(
        "echo '@daily true' | crontab -u alice -; echo mail > /var/mail/alice; chown alice /var/mail/alice"
    )
    host.send(account("alice", 70007))
    assert host.code("test", "-e", "/var/spool/cron/crontabs/alice") == 1
    host.send(account("alice", 70007, remove=True))
    left = host.sh("find / /dev/shm -xdev \\( -user 70007 -o -group 70007 \\) 2>/dev/null || true").split()
    # The archive, and what the tests of kills keep of the host.
    expected = ("/home/.daypass-archive/alice-70007-", "/opt/daypass-test/")
    assert [path for path in left if not path.startswith(expected)] == []
    archive = host.sh("ls -t /home/.daypass-archive/alice-70007-* | head -n 1").strip()
    assert archive.endswith(".tar")
    assert host.run("tar", "-xOf", archive, "alice/kept").strip() == "y"
    assert host.run("stat", "-c", "%a %U", "/home/.daypass-archive").split() == ["700", "root"]
    assert host.sh("grep -c alice /etc/passwd /etc/shadow /etc/group /etc/gshadow || true").count(":0") == 4
    taken = host.send(account("bob", 70007, grant("G2")))
    assert taken["answer"]["answer"]["accounts"]["bob"]["code"] == "uid_retired"
    host.sh("rm -rf /home/.daypass-archive")


def test_home_through_a_link_is_kept(host: ManagedHost):
    """A home that isn't plainly the account's own stays, with a warning; the account goes all the same."""
    host.send(account("alice", 70007, grant("G1")))
    host.sh("mv /home/alice /home/elsewhere && ln -s /home/elsewhere /home/alice")
    result = host.send(account("alice", 70007, remove=True, home_on_removal="delete"))
    answer = result["answer"]["answer"]["accounts"]["alice"]
    assert answer["state"] == "removed"
    assert "/home/alice was kept" in answer["warnings"][0]
    assert host.code("test", "-e", "/home/elsewhere/.bashrc") == 0
    host.sh("rm -rf /home/alice /home/elsewhere")


def test_grant_that_runs_out_ends_in_any_run(host: ManagedHost):
    """What is over ends, whatever the document is about; a clock that jumps back re-opens nothing."""
    host.send(account("alice", 70007, grant("G1", seconds=600)))
    later = int(time.time()) + 3600
    wish = {"document": host.document(exclusive=False), "now": later}
    assert host.drive(wish)["answer"]["answer"]["accounts"]["alice"]["state"] == "closed"
    back = host.send(account("alice", 70007, grant("G1", seconds=600)))
    assert back["answer"]["answer"]["accounts"]["alice"]["grants"] == []
    assert not host.is_open("alice")
