"""Templates and words of notices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.notices import LONGEST_WORD, fill, harmless, listed, names_in, notice_pause


def test_words_are_filled_in_once():
    """What a word holds is never taken for a template: a justification with braces stays as it was typed."""
    assert fill("{{{who}}}: {what}", {"who": "{what}", "what": "{who}"}) == "{{what}}: {who}"


@given(st.text())
def test_template_is_refused_or_filled_with_just_its_names(template):
    """No text makes filling fail later, when nobody is there to read the error."""
    try:
        names = names_in(template)
    except ValueError:
        return
    fill(template, dict.fromkeys(names, "x"))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("fix\nAccepted: yes", "fix\\nAccepted: yes"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("@everyone look, @Here too", "(at)everyone look, (at)Here too"),
        ("<!channel> <@U123> <#C1>", "< !channel> < @U123> < #C1>"),
        ("me@example.com asked @bob", "me@example.com asked @bob"),
    ],
)
def test_what_people_type_is_harmless(typed, shown):
    """One line, nothing that a terminal, a mail program or a chat would act on."""
    assert harmless(typed) == shown


def test_long_words_are_cut():
    """Nobody fills an approver's mailbox with one word."""
    assert len(harmless("x" * 10_000)) == LONGEST_WORD


def test_long_lists_end_with_a_number():
    """A request for a thousand servers fits into a title."""
    assert listed(("a", "b")) == "a, b"
    assert listed(tuple(f"web-{n}" for n in range(1000))).endswith("web-7 and 992 more")


def test_pauses_grow_to_an_hour():
    """A channel that is down isn't hammered, one that is back isn't left alone for long."""
    minutes = [notice_pause(attempts) // timedelta(minutes=1) for attempts in (1, 2, 3, 7, 100)]
    assert minutes == [1, 2, 4, 60, 60]
