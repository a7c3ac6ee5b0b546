"""Settle a host that has seen a higher sequence than ours: a restored store, or a second orchestrator."""

from __future__ import annotations

from datetime import datetime

from daypass.errors import UsageError
from daypass.workflow.seams import Seams

# A restored record has forgotten people who came since: the uids of so many are left to them.
FORGOTTEN_UIDS = 100


def rebase(seams: Seams, server: str, now: datetime) -> int:
    """Continue above the sequence that the host has reported; recorded before anything is sent.

    Returns:
        The sequence to go on from.

    Raises:
        UsageError: The host has reported no such sequence.
    """
    with seams.write(now) as work:
        host = work.host(seams.server(server).name)
        if host is None or host.confirmed_sequence <= host.sequence:
            raise UsageError(
                f"{server} hasn't reported a sequence above ours",
                hint=f"it says so in its answer to a document: daypass report {server} --fix; "
                f"then, if sequence_ahead is still found there: daypass reconcile --rebase {server}",
            )
        work.rebase_sequence(server, host.confirmed_sequence)
        work.skip_uids(FORGOTTEN_UIDS)
        work.append_event(
            "host.rebased",
            server,
            {"from": host.sequence, "to": host.confirmed_sequence, "skipped_uids": FORGOTTEN_UIDS},
        )
        return host.confirmed_sequence
