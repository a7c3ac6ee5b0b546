"""What the sudoers of others says: names that rights may wait for, groups that are as good as root."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.daypass.ssh.plugins.module_utils.facts import sudoers_words


@pytest.mark.parametrize(
    "line",
    [
        "alice ALL=(ALL) ALL",
        "%alice ALL=(ALL) ALL",
        "bob, alice ALL=(ALL) ALL",
        "bob,\\\n  alice ALL=(ALL) ALL",
        "ALL,!alice ALL=(ALL) ALL",
        "User_Alias OPS = bob, alice",
        "Runas_Alias DB = alice",
        "bob ALL=(alice) /bin/ls",
        "bob ALL=(root:alice) /bin/ls",
        "Defaults:alice !authenticate",
        "Defaults>alice env_keep+=X",
    ],
)
def test_name_that_may_give_a_right_is_found(line: str):
    """Users, groups, aliases, run-as lists and defaults all count."""
    assert "alice" in sudoers_words.mentioned_names([line + "\n"])


@pytest.mark.parametrize(
    "line",
    [
        "# alice ALL=(ALL) ALL",
        "bob ALL=(ALL) /usr/bin/alice",
        "Cmnd_Alias X = /home/alice/run",
        "Defaults secure_path=/home/alice",
        "bob ALL=(ALL) ALL # alice",
    ],
)
def test_name_in_a_comment_or_a_command_is_none(line: str):
    """A path that holds the name gives nobody of that name a right."""
    assert "alice" not in sudoers_words.mentioned_names([line + "\n"])


@pytest.mark.parametrize(
    "text",
    [
        "%ops ALL=(ALL) ALL",
        "%ops ALL=(ALL:ALL) NOPASSWD: ALL",
        "%ops ALL=ALL",
        "%ops ALL=(root) SETENV: NOPASSWD: ALL",
        "%ops ALL=(#0) ALL",
        "%ops ALL=(nobody) /bin/a, (root) ALL",
        "%ops ALL=/bin/a, ALL, !/bin/su",
        "%ops web=/bin/a : db=ALL",
        "%web, %ops ALL=(ALL) TIMEOUT=5m NOPASSWD: ALL",
        "User_Alias OPS = bob, %ops\nOPS ALL=(ALL) ALL",
        "Cmnd_Alias SOME = /bin/a : ANY = ALL\n%ops ALL=(ALL) ANY",
        "Runas_Alias DB = root\n%ops ALL=(DB) ALL",
    ],
)
def test_group_with_all_commands_as_root_is_as_good_as_root(text: str):
    """Whoever may run everything as root can change everything that we leave on the host."""
    assert "ops" in sudoers_words.root_groups([text])


@pytest.mark.parametrize(
    "text",
    [
        "%ops ALL=(ALL) /bin/a",
        "%ops ALL=(nobody) ALL",
        "%ops ALL=(nobody, daemon) /bin/a, ALL",
        "!%ops ALL=(ALL) ALL",
        "ops ALL=(ALL) ALL",
        "# %ops ALL=(ALL) ALL",
        "Defaults:%ops !authenticate",
        "%web ALL=(ALL) ALL",
    ],
)
def test_group_with_less_is_none(text: str):
    """One command, another user, another group: no reason to warn."""
    assert "ops" not in sudoers_words.root_groups([text])


def test_groups_by_number_and_by_name_count():
    """`%#27` is a gid; groups such as docker are as good as root without any rule."""
    found = sudoers_words.root_groups(["%#27 ALL=(ALL) ALL"])
    assert {"#27", "docker", "sudo"} <= found


TEXTS = st.text(alphabet="aZ_19.-%#!()=:,/\\\t \né\x0b") | st.lists(
    st.sampled_from(
        ["alice", "%ops", "%#27", "!%x", "ALL", "=", "(", ")", "(ALL)", "(root:x)", "NOPASSWD:", "CWD=/ ",
         "TAG_A:", "A_B=c ", "X=", ",", " ", "\t", "#", " #c", "#1", ":", "/bin/ls", "Cmnd_Alias", "\n"]
    )
).map("".join)  # fmt: skip


@given(TEXTS)
def test_parts_of_a_line_are_what_regular_expressions_find(text: str):
    """The parts are found by hand, so that no run loads re; a word that is overseen is a right."""
    assert sudoers_words.words_of(text) == re.findall(r"[A-Za-z_][A-Za-z0-9_.-]*", text)
    assert sudoers_words.aliases_of(text) == re.findall(r"[A-Z][A-Z0-9_]*", text)
    assert sudoers_words.groups_of(text) == re.findall(r"(?<!!)%(#?[A-Za-z0-9_][A-Za-z0-9_.-]*)", text)
    assert sudoers_words.run_as_of(text) == re.findall(r"\(([^)]*)\)", text)
    assert sudoers_words.command_of(text) == re.sub(
        r"(?:[A-Z_]+:[ \t]*|[A-Z]+=[^ \t]+[ \t]+)*", "", text, count=1
    )


@given(TEXTS)
def test_comment_ends_a_line_as_a_regular_expression_says(text: str):
    """After a blank or at the beginning; `#1000` is a uid."""
    wanted = (
        re.sub(r"(^|[ \t])#(?![0-9]).*$", "", line).strip() for line in text.replace("\\\n", " ").splitlines()
    )
    kept = [line for line in wanted if line and not line.startswith(("@include", "#"))]
    assert sudoers_words.logical_lines(text) == kept
