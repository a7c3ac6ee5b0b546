"""The questions of a pass and of a status are answered by indexes, however much has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.directory import Directory
from daypass.domain.grants import AccountState, GrantState, ShareState
from daypass.domain.records import RecordFilter, RecordPlace
from daypass.domain.requests import RequestState
from daypass.store import open_store
from daypass.store.engines import make_engine
from daypass.store.reading import SqlView
from daypass.workflow.granting import GrantRequest, give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.status import live_grants, server_statuses
from daypass.workflow.waves import prepare
from tests.fakes import make_world

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PUBLIC_KEY = public_line(load_ca_key(generate_ca_key("ed25519")))
LIVE = (GrantState.APPROVED, GrantState.ACTIVE, GrantState.ENDING)
QUESTIONS = {
    "shares_due": lambda view: view.shares_due(NOW),
    "shares_due at once": lambda view: view.shares_due(NOW, pauses=False),
    "shares that wait": lambda view: view.shares(states=(ShareState.PENDING, ShareState.ENDING)),
    "grants_past": lambda view: view.grants_past(NOW),
    "requests_past": lambda view: view.requests_past(NOW),
    "accounts_due_for_removal": lambda view: view.accounts_due_for_removal(NOW),
    "accounts_due_for_removal at once": lambda view: view.accounts_due_for_removal(NOW, pauses=False),
    "logins_with_accounts": lambda view: view.logins_with_accounts(),
    "accounts that are there": lambda view: view.accounts(states=(AccountState.OPEN, AccountState.CLOSED)),
    "shares of a server": lambda view: view.shares(server="web-1", states=["applied", "ending"]),
    "shares of a person": lambda view: view.shares(login="alice", states=["applied", "ending"]),
    "live grants": lambda view: view.grants(states=LIVE),
    "live grants of a login": lambda view: view.grants(states=LIVE, login="alice"),
    "grants of a login": lambda view: view.grants(login="alice", limit=50),
    "grants of a server": lambda view: view.grants_on("web-1", ["applied", "ending"]),
    "certificates of a server": lambda view: view.certificates_on("web-1", ["applied", "ending"]),
    "certificates of a grant": lambda view: view.certificates("01JD1"),
    "requests that wait": lambda view: view.requests(states=(RequestState.PENDING,)),
    "requests of a person": lambda view: view.requests(person="alice", limit=50),
    "reviews that wait": lambda view: view.reviews(open_only=True),
    "automatic access": lambda view: view.automatic_access(),
    "events of a page of grants": lambda view: view.events_about(["G1", "G2"], ("grant.recorded",)),
    "records after a place": lambda view: view.access_records(RecordFilter(), RecordPlace(NOW, "G1")),
    "events": lambda view: view.events(after=1000, limit=50),
}
# One row, a few a server, one for each access that a flow gives now; and how an empty list is written.
SMALL = {"audit_head", "hosts", "host_keys", "automatic_access", "sqlite_master", "CONSTANT", "(subquery-1)"}


class Asked:
    """Notes what an engine is asked; `scans` are the steps that walk a table or a whole index."""

    def __init__(self, engine) -> None:
        self._engine = engine
        self.statements: list[tuple[str, tuple]] = []
        event.listen(engine, "before_cursor_execute", self._note)

    def stop(self) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith(("SELECT", "WITH")):
            self.statements.append((statement, parameters))

    def scans(self) -> list[str]:
        asked, self.statements = self.statements, []
        assert asked
        with self._engine.connect() as connection:
            steps = [
                row[3]
                for statement, parameters in asked
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
        assert steps
        return [step for step in steps if step.startswith("SCAN") and step.split()[1] not in SMALL]


@pytest.mark.parametrize("question", QUESTIONS)
def test_question_never_reads_a_whole_table(tmp_path, question):
    """Nor a whole index: with 1,000,000 ended grants, that is what costs the time of a pass."""
    path = tmp_path / "daypass.db"
    open_store(path).upgrade()
    engine = make_engine(path)
    asked = Asked(engine)
    with engine.connect() as connection:
        QUESTIONS[question](SqlView(connection))
    assert asked.scans() == []


@pytest.mark.parametrize(
    "look",
    [
        lambda seams: reconcile_once(replace(seams, directory=lambda: Directory({})), NOW),
        lambda seams: reconcile_once(seams, NOW, pauses=False),
        live_grants,
        server_statuses,
    ],
    ids=["a pass", "a pass at once", "live grants", "servers"],
)
def test_pass_with_nothing_to_do_never_reads_a_whole_table(tmp_path, look: Callable):
    """Whatever a pass or a status comes to ask, each question of it runs on an index."""
    world = make_world(tmp_path, "web-1", "web-2")
    asked = Asked(world.seams.store._engine)
    look(world.seams)
    assert asked.scans() == []


def test_number_of_questions_of_a_status_does_not_grow_with_the_servers(tmp_path):
    """Ten thousand servers are looked at with as many questions as two."""
    counts = []
    for servers in (("web-1",), tuple(f"web-{n}" for n in range(20))):
        folder = tmp_path / str(len(servers))
        folder.mkdir()
        world = make_world(folder, *servers)
        asked = Asked(world.seams.store._engine)
        server_statuses(world.seams)
        counts.append(len(asked.statements))
    assert counts[0] == counts[1]


def test_number_of_questions_of_a_document_does_not_grow_with_the_people(tmp_path):
    """A wave to servers with fifty people holds up the record no longer than one to servers with one."""
    world = make_world(tmp_path, "web-1")
    counts = []
    for login in ("anna", "bert", "carl"):
        wanted = GrantRequest(login, ("web-1",), (), (), timedelta(hours=1), PUBLIC_KEY)
        give(world.seams, wanted, world.clock())
        asked = Asked(world.seams.store._engine)
        prepare(world.seams, ["web-1"], {})
        counts.append(len(asked.statements))
        asked.stop()
    assert len(set(counts)) == 1
