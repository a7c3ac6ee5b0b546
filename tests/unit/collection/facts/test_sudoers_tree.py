"""Which sudoers files are read: all that sudo reads, and nothing in which it would get lost."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import SUDOERS_PATH, Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.facts import sudoers_tree

SHORT = os.uname().nodename.partition(".")[0]


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


def test_folders_are_read_as_sudo_reads_them():
    """Included files and folders count, but not those that sudo skips, nor our own."""
    files = {
        "/etc/sudoers": "@includedir /etc/sudoers.d\n",
        "/etc/sudoers.d/ops": "bob",
        "/etc/sudoers.d/old.bak": "carol",
        "/etc/sudoers.d/old~": "dora",
        SUDOERS_PATH: "eve",
    }
    tree = sudoers_tree.read_tree(Files(files))
    assert tree.texts == (files["/etc/sudoers"], "bob")
    assert tree.includes_ours


@pytest.mark.parametrize(
    "line",
    [
        "@include /etc/more/local",
        "#include /etc/more/local",
        "@include more/local",
        '@include "/etc/more/local"',
        "@include /etc/mo\\re/local",
        "@include \\\n /etc/more/local",
    ],
)
def test_included_file_is_found_however_it_is_named(line: str):
    """Quoted, escaped, relative, on a continued line: as sudoers(5) has it."""
    assert "found" in sudoers_tree.read_tree(Files({"/etc/sudoers": line, "/etc/more/local": "found"})).texts


def test_relative_include_begins_beside_the_file_that_names_it():
    """Not in /etc, wherever that file is."""
    files = {"/etc/sudoers": "@include /srv/s/one", "/srv/s/one": "@include two", "/srv/s/two": "found"}
    assert "found" in sudoers_tree.read_tree(Files(files)).texts


def test_percent_h_is_the_short_name_of_the_host():
    """One sudoers for many hosts may include a file or a folder for each."""
    files = {
        "/etc/sudoers": "@include /etc/s.%h\n@includedir /etc/d.%h\n",
        f"/etc/s.{SHORT}": "file",
        f"/etc/d.{SHORT}/a": "folder",
    }
    assert {"file", "folder"} <= set(sudoers_tree.read_tree(Files(files)).texts)


def test_file_of_sudo_rs_is_read_too():
    """sudo-rs takes it instead of /etc/sudoers, where it is there."""
    assert "rs" in sudoers_tree.read_tree(Files({"/etc/sudoers": "ws", "/etc/sudoers-rs": "rs"})).texts


def test_our_file_must_be_reached():
    """Where nothing includes sudoers.d, a rule of ours would be written and never count."""
    assert not sudoers_tree.read_tree(Files({"/etc/sudoers": "root ALL=ALL"})).includes_ours
    assert sudoers_tree.read_tree(Files({"/etc/sudoers": f"@include {SUDOERS_PATH}"})).includes_ours


@pytest.mark.parametrize(
    "files",
    [
        {"/etc/sudoers": "@include /etc/nowhere"},
        {"/etc/sudoers": "@include /etc/sudoers"},
        {"/etc/sudoers": "@include a", "/etc/a": "@include b", "/etc/b": "@include a"},
        {"/etc/sudoers": "@includedir /etc/many", **{f"/etc/many/{n}": "" for n in range(300)}},
    ],
)
def test_tree_that_leads_nowhere_is_broken(files: dict[str, str]):
    """A missing file, a circle, too many files: nobody knows which rights wait for a name."""
    with pytest.raises(Refusal) as caught:
        sudoers_tree.read_tree(Files(files))
    assert caught.value.code == "sudoers_broken"


def test_missing_folder_and_missing_main_file_are_fine():
    """sudo says nothing about a folder that isn't there, and a host without sudo has no sudoers."""
    assert sudoers_tree.read_tree(Files({"/etc/sudoers": "@includedir /etc/nowhere"})).texts
    assert sudoers_tree.read_tree(Files({})).texts == ()


def test_file_included_twice_is_no_circle():
    """Two files may include a third."""
    files = {"/etc/sudoers": "@include a\n@include a\n", "/etc/a": "x"}
    assert sudoers_tree.read_tree(Files(files)).texts.count("x") == 2


@given(
    st.text(alphabet="@#includer \t/\x0b", max_size=20)
    | st.from_regex(r"[@#]include(dir)?[ \t]+.+", fullmatch=True)
)
def test_include_is_what_a_regular_expression_finds(line: str):
    """Found by hand, so that no run loads re; an include that is overseen is a file that is."""
    match = re.match(r"^[@#]include(dir)?[ \t]+(.+)$", line.strip())
    wanted = (bool(match.group(1)), match.group(2)) if match else None
    assert sudoers_tree.included_by(line) == wanted
