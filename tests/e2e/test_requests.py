"""Somebody asks, somebody says yes, and the certificate opens the servers: with real commands and hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .company import Company

SERVER, OTHER = "web-1", "web-2"
PEOPLE = (
    {"login": "asker", "manager": "boss"},
    {"login": "boss"},
    {"login": "first", "groups": ["platform"]},
    {"login": "second", "groups": ["platform"]},
)
FLOW = {
    "name": "production",
    "requesters": "everyone",
    "targets": {"servers": [SERVER, OTHER], "user_groups": ["Default", "ops"]},
    "max_duration": "8h",
    "approvers": {"all_of": ["manager", {"group": "platform"}]},
}
WORDS = ("request", "new", "--server", SERVER, "--server", OTHER, "--group", "ops", "--for", "2h")


@pytest.fixture
def company(site) -> Iterator[Company]:
    made = Company(site)
    made.write(PEOPLE, [FLOW])
    yield made
    made.restore()


def test_request_becomes_a_login_after_the_last_yes_that_it_needs(site, company, look, all_agree, tidy):
    """Before it nothing is on the servers; after it the person gets in, with the group, until it is ended."""
    asked = company.as_("asker", *WORDS, "--reason", "INC-1", "--ticket", "INC-1")
    request = asked["request"]["id"]
    assert asked["request"]["state"] == "pending"
    assert asked["approvals"]["may_answer"] == ["boss", "first", "second"]
    assert "asker" not in look(SERVER).passwd

    assert company.as_("boss", "request", "approve", request)["request"]["state"] == "pending"
    refused = company.as_("asker", "request", "approve", request, code=4)
    assert refused["error"]["code"] == "answer_not_counted"
    assert "asker" not in look(SERVER).passwd

    answer = company.as_("first", "request", "approve", request, "--for", "1h", "--reason", "fine")
    assert answer["request"]["state"] == "approved"
    assert set(answer["grant"]["servers"].values()) == {"applied"}
    grant = company.held("asker", answer["grant"]["id"])
    assert site.gets_in(grant, SERVER)
    assert "ops" in site.ssh(grant, OTHER, "id -Gn").stdout.split()
    all_agree(SERVER, OTHER)

    shown = site.run("request", "show", request, "--output", "json").json
    assert [vote["person"] for vote in shown["votes"]] == ["boss", "first"]
    late = company.as_("second", "request", "approve", request, code=2)
    assert late["error"]["code"] == "request_decided"

    site.run("revoke", grant.id)
    assert not site.gets_in(grant, SERVER)
    site.run("audit", "verify")


def test_denied_request_says_why_and_touches_no_server(site, company, look):
    """Exit code 4, the reasons of each flow, and nothing else."""
    words = ["request", "new", "--server", SERVER, "--for", "9h", "--reason", "x", "--as", "second"]
    denied = site.run(*words, code=4)
    assert "9h is not within 8h" in denied.out
    assert "second" not in look(SERVER).passwd


def test_person_at_the_keyboard_must_be_named(site, company):
    """The operator acts for people, and says for whom."""
    refused = site.run(*WORDS, code=2)
    assert "--as LOGIN" in refused.err


def test_two_processes_that_answer_at_once_give_one_grant(site, company, tidy):
    """Whoever is second is told what the first one decided."""
    company.write(PEOPLE, [{**FLOW, "approvers": [{"group": "platform"}]}])
    request = company.as_("asker", *WORDS, "--reason", "INC-2")["request"]["id"]
    words = ("request", "approve", request, "--output", "json", "--as")
    ended = site.run_at_once((*words, "first"), (*words, "second"))
    assert sorted(ran.code for ran in ended) == [0, 2]
    (refused,) = [ran for ran in ended if ran.code == 2]
    assert refused.json["error"]["code"] == "request_decided"
    with site.opened() as daypass, daypass.seams.store.read() as view:
        assert sum(grant.request_id == request for grant in view.grants()) == 1
