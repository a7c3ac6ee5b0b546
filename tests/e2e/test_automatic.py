"""Access that flows give by themselves, and access at once with a review: with real commands and hosts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from daypass.workflow.reconciling import reconcile_once

from .company import Company

FIRST, SECOND = "web-1", "web-2"
WATCH = {
    "name": "watchers",
    "trigger": "automatic",
    "grantees": {"group": "watch"},
    "targets": {"tags": {"watch": "yes"}, "user_groups": ["Default", "logs"]},
    "max_duration": "1h",
    "approvers": "none",
}
GLASS = {
    "name": "glass",
    "requesters": {"user": "breaker"},
    "targets": {"servers": FIRST, "user_groups": ["Default", "ops"]},
    "max_duration": "1h",
    "approvers": "none",
    "break_glass": True,
    "notify": {"user": "guard"},
}


@pytest.fixture
def company(site) -> Iterator[Company]:
    made = Company(site)
    yield made
    made.restore()


@pytest.fixture
def watch(site) -> Iterator[Callable[..., None]]:
    """`watch("web-2")`: these servers have the tag."""
    file = site.folder / "servers.json"
    before = file.read_text()

    def tag(*names: str) -> None:
        listed = json.loads(before)
        for entry in listed:
            entry["tags"] = {**entry.get("tags", {}), "watch": "yes" if entry["name"] in names else "no"}
        file.write_text(json.dumps(listed))

    yield tag
    file.write_text(before)


def test_automatic_access_follows_servers_and_people(site, company, watch, all_agree, tidy):
    """Given, renewed under a session, taken to another server, and ended, by nothing but `reconcile`."""
    watch(FIRST)
    company.write([{"login": "watcher", "groups": ["watch"]}, {"login": "idler"}], [WATCH])
    [grant_id] = site.reconcile()["automatic"]["opened"]
    grant = company.held("watcher", grant_id)
    assert "logs" in site.ssh(grant, FIRST, "id -Gn").stdout.split()

    argv = site.ssh_argv(grant, FIRST, "echo begun; exec sleep 600")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout
        assert session.stdout.readline() == "begun\n"
        with site.opened(timedelta(minutes=50)) as daypass:
            assert reconcile_once(daypass.seams, daypass.now()).automatic.changed == (grant_id,)
        watch(FIRST, SECOND)
        assert site.reconcile()["automatic"]["changed"] == [grant_id]
        assert session.poll() is None
        grant = company.held("watcher", grant_id)
        assert "logs" in site.ssh(grant, SECOND, "id -Gn").stdout.split()
        all_agree(FIRST, SECOND)

        watch(SECOND)
        site.reconcile()
        assert session.wait(timeout=60) != 0
    assert not site.gets_in(grant, FIRST)
    assert site.gets_in(grant, SECOND)

    company.write([{"login": "watcher"}, {"login": "idler"}], [WATCH])
    assert site.reconcile()["automatic"]["taken"] == [grant_id]
    assert not site.gets_in(grant, SECOND)
    all_agree(FIRST, SECOND)
    site.run("audit", "verify")


def test_break_glass_gives_access_at_once_and_waits_for_its_review(site, company, tidy):
    """Listed until somebody else closes it with a reason, also after the access has ended."""
    company.write([{"login": "breaker"}, {"login": "guard"}], [GLASS])
    words = ("request", "new", "--server", FIRST, "--group", "ops", "--reason", "web-1 is down")
    grant_id = company.as_("breaker", *words)["grant"]["id"]
    grant = company.held("breaker", grant_id)
    assert "ops" in site.ssh(grant, FIRST, "id -Gn").stdout.split()
    site.run("revoke", grant_id)

    [open_one] = site.run("review", "list", "--output", "json").json["reviews"]
    assert (open_one["grant"], open_one["login"], open_one["notify"]) == (grant_id, "breaker", ["guard"])
    assert grant_id in site.run("status").out
    close = ("review", "close", grant_id, "--reason", "as INC-7 says")
    assert company.as_("breaker", *close, code=4)["error"]["code"] == "own_review"
    assert company.as_("guard", *close)["closed_by"] == "guard"
    assert site.run("review", "list", "--output", "json").json["reviews"] == []
    site.run("audit", "verify")
