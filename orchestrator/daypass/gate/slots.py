"""How many may come in at once: locks that end with the process that holds them, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daypass.errors import DaypassError

MOST_OF_ONE = 8  # of one person, running and waiting: several machines, a script beside a terminal
MOST_RUNNING = 16  # of all: each holds up to 100 MB and one of few cores
WAIT_SECONDS = 60.0  # as long as fifty people at once take on two cores, and half of that again
PAUSE_SECONDS = 0.05


class BusyError(DaypassError):
    """No place became free."""

    code = "gate_busy"


def one_has_all(login: str) -> BusyError:
    """To a person who has all places of one person."""
    return BusyError(
        f"{login} has {MOST_OF_ONE} connections open here, more aren't allowed",
        hint="wait until one of them is done",
    )


def all_taken() -> BusyError:
    """To whoever waited, or is one too many to wait."""
    return BusyError("too many people are here right now", hint="try again in a minute")


@contextmanager
def place(folder: Path, login: str, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold one place of the person's and one of everybody's.

    A person who has all places of one person is sent away at once; for the others there is some waiting.

    Args:
        folder: Of our own, private.

    Raises:
        BusyError: `gate_busy`.
        OSError: The folder can't be used.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    mine = _free(folder, f"person-{login}", MOST_OF_ONE)
    if mine is None:
        raise one_has_all(login)
    try:
        running = _wait(folder, wait_seconds)
        try:
            yield
        finally:
            os.close(running)
    finally:
        os.close(mine)


def _wait(folder: Path, seconds: float) -> int:
    end = time.monotonic() + seconds
    while (held := _free(folder, "running", MOST_RUNNING)) is None:
        if time.monotonic() >= end:
            raise all_taken()
        time.sleep(PAUSE_SECONDS)
    return held


def _free(folder: Path, name: str, count: int) -> int | None:
    """The first place that nobody holds, as an open file."""
    for number in range(count):
        descriptor = os.open(
            folder / f"{name}.{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    return None
