"""A group whose commands are loaded when they are named."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for.

    Args:
        lazy: Command to module below daypass.cli, attribute in it, and what the list of commands says.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str, str]], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._lazy = lazy

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(self._lazy)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in self._lazy:
            return None
        module, attribute, _ = self._lazy[name]
        command: click.Command = getattr(importlib.import_module(f"daypass.cli.{module}"), attribute)
        return command

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """The list of commands is known without loading one."""
        items = [CompletionItem(name, help=text) for name, (_, _, text) in self._lazy.items()]
        own = [item for item in items if item.value.startswith(incomplete)]
        return own + click.Command.shell_complete(self, context, incomplete)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in self._lazy.items()])
