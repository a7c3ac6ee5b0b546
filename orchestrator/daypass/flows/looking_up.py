"""The words of a request to people, servers and groups; whatever isn't there, or not any more, is a no."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from daypass.config import Integration
from daypass.domain.grants import DEFAULT_GROUP
from daypass.errors import DeniedError
from daypass.flows.case import Ask, Case
from daypass.flows.policy import Policy

MOST_SERVERS = 1000  # of one request; more than any person looks through
LONGEST_AHEAD = timedelta(days=90)  # a request for later than that is a mistake more often than a plan
LONGEST_JUSTIFICATION = 400  # characters, as for other texts shown to people
BACK = timedelta(minutes=1)  # a start this far back is the same moment, seen by a slower clock


def build_case(ask: Ask, policy: Policy, now: datetime) -> Case:
    """Everything that is known of an `Ask`.

    Raises:
        DeniedError: With every reason, the first one's code.
    """
    problems = list(_problems(ask, policy, now))
    if problems:
        raise DeniedError("; ".join(text for _, text in problems), code=problems[0][0])
    requester = policy.directory.active(ask.requester) if ask.requester is not None else None
    grantee = policy.directory.active(ask.grantee)
    if grantee is None:  # told above
        raise DeniedError(f"{ask.grantee} isn't here", code="person_unknown")
    return Case(
        requester=requester,
        grantee=grantee,
        servers=tuple(policy.servers[name] for name in dict.fromkeys(ask.servers)),
        groups=tuple(dict.fromkeys(ask.groups)) or (DEFAULT_GROUP,),
        directory=policy.directory,
        at=now,
        integrations=policy.integrations,
    )


def _problems(ask: Ask, policy: Policy, now: datetime) -> Iterator[tuple[str, str]]:
    """Codes and sentences."""
    for name in dict.fromkeys(filter(None, [ask.requester, ask.grantee])):
        if policy.directory.person(name) is None:
            yield "person_unknown", f"nobody in the directory is called {name!r}"
        elif policy.directory.active(name) is None:
            yield "person_left", f"{name!r} has left"
    if not 1 <= len(ask.servers) <= MOST_SERVERS:
        yield "servers_number", f"{len(ask.servers)} servers are named, 1 to {MOST_SERVERS} are allowed"
    for server in dict.fromkeys(ask.servers):
        if server not in policy.servers:
            yield "server_unknown", f"there is no server {server!r}"
        else:
            yield from _group_problems(ask, server, policy.integrations[policy.servers[server].integration])
    if ask.start is not None and not now - BACK <= ask.start <= now + LONGEST_AHEAD:
        yield "start_not_allowed", f"access begins now, or within {LONGEST_AHEAD.days} days"
    if len(ask.justification) > LONGEST_JUSTIFICATION or not ask.justification.isprintable():
        allowed = f"at most {LONGEST_JUSTIFICATION} printable characters"
        yield "justification_odd", f"the justification may have {allowed}"


def _group_problems(ask: Ask, server: str, integration: Integration) -> Iterator[tuple[str, str]]:
    offered = {group.name for group in integration.user_groups}
    for group in dict.fromkeys(ask.groups or (DEFAULT_GROUP,)):
        if group not in offered:
            text = f"group {group!r} isn't offered on {server!r}; {integration.name} has: "
            yield "group_not_offered", text + ", ".join(sorted(offered))
