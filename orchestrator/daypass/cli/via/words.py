"""The gate's commands as they are typed on a person's own machine: looked at here, then sent as they were."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import click
from click.core import ParameterSource

from daypass.cli.gate.offer import ALWAYS, GROUPS, OFFERED, TAKES_A_KEY
from daypass.cli.render import as_typed

CERTIFICATE = ("certificate",)
NEW, WAIT, EXTEND = ("request", "new"), ("request", "wait"), ("access", "extend")
SSH_CONFIG = ("access", "ssh-config")
# What this machine does itself: whole commands, and parameters of others that aren't sent.
DONE_HERE: Mapping[tuple[str, ...], tuple[str, ...]] = {
    WAIT: ("request_id", "give_up_after"),
    SSH_CONFIG: ("remove", "home", "domains", "yes", "check", "key_type", "no_passphrase"),
}
KEPT_HERE: Mapping[tuple[str, ...], tuple[str, ...]] = {NEW: ("waits", "give_up_after")}


def paths() -> Iterator[tuple[str, ...]]:
    """Every command but `help`."""
    yield from dict.fromkeys([*OFFERED, *DONE_HERE, CERTIFICATE])


class AsTyped(click.ParamType[Any]):
    """A value that another type would take, kept as it was typed."""

    def __init__(self, inner: click.ParamType[Any]) -> None:
        self.name = inner.name
        self._inner = inner

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        self._inner.convert(value, param, ctx)
        return value

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return self._inner.get_metavar(param, ctx)


def command_at(
    path: tuple[str, ...], callback: Callable[[click.Context], object], typed: str
) -> click.Command:
    """One command with the parameters that the gate keeps; `--public-key` names a file of this machine.

    Args:
        callback: Gets the context.
        typed: What is typed before the command's own words here.
    """
    command = _origin(path)
    here = DONE_HERE.get(path) or KEPT_HERE.get(path, ())
    sent = {*(() if path in DONE_HERE else _kept(path)), *ALWAYS}
    params = [
        _as_typed(param) if param.name in sent else param
        for param in command.params
        if param.name in sent or param.name in here
    ]
    if path in TAKES_A_KEY and path not in DONE_HERE:
        told = "Your public key file.  [the key that logs in]"
        params.append(click.Option(["--public-key"], type=click.Path(exists=True, dir_okay=False), help=told))

    def call(**_given: object) -> object:
        return callback(click.get_current_context())

    return click.Command(path[-1], params=params, callback=call, help=as_typed(command.help or "", typed))


def words_of(context: click.Context, names: Collection[str] | None = None) -> list[str]:
    """The words of a command of `command_at`, for the gate: each option with its value in one word.

    Args:
        names: Of the parameters that are sent, None = all but those that are this machine's.
    """
    words: list[str] = []
    behind: list[str] = []
    for param in context.command.params:
        name = param.name or ""
        value = context.params.get(name)
        sent = name not in KEPT_HERE[NEW] if names is None else name in names
        if not sent or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if isinstance(param, click.Option):
            words += _option(param, value)
        else:
            behind.append(str(value))
    return [*words, *(["--"] if any(word.startswith("-") for word in behind) else []), *behind]


def _option(param: click.Option, value: Any) -> list[str]:
    name = max(param.opts, key=len)
    if param.name == "public_key":
        return [f"{name}=-"]
    if param.count:
        return [name] * value
    if param.is_flag:
        return [name] if value is True or value == param.flag_value else []  # several may share one name
    return [f"{name}={one}" for one in (value if param.multiple else [value])]


def _as_typed(param: click.Parameter) -> click.Parameter:
    made = copy.copy(param)
    flag = isinstance(param, click.Option) and (param.is_flag or param.count)
    if not flag:
        made.type = AsTyped(param.type)
    return made


def _kept(path: tuple[str, ...]) -> tuple[str, ...]:
    return ("grant_id",) if path == CERTIFICATE else OFFERED[path[0], path[1]]


def _origin(path: tuple[str, ...]) -> click.Command:
    if path == CERTIFICATE:
        from daypass.cli.gate.certificate import certificate

        return certificate
    module, attribute = GROUPS[path[0]]
    group: click.Group = getattr(importlib.import_module(f"daypass.cli.{module}"), attribute)
    return group.commands[path[1]]
