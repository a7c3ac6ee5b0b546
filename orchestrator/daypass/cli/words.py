"""Words of the command line that are more than one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from daypass.cli.names import SERVER, TAG
from daypass.errors import UsageError


def several_servers(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--server` and `--tag`, as `servers` and `tags`: which servers access is about."""
    server = click.option(
        "--server",
        "servers",
        multiple=True,
        metavar="NAME",
        type=SERVER,
        help="A server; may be given several times.",
    )
    tag = click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="KEY=VALUE",
        type=TAG,
        help="All servers with this tag (and every other).",
    )
    return server(tag(function))


def as_tags(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`key=value` words as pairs; a bare label is a key without a value.

    Raises:
        UsageError: A word has no key.
    """
    tags = []
    for word in words:
        key, _, value = word.partition("=")
        if not key:
            raise UsageError(f"{word!r} isn't a tag", hint="write --tag KEY=VALUE")
        tags.append((key, value))
    return tuple(tags)


def as_fields(words: Iterable[str]) -> dict[str, str]:
    """`name=value` words as custom fields.

    Raises:
        UsageError: A word isn't of that form, or a name comes twice.
    """
    fields: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not name or not sign:
            raise UsageError(f"{word!r} isn't a field", hint="write --field NAME=VALUE")
        if name in fields:
            raise UsageError(f"the field {name!r} is given twice")
        fields[name] = value
    return fields
