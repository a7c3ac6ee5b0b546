"""A server that leaves is as it was before it came."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab import api
from tests.e2e.conftest import prepare
from tests.host_snapshot import difference, snapshot
from tests.orchestrator import CONFIGURATION, Orchestrator


@pytest.fixture(params=[False, True], ids=["with_systemd", "with_sshd_alone"], scope="module")
def leaver(request, lab_name, tmp_path_factory) -> Orchestrator:
    """An orchestrator with one server of its own, which isn't onboarded yet; homes are deleted."""
    light = request.param
    prefix = "leaver-light" if light else "leaver"
    lab = api.up(lab_name, 1, light=light, prefix=prefix, fresh=True)
    lab = replace(lab, hosts=tuple(host for host in lab.hosts if host.role == prefix))
    prepare(lab, lab.hosts[0])
    site = Orchestrator(tmp_path_factory.mktemp(prefix), lab)
    site.set_up()
    (site.folder / "daypass.yaml").write_text(CONFIGURATION.replace("removal: archive", "removal: delete"))
    site.run("init")
    site.run("servers", "scan", "--yes")
    return site


@pytest.mark.timeout(1500)
def test_a_server_is_as_it_was_before_it_was_onboarded(leaver):
    """Onboarded, used, off-boarded: nothing of ours is left, in /etc or anywhere else."""
    server = leaver.lab.hosts[0].name
    before = snapshot(leaver.lab, server)
    leaver.run("onboard", server)
    grant = leaver.grant("alice", server, groups=("ops",))
    assert leaver.ssh(grant, server, "touch /tmp/mine; sudo -n /usr/bin/id -u").returncode == 0
    assert len(difference(before, snapshot(leaver.lab, server))) > 10
    shown = leaver.run("offboard", server, "--check", "--output", "json").json["servers"][server]
    assert shown["accounts"] == ["alice"]
    assert "account alice (home: delete)" in shown["removing"]
    assert leaver.gets_in(grant, server)
    leaver.run("offboard", server, "--yes")
    assert not leaver.gets_in(grant, server)
    assert difference(before, snapshot(leaver.lab, server)) == []
    assert leaver.run("reconcile", "--output", "json").json["servers"] == {}
    leaver.run("audit", "verify")
    leaver.run("onboard", server)
    again = leaver.grant("alice", server)
    assert leaver.gets_in(again, server)
    assert not leaver.gets_in(grant, server)
    leaver.run("offboard", server, "--yes")
    assert difference(before, snapshot(leaver.lab, server)) == []
