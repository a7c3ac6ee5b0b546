"""What a configuration names, read without checking it: for completion, which is quick and never complains.

A list of 100,000 servers takes seconds to check and a quarter of one to read. Nothing here is good for a
decision: whatever comes out is offered to whoever types, and checked when it comes back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from daypass.config.load import DEFAULTS, find
from daypass.config.server_sources import read_bounded
from daypass.config.yaml_text import MAX_BYTES, read_yaml
from daypass.inventory.json_text import MAX_BYTES as MOST_JSON_BYTES
from daypass.inventory.json_text import MAX_STRING_LEVELS


class Glimpse:
    """A configuration's names. Whatever isn't of the expected shape is left out.

    Raises:
        DaypassError, YamlRefused, ValueError, OSError: It can't be read at all.
    """

    def __init__(self, path: Path | None, environ: Mapping[str, str], cwd: Path) -> None:
        self._file = find(path, environ, cwd)
        value, _ = read_yaml(read_bounded(self._file, MAX_BYTES), str(self._file))
        self._settings: dict[str, Any] = {**DEFAULTS, **(value if isinstance(value, dict) else {})}

    @property
    def state_dir(self) -> Path:
        return self._file.parent / str(self._settings["state_dir"])

    @property
    def database(self) -> str | None:
        """The PostgreSQL URL; None for SQLite in `state_dir`."""
        return _text(self._settings.get("database"))

    def integrations(self) -> Iterator[str]:
        yield from _names(self._settings.get("integrations"))

    def flows(self) -> Iterator[str]:
        yield from _names(self._settings.get("access_flows"))

    def user_groups(self) -> Iterator[str]:
        """The groups of all integrations, one as often as it is named."""
        for integration in _objects(self._settings.get("integrations")):
            for group in _list(integration.get("user_groups", ["Default"])):
                name = _text(group.get("name") if isinstance(group, dict) else group)
                if name:
                    yield name

    def servers(self) -> Iterator[tuple[str, str]]:
        """Name and integration."""
        for name, integration, _ in self._entries():
            yield name, integration

    def tags(self) -> Iterator[str]:
        """`key=value` of all servers, bare labels as `key=`; one as often as it is used."""
        for _, _, tags in self._entries():
            if isinstance(tags, dict):
                yield from (f"{key}={value}" for key, value in tags.items())
            else:
                yield from (tag if "=" in tag else f"{tag}=" for tag in map(_text, _list(tags)) if tag)

    def people(self) -> Iterator[tuple[str, str]]:
        """Login and e-mail address of everybody in the directory's file, if there is one, who is active."""
        named = self._settings.get("directory")
        file = _text(named.get("file") if isinstance(named, dict) else named)
        if file is None:
            return
        path = self._file.parent / file
        value, _ = read_yaml(read_bounded(path, MAX_BYTES), str(path))
        for person in _objects(value.get("people") if isinstance(value, dict) else None):
            login = _text(person.get("login"))
            if login and person.get("active", True):
                yield login, _text(person.get("email")) or ""

    def _entries(self) -> Iterator[tuple[str, str, object]]:
        """Name, integration and raw tags of each server."""
        for integration in _objects(self._settings.get("integrations")):
            of = _text(integration.get("name")) or ""
            for entry in _objects(self._list_of(integration.get("servers"))):
                name = _text(entry.get("name"))
                if name:
                    yield name, of, entry.get("tags")

    def _list_of(self, value: object) -> object:
        """As `config.server_sources.read_servers`: inline, the JSON itself, or the path of a file with it."""
        if not isinstance(value, str):
            return value
        found: object = value
        if value.lstrip()[:1] not in ("[", "{", '"'):
            found = json.loads(read_bounded(self._file.parent / value, MOST_JSON_BYTES))
        for _ in range(MAX_STRING_LEVELS):
            if not isinstance(found, str):
                break
            found = json.loads(found)
        return found


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> Iterator[dict[str, Any]]:
    return (one for one in _list(value) if isinstance(one, dict))


def _names(value: object) -> Iterator[str]:
    return (name for name in (_text(one.get("name")) for one in _objects(value)) if name)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
