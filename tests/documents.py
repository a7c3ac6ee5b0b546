"""Reads commands out of Markdown and checks them against the real programs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^\s*(?P<marks>```+|~~~+)\s*(?P<language>[\w-]*)")
PROMPT = re.compile(r"^\s*[$#] (?P<command>.+)$")
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")
CONTINUED = re.compile(r"\s*\\\n\s*")
SEPARATORS = frozenset({"|", "||", "&&", ";", "&"})
REDIRECTIONS = frozenset({">", ">>", "<", ">&"})
WRAPPERS = frozenset({"sudo", "time", "env", "exec"})


@dataclass(frozen=True)
class Shown:
    """A command as a document shows it."""

    document: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document}:{self.line}: {' '.join(self.words)}"


def documents() -> list[Path]:
    """README.md, the files beside it, and docs/, in a stable order."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("lab/*.md")])


def fenced_lines(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, language, line) of each line inside a fence; `\\` at an end joins it with the next."""
    marks, language, held, start = "", "", "", 0
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and (not marks or fence["marks"] == marks):
            marks, language, held = ("", "", "") if marks else (fence["marks"], fence["language"], "")
            continue
        if not marks:
            continue
        start = start if held else number
        held += line
        if held.endswith("\\"):
            held = held[:-1]
            continue
        yield start, language, held
        held = ""


def split_commands(command: str) -> Iterator[tuple[str, ...]]:
    """The simple commands of a shell line, without assignments, wrappers and redirections."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    tokens = iter([*lexer, ";"])
    for word in tokens:
        if word in REDIRECTIONS:
            next(tokens)
            continue
        if word not in SEPARATORS:
            words.append(word)
            continue
        while words and (ASSIGNMENT.fullmatch(words[0]) or words[0] in WRAPPERS):
            words.pop(0)
        if words:
            yield tuple(words)
        words = []


def shown_commands(text: str, document: str) -> Iterator[Shown]:
    """Commands of a document: lines with a prompt in `console` fences, and `$ …` lines in any other."""
    for number, language, line in fenced_lines(text):
        prompt = PROMPT.match(line)
        if prompt and (language == "console" or line.lstrip().startswith("$ ")):
            for words in split_commands(prompt["command"]):
                yield Shown(document, number, words)


def option_named(command: click.Command, word: str) -> click.Option | None:
    """The option of a command that this word names, or None."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and word in (*parameter.opts, *parameter.secondary_opts):
            return parameter
    return None


def unknown_words(command: click.Command, words: Sequence[str]) -> list[str]:
    """What in these words the command doesn't know: a subcommand, or an option. Values aren't looked at."""
    context = click.Context(command)
    helps = set(context.help_option_names) | {"-h", "--help"}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return []
        if word.startswith("-") and word != "-" and word not in helps:
            name, equals, _ = word.partition("=")
            option = option_named(command, name)
            if option is None:
                return [f"no option {name}"]
            if not (option.is_flag or option.count or equals):
                del rest[: option.nargs]
        elif isinstance(command, click.Group) and word not in helps:
            found = command.get_command(context, word)
            return [f"no command {word}"] if found is None else unknown_words(found, rest)
    return []


def help_examples(command: click.Command, path: str) -> Iterator[Shown]:
    """The example lines in the help texts of a command and of all below it."""
    for line in CONTINUED.sub(" ", command.help or "").splitlines():
        if line.strip().startswith("daypass "):
            yield Shown(f"{path} --help", 0, tuple(shlex.split(re.split(r"\s{2,}", line.strip())[0])))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from help_examples(found, f"{path} {name}")
