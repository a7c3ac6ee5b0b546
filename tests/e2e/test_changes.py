"""A live grant that gets a later end or another key, with somebody logged in."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.waiting import LIMIT_SECONDS

SERVER, OTHER = "web-1", "web-2"


def begin_session(site, grant) -> subprocess.Popen[str]:
    """A login that goes on, and has said that it is in."""
    argv = site.ssh_argv(grant, SERVER, "echo in; exec sleep 600")
    session = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert session.stdout is not None
    assert session.stdout.readline() == "in\n"
    return session


@pytest.fixture
def session_of(site):
    """`session_of(grant)`: a session that the test's end ends, if nothing else did."""
    begun = []

    def begin(grant):
        begun.append(begin_session(site, grant))
        return begun[-1]

    yield begin
    for session in begun:
        session.kill()
        session.communicate()


def test_an_extension_moves_every_deadline_and_ends_no_session(site, look, session_of, all_agree, tidy):
    """Key lines, sudo rules, account and ledger have the new end; the new certificate gets in."""
    grant = site.grant("longer", SERVER, OTHER, groups=["ops"])
    session = session_of(grant)
    file = site.folder / "keys" / "longer-cert.pub"
    said = site.run("extend", grant.id, "--for", "48h", "--save", file, "--output", "json").json
    assert {one["state"] for one in said["servers"].values()} == {"applied"}
    end = datetime.fromisoformat(said["grant"]["not_after"])
    until = end.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
    state = look(SERVER)
    keys = site.lab.exec(SERVER, ["cat", "/etc/ssh/daypass/keys/longer"]).stdout
    assert keys.count(f'expiry-time="{until}"') == 2
    assert f"NOTAFTER={until}" in state.sudoers
    assert int(state.accounts["longer"].expires) == end.timestamp() // 86400 + 1
    assert state.ledger["accounts"]["longer"]["grants"][grant.id]["not_after"] == end.timestamp()
    assert session.poll() is None
    assert site.gets_in(replace(grant, certificate=file, answer=with_file(grant, file)), SERVER)
    assert site.gets_in(grant, SERVER)  # the old certificate ends by itself, an hour from now
    all_agree()


def with_file(grant, file):
    """The grant's answer with its ssh commands for another certificate file."""
    servers = {
        name: {**said, "ssh": said["ssh"].replace(str(grant.certificate), str(file))}
        for name, said in grant.answer["servers"].items()
    }
    return {**grant.answer, "servers": servers}


def test_another_key_ends_what_was_begun_with_the_old_one(site, session_of, all_agree, tidy):
    """The old certificate gets in nowhere, its session is gone; the new key has the grant."""
    grant = site.grant("loser", SERVER, OTHER)
    session = session_of(grant)
    file = site.folder / "keys" / "found-cert.pub"
    key = site.key("found")
    words = ["certificate", "reissue", grant.id, "--public-key", f"{key}.pub", "--lost", "--save", file]
    site.run(*words, "--reason", "left on a train")
    assert session.wait(timeout=LIMIT_SECONDS) != 0
    assert not site.gets_in(grant, SERVER)
    assert not site.gets_in(grant, OTHER)
    answer = with_file(grant, file)
    servers = {
        name: {**said, "ssh": said["ssh"].replace(str(grant.key), str(key))}
        for name, said in answer["servers"].items()
    }
    assert site.gets_in(replace(grant, key=key, certificate=file, answer={"servers": servers}), SERVER)
    shown = site.run("certificate", "show", grant.id).out
    assert "key lost: left on a train" in shown
    all_agree()


def test_a_server_that_is_down_is_told_of_a_change_later(site, all_agree, tidy):
    """Exit code 3 and what holds there meanwhile; `reconcile --now` waits for no pause."""
    grant = site.grant("later", SERVER, OTHER)
    site.lab.kill(OTHER)
    try:
        ran = site.run("certificate", "reissue", grant.id, "--public-key", f"{site.key('next')}.pub", code=3)
        assert OTHER in ran.err
        assert "the old key still opens" in ran.err
        assert "applied (change pending)" in site.run("status").out
    finally:
        site.lab.start(OTHER)
    assert site.gets_in(grant, OTHER)
    site.run("reconcile", "--now")
    assert not site.gets_in(grant, OTHER)
    all_agree()


def test_a_check_says_what_would_be_and_sends_nothing(site, look, tidy):
    """No event, no certificate, no wave."""
    grant = site.grant("looker", SERVER)
    before, events = look(SERVER), site.events()
    said = site.run("extend", grant.id, "--for", "1h", "--check", "--output", "json").json
    assert (said["check"], said["certificate"]["text"]) == (True, None)
    assert site.events() == events
    assert look(SERVER) == before
