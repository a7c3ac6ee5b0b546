"""SIGKILL at every step of grant and revoke, on real servers; one pass of reconcile makes all of it right."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from daypass.execution.run_folder import default_run_root
from daypass.wiring import Daypass
from daypass.workflow.granting import GrantRequest, give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.revoking import take_back
from tests.agreement import check_not_more
from tests.host_state import AccountState, read_host
from tests.killing import ON_ITS_WAY, Death, kill_at, wait_for_orphans
from tests.orchestrator import Orchestrator
from tests.together import Wanted, give_together

SERVERS = ("web-1", "web-2", "web-3")
MOST_STEPS = 40
REVOKED = 12  # one for each step, and at least one more


def request(site, login, server):
    public_key = Path(f"{site.key(login)}.pub").read_text()
    return GrantRequest(login, (server,), (), ("ops",), timedelta(hours=1), public_key)


def run_root(site):
    """Where this orchestrator's waves have their folders."""
    return default_run_root(site.folder / ".daypass", os.environ)


def reconcile(site):
    """One pass does it; on a machine so busy that a wave fails by time-out, the next ones."""
    for later in (timedelta(0), timedelta(minutes=1), timedelta(minutes=5)):
        with site.opened(later) as daypass:
            if not reconcile_once(daypass.seams, daypass.now()).waiting:
                return


def not_more(site, server):
    with site.opened() as daypass, daypass.seams.store.read() as view:
        check_not_more(view, server, read_host(site.lab, server).opened(), daypass.now())


@dataclass(frozen=True)
class Killed:
    """A process that ended at a step of its work for somebody on a server."""

    login: str
    server: str
    death: Death


def rounds_of_kills(
    site: Orchestrator, letters: str, work: Callable[[Daypass, str, str], object], *, lands: bool
) -> Iterator[list[Killed]]:
    """Kill at every step, for another person and on another server each; a round has one for each server.

    Args:
        letters: How logins begin; the number of the step follows.
        work: Called with a login and a server.
        lands: Whether the wave that is left behind in the middle comes to its end; else the next pass, which
            comes at once, cuts it off.
    """
    together: list[Killed] = []
    for step in range(1, MOST_STEPS):
        login, server = f"{letters}{step:02}", SERVERS[step % len(SERVERS)]
        death = kill_at(site, step, lambda daypass, who=login, where=server: work(daypass, who, where))
        if death is None:
            break
        together.append(Killed(login, server, death))
        at_once = death.step == ON_ITS_WAY and not lands
        if not at_once:
            wait_for_orphans(death, run_root(site))
        if at_once or len(together) == len(SERVERS):
            yield together
            together = []
    if together:
        yield together


def test_a_grant_killed_at_any_step_is_whole_or_absent(site, look, all_agree, tidy):
    """Recorded: reconcile signs and opens it, and the certificate can be shown. Else there is nothing."""

    def work(daypass, login, server):
        give(daypass.seams, request(site, login, server), daypass.now())

    seen = []
    for killed in rounds_of_kills(site, "kg", work, lands=True):
        for one in killed:
            not_more(site, one.server)
        reconcile(site)
        all_agree(*(one.server for one in killed))
        for one in killed:
            seen.append(one.death.step)
            check_whole_or_absent(site, look(one.server).accounts.get(one.login), one)
    assert {"before signing", "after signing", ON_ITS_WAY} <= set(seen)
    assert any(name.startswith("before the outcome") for name in seen)
    assert seen.count("after a commit") >= 5
    all_agree()


def check_whole_or_absent(site: Orchestrator, account: AccountState | None, one: Killed) -> None:
    """Record, certificate and account are all there, or none of them is."""
    with site.opened() as daypass, daypass.seams.store.read() as view:
        grants = view.grants(login=one.login)
    assert bool(grants) == bool(account), one
    if grants:
        shown = site.run("certificate", "show", grants[0].id, "--output", "json").json["certificates"]
        assert [c["state"] for c in shown] == ["signed"]
        assert account.groups == ["daypass", "ops"]


def test_a_revocation_killed_at_any_step_is_carried_out_or_not_begun(site, look, all_agree, tidy):
    """Recorded: reconcile closes it. Else the grant stands as before. Another one is never touched."""
    people = {
        f"kr{step:02}": Wanted((SERVERS[step % len(SERVERS)],), ("ops",)) for step in range(1, REVOKED + 1)
    }
    given = give_together(site, {"keeper": Wanted(SERVERS), **people})

    def work(daypass, login, _server):
        take_back(daypass.seams, given[login].grant_id, daypass.now())

    seen = []
    for killed in rounds_of_kills(site, "kr", work, lands=False):
        reconcile(site)
        all_agree(*(one.server for one in killed))
        for one in killed:
            seen.append(one.death.step)
            state = look(one.server)
            assert not state.opened().get(one.login), one
            assert one.login not in state.sudoers
            assert state.accounts["keeper"].principals == [given["keeper"].principal]
    assert ON_ITS_WAY in seen
    assert any(name.startswith("before the outcome") for name in seen)
    assert seen.count("after a commit") >= 4
    all_agree()
