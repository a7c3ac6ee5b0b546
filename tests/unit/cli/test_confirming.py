"""Nothing that can't be undone happens without a word of somebody, and programs give it as an option."""

from __future__ import annotations

import io

import click
import pytest

from daypass.cli.confirming import confirm, confirm_by_name
from daypass.cli.render import Screen, console_of
from daypass.errors import UsageError


@pytest.fixture
def nobody() -> Screen:
    """No terminal."""
    return Screen(console=console_of(io.StringIO()), messages=console_of(io.StringIO()))


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal."""
    monkeypatch.setattr(Screen, "asks", True)
    return Screen(console=console_of(io.StringIO()), messages=console_of(io.StringIO()))


def test_without_a_terminal_the_hint_names_the_option(nobody):
    """A cron job that forgot --yes is told, and changes nothing."""
    with pytest.raises(UsageError) as caught:
        confirm(nobody, "Go on?", confirmed=False)
    assert caught.value.code == "confirmation_needed"
    assert "--yes" in caught.value.hint
    confirm(nobody, "Go on?", confirmed=True)


def test_a_no_changes_nothing(somebody, monkeypatch):
    """Return alone is a no."""
    monkeypatch.setattr(click, "confirm", lambda _question: False)
    with pytest.raises(UsageError) as caught:
        confirm(somebody, "Go on?", confirmed=False)
    assert caught.value.code == "not_confirmed"


def test_a_question_holds_nothing_that_a_terminal_obeys(somebody, monkeypatch):
    """Names in it come from the record."""
    asked = []
    monkeypatch.setattr(click, "confirm", lambda question: asked.append(question) or True)
    confirm(somebody, "End the access of \x1b[2Jalice?", confirmed=False)
    assert asked == ["End the access of \\x1b[2Jalice?"]


@pytest.mark.parametrize("typed", ["web-11", "", "WEB-1"])
def test_another_name_gives_nothing_up(somebody, monkeypatch, typed):
    """Giving up a server takes its whole name."""
    monkeypatch.setattr(click, "prompt", lambda *_words, **_more: typed)
    with pytest.raises(UsageError) as caught:
        confirm_by_name(somebody, "web-1", None, option="--confirm")
    assert caught.value.code == "not_confirmed"


def test_the_name_can_be_given_as_an_option(nobody):
    """Where nobody can type; it must be the right one all the same."""
    confirm_by_name(nobody, "web-1", "web-1", option="--confirm")
    with pytest.raises(UsageError):
        confirm_by_name(nobody, "web-1", "web-2", option="--confirm")
    with pytest.raises(UsageError) as caught:
        confirm_by_name(nobody, "web-1", None, option="--confirm")
    assert "--confirm web-1" in caught.value.hint
