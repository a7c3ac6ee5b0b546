"""Commands of the lab, run to their end."""

from __future__ import annotations

import pytest

from lab import podman
from lab.errors import LabError


def test_command_that_reads_late_gets_all_of_its_input() -> None:
    """More than a pipe holds, and later than the first look at the command."""
    script = f"sleep {2 * podman.LOOK_SECONDS}; wc -c"
    assert (
        podman.finish(["sh", "-c", script], stdin="x" * 1_000_000, timeout_seconds=60).stdout == "1000000\n"
    )


def test_nobody_waits_for_what_a_command_leaves_running() -> None:
    """Though it holds the command's output; what was said until then is there."""
    done = podman.finish(["sh", "-c", "echo said; sleep 100 & echo $!"], timeout_seconds=60)
    said, left = done.stdout.split()
    podman.finish(["kill", left])
    assert (said, done.returncode) == ("said", 0)


def test_command_that_never_ends_is_ended() -> None:
    """With the words that say which."""
    with pytest.raises(LabError, match="sleep 100 took over"):
        podman.finish(["sleep", "100"], timeout_seconds=0.1)


def test_what_a_program_said_since_the_last_look_is_not_lost(monkeypatch: pytest.MonkeyPatch):
    """One that ends between a look at its output and the look whether it ended is heard out all the same."""
    monkeypatch.setattr(podman, "LOOK_SECONDS", 0)
    script = "echo said; echo complained >&2; sleep 100 & echo $!"
    done = podman.finish(["sh", "-c", script], timeout_seconds=60)
    said, left = done.stdout.split()
    podman.finish(["kill", left])
    assert (said, done.stderr) == ("said", "complained\n")
