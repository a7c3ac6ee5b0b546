"""One orchestrator with a host of each kind; all of them are onboarded in one wave."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lab import api
from tests.orchestrator import Orchestrator

# Server -> image of the lab.
KINDS = {
    "kind-trixie-1": "debian13",
    "kind-sudo-rs-1": "debian13-sudo-rs",
    "kind-cron-1": "debian12-cron",
    "kind-busybox-1": "busybox",
    "kind-bare-1": "debian12-cron",  # without sudo; its connector is root
}
BARE = "kind-bare-1"
NO_SHADOW = "kind-no-shadow-1"
WITHOUT_SHADOW = """
rm /usr/sbin/useradd /usr/sbin/usermod /usr/sbin/userdel /usr/sbin/groupadd /usr/sbin/groupmod \
    /usr/sbin/groupdel /usr/bin/gpasswd /usr/bin/chage
for name in adduser deluser addgroup delgroup; do ln -sf /usr/bin/busybox /usr/sbin/$name; done
"""
ADMINS_GROUPS = "groupadd ops; groupadd logs"
WITHOUT_SUDO = (
    "rm /usr/bin/sudo /usr/sbin/visudo; cp -a /home/apono/.ssh /root/; chown -R root:root /root/.ssh"
)


@pytest.fixture(scope="package")
def kinds(lab_name: str) -> api.Lab:
    """The hosts, as their admins have them."""
    for server, image in {**KINDS, NO_SHADOW: "busybox"}.items():
        lab = api.up(lab_name, 1, image=image, prefix=server.rpartition("-")[0], fresh=True)
    lab = replace(lab, hosts=tuple(host for host in lab.hosts if host.name in {*KINDS, NO_SHADOW}))
    for server in KINDS:
        lab.exec(server, ["sh", "-c", ADMINS_GROUPS])
    lab.exec(BARE, ["sh", "-c", WITHOUT_SUDO])
    lab.exec(NO_SHADOW, ["sh", "-c", WITHOUT_SHADOW])
    return lab


@pytest.fixture(scope="package")
def site(kinds: api.Lab, tmp_path_factory: pytest.TempPathFactory) -> Orchestrator:
    """The orchestrator; people get a shell that every kind of host has."""
    site = Orchestrator(tmp_path_factory.mktemp("kinds"), kinds)
    site.set_up()
    settings = site.folder / "daypass.yaml"
    settings.write_text(settings.read_text().replace("/bin/bash", "/bin/sh"))
    listed = json.loads((site.folder / "servers.json").read_text())
    for entry in listed:
        entry["user"] = "root" if entry["name"] == BARE else entry["user"]
    (site.folder / "servers.json").write_text(json.dumps(listed))
    site.run("init")
    site.run("servers", "scan", "--yes")
    site.run("onboard", *KINDS)
    return site
