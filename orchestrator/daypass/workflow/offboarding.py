"""Take servers out of Daypass: grants end in the record first, then on the server everything of ours goes.

Each step may be repeated after a kill: the record says what is still to be done, the server's own ledger what
is still there. A server that is gone for good is given up by `forget`, in the record alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from daypass.domain.grants import Account, Share, ShareState
from daypass.domain.hosts import Host
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.errors import ConfigurationError, ExecutionError, NotFoundError
from daypass.execution.executor import WaveServer
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.claims import claimed
from daypass.workflow.ending import end_share
from daypass.workflow.recording import note_share
from daypass.workflow.seams import Seams, nearest_hint
from daypass.workflow.settle import LIVE_ACCOUNTS, LIVE_SHARES
from daypass.workflow.waves import Progress, converge, wave_server

OFFBOARDED = "server off-boarded"
FORGOTTEN = "server given up"
KEEP: Final = "keep"
NOT_ONBOARDED = "not_onboarded"  # the host's own code: it has no ledger, so a run before got that far


@dataclass(frozen=True)
class Leaving:
    """What the record holds of a server that is about to leave."""

    server: str
    listed: bool
    accounts: tuple[Account, ...]
    shares: tuple[Share, ...]


def look_at(seams: Seams, names: Sequence[str]) -> tuple[Leaving, ...]:
    """What an off-boarding of these servers would end, by name; servers out of the lists count too.

    Raises:
        NotFoundError: Neither the lists nor the record know a server, or it isn't onboarded.
    """
    with seams.store.read() as view:
        return tuple(_leaving(seams, view, name) for name in sorted(set(names)))


def _leaving(seams: Seams, view: ReadView, name: str) -> Leaving:
    host = view.host(name)
    shares = tuple(view.shares(server=name, states=LIVE_SHARES))
    if host is None and not shares:
        known = {one.server: one for one in view.hosts()}
        raise NotFoundError(f"{name} isn't onboarded", hint=nearest_hint(name, known, "daypass status"))
    if host is not None and host.offboarded_at is not None:
        raise NotFoundError(f"{name} was off-boarded before", hint=f"daypass onboard {name}")
    accounts = tuple(view.accounts(server=name, states=LIVE_ACCOUNTS))
    return Leaving(name, name in seams.servers, accounts, shares)


def offboard(
    seams: Seams,
    names: Sequence[str],
    now: datetime,
    *,
    keep_homes: bool = False,
    progress: Progress | None = None,
) -> dict[str, Outcome]:
    """End all grants of these servers, remove the accounts, then everything else of ours there.

    Args:
        keep_homes: Leave every home where it is, whatever the accounts' own policy.

    Returns:
        An outcome for each server; `applied` = nothing of ours is left there.

    Raises:
        NotFoundError: As `look_at`, and for a server that no list names any more.
    """
    servers = [leaving.server for leaving in look_at(seams, names)]
    for name in servers:
        _check_listed(seams, name)
    with claimed(seams, servers, now):
        with seams.write(now) as work:
            for name in servers:
                _end_all(seams, work, name, OFFBOARDED, keep_homes, now)
        outcomes = _remove_accounts(seams, servers)
        ready = [name for name, outcome in outcomes.items() if _may_go_on(outcome)]
        outcomes |= _by_integration(seams, ready, keep_homes)
    if progress:
        for name, outcome in outcomes.items():
            progress(name, outcome)
    return outcomes


def _check_listed(seams: Seams, name: str) -> None:
    if name not in seams.servers:
        raise NotFoundError(
            f"{name} isn't in any server list, so it can't be reached",
            hint=f"list it again, or give it up for good: daypass offboard {name} --forget",
            code="server_not_listed",
        )


def _end_all(
    seams: Seams, work: WriteWork, server: str, reason: str, keep_homes: bool, now: datetime
) -> None:
    """Everything of one server ends in the record, before the server is told anything."""
    shares = work.shares(server=server, states=LIVE_SHARES)
    logins = [account.login for account in work.accounts(server=server, states=LIVE_ACCOUNTS)]
    details = {"reason": reason, "grants": [share.grant_id for share in shares], "accounts": logins}
    work.append_event("host.leaving", server, details)
    if (host := work.host(server)) is not None:  # until the end is seen, nothing is given there
        work.set_host(replace(host, leaving_at=host.leaving_at or now))
    for share in shares:
        end_share(seams, work, share, reason=reason, now=now)
    if keep_homes:
        for account in work.accounts(server=server, states=LIVE_ACCOUNTS):
            work.set_account(replace(account, home_on_removal=KEEP))


def _remove_accounts(seams: Seams, servers: Sequence[str]) -> dict[str, Outcome]:
    """The ordinary wave, in which every account's cleanup window has passed."""
    with seams.store.read() as view:
        removals = {
            name: frozenset(account.login for account in view.accounts(server=name, states=LIVE_ACCOUNTS))
            for name in servers
        }
    return converge(seams, servers, removals=removals)


def _may_go_on(outcome: Outcome) -> bool:
    return outcome.kind is OutcomeKind.APPLIED or outcome.code == NOT_ONBOARDED


def _by_integration(seams: Seams, servers: Sequence[str], keep_homes: bool) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for integration in sorted({seams.servers[name].integration for name in servers}):
        members = [name for name in servers if seams.servers[name].integration == integration]
        outcomes |= _wave(seams, integration, members, keep_homes, check=False)
    return outcomes


def check_offboarding(
    seams: Seams, names: Sequence[str], *, keep_homes: bool = False, progress: Progress | None = None
) -> dict[str, Outcome]:
    """Ask each server what would go; nothing is recorded or changed. `Outcome.facts["removing"]` lists it.

    Raises:
        NotFoundError: As `offboard`.
    """
    outcomes: dict[str, Outcome] = {}
    servers = [leaving.server for leaving in look_at(seams, names)]
    for name in servers:
        _check_listed(seams, name)
    for integration in sorted({seams.servers[name].integration for name in servers}):
        members = [name for name in servers if seams.servers[name].integration == integration]
        outcomes |= _wave(seams, integration, members, keep_homes, check=True, progress=progress)
    return outcomes


def _wave(
    seams: Seams,
    integration: str,
    servers: Sequence[str],
    keep_homes: bool,
    *,
    check: bool,
    progress: Progress | None = None,
) -> dict[str, Outcome]:
    if check:
        with seams.store.read() as view:
            members = [_member(seams, view, name, keep_homes, check=True) for name in servers]
    else:
        with seams.write(seams.clock()) as work:
            for name in servers:
                work.next_sequence(name)  # for accounts that only the host knows of; it counts on by itself
            members = [_member(seams, work, name, keep_homes, check=False) for name in servers]

    def on_outcome(server: str, outcome: Outcome) -> None:
        if not check:
            _record(seams, server, outcome)
        if progress:
            progress(server, outcome)

    deadline = seams.settings.waves.deadline_seconds
    try:
        executor = seams.executor(integration)
        return executor.run("offboard", members, deadline_seconds=deadline, on_outcome=on_outcome)
    except (ConfigurationError, ExecutionError) as error:
        return {name: Outcome(OutcomeKind.FAILED, error.code, error.sentence) for name in servers}


def _member(seams: Seams, view: ReadView, server: str, keep_homes: bool, *, check: bool) -> WaveServer:
    host = view.host(server)
    variables = {
        "offboard_host_id": host.host_id if host else "",
        "offboard_orchestrator_id": view.orchestrator_id(),
        "offboard_machine_id": (host.machine_id if host else None) or "",
        "offboard_keep_homes": "true" if keep_homes else "false",
    }
    if check:
        variables["daypass_check"] = "true"
    return wave_server(seams, view, server, variables)


def _record(seams: Seams, server: str, outcome: Outcome) -> None:
    now = seams.clock()
    with seams.write(now) as work:
        host = work.host(server)
        if host is None:
            return
        if outcome.kind is OutcomeKind.APPLIED:
            work.append_event("host.offboarded", server, {"host_id": host.host_id})
            _settle(seams, work, host, now, confirmed=True)
        else:
            details = {"kind": str(outcome.kind), "code": outcome.code}
            work.append_event("host.not_offboarded", server, details)


def _settle(seams: Seams, work: WriteWork, host: Host, now: datetime, *, confirmed: bool) -> None:
    """Nothing of ours is there any more: every share is ended, every account removed."""
    server = host.server
    for share in work.shares(server=server, states=LIVE_SHARES):
        ended = replace(share, state=ShareState.ENDED, attempts=0, next_try_at=None)
        if confirmed:
            ended = replace(ended, outcome_code=None, outcome_message=None, confirmed_at=now)
        else:
            message = "the server was given up; nobody has confirmed the end there"
            ended = replace(
                ended, outcome_code="server_forgotten", outcome_message=message, confirmed_at=None
            )
        note_share(seams, work, share, ended, now)
    for account in work.accounts(server=server, states=LIVE_ACCOUNTS):
        work.mark_removed(server, account.login, now)
        work.append_event("account.removed", server, {"login": account.login, "confirmed": confirmed})
    work.set_host(replace(host, offboarded_at=now, leaving_at=None, machine_id=None))


def forget(seams: Seams, name: str, now: datetime) -> Leaving:
    """Give a server up that is gone for good: its shares end in the record alone, and that is recorded.

    Whoever finds the machine again finds its accounts and deadlines on it; certificates end by themselves.

    Raises:
        NotFoundError: As `look_at`.
    """
    (leaving,) = look_at(seams, [name])
    with claimed(seams, [name], now), seams.write(now) as work:
        _end_all(seams, work, name, FORGOTTEN, False, now)
        host = work.host(name) or Host(name, host_id=seams.new_host_id())
        open_shares = [share.grant_id for share in leaving.shares if share.sent_sequence]
        details = {"host_id": host.host_id, "confirmed": False, "unconfirmed_grants": open_shares}
        work.append_event("host.forgotten", name, details)
        _settle(seams, work, host, now, confirmed=False)
    return leaving
