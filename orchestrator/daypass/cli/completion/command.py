"""`daypass completion`, and what the scripts that it prints ask for at each press of the Tab key."""

from __future__ import annotations

import gc
import os
import sys

import click

from daypass.cli.completion.shells import SHELLS, VARIABLE

PROGRAM = "daypass"


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete what is typed after `daypass`.

    Commands, options, names of servers, tags, groups, people, and ids of open grants and requests. It reads
    configuration and record as whoever types, and offers nothing where that may not read them.

    \b
    Example (one of them, once; it holds from the next shell on):
      echo 'eval "$(daypass completion bash)"' >> ~/.bashrc
      echo 'eval "$(daypass completion zsh)"' >> ~/.zshrc       below the line with compinit
      daypass completion fish > ~/.config/fish/completions/daypass.fish
    """
    click.echo(SHELLS[shell](context.find_root().command, {}, PROGRAM, VARIABLE).source(), nl=False)


def answer(main: click.Command) -> None:
    """Say what could come next, and end the process: with nothing where anything goes wrong.

    Whatever a command line shows while it is typed was not asked for, so no message and no traceback does.
    """
    gc.disable()  # a long server list has no cycles, and looking for them takes as long as reading it
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    try:
        shell = SHELLS[os.environ[VARIABLE]]
        text = shell(main, {}, PROGRAM, VARIABLE).complete()
        sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
        sys.stdout.flush()
    finally:
        os._exit(0)
