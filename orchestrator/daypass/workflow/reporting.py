"""Ask servers what stands there, and compare it with the record. Nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.domain.reports import CONVERGE
from daypass.errors import ConfigurationError, ExecutionError, NotFoundError, StoreError, UsageError
from daypass.execution.executor import WaveServer
from daypass.store.interface import ReadView
from daypass.workflow.claims import claimed
from daypass.workflow.seams import Seams
from daypass.workflow.waves import DOCUMENT, Progress, converge, sealed_now, wave_server

DEEP = "daypass_deep"  # the inventory variable that playbooks/report.yml reads


def onboarded(seams: Seams, names: Sequence[str]) -> tuple[str, ...]:
    """These servers, or all that are onboarded, by name.

    Raises:
        NotFoundError: A server isn't in the lists, or isn't onboarded.
    """
    with seams.store.read() as view:
        known = {host.server for host in view.hosts() if host.onboarded}
    wanted = {seams.server(name).name for name in names}
    missing = sorted(wanted - known)
    if missing:
        raise NotFoundError(
            f"not onboarded: {', '.join(missing)}", hint=f"daypass onboard {' '.join(missing)}"
        )
    return tuple(sorted(wanted or known & set(seams.servers)))


def report(
    seams: Seams,
    servers: Sequence[str],
    now: datetime,
    *,
    deep: bool = False,
    progress: Progress | None = None,
) -> dict[str, Outcome]:
    """Each server's report, in `Outcome.report`; a server that gave none has another kind than `applied`.

    Args:
        servers: See `onboarded`.
        deep: Look for setuid files on all of the server's disks, too.
    """
    outcomes: dict[str, Outcome] = {}
    for integration in sorted({seams.servers[name].integration for name in servers}):
        members = [name for name in servers if seams.servers[name].integration == integration]
        outcomes |= _wave(seams, integration, members, now, deep, progress)
    return outcomes


def _wave(
    seams: Seams,
    integration: str,
    servers: Sequence[str],
    now: datetime,
    deep: bool,
    progress: Progress | None,
) -> dict[str, Outcome]:
    refused: dict[str, Outcome] = {}
    members: list[WaveServer] = []
    with seams.store.read() as view:
        for name in servers:
            try:
                members.append(_member(seams, view, name, now, deep))
            except (UsageError, StoreError) as error:
                refused[name] = Outcome(OutcomeKind.FAILED, error.code, error.sentence)
    deadline = seams.settings.waves.deadline_seconds
    try:
        executor = seams.executor(integration)
        done = executor.run("report", members, deadline_seconds=deadline, on_outcome=progress)
    except (ConfigurationError, ExecutionError) as error:
        done = {one.server.name: Outcome(OutcomeKind.FAILED, error.code, error.sentence) for one in members}
    return done | refused


def _member(seams: Seams, view: ReadView, server: str, now: datetime, deep: bool) -> WaveServer:
    """With the document that a wave of this moment would bring, for comparing."""
    variables = {DOCUMENT: sealed_now(seams, view, server, now), DEEP: "true" if deep else "false"}
    return wave_server(seams, view, server, variables)


def repairable(outcomes: Mapping[str, Outcome]) -> dict[str, int]:
    """Server -> how many of its findings a full document puts right."""
    counts = {
        name: sum(finding.repair == CONVERGE for finding in outcome.report.findings)
        for name, outcome in outcomes.items()
        if outcome.report is not None
    }
    return {name: count for name, count in counts.items() if count}


def repair(
    seams: Seams, servers: Sequence[str], now: datetime, progress: Progress | None = None
) -> dict[str, Outcome]:
    """Send these servers their full document, by the ordinary wave."""
    with claimed(seams, servers, now):
        return converge(seams, servers, progress=progress)
