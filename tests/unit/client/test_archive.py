"""The same files for a machine on which nothing but ssh and tar is installed."""

from __future__ import annotations

import subprocess

import pytest

from daypass.client.answer import AnswerRefused
from daypass.client.archive import archive_of
from daypass.client.places import put_in_place
from daypass.client.ssh_config import KeyPlace

from .conftest import GRANT, KEY, NOW, access, server

PLACE = KeyPlace(KEY.fingerprint, "~/.ssh/id_ed25519")


def unpack(home, content):
    subprocess.run(["tar", "-x", "-C", home.ssh], input=content, check=True, timeout=60)


def test_archive_unpacks_to_what_the_command_keeps(home, keys):
    """By tar itself, for the owner alone, with `~` for whatever home it is."""
    unpack(home, archive_of(access(server()), PLACE, NOW))
    folder = home.folder / ("d" * 32)
    assert sorted(path.name for path in folder.iterdir()) == [f"{GRANT}-1-cert.pub", "config", "known_hosts"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    done = subprocess.run(
        ["ssh", "-F", folder / "config", "-G", "web-1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "identityfile ~/.ssh/id_ed25519\n" in done.stdout
    assert f"certificatefile ~/.ssh/daypass-access/{'d' * 32}/{GRANT}-1-cert.pub\n" in done.stdout
    assert put_in_place(access(server()), keys, home, NOW).removed == ()


def test_archive_of_nothing_takes_the_entries_of_the_one_before_away(home):
    """tar removes no file; the configuration names none of them any more."""
    unpack(home, archive_of(access(server()), PLACE, NOW))
    unpack(home, archive_of(access(), PLACE, NOW))
    assert "Host" not in (home.folder / ("d" * 32) / "config").read_text()


def test_odd_answer_is_refused_before_anything_is_written():
    """As when it is put in place."""
    with pytest.raises(AnswerRefused):
        archive_of(access(server("x y")), PLACE, NOW)
