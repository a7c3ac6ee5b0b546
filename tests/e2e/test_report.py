"""What a server says when it is asked, on a real one: everything that somebody changed, and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.host_snapshot import difference, snapshot

SERVER = "web-3"
PROGRAM = "/usr/local/lib/daypass/daypass-host.pyz"
TAMPER = f'import zipfile; zipfile.ZipFile("{PROGRAM}", "a").writestr("x.py", "")'

# One line a change; the code that the report must give for it stands beside it.
CHANGES = {
    "group_extra": "usermod -aG logs rita",
    "group_missing": "gpasswd -d rita ops",
    "key_line_extra": "echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMine rita' >> /etc/ssh/daypass/keys/rita",
    "key_file_unknown": "touch /etc/ssh/daypass/keys/nobody-knows",
    "sudoers_extra": "echo 'rita ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers.d/daypass",
    "account_open": "usermod -e '' -p '*' shut",
    "account_unknown": "useradd -u 70900 -M stray",
    "member_unknown": "usermod -aG daypass stray",
    "processes_left": "setpriv --reuid 70901 --clear-groups sleep 600 >/dev/null 2>&1 &",
    "files_left": "touch /tmp/left && chown 70901 /tmp/left",
    "file_mode": "chmod 666 /etc/ssh/sshd_config.d/00-daypass.conf",
    "deadline_lost": "systemctl stop daypass-expire.timer",
    "program_altered": f"python3 -c '{TAMPER}'",
    "setid_file": "cp /bin/true /usr/local/bin/mine && chmod 4755 /usr/local/bin/mine",
}
TIDY = """
pkill -U 70901; rm -f /tmp/left /usr/local/bin/mine /etc/ssh/daypass/keys/nobody-knows
chmod 644 /etc/ssh/sshd_config.d/00-daypass.conf; systemctl start daypass-expire.timer
gpasswd -d stray daypass; userdel stray; groupdel stray; gpasswd -d rita logs; true
"""
REPAIRED = {"group_missing", "key_line_extra", "sudoers_extra", "account_open"}


@pytest.fixture(scope="module")
def people(site, tidy):
    """Rita has a grant, and another account is closed, not removed; tests put right what they spoil."""
    rita = site.grant("rita", SERVER, groups=("ops",))
    shut = site.grant("shut", SERVER)
    site.revoke(shut)
    return rita


def asked(site, *words, code):
    """The report of the server."""
    return site.run("report", SERVER, *words, "--output", "json", code=code).json["servers"][SERVER]


def codes(report):
    return {finding["code"] for finding in report["findings"]}


def test_a_report_tells_what_was_changed_and_changes_nothing(site, people):
    """Each change is found, by its own name; what a full document puts right is put right, the rest stays."""
    good = asked(site, "--deep", code=0)
    assert (good["findings"], good["accounts_open"], good["accounts_closed"]) == ([], 1, 1)
    site.lab.exec(SERVER, ["sh", "-ec", "\n".join(CHANGES.values())])
    before = snapshot(site.lab, SERVER)
    report = asked(site, "--deep", code=1)
    assert codes(report) == set(CHANGES), json.dumps(report["findings"], indent=1)
    shown = site.run("report", SERVER, "--fix", "--check", "--output", "json", code=1).json
    assert shown["would_repair"][SERVER]["findings"] >= len(REPAIRED)
    assert difference(before, snapshot(site.lab, SERVER)) == []
    left = asked(site, "--deep", "--fix", "--yes", code=1)
    assert codes(left) == set(CHANGES) - REPAIRED
    assert site.gets_in(people, SERVER)
    site.lab.exec(SERVER, ["sh", "-c", f"{TIDY}\nrm {PROGRAM}"])
    assert asked(site, "--fix", "--yes", code=0)["findings"] == []


def test_a_setting_that_cancels_ours_is_found_before_a_login_shows_it(site, people):
    """The report names directive and file; what sshd runs with is asked from sshd itself."""
    path = "/etc/ssh/sshd_config.d/00-aaa.conf"
    script = f"printf 'Match Group daypass\\n  PasswordAuthentication yes\\nMatch all\\n' > {path}"
    site.lab.exec(SERVER, ["sh", "-c", script])
    try:
        report = asked(site, code=1)
    finally:
        site.lab.exec(SERVER, ["rm", path])
    assert codes(report) == {"sshd_overridden"}
    assert f"PasswordAuthentication is yes ({path}:2)" in report["findings"][0]["sentence"]


def test_a_ledger_that_somebody_rewrote_differs_from_the_record(site, people):
    """A host can't give itself a grant unseen: what its ledger says is compared with what we know."""
    script = (
        "import json; p='/var/lib/daypass/ledger.json'; d=json.load(open(p));"
        "g=dict(d['accounts']['rita']['grants']); k=next(iter(g));"
        "d['accounts']['rita']['grants'][k]['not_after']+=86400; json.dump(d, open(p,'w'))"
    )
    site.lab.exec(SERVER, ["python3", "-c", script])
    report = asked(site, code=1)
    assert "grant_differs" in codes(report)
    left = asked(site, "--fix", "--yes", code=0)
    assert left["findings"] == []


def test_a_server_that_does_not_answer_is_told_from_a_good_one(site, people):
    """Exit code 3: nothing is known of it."""
    site.lab.exec("web-2", ["systemctl", "stop", "ssh"])
    try:
        ran = site.run("report", SERVER, "web-2", "--output", "json", code=3).json["servers"]
    finally:
        site.lab.exec("web-2", ["systemctl", "start", "ssh"])
    assert ran["web-2"]["code"] == "connection_refused"
    assert ran[SERVER]["findings"] == []
