"""What stands now: live grants with their servers, open reviews, and the servers themselves. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from daypass.domain.grants import Account, Grant, GrantState, Share
from daypass.domain.hosts import Host
from daypass.domain.reviews import Review
from daypass.domain.servers import Server
from daypass.workflow.seams import Seams
from daypass.workflow.settle import LIVE_ACCOUNTS

LIVE_GRANTS = (GrantState.APPROVED, GrantState.ACTIVE, GrantState.ENDING)


@dataclass(frozen=True)
class ServerStatus:
    """A server of the lists and what the store knows of it; `host` None = never onboarded."""

    server: Server
    host: Host | None
    host_key_known: bool
    accounts: tuple[Account, ...]


@dataclass(frozen=True)
class GrantStatus:
    """A grant with its shares."""

    grant: Grant
    shares: tuple[Share, ...]


def live_grants(seams: Seams, login: str | None = None) -> tuple[GrantStatus, ...]:
    """Every grant that isn't ended, oldest first."""
    with seams.store.read() as view:
        grants: Sequence[Grant] = view.grants(states=LIVE_GRANTS, login=login)
        return tuple(GrantStatus(grant, tuple(view.shares(grant_id=grant.id))) for grant in grants)


def open_reviews(seams: Seams, login: str | None = None) -> tuple[Review, ...]:
    """Break-glass access that nobody has looked at yet, oldest first."""
    with seams.store.read() as view:
        return tuple(one for one in view.reviews(open_only=True) if login in (None, one.login))


def server_statuses(seams: Seams) -> tuple[ServerStatus, ...]:
    """Every server of the lists, by name; a handful of questions, however many there are."""
    accounts: dict[str, list[Account]] = defaultdict(list)
    with seams.store.read() as view:
        hosts = {host.server: host for host in view.hosts()}
        keyed = view.servers_with_host_keys()
        for account in view.accounts(states=LIVE_ACCOUNTS):
            accounts[account.server].append(account)
    return tuple(
        ServerStatus(server, hosts.get(name), bool(server.host_key) or name in keyed, tuple(accounts[name]))
        for name, server in sorted(seams.servers.items())
    )
