"""The options that every command takes, and the one place where errors become exit codes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from daypass.cli.render import Screen
from daypass.errors import ConfigurationError, DaypassError, DeniedError, NotFoundError, UsageError

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_PARTLY, EXIT_DENIED = 0, 1, 2, 3, 4  # design.md, Commands


@dataclass(frozen=True)
class Invocation:
    """What a command got besides its own words."""

    config: Path | None
    screen: Screen


def exit_code(error: DaypassError) -> int:
    """The exit code of an error, by its class (design.md, Commands)."""
    if isinstance(error, UsageError | ConfigurationError | NotFoundError):
        return EXIT_USAGE
    return EXIT_DENIED if isinstance(error, DeniedError) else EXIT_FAILED


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --config, --output and -v; pass an `Invocation` first; turn errors into exit codes."""

    @click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="Configuration file.  [$DAYPASS_CONFIG, ./daypass.yaml or /etc/daypass/daypass.yaml]",
    )
    @click.option(
        "--output",
        "-o",
        type=click.Choice(["table", "json"]),
        default="table",
        help="For people or programs.",
    )
    @click.option("--verbose", "-v", count=True, help="Each server as it answers, and codes of errors.")
    @click.pass_context
    @functools.wraps(function)
    def run(
        context: click.Context, /, *, config: Path | None, output: str, verbose: int, **words: Any
    ) -> None:
        screen = Screen(output=output, verbose=verbose)
        try:
            code = function(Invocation(config, screen), **words)
        except DaypassError as error:
            screen.error(error)
            context.exit(exit_code(error))
        context.exit(code or EXIT_DONE)

    return run
