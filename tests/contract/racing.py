"""What several processes do at the same moment; apart from the tests, so that each process starts quickly."""

from __future__ import annotations

import multiprocessing
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from daypass.notices.sending import take_due
from daypass.store import open_store

from .samples import ACTOR, NOW

ROUNDS = 20
Results = SimpleQueue[Any]


def reserve(database: str | Path, start: Barrier, results: Results) -> None:
    """Puts the (sequence, event number) pairs that this process was given."""
    store = open_store(database)
    start.wait()
    taken = []
    for number in range(ROUNDS):
        with store.write(ACTOR, NOW) as work:
            event = work.append_event("sequence.reserved", "web-1", {})
            taken.append((work.next_sequence("web-1"), event.number))
            work.uid_for(f"login{number}", "")
    store.close()
    results.put(taken)


def claim(database: str | Path, start: Barrier, results: Results) -> None:
    """Puts the numbers of the claims that this process won."""
    store = open_store(database)
    owner = multiprocessing.current_process().name
    start.wait()
    won = []
    for number in range(ROUNDS):
        with store.write(ACTOR, NOW) as work:
            if work.claim(f"claim{number}", owner, NOW, 60):
                won.append(number)
    store.close()
    results.put(won)


def upgrade(database: str | Path, start: Barrier, results: Results) -> None:
    """Puts what went wrong."""
    store = open_store(database)
    start.wait()
    try:
        store.upgrade()
        results.put([])
    except Exception as error:  # noqa: BLE001 # goes to the test, in the other process
        results.put([repr(error)])
    store.close()


def take(database: str | Path, start: Barrier, results: Results) -> None:
    """Puts the topics of the messages that this process took to send them."""
    store = open_store(database)
    start.wait()
    taken = []
    for _ in range(ROUNDS):
        taken += [one.topic for one in take_due(store, ACTOR, NOW, per_channel=1)]
    store.close()
    results.put(taken)
