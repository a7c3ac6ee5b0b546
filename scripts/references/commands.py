"""The commands from their help: usage, what it says, its example, its options."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from daypass.cli import main

PARAGRAPH = re.compile(r"\n\s*\n")
COMMON = frozenset({"--config", "--output", "--verbose", "--help"})  # said once, above all commands


def reference() -> str:
    """All commands, each group with what is below it."""
    return "\n".join(part for name, command in below(main) for part in section(command, f"daypass {name}", 2))


def below(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield name, command


def section(command: click.Command, path: str, level: int) -> Iterator[str]:
    """Heading, text, example and options of a command, then the same of those below it."""
    yield f"{'#' * level} {path}\n"
    if not isinstance(command, click.Group):
        pieces = command.collect_usage_pieces(click.Context(command))
        yield f"    {' '.join([path, *pieces])}\n"
        words = path.removeprefix("daypass ")
        if not any(words in line for line in (command.help or "").splitlines() if line.startswith("  ")):
            raise SystemExit(f"{path} --help has no example of itself")
    yield from paragraphs(command.help or "")
    yield from options(command)
    if isinstance(command, click.Group):
        for name, one in below(command):
            yield from section(one, f"{path} {name}", level + 1)


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text; those that keep their lines become blocks of code."""
    for paragraph in PARAGRAPH.split(text.strip()):
        if "\b" not in paragraph:
            yield " ".join(escaped(paragraph).split()) + "\n"
            continue
        lines = paragraph.replace("\b", "").strip("\n ").split("\n")
        if lines[0].rstrip().endswith(":") and len(lines) > 1:
            yield f"{escaped(lines.pop(0).strip())}\n"
        indent = min(len(line) - len(line.lstrip()) for line in lines)
        yield "\n".join(["```text", *(line[indent:].rstrip() for line in lines), "```", ""])


def escaped(text: str) -> str:
    """Text of a help as Markdown: what stands in backquotes stays, angle brackets are no tags."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([<>*_|])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def options(command: click.Command) -> Iterator[str]:
    """The options that are this command's own."""
    context = click.Context(command)
    for option in command.params:
        if isinstance(option, click.Option) and not option.help and not option.hidden:
            raise SystemExit(f"{option.opts[0]} of {command.name} says nothing of itself")
    records = [
        record
        for parameter in command.params
        if not COMMON.intersection(parameter.opts) and (record := parameter.get_help_record(context))
    ]
    told = [(name.replace("|", r"\|"), said) for name, said in records if said]
    if told:
        rows = [f"| `{name}` | {' '.join(escaped(said).split())} |" for name, said in told]
        yield "\n".join(["| option | |", "|---|---|", *rows, ""])
