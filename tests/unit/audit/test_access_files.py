"""Exports as bytes: what is read back is what was recorded, and no spreadsheet computes any of it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.audit.access_files import FORMATS, cell, csv_header, csv_line, guarded, json_line, unguarded
from daypass.audit.access_rows import FIELDS, row_of
from daypass.domain.grants import Grant, GrantState, Share, ShareState, Trigger
from daypass.domain.records import AccessRecord
from daypass.domain.requests import Request, RequestState, Vote
from daypass.domain.reviews import Review
from daypass.domain.windows import Window

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FREE = st.text(st.characters(codec="utf-8"), max_size=30)
ODD = st.sampled_from(
    ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\0x", "'x", "''", '",="x', "a\r\nb", "{{ x }}"]
)
WORDS = FREE | ODD
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
FIRST, LAST = datetime(2020, 1, 1), datetime(2040, 1, 1)  # noqa: DTZ001 - the zone is an argument of its own
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


@st.composite
def records(draw: st.DrawFn) -> AccessRecord:
    """Requests with and without a grant, grants without a request, with any free text."""
    asked = draw(st.booleans())
    granted = draw(st.booleans()) or not asked
    request = draw(requests()) if asked else None
    votes = st.builds(
        Vote, NAMES, MOMENTS, st.booleans(), WORDS, st.none() | st.just(HOUR), actor=WORDS
    )  # fmt: skip
    shares = st.builds(
        Share, st.just("G1"), NAMES, NAMES, NAMES, st.lists(NAMES).map(tuple), st.just(()),
        st.just(Window(NOW, NOW + HOUR)), state=st.sampled_from(ShareState), outcome_code=st.none() | NAMES,
    )  # fmt: skip
    return AccessRecord(
        request,
        tuple(draw(st.lists(votes, max_size=3))) if asked else (),
        draw(grants()) if granted else None,
        tuple(draw(st.lists(shares, max_size=3))) if granted else (),
        draw(
            st.none() | st.builds(Review, st.just("G1"), NAMES, MOMENTS, st.just(()), MOMENTS, NAMES, WORDS)
        ),
    )


@st.composite
def requests(draw: st.DrawFn) -> Request:
    texts = [draw(WORDS) for _ in range(3)]
    return Request(
        "R1", draw(NAMES), draw(NAMES), texts[0], tuple(draw(st.lists(NAMES))), tuple(draw(st.lists(NAMES))),
        None, None, texts[1], texts[2], draw(st.dictionaries(NAMES, WORDS, max_size=3)), "", draw(WORDS), {},
        draw(MOMENTS), NOW, draw(st.sampled_from(RequestState)), draw(st.none() | MOMENTS), draw(WORDS), "G1",
    )  # fmt: skip


def grants() -> st.SearchStrategy[Grant]:
    return st.builds(
        Grant, st.just("G1"), NAMES, WORDS, WORDS, WORDS, WORDS, st.just(Window(NOW, NOW + HOUR)), MOMENTS,
        st.sampled_from(GrantState), st.none() | MOMENTS, st.none() | WORDS, trigger=st.sampled_from(Trigger),
    )  # fmt: skip


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))


@given(records(), st.integers(1) | st.none())
def test_json_line_reads_back_as_the_row(record, event):
    """One object on one line, whatever people wrote."""
    row = row_of(record, [{"flow": "f"}], event)
    line = json_line(row)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line.isascii()
    back = json.loads(line)
    assert back == row
    assert tuple(back) == FIELDS


@given(st.lists(records(), max_size=3))
def test_csv_reads_back_as_the_cells(found):
    """RFC 4180 in both directions, with the guards taken away again."""
    rows = [row_of(record, None, 1) for record in found]
    header, *lines = read_csv(csv_header() + b"".join(csv_line(row) for row in rows))
    assert tuple(header) == FIELDS
    cells = [[cell(field, row[field]) for field in FIELDS] for row in rows]
    assert [[unguarded(text) for text in line] for line in lines] == cells


@given(records())
def test_no_cell_of_a_csv_begins_as_a_formula(record):
    """A justification is written by whoever asks, and opened by whoever has all rights."""
    (line,) = read_csv(csv_line(row_of(record, None, None)))
    assert not [text for text in line if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "\0")]


@given(WORDS)
def test_guard_can_be_taken_away(text):
    """Nothing that was recorded is lost, apostrophes at the beginning included."""
    assert unguarded(guarded(text)) == text


def test_every_cell_is_in_quotes():
    """What looks like the end of a cell can't begin another one."""
    request = Request(
        "R1", "alice", "alice", "x", (), (), None, None, '",=cmd()', "", {}, "", "", {}, NOW, NOW
    )  # fmt: skip
    line = csv_line(row_of(AccessRecord(request, (), None, ()), None, None)).decode()
    assert '"""",=' not in line
    assert '""",=cmd()"' in line
    assert line.startswith('"R1","",')
    assert line.endswith('"\r\n')


def test_columns_stay_as_they_are():
    """Others read them by name and by place: new ones come at the end, with docs/auditing.md."""
    assert FIELDS[:25] == (
        "request", "grant", "trigger", "flow", "status", "requester", "grantee", "actor", "integrations",
        "servers", "groups", "approvers", "justification", "ticket", "custom_fields", "decision", "reasons",
        "requested_at", "decided_at", "begins_at", "ends_at", "ended_at", "end_reason", "extensions",
        "review",
    )  # fmt: skip
    assert FORMATS == ("jsonl", "csv")


WINDOW = Window(NOW, NOW + 2 * HOUR)
REQUEST = Request(
    "R1", "alice", "bob", "person:alice via operator:root", ("db-1", "web-1"), ("Default", "ops"), None, HOUR,
    "deploy", "INC-1", {"customer": "ACME"}, "", "production", {}, NOW, NOW + HOUR, RequestState.APPROVED,
    NOW, "1 of 1 said yes", "G1",
)  # fmt: skip
GRANT = Grant(
    "G1", "bob", "bob@example.com", "production", "deploy", "person:carol via operator:root", WINDOW, NOW,
    GrantState.ENDING, NOW + HOUR, "revoked", request_id="R1", trigger=Trigger.SELF_SERVE, times_extended=2,
)  # fmt: skip
SHARES = (
    Share("G1", "db-1", "prod", "bob", ("ops",), (), WINDOW, state=ShareState.ENDED, confirmed_at=NOW),
    Share(
        "G1", "web-1", "lab", "bob", ("ops",), (), WINDOW, state=ShareState.ENDING, outcome_code="no_answer"
    ),
)
VOTES = (
    Vote("dave", NOW, yes=False, actor="person:dave via operator:root"),
    Vote("carol", NOW, yes=True, reason="fine", length=HOUR, actor="operator:root"),
)


def test_row_of_a_granted_request_tells_the_whole_story():
    """Who asked, for whom, who said what, and where it stands on each server."""
    row = row_of(AccessRecord(REQUEST, VOTES, GRANT, SHARES), [{"flow": "production"}], 7)
    assert row == {
        "request": "R1", "grant": "G1", "trigger": "self_serve", "flow": "production", "status": "ending",
        "requester": "alice", "grantee": "bob", "actor": "person:alice via operator:root",
        "integrations": ["lab", "prod"],
        "servers": [
            {"name": "db-1", "status": "ended", "confirmed_at": "2026-11-22T09:00:00Z"},
            {"name": "web-1", "status": "ending", "confirmed_at": None, "code": "no_answer"},
        ],
        "groups": ["Default", "ops"],
        "approvers": [
            {"person": "dave", "answer": "no", "at": "2026-11-22T09:00:00Z", "reason": "",
             "shortened_to_seconds": None, "actor": "person:dave via operator:root"},
            {"person": "carol", "answer": "yes", "at": "2026-11-22T09:00:00Z", "reason": "fine",
             "shortened_to_seconds": 3600, "actor": "operator:root"},
        ],
        "justification": "deploy", "ticket": "INC-1", "custom_fields": {"customer": "ACME"},
        "decision": "1 of 1 said yes", "reasons": [{"flow": "production"}],
        "requested_at": "2026-11-22T09:00:00Z", "decided_at": "2026-11-22T09:00:00Z",
        "begins_at": "2026-11-22T09:00:00Z", "ends_at": "2026-11-22T11:00:00Z",
        "ended_at": "2026-11-22T10:00:00Z", "end_reason": "revoked", "extensions": 2, "review": None,
        "event": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("servers", "db-1=ended web-1=ending=no_answer"),
        ("groups", "Default ops"),
        ("approvers", "dave no 2026-11-22T09:00:00Z; carol yes 2026-11-22T09:00:00Z (3600 s) fine"),
        ("custom_fields", '{"customer": "ACME"}'),
        ("extensions", "2"),
        ("review", ""),
    ],
)
def test_cell_is_for_people(field, text):
    """Lists are words, answers are sentences."""
    row = row_of(AccessRecord(REQUEST, VOTES, GRANT, SHARES), None, None)
    assert cell(field, row[field]) == text


@pytest.mark.parametrize("state", [state for state in RequestState if state is not RequestState.APPROVED])
def test_row_of_a_request_without_a_grant_has_its_own_status(state):
    """A denied request is as much of a record as a granted one."""
    request = replace(REQUEST, state=state, grant_id=None, decision="no access flow allows this")
    row: Any = row_of(AccessRecord(request, (), None, ()), None, 1)
    assert (row["status"], row["decision"]) == (str(state), "no access flow allows this")
    assert row["servers"] == [{"name": "db-1"}, {"name": "web-1"}]
    assert [row[name] for name in ("grant", "begins_at", "extensions", "trigger")] == [None] * 4


def test_row_of_an_operators_grant_has_no_requester():
    """Nobody asked: the operator is the actor, the reason the justification."""
    row = row_of(AccessRecord(None, (), GRANT, SHARES), None, 1)
    assert (row["requester"], row["actor"], row["justification"]) == (None, GRANT.actor, "deploy")
    assert (row["requested_at"], row["decided_at"]) == (None, "2026-11-22T09:00:00Z")


def test_break_glass_shows_its_review():
    """Open until somebody has closed it with a reason."""
    opened = Review("G1", "bob", NOW, ("carol",))
    closed = Review("G1", "bob", NOW, ("carol",), NOW, "carol", "looked at the logs")
    rows = [row_of(AccessRecord(None, (), GRANT, SHARES, review), None, 1) for review in (opened, closed)]
    assert [cell("review", row["review"]) for row in rows] == [
        "open", "closed 2026-11-22T09:00:00Z by carol: looked at the logs",
    ]  # fmt: skip
