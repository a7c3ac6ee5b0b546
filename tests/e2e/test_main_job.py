"""The main job: from a server list to a person logged in, and out again."""

from __future__ import annotations

import subprocess

import pytest

from tests.waiting import LIMIT_SECONDS

SERVER = "web-1"


def processes_of(site, login):
    """Process ids of a login on the server, by real uid."""
    done = site.lab.exec(SERVER, ["pgrep", "-u", login], check=False)
    return done.stdout.split()


@pytest.mark.essential
def test_a_person_is_let_in_does_what_is_allowed_and_is_out_again(site, look, all_agree):
    """Refused before, in with the certificate, out with the revocation, gone with the cleanup."""
    uninvited = site.lab.ssh_argv(SERVER, "true", user="alice", key=site.key("alice"))
    assert subprocess.run(uninvited, capture_output=True, check=False).returncode == 255

    grant = site.grant("alice", SERVER, groups=["ops"], length="2h")
    assert site.ssh(grant, SERVER, "id -un").stdout == "alice\n"
    assert site.ssh(grant, SERVER, "sudo -n /usr/bin/id -u").stdout == "0\n"
    for refused in ("sudo -n /usr/bin/id", "sudo -n /usr/bin/id -u -r", "sudo -n -u nobody /usr/bin/id -u"):
        assert site.ssh(grant, SERVER, refused).returncode == 1
    all_agree()

    words = site.ssh_argv(grant, SERVER, "setsid sleep 600 & echo ready; sleep 600", options=["-tt"])
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout is not None
        assert session.stdout.readline().strip() == "ready"
        assert processes_of(site, "alice")
        site.revoke(grant)
        assert session.wait(LIMIT_SECONDS) != 0
    assert not site.gets_in(grant, SERVER)
    closed = look(SERVER).accounts["alice"]
    assert (closed.principals, closed.groups, closed.processes) == ([], ["daypass"], 0)
    assert closed.password.startswith("!")
    assert "alice" not in look(SERVER).sudoers

    site.reconcile()
    state = look(SERVER)
    assert "alice" not in state.accounts
    assert "alice" not in state.key_files
    assert "alice" not in state.group
    assert site.lab.exec(SERVER, ["test", "-e", "/home/alice"], check=False).returncode == 1
    all_agree()
    assert site.run("audit", "verify", "--output", "json").json["whole"] is True


@pytest.mark.essential
def test_an_account_has_exactly_what_was_granted(site, look, tidy):
    """One uid and gid, the granted groups, one key line, the wanted shell, an expiry after the end."""
    grant = site.grant("exact", SERVER, groups=["logs"])
    state = look(SERVER)
    account = state.accounts["exact"]
    assert account.uid == account.gid
    assert account.groups == ["daypass", "logs"]
    assert account.principals == [grant.principal]
    assert (account.shell, account.password) == ("/bin/bash", "*")
    assert int(account.expires) > 0
    assert "exact" not in state.sudoers
    assert site.ssh(grant, SERVER, "sudo -n /usr/bin/id -u").returncode == 1


@pytest.mark.essential
def test_repeating_the_onboarding_keeps_people_in(site, all_agree, tidy):
    """A server that is onboarded again serves its grants on."""
    grant = site.grant("stays", SERVER)
    site.run("onboard", SERVER)
    assert site.gets_in(grant, SERVER)
    all_agree()
