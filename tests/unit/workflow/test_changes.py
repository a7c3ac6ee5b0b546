"""Rules of a live grant that gets a later end or another key, on servers that follow the host's own merge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.domain.certificates import CertificateState
from daypass.domain.grants import GrantState, ShareState
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.errors import DaypassError, DeniedError, UsageError
from daypass.workflow import changing, reissuing
from daypass.workflow.extending import extend
from daypass.workflow.granting import give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.reissuing import reissue
from daypass.workflow.revoking import take_back
from tests.agreement import check_agreement, check_certificates
from tests.fakes import Killed, MemoryHosts, World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SERVERS = ("web-1", "web-2")
MOST_STEPS = 60


def new_key() -> str:
    return public_line(load_ca_key(generate_ca_key("ed25519")))


def states(world: World, grant_id: str) -> dict[str, ShareState]:
    with world.seams.store.read() as view:
        return {share.server: share.state for share in view.shares(grant_id=grant_id)}


def end_on(world: World, server: str, login: str, grant_id: str) -> int:
    return world.hosts[server].ledger.accounts[login].grants[grant_id].not_after


def agree(world: World) -> None:
    """Record and servers give the same principals until the same ends."""
    with world.seams.store.read() as view:
        check_certificates(view)
        for name, host in world.hosts.items():
            opened = {login: host.open_principals(login) for login in host.ledger.accounts}
            check_agreement(view, name, opened, world.clock())
            for share in view.shares(server=name, states=(ShareState.APPLIED,)):
                end = end_on(world, name, share.login, share.grant_id)
                assert end == int(share.window.not_after.timestamp()), share


def test_an_extension_moves_the_end_on_every_server_and_adds_a_certificate(world, request_for):
    """The new certificate is for the same key; the old one's line stays, so no session ends."""
    first = give(world.seams, request_for("anna", *SERVERS), world.clock())
    answer = extend(world.seams, first.grant.id, world.clock(), length=30 * MINUTE)
    assert answer.grant.window.not_after == first.grant.window.not_after + 30 * MINUTE
    assert answer.certificate.fingerprint == first.certificate.fingerprint
    assert answer.certificate.valid_before == answer.grant.window.not_after
    assert (answer.certificate.number, answer.certificate.serial != first.certificate.serial) == (2, True)
    both = {first.certificate.principal, answer.certificate.principal}
    assert world.hosts["web-1"].open_principals("anna") == both
    assert answer.grant.state is GrantState.ACTIVE
    agree(world)


def test_an_extended_grant_ends_at_its_new_end(world, request_for):
    """Not at the old one, and at the new one all of it."""
    first = give(world.seams, request_for("anna", *SERVERS), world.clock())
    extend(world.seams, first.grant.id, world.clock(), until=first.grant.window.not_after + HOUR)
    assert reconcile_once(world.seams, world.clock.forward(HOUR)).ended == ()
    assert reconcile_once(world.seams, world.clock.forward(HOUR)).ended == (first.grant.id,)
    agree(world)


def test_a_server_that_is_down_keeps_the_old_end_until_it_has_been_told(world, request_for):
    """The change is pending there, the grant goes on; the next try tells it."""
    first = give(world.seams, request_for("anna", *SERVERS), world.clock())
    world.hosts["web-2"].up = False
    answer = extend(world.seams, first.grant.id, world.clock(), length=HOUR)
    assert states(world, first.grant.id) == {"web-1": ShareState.APPLIED, "web-2": ShareState.PENDING}
    assert answer.grant.state is GrantState.ACTIVE
    assert end_on(world, "web-2", "anna", first.grant.id) == int(first.grant.window.not_after.timestamp())
    world.hosts["web-2"].up = True
    reconcile_once(world.seams, world.clock(), pauses=False)
    agree(world)


@pytest.mark.parametrize("how", ["revoked", "ran out", "ran out unnoticed"])
@pytest.mark.parametrize(
    "change", [lambda s, g, n: extend(s, g, n, length=HOUR), lambda s, g, n: reissue(s, g, new_key(), n)]
)
def test_a_grant_that_has_ended_is_not_changed(world, request_for, how, change):
    """What ended stays ended: a new grant is a new decision."""
    grant = give(world.seams, request_for("anna", "web-1"), world.clock()).grant
    if how == "revoked":
        take_back(world.seams, grant.id, world.clock())
    else:
        world.clock.forward(HOUR)
        if how == "ran out":
            reconcile_once(world.seams, world.clock())
    with pytest.raises(UsageError) as refused:
        change(world.seams, grant.id, world.clock())
    assert refused.value.code == "grant_ended"


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=59), -HOUR])
def test_an_extension_that_is_none_is_refused(world, request_for, length):
    """To end sooner is a revocation; the hint says so."""
    grant = give(world.seams, request_for("anna", "web-1"), world.clock()).grant
    with pytest.raises(UsageError) as refused:
        extend(world.seams, grant.id, world.clock(), until=grant.window.not_after + length)
    assert (refused.value.code, "daypass revoke" in refused.value.hint) == ("end_not_later", True)


def test_an_extension_may_not_pass_the_longest_grant(world, request_for):
    """The whole window counts, however it was put together."""
    grant = give(world.seams, request_for("anna", "web-1"), world.clock()).grant
    longest = world.seams.settings.direct_grant_max
    with pytest.raises(DeniedError):
        extend(world.seams, grant.id, world.clock(), length=longest)
    extend(world.seams, grant.id, world.clock(), length=longest - grant.window.length)


def test_a_check_changes_nothing(world, request_for):
    """It says what would be, and neither records, signs nor sends."""
    grant = give(world.seams, request_for("anna", "web-1"), world.clock()).grant
    with world.seams.store.read() as view:
        head = view.audit_head()
    sent = len(world.waves.sent)
    answer = extend(world.seams, grant.id, world.clock(), length=HOUR, check=True)
    assert answer.grant.window.not_after == grant.window.not_after + HOUR
    assert reissue(world.seams, grant.id, new_key(), world.clock(), check=True).certificate.number == 2
    with world.seams.store.read() as view:
        assert (view.audit_head(), view.grant(grant.id)) == (head, replace(grant, state=GrantState.ACTIVE))
        assert len(view.certificates(grant.id)) == 1
    assert len(world.waves.sent) == sent


def test_a_grant_takes_a_bounded_number_of_certificates(world, request_for, monkeypatch):
    """Servers refuse a document with more; the person is told what to do instead."""
    monkeypatch.setattr(changing, "PRINCIPALS_MAX", 3)
    grant = give(world.seams, request_for("anna", "web-1"), world.clock()).grant
    for _ in range(2):
        extend(world.seams, grant.id, world.clock(), length=MINUTE)
    with pytest.raises(DeniedError) as refused:
        extend(world.seams, grant.id, world.clock(), length=MINUTE)
    assert refused.value.code == "too_many_certificates"
    agree(world)


def test_another_key_gets_the_grant_and_the_old_one_nothing(world, request_for):
    """The old certificate is on record as revoked, with time and reason; its line is gone everywhere."""
    first = give(world.seams, request_for("anna", *SERVERS), world.clock())
    answer = reissue(world.seams, first.grant.id, new_key(), world.clock(), reason="key lost: train")
    for name in SERVERS:
        assert world.hosts[name].open_principals("anna") == {answer.certificate.principal}
    with world.seams.store.read() as view:
        old, new = view.certificates(first.grant.id)
        kinds = [e.kind for e in view.events() if e.subject == first.grant.id]
    assert (old.state, old.revoked_at, old.revoke_reason) == (
        CertificateState.REVOKED,
        world.clock(),
        "key lost: train",
    )
    assert (new.state, new.valid_before) == (CertificateState.SIGNED, first.grant.window.not_after)
    assert "certificate.reissued" in kinds
    agree(world)


def test_a_server_that_is_down_takes_the_old_key_until_it_has_been_told(world, request_for):
    """It is shown as pending and tried again."""
    first = give(world.seams, request_for("anna", *SERVERS), world.clock())
    world.hosts["web-2"].up = False
    reissue(world.seams, first.grant.id, new_key(), world.clock())
    assert states(world, first.grant.id)["web-2"] is ShareState.PENDING
    assert world.hosts["web-2"].open_principals("anna") == {first.certificate.principal}
    world.hosts["web-2"].up = True
    reconcile_once(world.seams, world.clock(), pauses=False)
    assert first.certificate.principal not in world.hosts["web-2"].open_principals("anna")
    agree(world)


def test_a_key_of_this_grant_is_not_taken_again(world, request_for):
    """Neither the one that it has nor one that was given up."""
    request = request_for("anna", "web-1")
    grant = give(world.seams, request, world.clock()).grant
    for _ in range(2):
        with pytest.raises(UsageError) as refused:
            reissue(world.seams, grant.id, request.public_key, world.clock())
        assert refused.value.code == "key_used_before"
        reissue(world.seams, grant.id, new_key(), world.clock())
    with pytest.raises(DaypassError):
        reissue(world.seams, grant.id, "-----BEGIN OPENSSH PRIVATE KEY-----", world.clock())


def test_other_grants_with_the_lost_key_are_named(world, request_for):
    """A lost key is lost for all of them; whoever reports it must hear of each."""
    one, two = (give(world.seams, request_for("anna", "web-1"), world.clock()).grant for _ in range(2))
    assert reissue(world.seams, one.id, new_key(), world.clock()).same_key == (two.id,)
    assert reissue(world.seams, two.id, new_key(), world.clock()).same_key == ()


def test_an_extension_after_another_key_is_for_that_key(world, request_for):
    """The newest certificate's key counts."""
    grant = give(world.seams, request_for("anna", "web-1"), world.clock()).grant
    second = reissue(world.seams, grant.id, new_key(), world.clock()).certificate
    assert (
        extend(world.seams, grant.id, world.clock(), length=HOUR).certificate.fingerprint
        == second.fingerprint
    )
    agree(world)


def test_the_answer_to_a_document_from_before_an_extension_confirms_nothing(world, request_for):
    """A wave that was under way meanwhile gave the old end; only the next one gives the new one."""
    first = give(world.seams, request_for("anna", "web-1"), world.clock())

    class Meanwhile(MemoryHosts):
        def run(self, kind, servers, *, on_outcome=None, **words):
            world.hosts["web-1"].up = False
            with world.seams.store.read() as view:
                late = view.grant(first.grant.id).window.not_after + HOUR
            extend(world.seams, first.grant.id, world.clock(), until=late)
            world.hosts["web-1"].up = True
            return super().run(kind, servers, on_outcome=on_outcome, **words)

    slow = replace(world.seams, executor=lambda _i: Meanwhile(world.hosts, world.clock), owner="other")
    give(slow, request_for("bert", "web-1"), world.clock())
    assert states(world, first.grant.id) == {"web-1": ShareState.PENDING}
    reconcile_once(world.seams, world.clock(), pauses=False)
    agree(world)


def test_a_change_that_the_server_refused_is_not_counted_as_done(world, request_for):
    """The grant is in effect there, as it was before: the host names it as lacking."""
    first = give(world.seams, request_for("anna", "web-1"), world.clock())

    class Refusing(MemoryHosts):
        def run(self, kind, servers, *, on_outcome=None, **words):
            (wave,) = servers
            host = world.hosts["web-1"]
            kept = host.ledger.accounts
            outcome = host.take(wave.variables["daypass_document"], world.clock())
            host.ledger = host.ledger._replace(accounts=kept)
            told = replace(outcome.answer.accounts["anna"], lacking=(first.grant.id,), code="clock_drift")
            answer = replace(outcome.answer, accounts={"anna": told})
            refused = Outcome(OutcomeKind.REFUSED, "clock_drift", "the clocks differ", answer)
            on_outcome("web-1", refused)
            return {"web-1": refused}

    refusing = replace(world.seams, executor=lambda _i: Refusing(world.hosts, world.clock))
    answer = extend(refusing, first.grant.id, world.clock(), length=HOUR)
    (share,) = answer.shares
    assert (share.state, share.outcome_code) == (ShareState.PENDING, "clock_drift")
    assert answer.grant.state is GrantState.ACTIVE
    reconcile_once(world.seams, world.clock(), pauses=False)
    agree(world)


@pytest.mark.parametrize("orphan", ["ends with its owner", "lands at once", "lands late"])
@pytest.mark.parametrize("change", ["extend", "reissue"])
def test_a_killed_change_is_whole_or_not_begun_after_the_next_pass(world, request_for, change, orphan):
    """Wherever the kill comes: one pass later record and servers agree, and a lost key opens nothing."""
    give(world.seams, request_for("bert", *SERVERS), world.clock())
    first = give(world.seams, request_for("anna", *SERVERS), world.clock())
    begun = world.moment()
    for step in range(1, MOST_STEPS):
        world.back_to(begun)
        sent = len(world.waves.sent)
        seams, _mortal = world.mortal(step)
        killed = True
        try:
            if change == "extend":
                extend(seams, first.grant.id, world.clock(), length=HOUR)
            else:
                reissue(seams, first.grant.id, new_key(), world.clock(), reason=reissuing.LOST)
            killed = False
        except Killed:
            pass
        left = world.waves.sent[sent:]
        if orphan == "lands at once":
            for server, opaque in left:
                world.waves.deliver(server, opaque)
        reconcile_once(world.seams, world.clock())
        agree(world)
        if orphan == "lands late":
            for server, opaque in left:
                world.waves.deliver(server, opaque)
            agree(world)
        with world.seams.store.read() as view:
            certificates = view.certificates(first.grant.id)
        if change == "reissue" and len(certificates) == 2:
            assert first.certificate.principal not in world.hosts["web-1"].open_principals("anna")
        if not killed:
            break
    else:
        pytest.fail("the change has more steps than were tried")
    assert step > 10
