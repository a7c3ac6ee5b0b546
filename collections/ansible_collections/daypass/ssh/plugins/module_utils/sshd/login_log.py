# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which sessions a certificate of ours opened, in the words of sshd's own log.

journald notes who wrote a line (the kernel's word, systemd.journal-fields(7)): what a person writes with
logger doesn't count. A text file holds no such thing: there a forged line may end a session of the account,
but can't save one, since whatever a line of ours names has ended, and so has what no line names.
"""

from __future__ import annotations

import base64
import json
import os
import re

from ..contract.digests import sha256
from ..contract.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Iterable, Sequence

    from ..effects.system import System

# sshd(8): the process of a connection that stays root's logs in its own name; since 9.8 it is `sshd-session`.
COMMANDS = ("sshd", "sshd-session")
# Matches of one field are alternatives (journalctl(1)); no --grep, which not every build can.
BY_SSHD = ("_UID=0", *(f"_COMM={name}" for name in COMMANDS))
LOGIND_NEW_SESSION = "8d45620c1a4348dbb17410da57c60c66"  # sd-messages.h, SD_MESSAGE_SESSION_START
TEXT_FILES = ("/var/log/auth.log", "/var/log/secure", "/var/log/messages")
TEXT_BYTES = 32 << 20  # of each file's end
TIMEOUT_SECONDS = 10
PIDS_MAX = 500  # of one question: a command line is not endless
ACCEPTED = re.compile(r"Accepted (?P<method>\S+) for (?P<login>\S+) from .* ssh2(?:: (?P<what>.*))?$")
TEXT_LINE = re.compile(r"^.{0,160} sshd(?:-session)?\[(?P<pid>[0-9]+)\]: (?P<message>Accepted .*)$")
CERTIFICATE = re.compile(r"ID (?P<id>.*) \(serial [0-9]+\) CA \S+ (?P<print>\S+)$")
KEY_ID = "daypass "  # design.md, certificate profile


class Accepted(NamedTuple):
    """One login that sshd let in.

    Attributes:
        pid: Of the connection's process, the leader of its sessions.
        at: Seconds of this boot when it was logged, None where the log doesn't say.
        ours: By a certificate of ours.
    """

    pid: int
    at: float | None
    ours: bool


def has_log(system: System) -> bool:
    """Whether this host keeps sshd's own words: something of it since the boot, or in a text file."""
    return bool(_journal(system, ["--lines=1", *BY_SSHD])) or any(" sshd" in text for text in _texts(system))


def accepted(system: System, login: str, pids: Sequence[int], ca_keys: Iterable[str]) -> list[Accepted]:
    """What sshd logged when it let this login in, for these processes; nothing where there is no log."""
    prints = {fingerprint(key) for key in ca_keys}
    found = []
    for entry in _journal_of(system, pids):
        pid, message = _number(entry.get("_PID")), entry.get("MESSAGE")
        if entry.get("_COMM") not in COMMANDS or entry.get("_UID") != "0" or not isinstance(message, str):
            continue
        at = _number(entry.get("__MONOTONIC_TIMESTAMP")) / 1e6
        found += _of_message(message, login, pid, at, prints)
    if found:
        return found
    for text in _texts(system):
        for line in text.split("\n"):
            match = TEXT_LINE.match(line)
            if match and int(match.group("pid")) in pids:
                found += _of_message(match.group("message"), login, int(match.group("pid")), None, prints)
    return found


class Login(NamedTuple):
    """What logind knows of a session: its leader, which may be gone, and the service ("" where unknown)."""

    leader: int
    service: str


def login_of(system: System, session: str) -> Login | None:
    """Who led a session, by logind, or by what it wrote into the journal; None where nobody knows."""
    argv = ["loginctl", "show-session", session, "--property=Leader", "--property=Service"]
    done = system.query(argv, timeout_seconds=TIMEOUT_SECONDS)
    told = dict(line.partition("=")[::2] for line in done.stdout.split("\n"))
    if _number(told.get("Leader")):
        return Login(_number(told["Leader"]), told.get("Service", ""))
    words = ["_UID=0", "_COMM=systemd-logind", f"MESSAGE_ID={LOGIND_NEW_SESSION}", f"SESSION_ID={session}"]
    leaders = [_number(entry.get("LEADER")) for entry in _journal(system, words)]
    return Login(leaders[-1], "") if leaders else None


def fingerprint(key: str) -> str:
    """`SHA256:…` of a public key `TYPE BASE64`, as sshd logs it."""
    digest = sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def _of_message(message: str, login: str, pid: int, at: float | None, prints: set[str]) -> list[Accepted]:
    match = ACCEPTED.match(message)
    if match is None or match.group("login") != login:
        return []
    certificate = CERTIFICATE.search(match.group("what") or "")
    ours = certificate is not None and (
        certificate.group("print") in prints or certificate.group("id").startswith(KEY_ID)
    )
    return [Accepted(pid, at, ours)]


def _journal_of(system: System, pids: Sequence[int]) -> list[dict]:
    found: list[dict] = []
    for at in range(0, len(pids), PIDS_MAX):
        found += _journal(system, [*BY_SSHD, *(f"_PID={pid}" for pid in pids[at : at + PIDS_MAX])])
    return found


def _journal(system: System, words: Sequence[str]) -> list[dict]:
    """Entries of this boot, oldest first; none where there is no journal."""
    argv = ["journalctl", "--quiet", "--no-pager", "--boot", "--output=json", *words]
    done = system.query(argv, timeout_seconds=TIMEOUT_SECONDS)
    found = []
    for line in done.stdout.split("\n"):
        try:
            entry = json.loads(line) if line else None
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def _texts(system: System) -> Iterable[str]:
    for path in TEXT_FILES:
        try:
            with open(path, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - TEXT_BYTES))
                yield file.read(TEXT_BYTES).decode("utf-8", "replace")
        except OSError:
            continue


def _number(value: object) -> int:
    return int(value) if isinstance(value, str) and value.isdigit() else 0
