"""Automatic access, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.automatic import AutomaticAccess
from daypass.domain.certificates import Constraints
from daypass.domain.hosts import Host
from daypass.domain.windows import window_from
from daypass.errors import StoreError
from daypass.store import Store

from .samples import ACTOR, HOUR, NOW, grant, share

BOUND = Constraints({"force-command": "/usr/bin/id"}, ("permit-pty", "permit-port-forwarding"))


@pytest.fixture
def filled(store: Store) -> Store:
    """alice's and bob's grants by the flow `watchers`."""
    with store.write(ACTOR, NOW) as work:
        for grant_id, login in (("01JD1", "alice"), ("01JD2", "bob")):
            work.add_grant(grant(grant_id, login=login, constraints=BOUND), [])
            work.set_automatic("watchers", login, grant_id, "d" * 64, ["ssh-ed25519 AAAA"])
    return store


def test_automatic_access_is_a_grant_with_what_it_was_made_to_fit(filled: Store):
    """By flow, then login."""
    alice = AutomaticAccess(
        "watchers", "alice", "01JD1", window_from(NOW, HOUR), None,
        BOUND.critical_options, BOUND.extensions, "d" * 64, ("ssh-ed25519 AAAA",),
    )  # fmt: skip
    with filled.read() as view:
        assert [one.login for one in view.automatic_access()] == ["alice", "bob"]
        assert view.automatic_of("watchers", "alice") == alice
        assert view.automatic_of("others", "alice") is None


def test_automatic_access_shows_that_its_grant_has_ended(filled: Store):
    """The grant's record is the only truth about that."""
    with filled.write(ACTOR, NOW) as work:
        work.set_grant(grant("01JD1", ended_at=NOW + HOUR))
        found = work.automatic_of("watchers", "alice")
        assert found is not None
        assert found.ended_at == NOW + HOUR


def test_person_has_one_grant_of_a_flow_at_a_time(filled: Store):
    """The newer one takes the place; one grant is never two people's."""
    with filled.write(ACTOR, NOW) as work:
        work.add_grant(grant("01JD3"), [])
        work.set_automatic("watchers", "alice", "01JD3", "e" * 64, [])
        assert [one.grant_id for one in work.automatic_access()] == ["01JD3", "01JD2"]
    with pytest.raises(StoreError), filled.write(ACTOR, NOW) as work:
        work.set_automatic("watchers", "carol", "01JD3", "e" * 64, [])


def test_forgotten_access_is_gone_and_forgetting_again_is_nothing(filled: Store):
    """The grant itself stays in the record."""
    with filled.write(ACTOR, NOW) as work:
        for _ in range(2):
            work.forget_automatic("watchers", "alice")
            assert [one.login for one in work.automatic_access()] == ["bob"]
        assert work.grant("01JD1")


def test_grant_gets_a_share_more_but_one_a_server(filled: Store):
    """The database itself refuses a second one."""
    with filled.write(ACTOR, NOW) as work:
        work.add_share(share("01JD1", "web-9"))
        assert [one.server for one in work.shares(grant_id="01JD1")] == ["web-9"]
    with pytest.raises(StoreError), filled.write(ACTOR, NOW) as work:
        work.add_share(share("01JD1", "web-9"))


def test_onboarded_servers_are_those_where_access_can_be_given(store: Store):
    """Not those on their way in, nor those that left; those on their way out are told apart."""
    here = Host("web-1", "a" * 32, onboarded_at=NOW)
    with store.write(ACTOR, NOW) as work:
        work.set_host(here)
        work.set_host(Host("web-2", "b" * 32))
        work.set_host(replace(here, server="web-3", host_id="c" * 32, offboarded_at=NOW))
        work.set_host(replace(here, server="web-4", host_id="d" * 32, leaving_at=NOW))
        assert work.onboarded_servers() == {"web-1"}
        assert work.leaving_servers() == {"web-4"}
