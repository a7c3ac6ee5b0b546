"""Which sessions a certificate of ours opened: sshd's words count, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import Completed
from ansible_collections.daypass.ssh.plugins.module_utils.sshd import login_log

CA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIG8ZAWXe3tLOsQWrKOTZDZI+uqWpvxIftqiqO+b2qFC"
FROM = "from 192.0.2.7 port 50156 ssh2"
OWN = f"Accepted publickey for jane {FROM}: ED25519 SHA256:YMkxaGYemwz9bfGc6SEQ"
ID = "ID daypass user=jane grant=G1 flow=direct (serial 5) CA ED25519 SHA256:other"
BY_ID = f"Accepted publickey for jane {FROM}: ED25519-CERT SHA256:j8Lv0 {ID}"
BY_CA = f"Accepted publickey for jane {FROM}: ED25519-CERT SHA256:j8Lv0 ID x (serial 5) CA ED25519 "
BY_CA += login_log.fingerprint(CA)
OTHER_CA = (
    f"Accepted publickey for jane {FROM}: ED25519-CERT SHA256:j8 ID jane (serial 5) CA ED25519 SHA256:z"
)
PASSWORD = f"Accepted password for jane {FROM}"


def entry(message: str, pid: int = 90, **changed: str) -> dict[str, str]:
    """A line as journald gives it."""
    plain = {"MESSAGE": message, "_PID": str(pid), "_UID": "0", "_COMM": "sshd"}
    return {**plain, "__MONOTONIC_TIMESTAMP": "1500000", **changed}


class Journal:
    """A host whose journalctl prints these entries; the text files are somewhere else."""

    def __init__(self, entries: Sequence[Mapping[str, str]]) -> None:
        self.entries = entries

    def query(self, argv: Sequence[str], **_more: object) -> Completed:
        text = "".join(json.dumps(one) + "\n" for one in self.entries)
        return Completed(0, text, "") if argv[0] == "journalctl" else Completed(127, "", "")


@pytest.fixture(autouse=True)
def text_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one text log; it isn't there at first."""
    monkeypatch.setattr(login_log, "TEXT_FILES", (str(tmp_path / "auth.log"),))
    return tmp_path / "auth.log"


def found(*entries: Mapping[str, str], pids: Sequence[int] = (90,)) -> list[tuple[int, bool]]:
    """(pid, ours) of each line that counts."""
    lines = login_log.accepted(Journal(entries), "jane", pids, [CA])
    return [(one.pid, one.ours) for one in lines]


@pytest.mark.parametrize(
    ("message", "ours"),
    [(OWN, False), (PASSWORD, False), (OTHER_CA, False), (BY_ID, True), (BY_CA, True)],
)
def test_certificate_of_ours_is_known_by_its_key_id_or_our_ca(message: str, ours: bool):
    """A key, a password and another CA's certificate are her own ways in."""
    assert found(entry(message)) == [(90, ours)]


@pytest.mark.parametrize(
    "changed",
    [{"_UID": "1501"}, {"_COMM": "logger"}, {"_COMM": "sshd-forged"}, {"MESSAGE": f"x {OWN}"}],
    ids=["her uid", "logger", "another name", "in the middle"],
)
def test_line_that_sshd_didn_t_write_doesn_t_count(changed: dict[str, str]):
    """journald notes uid and program by the kernel's word; a line must begin as sshd's does."""
    assert found({**entry(OWN), **changed}) == []


def test_line_about_somebody_else_doesn_t_count():
    """A login of another name with a text that looks right."""
    assert found(entry(OWN.replace("for jane", "for bob"))) == []


def test_newer_sshd_logs_under_another_name():
    """Since OpenSSH 9.8 the process of a connection is sshd-session."""
    assert found(entry(BY_ID, _COMM="sshd-session")) == [(90, True)]


def test_time_of_a_line_is_told():
    """A number that was somebody else's before is told by the time."""
    assert login_log.accepted(Journal([entry(OWN)]), "jane", [90], [CA])[0].at == 1.5


def test_text_file_counts_where_no_journal_does(text_file: Path):
    """A host without journald has only that; its lines say no time that could be compared."""
    text_file.write_text(
        f"Nov 22 12:00:00 web-1 sshd[90]: {BY_ID}\n2026-11-22T12:00:00Z web-1 sshd-session[91]: {OWN}\n"
        f"Nov 22 12:00:00 web-1 sshd[92]: {BY_ID}\n"
    )
    assert found(pids=(90, 91)) == [(90, True), (91, False)]


def test_host_with_neither_keeps_no_log(text_file: Path):
    """So a join is refused there, or all sessions end."""
    assert not login_log.has_log(Journal([]))
    text_file.write_text("Nov 22 12:00:00 web-1 sshd[7]: Server listening on :: port 22.\n")
    assert login_log.has_log(Journal([]))
    text_file.unlink()
    assert login_log.has_log(Journal([entry("Server listening")]))
