"""Somebody who has access sees it, extends it by its flow while logged in, and gives it back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.waiting import LIMIT_SECONDS

from .company import Company

SERVER, OTHER = "web-1", "web-2"
PEOPLE = ({"login": "stayer"}, {"login": "envier"})
FLOW = {
    "name": "repairs",
    "requesters": "everyone",
    "targets": {"servers": [SERVER, OTHER], "user_groups": ["Default", "ops"]},
    "max_duration": "2h",
    "max_extensions": 1,
    "extension_duration": "30m",
    "approvers": "none",
}
WORDS = ("request", "new", "--server", SERVER, "--server", OTHER, "--group", "ops", "--for", "2h")


@pytest.fixture
def company(site) -> Iterator[Company]:
    made = Company(site)
    made.write(PEOPLE, [FLOW])
    yield made
    made.restore()


@pytest.fixture
def held(company, tidy):
    """Access of stayer to both servers, as a person holds it."""
    asked = company.as_("stayer", *WORDS, "--reason", "INC-2")
    return company.held("stayer", asked["grant"]["id"])


@pytest.fixture
def session(site, held) -> Iterator[subprocess.Popen[str]]:
    """A login that goes on, and has said that it is in."""
    argv = site.ssh_argv(held, SERVER, "echo in; exec sleep 600")
    begun = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert begun.stdout is not None
    assert begun.stdout.readline() == "in\n"
    yield begun
    begun.kill()
    begun.communicate()


def test_access_is_listed_extended_by_its_flow_and_given_back(site, company, held, session, look, all_agree):
    """The session lives on past the extension and ends when access is given back, and so does the account."""
    (listed,) = company.as_("stayer", "access", "list")
    assert {one["state"] for one in listed["servers"].values()} == {"applied"}
    assert 6000 < listed["seconds_left"] <= 7200
    assert company.as_("envier", "access", "list") == []
    shown = site.run("access", "show", held.id, "--as", "stayer").out
    assert "may be extended once more, by 30m each" in shown
    assert f"stayer@{site.lab.host(SERVER).address}" in shown

    file = site.folder / "keys" / "stayer-longer-cert.pub"
    said = company.as_("stayer", "access", "extend", held.id, "--save", file)
    end = datetime.fromisoformat(listed["not_after"]) + timedelta(minutes=30)
    assert datetime.fromisoformat(said["grant"]["not_after"]) == end
    assert {one["state"] for one in said["servers"].values()} == {"applied"}
    for server in (SERVER, OTHER):
        told = look(server).ledger["accounts"]["stayer"]["grants"][held.id]["not_after"]
        assert told == end.timestamp()
    assert session.poll() is None
    site.run("certificate", "show", held.id, "--save", held.certificate)
    assert held.certificate.read_text() == file.read_text()
    assert site.gets_in(held, OTHER)
    refused = company.as_("stayer", "access", "extend", held.id, code=4)
    assert refused["error"]["code"] == "no_extensions_left"
    all_agree(SERVER, OTHER)

    assert company.as_("envier", "access", "end", held.id, "--yes", code=2)["error"]["code"] == "not_found"
    assert session.poll() is None
    ended = company.as_("stayer", "access", "end", held.id, "--yes")
    assert ended["grant"]["state"] == "ended"
    assert session.wait(timeout=LIMIT_SECONDS) != 0
    assert not site.gets_in(held, SERVER)
    assert not site.gets_in(held, OTHER)
    assert company.as_("stayer", "access", "list") == []
    all_agree(SERVER, OTHER)
    site.run("audit", "verify")
