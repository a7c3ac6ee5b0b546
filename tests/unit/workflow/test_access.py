"""What people and operators see of access, and how a flow lets people extend their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daypass.domain.certificates import Constraints
from daypass.domain.grants import Grant, GrantState, ShareState, Which
from daypass.domain.windows import window_from
from daypass.errors import ConfigurationError, DeniedError, NotFoundError, UsageError
from daypass.workflow.access import list_access, show_access
from daypass.workflow.acting import acting_for
from daypass.workflow.changing import PRINCIPALS_MAX
from daypass.workflow.ending import end_share
from daypass.workflow.extending import extend, extend_by_flow
from daypass.workflow.granting import give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.revoking import take_back
from tests.asking import Company
from tests.fakes import World
from tests.flow_access import HOUR, PEOPLE, given, with_flow

MINUTE = timedelta(minutes=1)


@pytest.fixture
def work(world: World) -> World:
    return with_flow(world)


def prolong(world: World, grant: Grant, login: str = "alice", **words: Any):
    return extend_by_flow(world.seams, grant.id, world.clock(), login=login, **words)


def denied(world: World, grant: Grant, **words: Any) -> str:
    """The code of the no; it is on record, and nothing else is."""
    with world.seams.store.read() as view:
        head = view.audit_head()
    with pytest.raises(DeniedError) as caught:
        prolong(world, grant, **words)
    with world.seams.store.read() as view:
        new = view.events(after=head.number)
    assert [(one.kind, one.subject) for one in new] == [("grant.extension_denied", grant.id)]
    assert new[0].details["code"] == caught.value.code
    return caught.value.code


def test_a_person_extends_as_often_as_the_flow_allows(work):
    """Each one is counted with the change, on record with who did it, and the end moves on the servers."""
    grant = given(work, "alice", "web-1", "web-2")
    acted, _ = acting_for(replace(work.seams, actor="operator:root"), "alice")
    for time in (1, 2):
        answer, extension = extend_by_flow(acted, grant.id, work.clock(), login="alice")
        assert answer.grant.window.not_after == grant.window.not_after + time * 30 * MINUTE
        assert (answer.grant.times_extended, extension.times_left) == (time, 3 - time)
        for name in ("web-1", "web-2"):
            told = work.hosts[name].ledger.accounts["alice"].grants[grant.id].not_after
            assert told == int(answer.grant.window.not_after.timestamp())
    assert denied(work, grant) == "no_extensions_left"
    with work.seams.store.read() as view:
        events = [event for event in view.events() if event.kind == "grant.extended"]
    assert [event.details["times_extended"] for event in events] == [1, 2]
    assert {event.actor for event in events} == {"person:alice via operator:root"}


def test_less_may_be_asked_for_and_more_may_not(work):
    """It counts as one all the same."""
    grant = given(work)
    answer, _ = prolong(work, grant, length=5 * MINUTE)
    assert answer.grant.window.not_after == grant.window.not_after + 5 * MINUTE
    assert denied(work, grant, length=31 * MINUTE) == "extension_length"


def test_an_extension_goes_beyond_max_duration_and_the_longest_direct_grant(work):
    """The flow says how much more there may be."""
    longest = work.seams.settings.direct_grant_max
    grant = given(work, window=window_from(work.clock(), longest))
    answer, _ = prolong(work, grant)
    assert answer.grant.window.length == longest + 30 * MINUTE


def test_an_operators_grant_is_extended_by_an_operator(work, request_for):
    """No flow stands behind it; the hint is the operator's command."""
    grant = give(work.seams, request_for("alice", "web-1"), work.clock()).grant
    with pytest.raises(DeniedError) as caught:
        prolong(work, grant)
    assert caught.value.code == "direct_grant"
    assert f"daypass extend {grant.id}" in caught.value.hint


def test_an_operators_extension_counts_too(work):
    """What was given is given, by whomever."""
    grant = given(work)
    extend(work.seams, grant.id, work.clock(), length=MINUTE)
    _, extension = prolong(work, grant)
    assert extension.times_left == 1
    assert denied(work, grant) == "no_extensions_left"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "other"}, "flow_gone"),
        ({"active": False}, "flow_inactive"),
        ({"grantees": {"user": "bob"}}, "person_not_meant"),
        ({"targets": {"servers": "web-2", "user_groups": "ops"}}, "target_not_covered"),
        ({"targets": {"integration": "lab"}}, "target_not_covered"),
        ({"max_extensions": 0, "extension_duration": None}, "not_extendable"),
        ({"max_extensions": 1}, "no_extensions_left"),
        ({"certificate": {"force_command": "id"}}, "certificate_changed"),
    ],
)
def test_the_flow_as_it_is_now_decides(work, change, code):
    """Not the one that gave the access."""
    grant = given(work)
    prolong(work, grant)
    assert denied(with_flow(work, **change), grant) == code


def test_bounds_that_would_overlap_are_refused(work):
    """Other access of this person begins in the time that would be added."""
    grant = given(work)
    window = window_from(grant.window.not_after + 10 * MINUTE, HOUR)
    given(work, window=window, constraints=Constraints({"force-command": "id"}))
    assert denied(work, grant) == "constraints_differ"
    assert (
        show_access(work.seams, grant.id, work.clock()).extension.objections[0].code == "constraints_differ"
    )
    prolong(work, grant, length=10 * MINUTE)


@pytest.mark.parametrize("by", ["flow", "operator"])
def test_a_server_where_it_is_being_taken_back_stays_so(work, by):
    """The rest of the grant goes on; what one server is to close, no change of the grant opens again."""
    grant = given(work, "alice", "web-1", "web-2")
    with work.seams.store.write("test", work.clock()) as unit:
        (share,) = unit.shares(grant_id=grant.id, server="web-2")
        end_share(work.seams, unit, share, reason="the server leaves", now=work.clock())
    if by == "flow":
        answer, _ = prolong(work, grant)
    else:
        answer = extend(work.seams, grant.id, work.clock(), length=MINUTE)
    states = {share.server: share.state for share in answer.shares}
    assert states == {"web-1": ShareState.APPLIED, "web-2": ShareState.ENDING}
    reconcile_once(work.seams, work.clock())
    assert work.hosts["web-2"].open_principals("alice") == set()


def test_who_left_extends_nothing(work):
    """Between the leaving and the next pass, too."""
    grant = given(work)
    gone = replace(PEOPLE, people={"alice": replace(PEOPLE.people["alice"], active=False)})
    rules = replace(work.seams.policy(), directory=gone)
    seams = replace(work.seams, directory=lambda: gone, policy=lambda: rules)
    assert denied(replace(work, seams=seams), grant) == "person_left"


def test_others_grants_are_not_even_there(work):
    """Extended, shown, ended: the same answer as for an id that nobody has."""
    grant = given(work)
    now = work.clock()
    for attempt in (
        lambda: prolong(work, grant, login="bob"),
        lambda: show_access(work.seams, grant.id, now, login="bob"),
        lambda: take_back(work.seams, grant.id, now, login="bob"),
    ):
        with pytest.raises(NotFoundError) as caught:
            attempt()
        assert caught.value.sentence == f"no grant {grant.id!r}"
    with work.seams.store.read() as view:
        assert view.grant(grant.id).state is GrantState.ACTIVE


def test_what_has_ended_is_not_extended(work):
    """A new request is a new decision."""
    grant = given(work)
    take_back(work.seams, grant.id, work.clock(), login="alice")
    with pytest.raises(UsageError) as caught:
        prolong(work, grant)
    assert (caught.value.code, "request new" in caught.value.hint) == ("grant_ended", True)


def test_a_check_says_what_would_be_and_changes_nothing(work):
    """The end, and what is left; neither recorded nor counted."""
    grant = given(work)
    sent = len(work.waves.sent)
    answer, extension = prolong(work, grant, check=True)
    assert (answer.grant.window.not_after, extension.times_left) == (grant.window.not_after + 30 * MINUTE, 2)
    with work.seams.store.read() as view:
        assert view.grant(grant.id) == grant
        assert len(view.certificates(grant.id)) == 1
    assert len(work.waves.sent) == sent


def test_each_key_of_a_grant_gets_its_certificate(work):
    """A person with two machines goes on working on both."""
    grant = given(work, keys=2)
    answer, _ = prolong(work, grant)
    with work.seams.store.read() as view:
        first = view.certificates(grant.id)[:2]
    assert [one.fingerprint for one in answer.certificates] == [one.fingerprint for one in first]
    assert all(one.valid_before == answer.grant.window.not_after for one in answer.certificates)
    assert len(work.hosts["web-1"].open_principals("alice")) == 4


def test_access_that_begins_later_is_extended_and_no_server_hears_of_it(work):
    """Its document comes when it begins, with the later end."""
    grant = given(work, window=window_from(work.clock() + HOUR, HOUR))
    answer, _ = prolong(work, grant)
    assert (answer.grant.state, answer.outcomes) == (GrantState.APPROVED, {})
    assert work.waves.sent == []
    reconcile_once(work.seams, work.clock.forward(HOUR))
    told = work.hosts["web-1"].ledger.accounts["alice"].grants[grant.id].not_after
    assert told == int(answer.grant.window.not_after.timestamp())


def test_a_flow_can_not_promise_more_extensions_than_a_grant_takes_certificates(work):
    """Each of them is one more for every key."""
    most = with_flow(work, max_extensions=PRINCIPALS_MAX - 1)
    assert most.seams.policy().flows[0].settings.max_extensions == PRINCIPALS_MAX - 1
    with pytest.raises(ValueError, match="max_extensions"):
        with_flow(work, max_extensions=PRINCIPALS_MAX)


def test_live_access_is_listed_with_what_begins_later_and_past_access_apart(work):
    """A person's own alone, newest first; an operator sees all."""
    ended, live = given(work), given(work, "alice", "web-2")
    later = given(work, "alice", "web-3", window=window_from(work.clock() + HOUR, HOUR))
    others = given(work, "bob")
    take_back(work.seams, ended.id, work.clock())

    def ids(which: Which, **words: Any) -> set[str]:
        return {item.grant.id for item in list_access(work.seams, which, **words)}

    assert ids(Which.LIVE, login="alice") == {live.id, later.id}
    assert ids(Which.PAST, login="alice") == {ended.id}
    assert ids(Which.ALL, login="alice") == {live.id, later.id, ended.id}
    assert ids(Which.LIVE) == {live.id, later.id, others.id}
    assert len(ids(Which.ALL, limit=2)) == 2


def test_details_hold_what_may_come_and_what_the_integration_says(work):
    """Extensions that are left, certificates, custom access details as they are now."""
    integration = work.seams.integrations["lab"].model_copy(update={"custom_access_details": "Call first."})
    seams = replace(work.seams, integrations={"lab": integration})
    grant = given(work)
    found = show_access(seams, grant.id, work.clock(), login="alice")
    assert found.extension.times_left == 2
    assert found.extension.window.not_after == grant.window.not_after + 30 * MINUTE
    assert [one.number for one in found.certificates] == [1]
    assert found.notes == {"lab": "Call first."}
    take_back(work.seams, grant.id, work.clock())
    assert show_access(seams, grant.id, work.clock()).extension is None


def test_access_is_shown_though_the_directory_is_broken(work):
    """What is broken stands where the extensions would; a direct grant needs no directory at all."""
    grant = given(work)

    def broken() -> Any:
        raise ConfigurationError("The directory can't be read.", hint="mend it", code="directory")

    found = show_access(replace(work.seams, policy=broken), grant.id, work.clock())
    assert [tuple(one) for one in found.extension.objections] == [
        ("directory", "The directory can't be read.", "mend it")
    ]


FOR_OTHERS = {
    "requesters": "manager",
    "grantees": "everyone",
    "request_for": "others",
    "max_extensions": 2,
    "extension_duration": "30m",
}


@pytest.fixture
def asked_for(tmp_path) -> tuple[Company, Grant]:
    """Access of alice that bob, her manager, asked for and carol of platform approved."""
    company = Company(tmp_path, FOR_OTHERS)
    request = company.ask("alice", requester="bob").request
    granted = company.say(request, "carol", reason="fine").granted
    return company, granted.grant


def test_access_shows_who_asked_and_who_said_yes(asked_for):
    """With their reasons."""
    company, grant = asked_for
    found = show_access(company.seams, grant.id, company.clock(), login="alice")
    assert (found.request.requester, found.request.grantee) == ("bob", "alice")
    assert [(vote.person, vote.yes, vote.reason) for vote in found.votes] == [("carol", True, "fine")]
    assert found.extension.times_left == 2
    with pytest.raises(NotFoundError):
        show_access(company.seams, grant.id, company.clock(), login="bob")


@pytest.mark.parametrize(
    ("manager", "code"), [({"active": False}, "person_left"), ({}, "requester_not_meant")]
)
def test_access_that_somebody_else_asked_for_is_extended_while_that_person_could_ask(
    asked_for, manager, code
):
    """The flow is asked for the same: the same who asked, the same who has it."""
    company, grant = asked_for
    answer, _ = extend_by_flow(company.seams, grant.id, company.clock(), login="alice")
    assert answer.grant.times_extended == 1
    now_managed_by = {"login": "alice", "manager": "bob" if manager else "carol"}
    people = [now_managed_by, {"login": "bob", **manager}, *company.people[2:]]
    company.people = tuple(people)
    with pytest.raises(DeniedError) as caught:
        extend_by_flow(company.seams, grant.id, company.clock(), login="alice")
    assert caught.value.code == code
