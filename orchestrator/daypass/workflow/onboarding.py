"""Make servers trust granted people's certificates, with a way back and a proof (host-contract.md, "sshd").

The canary is an ordinary account with an ordinary grant of the flow `onboard`: what is proven is the very
way that people will take. Its key pair lives in this process and the wave's agent only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.ca.public_keys import check_public_key
from daypass.domain.certificates import Certificate
from daypass.domain.grants import Account, Grant, GrantState, Share, ShareState
from daypass.domain.hosts import Host, SentDocument
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.domain.secrets import Secret
from daypass.domain.windows import window_from
from daypass.errors import UsageError
from daypass.execution.executor import WaveServer
from daypass.host_rules import CANARY_UID, seal_document
from daypass.plan import plan_server
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.claims import claimed
from daypass.workflow.naming import with_names
from daypass.workflow.seams import Seams
from daypass.workflow.signing import reserve, sign_reserved
from daypass.workflow.waves import Progress, converge, wave_server

CANARY_LOGIN = "dp-canary"
CANARY_COMMENT = "daypass canary"
CANARY_SHELL = "/bin/sh"
ONBOARD_FLOW = "onboard"
# A certificate for the length of one wave: signed once, used on the wave's last server too.
CANARY_MARGIN_SECONDS = 60


@dataclass(frozen=True)
class Canary:
    """The throwaway person of one onboarding: its grant, its signed certificate, its private key."""

    grant: Grant
    certificate: Certificate
    private_key: Secret


def onboard(
    seams: Seams,
    names: Sequence[str],
    now: datetime,
    *,
    take_over: bool = False,
    progress: Progress | None = None,
) -> dict[str, Outcome]:
    """Onboard servers, or prove again that they are; safe to repeat.

    Args:
        take_over: Accept a host whose ledger belongs to another orchestrator or to another name of ours;
            what was given there under it is closed at once.

    Raises:
        NotFoundError: A server isn't in the lists.
        UsageError: A host key isn't known yet.
    """
    servers = sorted({seams.server(name).name for name in names})
    with seams.store.read() as view:
        _check_host_keys(seams, view, servers)
    outcomes: dict[str, Outcome] = {}
    with claimed(seams, servers, now):
        for integration in sorted({seams.servers[name].integration for name in servers}):
            members = [name for name in servers if seams.servers[name].integration == integration]
            outcomes |= _wave(seams, integration, members, now, take_over, progress)
        if take_over:
            outcomes |= _close_what_was_there(seams, outcomes)
    with seams.store.read() as view:
        return {name: with_names(view, outcome) for name, outcome in outcomes.items()}


def _close_what_was_there(seams: Seams, onboarded: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Accounts of the owner before are unknown to our record: only a whole document says that they end."""
    taken = [name for name, outcome in onboarded.items() if outcome.kind is OutcomeKind.APPLIED]
    closed = converge(seams, taken)
    return {name: outcome for name, outcome in closed.items() if outcome.kind is not OutcomeKind.APPLIED}


def _check_host_keys(seams: Seams, view: ReadView, servers: Sequence[str]) -> None:
    missing = [name for name in servers if not seams.servers[name].host_key and not view.host_keys(name)]
    if missing:
        raise UsageError(
            f"no host key is known for {', '.join(missing)}",
            hint=f"daypass servers scan {' '.join(missing)}",
            code="host_key_unknown",
        )


def _wave(
    seams: Seams,
    integration: str,
    servers: Sequence[str],
    now: datetime,
    take_over: bool,
    progress: Progress | None,
) -> dict[str, Outcome]:
    canary = _make_canary(seams, now)
    with seams.write(now) as work:
        members = [_prepare(seams, work, name, canary, take_over, now) for name in servers]

    def on_outcome(server: str, outcome: Outcome) -> None:
        _record(seams, server, outcome)
        if progress:
            progress(server, outcome)

    try:
        return seams.executor(integration).run(
            "onboard",
            members,
            deadline_seconds=seams.settings.waves.deadline_seconds,
            on_outcome=on_outcome,
            files={
                "canary_public_key": canary.certificate.public_key.encode("ascii") + b"\n",
                "canary_certificate": (canary.certificate.text or "").encode("ascii") + b"\n",
            },
            extra_keys=(canary.private_key,),
        )
    finally:
        _end_canary(seams, canary)


def _make_canary(seams: Seams, now: datetime) -> Canary:
    """Recorded, reserved and signed like any other grant."""
    private_key = generate_ca_key("ed25519")
    public_key = check_public_key(public_line(load_ca_key(private_key)))
    length = timedelta(seconds=seams.settings.waves.deadline_seconds + CANARY_MARGIN_SECONDS)
    grant = Grant(
        id=seams.new_id(),
        login=CANARY_LOGIN,
        comment=CANARY_COMMENT,
        flow=ONBOARD_FLOW,
        reason="proof of a new login",
        actor=seams.actor,
        window=window_from(now, length),
        created_at=now,
        state=GrantState.ACTIVE,
    )
    with seams.write(now) as work:
        work.add_grant(grant, ())
        certificate = reserve(seams, work, grant, public_key, from_directory=False)
        work.append_event("canary.recorded", grant.id, {"serial": str(certificate.serial)})
    return Canary(grant, sign_reserved(seams, grant, certificate.serial, now), private_key)


def _end_canary(seams: Seams, canary: Canary) -> None:
    now = seams.clock()
    with seams.write(now) as work:
        work.set_grant(replace(canary.grant, state=GrantState.ENDED, ended_at=now, end_reason="proof over"))


def _prepare(
    seams: Seams, work: WriteWork, server: str, canary: Canary, take_over: bool, now: datetime
) -> WaveServer:
    """Two documents: one that opens the canary, and one that removes it."""
    host = work.host(server)
    if host is None or host.offboarded_at is not None:
        host = Host(server, host_id=seams.new_host_id())
        work.set_host(host)
    opening = _document(seams, work, host, canary, open_canary=True, now=now)
    closing = _document(seams, work, host, canary, open_canary=False, now=now)
    variables = {
        "onboard_host_id": host.host_id,
        "onboard_orchestrator_id": work.orchestrator_id(),
        "onboard_machine_id": host.machine_id or "",
        "onboard_document": opening,
        "onboard_document_after": closing,
        "onboard_canary_login": CANARY_LOGIN,
        "onboard_take_over": "true" if take_over else "false",
        "onboard_local_deadline": seams.integrations[seams.server(server).integration].local_deadline,
    }
    return wave_server(seams, work, server, variables)


def _document(
    seams: Seams, work: WriteWork, host: Host, canary: Canary, *, open_canary: bool, now: datetime
) -> str:
    """The canary alone: nobody else's grant can fail an onboarding, or be opened by one that isn't proven."""
    sequence = work.next_sequence(host.server)
    plan = plan_server(
        host,
        orchestrator_id=work.orchestrator_id(),
        sequence=sequence,
        accounts=[_canary_account(host)],
        shares=[_canary_share(canary, host, open_canary)],
        certificates={canary.grant.id: [canary.certificate]},
        constraints={canary.grant.id: canary.grant.constraints},
        ca_keys=seams.ca_keys(),
        removals=frozenset() if open_canary else frozenset({CANARY_LOGIN}),
        now=now,
        exclusive=False,
    )
    opaque, digest = seal_document(plan.fields)
    work.add_document(SentDocument(host.host_id, host.server, sequence, digest, now))
    return opaque


def _canary_share(canary: Canary, host: Host, open_canary: bool) -> Share:
    state = ShareState.PENDING if open_canary else ShareState.ENDING
    return Share(
        canary.grant.id,
        host.server,
        "",
        CANARY_LOGIN,
        (),
        (),
        canary.grant.window,
        state=state,
        sent_sequence=1,
    )


def _canary_account(host: Host) -> Account:
    return Account(
        server=host.server,
        login=CANARY_LOGIN,
        uid=CANARY_UID,
        comment=CANARY_COMMENT,
        shell=CANARY_SHELL,
        existing="refuse",
        home_on_removal="delete",
        user_cleanup_days=0,
    )


def _record(seams: Seams, server: str, outcome: Outcome) -> None:
    now = seams.clock()
    with seams.write(now) as work:
        host = work.host(server)
        if host is None:
            return
        if outcome.kind is OutcomeKind.APPLIED:
            machine_id = _text(outcome.facts, "machine_id")
            onboarded_at = host.onboarded_at or now
            work.set_host(replace(host, onboarded_at=onboarded_at, leaving_at=None, machine_id=machine_id))
            work.append_event("host.onboarded", server, {"host_id": host.host_id, "machine_id": machine_id})
        else:
            work.append_event("host.not_onboarded", server, {"kind": str(outcome.kind), "code": outcome.code})


def _text(facts: Mapping[str, object], name: str) -> str | None:
    value = facts.get(name)
    return value if isinstance(value, str) and value else None
