"""Servers as far as they are known here: keys, onboarding, what they were last told, whether they answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from daypass.domain.grants import Share, ShareState
from daypass.domain.outcomes import OutcomeKind
from daypass.workflow.doctor.findings import NAMED, Finding, fail, ok, some, warn, with_names

END_LATE = timedelta(minutes=15)  # the longest pause between tries (workflow/settle.py)
AHEAD = "sequence_ahead"


def judge_missing(what: str, missing: Sequence[str], command: str) -> Finding:
    """What servers of a list don't have yet."""
    if not missing:
        return ok(what, "all there")
    return warn(what, f"missing for {len(missing)}: {some(missing)}", with_names(command, missing))


def judge_shared_keys(shared: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """One machine can't tell itself from another by a key that both have."""
    for fingerprint, servers in list(shared.items())[:NAMED]:
        said = f"{some(servers)} have the same host key {fingerprint}: copies, or one machine twice"
        again = with_names("daypass servers scan --replace", servers)
        hint = f"on a copy: rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh; then: {again}"
        yield warn("host keys", said, hint)


def judge_strangers(
    listed: Collection[str], open_on: Iterable[str], onboarded: Iterable[str]
) -> Iterator[Finding]:
    """Servers on record that no list has any more.

    Args:
        open_on: Where somebody has access, or an account that isn't removed.
    """
    what = "servers gone from the lists"
    with_access = set(open_on) - set(listed)
    if with_access:
        said = f"{some(with_access)}, with access or accounts on record that nothing ends any more"
        yield fail(what, said, _back(with_access))
    if left := set(onboarded) - set(listed) - with_access:
        yield warn(what, f"{some(left)}, onboarded and not taken out", _back(left))


def judge_leaving(leaving: Collection[str], listed: Collection[str]) -> Finding:
    """Servers whose off-boarding nobody has seen the end of."""
    gone = set(leaving) - set(listed)
    hint = _back(gone) if gone else with_names("daypass offboard", sorted(leaving)) + "   (again)"
    return warn("off-boarding", f"isn't over on {some(leaving)}", hint)


def _back(servers: Collection[str]) -> str:
    out = with_names("daypass offboard", sorted(servers))
    return f"put them back into the list, then: {out}   (--forget where the machine is gone)"


def judge_shares(shares: Sequence[Share], now: datetime) -> Iterator[Finding]:
    """Where record and servers aren't together yet."""
    ahead = {share.server for share in shares if share.outcome_code == AHEAD}
    for server in sorted(ahead)[:NAMED]:
        said = (
            f"{server} has followed a later document than ours: a restored database, or a second orchestrator"
        )
        yield fail("sequences", said, f"find out which, then: daypass reconcile --rebase {server}")
    late = {share.server for share in shares if _ends_late(share, now)}
    if late:
        said = f"{some(late)} haven't confirmed the end of access that is over"
        hint = f"daypass reconcile --now; then: {with_names('daypass report', sorted(late))}"
        yield fail("ends", said, hint)
    unknown = {s.server for s in shares if s.outcome == OutcomeKind.UNKNOWN} - late - ahead
    if unknown:
        said = f"what the last wave did on {some(unknown)} isn't known"
        yield warn("outcomes", said, "daypass reconcile --now")
    waiting = {s.server for s in shares if s.outcome_code and s.state is ShareState.PENDING} - ahead - unknown
    if waiting:
        yield warn("outcomes", f"access couldn't be given on {some(waiting)}", "daypass status says why")
    if not (ahead or late or unknown or waiting):
        yield ok("record and servers", "nothing is late or unknown")


def _ends_late(share: Share, now: datetime) -> bool:
    over = share.window.not_after + END_LATE < now and share.state in (ShareState.APPLIED, ShareState.ENDING)
    return over or (share.state is ShareState.ENDING and share.attempts > 0)


def judge_overdue(requests: int) -> Finding:
    """Requests whose time to be answered is over."""
    if requests:
        return warn("requests", f"{requests} ran out and are still open", "daypass reconcile")
    return ok("requests", "none has run out unnoticed")


def judge_reached(silent: Mapping[str, str], asked: int, left_out: int, jumps: int) -> Finding:
    """Which servers answered as sshd.

    Args:
        silent: Server to why not.
        asked: How many were tried.
        left_out: Servers that weren't tried, for their number.
        jumps: Servers behind a jump host, which can't be tried by a plain connection.
    """
    parts = [f"{asked - len(silent)} of {asked} answer"]
    if left_out:
        parts.append(f"{left_out} more weren't asked (--servers asks all)")
    if jumps:
        parts.append(f"{jumps} behind jump hosts weren't asked")
    found = "; ".join(parts)
    if not silent:
        return ok("reachability", found)
    told = ", ".join(f"{name}: {why}" for name, why in sorted(silent.items())[:NAMED])
    report = with_names("daypass report", sorted(silent))
    if len(silent) == asked > 1:
        hint = f"look at this machine's network, names and firewall; then: {report}"
        return fail("reachability", f"{found}. {told}", hint)
    hint = f"look at address, port and firewall of each; then: {report}"
    return warn("reachability", f"{found}. {told}", hint)
