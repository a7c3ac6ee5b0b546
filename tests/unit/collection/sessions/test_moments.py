"""What ends of a person who had more for a moment: whatever may hold it still, and nothing from before."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.sessions import moments, process_table, processes
from ansible_collections.daypass.ssh.plugins.module_utils.sessions.process_table import Row
from tests.memory_system import MemorySystem

JANE, TEAM, SINCE = 1501, 2000, 100.0
HERS, ROOT, TEAMS = frozenset({JANE}), frozenset({0}), frozenset({JANE, TEAM})

CASES = {
    "from before": (Row(11, 1, 50, HERS, HERS, "sleep", None, None), False, False),
    "a job of hers, with nothing of ours": (Row(12, 1, 150, HERS, HERS, "cron job", None, None), False, True),
    "with the group": (Row(13, 1, 150, HERS, TEAMS, "sleep", None, None), True, True),
    "with the group, however old": (Row(14, 1, 50, HERS, TEAMS, "sleep", None, None), True, True),
    "root's, by sudo": (Row(15, 1, 150, ROOT, ROOT, "sh", None, (JANE, "7")), True, True),
    "root's, from before": (Row(16, 1, 50, ROOT, ROOT, "sh", None, (JANE, "7")), False, False),
    "a login in flight": (Row(17, 1, 150, ROOT, ROOT, "sshd: jane [priv]", None, None), True, True),
    "somebody else's": (
        Row(18, 1, 150, frozenset({70008}), frozenset({TEAM}), "sleep", None, None),
        False,
        False,
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("joined", [True, False], ids=["joined", "ours"])
def test_what_began_in_the_moment_ends(monkeypatch: pytest.MonkeyPatch, case: str, joined: bool):
    """An account of ours is given up whole; somebody who was there before keeps what is her own."""
    row, if_joined, if_ours = CASES[case]
    monkeypatch.setattr(process_table, "read_table", lambda: {row.pid: row})
    monkeypatch.setattr(processes, "is_listener", lambda _pid, _uids: False)
    moment = moments.Moment("jane", JANE, SINCE, frozenset({TEAM}), joined)
    left = moments.end_all(MemorySystem(), [moment], 1)
    assert left == ({"jane": [row.pid]} if (if_joined if joined else if_ours) else {})
