"""Rules of the document that a server is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from daypass.domain.certificates import Certificate, CertificateState, Constraints
from daypass.domain.grants import Account, AccountState, Share, ShareState, SudoRule
from daypass.domain.hosts import Host
from daypass.domain.windows import Window
from daypass.errors import StoreError
from daypass.host_rules import seal_document
from daypass.plan import Listed, ServerPlan, plan_server

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
G1, G2 = "01JD8F3K9M2N4P6Q8R0S2T4V6W", "01JD8F3K9M2N4P6Q8R0S2T4V6X"
ALICE = Account("web-1", "alice", 70007, "alice@example.com", "/bin/bash", "refuse", "archive", 90)
CA_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0BRtJjQGZ7NzqH9SpTnnF0yBnEVZ1pRCyRbMhtGhqV"
OPS = SudoRule("root", ("/usr/bin/systemctl restart nginx",))


def share(grant: str = G1, **changes: object) -> Share:
    base = Share(grant, "web-1", "prod", "alice", ("ops",), (OPS,), WINDOW)
    return replace(base, **changes)


def certificate(
    grant: str, number: int = 1, state: CertificateState = CertificateState.SIGNED
) -> Certificate:
    return Certificate(
        serial=number,
        grant_id=grant,
        number=number,
        principal=f"daypass-{grant}-{number}",
        public_key="ssh-ed25519 AAAA",
        fingerprint="SHA256:x",
        valid_after=WINDOW.not_before,
        valid_before=WINDOW.not_after,
        state=state,
        text="text",
    )


def plan(
    *shares: Share, now: datetime = NOW, removals: frozenset[str] = frozenset(), **changes: object
) -> ServerPlan:
    words: dict[str, object] = {
        "orchestrator_id": "d" * 32,
        "sequence": 7,
        "accounts": [ALICE],
        "shares": shares,
        "certificates": {s.grant_id: [certificate(s.grant_id)] for s in shares},
        "constraints": {s.grant_id: Constraints() for s in shares},
        "ca_keys": ["ssh-ed25519 AAAA"],
    }
    return plan_server(Host("web-1", "a" * 32), removals=removals, now=now, **(words | changes))


def listed(result: ServerPlan) -> dict[str, Listed]:
    return dict(result.accounts["alice"].grants)


def test_a_live_share_is_listed_with_everything_that_was_approved():
    """The document holds exactly what the grant holds, and the host's own code accepts it."""
    result = plan(share())
    (account,) = result.fields["accounts"]
    assert account["uid"] == 70007
    assert account["remove"] is False
    assert account["grants"] == [
        {
            "id": G1,
            "state": "present",
            "principals": [f"daypass-{G1}-1"],
            "groups": ["ops"],
            "warn_before": 300,
            "sudo": [{"run_as": "root", "commands": ["/usr/bin/systemctl restart nginx"]}],
            "not_after": "2026-11-22T11:00:00Z",
        }
    ]
    assert result.fields["exclusive"] is True
    opaque, digest = seal_document(dict(result.fields) | {"ca_keys": [CA_KEY]})
    assert opaque
    assert len(digest) == 64


def test_what_binds_a_grants_certificates_travels_with_it():
    """The key line on the server binds them too; nothing is said where a terminal is all, as ever."""
    options = {"force-command": "/bin/true", "source-address": "192.0.2.0/24"}
    bound = Constraints(options, ("permit-pty", "permit-agent-forwarding"))
    result = plan(share(), share(G2), constraints={G1: bound, G2: Constraints({}, ())})
    (account,) = result.fields["accounts"]
    first, second = account["grants"]
    assert first["critical_options"] == options
    assert first["extensions"] == ["permit-agent-forwarding", "permit-pty"]
    assert "critical_options" not in second
    assert second["extensions"] == []


def test_an_answer_settles_a_bound_grant_as_any_other():
    """What the document gave is compared with the record: constraints are the same in both."""
    bound = Constraints({"force-command": "/bin/true"})
    account = plan(share(), constraints={G1: bound}).accounts["alice"]
    assert account.gives_all_of(share(), [certificate(G1)])
    assert not account.gives_all_of(share(), [certificate(G1), certificate(G1, 2)])


def test_a_grant_in_the_future_is_not_sent():
    """A server never holds access that hasn't begun."""
    later = Window(NOW + timedelta(minutes=5), NOW + timedelta(hours=1))
    assert listed(plan(share(window=later))) == {}


def test_a_grant_at_its_very_end_is_listed_as_absent():
    """The window is half-open: at not_after, what was sent is taken back."""
    assert listed(plan(share(sent_sequence=3), now=WINDOW.not_after)) == {G1: Listed.ABSENT}


def test_a_grant_that_ended_before_it_was_ever_sent_is_not_listed():
    """There is nothing to take back."""
    assert listed(plan(share(), now=WINDOW.not_after)) == {}


def test_an_ending_share_is_listed_as_absent_while_its_window_is_still_open():
    """Revoking wins over the window."""
    assert listed(plan(share(state=ShareState.ENDING, sent_sequence=3))) == {G1: Listed.ABSENT}


def test_two_grants_of_one_person_are_listed_side_by_side():
    """Grants add up; ending one leaves the other."""
    ending = share(G2, state=ShareState.ENDING, sent_sequence=3)
    assert listed(plan(share(), ending)) == {G1: Listed.PRESENT, G2: Listed.ABSENT}


@pytest.mark.parametrize("state", [CertificateState.RESERVED, CertificateState.REVOKED])
def test_a_grant_without_a_signed_certificate_is_not_sent(state):
    """Groups and sudo rules without a way in would be rights that nobody can use and nobody sees."""
    result = plan(share(), certificates={G1: [certificate(G1, state=state)]})
    assert listed(result) == {}


def test_only_signed_certificates_of_a_grant_give_principals():
    """Revoking one certificate takes its line away and leaves the others."""
    certificates = [certificate(G1, 1, CertificateState.REVOKED), certificate(G1, 2)]
    (account,) = plan(share(), certificates={G1: certificates}).fields["accounts"]
    assert account["grants"][0]["principals"] == [f"daypass-{G1}-2"]


def test_removal_is_asked_for_only_when_no_grant_is_live():
    """A new grant inside the cleanup window keeps the account."""
    assert plan(removals=frozenset({"alice"})).accounts["alice"].remove
    assert not plan(share(), removals=frozenset({"alice"})).accounts["alice"].remove


def test_an_account_with_a_grant_that_is_not_signed_yet_is_not_removed():
    """A grant that was recorded after the removal fell due keeps the account."""
    waiting = plan(share(), certificates={G1: []}, removals=frozenset({"alice"}))
    assert not waiting.accounts["alice"].remove


def test_a_removed_account_is_left_out():
    """What is gone isn't mentioned again."""
    assert plan(accounts=[replace(ALICE, state=AccountState.REMOVED)]).accounts == {}


def test_a_share_without_an_account_record_stops_the_plan():
    """Nothing is sent that the store doesn't know."""
    with pytest.raises(StoreError, match="no account"):
        plan(share(), accounts=[])


def test_the_order_of_the_input_does_not_change_the_document():
    """Equal sequence must mean equal content."""
    bob = replace(ALICE, login="bob", uid=70008)
    shares = [share(), share(G2)]
    one = plan(*shares, accounts=[ALICE, bob])
    other = plan(*reversed(shares), accounts=[bob, ALICE])
    assert one.fields == other.fields


def test_groups_that_the_server_may_make_are_named():
    """Only those of a grant's own groups that the integration lets servers make; the host takes it so."""
    result = plan(share(groups=("ops", "web")), created_groups=frozenset({"web", "night"}))
    (account,) = result.fields["accounts"]
    assert account["grants"][0]["create_groups"] == ["web"]
    seal_document(dict(result.fields) | {"ca_keys": [CA_KEY]})
    assert result.accounts["alice"].gives_all_of(share(groups=("ops", "web")), [certificate(G1)])


def test_a_document_without_groups_to_make_is_as_it_was():
    """Documents of before keep their bytes: the field is left out where it says nothing."""
    (account,) = plan(share(), created_groups=frozenset({"night"})).fields["accounts"]
    assert "create_groups" not in account["grants"][0]
