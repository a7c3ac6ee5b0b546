"""What `gate install` advises against strangers who hold sshd's places."""

from __future__ import annotations

import pytest

from daypass.gate.sshd_block import effective
from daypass.gate.strangers import advised_lines

OLD = "logingracetime 120\nmaxstartups 64:30:128\n"
NEW = (
    OLD + "persourcemaxstartups none\npersourcenetblocksize 32:128\npersourcepenalties crash:90 authfail:5\n"
)
WELL = "logingracetime 20\nmaxstartups 64:30:128\npersourcemaxstartups 16\npersourcenetblocksize 24:56\n"


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (OLD, ["LoginGraceTime 30"]),
        (NEW, ["LoginGraceTime 30", "PerSourceMaxStartups 32", "PerSourceNetBlockSize 32:64"]),
        (WELL, []),
        (WELL + "persourcepenalties no\n", ["PerSourcePenalties yes"]),
        (WELL.replace("20", "0", 1), ["LoginGraceTime 30"]),  # for ever
        (WELL.replace("64:", "10:"), ["PerSourceMaxStartups 5"]),
    ],
)
def test_only_what_is_weaker_is_advised_and_nothing_that_this_sshd_lacks(found, lines):
    """An unknown directive would keep sshd from starting; what an administrator made stricter stays."""
    assert advised_lines(effective(found)) == lines
