"""What went wrong is told without anything of the URL."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.notices.reasons import LONGEST_REASON, scrubbed

SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=3, max_size=30).filter(
    lambda text: "***" not in text and text not in "***"
)


@pytest.mark.parametrize(
    ("text", "url", "shown"),
    [
        ("error=500.", "json://host/path", "error=500."),
        ("no way to host: /tok", "json://host/tok", "no way to ***: /***"),
        ("password is a b", "mailto://me:a%20b@x", "password is ***"),
        ("from x to y, Y", "mailto://h?from=x&to=y", "from *** to ***, ***"),
        ("two\nlines\x1b[2J", "json://h", "two lines [2J"),
    ],
)
def test_pieces_of_the_url_are_taken_out(text, url, shown):
    """Names of settings may stay, their values may not."""
    assert scrubbed(text, url) == shown


@given(SECRET, st.text(max_size=20), st.text(max_size=20))
def test_no_secret_survives(secret, before, after):
    """As it is written in the URL, and as it is used."""
    quoted = quote(secret, safe="")
    url = f"json://user:{quoted}@host.example/{quoted}?key={quoted}"
    shown = scrubbed(f"{before}{secret}{after}", url)
    assert len(shown) <= LONGEST_REASON
    assert secret not in shown


def test_long_reasons_are_cut():
    """A server can answer with a page."""
    assert len(scrubbed("x" * 10_000, "json://host")) == LONGEST_REASON
