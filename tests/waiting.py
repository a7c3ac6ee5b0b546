"""Waiting for something that comes, on machines of any speed.

A wait ends when its condition holds, so a long limit costs nothing; only what hangs takes all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_SECONDS = 240
PAUSE_SECONDS = 0.1


def wait_for(condition: Callable[[], bool], seconds: float = LIMIT_SECONDS) -> bool:
    """Whether something becomes true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
