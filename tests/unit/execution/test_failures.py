"""What ssh and sudo say, and what may be concluded from it."""

from __future__ import annotations

import pytest

from daypass.domain.outcomes import OutcomeKind
from daypass.execution.failures import connection_outcome, task_outcome

VIA = "Failed to connect to the host via ssh: "
UNREACHABLE = {
    "host_key_mismatch": [
        "@@@@@\r\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nHost key verification failed.",
        "No ED25519 host key is known for web-1 and you have requested strict checking.",
        "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa",
    ],
    "permission_denied": ["apono@127.77.0.1: Permission denied (publickey,password)."],
    "connection_refused": ["ssh: connect to host 127.77.0.1 port 9: Connection refused"],
    "timed_out": [
        "ssh: connect to host 10.255.255.1 port 22: Connection timed out",
        "Connection timed out during banner exchange\r\nConnection to 127.77.0.1 port 22 timed out",
    ],
    "name_not_resolved": ["ssh: Could not resolve hostname nowhere: Name or service not known"],
    "no_route": ["ssh: connect to host 10.9.9.9 port 22: No route to host"],
    "connection_closed": ["kex_exchange_identification: read: Connection reset by peer"],
}


@pytest.mark.parametrize(
    ("code", "said"), [(code, text) for code, texts in UNREACHABLE.items() for text in texts]
)
def test_connection_that_never_stood_is_unreachable_with_its_reason(code: str, said: str) -> None:
    """Where ssh says that no login happened, the server did nothing, and the reason is named."""
    outcome = connection_outcome(VIA + said)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNREACHABLE, code)
    assert outcome.message


@pytest.mark.parametrize(
    "said",
    [
        "client_loop: send disconnect: Broken pipe",
        "Timeout, server 127.77.0.1 not responding.",
        "Connection to 127.77.0.1 closed by remote host.",
        "Connection reset by 127.77.0.1 port 22",
        "Read from remote host 127.77.0.1: Connection timed out",
        "",
        "anything else",
    ],
)
def test_connection_that_broke_later_is_unknown(said: str) -> None:
    """A connection that was lost may have carried the work: never counted as not done."""
    assert connection_outcome(VIA + said).kind is OutcomeKind.UNKNOWN


def test_changed_host_key_is_named_before_everything_else() -> None:
    """A server can't hide a changed key behind another complaint."""
    said = "Permission denied (publickey).\nHost key verification failed."
    assert connection_outcome(said).code == "host_key_mismatch"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("/bin/sh: 1: /usr/bin/python3: not found", "python_missing"),
        ("/bin/sh: /usr/bin/python3: No such file or directory", "python_missing"),
        ("Missing sudo password", "sudo_refused"),
        ("sudo: a password is required", "sudo_refused"),
        ("apono is not in the sudoers file.", "sudo_refused"),
        ("/bin/sh: 1: sudo: not found", "sudo_missing"),
    ],
)
def test_task_that_could_not_begin_has_failed_with_its_reason(said: str, code: str) -> None:
    """Nothing ran on the server, and what it lacks is named."""
    outcome = task_outcome("MODULE FAILURE", said)
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, code)


def test_task_that_died_without_an_answer_is_unknown() -> None:
    """A module that crashed half way may have changed things."""
    outcome = task_outcome("MODULE FAILURE", "Traceback \x1b[31m…", None)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "no_answer")
    assert "\x1b" not in str(outcome.message)


def test_message_that_is_no_text_is_unknown() -> None:
    """A server that sends an object in place of a message gains nothing."""
    assert connection_outcome({"a": 1}).kind is OutcomeKind.UNKNOWN
