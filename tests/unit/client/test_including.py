"""The line in ~/.ssh/config: once, at the top, and nothing else of it changed."""

from __future__ import annotations

import os

import pytest

from daypass.client.including import add_include, drop_include, is_included, own_entries
from daypass.client.places import put_in_place
from daypass.errors import UsageError

from .conftest import NOW, access, effective, server

THEIRS = "# mine\nHost *\n\tUser bob\n\nHost web-1\r\n  Port 1\n"


def test_line_comes_first_and_wins(home, keys):
    """The rest stays as it was, and so does the file's mode."""
    config = home.ssh / "config"
    config.write_text(THEIRS, newline="")
    config.chmod(0o640)
    assert not is_included(home)
    add_include(home)
    assert config.read_bytes().decode() == f"{home.include}\n{THEIRS}"
    assert config.stat().st_mode & 0o777 == 0o640
    assert is_included(home)
    add_include(home)
    assert config.read_text().count("Include") == 1
    put_in_place(access(server()), keys, home, NOW)
    assert effective(home, "web-1", after=THEIRS.replace("\r", ""))["port"] == ["22"]


def test_file_is_made_for_its_owner_alone(home):
    """ssh refuses one that others may write."""
    add_include(home)
    config = home.ssh / "config"
    assert config.read_text() == f"{home.include}\n"
    assert config.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "line",
    [
        "{include}",
        "  include {path}",
        "INCLUDE={path}",
        "Include other {path}",
        "Include daypass-access/*/config",
        '# Host\nInclude "daypass-access/*/config"',
    ],
)
def test_line_that_a_person_wrote_counts(home, line):
    """However ssh takes it."""
    path = home.include.split('"')[1]
    (home.ssh / "config").write_text(line.format(include=home.include, path=path) + "\n")
    assert is_included(home)


@pytest.mark.parametrize(
    "line", ["# {include}", "Host x\n{include}", "match all\n  {include}", "Include other"]
)
def test_line_that_is_not_for_every_host_does_not_count(home, line):
    """Within a block it is for that block's hosts alone."""
    (home.ssh / "config").write_text(line.format(include=home.include) + "\n")
    assert not is_included(home)
    add_include(home)
    assert is_included(home)


def test_own_entry_of_the_same_name_is_noticed(home):
    """Its person may wonder why it does something else now; patterns are no names."""
    (home.ssh / "config").write_text(
        'Host x "web-1" y\n  User bob\nhost = db-1\nHost web-* *\nMatch host web-3\n'
    )
    assert own_entries(home, ["web-1", "web-2", "db-1", "web-3"]) == ["web-1", "db-1"]


def test_link_stays_a_link(home, tmp_path):
    """Who keeps the file elsewhere finds it changed there."""
    real = tmp_path / "dotfiles" / "ssh_config"
    real.parent.mkdir()
    real.write_text(THEIRS)
    (home.ssh / "config").symlink_to(real)
    add_include(home)
    assert (home.ssh / "config").is_symlink()
    assert real.read_text().startswith(home.include)
    assert [path.name for path in real.parent.iterdir()] == ["ssh_config"]


def test_link_into_nothing_and_odd_files_are_left_with_the_line_to_add(home, tmp_path):
    """Nothing is made where nobody expects it."""
    config = home.ssh / "config"
    config.symlink_to(tmp_path / "gone")
    with pytest.raises(UsageError) as refused:
        add_include(home)
    assert home.include in refused.value.hint
    assert not (tmp_path / "gone").exists()
    config.unlink()
    config.mkdir()
    with pytest.raises(UsageError, match="isn't a plain file"):
        is_included(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_file_of_somebody_else_is_not_taken_over(home):
    """A rename would make it ours."""
    config = home.ssh / "config"
    config.write_text(THEIRS, newline="")
    os.chown(config, 65534, 65534)
    with pytest.raises(UsageError, match="belongs to somebody else"):
        add_include(home)
    assert config.read_bytes().decode() == THEIRS


def test_dropping_gives_the_file_back_as_it_was(home):
    """Byte for byte; twice is once."""
    config = home.ssh / "config"
    config.write_text(THEIRS, newline="")
    add_include(home)
    assert drop_include(home, check=True)
    assert is_included(home)
    assert drop_include(home)
    assert config.read_bytes().decode() == THEIRS
    assert not drop_include(home)
