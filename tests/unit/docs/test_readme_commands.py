"""What a document tells people to type exists."""

from __future__ import annotations

import re

import click
import pytest

from daypass.cli import main
from tests.documents import ROOT, Shown, documents, help_examples, shown_commands, unknown_words

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
HTTPS = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~/%@:+=?&-]*)?(#[A-Za-z0-9._-]+)?")
ELSEWHERE = re.compile(r"(?:\]\(|<)((?:https?|mailto|ftp):[^)>]*)[)>]")


def all_shown() -> list[Shown]:
    """The commands of all documents."""
    return [
        shown
        for path in documents()
        for shown in shown_commands(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    ]


def test_every_daypass_command_in_the_documents_exists():
    """A command or option that a document shows is one that the program has."""
    wrong = [
        f"{shown}: {problem}"
        for shown in all_shown()
        if shown.words[0] == "daypass"
        for problem in unknown_words(main, shown.words[1:])
    ]
    assert not wrong, "\n".join(wrong)


def test_every_make_target_in_the_documents_exists():
    """A `make` target that a document shows stands in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, flags=re.MULTILINE))
    wrong = [
        str(shown)
        for shown in all_shown()
        if shown.words[0] == "make" and not set(shown.words[1:]) <= targets
    ]
    assert not wrong, "\n".join(wrong)


def test_every_example_in_the_help_exists():
    """The examples that `--help` prints are commands and options of the program."""
    wrong = [
        f"{shown}: {problem}"
        for shown in help_examples(main, "daypass")
        for problem in unknown_words(main, shown.words[1:])
    ]
    assert not wrong, "\n".join(wrong)


def test_every_relative_link_leads_to_a_file():
    """A link inside the repository leads to something that is there."""
    wrong = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in documents()
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not wrong, "\n".join(wrong)


def test_every_link_to_elsewhere_is_a_plain_https_address():
    """Whether it answers is not for a test to ask; its form is."""
    found = [(path, link) for path in documents() for link in ELSEWHERE.findall(path.read_text("utf-8"))]
    wrong = [f"{path.relative_to(ROOT)}: {link}" for path, link in found if not HTTPS.fullmatch(link)]
    assert found
    assert not wrong, "\n".join(wrong)


def test_steps_that_the_readme_shows_are_those_of_the_demonstration():
    """Number and heading of each step are what `make demo` prints."""
    shown = re.findall(r"^── (\d+)\. (.+)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    steps = re.findall(r'shown\.heading\(\s*"([^"]+)"', (ROOT / "lab" / "demo.py").read_text("utf-8"))
    assert len(shown) > 5
    assert [(number, heading) for number, heading in shown if steps[int(number) - 1] != heading] == []


@click.group()
def program() -> None:
    """A small program to check the checker with."""


@program.command("give")
@click.option("--to", "-t")
@click.option("--quick/--slow")
@click.argument("what", nargs=-1)
def give(to: str, quick: bool, what: tuple[str, ...]) -> None:
    """Give something."""


@pytest.mark.parametrize(
    ("words", "problems"),
    [
        ("give --to alice --slow book", []),
        ("give --to=alice -t bob -- --anything", []),
        ("give --help", []),
        ("give --to --quick", []),
        ("take book", ["no command take"]),
        ("give --from alice", ["no option --from"]),
        ("--quick give", ["no option --quick"]),
    ],
)
def test_unknown_commands_and_options_are_found(words: str, problems: list[str]):
    """Commands, options, values of options and what stands after `--` are told apart."""
    assert unknown_words(program, words.split()) == problems


def test_commands_are_read_from_console_blocks_with_continuations_and_pipes():
    """Prompted lines count, output lines don't; joined, piped and wrapped commands are taken apart."""
    text = (
        "```console\n$ sudo daypass grant \\\n    --login alice | tee log\nlogin alice\n"
        "$ A=1 make dev && daypass init > out\n```\n"
        "```yaml\ndaypass: never\n```\n$ daypass outside\n"
    )
    assert [shown.words for shown in shown_commands(text, "x.md")] == [
        ("daypass", "grant", "--login", "alice"),
        ("tee", "log"),
        ("make", "dev"),
        ("daypass", "init"),
    ]
