"""What goes into the store comes out the same, and what isn't there is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from daypass.domain.certificates import CertificateState, Constraints
from daypass.domain.grants import AccountState, GrantState, ShareState, Trigger
from daypass.domain.hosts import Host, HostKey, SentDocument
from daypass.errors import NotFoundError, StoreError
from daypass.store import SerialTaken, Store

from .samples import ACTOR, HOUR, NOW, account, add, certificate, grant, share


def test_grant_and_shares_come_back_as_they_were(store: Store):
    """Every field survives, to the microsecond and the empty optional."""
    full = share(
        server="web-2", state=ShareState.ENDING, sent_sequence=2**40, attempts=3, next_try_at=NOW,
        outcome="failed", outcome_code="command_failed", outcome_message="it didn't", confirmed_at=NOW + HOUR,
        sudo=(), groups=(),
    )  # fmt: skip
    ended = grant(state=GrantState.ENDED, ended_at=NOW, end_reason="revoked")
    with store.write(ACTOR, NOW) as work:
        work.add_grant(ended, [share(), full])
    with store.read() as view:
        assert view.grant("01JD1") == ended
        assert view.shares(grant_id="01JD1") == [share(), full]


def test_constraints_and_origin_of_a_grant_come_back_as_they_were(store: Store):
    """What a flow bound is signed again at each extension, so nothing of it may be lost."""
    options = {
        "source-address": "192.0.2.0/24,2001:db8::/32",
        "force-command": "/bin/sh -c \"x 'y' {{ z }}\"",
    }
    made = grant(
        constraints=Constraints(options, ("permit-X11-forwarding", "permit-port-forwarding")),
        request_id="01JREQ", trigger=Trigger.BREAK_GLASS, times_extended=3,
    )  # fmt: skip
    with store.write(ACTOR, NOW) as work:
        work.add_grant(made, [])
        work.add_grant(grant("01JD2", constraints=Constraints({}, ())), [])
    with store.read() as view:
        assert view.grant("01JD1") == made
        assert view.grant("01JD2") == grant("01JD2", constraints=Constraints({}, ()))


def test_time_in_another_zone_comes_back_as_the_same_moment(store: Store):
    """Times are moments; the zone of the caller doesn't matter."""
    zone = timezone(timedelta(hours=2))
    with store.write(ACTOR, NOW) as work:
        work.add_grant(grant(created_at=NOW.astimezone(zone)), [])
        assert work.grant("01JD1") == grant()


def test_time_without_zone_is_refused(store: Store):
    """A naive time is a mistake, not UTC."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 # that is what is refused
    with pytest.raises(StoreError), store.write(ACTOR, NOW) as work:
        work.add_grant(grant(created_at=naive), [])


def test_grants_are_listed_newest_first_by_state_and_login(store: Store):
    """A list of grants is read from the top."""
    with store.write(ACTOR, NOW) as work:
        for number, login in enumerate(["alice", "bob", "alice"]):
            state = GrantState.ENDED if number == 0 else GrantState.ACTIVE
            made = grant(f"G{number}", login=login, created_at=NOW + number * HOUR, state=state)
            work.add_grant(made, [])
        assert [one.id for one in work.grants()] == ["G2", "G1", "G0"]
        assert [one.id for one in work.grants(login="alice")] == ["G2", "G0"]
        assert [one.id for one in work.grants(states={GrantState.ENDED})] == ["G0"]
        assert [one.id for one in work.grants(limit=1)] == ["G2"]
        assert work.grants(states=()) == []


def test_shares_are_selected_by_every_field(store: Store):
    """No filter means all; several mean all of them at once."""
    with store.write(ACTOR, NOW) as work:
        add(work, "G1", server="web-1", state=ShareState.APPLIED)
        add(work, "G2", server="web-2", login="bob")
        assert [one.grant_id for one in work.shares()] == ["G1", "G2"]
        assert [one.grant_id for one in work.shares(server="web-2")] == ["G2"]
        assert [one.grant_id for one in work.shares(states=[ShareState.APPLIED])] == ["G1"]
        assert work.shares(server="web-1", login="bob") == []


def test_what_a_server_holds_is_read_in_sets(store: Store):
    """A document takes as many questions as there are kinds of rows, however many people it lists."""
    with store.write(ACTOR, NOW) as work:
        add(work, "01JD1", state=ShareState.APPLIED)
        add(work, "01JD2", state=ShareState.ENDED)
        work.add_grant(grant("01JD3"), [share("01JD3", "web-2")])
        work.add_grant(grant("01JD4"), [share("01JD4"), share("01JD4", "web-2")])
        for serial, grant_id, number in [(7, "01JD1", 2), (8, "01JD1", 1), (9, "01JD2", 1), (10, "01JD3", 1)]:
            principal = f"daypass-{grant_id}-{number}"
            work.reserve_serial(certificate(serial, number, grant_id=grant_id, principal=principal))
    live = (ShareState.PENDING, ShareState.APPLIED)
    with store.read() as view:
        assert view.grants_on("web-1", live) == {"01JD1": grant("01JD1"), "01JD4": grant("01JD4")}
        found = view.certificates_on("web-1", live)
        assert {grant_id: [c.serial for c in of] for grant_id, of in found.items()} == {"01JD1": [8, 7]}
        assert view.certificates_on("web-3", live) == view.grants_on("web-3", live) == {}


def test_a_document_marks_the_grants_that_it_lists_and_no_others(store: Store):
    """Of this server alone: what was never sent to a server has nothing to take back there."""
    with store.write(ACTOR, NOW) as work:
        for grant_id in ("01JD1", "01JD2", "01JD3"):
            work.add_grant(grant(grant_id), [share(grant_id, sent_sequence=1), share(grant_id, "web-2")])
        work.mark_sent("web-1", ["01JD1", "01JD3"], 2**40)
        work.mark_sent("web-1", [], 2**41)
        sent = {(s.grant_id, s.server): s.sent_sequence for s in work.shares()}
    assert {key: number for key, number in sent.items() if number != share().sent_sequence} == {
        ("01JD1", "web-1"): 2**40, ("01JD2", "web-1"): 1, ("01JD3", "web-1"): 2**40,
    }  # fmt: skip


def test_what_is_not_there_cannot_be_changed(store: Store):
    """Nothing is made anew by mistake."""
    with store.write(ACTOR, NOW) as work:
        for change, value in (
            (work.set_grant, grant()),
            (work.set_share, share()),
            (work.set_certificate, certificate()),
        ):
            with pytest.raises(NotFoundError):
                change(value)
        with pytest.raises(NotFoundError):
            work.next_sequence("web-1")
        with pytest.raises(NotFoundError):
            work.mark_removed("web-1", "alice", NOW)
        assert (work.grant("x"), work.host("x"), work.host_by_id("x"), work.document("x", 1)) == (None,) * 4


def test_share_without_grant_is_refused(store: Store):
    """A share belongs to a grant that was recorded."""
    with pytest.raises(StoreError) as caught, store.write(ACTOR, NOW) as work:
        work.add_grant(grant("G1"), [share("G2")])
    assert caught.value.code == "store_conflict"


def test_removed_account_takes_its_ended_shares_along_and_no_others(store: Store):
    """A share that isn't confirmed as ended never turns `removed`; other people and servers stay."""
    with store.write(ACTOR, NOW) as work:
        work.set_account(account(last_grant_ended_at=NOW, user_cleanup_days=0))
        add(work, "G1", state=ShareState.ENDED)
        add(work, "G2", state=ShareState.ENDING)
        add(work, "G3", state=ShareState.ENDED, login="bob")
        add(work, "G4", state=ShareState.ENDED, server="web-2")
        work.mark_removed("web-1", "alice", NOW + HOUR)
        states = {one.grant_id: one.state for one in work.shares()}
        assert states == {"G1": "removed", "G2": "ending", "G3": "ended", "G4": "ended"}
        [removed] = work.accounts(states=[AccountState.REMOVED])
        assert removed.removed_at == NOW + HOUR
        assert work.accounts_due_for_removal(NOW + timedelta(days=999)) == []


def test_account_is_set_twice_and_stays_one(store: Store):
    """An account is one row a server and login."""
    with store.write(ACTOR, NOW) as work:
        work.set_account(account())
        work.set_account(account(state=AccountState.OPEN))
        assert work.accounts(server="web-1", login="alice") == [account(state=AccountState.OPEN)]


def test_logins_with_accounts_are_those_that_are_not_removed(store: Store):
    """Each once, on however many servers."""
    with store.write(ACTOR, NOW) as work:
        for server in ("web-1", "web-2"):
            work.set_account(replace(account(), server=server))
        work.set_account(replace(account(state=AccountState.CLOSED), login="bob"))
        work.set_account(replace(account(state=AccountState.REMOVED), login="carol"))
        assert work.logins_with_accounts() == {"alice", "bob"}


def test_uid_is_the_same_for_a_login_and_never_anybody_elses(store: Store):
    """70000 is the canary's; people begin at 70001."""
    with store.write(ACTOR, NOW) as work:
        assert [work.uid_for(login, login) for login in ("alice", "bob", "alice")] == [70001, 70002, 70001]
    with store.write(ACTOR, NOW) as work:
        assert work.uid_for("alice", "another comment") == 70001
        assert work.uid_for("carol", "") == 70003


def test_certificate_is_reserved_then_signed(store: Store):
    """A serial is on record before anything is signed with it."""
    signed = certificate(state=CertificateState.SIGNED, text="ssh-ed25519-cert-v01@openssh.com AAAA")
    with store.write(ACTOR, NOW) as work:
        work.reserve_serial(certificate())
        assert work.certificate(2**63 - 1) == certificate()
        work.set_certificate(signed)
        assert work.certificates("01JD1") == [signed]


def test_serial_that_was_used_before_is_refused_and_another_can_be_drawn(store: Store):
    """Serials are never reused; the unit of work goes on with the next draw."""
    with store.write(ACTOR, NOW) as work:
        work.reserve_serial(certificate(5))
        with pytest.raises(SerialTaken):
            work.reserve_serial(certificate(5, number=2))
        work.reserve_serial(certificate(6, number=2))
    with store.read() as view:
        assert [one.serial for one in view.certificates("01JD1")] == [5, 6]


def test_number_of_a_grant_is_used_once(store: Store):
    """Two certificates never share a principal: revoking one would revoke both."""
    with store.write(ACTOR, NOW) as work:
        work.reserve_serial(certificate(5))
    with pytest.raises(StoreError) as caught, store.write(ACTOR, NOW) as work:
        work.reserve_serial(certificate(6))
    assert caught.value.code == "store_conflict"


@pytest.mark.parametrize("field", ["public_key", "text"])
def test_private_key_is_never_stored(store: Store, field):
    """The database itself refuses a private key where a public one belongs."""
    secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc"
    with pytest.raises(StoreError) as caught, store.write(ACTOR, NOW) as work:
        work.reserve_serial(certificate(**{field: secret}))
    assert "abc" not in caught.value.sentence


def test_sequence_grows_by_one_and_never_falls(store: Store):
    """A stale copy of the host must not bring an old sequence back; a new host_id begins anew."""
    old = Host("web-1", "a" * 32)
    with store.write(ACTOR, NOW) as work:
        work.set_host(old)
        assert [work.next_sequence("web-1") for _ in range(3)] == [1, 2, 3]
        work.set_host(replace(old, onboarded_at=NOW, machine_id="m"))
        assert work.host("web-1") == replace(old, onboarded_at=NOW, machine_id="m", sequence=3)
        work.rebase_sequence("web-1", 10)
        work.rebase_sequence("web-1", 5)
        assert work.next_sequence("web-1") == 11
        work.set_host(Host("web-1", "b" * 32))
        assert work.next_sequence("web-1") == 1
        assert work.host_by_id("b" * 32) == work.host("web-1")
        assert len(work.hosts()) == 1


def test_two_servers_never_share_a_host_id(store: Store):
    """A document must name one host."""
    with store.write(ACTOR, NOW) as work:
        work.set_host(Host("web-1", "a" * 32))
    with pytest.raises(StoreError), store.write(ACTOR, NOW) as work:
        work.set_host(Host("web-2", "a" * 32))


def test_document_is_recorded_once_a_sequence(store: Store):
    """Equal sequence means equal content: a second record is refused."""
    document = SentDocument("a" * 32, "web-1", 1, "d" * 64, NOW)
    with store.write(ACTOR, NOW) as work:
        work.add_document(document)
        assert work.document("a" * 32, 1) == document
    with pytest.raises(StoreError) as caught, store.write(ACTOR, NOW) as work:
        work.add_document(replace(document, digest="e" * 64))
    assert caught.value.code == "store_conflict"


def test_host_keys_are_added_and_replaced(store: Store):
    """Replacing forgets the old keys of this server alone."""
    first, second = (HostKey("web-1", f"ssh-ed25519 {name}", "SHA256:x", NOW) for name in "AB")
    other = HostKey("web-2", "ssh-ed25519 A", "SHA256:x", NOW)
    with store.write(ACTOR, NOW) as work:
        for host_key in (second, first, first, other):
            work.add_host_key(host_key)
        assert work.host_keys("web-1") == [first, second]
        work.replace_host_keys("web-1", [second])
        assert (work.host_keys("web-1"), work.host_keys("web-2")) == ([second], [other])


def test_claim_is_one_owners_until_it_is_given_back_or_runs_out(store: Store):
    """The owner may prolong it; another one waits for the end, which is outside of it."""
    with store.write(ACTOR, NOW) as work:
        assert work.claim("web-1", "a", NOW, 60)
        assert not work.claim("web-1", "b", NOW + timedelta(seconds=59), 60)
        assert work.claim("web-1", "a", NOW + timedelta(seconds=59), 60)
        assert work.claim("web-1", "b", NOW + timedelta(seconds=119), 60)
        work.release("web-1", "a")
        assert not work.claim("web-1", "a", NOW + timedelta(seconds=120), 60)
        work.release("web-1", "b")
        assert work.claim("web-1", "a", NOW, 60)
        assert work.claim("web-2", "b", NOW, 60)


def test_orchestrator_id_is_set_once(store: Store):
    """Hosts know the orchestrator by it; a second id would be a second orchestrator."""
    with store.read() as view, pytest.raises(StoreError) as caught:
        view.orchestrator_id()
    assert caught.value.code == "not_initialised"
    with store.write(ACTOR, NOW) as work:
        work.set_orchestrator_id("a" * 32)
        work.set_orchestrator_id("a" * 32)
        with pytest.raises(StoreError):
            work.set_orchestrator_id("b" * 32)
        assert work.orchestrator_id() == "a" * 32


def test_odd_text_from_a_host_can_be_recorded(store: Store):
    """A host can't keep its own outcome from being recorded by what it sends."""
    hostile = "null \x00, half a pair \ud800, and much " + "x" * 10_000
    with store.write(ACTOR, NOW) as work:
        add(work, outcome_message=hostile, outcome_code="\x00")
        work.append_event("share.failed", "01JD1", {"message": hostile})
    with store.read() as view:
        [found] = view.shares()
        assert found.outcome_message is not None
        assert found.outcome_message.startswith("null \ufffd, half a pair ?, and")
        assert len(found.outcome_message) == 4000
        assert view.events()[0].details == {"message": hostile}


def test_ca_keys_are_the_last_ones_recorded(store: Store):
    """None before the first certificate; then those that servers have to trust, in their order."""
    with store.write(ACTOR, NOW) as work:
        assert work.ca_keys() == ()
        work.set_ca_keys(["ssh-ed25519 AAAA", "ssh-rsa BBBB"])
        work.set_ca_keys(["ssh-rsa BBBB", "ssh-ed25519 AAAA"])
    with store.read() as view:
        assert view.ca_keys() == ("ssh-rsa BBBB", "ssh-ed25519 AAAA")
