"""`daypass access`: what a person and a program get to see, and what a terminal never gets."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.ca.public_keys import check_public_key
from daypass.cli.grants.changes import change_json, save_certificates
from daypass.config.fields import MOST_DETAILS
from daypass.domain.certificates import Certificate
from daypass.domain.grants import Grant
from daypass.domain.windows import window_from
from daypass.wiring import open_daypass
from daypass.workflow.changing import ChangeAnswer
from tests.access_site import CONFIGURATION, Site

HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\u202e\x9b31m"
LEFT = re.compile(r"(2h 2\dm|2h 30m) left")
HARMLESS = "\\x1b]0;owned\\x07\\x1b[2J\\r\\u202e\\x9b31m"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    return Site(tmp_path)


def test_list_tells_where_until_when_and_what_is_left(site):
    """A line for each server; what begins later, too; a person's own alone."""
    grant = site.give("alice", "web-1", "db-1")
    later = site.give("alice", "db-1", begins=timedelta(hours=3, seconds=30))
    site.give("bob")
    lines = site.access("list", "--as", "alice").stdout.splitlines()
    assert lines[0].split() == ["grant", "server", "groups", "flow", "state", "from", "until", "left"]
    assert [line.split()[:5] for line in lines[1:]] == [
        [later.id, "db-1", "ops", "work", "pending"],
        [grant.id, "db-1", "ops", "work", "pending"],
        [grant.id, "web-1", "ops", "work", "pending"],
    ]
    assert re.search(r"begins in (3h|2h \d\dm)( \d+s)?$", lines[1])
    assert LEFT.search(lines[2])
    assert "bob" in site.access("list").stdout


def test_list_for_programs_has_seconds_and_states(site):
    """Times in UTC."""
    grant = site.give()
    (told,) = json.loads(site.access("list", "--as", "alice@example.com", "-o", "json").stdout)
    assert (told["id"], told["login"], told["flow"]) == (grant.id, "alice", "work")
    assert 8000 < told["seconds_left"] <= 9000
    assert told["not_after"].endswith("Z")
    assert told["servers"]["web-1"]["state"] == "pending"


def test_ended_access_is_in_the_past(site):
    """And not among what is live; `--all` has both."""
    ended, live = site.give(), site.give("alice", "db-1")
    site.access("end", ended.id, "--as", "alice", "--yes")

    def ids(*words: str) -> set[str]:
        return {one["id"] for one in json.loads(site.access("list", *words, "-o", "json").stdout)}

    assert ids() == {live.id}
    assert ids("--past") == {ended.id}
    assert ids("--all") == {live.id, ended.id}
    cut = site.access("list", "--all", "--limit", "1")
    assert "there may be more" in cut.stderr
    assert re.search(r"ended \d+m?s? ago", site.access("list", "--past").stdout)


def test_show_tells_everything_of_one_grant(site):
    """Servers, certificate, extensions left, the integration's own words, and what to type."""
    grant = site.give("alice", "web-1", "db-1")
    shown = site.access("show", grant.id, "--as", "alice").stdout
    for words in (
        "why: deploy",
        f"may be extended 2 times more, by 30m each: daypass access extend {grant.id}",
        "SHA256:",
        "prod says:",
        "  Call #infra before touching db-*.\n  Deploys are on Tuesdays.\n",
        f"daypass certificate show {grant.id} --save ~/.ssh/daypass-daypass-{grant.id}-cert.pub",
        f"ssh -i ~/.ssh/daypass -o CertificateFile=~/.ssh/daypass-daypass-{grant.id}-cert.pub",
        "-p 2222 alice@192.0.2.1",
    ):
        assert words in shown, words
    assert LEFT.search(shown)


def test_show_for_programs_holds_the_certificate_and_the_objections(site):
    """A serial is text: 63 bits don't survive programs that read numbers as doubles."""
    grant = site.give()
    told = json.loads(site.access("show", grant.id.lower(), "-o", "json", "--key", "/k").stdout)
    (certificate,) = told["certificates"]
    assert certificate["text"].startswith("ssh-ed25519-cert")
    assert isinstance(certificate["serial"], str)
    assert (told["extension"]["possible"], told["extension"]["times_left"]) == (True, 2)
    assert told["access_details"]["prod"].startswith("Call #infra")
    assert told["servers"]["web-1"]["ssh"].startswith("ssh -i /k -o CertificateFile=/k-daypass-")
    site.config.write_text(CONFIGURATION.replace("name: work", "name: other"))
    told = json.loads(site.access("show", grant.id, "-o", "json").stdout)
    assert [one["code"] for one in told["extension"]["objections"]] == ["flow_gone"]
    assert "can't be extended: the access flow 'work' isn't there" in site.access("show", grant.id).stdout


def test_each_certificate_of_a_change_goes_to_a_file_of_its_own(tmp_path):
    """Of two keys the second one's has a number; one that was revoked meanwhile has none."""
    window = window_from(datetime(2026, 11, 22, 10, tzinfo=UTC), timedelta(hours=1))
    grant = Grant("G", "alice", "", "work", "", "test", window, window.not_before)
    texts = ("one", None, "two")
    certificates = tuple(
        Certificate(n, "G", n, f"p{n}", "key", "SHA256:x", window.not_before, window.not_after, text=text)
        for n, text in enumerate(texts, start=1)
    )
    answer = ChangeAnswer(grant, grant, certificates, (), {})
    saved = save_certificates(tmp_path / "id-cert.pub", answer)
    assert {serial: file.name for serial, file in saved.items()} == {1: "id-cert.pub", 3: "id-2-cert.pub"}
    assert [file.read_text() for file in saved.values()] == ["one\n", "two\n"]
    told = change_json(answer, saved, check=False)["certificates"]
    assert [one["file"] for one in told] == [saved[1], None, saved[3]]


def test_each_keys_certificate_can_be_had(site, tmp_path):
    """A person with two machines has two keys; the newest certificate is one key's alone."""
    lines = [public_line(load_ca_key(generate_ca_key("ed25519"))) for _ in range(2)]
    grant = site.give(public_keys=tuple(check_public_key(line) for line in lines))
    words = ("certificate", "show", grant.id, "-o", "json")
    for number, line in enumerate(lines, start=1):
        (tmp_path / "key.pub").write_text(line)
        told = json.loads(site.run(*words, "--public-key", str(tmp_path / "key.pub")).stdout)
        assert [one["number"] for one in told["certificates"]] == [number]
    assert "--public-key KEY.pub --save" in site.access("show", grant.id).stdout


def test_others_access_is_not_shown_nor_ended(site):
    """Exit code 2, as for an id that nobody has."""
    grant = site.give()
    for words in (("show", grant.id), ("end", grant.id, "--yes"), ("extend", grant.id)):
        done = site.access(*words, "--as", "bob")
        assert done.exit_code == 2
        assert f"no grant '{grant.id}'" in done.stderr
    with open_daypass(site.config) as opened, opened.seams.store.read() as view:
        assert view.grant(grant.id).ended_at is None


def test_end_is_asked_for_and_done_once_more_without_harm(site):
    """Where nobody can be asked, `--yes` says it; `--check` names what would end."""
    grant = site.give()
    unasked = site.access("end", grant.id, "--as", "alice")
    assert (unasked.exit_code, "--yes" in unasked.stderr) == (2, True)
    checked = site.access("end", grant.id, "--as", "alice", "--check")
    assert (checked.exit_code, "web-1" in checked.stdout) == (0, True)
    assert site.access("end", grant.id, "--as", "alice", "--yes", "--reason", "done early").exit_code == 0
    assert site.access("end", grant.id, "--as", "alice").exit_code == 0
    assert "ended: done early" in site.access("show", grant.id).stdout
    events = json.loads(site.run("audit", "list", "-o", "json").stdout)
    (ending,) = (event for event in events if event["kind"] == "grant.ending")
    assert ending["actor"].startswith("person:alice via operator:")


def test_an_operator_ends_anybodys_access(site):
    """As `daypass revoke` does."""
    grant = site.give("bob")
    done = site.access("end", grant.id, "--yes", "-o", "json")
    assert (done.exit_code, json.loads(done.stdout)["grant"]["state"]) == (0, "ended")


def test_extend_needs_a_person_and_a_flow_that_allows_it(site):
    """Exit code 2 without `--as`, 4 with every reason when the flow says no."""
    grant = site.give()
    nobody = site.access("extend", grant.id)
    assert (nobody.exit_code, "--as LOGIN" in nobody.stderr) == (2, True)
    site.config.write_text(CONFIGURATION.replace("{group: ops}", "{group: dba}"))
    denied = site.access("extend", grant.id, "--as", "alice", "--for", "2h", "-o", "json")
    error = json.loads(denied.stdout)["error"]
    assert (denied.exit_code, error["code"]) == (4, "requester_not_meant")
    assert "1m to 30m at a time, found 2h" in error["message"]


def test_extend_with_check_says_the_new_end_and_changes_nothing(site):
    """And how many are left then."""
    grant = site.give()
    checked = site.access("extend", grant.id, "--as", "alice", "--check", "-o", "json")
    told = json.loads(checked.stdout)
    assert (checked.exit_code, told["times_left"], told["certificate"]["text"]) == (0, 1, None)
    end = grant.window.not_after + timedelta(minutes=30)
    assert told["grant"]["not_after"] == end.isoformat().replace("+00:00", "Z")
    (listed,) = json.loads(site.access("list", "-o", "json").stdout)
    assert listed["times_extended"] == 0


def test_preview_shows_what_people_will_see(site):
    """Of one integration, of a server's, or of all; how much of the allowed length it takes."""
    shown = site.access("details", "--integration", "prod")
    assert shown.stdout == "\nprod says:\n  Call #infra before touching db-*.\n  Deploys are on Tuesdays.\n"
    assert f"58 of {MOST_DETAILS} characters" in shown.stderr
    assert site.access("details", "--server", "db-1").stdout == shown.stdout
    told = json.loads(site.access("details", "-o", "json").stdout)
    assert {name: one["characters"] for name, one in told.items()} == {"plain": 0, "prod": 58}
    assert "plain: no custom_access_details" in site.access("details", "--server", "x-1").stderr
    for words in (("--integration", "prud"), ("--server", "web-9")):
        assert site.access("details", *words).exit_code == 2


@pytest.mark.parametrize("text", ["x" * (MOST_DETAILS + 1), '"\\e[2J"', '"a\\u202eb"', '"a\\tb"'])
def test_details_that_are_too_long_or_that_a_terminal_would_obey_are_refused(site, text):
    """When the configuration is read, so before anybody sees them."""
    site.config.write_text(
        CONFIGURATION.replace("name: plain,", f"name: plain, custom_access_details: {text},")
    )
    done = site.access("details")
    assert done.exit_code == 2
    assert f"at most {MOST_DETAILS} characters of printable text" in done.stderr
    assert "\x1b" not in done.output


@pytest.mark.parametrize(
    "words",
    [
        ("access", "list"),
        ("access", "list", "--past"),
        ("access", "show", "LIVE"),
        ("access", "show", "ENDED"),
        ("status",),
        ("certificate", "show", "LIVE"),
        ("audit", "list"),
    ],
)
def test_no_text_that_people_wrote_reaches_a_terminal_raw(site, words):
    """Reasons, messages of servers, names in the record: written out, whatever wrote them there."""
    live, ended = site.give(), site.give()
    with open_daypass(site.config) as opened, opened.seams.store.write(HOSTILE, opened.now()) as work:
        work.set_grant(replace(live, reason=HOSTILE, flow=HOSTILE))
        done = replace(ended, end_reason=HOSTILE, ended_at=opened.now(), state="ended")
        work.set_grant(done)
        for grant in (live, ended):
            (share,) = work.shares(grant_id=grant.id)
            work.set_share(replace(share, outcome_code=HOSTILE, outcome_message=HOSTILE, groups=(HOSTILE,)))
        (certificate,) = work.certificates(live.id)
        work.set_certificate(replace(certificate, revoke_reason=HOSTILE))
        work.append_event("test", HOSTILE, {"text": HOSTILE})
    typed = [live.id if word == "LIVE" else ended.id if word == "ENDED" else word for word in words]
    done = site.run(*typed)
    assert done.exit_code == 0, done.output
    assert HARMLESS in done.output
    assert all(char.isprintable() or char == "\n" for char in done.output)
