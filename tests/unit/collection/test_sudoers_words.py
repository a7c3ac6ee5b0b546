"""Which names sudoers mentions: everything that could give a right to a login of that name."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils import sudoers_words
from ansible_collections.daypass.ssh.plugins.module_utils.names import SUDOERS_PATH


class Files:
    """A host of a few files."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def read(self, path: str) -> bytes | None:
        """A file's content."""
        return self._files[path].encode() if path in self._files else None

    def names(self, folder: str) -> list[str]:
        """Names in a folder."""
        inside = (path for path in self._files if path.startswith(folder + "/"))
        return sorted(path.rpartition("/")[2] for path in inside)


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
    assert "alice" in sudoers_words.mentioned_names(Files({"/etc/sudoers": line + "\n"}))


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
    assert "alice" not in sudoers_words.mentioned_names(Files({"/etc/sudoers": line + "\n"}))


def test_includes_are_read_as_sudo_reads_them():
    """Included files and folders count, but not those that sudo skips, nor our own."""
    files = {
        "/etc/sudoers": "@includedir /etc/sudoers.d\n#include local\n",
        "/etc/local": "alice ALL=ALL\n@include /etc/sudoers\n",
        "/etc/sudoers.d/ops": "bob ALL=ALL\n",
        "/etc/sudoers.d/old.bak": "carol ALL=ALL\n",
        "/etc/sudoers.d/old~": "dora ALL=ALL\n",
        SUDOERS_PATH: "eve ALL=ALL\n",
    }
    found = sudoers_words.mentioned_names(Files(files))
    assert {"alice", "bob"} <= found
    assert not found & {"carol", "dora", "eve"}
