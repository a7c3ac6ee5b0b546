"""The `servers` setting: a path, an inline list, or the minified JSON itself -> servers and findings."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TypeGuard

from daypass.config.problems import SettingProblem
from daypass.domain.servers import Server
from daypass.inventory.json_text import MAX_BYTES
from daypass.inventory.problems import CheckResult, shown
from daypass.inventory.server_list import check, check_entries

JSON_STARTS = ("[", "{", '"')
ALLOWED = "the path of a JSON file, an inline list, or the minified JSON list as text"


def read_bounded(path: Path, limit: int) -> bytes:
    """The content of a regular file, at most `limit` + 1 bytes of it.

    Raises:
        OSError: It can't be read, or isn't a regular file (a FIFO would be waited for).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(descriptor)


def is_path(value: object) -> TypeGuard[str]:
    """Whether a `servers` setting names a file, and isn't the list itself."""
    return isinstance(value, str) and bool(value.strip()) and value.lstrip()[0] not in JSON_STARTS


def read_servers(
    value: object, *, file: str, path: str, folder: Path, integration: str
) -> tuple[tuple[Server, ...], list[SettingProblem]]:
    """The servers that a `servers` setting names, marked with their integration.

    Args:
        file: The configuration file, for messages.
        path: Where the setting stands, `integrations[0].servers`.
        folder: Where relative paths start.
    """
    if isinstance(value, list):
        result = check_entries(value, file)
    elif is_path(value) and "\0" not in value:
        return _from_file(folder / value, path, file, integration)
    elif isinstance(value, str) and value.lstrip()[:1] in JSON_STARTS:
        result = check(value, file)
    else:
        return (), [SettingProblem(file, path, shown(value), ALLOWED)]
    return _marked(result, integration), [
        SettingProblem(file, f"{path}{problem.place}", problem.found, problem.allowed)
        for problem in result.problems
    ]


def _from_file(
    target: Path, path: str, file: str, integration: str
) -> tuple[tuple[Server, ...], list[SettingProblem]]:
    try:
        text = read_bounded(target, MAX_BYTES)
    except OSError as error:
        found = f"{shown(str(target))}, which can't be read: {error.strerror or type(error).__name__}"
        return (), [SettingProblem(file, path, found, ALLOWED)]
    result = check(text, str(target))
    problems = [
        SettingProblem(str(target), problem.place, problem.found, problem.allowed)
        for problem in result.problems
    ]
    return _marked(result, integration), problems


def _marked(result: CheckResult, integration: str) -> tuple[Server, ...]:
    return tuple(replace(server, integration=integration) for server in result.servers)
