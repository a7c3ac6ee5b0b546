"""Waves that come late, and two processes at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from daypass.domain.grants import ShareState
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.execution.executor import WaveServer
from daypass.workflow.granting import GrantRequest, give
from daypass.workflow.revoking import take_back

SERVER = "web-1"


class HeldBack:
    """An executor whose waves don't leave: they can be sent later, by hand."""

    def __init__(self) -> None:
        self.waves: list[WaveServer] = []

    def run(self, _kind, servers, *, on_outcome=None, **_words):
        self.waves += servers
        return {wave.server.name: Outcome(OutcomeKind.UNKNOWN) for wave in servers}


def held_back(site, work):
    """The wave of this work, kept from leaving; the record says what a killed process would have left."""
    held = HeldBack()
    with site.opened() as daypass:
        seams = replace(daypass.seams, executor=lambda _integration: held)
        answer = work(replace(daypass, seams=seams))
    return answer, held.waves


def send(site, waves):
    """Let the waves leave now, the way they would have; the outcome of each server."""
    with site.opened() as daypass:
        return daypass.seams.executor("lab").run("accounts", waves, deadline_seconds=600)


def request(site, login, *groups):
    public_key = Path(f"{site.key(login)}.pub").read_text()
    return GrantRequest(login, (SERVER,), (), groups, timedelta(hours=1), public_key)


def test_a_grant_that_lands_after_its_revocation_brings_nothing_back(site, look, all_agree, tidy):
    """The late document is stale: it opens nothing, and closes nothing of what came since."""
    late, waves = held_back(site, lambda d: give(d.seams, request(site, "late", "ops"), d.now()))
    site.run("revoke", late.grant.id, "--output", "json")
    newer = site.grant("newer", SERVER, groups=["logs"])
    before = look(SERVER)
    outcome = send(site, waves)[SERVER]
    assert outcome.answer.status == "stale"
    after = look(SERVER)
    assert after.opened() == before.opened()
    assert "late" not in after.opened()
    assert (after.group, after.sudoers) == (before.group, before.sudoers)
    assert site.gets_in(newer, SERVER)
    all_agree()


def test_a_revocation_that_lands_late_closes_only_what_it_names(site, look, all_agree, tidy):
    """By its name, the revoked grant; not by omission, what was granted after it."""
    first = site.grant("order", SERVER)
    _, waves = held_back(site, lambda d: take_back(d.seams, first.id, d.now()))
    second = site.grant("order", SERVER, groups=["logs"])
    third = site.grant("later", SERVER)
    before = look(SERVER)
    outcome = send(site, waves)[SERVER]
    assert outcome.answer.status == "stale"
    after = look(SERVER)
    assert after.opened() == before.opened()
    assert after.accounts["order"].groups == ["daypass", "logs"]
    assert not site.gets_in(first, SERVER)
    assert site.gets_in(second, SERVER)
    assert site.gets_in(third, SERVER)
    all_agree()


def test_the_same_wave_landing_twice_changes_nothing_the_second_time(site, look, all_agree, tidy):
    """An equal sequence with equal content converges again."""
    _, waves = held_back(site, lambda d: give(d.seams, request(site, "doubly", "ops"), d.now()))
    assert send(site, waves)[SERVER].answer.changed
    before = look(SERVER)
    again = send(site, waves)[SERVER]
    assert (again.kind, again.answer.status, again.answer.changed) == (
        OutcomeKind.APPLIED,
        "converged",
        False,
    )
    assert look(SERVER).opened() == before.opened()
    site.reconcile()
    all_agree()


def test_two_passes_at_once_do_the_work_once(site, look, all_agree, tidy):
    """Both end well; each share is ended once, each account removed once."""
    grants = [site.grant(f"pass{n}", SERVER) for n in range(2)]
    for grant in grants:
        held_back(site, lambda d, g=grant: take_back(d.seams, g.id, d.now()))
    ended = site.run_at_once(["reconcile"], ["reconcile"])
    assert {ran.code for ran in ended} <= {0, 3}, ended
    site.reconcile()
    assert not {"pass0", "pass1"} & set(look(SERVER).opened())
    with site.opened() as daypass, daypass.seams.store.read() as view:
        for grant in grants:
            events = [e.kind for e in view.events(limit=10_000) if e.subject == grant.id]
            assert events.count("grant.ended") == 1
    all_agree()
    site.run("audit", "verify")


def test_a_grant_and_a_pass_at_once_agree_in_the_end(site, all_agree, tidy):
    """One certificate a serial, one share a server, whoever was first."""
    words = [site.grant_words(f"rush{n}", SERVER) for n in range(2)]
    ended = site.run_at_once(words[0], ["reconcile"], words[1], ["reconcile"])
    assert {ran.code for ran in ended} <= {0, 3}, ended
    site.reconcile()
    with site.opened() as daypass, daypass.seams.store.read() as view:
        for login in ("rush0", "rush1"):
            (grant,) = view.grants(login=login)
            assert [s.state for s in view.shares(grant_id=grant.id)] == [ShareState.APPLIED]
            assert len(view.certificates(grant.id)) == 1
    all_agree()
