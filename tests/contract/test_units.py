"""Units of work: all or nothing, one after the other, also from several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from daypass.domain.hosts import Host
from daypass.errors import StoreError
from daypass.store import Store

from . import racing
from .racing import ROUNDS
from .samples import ACTOR, NOW, add, certificate

PROCESSES = 2


def test_exception_undoes_everything(store: Store):
    """Grant, serial, sequence and event: none of it stays."""
    with store.write(ACTOR, NOW) as work:
        work.set_host(Host("web-1", "a" * 32))

    def fail_at_the_end() -> None:
        with store.write(ACTOR, NOW) as work:
            add(work)
            work.reserve_serial(certificate())
            work.next_sequence("web-1")
            work.append_event("grant.recorded", "01JD1", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_at_the_end()
    with store.read() as view:
        assert view.grants() == []
        assert view.certificates("01JD1") == []
        assert view.events() == []
        assert view.audit_head().number == 0
        host = view.host("web-1")
        assert host is not None
        assert host.sequence == 0


def test_view_does_not_change_under_its_reader(store: Store, opened: Callable[[], Store]):
    """A view is one moment: what is committed meanwhile isn't in it."""
    other = opened()
    with store.read() as view:
        assert view.hosts() == []
        with other.write(ACTOR, NOW) as work:
            work.set_host(Host("web-1", "a" * 32))
            work.append_event("host.added", "web-1", {})
        assert view.hosts() == []
        assert view.audit_head().number == 0
    with store.read() as view:
        assert len(view.hosts()) == 1


def test_view_cannot_write(store: Store):
    """Reading changes nothing: a view has none of the writing methods."""
    with store.read() as view:
        assert not hasattr(view, "append_event")


def at_the_same_moment(task: Callable[..., None], database: str | Path) -> list[list]:
    """Run the task in several processes that start together; what each of them put."""
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(PROCESSES), context.SimpleQueue()
    processes = [context.Process(target=task, args=(database, start, results)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=600)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    return [results.get() for _ in processes]


def test_processes_never_get_the_same_sequence(store: Store, database: str | Path):
    """Sequences and event numbers are 1, 2, 3 …, each given to one process; the log stays one chain."""
    with store.write(ACTOR, NOW) as work:
        work.set_host(Host("web-1", "a" * 32))
    taken = [pair for pairs in at_the_same_moment(racing.reserve, database) for pair in pairs]
    assert sorted(taken) == [(number, number) for number in range(1, PROCESSES * ROUNDS + 1)]
    with store.read() as view:
        events = view.events()
    assert [event.previous_hash for event in events[1:]] == [event.hash for event in events[:-1]]
    with store.write(ACTOR, NOW) as work:
        assert work.uid_for("one more", "") == 70001 + ROUNDS


def test_processes_never_win_the_same_claim(store: Store, database: str | Path):
    """Each claim has exactly one winner."""
    won = [number for numbers in at_the_same_moment(racing.claim, database) for number in numbers]
    assert sorted(won) == list(range(ROUNDS))


def test_processes_upgrade_an_empty_database_together(database: str | Path):
    """The first one makes the schema, the others find it."""
    assert at_the_same_moment(racing.upgrade, database) == [[]] * PROCESSES


def test_unknown_schema_is_refused(store: Store, database: str | Path, opened: Callable[[], Store]):
    """A database that a newer Daypass wrote isn't touched."""
    from sqlalchemy import text

    from daypass.store.engines import make_engine

    engine = make_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError) as caught:
        opened().upgrade()
    assert caught.value.code == "schema_newer"
