"""Texts of given characters, against the regular expressions that say the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.daypass.ssh.plugins.module_utils.contract import fields, names, sudo_rules
from ansible_collections.daypass.ssh.plugins.module_utils.contract.words import Seldom
from ansible_collections.daypass.ssh.plugins.module_utils.deadline import units

SAME = [
    (names.LOGIN, r"[a-z_][a-z0-9_.-]{0,31}"),
    (names.GROUP, r"[A-Za-z_][A-Za-z0-9_.-]{0,31}"),
    (names.GRANT_ID, r"[A-Za-z0-9]{1,40}"),
    (names.HEX_ID, r"[0-9a-f]{32}"),
    (names.SHELL, r"(?:/[A-Za-z0-9_.+-]+)+"),
    (names.COMMENT, r"[A-Za-z0-9@._+/()' -]{1,128}"),
    (names.PRINCIPAL_NUMBER, r"[1-9][0-9]{0,5}"),
    (sudo_rules.PATH, r"(?:/[A-Za-z0-9_.+@%-]+)+"),
    (sudo_rules.ARGUMENT, r"[A-Za-z0-9_./@%+=~-]{1,512}"),
    (units.PLAIN_PATH, r"/[A-Za-z0-9/._+-]{1,200}"),
]
ODD = "aZz09_.-/@+%=~'() :,\n\0\t\\é٣ª\u2028\ud800"


@pytest.mark.parametrize(("words", "pattern"), SAME, ids=[pattern for _words, pattern in SAME])
@given(data=st.data())
def test_word_is_what_its_regular_expression_matches_as_a_whole(words, pattern, data):
    """No end of line slips through, no digit of another script, nothing too long, nothing empty."""
    right = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
    broken = st.tuples(right, st.sampled_from(ODD), st.integers(0, 200)).map(
        lambda three: three[0][: three[2]] + three[1] + three[0][three[2] :]
    )
    text = data.draw(right | broken | st.text(alphabet=ODD) | right.map(lambda text: text * 2))
    assert words.fullmatch(text) == bool(re.compile(pattern, re.ASCII).fullmatch(text))


@given(
    st.from_regex(r"daypass-[A-Za-z0-9]{1,41}-[0-9]{1,7}", fullmatch=True) | st.text(alphabet="daypass-A1\n")
)
def test_grant_of_a_principal_is_what_stands_between(text: str):
    """`daypass-<grant>-<n>` and nothing else."""
    match = re.fullmatch(r"daypass-([A-Za-z0-9]{1,40})-([1-9][0-9]{0,5})", text)
    assert names.grant_of(text) == (match.group(1) if match else None)


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T11:00:00", "2026-11-22T11:00:00Z\n", "2026-11-22 11:00:00Z", "2026-02-30T11:00:00Z",
     "2026-11-22T11:00:60Z", "1999-01-01T00:00:00Z", "3000-01-01T00:00:00Z", "2026-1_-22T11:00:00Z",
     "٢026-11-22T11:00:00Z", "+026-11-22T11:00:00Z", "2026-00-22T11:00:00Z", "2026-13-22T11:00:00Z",
     "", "2", None, 7, b"2026-11-22T11:00:00Z"],
)  # fmt: skip
def test_odd_moment_is_refused(text: object):
    """A moment is read only where it would be written again letter by letter."""
    with pytest.raises(names.Refusal):
        fields.moment(text, "not_after")


def test_seldom_used_expression_is_compiled_when_it_is_asked():
    """And asked like any other."""
    number = Seldom(r"(\d+)")
    assert "search" not in vars(number)
    assert (number.search("a12").group(1), number.sub("", "a1b2"), number.split("a1b")) == (
        "12",
        "ab",
        ["a", "1", "b"],
    )
    assert number.search("٣") is None
