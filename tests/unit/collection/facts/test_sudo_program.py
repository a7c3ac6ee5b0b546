"""What a host's own sudo says of a login: sudo and sudo-rs in their own words."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import Completed
from ansible_collections.daypass.ssh.plugins.module_utils.facts.sudo_program import SudoProgram

WS = "Sudo version 1.9.16p2\nSudoers policy plugin version 1.9.16p2\n"
RS = "sudo-rs 0.2.5\n"
NONE_WS = "User alice is not allowed to run sudo on web-1.\n"
NONE_RS = "sudo-rs: Sorry, user root is not allowed to execute 'list' as alice on web-1.\n"
DEFAULTS = "Matching Defaults entries for alice on web-1:\n    env_reset, mail_badpass\n\n"
GIVEN = "User alice may run the following commands on web-1:\n    (root) NOPASSWD: /usr/bin/id\n"


class Host:
    """A sudo that says one thing of everybody."""

    def __init__(self, version: str, stdout: str, stderr: str = "", code: int = 0) -> None:
        self.version = version
        self.listed = Completed(code, stdout, stderr)

    def query(self, argv: list[str]) -> Completed:
        return Completed(0, self.version, "") if argv == ["sudo", "--version"] else self.listed


def outcome(host: Host) -> str | None:
    """The code with which an opening is refused, None where it goes on."""
    try:
        SudoProgram(host).check_no_rights("alice")
    except Refusal as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    "host",
    [
        Host(WS, NONE_WS),
        Host(WS, NONE_WS, code=1),
        Host(WS, NONE_WS, "sudo: unable to resolve host web-1: Name or service not known\n"),
        Host(WS, NONE_WS, '/etc/sudoers:9:12: unknown defaults entry "nonsense"\n'),
        Host(RS, "", NONE_RS, code=1),
        Host(RS, "", NONE_RS.replace("sudo-rs:", "sudo:"), code=1),
        Host(RS, "", "/etc/sudoers.d/x:1:10: unknown setting: 'nonsense'\n" + NONE_RS, code=1),
    ],
)
def test_login_without_rights_may_open(host: Host):
    """Each sudo's own sentence, with what else it says that gives nobody a right."""
    assert outcome(host) is None


@pytest.mark.parametrize("version", [WS, RS])
@pytest.mark.parametrize("text", [GIVEN, DEFAULTS + GIVEN])
def test_login_with_rights_of_others_is_refused(version: str, text: str):
    """A right that waits for the name would be his with the first login."""
    assert outcome(Host(version, text)) == "old_rights"


@pytest.mark.parametrize(
    "host",
    [
        Host(WS, ""),
        Host(WS, "", "sudo: timed out", code=124),
        Host(WS, "User root is not allowed to run sudo on web-1.\n"),
        Host(WS, "User alice2 is not allowed to run sudo on web-1.\n"),
        Host(WS, NONE_WS, "/etc/sudoers.d/x:1:5: syntax error\n"),
        Host(WS, NONE_WS, "sudo: /etc/sudoers.d/x is world writable\n"),
        Host(WS, NONE_WS, "sudo: unable to open /etc/sudoers.d/x: No such file or directory\n"),
        Host(RS, NONE_WS),
        Host(RS, "", "/etc/sudoers.d/x:1:14: expecting '=' but found 'x'\n" + NONE_RS, code=1),
        Host(RS, "", "/etc/sudoers:54:2: Is a directory (os error 21)\n" + NONE_RS, code=1),
        Host(RS, "", "/etc/sudoers.d/x:1:2: include file limit reached\n" + NONE_RS, code=1),
    ],
)
def test_answer_that_isnt_clear_stops_the_opening(host: Host):
    """No answer, one about somebody else, a complaint about a file: what isn't known isn't taken for nothing.

    sudo-rs says the other sudo's sentence of anybody where its sudoers have no rule for root.
    """
    assert outcome(host) == "sudoers_broken"
