"""What the commands answer: JSON for programs, exit codes, a status that is true."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from pathlib import Path

import pytest

SERVER = "web-1"


@pytest.mark.essential
def test_the_json_of_a_grant_has_everything_that_a_program_needs(site, tidy):
    """Grant, certificate, outcome of each server, and the ssh command to type."""
    grant = site.grant("jason", SERVER, "web-2", groups=["logs"], length="30m")
    answer = grant.answer
    assert {"id", "login", "state", "not_before", "not_after", "flow", "reason"} <= set(answer["grant"])
    assert answer["grant"]["state"] == "active"
    certificate = answer["certificate"]
    assert Path(certificate["file"]).read_text().strip() == certificate["text"]
    assert certificate["serial"].isdigit()
    assert certificate["principal"] == f"daypass-{grant.id}-1"
    assert set(answer["servers"]) == {SERVER, "web-2"}
    for server in answer["servers"].values():
        assert server["state"] == "applied"
        assert server["ssh"].startswith("ssh ")
    shown = site.run("certificate", "show", grant.id, "--output", "json").json
    assert shown["certificates"][0]["text"] == certificate["text"]


def test_a_tag_means_every_server_that_has_it(site, all_agree, tidy):
    """`--tag role=web` is web-1 to web-3."""
    words = site.grant_words("tagged")
    grant = site.granted("tagged", site.run(*words, "--tag", "role=web").json)
    assert set(grant.answer["servers"]) == {host.name for host in site.lab.hosts}
    assert all(site.gets_in(grant, host.name) for host in site.lab.hosts)
    all_agree()


def test_the_status_shows_what_stands(site, tidy):
    """Live grants with their servers, and what accounts each server has; ended ones are gone from it."""
    grant = site.grant("shown", SERVER)
    status = site.run("status", "--output", "json").json
    (mine,) = [entry for entry in status["grants"] if entry["id"] == grant.id]
    assert mine["servers"][SERVER]["state"] == "applied"
    (server,) = [entry for entry in status["servers"] if entry["name"] == SERVER]
    assert server["accounts"]["shown"] == "open"
    assert server["host_key_known"]
    assert server["onboarded_at"]
    assert "shown" in site.run("status").out
    site.revoke(grant)
    status = site.run("status", "--output", "json").json
    assert grant.id not in [entry["id"] for entry in status["grants"]]
    (server,) = [entry for entry in status["servers"] if entry["name"] == SERVER]
    assert server["accounts"]["shown"] == "closed"


def test_the_commands_that_a_person_reads_speak_without_json(site, tidy):
    """Tables and sentences: grant, revoke, reconcile, audit, certificate, ca."""
    words = [word for word in site.grant_words("reader", SERVER) if word not in ("--output", "json")]
    said = site.run(*words).out
    grant_id = said.split()[1]
    assert "ssh -i " in said
    assert grant_id in site.run("status").out
    assert grant_id in site.run("certificate", "show", grant_id).out
    assert "ended" in site.run("revoke", grant_id).out
    site.run("reconcile")
    assert grant_id in site.run("audit", "list", "--limit", "10000").out
    assert "whole" in site.run("audit", "verify").out
    assert "ssh-ed25519" in site.run("ca", "show").out
    assert SERVER in site.run("servers", "list").out


def test_doctor_finds_nothing_to_mend_where_all_works(site, tidy):
    """Onboarded servers that answer, their keys, the record; with --servers all of them are asked.

    Other tests of the session look at later times, which leaves events ahead of the clock.
    """
    rows = site.run("doctor", "--servers", "--output", "json", code=None).json
    assert {one["what"] for one in rows if one["grade"] == "fail"} <= {"clock"}
    [reached] = [one["found"] for one in rows if one["what"] == "reachability"]
    assert reached == f"{len(site.lab.hosts)} of {len(site.lab.hosts)} answer"
    said = site.run("doctor", code=None).out
    assert "ssh-agent: starts, answers and ends" in said


def test_exit_codes_tell_done_failed_wrong_partly_and_denied(site, tidy_at_once):
    """0 done, 1 failed, 2 wrong usage, 3 done in part, 4 denied by policy."""
    assert site.run("status").code == 0
    assert site.run("audit", "verify", "--expect", "0" * 64, code=None).code == 1
    assert site.run("grant", code=None).code == 2
    site.lab.exec(SERVER, ["useradd", "settled"])
    assert site.run(*site.grant_words("settled", SERVER), code=None).code == 3
    assert site.run(*site.grant_words("denied", SERVER, groups=["docker"]), code=None).code == 4


def test_an_altered_audit_log_is_found(site, tmp_path):
    """Whoever holds the database can change a word in it, and `audit verify` fails from then on."""
    copy = tmp_path / "site"
    subprocess.run(["cp", "-a", str(site.folder), str(copy)], check=True)
    database = next((copy / ".daypass").glob("*.sqlite3"))
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        changed = connection.execute(
            "UPDATE events SET actor = 'operator:nobody' WHERE number = (SELECT MAX(number) - 1 FROM events)"
        )
        assert changed.rowcount == 1
    done = subprocess.run(
        site.argv("audit", "verify", "--config", copy / "daypass.yaml"),
        env=site.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
