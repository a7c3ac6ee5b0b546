"""Follow a request until access is there, by looking now and then.

Each look is a short command of its own. One connection that is held while a request is open would take one of
the gate's few places (`gate/slots.py`) for minutes or hours, and a handful of waiting people would keep out
the approvers for whom they wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from daypass.client.followed import Followed
from daypass.client.via import GateError
from daypass.errors import DaypassError

SHORTEST_PAUSE, LONGEST_PAUSE = 2.0, 30.0  # seconds
SHARE = 0.25  # of the time since something changed: what happens is seen at most a quarter late
MOST_FAILURES = 5  # in a row, after a first answer: a laptop that sleeps, a broker that starts anew


class TimeOver(DaypassError):
    """Nothing was decided within the time that was given; the request stays."""

    code = "still_waiting"


def pause_after(seconds: float) -> float:
    """How long to wait before the next look, from the time in which nothing has changed."""
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, seconds * SHARE))


def follow(
    look: Callable[[], Followed],
    tell: Callable[[Followed], None],
    *,
    limit_seconds: float | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Followed:
    """Look until there is a verdict, which the answer has then.

    Args:
        look: Raises DaypassError where the request can't be seen.
        tell: Called with each answer.
        limit_seconds: None = as long as the request is open; it ends by itself.

    Raises:
        TimeOver: The time is over.
        DaypassError: From `look`; of a gate that isn't reached only after some tries.
    """
    begun = changed = monotonic()
    seen = look()
    tell(seen)
    failures = 0
    while seen.verdict is None:
        now = monotonic()
        left = float("inf") if limit_seconds is None else begun + limit_seconds - now
        if left <= 0:
            raise TimeOver(f"request {seen.request.id} is still {seen.request.state}")
        sleep(min(pause_after(now - changed), left))
        try:
            found = look()
        except GateError:
            failures += 1
            if failures > MOST_FAILURES:
                raise
            continue
        failures = 0
        if found != seen:
            changed = monotonic()
        seen = found
        tell(seen)
    return seen
