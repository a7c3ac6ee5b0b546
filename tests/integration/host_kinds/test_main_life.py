"""The main job on each kind of host: in with a certificate and the granted commands, out, and gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.host_state import read_host
from tests.integration.host_kinds.conftest import BARE, KINDS, NO_SHADOW
from tests.orchestrator import Granted, Orchestrator

WITH_SUDO = [server for server in KINDS if server != BARE]
each_kind = pytest.mark.parametrize("server", list(KINDS))
each_kind_with_sudo = pytest.mark.parametrize("server", WITH_SUDO)


def test_host_without_shadow_is_refused_with_the_package_to_install(site: Orchestrator):
    """busybox's adduser can't set what an account of ours needs; nothing is begun there."""
    before = read_host(site.lab, NO_SHADOW)
    ran = site.run("onboard", NO_SHADOW, code=1)
    assert "useradd" in ran.out + ran.err
    assert "install the package shadow" in ran.out + ran.err
    assert read_host(site.lab, NO_SHADOW) == before
    assert site.lab.exec(NO_SHADOW, ["test", "-e", "/etc/ssh/daypass"], check=False).returncode == 1


@pytest.fixture(scope="module")
def bobs(site: Orchestrator) -> Granted:
    """A grant without sudo rules, for all kinds."""
    return site.grant("bob", *KINDS, groups=["logs"])


@pytest.fixture(scope="module")
def alices(site: Orchestrator) -> Granted:
    """A grant with sudo rules, for all kinds too: one of them can't give it."""
    return site.grant("alice", *KINDS, groups=["ops"], code=3)


@pytest.fixture(scope="module")
def left_inside(site: Orchestrator, bobs: Granted) -> None:
    """What a person leaves running: a process that outlives his session, on each host."""
    for server in KINDS:
        assert site.ssh(bobs, server, "setsid sleep 600 >/dev/null 2>&1 </dev/null &").returncode == 0
        assert read_host(site.lab, server).accounts["bob"].processes


@pytest.fixture(scope="module")
def reports(site: Orchestrator, alices: Granted, bobs: Granted) -> dict[str, Any]:
    """What each server says of itself while both are in."""
    return dict(site.run("report", *KINDS, "--output", "json", code=None).json["servers"])


@pytest.fixture(scope="module")
def over(site: Orchestrator, alices: Granted, bobs: Granted, left_inside: None) -> None:
    """Both grants are revoked."""
    site.revoke(alices)
    site.revoke(bobs)


@pytest.fixture(scope="module")
def cleaned_up(site: Orchestrator, over: None) -> None:
    """The cleanup window of no days has passed."""
    site.reconcile()


@pytest.fixture(scope="module")
def offboarded(site: Orchestrator, cleaned_up: None) -> None:
    """All are taken out of Daypass."""
    site.run("offboard", *KINDS, "--yes")


@each_kind
def test_person_gets_in_with_the_granted_groups(site: Orchestrator, bobs: Granted, server: str):
    """A certificate opens the account, and the account has what was granted."""
    assert site.gets_in(bobs, server)
    assert set(site.ssh(bobs, server, "id -Gn").stdout.split()) == {"bob", "daypass", "logs"}
    account = read_host(site.lab, server).accounts["bob"]
    assert (account.password, account.shell, account.home) == ("*", "/bin/sh", True)


def test_rules_are_refused_where_no_sudo_is(site: Orchestrator, alices: Granted):
    """The grant says which server can't give it and why; the others are given."""
    refused = [server for server, told in alices.answer["servers"].items() if "sudo_missing" in str(told)]
    assert refused == [BARE]
    assert "alice" not in read_host(site.lab, BARE).accounts


@each_kind_with_sudo
def test_person_runs_the_granted_command_and_no_other(site: Orchestrator, alices: Granted, server: str):
    """The rules count, with either sudo, and nothing beside them."""
    assert site.ssh(alices, server, "sudo -n /usr/bin/id -u").stdout == "0\n"
    for refused in ("sudo -n /usr/bin/id", "sudo -n /usr/bin/id -u -r", "sudo -n -u nobody /usr/bin/id -u"):
        assert site.ssh(alices, server, refused).returncode != 0


@each_kind
def test_report_finds_nothing_that_isnt_ours(reports: dict[str, Any], server: str):
    """A host as we left it is as it should be, whatever kind; what it refused is still to be given."""
    found = [finding["code"] for finding in reports[server]["findings"]]
    assert found == (["grant_to_open"] if server == BARE else [])


@each_kind
def test_revocation_ends_everything(site: Orchestrator, over: None, bobs: Granted, server: str):
    """No login, no process, no rule, a shut account: with logind and without, with either ps."""
    assert not site.gets_in(bobs, server)
    state = read_host(site.lab, server)
    account = state.accounts["bob"]
    assert (account.principals, account.groups, account.processes) == ([], ["daypass"], 0)
    assert (account.password, account.expires) == ("!*", "1")
    assert state.sudoers == ""


@each_kind
def test_cleanup_leaves_nothing_of_the_accounts(site: Orchestrator, cleaned_up: None, server: str):
    """Account, group, keys and home go; the home is kept for root beside the others."""
    state = read_host(site.lab, server)
    assert not {"alice", "bob"} & set(state.accounts)
    assert state.key_files == []
    assert "bob:" not in state.passwd + state.group + state.shadow
    assert site.lab.exec(server, ["test", "-e", "/home/bob"], check=False).returncode == 1


@each_kind
def test_offboarded_host_has_nothing_of_ours(site: Orchestrator, offboarded: None, server: str):
    """Trust, deadline, ledger, program and groups go, by the tools that this kind has."""
    left = "ls -d /etc/ssh/daypass /etc/ssh/sshd_config.d/*daypass* /etc/sudoers.d/daypass /var/lib/daypass"
    left += " /usr/local/lib/daypass /etc/cron.d/daypass /etc/systemd/system/daypass* 2>/dev/null || true"
    assert site.lab.exec(server, ["sh", "-c", left]).stdout == ""
    assert "daypass" not in read_host(site.lab, server).group
