"""Judgements of `daypass doctor`: each thing that can be wrong is told with what mends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daypass.domain.grants import Share, ShareState
from daypass.domain.windows import window_from
from daypass.errors import ConfigurationError
from daypass.workflow.doctor import Check, Finding, Grade, worst
from daypass.workflow.doctor.files import FileFacts, judge_private, judge_settings
from daypass.workflow.doctor.fleet import (
    judge_missing,
    judge_overdue,
    judge_reached,
    judge_shared_keys,
    judge_shares,
    judge_strangers,
)
from daypass.workflow.doctor.gate import GateFacts, judge_gate
from daypass.workflow.doctor.machine import (
    Space,
    judge_clock_went_back,
    judge_openssh,
    judge_package,
    judge_programs,
    judge_python,
    judge_run_root,
    judge_space,
    judge_stale_runs,
    judge_synchronised,
)
from daypass.workflow.doctor.record import (
    AnchorFacts,
    judge_anchor,
    judge_ca,
    judge_outbox,
    judge_pass,
    judge_postgresql,
    judge_schema,
    judge_sqlite,
)

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATE = Path("/srv/my state")
KEY = Path("/etc/daypass/user_ca")
ME, OTHER = 1000, 1001
MIB = 1024**2
SHARE = Share("01A", "web-1", "prod", "alice", (), (), window_from(NOW, HOUR))


def shares(**changes: object) -> list[Finding]:
    return list(judge_shares([replace(SHARE, **changes)], NOW))


def private(**facts: object) -> Finding:
    file = FileFacts(KEY, 0o600, ME)._replace(**facts)
    return judge_private("CA key", file, allowed=0o600, me=ME, hint="daypass init")


def settings(**facts: object) -> list[Finding]:
    return list(judge_settings("settings", [FileFacts(KEY, 0o644, ME)._replace(**facts)], me=ME))


def gate(**facts: object) -> list[Finding]:
    return list(judge_gate(GateFacts("broker")._replace(**facts)))


# finding, grade, what its sentence says, what its hint names
WRONG = {
    "old Python": (judge_python((3, 9, 2)), "fail", "3.9.2", "apt-get install python3.11"),
    "no Ansible": (judge_package("ansible-core", None), "fail", "isn't installed", "pip install"),
    "old Ansible": (judge_package("ansible-core", "2.17.9"), "fail", "2.18", "'ansible-core>=2.18'"),
    "no ssh": (judge_programs(["ssh-agent"]), "fail", "ssh-agent", "apt-get install openssh-client"),
    "old OpenSSH": (judge_openssh("OpenSSH_7.9p1"), "fail", "8.2", "apt-get install openssh-client"),
    "odd OpenSSH": (judge_openssh("Segmentation fault"), "fail", "Segmentation", "--reinstall"),
    "free clock": (judge_synchronised(False), "warn", "no time server", "timedatectl set-ntp true"),
    "clock back": (judge_clock_went_back(2 * HOUR), "fail", "2h ahead", "timedatectl"),
    "disk full": (
        judge_space("disk", Space(STATE, MIB, 10**6, 10**7), 100 * MIB),
        "fail",
        "1 MiB",
        "df -h -i '/srv/my state'",
    ),
    "no inodes": (judge_space("disk", Space(STATE, 10**12, 7, 10**7), 100 * MIB), "fail", "7 files", "df -h"),
    "runs on disk": (judge_run_root(STATE / "run", STATE), "warn", "on a disk", "/dev/shm"),
    "stale runs": (judge_stale_runs(["run-1"]), "warn", "run-1", "daypass reconcile"),
    "no key": (private(trouble="No such file"), "fail", "No such file", "daypass init"),
    "open key": (private(mode=0o640), "fail", "0640", f"chmod 0600 {KEY}"),
    "another's key": (private(owner=OTHER), "fail", "uid 1001", f"chown 1000 {KEY}"),
    "no settings": (settings(trouble="Permission denied"), "fail", "denied", "ls -ld"),
    "another's settings": (settings(owner=OTHER), "fail", "uid 1001", f"chown 1000 {KEY}"),
    "everybody's settings": (settings(mode=0o666), "fail", "everybody", f"chmod o-w {KEY}"),
    "group's settings": (settings(mode=0o664), "warn", "group", f"chmod g-w {KEY}"),
    "empty database": (judge_schema(None, "0008", True), "fail", "empty", "daypass init"),
    "old schema": (judge_schema("0007", "0008", True), "fail", "older", "daypass init"),
    "newer schema": (judge_schema("0099", "0008", False), "fail", "newer one wrote it", "install that newer"),
    "damaged": (judge_sqlite(["Tree 4 page 9"], 5), "fail", "Tree 4 page 9", "restore your newest backup"),
    "old PostgreSQL": (judge_postgresql(120003), "warn", "12.3", "pg_upgrade"),
    "no anchor": (judge_anchor(AnchorFacts(None, False, 9)), "fail", "isn't noted", "daypass audit verify"),
    "log cut off": (judge_anchor(AnchorFacts(12, False, 9)), "fail", "ends at 9", "daypass audit verify"),
    "log altered": (judge_anchor(AnchorFacts(9, False, 9)), "fail", "isn't what was", "daypass audit verify"),
    "never a pass": (judge_pass(None, NOW), "warn", "none was done", "daypass gate install"),
    "late pass": (judge_pass(NOW - HOUR, NOW), "warn", "1h ago", "systemctl status daypass-reconcile.timer"),
    "late notices": (
        judge_outbox(NOW - 2 * HOUR, 3, NOW),
        "warn",
        "3 wait, the oldest for 2h",
        "daypass notices list",
    ),
    "another CA": (
        judge_ca("ssh-ed25519", "ssh-ed25519 A", ["ssh-ed25519 B"]),
        "warn",
        "isn't the key",
        "old key back",
    ),
    "no host key": (
        judge_missing("host keys", ["b", "a"], "daypass servers scan"),
        "warn",
        "a, b",
        "daypass servers scan a b",
    ),
    "cloned hosts": (
        judge_shared_keys({"SHA256:x": ("a", "b")}),
        "warn",
        "a, b",
        "daypass servers scan --replace a b",
    ),
    "open and unlisted": (
        judge_strangers(["a"], ["a", "b"], ["b"]),
        "fail",
        "b, with access",
        "daypass offboard b",
    ),
    "left over": (judge_strangers(["a"], [], ["b"]), "warn", "b, onboarded", "--forget"),
    "sequence ahead": (
        shares(outcome="refused", outcome_code="sequence_ahead"),
        "fail",
        "later document",
        "--rebase web-1",
    ),
    "unconfirmed end": (
        shares(state=ShareState.ENDING, attempts=1),
        "fail",
        "web-1 haven't",
        "daypass reconcile --now",
    ),
    "end forgotten": (
        shares(state=ShareState.APPLIED, window=window_from(NOW - 3 * HOUR, HOUR)),
        "fail",
        "web-1",
        "daypass reconcile --now",
    ),
    "unknown outcome": (shares(outcome="unknown"), "warn", "isn't known", "daypass reconcile --now"),
    "refused": (
        shares(outcome="refused", outcome_code="old_rights"),
        "warn",
        "couldn't be given",
        "daypass status",
    ),
    "requests left": (judge_overdue(2), "warn", "2 ran out", "daypass reconcile"),
    "some silent": (judge_reached({"b": "no answer"}, 2, 0, 0), "warn", "b: no answer", "daypass report b"),
    "all silent": (judge_reached({"a": "x", "b": "x"}, 2, 0, 0), "fail", "0 of 2", "network"),
    "gate changed": (
        gate(changed=["/etc/ssh/x.conf"]),
        "fail",
        "x.conf",
        "gate install --broker broker",
    ),
    "no resident": (gate(resident=False), "warn", "takes seconds", "systemctl restart daypass-gate.service"),
    "timer stopped": (
        gate(stopped={"daypass-reconcile.timer": "inactive"}),
        "fail",
        "inactive",
        "systemctl enable --now daypass-reconcile.timer",
    ),
}


def as_list(found: Finding | Iterable[Finding]) -> list[Finding]:
    return [found] if isinstance(found, Finding) else list(found)


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_with_what_mends_it(case):
    """The sentence says what was found, the hint what to type."""
    found, grade, said, mends = WRONG[case]
    [finding] = as_list(found)
    assert (str(finding.grade), said in finding.found, mends in finding.hint) == (grade, True, True), finding


RIGHT = {
    "Python": judge_python((3, 13, 1)),
    "Ansible": judge_package("ansible-core", "2.19.14"),
    "OpenSSH": judge_openssh("OpenSSH_10.0p2 Debian-7, OpenSSL 3.5"),
    "clock": judge_synchronised(True),
    "clock that the kernel doesn't know of": judge_synchronised(None),
    "log of a moment ago": judge_clock_went_back(timedelta(seconds=-5)),
    "files that aren't counted": judge_space("disk", Space(STATE, 10**12, 0, 0), MIB),
    "key of root": private(owner=0),
    "settings of root": settings(owner=0, mode=0o640),
    "folder like /tmp": settings(mode=0o1777),
    "large database": judge_sqlite(None, 5),
    "log without events": judge_anchor(AnchorFacts(0, True, 0)),
    "pass of a clock ahead": judge_pass(NOW + HOUR, NOW),
    "notices that wait a little": judge_outbox(NOW - timedelta(minutes=5), 1, NOW),
    "first signature still to come": judge_ca("ssh-ed25519", "ssh-ed25519 A", []),
    "access that is open": shares(state=ShareState.APPLIED),
    "gate of another configuration": gate(elsewhere="/srv/other.yaml", resident=False),
    "machine without a gate": list(judge_gate(None)),
    "servers behind jump hosts": judge_reached({}, 0, 0, 7),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_no_reason_to_do_anything(case):
    """No hint, no colour."""
    assert worst(as_list(RIGHT[case])) is Grade.OK


def test_a_check_that_fails_is_a_finding_and_shows_nothing_of_what_it_saw():
    """An exception's text may hold anything; the others go on."""

    def broken() -> list[Finding]:
        raise RuntimeError("the-private-key")

    [finding] = Check("CA key", broken).findings()
    assert finding.grade is Grade.FAIL
    assert "RuntimeError" in finding.found
    assert "private" not in finding.found + finding.hint


def test_all_problems_of_a_file_are_told_at_once():
    """A person mends them all before the next look."""

    def look() -> list[Finding]:
        raise ConfigurationError("2 problems", problems=("one", "two"), hint="correct them")

    found = Check("directory", look).findings()
    assert [(one.found, one.hint) for one in found] == [("one", "correct them"), ("two", "correct them")]
