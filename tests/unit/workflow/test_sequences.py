"""Rules of hosts that have seen more than the store, and of what a revocation leaves on record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daypass.domain.certificates import CertificateState
from daypass.domain.grants import ShareState
from daypass.errors import UsageError
from daypass.workflow.granting import give
from daypass.workflow.rebasing import FORGOTTEN_UIDS, rebase
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.revoking import take_back


def the_share(world, grant_id):
    with world.seams.store.read() as view:
        (share,) = view.shares(grant_id=grant_id)
        return share


def event_kinds(world):
    with world.seams.store.read() as view:
        return [event.kind for event in view.events()]


@pytest.fixture
def ahead(world):
    """A host that followed a document which the store doesn't know (restored from yesterday)."""
    host = world.hosts["web-1"]
    host.ledger = host.ledger._replace(sequence=50, digest="f" * 64)
    return world


def test_a_host_that_is_ahead_opens_nothing_and_the_operator_is_told_how_to_go_on(ahead, request_for):
    """A sequence above ours is an alarm, never overtaken silently."""
    answer = give(ahead.seams, request_for("anna", "web-1"), ahead.clock())
    share = the_share(ahead, answer.grant.id)
    assert (share.state, share.outcome_code) == (ShareState.PENDING, "sequence_ahead")
    assert "--rebase" in (share.outcome_message or "")
    assert "host.sequence_ahead" in event_kinds(ahead)
    assert not ahead.hosts["web-1"].open_principals("anna")


def test_after_a_rebase_the_next_pass_opens_what_is_due(ahead, request_for):
    """The re-base is on record, and everything goes on above the host's sequence."""
    answer = give(ahead.seams, request_for("anna", "web-1"), ahead.clock())
    assert rebase(ahead.seams, "web-1", ahead.clock()) == 50
    reconcile_once(ahead.seams, ahead.clock.forward(timedelta(minutes=1)))
    assert the_share(ahead, answer.grant.id).state is ShareState.APPLIED
    assert "host.rebased" in event_kinds(ahead)


def test_after_a_rebase_new_people_get_no_uid_that_a_forgotten_one_may_have(ahead, request_for):
    """Hosts keep the numbers of people whom the restored record has forgotten; skipped once, not per host."""
    first = give(ahead.seams, request_for("anna", "web-1"), ahead.clock())
    ahead.hosts["web-2"].ledger = ahead.hosts["web-2"].ledger._replace(sequence=50, digest="f" * 64)
    give(ahead.seams, request_for("anna", "web-2"), ahead.clock())
    for name in ("web-1", "web-2"):
        rebase(ahead.seams, name, ahead.clock())
    give(ahead.seams, request_for("bert", "web-3"), ahead.clock())
    with ahead.seams.store.read() as view:
        (anna, *_), (bert,) = view.accounts(login="anna"), view.accounts(login="bert")
    assert bert.uid == anna.uid + 1 + FORGOTTEN_UIDS
    assert first.grant.login == anna.login


def test_a_rebuilt_ledger_is_on_record(world, request_for):
    """A host that had to rebuild its ledger says so, and the audit log keeps it with the reason."""
    host = world.hosts["web-1"]
    host.ledger = host.ledger._replace(rebuilt="ledger.json was gone; rebuilt from its copy")
    give(world.seams, request_for("anna", "web-1"), world.clock())
    with world.seams.store.read() as view:
        events = [event for event in view.events() if event.kind == "host.ledger_rebuilt"]
    assert [(event.subject, event.details["reason"]) for event in events] == [("web-1", host.ledger.rebuilt)]


def test_a_host_that_is_not_ahead_can_not_be_rebased(world):
    """A re-base without a reason would hide the next alarm."""
    with pytest.raises(UsageError):
        rebase(world.seams, "web-1", world.clock())


def test_a_revoked_grants_certificates_are_on_record_as_revoked(world, request_for):
    """They outlive their grant: a list of revoked keys for elsewhere has to name them."""
    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    take_back(world.seams, answer.grant.id, world.clock())
    with world.seams.store.read() as view:
        assert [c.state for c in view.certificates(answer.grant.id)] == [CertificateState.REVOKED]


def test_a_certificate_whose_grant_ran_out_is_not_revoked(world, request_for):
    """It ended by itself, with the window."""
    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    reconcile_once(world.seams, world.clock.forward(timedelta(hours=2)))
    with world.seams.store.read() as view:
        assert [c.state for c in view.certificates(answer.grant.id)] == [CertificateState.SIGNED]
