"""What people type at the gate, taken apart: quotes as in a shell, and nothing that a shell would do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.errors import UsageError
from daypass.gate.words import MOST_CHARACTERS, MOST_WORDS, join_words, split_words

PRINTABLE = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")), max_size=20
)


@given(st.lists(PRINTABLE, max_size=8))
def test_quoted_words_come_back_as_they_were(words):
    """Whatever can be printed can be said, between quotes."""
    assert split_words(join_words(words)) == words


@given(st.lists(st.text(max_size=20), max_size=8))
def test_words_come_through_exactly_or_are_refused_before_they_are_sent(words):
    """No list of words is ever read as another one; what is refused holds something that can't be printed."""
    if all(word.isprintable() for word in words):
        assert split_words(join_words(words)) == words
        return
    with pytest.raises(UsageError, match="can't be printed") as refused:
        join_words(words)
    assert refused.value.code == "words_odd"


@pytest.mark.parametrize("words", [["x"] * (MOST_WORDS + 1), ["x" * MOST_CHARACTERS, "y"], ["'" * 4000]])
def test_too_many_words_are_refused_before_they_are_sent(words):
    """The gate's limits hold for the text with its quotes."""
    with pytest.raises(UsageError, match=r"allowed|more than"):
        join_words(words)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", []),
        ("   ", []),
        ("request  list ", ["request", "list"]),
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("--reason='two words'", ["--reason=two words"]),
        ("''", [""]),
        (r"a\ b", ["a b"]),
        (r'"say \"hi\" \\ \n"', [r'say "hi" \ \n']),
        ("'$(id) `id` ; | &'", ["$(id) `id` ; | &"]),
        ("{{ 7*7 }} *? ~ ! #x", ["{{", "7*7", "}}", "*?", "~", "!", "#x"]),
    ],
)
def test_words_are_taken_apart_and_never_expanded(typed, words):
    """As POSIX quotes; wildcards, homes, history and comments are plain characters."""
    assert split_words(typed) == words


@pytest.mark.parametrize(
    "typed",
    [
        "request list; id",
        "request list && id",
        "request list | sh",
        "request list > /tmp/x",
        "request list $(id)",
        "request list `id`",
        "request list $HOME",
        'request new --reason "$(id)"',
        'request new --reason "`id`"',
        "request list &",
        "(request list)",
    ],
)
def test_what_only_a_shell_understands_is_refused(typed):
    """It would do nothing here, which isn't what was meant."""
    with pytest.raises(UsageError, match="no shell") as refused:
        split_words(typed)
    assert refused.value.code == "words_odd"


@pytest.mark.parametrize("odd", ["\n", "\r", "\0", "\x1b[2J", "\x07", "\u202e", "\u2028", "\ud800", "\t"])
@pytest.mark.parametrize("typed", ["request list {}id", "request new --reason 'a{}b'"])
def test_what_cannot_be_printed_is_refused_also_between_quotes(typed, odd):
    """Line breaks, escape sequences and marks that turn the direction of writing reach nobody."""
    with pytest.raises(UsageError, match="can't be printed"):
        split_words(typed.format(odd))


@pytest.mark.parametrize("typed", ["'open", '"open', '"open \\', "open\\", "a 'b' 'c"])
def test_quote_that_is_not_closed_is_refused(typed):
    """Nobody knows what was meant."""
    with pytest.raises(UsageError, match="ends behind"):
        split_words(typed)


def test_long_commands_and_many_words_are_refused():
    """Limits are looked at before anything is taken apart."""
    assert len(split_words(" ".join(["x"] * MOST_WORDS))) == MOST_WORDS
    for typed in ("x" * (MOST_CHARACTERS + 1), " ".join(["x"] * (MOST_WORDS + 1))):
        with pytest.raises(UsageError, match=r"allowed|more than"):
            split_words(typed)
