"""A server that leaves is as it was before it came."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab import api
from tests.e2e.conftest import prepare
from tests.host_snapshot import difference, snapshot
from tests.orchestrator import CONFIGURATION, Orchestrator


@pytest.fixture(scope="module")
def leaver(lab_name, tmp_path_factory) -> Orchestrator:
    """An orchestrator with two servers of its own, one with systemd and one with sshd alone.

    They aren't onboarded yet; homes are deleted.
    """
    api.up(lab_name, 1, light=True, prefix="leaver-light", fresh=True)
    lab = api.up(lab_name, 1, prefix="leaver", fresh=True)
    lab = replace(lab, hosts=tuple(host for host in lab.hosts if host.role.startswith("leaver")))
    for host in lab.hosts:
        prepare(lab, host)
    site = Orchestrator(tmp_path_factory.mktemp("leaver"), lab)
    site.set_up()
    (site.folder / "daypass.yaml").write_text(CONFIGURATION.replace("removal: archive", "removal: delete"))
    site.run("init")
    site.run("servers", "scan", "--yes")
    return site


@pytest.mark.timeout(1500)
def test_servers_are_as_they_were_before_they_were_onboarded(leaver):
    """Onboarded, used, off-boarded: nothing of ours is left, in /etc or anywhere else."""
    servers = [host.name for host in leaver.lab.hosts]
    before = {server: snapshot(leaver.lab, server) for server in servers}
    leaver.run("onboard", *servers)
    grant = leaver.grant("alice", *servers, groups=("ops",))
    for server in servers:
        assert leaver.ssh(grant, server, "touch /tmp/mine; sudo -n /usr/bin/id -u").returncode == 0
        assert len(difference(before[server], snapshot(leaver.lab, server))) > 10
    shown = leaver.run("offboard", *servers, "--check", "--output", "json").json["servers"]
    for server in servers:
        assert shown[server]["accounts"] == ["alice"]
        assert "account alice (home: delete)" in shown[server]["removing"]
        assert leaver.gets_in(grant, server)
    leaver.run("offboard", *servers, "--yes")
    for server in servers:
        assert not leaver.gets_in(grant, server)
        assert difference(before[server], snapshot(leaver.lab, server)) == []
    assert leaver.run("reconcile", "--output", "json").json["servers"] == {}
    leaver.run("audit", "verify")
    returning = servers[0]  # as new to the record as it is by itself
    leaver.run("onboard", returning)
    again = leaver.grant("alice", returning)
    assert leaver.gets_in(again, returning)
    assert not leaver.gets_in(grant, returning)
