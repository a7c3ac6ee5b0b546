"""Lines that may stay while nothing may open: those that are there, with the same end or an earlier one."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.plan.shortening import at_most, only_present

KEY = 'restrict,pty,cert-authority,principals="daypass-G1-{}",expiry-time="{}Z" ssh-ed25519 AAAA\n'
RULE = "alice ALL=(root) NOTAFTER={}Z NOPASSWD: /usr/bin/id\n"
EARLY, LATE = "20261118110000", "20261118120000"


@pytest.mark.parametrize(
    ("wanted", "present", "kept"),
    [
        (KEY.format(1, EARLY), KEY.format(1, LATE), KEY.format(1, EARLY)),
        (KEY.format(1, LATE), KEY.format(1, EARLY), ""),
        (KEY.format(2, EARLY), KEY.format(1, LATE), ""),
        (RULE.format(EARLY), RULE.format(LATE), RULE.format(EARLY)),
        (RULE.format(LATE), RULE.format(EARLY), ""),
        (RULE.format(LATE), "alice ALL=(root) NOPASSWD: /usr/bin/id\n", RULE.format(LATE)),
        ("alice ALL=(root) NOPASSWD: /usr/bin/id\n", RULE.format(LATE), ""),
        (KEY.format(1, EARLY), None, ""),
        (None, KEY.format(1, EARLY), ""),
    ],
)
def test_line_stays_only_where_the_host_has_it_for_as_long(
    wanted: str | None, present: str | None, kept: str
):
    """Nothing is added, and no end moves away."""
    assert only_present(wanted, present) == kept


@pytest.mark.parametrize(
    ("wanted", "present", "kept"),
    [
        (KEY.format(1, EARLY), KEY.format(1, LATE), KEY.format(1, EARLY)),
        (KEY.format(1, LATE), KEY.format(1, EARLY), KEY.format(1, EARLY)),
        (KEY.format(1, LATE) + KEY.format(2, LATE), KEY.format(1, EARLY), KEY.format(1, EARLY)),
        (KEY.format(1, LATE), KEY.format(1, EARLY) + KEY.format(2, EARLY), KEY.format(1, EARLY)),
        (KEY.format(1, EARLY).replace("pty,", ""), KEY.format(1, EARLY), ""),
        (KEY.format(1, EARLY), None, ""),
        (None, KEY.format(1, EARLY), ""),
    ],
)
def test_what_both_have_ends_at_the_earlier_end(wanted: str | None, present: str | None, kept: str):
    """After a run that was cut off nothing is added while rights are taken away."""
    assert at_most(wanted, present) == kept
