"""Claims keep two processes from doing the same work at once; they are never what safety rests on.

Correctness comes from sequences and the host's lock (host-contract.md, "Order and replay"). A claim only
saves a second wave to a server that another process is talking to. It ends by itself; one whose owner died on
this machine is taken over at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from daypass.workflow.seams import Seams

MARGIN_SECONDS = 60  # a claim outlives the wave's own deadline by this


@contextmanager
def claimed(seams: Seams, servers: Iterable[str], now: datetime) -> Iterator[tuple[str, ...]]:
    """Claim servers for one wave; yields those that were free.

    Whoever gives or revokes access goes ahead with all of them all the same; `reconcile` leaves the others
    alone.
    """
    free = tuple(name for name in servers if take(seams, f"server:{name}", now))
    try:
        yield free
    finally:
        with seams.write(seams.clock()) as work:
            for name in free:
                work.release(f"server:{name}", seams.owner)


def take(seams: Seams, name: str, now: datetime) -> bool:
    """Take one claim, over a dead owner's if need be."""
    ttl_seconds = seams.settings.waves.deadline_seconds + MARGIN_SECONDS
    with seams.write(now) as work:
        holder = work.claim_holder(name)
        if holder is not None and not seams.alive(holder):
            work.release(name, holder)
        return work.claim(name, seams.owner, now, ttl_seconds)
