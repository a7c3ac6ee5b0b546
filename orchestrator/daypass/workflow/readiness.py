"""What must hold before anything is given: which servers are meant, and that nothing stops a grant there."""

from __future__ import annotations

from collections.abc import Iterable

from daypass.config import Integration
from daypass.errors import DeniedError, NotFoundError, UsageError
from daypass.store.interface import ReadView
from daypass.workflow.onboarding import CANARY_LOGIN
from daypass.workflow.seams import Seams


def servers_meant(seams: Seams, names: Iterable[str], tags: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Servers that are named, and those that have all of these tags, in the order of their names.

    Raises:
        NotFoundError: A name or tag that no server has.
        UsageError: Nothing is named.
    """
    named = {seams.server(name).name for name in names}
    if tags:
        tagged = {s.name for s in seams.servers.values() if all(s.tags.get(k) == v for k, v in tags)}
        if not tagged:
            wanted = ", ".join(f"{key}={value}" for key, value in tags)
            raise NotFoundError(f"no server has the tags {wanted}", hint="see: daypass servers list")
        named |= tagged
    if not named:
        raise UsageError("no server is named", hint="add --server NAME or --tag KEY=VALUE")
    return tuple(sorted(named))


def check_ready(seams: Seams, login: str, servers: Iterable[str], groups: tuple[str, ...]) -> None:
    """Everything that could stop a grant, looked at before it is recorded.

    Raises:
        UsageError: The login is one that Daypass works through itself, or a server isn't onboarded.
        DeniedError: A group isn't offered.
        ConfigurationError: The CA's or a connector's key can't be read.
    """
    targets = tuple(servers)
    check_person(seams, login, targets)
    for server in targets:
        check_groups(seams.integration_of(server), server, groups)
    with seams.store.read() as view:
        _check_onboarded(view, targets)
    for server in targets:
        seams.executor(seams.integration_of(server).name)
    seams.signer()


def check_person(seams: Seams, login: str, targets: tuple[str, ...]) -> None:
    """Accounts that Daypass works through itself are nobody's (UsageError)."""
    if login == CANARY_LOGIN or any(login == seams.server(name).user for name in targets):
        raise UsageError(
            f"{login!r} is the login that Daypass itself uses on these servers",
            hint="choose another login for this person",
            code="name_reserved",
        )


def check_groups(integration: Integration, server: str, groups: tuple[str, ...]) -> None:
    """Refuse a group that the server's integration doesn't offer (DeniedError)."""
    offered = [group.name for group in integration.user_groups]
    for group in groups:
        if group not in offered:
            raise DeniedError(
                f"group {group!r} isn't among the user_groups of {integration.name!r}, "
                f"which server {server!r} belongs to: {', '.join(offered)}",
                hint="name one of these, or add the group to daypass.yaml",
                code="group_not_offered",
            )


def _check_onboarded(view: ReadView, targets: tuple[str, ...]) -> None:
    leaving = [name for name in targets if (host := view.host(name)) is not None and host.leaving_at]
    if leaving:
        raise UsageError(
            f"being off-boarded: {', '.join(leaving)}",
            hint=f"repeat daypass offboard {' '.join(leaving)}; to keep it: daypass onboard",
            code="server_leaving",
        )
    missing = [name for name in targets if (host := view.host(name)) is None or not host.onboarded]
    if missing:
        raise UsageError(
            f"not onboarded yet: {', '.join(missing)}",
            hint=f"daypass onboard {' '.join(missing)}",
            code="not_onboarded",
        )
