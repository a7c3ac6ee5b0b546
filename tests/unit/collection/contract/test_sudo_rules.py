"""Sudo rules: hostile ones are refused, allowed ones are written as they are meant."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.daypass.ssh.plugins.module_utils.contract import sudo_rules
from ansible_collections.daypass.ssh.plugins.module_utils.contract.document import SudoRule
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal

END = 1_795_345_200  # 2026-11-22T11:00:00Z


@pytest.mark.parametrize(
    "command",
    [
        "/bin/ls\n",
        "/bin/ls\nroot ALL=(ALL) ALL",
        "/bin/ls # x",
        "/bin/ls#",
        "/bin/ls \\",
        "/bin/ls\\",
        "!/bin/ls",
        "/bin/ls, /bin/sh",
        "/bin/chown a:b",
        "/bin/ls *",
        "/bin/l?",
        "/bin/[a-z]",
        "ls",
        "ALL",
        "/usr/bin/../bin/sh",
        "/./bin/sh",
        "/bin/",
        "//bin/sh",
        "/bin/ls  x",
        " /bin/ls",
        "/bin/ls ",
        "",
        '/bin/ls ""',
        "/bin/ls 'x'",
        "/bin/ls $(id)",
        "/bin/ls ^x$",
        "/bin/ls\t-l",
        "/bin/ls \x7f",
        "/bin/" + "l" * 600,
        "sudoedit /etc/passwd",
        "NOPASSWD: /bin/ls",
        None,
        7,
    ],
)
def test_hostile_command_is_refused(command: object):
    """What has a meaning in sudoers never gets into it."""
    with pytest.raises(Refusal) as caught:
        sudo_rules.check_rule("root", (command,))
    assert caught.value.code == "sudo_rule_invalid"


@pytest.mark.parametrize(
    "run_as", ["", "root,alice", "%wheel", "#0", "root\n", "-u", "ALL:ALL", "!root", None]
)
def test_hostile_run_as_is_refused(run_as: object):
    """Commands run as one plain login, or as ALL."""
    with pytest.raises(Refusal):
        sudo_rules.check_rule(run_as, "ALL")


@pytest.mark.parametrize("commands", [(), [], None, "all", "/bin/ls", {}])
def test_commands_that_are_no_list_are_refused(commands: object):
    """A text that isn't the word ALL is not taken for a command."""
    with pytest.raises(Refusal):
        sudo_rules.check_rule("root", commands)


def test_rules_are_written_with_their_end_in_utc():
    """Each rule ends by itself; without the Z the caller's time zone would move it."""
    rules = {"alice": [(SudoRule("root", ("/usr/bin/systemctl restart nginx",)), END)]}
    assert sudo_rules.render_sudoers(rules, notafter=True).splitlines()[1:] == [
        "alice ALL=(root) NOTAFTER=20261122110000Z NOPASSWD: /usr/bin/systemctl restart nginx"
    ]
    assert "NOTAFTER" not in sudo_rules.render_sudoers(rules, notafter=False)


def test_same_command_of_two_grants_lasts_until_the_later_end():
    """Grants add up."""
    rule = SudoRule("root", ("/usr/bin/id",))
    text = sudo_rules.render_sudoers({"alice": [(rule, END), (rule, END + 60)]}, notafter=True)
    assert text.count("/usr/bin/id") == 1
    assert "NOTAFTER=20261122110100Z" in text


def test_no_rules_give_no_file():
    """A file without a rule has no business in sudoers.d."""
    assert sudo_rules.render_sudoers({}, notafter=True) == ""
    assert sudo_rules.render_sudoers({"alice": []}, notafter=True) == ""


WORDS = st.text(alphabet="abcXYZ019_./@%+=~- #,:!\\\n\t\"'*?[]()$", min_size=1, max_size=30)


@given(command=WORDS.map(lambda text: "/" + text), run_as=WORDS | st.just("root"))
def test_whatever_passes_is_one_line_with_one_command(command: str, run_as: str):
    """No command that passes can begin a second line, a second command, a comment or a negation."""
    try:
        sudo_rules.check_rule(run_as, (command,))
    except Refusal:
        return
    text = sudo_rules.render_sudoers({"alice": [(SudoRule(run_as, (command,)), END)]}, notafter=False)
    (line,) = text.splitlines()[1:]
    match = re.fullmatch(r"alice ALL=\(([^()]*)\) NOPASSWD: (.*)", line)
    assert match
    assert match.group(1) == run_as
    assert match.group(2).replace("\\=", "=") == command
    assert not re.search(r"[,:#!*?\[\]()\"'$]|\\(?!=)", match.group(2))
