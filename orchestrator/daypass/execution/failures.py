"""Why a server couldn't be reached or a task couldn't run, from what ssh and Ansible printed.

Only what proves that nothing began on the server counts as unreachable or failed. A connection that broke
later, and every text that isn't known, is unknown: the server may have done the work (design.md, "Waves are
hermetic").
Sources: ssh.c, sshconnect.c, clientloop.c of OpenSSH 9.2 and 10.0; ansible/plugins/connection/ssh.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.execution.answers import clean_text

LONGEST_SEARCHED = 20_000  # ssh's own words are short; the rest is whatever the server printed


@dataclass(frozen=True)
class _Cause:
    pattern: re.Pattern[str]
    kind: OutcomeKind
    code: str
    sentence: str


def _unreachable(pattern: str, code: str, sentence: str) -> _Cause:
    return _Cause(re.compile(pattern), OutcomeKind.UNREACHABLE, code, sentence)


# The first that matches counts: a changed host key is named before everything else.
CONNECTION_CAUSES = (
    _unreachable(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed",
        "host_key_mismatch",
        "the server showed another host key than the recorded one; "
        "find out why before recording the new one: daypass servers scan",
    ),
    _unreachable(
        r"host key is known for|No matching host key|no matching host key type found",
        "host_key_mismatch",
        "the server showed a host key of a kind that isn't recorded; record its keys: daypass servers scan",
    ),
    _unreachable(
        r"Could not resolve hostname",
        "name_not_resolved",
        "the server's host name can't be resolved; check `host`",
    ),
    _unreachable(
        r"connect to (host|address) .{1,300}: Connection refused",
        "connection_refused",
        "nothing listens there; check `host`, `port`, and that sshd runs",
    ),
    _unreachable(
        r"connect to (host|address) .{1,300}: (Connection|Operation) timed out"
        r"|timed out during banner exchange|Connection to .{1,300} port [0-9]{1,5} timed out",
        "timed_out",
        "the server didn't answer in time; is it up?",
    ),
    _unreachable(
        r"connect to (host|address) .{1,300}: (No route to host|Network is unreachable|.{1,60})",
        "no_route",
        "no way leads to the server; check the network and `host`",
    ),
    _unreachable(
        r"Permission denied \(",
        "permission_denied",
        "the server refused the connector's key; check `user`, and that its authorized_keys holds the key",
    ),
    _unreachable(
        r"kex_exchange_identification|banner exchange: Connection",
        "connection_closed",
        "the server closed the connection before a login; sshd may be turning us away for a while "
        "(PerSourcePenalties, MaxStartups)",
    ),
)

# Results of a task that couldn't begin, from sh and sudo on the server.
TASK_CAUSES = (
    _Cause(
        re.compile(r"python3?: (not found|No such file or directory)|/python3: (inaccessible or )?not found"),
        OutcomeKind.FAILED,
        "python_missing",
        "the server has no /usr/bin/python3; install Python 3.8 or newer there",
    ),
    _Cause(
        re.compile(r"Missing sudo password|a password is required|not in the sudoers file|may not run sudo"),
        OutcomeKind.FAILED,
        "sudo_refused",
        "the connector user may not run sudo without a password; it needs NOPASSWD for ALL",
    ),
    _Cause(
        re.compile(r"sudo: (command )?not found|sudo: No such file|sudo: inaccessible"),
        OutcomeKind.FAILED,
        "sudo_missing",
        "the server has no sudo, which the connector user needs",
    ),
)


def connection_outcome(message: object) -> Outcome:
    """The outcome where Ansible says unreachable; a connection that broke later makes it unknown."""
    text = _searched(message)
    for cause in CONNECTION_CAUSES:
        if cause.pattern.search(text):
            return Outcome(cause.kind, code=cause.code, message=cause.sentence)
    return Outcome(
        OutcomeKind.UNKNOWN,
        code="connection_lost",
        message=clean_text(f"the connection broke, perhaps in the middle of the work: {text}", 300),
    )


def task_outcome(*messages: object) -> Outcome:
    """The outcome of a task that failed without an answer of ours."""
    text = " ".join(_searched(message) for message in messages)
    for cause in TASK_CAUSES:
        if cause.pattern.search(text):
            return Outcome(cause.kind, code=cause.code, message=cause.sentence)
    return Outcome(
        OutcomeKind.UNKNOWN,
        code="no_answer",
        message=clean_text(f"the task ended without an answer: {text}", 400),
    )


def _searched(message: object) -> str:
    return message[:LONGEST_SEARCHED] if isinstance(message, str) else ""
