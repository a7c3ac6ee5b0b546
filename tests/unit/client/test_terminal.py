"""What comes from a gate, on a terminal: its own colours and bars, and nothing else that a terminal obeys."""

from __future__ import annotations

import io
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress

from daypass.client.terminal import Harmless

OBEYED = re.compile(r"\x1b\[(?:[0-9;]*m|[0-9]*[CDKPA@]|\?25[hl]|\?2004[hl])")
NASTY = [
    "\x1b]0;title\x07",
    "\x1b[2J",
    "\x1b[H",
    "\x1b[5A",
    "\x1b[1A",
    "\x1bP1;2|x\x1b\\",
    "\x1b]52;c;aWQ=\x07",
    "\x1b[?1049h",
    "\x1b[6n",
    "\x1bc",
    "\x9b2J",
    "\u202e",
    "\x00",
    "\x1b",
    "\x1b[",
    "\x1b[" + "1" * 60 + "m",
]


def shown(data: bytes, *, terminal: bool = True) -> str:
    filtered = Harmless(terminal=terminal)
    return filtered.feed(data) + filtered.feed(b"", last=True)


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("terminal", [True, False])
def test_what_a_terminal_would_obey_is_written_out(nasty, terminal):
    """Titles, clearing, moving up over what stood there, the clipboard, questions to the terminal."""
    text = shown(f"before {nasty} after".encode(), terminal=terminal)
    assert "\x1b" not in text
    assert all(char.isprintable() or char == "\a" for char in text)
    assert text.startswith("before ")
    assert text.endswith(" after")


def test_colours_and_a_progress_bar_of_the_gate_come_through(monkeypatch):
    """Byte for byte what the gate's own libraries write on a terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80)
    console.print("[bold red]error:[/] no")
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("granting", total=2)
        bar.update(task, advance=1, refresh=True)
    written = stream.getvalue()
    assert "\x1b[1A" in written
    assert shown(written.encode()) == written
    assert "\x1b" not in shown(written.encode(), terminal=False)


@given(
    st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=5), st.just("\n")), max_size=12), st.data()
)
def test_pieces_make_no_difference_and_the_cursor_stays_below_its_start(parts, data):
    """However the bytes are cut, the same is shown; never more lines up than down."""
    whole = "".join(parts).encode("utf-8", "replace")
    cut = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    filtered = Harmless(terminal=True)
    edges = [0, *cut, len(whole)]
    text = "".join(filtered.feed(whole[a:b]) for a, b in itertools.pairwise(edges))
    text += filtered.feed(b"", last=True)
    assert text == shown(whole)
    assert "\x1b" not in OBEYED.sub("", text)
    lines = 0
    for move in re.finditer(r"\n|\x1b\[([0-9]*)A", text):
        lines += 1 if move[0] == "\n" else -(int(move[1] or "1") or 1)
        assert lines >= 0


def test_bytes_that_are_no_text_are_written_out():
    """Half a character at the end, too."""
    assert shown(b"a\xffb\xc3") == "a\\xffb\\xc3"
