"""The end of a wave, as far as no server is needed for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from daypass.execution.results import WaveResults
from daypass.execution.runner import _take

ANSWER = {"answer": {"version": 1, "status": "converged", "sequence": 1, "accounts": {}}}


def test_with_the_last_outcome_nobody_waits_for_ansible(tmp_path: Path):
    """Its processes are ended as soon as each server has answered, and not before."""
    results = WaveResults(["web-1", "web-2"], at_once=True)
    with subprocess.Popen(["sleep", "1000"], env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}) as ansible:
        _take(tmp_path, results, "runner_on_ok", {"host": "web-1", "res": ANSWER})
        assert ansible.poll() is None
        _take(tmp_path, results, "runner_on_ok", {"host": "web-2", "res": ANSWER})
        assert ansible.wait(60) == -9
        _take(tmp_path, results, "playbook_on_stats", {})
    assert results.complete
