"""The questions of a reconcile are answered by indexes, however much has ended."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from daypass.store import open_store
from daypass.store.engines import make_engine
from daypass.store.reading import SqlView

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
QUESTIONS = {
    "shares_due": lambda view: view.shares_due(NOW),
    "grants_past": lambda view: view.grants_past(NOW),
    "accounts_due_for_removal": lambda view: view.accounts_due_for_removal(NOW),
    "shares of a server": lambda view: view.shares(server="web-1", states=["applied", "ending"]),
    "grants of a login": lambda view: view.grants(login="alice", limit=50),
    "newest grants": lambda view: view.grants(limit=50),
    "certificates of a grant": lambda view: view.certificates("01JD1"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_question_never_reads_a_whole_table(tmp_path, question):
    """With 1,000,000 ended grants, a reconcile with nothing to do must stay below 200 ms."""
    path = tmp_path / "daypass.db"
    open_store(path).upgrade()
    engine = make_engine(path)
    asked: list[tuple[str, tuple]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    with engine.connect() as connection:
        QUESTIONS[question](SqlView(connection))
        statement, parameters = asked[-1]
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    steps = [row[3] for row in rows]
    assert steps
    assert not [step for step in steps if step.startswith("SCAN") and "USING INDEX" not in step], steps
