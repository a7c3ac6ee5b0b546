"""What is told beside a wave's result."""

from __future__ import annotations

import pytest

from daypass.cli.progress import wave_progress
from daypass.cli.render import Screen
from daypass.domain.outcomes import HostAnswer, Outcome, OutcomeKind

WARNING = "nothing on this host can end access at its time"


def outcome(*warnings: str) -> Outcome:
    """What a server answered."""
    answer = HostAnswer("converged", None, None, 1, {}, warnings=warnings, changed=False)
    return Outcome(OutcomeKind.APPLIED, answer=answer)


def test_what_servers_warn_of_is_told_once_with_their_names(capsys: pytest.CaptureFixture[str]):
    """A hundred servers with the same warning are one line, on standard error."""
    with wave_progress(Screen(), "granting") as progress:
        for number in range(1, 8):
            progress(f"web-{number}", outcome(WARNING))
        progress("db-1", outcome())
        progress("db-2", Outcome(OutcomeKind.UNREACHABLE, "timed_out", "no answer"))
    shown = capsys.readouterr()
    assert shown.err == f"web-1, web-2, web-3, web-4, web-5 and 2 more: {WARNING}\n"
    assert shown.out == ""
