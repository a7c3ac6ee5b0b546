"""The options that every command takes, and the one place where errors become exit codes."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daypass.afterwards import answer_first
from daypass.cli.render import Screen
from daypass.errors import ConfigurationError, DaypassError, DeniedError, NotFoundError, UsageError
from daypass.gate.caller import Caller

if TYPE_CHECKING:
    from daypass.wiring import Daypass

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_PARTLY, EXIT_DENIED = 0, 1, 2, 3, 4  # design.md, Commands


@dataclass(frozen=True)
class Invocation:
    """What a command got besides its own words.

    Attributes:
        caller: Who came in over SSH; None = an operator on this machine.
    """

    config: Path | None
    screen: Screen
    caller: Caller | None = None

    def open(self) -> AbstractContextManager[Daypass]:
        """Daypass, with whoever types this as the actor."""
        from daypass import wiring  # some commands do without all of it

        return wiring.open_daypass(self.config, self.caller.actor if self.caller else None)

    def key_of(self, grantee: str) -> str:
        """The public key that came with the command by itself: that of the login, for access of one's own.

        Args:
            grantee: For whom access is asked; empty = oneself.
        """
        caller = self.caller
        own = caller is not None and (caller.sent_key or grantee in ("", caller.login))
        return caller.public_key if caller is not None and own else ""


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
        caller = context.find_object(Caller)
        screen = Screen(output=output, verbose=verbose, typed=caller.typed if caller else "")
        with told(screen) as whole, answer_first():
            with told(screen) as own:
                own.code = function(Invocation(config, screen, caller), **words) or EXIT_DONE
            sys.stdout.flush()  # what comes now, notices above all, may take a while
        context.exit(own.code or whole.code)

    return run


@dataclass
class Told:
    """The exit code, once it is known."""

    code: int = EXIT_DONE


@contextmanager
def told(screen: Screen) -> Iterator[Told]:
    """Errors for people become sentences and an exit code."""
    ended = Told()
    try:
        yield ended
    except DaypassError as error:
        screen.error(error)
        ended.code = exit_code(error)
