"""What comes twice: a host under two names, its copy, a second orchestrator, a record from yesterday.

Each ends without access that nobody gave, and with a message that says what to do.
"""

from __future__ import annotations

import json
import shutil

import pytest

from lab import api
from tests.host_state import read_host
from tests.lab_fixtures import only
from tests.orchestrator import Orchestrator
from tests.together import Wanted, give_together

from .conftest import end_everything

TWIN = "twin"


@pytest.fixture(scope="module")
def own(lab_name: str, tmp_path_factory: pytest.TempPathFactory) -> Orchestrator:
    """An orchestrator of its own, with one new host that its list names twice; nothing is onboarded."""
    lab = only(api.up(lab_name, 1, prefix="double", fresh=True), "double")
    own = Orchestrator(tmp_path_factory.mktemp("own"), lab)
    own.set_up()
    path = own.folder / "servers.json"
    (entry,) = json.loads(path.read_text())
    path.write_text(json.dumps([entry, {**entry, "name": TWIN}]))
    own.more_known_hosts.write_text(f"{TWIN} {lab.hosts[0].host_key}\n")
    own.run("init")
    own.run("servers", "scan", "--yes")
    return own


@pytest.fixture(scope="module")
def twice(own: Orchestrator) -> dict[str, dict[str, str]]:
    """What each of the two names got when both were onboarded in one wave."""
    return dict(own.run("onboard", "--all", "--output", "json", code=3).json)


@pytest.fixture
def server(twice: dict[str, dict[str, str]]) -> str:
    """The name under which the host was onboarded."""
    (name,) = [name for name, said in twice.items() if said["outcome"] == "applied"]
    return name


def test_two_names_for_one_new_host_end_with_one(own, twice, server):
    """One is onboarded; the other is refused, and told which it is. Nobody's list is wrong without a word."""
    checked = own.run("servers", "check", own.folder / "servers.json", "--output", "json").json
    assert checked["same_place"] == [sorted(twice, key=[s["name"] for s in checked["servers"]].index)]
    assert "are the same place" in own.run("doctor", code=None).out
    (other,) = set(twice) - {server}
    assert twice[other]["code"] == "host_id_mismatch", twice
    assert server in twice[other]["message"]
    refused = own.run(*own.grant_words("doubly", other), code=2)
    assert "onboard" in refused.out + refused.err
    assert "doubly" not in read_host(own.lab, own.lab.hosts[0].name).accounts


def test_a_copy_of_a_host_takes_nothing(own, server):
    """Another machine-id: refused, said, and nothing of the grant is there; the original goes on."""
    host = own.lab.hosts[0]
    own.lab.exec(
        host, ["sh", "-c", "cp -p /etc/machine-id /root/saved && tr 0-9 1-90 < /root/saved > /etc/machine-id"]
    )
    try:
        grant = own.grant("copied", server, code=3)
        said = grant.answer["servers"][server]
        assert said["code"] == "machine_id_mismatch"
        assert "copy of another host" in said["message"]
        assert "copied" not in read_host(own.lab, host.name).accounts
    finally:
        own.lab.exec(host, ["sh", "-c", "cat /root/saved > /etc/machine-id"])
    own.run("reconcile", "--now")
    assert own.gets_in(grant, server)


def test_a_second_orchestrator_changes_nothing(own, server, tmp_path):
    """It is told whose host this is and how to take it over; who is in stays in."""
    grant = own.grant("stays", server)
    second = Orchestrator(tmp_path, own.lab)
    second.set_up()
    second.run("init")
    second.run("servers", "scan", "--yes")
    said = second.run("onboard", "--all", "--output", "json", code=None)
    assert said.code in (1, 3)
    (answer,) = said.json.values()
    assert answer["code"] == "orchestrator_mismatch"
    assert "take-over" in answer["message"]
    assert own.gets_in(grant, server)


def test_a_record_from_yesterday_opens_nothing_until_it_is_settled(own, server):
    """The host has seen more than the record knows: an alarm, then a re-base; then the record is right."""
    logins = ("unknown", "unheard", "today")  # known before, so that the record has their uids
    give_together(own, {login: Wanted((server,)) for login in logins})
    end_everything(own)
    saved = own.folder.parent / "yesterday"
    shutil.copytree(own.folder / ".daypass", saved)
    lost = [own.grant("unknown", server), own.grant("unheard", server)]
    shutil.rmtree(own.folder / ".daypass")
    shutil.move(saved, own.folder / ".daypass")
    later = own.grant("today", server, code=3)
    said = later.answer["servers"][server]
    assert said["code"] == "sequence_ahead"
    assert "daypass reconcile --rebase" in said["message"]
    assert own.gets_in(lost[0], server)
    own.run("reconcile", "--now", "--rebase", server)
    assert own.gets_in(later, server)
    assert not any(own.gets_in(grant, server) for grant in lost)
    shown = own.run("audit", "list", "--output", "json").out
    assert "host.sequence_ahead" in shown
    assert "host.rebased" in shown
