"""Who is told of what, as it is recorded; what is sent is another matter."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from daypass.config.notices import Channel, Notices
from daypass.directory import Directory
from daypass.domain.grants import GrantState, Trigger
from daypass.domain.notices import Delivery
from daypass.errors import ConfigurationError
from daypass.workflow.extending import extend
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.requests.answering import cancel
from daypass.workflow.revoking import take_back
from daypass.workflow.seams import Seams
from tests.asking import NOBODY_ASKED, Company
from tests.fakes import Killed

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CHAT = Channel(name="chat", url={"env": "CHAT"})
MAIL = Channel(name="mail", url={"env": "MAIL"}, per_person=True)


def company_of(folder: Path, *flows: dict[str, Any], channels: tuple[Channel, ...] = (CHAT, MAIL)) -> Company:
    """A company with a chat that all read, and mail for each person."""
    company = Company(folder, *flows)
    seams = company.world.seams
    settings = seams.settings.model_copy(
        update={"notices": Notices.model_construct(**{**dict(Notices()), "channels": channels})}
    )
    company.world = replace(company.world, seams=replace(seams, settings=settings))
    return company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return company_of(tmp_path)


@pytest.fixture
def granting(tmp_path: Path) -> Company:
    """Where whoever asks has access at once."""
    return company_of(tmp_path, NOBODY_ASKED)


def noted(company: Company) -> list[Delivery]:
    """In the order of time; those to all who read a channel before those to people."""
    with company.seams.store.read() as view:
        return sorted(view.deliveries(), key=lambda one: (one.created_at, one.login))


def told(company: Company) -> list[tuple[str, str]]:
    """Events with whom they were told by mail, or the channel that all read."""
    return [(one.event, one.login or one.channel) for one in noted(company)]


def passes(company: Company, **later: float) -> None:
    now = company.clock.forward(timedelta(**later))
    reconcile_once(company.seams, now, pauses=False)


# Requests


def test_those_who_may_answer_are_told_of_a_request(company):
    """By name, with the line to type; whoever reads the chat once."""
    request = company.ask("alice", "web-1", "db-1", groups=("ops",), justification="deploy").request
    assert told(company) == [
        ("request_waiting", "chat"),
        ("request_waiting", "carol"),
        ("request_waiting", "dave"),
    ]
    mail = noted(company)[1]
    assert (mail.email, mail.subject) == ("carol@example.com", request.id)
    assert f"Yes:  daypass request approve {request.id} --as carol\n" in mail.body
    assert "Servers: db-1, web-1\nGroups:  ops\nTime:    2h\n" in mail.body
    assert "Reason:  deploy\n" in mail.body


def test_line_to_type_has_the_reason_that_the_flow_asks_for(tmp_path):
    """What is typed as it stands there works."""
    company = company_of(tmp_path, {"require_approver_reason": True})
    request = company.ask().request
    assert f'daypass request approve {request.id} --as carol --reason "WHY"\n' in noted(company)[1].body


def test_nobody_is_told_twice_of_the_same_wait(company):
    """Each pass looks at every request; only what has changed is news."""
    company.ask()
    before = told(company)
    passes(company, minutes=1)
    passes(company, minutes=1)
    assert told(company) == before


def test_escalation_is_told_to_those_who_may_answer_now(tmp_path):
    """The new ones by name, and once more to those who read the chat; the first ones know."""
    approvers = {"any_of": ["manager"], "escalation": {"tiers": [[{"group": "dba"}]]}}
    company = company_of(tmp_path, {"approvers": approvers})
    company.ask()
    assert told(company) == [("request_waiting", "chat"), ("request_waiting", "bob")]
    passes(company, minutes=31)
    assert sorted(told(company)[2:]) == [
        ("request_waiting", "chat"),
        ("request_waiting", "dave"),
        ("request_waiting", "erin"),
    ]


def test_next_step_is_told_to_its_approvers(tmp_path):
    """One after the other, as they are asked."""
    company = company_of(
        tmp_path, {"approvers": {"steps": [[{"user": "bob"}], [{"user": "erin"}]]}}, channels=(MAIL,)
    )
    request = company.ask().request
    company.say(request, "bob")
    assert told(company) == [("request_waiting", "bob"), ("request_waiting", "erin")]


def test_decision_is_told_to_who_asked_and_who_gets_it(tmp_path):
    """A request for somebody else is news to both."""
    company = company_of(tmp_path, {"request_for": ["self", "others"]}, channels=(MAIL,))
    request = company.ask("alice", requester="bob").request
    answered = company.say(request, "carol")
    decided = [one for one in noted(company) if one.event == "request_approved"]
    assert sorted(one.login for one in decided) == ["alice", "bob"]
    assert answered.granted is not None
    assert f"daypass access show {answered.granted.grant.id}" in decided[0].body
    assert "approved by carol" in decided[0].body


def test_no_is_told_with_its_reason(company):
    """Whoever asked learns why, without asking again."""
    request = company.ask().request
    company.say(request, "carol", yes=False, reason="not today")
    denied = [one for one in noted(company) if one.event == "request_denied"]
    assert sorted(one.login or one.channel for one in denied) == ["alice", "chat"]
    assert "carol said no: not today" in denied[0].body


def test_request_that_ran_out_is_told(company):
    """A request that nobody answered isn't forgotten without a word."""
    company.ask()
    passes(company, days=1)
    assert ("request_denied", "alice") in told(company)


def test_what_was_answered_at_once_is_on_the_screen(granting):
    """Who asked for himself and got it needs no message; of a cancelled request nobody does."""
    granting.ask()
    assert told(granting) == []


def test_cancelled_request_is_nobodys_news(company):
    """Who took it back knows."""
    request = company.ask().request
    before = told(company)
    cancel(company.seams, request.id, company.person("alice"), company.clock())
    assert told(company) == before


def test_break_glass_tells_everyone_named(tmp_path):
    """At once, in the unit of work that gives the access."""
    flow = {"break_glass": True, "notify": [{"group": "dba"}], **NOBODY_ASKED}
    company = company_of(tmp_path, flow)
    grant = company.ask().granted.grant
    assert told(company) == [("break_glass", "chat"), ("break_glass", "dave"), ("break_glass", "erin")]
    assert grant.id not in noted(company)[0].title
    assert "emergency access to web-1" in noted(company)[0].title


def test_what_is_typed_reaches_no_message_unescaped(tmp_path):
    """A justification is plain text on one line, and calls nobody."""
    company = company_of(tmp_path, channels=(CHAT,))
    company.ask(justification="<!channel> {approve} @everyone [x](http://evil.example)")
    assert "Reason:  < !channel> {approve} (at)everyone [x](http://evil.example)\n" in noted(company)[0].body


# Grants


def test_end_is_told_when_every_server_has_confirmed_it(granting):
    """Not before: until then nobody can say that it has ended."""
    grant = granting.ask("alice", "web-1", "db-1").granted.grant
    granting.hosts["db-1"].up = False
    take_back(granting.seams, grant.id, granting.clock(), reason="enough")
    assert told(granting) == []
    granting.hosts["db-1"].up = True
    passes(granting, minutes=1)
    assert told(granting) == [("ended", "chat"), ("ended", "alice")]
    assert "web-1" in noted(granting)[0].title
    assert "on every server: enough." in noted(granting)[0].body
    passes(granting, hours=9)
    assert len(told(granting)) == 2


def test_end_is_told_once_however_the_process_dies(granting):
    """In the unit of work that records it: a killed process tells nothing false, and forgets nothing."""
    grant = granting.ask().granted.grant
    for step in range(1, 100):
        seams, mortal = granting.world.mortal(step)
        try:
            take_back(granting.over(seams), grant.id, granting.clock())
        except Killed:
            with granting.seams.store.read() as view:
                ended = [one for one in view.events(limit=1000) if one.kind == "grant.ended"]
            assert len(told(granting)) == 2 * len(ended)
            continue
        break
    assert mortal.steps
    passes(granting, minutes=1)
    assert told(granting) == [("ended", "chat"), ("ended", "alice")]


def test_coming_end_is_told_once_for_each_end(granting):
    """15 minutes ahead; an extension makes another end."""
    granting.flows = ({**NOBODY_ASKED, "max_extensions": 1, "extension_duration": "1h"},)
    grant = granting.ask(length=HOUR).granted.grant
    passes(granting, minutes=44)
    assert told(granting) == []
    passes(granting, minutes=1)
    passes(granting, minutes=1)
    assert told(granting) == [("ending_soon", "chat"), ("ending_soon", "alice")]
    assert noted(granting)[0].title == "Access to web-1 ends in 15m"
    extend(granting.seams, grant.id, granting.clock(), length=HOUR)
    passes(granting, minutes=1)
    assert len(told(granting)) == 2
    passes(granting, hours=1)
    assert len(told(granting)) == 4


def test_short_access_has_no_coming_end(granting):
    """Who asked for ten minutes knows when they are over."""
    granting.ask(length=10 * MINUTE)
    passes(granting, minutes=1)
    assert told(granting) == []


def test_automatic_access_has_no_coming_end(granting):
    """It goes on by itself."""
    grant = granting.ask(length=HOUR).granted.grant
    with granting.seams.store.write("test", granting.clock()) as work:
        work.set_grant(replace(grant, trigger=Trigger.AUTOMATIC))
    passes(granting, minutes=50)
    assert told(granting) == []


def test_server_that_goes_on_failing_is_told_once(granting):
    """After three tries, not after each; again when it has worked in between."""
    granting.hosts["web-1"].up = False
    granting.ask()
    passes(granting, minutes=1)
    assert told(granting) == []
    for _ in range(4):
        passes(granting, minutes=1)
    assert told(granting) == [("failed", "chat"), ("failed", "alice")]
    assert noted(granting)[0].title == "Giving the access of alice on web-1 fails"
    assert "no answer" in noted(granting)[0].body
    granting.hosts["web-1"].up = True
    passes(granting, minutes=1)
    granting.hosts["web-1"].up = False
    for _ in range(10):
        passes(granting, hours=1)
    assert told(granting).count(("failed", "chat")) == 2
    assert noted(granting)[-1].title == "Taking back the access of alice on web-1 fails"


def test_directory_that_cannot_be_read_keeps_nothing_from_ending(granting):
    """Nobody's address is known then; who reads the chat is told all the same."""
    grant = granting.ask().granted.grant

    def unreadable() -> Directory:
        raise ConfigurationError("the directory can't be read")

    seams: Seams = replace(granting.seams, directory=unreadable)
    take_back(seams, grant.id, granting.clock())
    assert told(granting) == [("ended", "chat")]


def test_without_channels_nothing_is_kept(tmp_path):
    """Messages that nobody wants aren't written."""
    company = company_of(tmp_path, channels=())
    request = company.ask().request
    company.say(request, "carol")
    passes(company, hours=9)
    assert told(company) == []


def test_mistake_in_a_notice_keeps_no_end_from_being_recorded(granting):
    """Whatever goes wrong where somebody is to be told: the access is over, and the record says of both."""
    grant = granting.ask().granted.grant

    def mistaken() -> Directory | None:
        raise RuntimeError("a mistake of ours")

    ended = take_back(replace(granting.seams, directory=mistaken), grant.id, granting.clock()).grant
    assert ended.state is GrantState.ENDED
    assert granting.opens() == []
    failed = granting.details(grant.id, "notice.failed")
    assert failed == {"event": "ended", "error": "RuntimeError"}


def test_people_are_known_before_others_wait_for_the_unit_of_work(granting):
    """A large or slow directory keeps nobody from the database; no other machine is asked for words."""
    grant = granting.ask().granted.grant
    inside: list[bool] = []
    open_units: list[int] = []
    store = granting.seams.store

    class Watched:
        """The store, noting when a unit of work is open."""

        def __getattr__(self, name):
            return getattr(store, name)

        @contextmanager
        def write(self, *words):
            with store.write(*words) as work:
                open_units.append(1)
                try:
                    yield work
                finally:
                    open_units.pop()

    @cache
    def at_hand():
        inside.append(bool(open_units))
        return granting.policy.directory

    def never():
        pytest.fail("asked for words of a notice")

    seams = replace(granting.seams, store=Watched(), at_hand=at_hand, directory=never)
    take_back(seams, grant.id, granting.clock())
    assert inside == [False]
    assert granting.details(grant.id, "grant.ended")


# People who are held


def passes_holding(company: Company, since: datetime | None, *logins: str) -> None:
    """A pass a minute later, in which the directory says this of them."""
    seams = company.seams
    found = seams.directory()
    if since:
        found = found.holding(dict.fromkeys(logins, "5 people vanished at once"), since)
    now = company.clock.forward(MINUTE)
    reconcile_once(replace(seams, directory=lambda: found), now, pauses=False)


def test_held_people_are_told_once_for_each_hold_to_those_who_run_daypass(company):
    """In the channel that all read, with what to type; again when there are more; by nobody's own mail."""
    begun = company.clock()
    passes_holding(company, begun, "alice", "bob")
    passes_holding(company, begun, "alice", "bob")
    assert told(company) == [("people_held", "chat")]
    [first] = noted(company)
    assert first.title == "It can't be told whether 2 people are still here"
    for said in ("alice, bob", "5 people vanished at once", "daypass directory confirm"):
        assert said in first.body
    passes_holding(company, company.clock(), "alice", "bob", "carol")
    passes_holding(company, None)
    assert told(company) == [("people_held", "chat")] * 2
