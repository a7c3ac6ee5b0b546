"""People's commands on their own machine, through the gate: looked at here, run there, shown here."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from daypass.ca.public_keys import check_public_key
from daypass.cli.files import read_text
from daypass.cli.gate.offer import GROUPS
from daypass.cli.grants.giving import MOST_KEY_BYTES
from daypass.cli.options import told
from daypass.cli.render import Screen
from daypass.cli.via.followed_up import ask_and_wait, put_in_place, ssh_config, wait
from daypass.cli.via.gate import gate_of
from daypass.cli.via.words import CERTIFICATE, EXTEND, NEW, SSH_CONFIG, WAIT, command_at, paths, words_of
from daypass.client.via import Gate

OPENS = (NEW, EXTEND)


def command(context: click.Context, name: str) -> click.Command:
    """What the gate offers under this word."""
    if name == "help":
        return click.Command("help", callback=lambda: context.exit(_show(context, ["help"])))
    if name in GROUPS:
        return _Group(name, typed(context))
    return command_at(CERTIFICATE, lambda inner: inner.exit(_run(inner, CERTIFICATE)), typed(context))


def page(context: click.Context) -> int:
    """What the gate shows to whoever says nothing; on a terminal, pick from lists."""
    return _show(context, [])


def typed(context: click.Context) -> str:
    """What stands before a command's words, for examples and hints: the address where it has to be typed."""
    root = context.find_root()
    explicit = root.get_parameter_source("via") is ParameterSource.COMMANDLINE
    return f"daypass --via {root.params['via']}" if explicit else "daypass"


class _Group(click.Group):
    """The commands of one group that the gate offers."""

    def __init__(self, name: str, typed: str) -> None:
        module, attribute = GROUPS[name]
        here: click.Group = getattr(importlib.import_module(f"daypass.cli.{module}"), attribute)
        super().__init__(name, help=here.help)
        self._here = here
        for path in paths():
            if path[0] == name:
                self.add_command(command_at(path, _runner(path), typed))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        found = super().get_command(context, name)
        if found is None and name in self._here.commands:
            offered = ", ".join(self.list_commands(context))
            context.fail(f"'{self.name} {name}' isn't offered at the gate, where there are {offered}")
        return found


def _runner(path: tuple[str, ...]) -> Callable[[click.Context], object]:
    return lambda context: context.exit(_run(context, path))


def _run(context: click.Context, path: tuple[str, ...]) -> int:
    given = context.params
    screen = Screen(output=given["output"], verbose=given["verbose"], typed=typed(context))
    with told(screen) as ended:
        ended.code = _code(gate_of(context), screen, context, path)
    return ended.code


def _code(gate: Gate, screen: Screen, context: click.Context, path: tuple[str, ...]) -> int:
    given = context.params
    if path == WAIT:
        return wait(gate, screen, given)
    if path == SSH_CONFIG:
        return ssh_config(gate, screen, given)
    key = _key(given.get("public_key"))
    words = [*path, *words_of(context)]
    if path == NEW and given["waits"] and not given["check"]:
        code = ask_and_wait(gate, screen, words, key, given)
    else:
        code = _as_json(gate, words, key) if screen.is_json else _as_text(gate, words, key)
    if path in OPENS and not given["check"]:
        put_in_place(gate, code, screen.typed)
    return code


def _show(context: click.Context, words: Sequence[str]) -> int:
    with told(Screen()) as ended:
        ended.code = _as_text(gate_of(context), words)
    return ended.code


def _key(file: str | None) -> bytes:
    """A public key file as it is sent along.

    Raises:
        UsageError: It isn't one; nothing was sent.
    """
    return f"{check_public_key(read_text(Path(file), MOST_KEY_BYTES)).line}\n".encode() if file else b""


def _as_text(gate: Gate, words: Sequence[str], stdin: bytes = b"") -> int:
    terminal = not stdin and sys.stdin.isatty() and sys.stdout.isatty()
    return gate.pass_on(words, stdin, terminal=terminal)


def _as_json(gate: Gate, words: Sequence[str], stdin: bytes = b"") -> int:
    answer = gate.ask(words, stdin)
    sys.stderr.write(answer.said)
    if answer.code and not answer.output.strip():
        return answer.code  # it failed before it knew that JSON is wanted, and has said why
    print(json.dumps(answer.value(), indent=2, sort_keys=True))
    return answer.code
