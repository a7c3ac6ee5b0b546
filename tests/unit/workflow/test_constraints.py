"""What a flow binds stays bound, and access that is bound otherwise doesn't overlap with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.ca.parsing import parse_certificate
from daypass.ca.public_keys import check_public_key
from daypass.domain.certificates import Certificate, Constraints
from daypass.domain.grants import Grant, ShareState, Trigger
from daypass.domain.windows import window_from
from daypass.errors import DeniedError
from daypass.workflow import giving
from daypass.workflow.extending import extend
from daypass.workflow.giving import GrantAnswer, NewGrant, put_into_effect, record_grant
from daypass.workflow.granting import give
from daypass.workflow.overlapping import open_access
from daypass.workflow.reissuing import reissue
from daypass.workflow.revoking import take_back
from tests.fakes import World

from .conftest import PUBLIC_KEY

HOUR = timedelta(hours=1)
OPTIONS = {"source-address": "192.0.2.0/24", "force-command": "/usr/local/bin/read-logs"}
BOUND = Constraints(OPTIONS, ("permit-port-forwarding",))
FREE = Constraints()

Give = Callable[..., GrantAnswer]


def new_key() -> str:
    return public_line(load_ca_key(generate_ca_key("ed25519")))


@pytest.fixture
def give_bound(world: World) -> Give:
    """`give_bound("anna", "web-1", constraints=…, start=…, length=…)`: access as a flow gives it."""

    def do(
        login: str,
        *servers: str,
        constraints: Constraints = BOUND,
        start: timedelta = timedelta(0),
        length: timedelta = HOUR,
    ) -> GrantAnswer:
        now = world.clock()
        new = NewGrant(
            login=login,
            comment="",
            flow="watchers",
            reason="",
            window=window_from(now + start, length),
            servers=servers,
            groups=(),
            public_keys=(check_public_key(PUBLIC_KEY),),
            constraints=constraints,
            request_id="01JREQ",
            trigger=Trigger.SELF_SERVE,
        )
        with world.seams.store.write("test", now) as work:
            grant = record_grant(world.seams, work, new, now)
        return put_into_effect(world.seams, grant, now)

    return do


def signed(certificate: Certificate) -> SimpleNamespace:
    """What a certificate that was signed is bound to and may do, by its own bytes."""
    assert certificate.text is not None
    read = parse_certificate(certificate.text)
    return SimpleNamespace(
        options={name.decode(): value.decode() for name, value in read.options},
        extensions=tuple(name.decode() for name, _ in read.extensions),
    )


def test_a_certificate_is_bound_as_its_grant_is(give_bound):
    """Critical options and extensions are the grant's, and nothing besides."""
    made = signed(give_bound("anna", "web-1").certificate)
    assert (made.options, made.extensions) == (OPTIONS, ("permit-port-forwarding",))


def test_a_grant_keeps_what_it_came_from(world, give_bound):
    """The record says which request and what kind of decision gave it, and what it was bound to."""
    made = give_bound("anna", "web-1").grant
    assert (made.constraints, made.request_id, made.trigger) == (BOUND, "01JREQ", Trigger.SELF_SERVE)
    with world.seams.store.read() as view:
        [recorded] = [e for e in view.events() if e.kind == "grant.recorded"]
    assert recorded.details["critical_options"] == OPTIONS
    assert recorded.details["extensions"] == ["permit-port-forwarding"]
    assert (recorded.details["request"], recorded.details["trigger"]) == ("01JREQ", "self_serve")


@pytest.mark.parametrize("change", ["extend", "reissue"])
def test_a_later_certificate_of_a_grant_is_bound_as_the_first(world, give_bound, change):
    """A longer end or another key frees nobody of a forced command."""
    first = give_bound("anna", "web-1")
    if change == "extend":
        answer = extend(world.seams, first.grant.id, world.clock(), length=HOUR)
    else:
        answer = reissue(world.seams, first.grant.id, new_key(), world.clock())
    made = signed(answer.certificate)
    assert (made.options, made.extensions) == (OPTIONS, ("permit-port-forwarding",))
    assert answer.grant.constraints == BOUND


def test_extensions_are_counted(world, give_bound):
    """A flow allows so many; another key isn't one."""
    first = give_bound("anna", "web-1")
    extend(world.seams, first.grant.id, world.clock(), length=HOUR)
    reissue(world.seams, first.grant.id, new_key(), world.clock())
    assert extend(world.seams, first.grant.id, world.clock(), length=HOUR).grant.times_extended == 2


@pytest.mark.parametrize(
    "other",
    [
        FREE,
        Constraints({"force-command": "/usr/local/bin/read-logs"}, BOUND.extensions),
        Constraints(OPTIONS | {"source-address": "192.0.2.0/25"}, BOUND.extensions),
    ],
    ids=["bound to nothing", "bound to less", "bound otherwise"],
)
def test_access_that_is_bound_otherwise_is_refused_at_the_same_time_on_the_same_server(give_bound, other):
    """What the account can do through one certificate would undo the bounds of the other; either order."""
    first = give_bound("anna", "web-1", "web-2")
    with pytest.raises(DeniedError) as caught:
        give_bound("anna", "web-2", "web-3", constraints=other)
    assert caught.value.code == "constraints_differ"
    assert first.grant.id in caught.value.sentence
    give_bound("bert", "web-1", constraints=other)
    with pytest.raises(DeniedError, match="bound otherwise"):
        give_bound("bert", "web-1")


def test_refused_access_leaves_nothing_behind(world, give_bound):
    """Not even a uid: the whole unit is undone."""
    give_bound("anna", "web-1")
    with pytest.raises(DeniedError):
        give_bound("anna", "web-1", "web-2", constraints=FREE)
    with world.seams.store.read() as view:
        assert len(view.grants()) == 1
        assert view.accounts(server="web-2") == []


def test_an_operators_grant_is_refused_beside_bound_access(world, give_bound, request_for):
    """Nobody's way of giving is an exception."""
    give_bound("anna", "web-1")
    with pytest.raises(DeniedError) as caught:
        give(world.seams, request_for("anna", "web-1"), world.clock())
    assert caught.value.code == "constraints_differ"


def test_access_with_the_same_bounds_may_overlap(give_bound):
    """Other extensions are no other bounds: they bind nothing."""
    give_bound("anna", "web-1")
    give_bound("anna", "web-1", constraints=Constraints(OPTIONS, ()))


@pytest.mark.parametrize(
    "case", ["another person", "another server", "before", "after", "taken back", "over"]
)
def test_access_that_is_bound_otherwise_is_given_where_it_does_not_overlap(world, give_bound, case):
    """Another person, server or time; half-open windows may touch."""
    first = give_bound("anna", "web-1", start=2 * HOUR if case == "before" else timedelta(0))
    login, server, start, length = "anna", "web-1", timedelta(0), HOUR
    if case == "another person":
        login = "bert"
    elif case == "another server":
        server = "web-2"
    elif case == "before":
        length = 2 * HOUR
    elif case == "after":
        start = HOUR
    elif case == "taken back":
        world.hosts["web-1"].up = False
        take_back(world.seams, first.grant.id, world.clock())
        world.hosts["web-1"].up = True
    else:
        world.clock.forward(HOUR)
    given = give_bound(login, server, constraints=FREE, start=start, length=length)
    assert given.grant.constraints == FREE


def test_access_that_ends_and_access_that_is_bound_otherwise_travel_in_one_document(world, give_bound):
    """What was taken back while the server was down is closed before the new access opens."""
    first = give_bound("anna", "web-1")
    world.hosts["web-1"].up = False
    take_back(world.seams, first.grant.id, world.clock())
    world.hosts["web-1"].up = True
    second = give_bound("anna", "web-1", constraints=FREE)
    assert world.hosts["web-1"].open_principals("anna") == {second.certificate.principal}


def test_a_server_refuses_what_slipped_past_the_record(world, give_bound, monkeypatch):
    """The host's own assertion: what is in effect stays, the later one waits with the reason, ends go on."""
    first = give_bound("anna", "web-1")
    monkeypatch.setattr(giving, "check_constraints", lambda *_words: None)
    second = give_bound("anna", "web-1", constraints=FREE)
    [share] = second.shares
    assert (share.state, share.outcome_code) == (ShareState.PENDING, "constraints_differ")
    assert world.hosts["web-1"].open_principals("anna") == {first.certificate.principal}
    take_back(world.seams, first.grant.id, world.clock())
    assert world.hosts["web-1"].open_principals("anna") == {second.certificate.principal}


def test_an_extension_into_access_that_is_bound_otherwise_is_refused(world, give_bound):
    """As if it were given anew for that time; up to its beginning it may last."""
    first: Grant = give_bound("anna", "web-1").grant
    give_bound("anna", "web-1", constraints=FREE, start=2 * HOUR)
    with pytest.raises(DeniedError) as caught:
        extend(world.seams, first.id, world.clock(), length=HOUR + timedelta(minutes=1))
    assert caught.value.code == "constraints_differ"
    assert extend(world.seams, first.id, world.clock(), length=HOUR).grant.times_extended == 1


def test_open_access_is_what_the_person_has_or_will_have_there(world, give_bound):
    """With the bounds of its certificates, by server; not what was taken back, and not other servers'."""
    now = give_bound("anna", "web-1", "web-2")
    later = give_bound("anna", "web-1", start=3 * HOUR, length=HOUR)
    take_back(world.seams, give_bound("anna", "web-1").grant.id, world.clock())
    give_bound("bert", "web-1")
    with world.seams.store.read() as view:
        found = open_access(view, "anna", ["web-1"])
    assert {(one.grant_id, one.server) for one in found} == {
        (now.grant.id, "web-1"),
        (later.grant.id, "web-1"),
    }
    assert all(one.critical_options == OPTIONS for one in found)
    assert {one.window for one in found} == {now.grant.window, later.grant.window}
