"""Rules of the demonstration: what it shows is real, and what isn't as it must be ends it."""

from __future__ import annotations

import io
import sys

import pytest

from lab.shown import Expected, Shown, StepFailed, environment

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture
def stream():
    """What a person would see."""
    return io.StringIO()


@pytest.fixture
def shown(tmp_path, stream):
    """A demonstration at its first step; nothing of it runs on after the test."""
    demonstration = Shown(tmp_path, environment([]), stream)
    demonstration.heading("A step")
    yield demonstration
    demonstration.end()


def python(code: str) -> tuple[str, str, str]:
    """A command that does what the code says."""
    return (sys.executable, "-c", code)


def test_command_is_shown_as_it_can_be_typed_then_its_output(shown, stream):
    """Words with blanks are quoted, so the line can be copied."""
    assert shown.run("echo", "two words", "three") == "two words three\n"
    assert "$ echo 'two words' three\ntwo words three\n" in stream.getvalue()


def test_other_exit_code_ends_the_step(shown):
    """A command that fails, or that works where it must not, is never passed over."""
    with pytest.raises(StepFailed, match="exit code 3, expected 0") as failed:
        shown.run(*python("raise SystemExit(3)"))
    assert failed.value.step == "A step"
    with pytest.raises(StepFailed, match="exit code 0, expected 255"):
        shown.run("true", expected=Expected(code=255))


def test_missing_text_ends_the_step(shown):
    """An exit code alone proves little."""
    with pytest.raises(StepFailed, match="'alice' is not in its output"):
        shown.run("echo", "bob", expected=Expected(text=("bob", "alice")))


def test_output_where_none_must_be_ends_the_step(shown):
    """An account that is gone leaves no line."""
    with pytest.raises(StepFailed, match="expected nothing"):
        shown.run("echo", "alice", expected=Expected(silent=True))


def test_program_that_is_not_there_ends_the_step(shown):
    """The command is named."""
    with pytest.raises(StepFailed, match="no-such-program"):
        shown.run("no-such-program")


def test_repeated_command_is_shown_once(shown, stream, tmp_path):
    """Waiting is no news; the output that was waited for is."""
    code = (
        "import pathlib as p; f = p.Path('n'); n = f.exists() and f.read_text() or '';"
        "f.write_text(n + 'x'); print(n + 'x')"
    )
    shown.run_until(*python(code), expected=Expected(text=("xxx",)), seconds=30)
    assert stream.getvalue().count("$ ") == 1
    assert stream.getvalue().endswith("\nxxx\n")


def test_background_command_that_ends_by_itself_is_a_failure(shown):
    """A session that was not cut off proves nothing."""
    with pytest.raises(StepFailed, match="expected to be cut off"):
        shown.wait(shown.start("true"), 30)


def test_background_command_that_runs_on_is_a_failure(shown):
    """A session that outlives its grant is what must not be."""
    with pytest.raises(StepFailed, match="still runs"):
        shown.wait(shown.start(*SLEEP), 0.1)


def test_end_leaves_no_background_command(shown):
    """A failed demonstration leaves nothing running."""
    process = shown.start(*SLEEP)
    shown.end()
    assert process.poll() is not None


def test_callers_settings_stay_outside(monkeypatch, tmp_path):
    """Somebody's own configuration, agent and Ansible settings have no part in it."""
    for name in ("DAYPASS_CONFIG", "ANSIBLE_CONFIG", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "mine")
    found = environment([tmp_path])
    assert not {"DAYPASS_CONFIG", "ANSIBLE_CONFIG", "SSH_AUTH_SOCK"} & set(found)
    assert found["PATH"].startswith(f"{tmp_path}:")
