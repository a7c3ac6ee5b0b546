"""What `ssh daypass@broker` shows: what I have, what I asked for, what waits for me, what I could ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daypass.cli.access.group import show_list
from daypass.cli.options import Invocation
from daypass.cli.render import Screen, time_text
from daypass.domain.durations import length_text
from daypass.domain.grants import DEFAULT_GROUP, Which
from daypass.domain.requests import RequestState
from daypass.errors import ConfigurationError
from daypass.gate.caller import Caller
from daypass.workflow.access import list_access
from daypass.workflow.acting import acting_for
from daypass.workflow.offers import Offer, offers
from daypass.workflow.requests.listing import Shown, list_requests
from daypass.workflow.status import GrantStatus

MOST_GRANTS = 50
MOST_OFFERS = 10  # flows on the page; `-t` picks from all of them
MOST_NAMES = 5  # servers of one flow


@dataclass(frozen=True)
class Page:
    """All that the page shows, of one moment."""

    access: tuple[GrantStatus, ...]
    mine: tuple[Shown, ...]
    waiting: tuple[Shown, ...]
    offered: tuple[Offer, ...]
    now: datetime


def read_page(invocation: Invocation, caller: Caller) -> Page:
    """Everything that concerns this person now."""
    with invocation.open() as daypass:
        seams, person = acting_for(daypass.seams, caller.login)
        now = daypass.now()
        access = list_access(seams, Which.LIVE, login=person.login, limit=MOST_GRANTS)
        pending = list_requests(seams, person, [RequestState.PENDING], now).requests
        try:
            offered = tuple(offers(seams.policy(), person, now))
        except ConfigurationError:
            offered = ()
    own = {person.login}
    return Page(
        access=access,
        mine=tuple(one for one in pending if own & {one.request.requester, one.request.grantee}),
        waiting=tuple(one for one in pending if own & one.may_answer),
        offered=offered,
        now=now,
    )


def show_page(screen: Screen, page: Page, typed: str) -> None:
    """A screenful; each part with the line to type next."""
    if page.access:
        screen.line("your access", style="bold")
        show_list(screen, page.access, page.now, named=False)
        screen.line(f"more: {typed} access show GRANT")
    else:
        screen.line("you have no access now")
    if page.mine:
        screen.line()
        screen.line("your open requests", style="bold")
        rows = [
            (o.request.id, _what(o), _waits_for(o), time_text(o.request.expires_at, page.now))
            for o in page.mine
        ]
        screen.table(["request", "what", "waits for", "ends by itself"], rows)
    _show_waiting(screen, page.waiting, typed)
    _show_offers(screen, page.offered, typed)


def _what(one: Shown) -> str:
    asked = one.request
    groups = ", ".join(asked.groups) or DEFAULT_GROUP
    length = f" for {length_text(asked.length)}" if asked.length else ""
    return f"{', '.join(asked.servers)} ({groups}){length}"


def _waits_for(one: Shown) -> str:
    standing = one.looked.approvals if one.looked else None
    return standing.waiting_for if standing else "-"


def _show_waiting(screen: Screen, waiting: Sequence[Shown], typed: str) -> None:
    if not waiting:
        return
    screen.line()
    screen.line("waiting for your answer", style="bold")
    for one in waiting:
        asked = one.request
        screen.line(f"{asked.grantee}: {_what(one)}: {asked.justification or 'no reason given'}")
        screen.line(f"  {typed} request approve {asked.id}")
        screen.line(f"  {typed} request deny {asked.id} --reason \"'…'\"")


def _show_offers(screen: Screen, offered: Sequence[Offer], typed: str) -> None:
    if not offered:
        return
    screen.line()
    screen.line("what you could ask for", style="bold")
    rows = [
        (
            one.flow,
            _some(one.servers),
            ", ".join(one.groups),
            f"up to {length_text(one.most)}",
            "after a yes" if one.asks else "at once",
            "now" if one.now else "not at this hour",
        )
        for one in offered[:MOST_OFFERS]
    ]
    screen.table(["flow", "servers", "groups", "for", "given", "when"], rows)
    if len(offered) > MOST_OFFERS:
        screen.line(f"and {len(offered) - MOST_OFFERS} more")
    server = next((one.servers[0] for one in offered if one.servers), "SERVER")
    screen.line(f"  {typed} request new --server {server} --for 1h --reason \"'…'\"")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
