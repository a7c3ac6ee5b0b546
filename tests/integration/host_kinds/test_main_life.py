"""The main job on each kind of host: in with a certificate and the granted commands, out, and gone."""

from __future__ import annotations

import pytest

from tests.host_state import read_host
from tests.integration.host_kinds.conftest import BARE, KINDS
from tests.orchestrator import Granted, Orchestrator

WITH_SUDO = [server for server in KINDS if server != BARE]
each_kind = pytest.mark.parametrize("server", list(KINDS))
each_kind_with_sudo = pytest.mark.parametrize("server", WITH_SUDO)


@pytest.fixture(scope="module")
def bobs(site: Orchestrator) -> Granted:
    """A grant without sudo rules, for all kinds."""
    return site.grant("bob", *KINDS, groups=["logs"])


@pytest.fixture(scope="module")
def alices(site: Orchestrator) -> Granted:
    """A grant with sudo rules."""
    return site.grant("alice", *WITH_SUDO, groups=["ops"])


@pytest.fixture(scope="module")
def left_inside(site: Orchestrator, bobs: Granted) -> None:
    """What a person leaves running: a process that outlives his session, on each host."""
    for server in KINDS:
        assert site.ssh(bobs, server, "setsid sleep 600 >/dev/null 2>&1 </dev/null &").returncode == 0
        assert read_host(site.lab, server).accounts["bob"].processes


@pytest.fixture(scope="module")
def over(site: Orchestrator, alices: Granted, bobs: Granted, left_inside: None) -> None:
    """Both grants are revoked."""
    site.revoke(alices)
    site.revoke(bobs)


@pytest.fixture(scope="module")
def cleaned_up(site: Orchestrator, over: None) -> None:
    """The cleanup window of no days has passed."""
    site.reconcile()


@each_kind
def test_person_gets_in_with_the_granted_groups(site: Orchestrator, bobs: Granted, server: str):
    """A certificate opens the account, and the account has what was granted."""
    assert site.gets_in(bobs, server)
    assert set(site.ssh(bobs, server, "id -Gn").stdout.split()) == {"bob", "daypass", "logs"}
    account = read_host(site.lab, server).accounts["bob"]
    assert (account.password, account.shell, account.home) == ("*", "/bin/sh", True)


@each_kind_with_sudo
def test_person_runs_the_granted_command_and_no_other(site: Orchestrator, alices: Granted, server: str):
    """The rules count, with either sudo, and nothing beside them."""
    assert site.ssh(alices, server, "sudo -n /usr/bin/id -u").stdout == "0\n"
    for refused in ("sudo -n /usr/bin/id", "sudo -n /usr/bin/id -u -r", "sudo -n -u nobody /usr/bin/id -u"):
        assert site.ssh(alices, server, refused).returncode != 0


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
