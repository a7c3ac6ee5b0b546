"""Requests from the first word to the grant, over a real record and servers in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.domain.certificates import CertificateState
from daypass.domain.grants import GrantState, Trigger
from daypass.domain.requests import Request, RequestState
from daypass.errors import ConfigurationError, DaypassError, DeniedError, NotFoundError, UsageError
from daypass.flows import Verdict
from daypass.host_rules import PRINCIPALS_MAX
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.requests.answering import answer, cancel
from daypass.workflow.requests.asking import MOST_PENDING, RequestWords, ask_for
from daypass.workflow.requests.listing import list_requests, show_request
from tests.asking import NOBODY_ASKED, PUBLIC_KEY, TWO_OF_PLATFORM, Company
from tests.fakes import Killed

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture
def company_with(tmp_path: Path) -> Callable[..., Company]:
    """`company_with({...})`: flows with these differences."""

    def build(*flows: dict[str, Any]) -> Company:
        return Company(tmp_path, *flows)

    return build


# Asking


def test_request_that_nobody_must_approve_gives_access_at_once(company_with):
    """Recorded as a request, granted by its flow, with the person's own keys and address."""
    company = company_with(NOBODY_ASKED)
    answer = company.ask("alice", "web-1", "db-1", groups=("ops",), length=HOUR)
    assert answer.request.state is RequestState.APPROVED
    assert answer.granted is not None
    grant = answer.granted.grant
    assert (grant.login, grant.comment, grant.flow) == ("alice", "alice@example.com", "f")
    assert (grant.request_id, grant.trigger) == (answer.request.id, Trigger.SELF_SERVE)
    assert grant.window.length == HOUR
    assert company.opens() == ["web-1", "db-1"]
    assert company.request(answer.request.id) == answer.request
    assert answer.request.grant_id == grant.id


def test_request_that_needs_a_yes_waits_and_gives_nothing(company):
    """Nothing is signed and no server is told before somebody said yes."""
    answer = company.ask()
    assert answer.request.state is RequestState.PENDING
    assert answer.approvals is not None
    assert answer.approvals.may_vote == {"carol", "dave"}
    assert (answer.granted, company.shares(), company.world.waves.sent) == (None, [], [])
    assert company.kinds(answer.request.id) == ["request.made"]


def test_request_that_no_flow_allows_is_denied_and_kept_with_its_reasons(company_with):
    """The record says who asked for what, and what stood in the way in each flow."""
    company = company_with({"requesters": {"group": "dba"}})
    answer = company.ask()
    assert answer.request.state is RequestState.DENIED
    assert company.request(answer.request.id).decision == "no access flow allows this"
    reasons = company.details(answer.request.id, "request.denied")["reasons"]
    assert reasons[0]["flow"] == "f"
    assert [rule["rule"] for rule in reasons[0]["rules"]] == ["requesters", "grantees"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"groups": ("wheel",)}, "group_not_offered"),
        ({"justification": "two\nlines"}, "justification_odd"),
        ({"ticket": "x" * 65}, "ticket_odd"),
        ({"ticket": "\x1b[2J"}, "ticket_odd"),
        ({"fields": {"Customer": "x"}}, "field_odd"),
        ({"fields": {"customer": "x" * 201}}, "field_odd"),
        ({"fields": {f"f{n}": "x" for n in range(21)}}, "fields_number"),
        ({"public_key": "ssh-dss AAAA"}, None),
    ],
)
def test_odd_words_are_refused_and_nothing_is_recorded(company, words, code):
    """What can't be understood is told to whoever typed it; it is nobody's request."""
    with pytest.raises(DaypassError) as refused:
        company.ask(**words)
    assert code is None or refused.value.code == code
    with company.seams.store.read() as view:
        assert view.requests() == []


def test_server_that_is_not_there_is_refused_with_the_likely_name(company):
    """A slip of the finger isn't a denied request."""
    with pytest.raises(NotFoundError) as refused:
        company.ask("alice", "web1")
    assert "web-1" in refused.value.hint


def test_check_says_what_would_come_and_records_nothing(company):
    """A dry run."""
    answer = company.ask(check=True)
    assert answer.decision.verdict is Verdict.NEEDS_APPROVAL
    with company.seams.store.read() as view:
        assert view.requests() == []


def test_the_same_thing_is_asked_for_once_at_a_time(company):
    """The second request names the first; what differs is another request."""
    first = company.ask("alice", "web-1", "web-2").request
    with pytest.raises(UsageError) as refused:
        company.ask("alice", "web-2", "web-1", length=HOUR)
    assert (refused.value.code, first.id in refused.value.sentence) == ("already_pending", True)
    assert company.ask("alice", "web-1").request.state is RequestState.PENDING


def test_open_requests_of_one_person_have_a_limit(company):
    """Nobody fills the lists of those who answer."""
    for number in range(MOST_PENDING):
        company.ask(start=company.clock() + HOUR * (1 + number))
    with pytest.raises(DeniedError) as refused:
        company.ask()
    assert refused.value.code == "too_many_pending"
    assert company.ask("bob").request.state is RequestState.PENDING


def test_several_flows_fit_and_the_first_in_the_file_decides(company_with):
    """The answer names the flow, and so does the grant."""
    company = company_with(
        {"name": "short", "max_duration": "1h", "default_duration": "1h", **NOBODY_ASKED}, {"name": "long"}
    )
    assert company.ask(length=HOUR).granted.grant.flow == "short"
    assert company.ask("bob", length=2 * HOUR).request.flow == "long"


def test_break_glass_gives_access_at_once_and_opens_a_review(company_with):
    """Nobody is asked; those who are told are on record, and somebody has to look at it."""
    company = company_with({"break_glass": True, "notify": [{"group": "dba"}], **NOBODY_ASKED})
    grant = company.ask().granted.grant
    assert grant.trigger is Trigger.BREAK_GLASS
    assert company.opens() == ["web-1"]
    assert company.details(grant.id, "review.opened")["notify"] == ["dave", "erin"]


# Whose key


def test_key_in_the_request_is_the_only_one_that_is_signed(company_with):
    """A person who sends a key means that key."""
    company = company_with(NOBODY_ASKED)
    other = public_line(load_ca_key(generate_ca_key("ed25519")))
    granted = company.ask(public_key=other).granted
    assert [one.public_key for one in granted.certificates] == [other]


def test_every_key_of_the_directory_gets_a_certificate(company_with):
    """Several machines of one person, one certificate each."""
    company = company_with(NOBODY_ASKED)
    keys = [public_line(load_ca_key(generate_ca_key("ed25519"))) for _ in range(2)]
    company.people = ({"login": "alice", "public_keys": keys}, *company.people[1:])
    granted = company.ask().granted
    assert [one.public_key for one in granted.certificates] == keys
    assert all(one.state is CertificateState.SIGNED for one in granted.certificates)
    assert len({one.principal for one in granted.certificates}) == 2


def test_key_for_somebody_else_is_refused(company_with):
    """Otherwise whoever asks for somebody would log in as that person."""
    company = company_with({"request_for": ["self", "others"], **NOBODY_ASKED})
    with pytest.raises(DeniedError) as refused:
        company.ask("alice", requester="bob", public_key=PUBLIC_KEY)
    assert refused.value.code == "key_not_yours"
    assert company.details("bob", "request.refused")["code"] == "key_not_yours"


def test_person_without_a_key_is_told_where_one_may_stand(company):
    """Access that nobody could use isn't given."""
    company.people = ({"login": "alice"}, *company.people[1:])
    with pytest.raises(UsageError) as refused:
        company.ask()
    assert refused.value.code == "public_key_missing"


def test_key_that_left_the_directory_before_the_yes_is_not_signed(company):
    """Keys are those of the moment in which access is given."""
    request = company.ask().request
    new = public_line(load_ca_key(generate_ca_key("ed25519")))
    company.people = ({"login": "alice", "public_keys": [new]}, *company.people[1:])
    granted = company.say(request, "carol").granted
    assert [one.public_key for one in granted.certificates] == [new]


def test_login_that_the_directory_gives_to_somebody_new_is_refused(company_with):
    """Accounts, homes and uids of a login stay with the person that they were made for."""
    company = company_with(NOBODY_ASKED)
    company.ask(length=HOUR)
    company.people = (
        {"login": "alice", "email": "other.alice@example.com", "public_keys": [PUBLIC_KEY]},
        *company.people[1:],
    )
    with pytest.raises(UsageError) as refused:
        company.ask("alice", "web-2")
    assert refused.value.code == "comment_differs"


# For others


def test_asking_for_somebody_else_gives_that_person_access(company_with):
    """Requester and grantee are kept apart in request, grant and record."""
    company = company_with(
        {"requesters": "manager", "grantees": "everyone", "request_for": "others", **NOBODY_ASKED}
    )
    answer = company.ask("alice", requester="bob")
    assert (answer.request.requester, answer.request.grantee) == ("bob", "alice")
    assert answer.granted.grant.login == "alice"
    assert company.opens("alice") == ["web-1"]
    assert company.ask("bob").request.state is RequestState.DENIED


# Answering


def test_yes_of_an_approver_gives_access(company):
    """The vote, the decision and the grant are one transaction."""
    request = company.ask(length=HOUR).request
    company.clock.forward(HOUR)
    answer = company.say(request, "carol", reason="fine")
    assert answer.request.state is RequestState.APPROVED
    assert answer.granted.grant.window.not_before == company.clock().replace(microsecond=0)
    assert company.opens() == ["web-1"]
    assert company.kinds(request.id) == ["request.made", "request.vote", "request.approved"]
    approved = company.details(request.id, "request.approved")
    assert approved["approvers"][0]["person"] == "carol"
    assert approved["approvers"][0]["reason"] == "fine"


def test_two_of_two_are_needed_and_one_person_counts_once(company_with):
    """The first yes changes nothing on a server; the same person's second one isn't counted."""
    company = company_with(TWO_OF_PLATFORM)
    request = company.ask().request
    assert company.say(request, "carol").request.state is RequestState.PENDING
    with pytest.raises(DeniedError) as refused:
        company.say(request, "carol")
    assert refused.value.code == "answer_not_counted"
    assert company.opens() == []
    assert company.say(request, "dave").request.state is RequestState.APPROVED


def test_no_ends_the_request(company):
    """With who said it and why."""
    request = company.ask().request
    answer = company.say(request, "carol", yes=False, reason="not today")
    assert answer.request.state is RequestState.DENIED
    assert answer.request.decision == "carol said no: not today"
    with pytest.raises(UsageError) as refused:
        company.say(request, "dave")
    assert refused.value.code == "request_decided"


@pytest.mark.parametrize("login", ["alice", "bob", "erin"])
def test_answer_of_who_is_not_asked_does_not_count_and_is_on_record(company, login):
    """Neither the person who asks, nor anybody who isn't an approver; the try is in the log."""
    request = company.ask().request
    with pytest.raises(DeniedError) as refused:
        company.say(request, login)
    assert refused.value.code == "answer_not_counted"
    assert company.details(request.id, "request.vote")["counted"] is False
    assert company.request(request.id).state is RequestState.PENDING
    assert company.opens() == []


def test_approver_shortens_the_time_and_never_widens_it(company):
    """What was asked for is the most that there is."""
    request = company.ask(length=2 * HOUR).request
    with pytest.raises(DeniedError):
        company.say(request, "carol", length=3 * HOUR)
    granted = company.say(request, "carol", length=HOUR).granted
    assert granted.grant.window.length == HOUR


def test_reason_is_required_where_the_flow_says_so(company_with):
    """Up to 124 characters of it."""
    company = company_with({"require_approver_reason": True})
    request = company.ask().request
    for reason in ("", " ", "x" * 125):
        with pytest.raises(DeniedError):
            company.say(request, "carol", reason=reason)
    assert company.say(request, "carol", reason="x" * 124).request.state is RequestState.APPROVED


def test_escalation_lets_others_answer_and_says_yes_to_nothing(company_with):
    """Time opens a tier; it never decides."""
    company = company_with(
        {"approvers": {"any_of": ["manager"], "escalation": {"tiers": [[{"group": "dba"}]]}}}
    )
    request = company.ask().request
    with pytest.raises(DeniedError):
        company.say(request, "erin")
    reconcile_once(company.seams, company.clock.forward(timedelta(minutes=30)))
    assert company.request(request.id).state is RequestState.PENDING
    assert company.say(request, "erin").request.state is RequestState.APPROVED


# When


def test_start_in_the_future_is_granted_now_and_opens_then(company_with):
    """The certificate is made, no server is told before the window begins."""
    company = company_with(NOBODY_ASKED)
    start = company.clock() + DAY
    granted = company.ask(start=start, length=HOUR).granted
    assert (granted.grant.state, granted.grant.window.not_before) == (GrantState.APPROVED, start)
    assert (company.opens(), company.world.waves.sent) == ([], [])
    reconcile_once(company.seams, company.clock.forward(DAY))
    assert company.opens() == ["web-1"]
    reconcile_once(company.seams, company.clock.forward(HOUR))
    assert company.opens() == []


def test_late_yes_gives_what_is_left_of_the_time_that_was_named(company):
    """A request for 14 to 16 that is answered at 15 is one for 15 to 16."""
    start = company.clock() + HOUR
    request = company.ask(start=start, length=2 * HOUR).request
    company.clock.forward(2 * HOUR)
    window = company.say(request, "carol").granted.grant.window
    assert (window.not_before, window.not_after) == (company.clock(), start + 2 * HOUR)


def test_yes_after_the_time_that_was_named_denies(company):
    """Nothing is granted outside of what was asked for."""
    request = company.ask(start=company.clock() + HOUR, length=HOUR).request
    company.clock.forward(2 * HOUR)
    answer = company.say(request, "carol")
    assert (answer.request.state, answer.granted) == (RequestState.DENIED, None)
    assert "has passed" in answer.request.decision
    assert company.details(request.id, "request.denied")["code"] == "time_passed"


def test_pending_request_runs_out_on_its_own_clock(company):
    """24 hours, however long the access and whenever it was to begin."""
    request = company.ask(start=company.clock() + 3 * DAY).request
    company.clock.forward(DAY - timedelta(seconds=1))
    assert reconcile_once(company.seams, company.clock()).decided == ()
    company.clock.forward(timedelta(seconds=1))
    assert [one.id for one in reconcile_once(company.seams, company.clock()).decided] == [request.id]
    assert company.request(request.id).state is RequestState.EXPIRED


def test_yes_to_a_request_that_ran_out_gives_nothing(company):
    """Also when no reconcile has looked at it yet."""
    request = company.ask().request
    company.clock.forward(DAY)
    answer = company.say(request, "carol")
    assert (answer.request.state, answer.granted) == (RequestState.EXPIRED, None)


def test_yes_outside_the_timeframe_opens_when_it_begins(company_with):
    """The answer is kept; access waits for its hours, or for the request's own end."""
    hours = {"days": ["sun", "mon"], "start": "09:00", "end": "12:00", "timezone": "UTC"}
    company = company_with({"timeframe": hours})
    request = company.ask(length=HOUR).request  # a Sunday, 10:00
    company.clock.forward(3 * HOUR)
    assert company.say(request, "carol").request.state is RequestState.PENDING
    assert company.opens() == []
    reconcile_once(company.seams, company.clock.forward(20 * HOUR))
    assert company.opens() == ["web-1"]
    assert company.shares()[0].window.length == HOUR


def test_late_answer_that_shortens_counts_from_then(company):
    """Half an hour is half an hour, also after the beginning that was named."""
    request = company.ask(start=company.clock() + HOUR, length=2 * HOUR).request
    company.clock.forward(2 * HOUR)
    granted = company.say(request, "carol", length=HOUR / 2).granted
    assert granted.grant.window.length == HOUR / 2


# A configuration that changes


def test_flow_that_disappeared_denies(company):
    """By the next look, with the reason."""
    request = company.ask().request
    company.flows = ({"name": "other"},)
    answer = company.say(request, "carol")
    assert (answer.request.state, answer.granted) == (RequestState.DENIED, None)
    assert company.details(request.id, "request.denied")["code"] == "flow_gone"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"active": False}, "flow_inactive"),
        ({"max_duration": "1h", "default_duration": "1h"}, "does_not_fit"),
        ({"requesters": {"group": "dba"}}, "does_not_fit"),
        ({"targets": {"servers": ["web-2"]}}, "does_not_fit"),
    ],
)
def test_flow_that_fits_no_more_denies_at_the_next_reconcile(company, change, code):
    """Nobody has to answer what can't be granted."""
    request = company.ask(length=2 * HOUR).request
    company.flows = (change,)
    reconcile_once(company.seams, company.clock())
    assert company.request(request.id).state is RequestState.DENIED
    assert company.details(request.id, "request.denied")["code"] == code


def test_approvers_are_those_of_the_flow_as_it_is_now(company):
    """And the record says what changed."""
    request = company.ask().request
    company.flows = ({"approvers": [{"group": "dba"}]},)
    with pytest.raises(DeniedError):
        company.say(request, "carol")
    assert company.say(request, "erin").request.state is RequestState.APPROVED
    changed = company.details(request.id, "request.flow_changed")["changed"]
    assert list(changed) == ["approvers"]
    assert "platform" in str(changed["approvers"]["from"])
    assert "dba" in str(changed["approvers"]["to"])


def test_flow_that_asks_nobody_any_more_grants_at_the_next_reconcile(company):
    """Pending requests are decided by the flow as it is now, whichever way."""
    request = company.ask().request
    company.flows = (NOBODY_ASKED,)
    with pytest.raises(DeniedError):
        company.say(request, "bob", yes=False)
    reconcile_once(company.seams, company.clock())
    assert company.request(request.id).state is RequestState.APPROVED
    assert company.opens() == ["web-1"]


def test_approver_who_left_loses_the_yes_that_waited_for_another(company_with):
    """Votes count for those who are here."""
    company = company_with(TWO_OF_PLATFORM)
    request = company.ask().request
    company.say(request, "carol")
    company.people = tuple({**p, "active": p["login"] not in ("carol", "frank")} for p in company.people)
    assert company.say(request, "dave").request.state is RequestState.PENDING
    assert company.opens() == []


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_request_of_or_for_somebody_who_left_is_denied(company_with, who):
    """By reconcile, at once."""
    company = company_with({"request_for": ["self", "others"]})
    request = company.ask("alice", requester="bob").request
    company.people = tuple({**p, "active": p["login"] not in (who, "frank")} for p in company.people)
    reconcile_once(company.seams, company.clock())
    assert company.request(request.id).state is RequestState.DENIED
    assert company.details(request.id, "request.denied")["code"] == "person_left"


def test_tags_are_looked_at_again_when_access_is_given(company):
    """A server that was moved out of the flow's reach meanwhile isn't opened."""
    company.flows = ({"targets": {"servers": {"starts_with": "web-"}}},)
    request = company.ask("alice", "web-1", "web-2").request
    company.flows = ({"targets": {"servers": ["web-1"]}},)
    answer = company.say(request, "carol")
    assert answer.request.state is RequestState.DENIED
    assert company.opens() == []


def test_directory_that_cannot_be_read_decides_nothing_but_what_ran_out(company):
    """Nobody is denied because a file is broken; what is due is due."""

    def broken() -> Any:
        raise ConfigurationError("broken")

    waits, past = company.ask().request, company.ask("bob").request
    with company.seams.store.write("test", company.clock()) as work:
        work.set_request(replace(past, expires_at=company.clock()))
    with pytest.raises(ConfigurationError):
        reconcile_once(replace(company.seams, policy=broken), company.clock())
    assert company.request(waits.id).state is RequestState.PENDING
    assert company.request(past.id).state is RequestState.EXPIRED


def test_mistake_in_what_gives_access_keeps_no_end_waiting(company_with):
    """Whatever goes wrong where requests and flows are looked at: what is due is taken back, and told."""
    company = company_with({**NOBODY_ASKED, "name": "now"}, {"name": "later", "max_duration": "12h"})
    company.ask(length=HOUR)
    company.ask("bob", length=10 * HOUR)

    def mistaken() -> Any:
        raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError):
        reconcile_once(replace(company.seams, policy=mistaken), company.clock.forward(HOUR))
    assert company.opens() == []


# Looking


def test_list_of_a_person_holds_own_requests_and_those_that_wait_for_an_answer(company_with):
    """And those that were answered; nothing else."""
    company = company_with({"approvers": [{"user": "dave"}]})
    mine, another = company.ask("alice").request, company.ask("bob").request

    def listed(login: str, states: Any = (RequestState.PENDING,)) -> set[str]:
        found = list_requests(company.seams, company.person(login), states, company.clock())
        return {one.request.id for one in found.requests}

    assert listed("alice") == {mine.id}
    assert listed("dave") == {mine.id, another.id}
    assert listed("erin") == set()
    company.say(mine, "dave")
    assert listed("dave") == {another.id}
    assert listed("dave", None) == {mine.id, another.id}


def test_request_that_does_not_concern_a_person_is_as_if_it_were_not_there(company):
    """Justifications and tickets are between those who ask and those who answer."""
    request = company.ask().request
    assert show_request(company.seams, request.id, company.person("dave"), company.clock()).may_answer
    with pytest.raises(NotFoundError):
        show_request(company.seams, request.id, company.person("erin"), company.clock())


# Taking back


def test_requester_and_grantee_take_a_request_back_and_nobody_else(company_with):
    """An operator may, too; afterwards nobody can say yes."""
    company = company_with({"request_for": ["self", "others"]})
    request = company.ask("alice", requester="bob").request
    with pytest.raises(DeniedError) as refused:
        cancel(company.seams, request.id, company.person("carol"), company.clock())
    assert refused.value.code == "not_yours"
    cancel(company.seams, request.id.lower(), company.person("alice"), company.clock(), reason="no need")
    assert company.request(request.id).state is RequestState.CANCELLED
    with pytest.raises(UsageError):
        company.say(request, "carol")
    another = company.ask().request
    assert cancel(company.seams, another.id, None, company.clock()).state is RequestState.CANCELLED


def test_request_for_a_server_that_is_not_onboarded_keeps_waiting(company):
    """The yes isn't lost in silence: it is refused with what to do, and may be given again."""
    request = company.ask().request
    with company.seams.store.write("test", company.clock()) as work:
        host = work.host("web-1")
        work.set_host(replace(host, onboarded_at=None))
    with pytest.raises(UsageError) as refused:
        company.say(request, "carol")
    assert refused.value.code == "not_onboarded"
    assert company.request(request.id).state is RequestState.PENDING
    with company.seams.store.read() as view:
        assert view.votes(request.id) == []


# Killed


def _settled(company: Company) -> None:
    """Reconcile ends what was left behind; each approved request has its one grant, and nobody else has."""
    reconcile_once(company.seams, company.clock.forward(timedelta(minutes=16)))
    with company.seams.store.read() as view:
        approved = [one for one in view.requests() if one.state is RequestState.APPROVED]
        grants = view.grants()
        assert {one.grant_id for one in approved} == {grant.id for grant in grants}
        for grant in grants:
            assert all(one.state is CertificateState.SIGNED for one in view.certificates(grant.id))
    assert company.opens() == (["web-1"] if approved else [])


@pytest.mark.parametrize("flow", [NOBODY_ASKED, {}], ids=["asking", "answering"])
def test_process_killed_at_any_step_leaves_one_outcome(tmp_path, flow):
    """Killed before a commit nothing happened, after it everything does, by the next reconcile."""
    company = Company(tmp_path, flow)
    asked = [] if flow else [company.ask().request]
    begun = company.world.moment()
    last, reached = 1, True
    while reached:
        company.world.back_to(begun)
        reached = _do_until(company, last, asked)
        _settled(company)
        last += 1
    assert last > 5
    assert company.opens() == ["web-1"]


def _do_until(company: Company, last: int, asked: list[Request]) -> bool:
    """Whether the process came to that step, and died there."""
    seams, mortal = company.world.mortal(last)
    seams = company.over(seams)
    try:
        if asked:
            answer(seams, asked[0].id, company.person("carol"), company.clock(), yes=True)
        else:
            words = RequestWords(("web-1",), justification="deploy")
            ask_for(seams, company.person("alice"), words, company.clock())
    except Killed:
        return True
    return mortal.dead


def test_person_with_more_keys_than_a_grant_takes_is_told_so(company_with):
    """Servers take a bounded number of key lines for one grant; nothing is recorded as granted."""
    company = company_with(NOBODY_ASKED)
    keys = [public_line(load_ca_key(generate_ca_key("ed25519"))) for _ in range(PRINCIPALS_MAX + 1)]
    company.people = tuple(
        {**one, "public_keys": keys} if one["login"] == "alice" else one for one in company.people
    )
    with pytest.raises(DeniedError) as refused:
        company.ask()
    assert refused.value.code == "public_keys_number"
    assert company.shares() == []
