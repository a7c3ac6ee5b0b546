"""What could be meant: names of a configuration and ids of its record, for completion. Reads only.

Everything may raise; `cli.completion` keeps it from whoever types.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from daypass.config.glimpse import Glimpse
from daypass.config.settings import DATABASE_FILE
from daypass.store.glimpse import Found, StoreGlimpse

Candidates = Iterable[tuple[str, str]]  # value, description


def possible(what: str, config_path: Path | None, prefix: str) -> Candidates:
    """What a parameter of this kind could be.

    Args:
        what: A key of `KINDS`.
        prefix: What is typed of it; more than what fits may come back.
    """
    return KINDS[what](Glimpse(config_path, os.environ, Path.cwd()), prefix)


def _record(glimpse: Glimpse) -> StoreGlimpse:
    return StoreGlimpse(glimpse.database or glimpse.state_dir / DATABASE_FILE)


def _described(found: Iterable[Found]) -> Candidates:
    return ((one.id, _told(one)) for one in found)


def _told(one: Found) -> str:
    more = f" and {one.servers - 1} more" if one.servers > 1 else ""
    return f"{one.login} on {one.server or 'no server'}{more}"


def _people(glimpse: Glimpse) -> Candidates:
    """Of the directory's file; of another directory, those who were there when it was read last."""
    from daypass.directory.holding import FILE
    from daypass.directory.sources import FOLDER
    from daypass.directory.state_file import read_state

    yield from glimpse.people()
    seen = read_state(glimpse.state_dir / FOLDER / FILE) or {}
    yield from _plain(seen.get("people", {}))


def _plain(values: Iterable[str]) -> Candidates:
    return ((value, "") for value in values)


KINDS: Mapping[str, Callable[[Glimpse, str], Candidates]] = {
    "server": lambda glimpse, _: glimpse.servers(),
    "tag": lambda glimpse, _: _plain(glimpse.tags()),
    "group": lambda glimpse, _: _plain(glimpse.user_groups()),
    "integration": lambda glimpse, _: _plain(glimpse.integrations()),
    "flow": lambda glimpse, _: _plain(glimpse.flows()),
    "person": lambda glimpse, _: _people(glimpse),
    "grant": lambda glimpse, prefix: _described(_record(glimpse).open_grants(prefix)),
    "review": lambda glimpse, prefix: _described(_record(glimpse).open_reviews(prefix)),
    "request": lambda glimpse, prefix: _described(_record(glimpse).requests(prefix, pending=False)),
    "pending": lambda glimpse, prefix: _described(_record(glimpse).requests(prefix, pending=True)),
}
