"""What `gate install` does as root to files that somebody else may have had a hand in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daypass.gate.machine import InstallError, give


def test_plain_file_is_handed_over(tmp_path):
    """Owner and mode, of this very file."""
    file = tmp_path / "key"
    file.write_text("x")
    give(file, os.getuid(), os.getgid(), 0o600)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["link", "second name", "fifo", "nothing"])
def test_what_is_no_plain_file_of_one_name_is_not_handed_over(tmp_path: Path, kind):
    """A link of the account's would give it another file, such as /etc/shadow; a FIFO would be waited for."""
    target, place = tmp_path / "shadow", tmp_path / "key"
    target.write_text("x")
    target.chmod(0o644)
    if kind == "link":
        place.symlink_to(target)
    elif kind == "second name":
        place.hardlink_to(target)
    elif kind == "fifo":
        os.mkfifo(place)
    with pytest.raises(InstallError):
        give(place, os.getuid(), os.getgid(), 0o600)
    assert target.stat().st_mode & 0o777 == 0o644
