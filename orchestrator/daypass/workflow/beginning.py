"""Requests that were granted ahead of their time, looked at again when it comes, before a server is told."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from daypass.domain.grants import Grant, Share
from daypass.errors import ConfigurationError
from daypass.flows.beginning import Beginning, look_again
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.ending import end_grant, end_share
from daypass.workflow.seams import Seams


@dataclass(frozen=True)
class Beginnings:
    """What one look did.

    Attributes:
        ended: Grants that ended, or on some of their servers, with why: ids and sentences.
        cleared: Ids of grants that may begin.
        held: Ids of grants that can't be looked at now: no server is told of them.
        problem: Why they can't.
    """

    ended: tuple[tuple[str, str], ...] = ()
    cleared: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    problem: ConfigurationError | None = None


def look_at_beginnings(seams: Seams, now: datetime) -> Beginnings:
    """End what the flows of now wouldn't give any more of what is to begin; the rest may begin.

    People and flows that can't be read let nothing begin, and end nothing.
    """
    with seams.store.read() as view:
        waiting = _waiting(view, now)
    if not waiting:
        return Beginnings()
    try:
        policy = seams.policy()
    except ConfigurationError as error:
        return Beginnings(held=frozenset(waiting), problem=error)
    ended: list[tuple[str, str]] = []
    cleared: set[str] = set()
    held: set[str] = set()
    with seams.write(now) as work:
        for grant_id, shares in _waiting(work, now).items():
            grant = work.grant(grant_id)
            if grant is None or grant.ended_at is not None:
                continue
            found = look_again(grant, _requester(work, grant), _places(shares), policy, now)
            (held if found.held else cleared).add(grant_id)
            ended.extend((grant_id, why) for why in _end(seams, work, grant, shares, found, now))
    return Beginnings(tuple(ended), frozenset(cleared), frozenset(held))


def may_begin(seams: Seams, now: datetime) -> frozenset[str]:
    """Ids of grants from ahead of their time that may begin; whatever goes wrong here stops no end."""
    try:
        return look_at_beginnings(seams, now).cleared
    except Exception:  # noqa: BLE001 # `reconcile` does the same and tells of it
        return frozenset()


def _waiting(view: ReadView, now: datetime) -> dict[str, list[Share]]:
    waiting: dict[str, list[Share]] = defaultdict(list)
    for share in view.shares_beginning(now):
        waiting[share.grant_id].append(share)
    return dict(waiting)


def _requester(view: ReadView, grant: Grant) -> str:
    request = view.request(grant.request_id) if grant.request_id else None
    return request.requester if request else grant.login


def _places(shares: list[Share]) -> dict[str, tuple[str, ...]]:
    return {share.server: share.groups for share in shares}


def _end(
    seams: Seams, work: WriteWork, grant: Grant, shares: list[Share], found: Beginning, now: datetime
) -> list[str]:
    """Record what ends, each with its reason; with its last server the whole grant does."""
    if found.over is not None:
        end_grant(seams, work, grant, at=min(now, grant.window.not_after), reason=found.over, now=now)
        return [found.over]
    for share in shares:
        if share.server in found.misfits:
            end_share(seams, work, share, reason=found.misfits[share.server], now=now)
    return [f"{server}: {why}" for server, why in found.misfits.items()]
