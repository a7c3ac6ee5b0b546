"""sshd_config as a tree of files."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.sshd import config
from ansible_collections.daypass.ssh.plugins.module_utils.sshd.config import copy_tree, lines_of, reach, walk

MAIN = "/etc/ssh/sshd_config"
DROPIN = "/etc/ssh/sshd_config.d/00-daypass.conf"
EARLIER = "/etc/ssh/sshd_config.d/05-x.conf"
INCLUDE = b"Include /etc/ssh/sshd_config.d/*.conf\n"


class Files:
    """A file system of a few files."""

    def __init__(self, **content: bytes) -> None:
        self.content = {MAIN: b"", **content}

    def read(self, path: str) -> bytes | None:
        return self.content.get(path)

    def expand(self, pattern: str) -> list[str]:
        return sorted(path for path in self.content if config.covers(pattern, path))


@pytest.mark.parametrize(
    "text", ["PermitRootLogin no", "permitrootlogin  no", "PermitRootLogin=no", " PermitRootLogin = no"]
)
def test_directive_is_read_in_each_spelling(text: str):
    """Case, blanks and an equals sign make no difference to sshd."""
    assert [(line.keyword, line.rest) for line in lines_of(MAIN, text.encode())] == [
        ("permitrootlogin", "no")
    ]


def test_comments_are_no_directives():
    """A line that is switched off isn't in the way."""
    assert list(lines_of(MAIN, b"# DenyUsers alice\n  #AllowGroups x\n\n")) == []


def test_lines_below_match_are_conditional_until_match_all():
    """`Match all` ends a block."""
    found = lines_of(MAIN, b"A 1\nMatch User bob\nB 2\nMatch all\nC 3\n")
    assert [(line.keyword, line.conditional) for line in found] == [
        ("a", False),
        ("match", True),
        ("b", True),
        ("match", False),
        ("c", False),
    ]


def test_includes_are_followed_where_they_stand():
    """The order decides who wins."""
    files = Files(**{MAIN: b"Include sshd_config.d/*.conf\nZ 1\n", EARLIER: b"Y 1\n", DROPIN: b"X 1\n"})
    found = [line.keyword for line in walk(MAIN, files.read, files.expand)]
    assert found == ["include", "x", "y", "z"]


def test_files_that_include_each_other_come_to_an_end():
    """sshd stops at sixteen levels; so do we."""
    files = Files(**{MAIN: b"Include /etc/ssh/sshd_config\nA 1\n"})
    assert len(list(walk(MAIN, files.read, files.expand))) < 50


@pytest.mark.parametrize(
    "text", [b"Port 22\n", b"# Include /etc/ssh/sshd_config.d/*.conf\n", b"Include /etc/other/*.conf\n"]
)
def test_dropin_isnt_reached_without_an_include(text: bytes):
    """Then nothing that we write would count."""
    files = Files(**{MAIN: text})
    assert reach(MAIN, DROPIN, files.read, files.expand) is None


def test_include_inside_a_match_block_is_conditional():
    """It would hold for some people only."""
    files = Files(**{MAIN: b"Match User bob\n" + INCLUDE})
    line = reach(MAIN, DROPIN, files.read, files.expand)
    assert line is not None
    assert line.conditional


def test_unconditional_include_is_preferred():
    """One good Include is enough."""
    files = Files(**{MAIN: b"Match User bob\n" + INCLUDE + b"Match all\n" + INCLUDE})
    line = reach(MAIN, DROPIN, files.read, files.expand)
    assert line is not None
    assert (line.conditional, line.number) == (False, 4)


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("/etc/ssh/sshd_config.d/*.conf", DROPIN, True),
        ("sshd_config.d/*.conf", DROPIN, True),
        ("/etc/ssh/sshd_config.d/*", "/etc/ssh/sshd_config.d/.00.conf.tmp", False),
        ("/etc/ssh/*.conf", DROPIN, False),
        ("/etc/ssh/sshd_config.d/1*.conf", DROPIN, False),
    ],
)
def test_pattern_covers_what_glob_would_find(pattern: str, path: str, covered: bool):
    """A star doesn't cross folders and doesn't take a leading dot."""
    assert config.covers(pattern, path) is covered


def test_copy_holds_a_dropin_that_isnt_there_yet_in_its_place():
    """The trial reads the files in the order in which the real sshd would."""
    files = Files(**{MAIN: b"# stock\n" + INCLUDE + b"UsePAM yes\n", EARLIER: b"X no\n"})
    copies, origins = copy_tree(MAIN, files.read, {DROPIN: b"Match all\n"}, "/tmp/trial", files.expand)
    main = copies["/tmp/trial/000.conf"].decode().splitlines()
    assert main == ["# stock", "Include /tmp/trial/001.conf /tmp/trial/002.conf", "UsePAM yes"]
    assert (copies["/tmp/trial/001.conf"], copies["/tmp/trial/002.conf"]) == (b"Match all\n", b"X no\n")
    assert origins["/tmp/trial/001.conf"] == DROPIN


def test_copy_replaces_a_dropin_that_is_there():
    """The old content must not be tried beside the new."""
    files = Files(**{MAIN: INCLUDE, DROPIN: b"old\n"})
    copies, _origins = copy_tree(MAIN, files.read, {DROPIN: b"new\n"}, "/t", files.expand)
    assert sorted(copies.values()) == [b"Include /t/001.conf\n", b"new\n"]


def test_copy_keeps_the_number_of_lines_where_nothing_is_included():
    """The line numbers in sshd's messages are those of the original."""
    files = Files(**{MAIN: b"A 1\nInclude /nowhere/*\nB 2\n"})
    copies, _origins = copy_tree(MAIN, files.read, {}, "/t", files.expand)
    assert copies["/t/000.conf"] == b"A 1\n# nothing to include\nB 2\n"
