"""The same store, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from daypass.store import Store, open_store

from .postgresql import binaries, running_server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The server's URL with a `{name}` for the database."""
    programs = binaries()
    if programs is None:
        if os.environ.get("DAYPASS_REQUIRE_POSTGRESQL"):
            pytest.fail("PostgreSQL isn't installed (apt-get install postgresql)")
        pytest.skip("PostgreSQL isn't installed (apt-get install postgresql)")
    with running_server(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """An empty database: what `open_store` takes."""
    if request.param == "sqlite":
        return tmp_path / "daypass.db"
    server = request.getfixturevalue("postgresql_server")
    name = f"t{next(_numbers)}"
    with psycopg.connect(server.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return str(server.format(name=name))


@pytest.fixture
def opened(database: str | Path) -> Iterator[Callable[[], Store]]:
    """Opens the database as another process would; everything is closed at the end."""
    stores: list[Store] = []

    def another() -> Store:
        stores.append(open_store(database))
        return stores[-1]

    yield another
    for one in stores:
        one.close()


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    """An open store with the newest schema."""
    fresh = opened()
    fresh.upgrade()
    return fresh
