"""Plan, apply, record: the one way in which anything reaches a server (design.md, "The way of the data")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from daypass.domain.certificates import CertificateState, Constraints
from daypass.domain.grants import Grant
from daypass.domain.hosts import SentDocument
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.domain.servers import DEFAULT_PORT, Server
from daypass.errors import ConfigurationError, ExecutionError, NotFoundError, StoreError, UsageError
from daypass.execution.executor import WaveServer
from daypass.host_rules import seal_document
from daypass.inventory.proxy_jump import Jump, parse_jump
from daypass.plan import ServerPlan, plan_server
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.beginning import may_begin
from daypass.workflow.recording import record, record_unsent
from daypass.workflow.seams import Seams
from daypass.workflow.settle import LIVE_ACCOUNTS, LIVE_SHARES

Progress = Callable[[str, Outcome], None]

DOCUMENT = "daypass_document"  # the inventory variable that playbooks/accounts.yml reads


def converge(
    seams: Seams,
    servers: Iterable[str],
    *,
    removals: Mapping[str, frozenset[str]] | None = None,
    progress: Progress | None = None,
) -> dict[str, Outcome]:
    """Send every named server its document of this moment, and record what comes back, server by server.

    Args:
        removals: Logins by server whose cleanup window has passed.
        progress: Called with each server's outcome as it becomes known.

    Returns:
        An outcome for each server; one that isn't in a server list any more is `unreachable`.
    """
    names = sorted(set(servers))
    cleared = may_begin(seams, seams.clock()) if names else frozenset()
    known = [name for name in names if name in seams.servers]
    unsent = {name: _gone() for name in names if name not in seams.servers}
    outcomes: dict[str, Outcome] = {}
    for integration, members in _by_integration(seams, known).items():
        plans, refused = prepare(seams, members, removals or {}, cleared)
        unsent |= refused
        outcomes |= _run(seams, integration, plans, progress)
    for name, outcome in unsent.items():
        record_unsent(seams, name, outcome, (removals or {}).get(name, frozenset()))
    return outcomes | unsent


def _gone() -> Outcome:
    return Outcome(
        OutcomeKind.UNREACHABLE,
        code="server_not_listed",
        message="the server isn't in any server list any more; gone for good: daypass offboard NAME --forget",
    )


def _by_integration(seams: Seams, servers: Iterable[str]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = defaultdict(list)
    for name in servers:
        members[seams.servers[name].integration].append(name)
    return members


def prepare(
    seams: Seams,
    servers: Iterable[str],
    removals: Mapping[str, frozenset[str]],
    cleared: frozenset[str] = frozenset(),
) -> tuple[dict[str, tuple[ServerPlan, WaveServer]], dict[str, Outcome]]:
    """Reserve a sequence for each server and record its document in one transaction, before it is sent.

    Args:
        cleared: Grants from ahead of their time that may begin; others of that kind wait.

    Returns:
        What is sent, and the outcomes of servers whose document can't be made: they hold up no other.
    """
    now = seams.clock()
    plans: dict[str, tuple[ServerPlan, WaveServer]] = {}
    refused: dict[str, Outcome] = {}
    with seams.write(now) as work:
        held = frozenset(share.grant_id for share in work.shares_beginning(now)) - cleared
        for name in servers:
            host = work.host(name)
            if host is None or host.offboarded_at is not None:
                continue
            try:
                plans[name] = prepare_one(seams, work, name, removals.get(name, frozenset()), now, held)
            except (UsageError, StoreError) as error:
                refused[name] = Outcome(OutcomeKind.FAILED, error.code, error.sentence)
    return plans, refused


def prepare_one(
    seams: Seams,
    work: WriteWork,
    server: str,
    removals: frozenset[str],
    now: datetime,
    held: frozenset[str] = frozenset(),
) -> tuple[ServerPlan, WaveServer]:
    """One server's part of `prepare`; grants that are held aren't in the document."""
    plan = _plan(seams, work, server, work.next_sequence(server), removals, now, held=held)
    opaque, digest = seal_document(plan.fields)
    host_id = str(plan.fields["host_id"])
    work.add_document(SentDocument(host_id, server, plan.sequence, digest, now))
    listed = [grant_id for account in plan.accounts.values() for grant_id in account.grants]
    work.mark_sent(server, listed, plan.sequence)
    return plan, wave_server(seams, work, server, {DOCUMENT: opaque})


def check_documents(seams: Seams, view: ReadView, servers: Iterable[str], now: datetime) -> None:
    """Refuse what a host would refuse, while the record can still be undone.

    A document that can't be sealed would keep its server from being told anything, ends included.

    Raises:
        UsageError: With the host's own code, sentence and hint.
    """
    for server in servers:
        sealed_now(seams, view, server, now, all_signed=True)


def sealed_now(seams: Seams, view: ReadView, server: str, now: datetime, *, all_signed: bool = False) -> str:
    """The opaque document that a wave of this moment would bring, for comparing; no sequence is taken for it.

    Args:
        all_signed: As if every reserved certificate were signed already.

    Raises:
        UsageError: The host would refuse it.
    """
    host = view.host(server)
    sequence = 1 + (host.sequence if host else 0)
    return seal_document(
        _plan(seams, view, server, sequence, frozenset(), now, all_signed=all_signed).fields
    )[0]


def _plan(
    seams: Seams,
    view: ReadView,
    server: str,
    sequence: int,
    removals: frozenset[str],
    now: datetime,
    *,
    all_signed: bool = False,
    held: frozenset[str] = frozenset(),
) -> ServerPlan:
    """The plan of this moment; with `all_signed`, as if every reserved certificate were signed already."""
    host = view.host(server)
    if host is None or host.offboarded_at is not None:
        raise NotFoundError(f"{server} isn't onboarded", hint=f"daypass onboard {server}")
    shares = [s for s in view.shares(server=server, states=LIVE_SHARES) if s.grant_id not in held]
    grants, found = view.grants_on(server, LIVE_SHARES), view.certificates_on(server, LIVE_SHARES)
    certificates = {share.grant_id: found.get(share.grant_id, []) for share in shares}
    if all_signed:
        certificates = {
            grant_id: [
                replace(c, state=CertificateState.SIGNED) if c.state is CertificateState.RESERVED else c
                for c in found
            ]
            for grant_id, found in certificates.items()
        }
    integration = seams.integration_of(server)
    return plan_server(
        host,
        orchestrator_id=view.orchestrator_id(),
        sequence=sequence,
        accounts=view.accounts(server=server, states=LIVE_ACCOUNTS),
        shares=shares,
        certificates=certificates,
        constraints={grant_id: _constraints(grants, grant_id) for grant_id in certificates},
        # From the record, so that access is taken back without the CA's private key too.
        ca_keys=view.ca_keys() or seams.ca_keys(),
        removals=removals,
        now=now,
        join_without_log=integration.join_without_log,
        created_groups=integration.created_groups,
    )


def _constraints(grants: Mapping[str, Grant], grant_id: str) -> Constraints:
    """What a grant's certificates are bound to."""
    if grant_id not in grants:  # the database's foreign key forbids it; without them nothing may be given
        raise StoreError(f"the store has no grant {grant_id}", code="grant_unknown")
    return grants[grant_id].constraints


def wave_server(seams: Seams, view: ReadView, server: str, variables: Mapping[str, str]) -> WaveServer:
    """A server as the executor takes it."""
    entry = seams.servers[server]
    return WaveServer(entry, host_keys_of(view, entry), variables, _jump_keys(seams, view, entry))


def host_keys_of(view: ReadView, entry: Server) -> tuple[str, ...]:
    """A `host_key` in the server list wins over scanned ones."""
    return (entry.host_key,) if entry.host_key else tuple(key.key for key in view.host_keys(entry.name))


def _jump_keys(seams: Seams, view: ReadView, entry: Server) -> tuple[str, ...]:
    if entry.proxy_jump is None:
        return ()
    host = server_at(seams, parse_jump(entry.proxy_jump))
    return host_keys_of(view, host) if host else ()


def server_at(seams: Seams, jump: Jump) -> Server | None:
    """The server at a jump's address: a jump host is listed like any other server, or isn't known."""
    return seams.at_address.get((jump.host, jump.port or DEFAULT_PORT))


def _run(
    seams: Seams,
    integration: str,
    plans: Mapping[str, tuple[ServerPlan, WaveServer]],
    progress: Progress | None,
) -> dict[str, Outcome]:
    if not plans:
        return {}

    def on_outcome(server: str, outcome: Outcome) -> None:
        record(seams, plans[server][0], outcome)
        if progress:
            progress(server, outcome)

    try:
        return seams.executor(integration).run(
            "accounts",
            [wave for _, wave in plans.values()],
            deadline_seconds=seams.settings.waves.deadline_seconds,
            on_outcome=on_outcome,
        )
    except (ConfigurationError, ExecutionError) as error:
        # No server was reached. Other integrations still are, and what was recorded is tried again.
        outcomes = {name: Outcome(OutcomeKind.FAILED, error.code, error.sentence) for name in plans}
        for name, outcome in outcomes.items():
            on_outcome(name, outcome)
        return outcomes
