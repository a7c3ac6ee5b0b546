"""Rules of what reaches a terminal or a program."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from daypass.cli.progress import wave_progress
from daypass.cli.render import Screen, as_typed, countdown, safe, time_text
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.domain.windows import window_from
from daypass.errors import ConfigurationError, UsageError

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "a\rb", "a\nb", "\x9b31m", "\u202ereversed", "\u2028", "\x00"]
)
def test_control_and_format_characters_are_written_out(hostile):
    """A terminal obeys nothing that came from outside."""
    assert safe(hostile).isprintable()


def test_markup_from_outside_is_shown_as_it_is(capsys):
    """A reason such as `[bold red]` is text, not a style."""
    Screen().table(["reason"], [("[bold red]x[/]",)])
    assert "[bold red]x[/]" in capsys.readouterr().out


def test_json_holds_times_in_utc(capsys):
    """Programs get one form of time."""
    Screen(output="json").emit({"at": NOW}, lambda: None)
    assert json.loads(capsys.readouterr().out) == {"at": "2026-11-22T10:00:00Z"}


def test_an_error_for_programs_is_json_on_standard_output(capsys):
    """Code, message, hint and findings are all there."""
    Screen(output="json").error(ConfigurationError("bad", hint="do this", problems=("one", "two")))
    report = json.loads(capsys.readouterr().out)["error"]
    assert report == {
        "code": "configuration",
        "message": "bad",
        "hint": "do this",
        "problems": ["one", "two"],
    }


def test_an_error_for_people_goes_to_standard_error_with_its_hint(capsys):
    """Standard output stays free for results."""
    Screen().error(UsageError("it is wrong", hint="type that"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "it is wrong" in captured.err
    assert "type that" in captured.err


def test_times_say_how_far_they_are():
    """People read distances, not dates."""
    assert time_text(NOW + timedelta(hours=2), NOW).endswith("(in 2h)")
    assert time_text(NOW - timedelta(minutes=5), NOW).endswith("(5m ago)")
    assert time_text(None, NOW) == "-"


def test_a_time_of_another_day_has_its_date_and_one_of_today_has_none():
    """A narrow terminal shows the rest of the row instead."""
    assert time_text(NOW, NOW).count("-") == 0
    assert time_text(NOW + timedelta(days=3), NOW).startswith("2026-11-2")


@pytest.mark.parametrize(
    ("begins", "ended", "words"),
    [
        (-HOUR, None, "1h 5m left"),
        (-HOUR, NOW - 5 * MINUTE, "ended 5m ago"),
        (-3 * HOUR, None, "ended 55m ago"),
        (HOUR, None, "begins in 1h"),
        (HOUR, NOW, "ended 0s ago"),
        (-HOUR, NOW + 5 * HOUR, "1h 5m left"),
    ],
)
def test_countdown_says_what_is_left(begins, ended, words):
    """Of two hours and five minutes; what was ended early is over, whatever its window says."""
    window = window_from(NOW + begins, 2 * HOUR + 5 * MINUTE)
    assert countdown(window, ended, NOW) == words


@pytest.mark.parametrize("which", ["", " --public-key KEY.pub"])
def test_people_who_come_in_over_ssh_read_the_command_that_they_can_type(which, capsys):
    """The gate gives the certificate of the key that they came in with, and writes no file."""
    Screen(typed="ssh daypass@broker").line(f"daypass certificate show 01JD{which} --save ~/.ssh/id-cert.pub")
    assert capsys.readouterr().out == "ssh daypass@broker certificate 01JD > ~/.ssh/id-cert.pub\n"


def test_a_title_from_outside_is_written_out(capsys):
    """Like a cell."""
    Screen().table(["a"], [("b" * 40,)], title="flow \x1b[2J")
    assert "\\x1b[2J" in capsys.readouterr().out


def test_a_row_stays_on_one_line_where_there_is_no_terminal(capsys):
    """Programs such as grep and awk read whole rows."""
    Screen().table(["name", "what"], [("web-1", "word " * 200), ("web-2", "x" * 500)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].split() == ["web-2", "x" * 500]


def test_a_line_from_outside_stays_one_line(capsys):
    """What a server answered can't begin a line of its own, nor move the cursor."""
    Screen().line("refused\n$ daypass revoke\x1b[A")
    Screen().note("refused\r")
    captured = capsys.readouterr()
    assert captured.out == "refused\\n$ daypass revoke\\x1b[A\n"
    assert captured.err == "refused\\r\n"


def test_a_column_that_says_nothing_is_left_out(capsys):
    """Codes and messages are looked at only where there are some."""
    Screen().table(["server", "code", "state"], [("web-1", "-", "done"), ("web-2", "-", "done")])
    assert capsys.readouterr().out.split() == ["server", "state", "web-1", "done", "web-2", "done"]


def test_an_empty_table_keeps_its_columns(capsys):
    """What would be there is told by its head."""
    Screen().table(["server", "code"], [])
    assert capsys.readouterr().out.split() == ["server", "code"]


def test_verbose_error_has_its_code(capsys):
    """The code is what a search finds."""
    Screen(verbose=1).error(UsageError("it is wrong", code="not_onboarded"))
    assert capsys.readouterr().err == "error (not_onboarded): it is wrong\n"


def test_verbose_wave_tells_each_server_as_it_answers(capsys):
    """Where there is no terminal for a bar, -v shows that something happens."""
    for verbose in (0, 1):
        with wave_progress(Screen(verbose=verbose), "granting") as progress:
            progress("web-1", Outcome(OutcomeKind.UNREACHABLE, "no_answer", "it is silent"))
    assert capsys.readouterr().err == "web-1 unreachable no_answer it is silent\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see: daypass request list", "see: ssh d@b request list"),
        ("to say yes: daypass request approve 01X --as LOGIN", "to say yes: ssh d@b request approve 01X"),
        (
            "daypass certificate show 01X --save ~/.ssh/k-cert.pub",
            "ssh d@b certificate 01X > ~/.ssh/k-cert.pub",
        ),
        ("an operator may: daypass servers list", "an operator may: daypass servers list"),
    ],
)
def test_hints_at_the_gate_are_what_people_can_type_there(text, shown):
    """Who they are is known there, and there are no files to save to; elsewhere nothing changes."""
    assert as_typed(text, "ssh d@b") == shown
    assert as_typed(text, "") == text
