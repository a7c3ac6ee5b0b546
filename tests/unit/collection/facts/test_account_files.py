"""The account files, read as the C library reads them."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.facts import account_files


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_mark_in_a_comment_ends_no_line(mark: str):
    """A person may put such a character into his comment (chfn): his account stays visible."""
    content = f"mallory:x:70008:70008:a{mark}b:/home/mallory:/bin/sh\n".encode()
    assert account_files.parse_passwd(content)["mallory"].uid == 70008


def test_number_that_isnt_ascii_is_no_number():
    """A line that the library skips is skipped, and doesn't end the run."""
    assert account_files.parse_passwd("a:x:²:1::/:/bin/sh\n".encode()) == {}
    assert account_files.parse_group("a:x:²:\n".encode()) == {}
    assert account_files.parse_ranges("a:²:1\n".encode()) == ()


def test_first_line_of_a_name_counts():
    """As in getpwnam(3)."""
    content = b"a:x:70001:70001::/home/a:/bin/sh\na:x:0:0::/root:/bin/sh\n"
    assert account_files.parse_passwd(content)["a"].uid == 70001
