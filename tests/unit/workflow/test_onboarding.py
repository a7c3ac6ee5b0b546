"""Rules of onboarding that the record decides; the rest is proven on real servers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.outcomes import OutcomeKind
from daypass.errors import UsageError
from daypass.workflow.granting import give
from daypass.workflow.onboarding import CANARY_LOGIN, onboard
from daypass.workflow.reconciling import reconcile_once
from tests.fakes import Killed

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0BRtJjQGZ7NzqH9SpTnnF0yBnEVZ1pRCyRbMhtGhqV"


@pytest.fixture
def seams(world):
    """Servers whose host keys the list names."""
    servers = {name: replace(server, host_key=KEY) for name, server in world.seams.servers.items()}
    return replace(world.seams, servers=servers)


def test_the_canary_is_gone_after_the_proof_and_people_stay(world, seams, request_for):
    """Onboarding again touches nobody, and leaves nothing of its own."""
    answer = give(seams, request_for("anna", "web-1"), world.clock())
    onboard(seams, ["web-1"], world.clock())
    host = world.hosts["web-1"]
    assert CANARY_LOGIN not in host.ledger.accounts
    assert host.open_principals("anna") == {answer.certificate.principal}


def test_an_onboarding_opens_nobody_elses_grant(world, seams, request_for):
    """What a killed process left to be done is the next pass's, after the proof."""
    for step in range(1, 60):
        process, _ = world.mortal(step)
        with pytest.raises(Killed):
            give(process, request_for("anna", "web-1"), world.clock())
        with seams.store.read() as view:
            signed = [g for g in view.grants() if any(c.text for c in view.certificates(g.id))]
        if signed:
            break
    onboard(seams, ["web-1"], world.clock())
    host = world.hosts["web-1"]
    assert not host.open_principals("anna")
    reconcile_once(seams, world.clock())
    assert host.open_principals("anna")


def test_a_server_without_a_host_key_is_not_onboarded(world):
    """Nothing is sent to a server that can't be told from another; the error says what to type."""
    with pytest.raises(UsageError) as caught:
        onboard(world.seams, ["web-1", "web-2"], world.clock())
    assert "daypass servers scan web-1 web-2" in caught.value.hint
    assert world.waves.sent == []


def test_what_was_given_before_a_take_over_is_closed_at_once(world, seams, request_for):
    """After a rename, or from another orchestrator: our record doesn't know them, so nothing else would."""
    give(seams, request_for("anna", "web-1"), world.clock())
    old, new = world.hosts["web-1"], world.hosts["web-2"]
    new.ledger = new.ledger._replace(accounts=old.ledger.accounts)
    onboard(seams, ["web-2"], world.clock())
    assert new.open_principals("anna")
    assert onboard(seams, ["web-2"], world.clock(), take_over=True)["web-2"].kind is OutcomeKind.APPLIED
    assert not new.open_principals("anna")


def test_a_server_whose_host_key_nobody_knows_is_not_onboarded(world):
    """Nothing is sent to a machine that may be another one; the hint says how its key is recorded."""
    unknown = {name: replace(server, host_key=None) for name, server in world.seams.servers.items()}
    with pytest.raises(UsageError) as caught:
        onboard(replace(world.seams, servers=unknown), ["web-1"], world.clock())
    assert (caught.value.code, caught.value.hint) == ("host_key_unknown", "daypass servers scan web-1")
    assert world.waves.sent == []
