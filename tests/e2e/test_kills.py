"""SIGKILL at every step of grant and revoke, on real servers; one pass of reconcile makes all of it right."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from daypass.execution.run_folder import default_run_root
from daypass.workflow.granting import GrantRequest, give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.revoking import take_back
from tests.agreement import check_not_more
from tests.host_state import read_host
from tests.killing import kill_at, wait_for_orphans

SERVERS = ("web-1", "web-2", "web-3")
MOST_STEPS = 40


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


def test_a_grant_killed_at_any_step_is_whole_or_absent(site, look, all_agree, tidy):
    """Recorded: reconcile signs and opens it, and the certificate can be shown. Else there is nothing."""
    seen = []
    for step in range(1, MOST_STEPS):
        login, server = f"kg{step}", SERVERS[step % len(SERVERS)]
        wanted = request(site, login, server)
        death = kill_at(site, step, lambda daypass, w=wanted: give(daypass.seams, w, daypass.now()))
        if death is None:
            break
        seen.append(death.step)
        if step % 2:  # the wave that was left behind lands; else the next pass cuts it off
            wait_for_orphans(death, run_root(site))
        not_more(site, server)
        reconcile(site)
        all_agree(server)
        with site.opened() as daypass, daypass.seams.store.read() as view:
            grants = view.grants(login=login)
        account = look(server).accounts.get(login)
        assert bool(grants) == bool(account), death
        if grants:
            shown = site.run("certificate", "show", grants[0].id, "--output", "json").json["certificates"]
            assert [c["state"] for c in shown] == ["signed"]
            assert account.groups == ["daypass", "ops"]
    assert {"before signing", "after signing", "while ssh is on its way"} <= set(seen)
    assert any(name.startswith("before the outcome") for name in seen)
    assert seen.count("after a commit") >= 5
    all_agree()


def test_a_revocation_killed_at_any_step_is_carried_out_or_not_begun(site, look, all_agree, tidy):
    """Recorded: reconcile closes it. Else the grant stands as before. Another one is never touched."""
    kept = {server: site.grant("keeper", server) for server in SERVERS}
    seen = []
    for step in range(1, MOST_STEPS):
        server = SERVERS[step % len(SERVERS)]
        login = f"kr{step}"
        with site.opened() as daypass:
            grant = give(daypass.seams, request(site, login, server), daypass.now()).grant
        death = kill_at(site, step, lambda daypass, g=grant: take_back(daypass.seams, g.id, daypass.now()))
        if death is None:
            break
        seen.append(death.step)
        if step % 2:
            wait_for_orphans(death, run_root(site))
        reconcile(site)
        all_agree(server)
        state = look(server)
        assert not state.opened().get(login), death
        assert login not in state.sudoers
        assert state.accounts["keeper"].principals == [kept[server].principal]
    assert "while ssh is on its way" in seen
    assert any(name.startswith("before the outcome") for name in seen)
    assert seen.count("after a commit") >= 4
    all_agree()
