"""What `gate install` asks of sshd."""

from __future__ import annotations

import pytest

from daypass.gate.sshd_block import drop_in, effective, startups_are_free


@pytest.mark.parametrize(
    ("found", "free"), [("10:30:100", True), ("64:30:128", True), ("10:30:60", False), ("200", False)]
)
def test_startups_that_somebody_chose_stay(found, free):
    """sshd's own value drops some of fifty people who come at once; an administrator's is meant."""
    assert startups_are_free(effective(f"port 22\nmaxstartups {found}\n")) is free


def test_startups_stand_before_the_block_of_the_account():
    """Within a Match they aren't allowed; and the block ends where the file ends."""
    text = drop_in("daypass", "daypass-broker", ["/opt/python"], startups=True)
    assert text.index("MaxStartups 64:30:128\n") < text.index("Match User daypass\n")
    assert text.endswith("Match all\n")
    assert "MaxStartups" not in drop_in("daypass", "daypass-broker", ["/opt/python"], startups=False)
