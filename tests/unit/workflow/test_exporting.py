"""Exports of the record: proven before, recorded after, and bounded in memory."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daypass.audit.anchor import ANCHOR_FILE, write_anchor
from daypass.audit.exporting import pages, write_rows
from daypass.audit.verifying import verify_store
from daypass.domain.grants import DIRECT_FLOW
from daypass.domain.records import RecordFilter
from daypass.errors import AuditError, NotFoundError
from daypass.workflow.exporting import export, person_names
from daypass.workflow.extending import extend
from daypass.workflow.granting import GrantRequest, give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.requests.answering import cancel
from daypass.workflow.revoking import take_back
from tests.asking import PUBLIC_KEY, Company
from tests.fakes import Moment, make_world

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
EVERYTHING = RecordFilter()
WEB_1_WITH_OPS = {"servers": "web-1", "user_groups": "ops"}
DB_1_WITH_LOGS = {"servers": "db-1", "user_groups": "logs"}
AUTOMATIC = {
    "trigger": "automatic",
    "requesters": None,
    "grantees": {"group": "dba"},
    "targets": {"servers": {"starts_with": "web-"}, "user_groups": "logs"},
    "default_duration": None,
    "approvers": "none",
}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Moment]:
    """A granted request that was revoked, a refused one, a cancelled one, and a direct grant."""
    company = Company(tmp_path_factory.mktemp("story"))
    words = {"groups": ("ops",), "ticket": "INC-1", "fields": {"team": "a"}, "length": HOUR}
    granted = company.ask("alice", "web-1", "db-1", **words).request
    answered = company.say(granted, "carol", length=HOUR / 2, reason="half is enough")
    company.clock.forward(HOUR / 4)
    take_back(company.seams, answered.request.grant_id or "", company.clock(), reason="enough")
    company.clock.forward(MINUTE)
    company.say(company.ask("alice", "web-2").request, "dave", yes=False, reason="not today")
    company.clock.forward(MINUTE)
    cancelled = company.ask("alice", "db-1", justification="=HYPERLINK(1)").request
    cancel(company.seams, cancelled.id, company.person("alice"), company.clock())
    company.clock.forward(MINUTE)
    direct = GrantRequest("erin", ("web-1",), (), ("logs",), HOUR, PUBLIC_KEY, reason="look")
    given = give(company.seams, direct, company.clock()).grant
    extend(company.seams, given.id, company.clock(), length=MINUTE)
    return company, company.world.moment()


@pytest.fixture
def company(story: tuple[Company, Moment]) -> Company:
    """As the story left it."""
    return told(*story)


def told(company: Company, end: Moment) -> Company:
    company.world.back_to(end)
    anchor(company)
    return company


def anchor(company: Company) -> None:
    """As each command leaves it."""
    state = company.seams.settings.state_dir
    state.mkdir(exist_ok=True)
    with company.seams.store.read() as view:
        write_anchor(state / ANCHOR_FILE, view.audit_head())


def exported(company: Company, wanted: RecordFilter = EVERYTHING, **more: Any) -> list[dict[str, Any]]:
    target = io.BytesIO()
    export(company.seams, wanted, "jsonl", target, **more)
    return [json.loads(line) for line in target.getvalue().splitlines()]


def tamper(company: Company, statement: str) -> None:
    """As whoever has the database's file can."""
    with closing(sqlite3.connect(company.world.record)) as connection:
        assert connection.execute(statement).rowcount == 1
        connection.commit()


def test_export_tells_what_was_asked_decided_and_done(company):
    """One row a request, one a grant that nobody asked for, oldest first, each with its event in the log."""
    granted, refused, cancelled, direct = exported(company)
    assert (granted["requester"], granted["grantee"], granted["status"]) == ("alice", "alice", "ended")
    assert [one["name"] for one in granted["servers"]] == ["db-1", "web-1"]
    (vote,) = granted["approvers"]
    assert (vote["person"], vote["answer"], vote["reason"]) == ("carol", "yes", "half is enough")
    assert (vote["shortened_to_seconds"], granted["end_reason"]) == (1800, "enough")
    assert (granted["ticket"], granted["flow"], granted["trigger"]) == ("INC-1", "f", "self_serve")
    assert granted["reasons"]
    for row in (refused, cancelled):  # nobody's no is a rule's, and what the rules said is told all the same
        assert [flow["flow"] for flow in row["reasons"]] == ["f"]
    assert (refused["status"], refused["decision"]) == ("denied", "dave said no: not today")
    assert (cancelled["status"], cancelled["grant"]) == ("cancelled", None)
    assert (direct["request"], direct["grantee"], direct["flow"]) == (None, "erin", DIRECT_FLOW)
    with company.seams.store.read() as view:
        for row in (granted, refused, cancelled, direct):
            (event,) = view.events(after=row["event"] - 1, limit=1)
            assert event.subject == (row["request"] or row["grant"])


def test_export_is_recorded_with_its_filters_and_what_it_held(company):
    """Whoever holds the file can prove later that it is the one, and which state of the log it shows."""
    with company.seams.store.read() as view:
        before = view.audit_head()
    target = io.BytesIO()
    wanted = RecordFilter(since=company.clock() - HOUR, person=("alice",), server="db-1")
    done = export(company.seams, wanted, "csv", target)
    assert done.head == before
    assert done.written.sha256 == hashlib.sha256(target.getvalue()).hexdigest()
    with company.seams.store.read() as view:
        event = view.events(after=before.number)[0]
        assert verify_store(view, anchor=None).whole
    assert (event.kind, event.number) == ("audit.exported", done.event)
    assert event.details == {
        "format": "csv", "from": "2026-11-22T09:18:00Z", "to": None, "person": ["alice"], "server": "db-1",
        "rows": 2, "sha256": done.written.sha256, "verified": True,
        "head": {"number": before.number, "hash": before.hash},
    }  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE grants SET reason = 'nothing' WHERE login = 'erin'",
        "UPDATE grants SET login = 'bob' WHERE login = 'erin'",
        "UPDATE grants SET flow = 'f' WHERE login = 'erin'",
        "UPDATE grants SET \"trigger\" = 'automatic' WHERE login = 'erin'",
        "UPDATE grants SET not_before = not_before + 1000000 WHERE login = 'erin'",
        "UPDATE grants SET ended_at = NULL WHERE login = 'alice'",
        "UPDATE grants SET ended_at = ended_at - 1000000 WHERE login = 'alice'",
        "UPDATE grants SET end_reason = 'window closed' WHERE login = 'alice'",
        "UPDATE shares SET server = 'db-1' WHERE login = 'erin'",
        "UPDATE shares SET groups = '[]' WHERE login = 'erin'",
        "DELETE FROM shares WHERE login = 'alice' AND server = 'db-1'",
        "UPDATE requests SET requester = 'bob' WHERE ticket = 'INC-1'",
        "UPDATE requests SET justification = 'x' WHERE ticket = 'INC-1'",
        "UPDATE requests SET servers = '[\"web-1\"]' WHERE ticket = 'INC-1'",
        "UPDATE requests SET state = 'approved' WHERE state = 'denied'",
        "UPDATE requests SET state = 'pending' WHERE state = 'cancelled'",
        "UPDATE requests SET ticket = 'INC-2' WHERE ticket = 'INC-1'",
        "UPDATE requests SET fields = '{\"team\": \"b\"}' WHERE ticket = 'INC-1'",
        "UPDATE grants SET times_extended = 0 WHERE login = 'erin'",
        "UPDATE grants SET not_after = not_after + 1000000 WHERE login = 'erin'",
        "UPDATE grants SET not_after = not_after + 1000000 WHERE login = 'alice'",
        "UPDATE votes SET person = 'dave' WHERE person = 'carol'",
        "UPDATE votes SET reason = 'all of it' WHERE person = 'carol'",
        "UPDATE votes SET yes = 1 WHERE person = 'dave'",
        "DELETE FROM votes WHERE person = 'carol'",
        (
            "INSERT INTO requests SELECT 'R9', requester, grantee, actor, servers, groups, start,"
            " length_seconds, justification, ticket, fields, public_key, flow, flow_settings, created_at,"
            " expires_at, state,"
            " decided_at, decision, NULL FROM requests WHERE state = 'denied'"
        ),
    ],
)
def test_row_that_was_changed_outside_of_daypass_is_refused(company, statement):
    """The chain proves the log; each row is held against it, so a changed table proves nothing either."""
    tamper(company, statement)
    with pytest.raises(AuditError) as refused:
        exported(company)
    assert refused.value.code == "record_differs"
    assert "--unverified" in refused.value.hint
    with company.seams.store.read() as view:
        assert [event for event in view.events() if event.kind == "audit.exported"] == []
    assert exported(company, unverified=True)


def test_log_that_is_not_whole_is_not_exported_unless_told(company):
    """A broken chain proves nothing; whoever needs the rows all the same says so, and that is on record."""
    with closing(sqlite3.connect(company.world.record)) as connection:
        connection.executescript(
            "DROP TRIGGER events_no_update; UPDATE events SET actor = 'nobody' WHERE number = 3;"
        )
    with pytest.raises(AuditError) as refused:
        exported(company)
    assert refused.value.code == "log_not_whole"
    assert "event 3 was altered" in refused.value.sentence
    assert len(exported(company, unverified=True)) == 4
    with company.seams.store.read() as view:
        assert view.events(after=view.audit_head().number - 1)[0].details["verified"] is False


def test_log_without_its_anchor_is_not_exported_unless_told(company):
    """A log whose end was cut off looks whole without it."""
    (company.seams.settings.state_dir / ANCHOR_FILE).unlink()
    with pytest.raises(AuditError) as refused:
        exported(company)
    assert "anchor" in refused.value.sentence
    assert exported(company, unverified=True)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Moment]:
    """Automatic access that followed a changed list, with other groups on one server, and was renewed."""
    company = Company(tmp_path_factory.mktemp("followed"), AUTOMATIC)
    reconcile_once(company.seams, company.clock())
    company.flows = ({**AUTOMATIC, "targets": [WEB_1_WITH_OPS, DB_1_WITH_LOGS]},)
    reconcile_once(company.seams, company.clock())
    reconcile_once(company.seams, company.clock.forward(6.5 * HOUR))
    return company, company.world.moment()


@pytest.fixture
def automatic(followed: tuple[Company, Moment]) -> Company:
    """As that left it."""
    return told(*followed)


def test_automatic_access_fits_the_log_after_it_followed_the_server_list(automatic):
    """Servers that came and went, groups that changed, an end that moved: the log tells each."""
    (dave, erin) = exported(automatic)
    for row in (dave, erin):
        assert [(one["name"], one["status"]) for one in row["servers"]] == [
            ("db-1", "applied"), ("web-1", "applied"), ("web-2", "ended"),
        ]  # fmt: skip
        assert row["extensions"] == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE shares SET server = 'db-9' WHERE login = 'erin' AND server = 'db-1'",
        "DELETE FROM shares WHERE login = 'erin' AND server = 'db-1'",
        "UPDATE shares SET groups = '[\"ops\"]' WHERE login = 'erin' AND server = 'db-1'",
        "UPDATE shares SET groups = '[\"logs\"]' WHERE login = 'erin' AND server = 'web-1'",
        "UPDATE shares SET groups = '[]' WHERE login = 'erin' AND server = 'web-2'",
        "UPDATE shares SET state = 'applied' WHERE login = 'erin' AND server = 'web-2'",
        "UPDATE grants SET times_extended = 2 WHERE login = 'erin'",
        "UPDATE grants SET not_after = not_after + 1000000 WHERE login = 'erin'",
    ],
)
def test_automatic_access_that_was_changed_outside_of_daypass_is_refused(automatic, statement):
    """Its servers and groups follow the list, and the log follows them."""
    tamper(automatic, statement)
    with pytest.raises(AuditError) as refused:
        exported(automatic)
    assert refused.value.code == "record_differs"


class Pages:
    """A view that notes how many records it was asked for at a time."""

    def __init__(self, view: Any) -> None:
        self._view = view
        self.sizes: list[int] = []

    def access_records(self, wanted: RecordFilter, after: Any, limit: int) -> Any:
        found = self._view.access_records(wanted, after, limit)
        assert len(found) <= limit
        self.sizes.append(len(found))
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


def test_only_one_page_of_records_is_in_memory(company):
    """A million rows take as much memory as one page of them: pages are written as they are read."""
    target, seen = io.BytesIO(), []
    with company.seams.store.read() as view:
        paged: Any = Pages(view)

        def on_rows(count: int) -> None:
            # Each page is in the file before the next one is read.
            seen.append((sum(paged.sizes), target.getvalue().count(b"\n"), count))

        written = write_rows(paged, EVERYTHING, "jsonl", target, page=3, on_rows=on_rows)
        assert seen == [(3, 3, 3), (4, 4, 1)]
        assert paged.sizes == [3, 1, 0]
        assert written.rows == 4
        assert [len(page) for page in pages(view, EVERYTHING, 1)] == [1, 1, 1, 1]


def test_person_is_known_by_login_and_address(company):
    """The record holds either; of somebody who isn't in the directory any more it holds the login."""
    assert person_names(company.seams, "carol") == ("carol", "carol@example.com")
    assert person_names(company.seams, "Carol@example.com") == ("carol", "carol@example.com")
    assert person_names(company.seams, "zoe") == ("zoe",)
    with pytest.raises(NotFoundError):
        person_names(company.seams, "zoe@example.com")


def test_export_needs_no_directory(tmp_path):
    """Operators' grants are a record too."""
    world = make_world(tmp_path, "web-1")
    seams = replace(world.seams, directory=lambda: None)
    give(seams, GrantRequest("erin", ("web-1",), (), ("logs",), HOUR, PUBLIC_KEY), world.clock())
    target = io.BytesIO()
    assert person_names(seams, "erin") == ("erin",)
    assert export(seams, EVERYTHING, "jsonl", target, unverified=True).written.rows == 1
