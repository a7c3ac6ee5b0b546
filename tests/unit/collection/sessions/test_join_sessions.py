"""Whose a session is: ours by sshd's word, the owner's by hers or by its age, ours where nobody says."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.record.ledger import Joined
from ansible_collections.daypass.ssh.plugins.module_utils.sessions import joined, process_table
from ansible_collections.daypass.ssh.plugins.module_utils.sessions.process_table import Row
from ansible_collections.daypass.ssh.plugins.module_utils.sshd import login_log
from ansible_collections.daypass.ssh.plugins.module_utils.sshd.login_log import Accepted

JANE, TEAM = 1501, 2000
SINCE = 1000


def leader(pid: int, began: float = 1500, session: str = "", login: str = "jane") -> Row:
    """Root's process of a connection of hers."""
    scope = (JANE, session) if session else None
    return Row(pid, 1, began, frozenset({0}), frozenset({0}), f"sshd: {login} [priv]", scope, None)


def process(pid: int, parent: int = 1, **changed: object) -> Row:
    """A process of hers."""
    plain = Row(pid, parent, 1500, frozenset({JANE}), frozenset({JANE}), "sleep", None, None)
    return plain._replace(**changed)


class Host(System):
    """Processes and log lines as given; nothing is signalled."""

    def boot_id(self) -> str:
        return "boot"


def ended(
    monkeypatch: pytest.MonkeyPatch,
    rows: list[Row],
    lines: list[Accepted],
    *,
    lost: frozenset[int] = frozenset(),
    policy: str = "refuse",
    log: bool = True,
    boot: str = "boot",
    login_of: login_log.Login | None = None,
) -> list[int]:
    """The pids that must end."""
    monkeypatch.setattr(process_table, "read_table", lambda: {row.pid: row for row in rows})
    monkeypatch.setattr(
        login_log, "accepted", lambda _system, _login, pids, _keys: [one for one in lines if one.pid in pids]
    )
    monkeypatch.setattr(login_log, "has_log", lambda _system: log)
    monkeypatch.setattr(login_log, "login_of", lambda _system, _session: login_of)
    tied = joined.Tied("jane", JANE, Joined(boot, SINCE, "", policy), lost)
    left = joined.Ending(Host(), [tied], []).left()
    return [row.pid for row in left.get("jane", [])]


def test_session_of_our_certificate_ends_with_all_below_it(monkeypatch):
    """And the one of her own key stays."""
    rows = [leader(90), process(91, 90), process(92, 91), leader(80), process(81, 80)]
    lines = [Accepted(90, 1501.0, True), Accepted(80, 1501.0, False)]
    assert ended(monkeypatch, rows, lines) == [90, 91, 92]


def test_what_was_left_in_its_scope_ends_too(monkeypatch):
    """A process that left its parents stays in the control group of the session."""
    rows = [leader(90, session="5"), process(95, scope=(JANE, "5")), process(96, scope=(JANE, "6"))]
    found = ended(monkeypatch, rows, [Accepted(90, 1501.0, True)], login_of=login_log.Login(1, "cron"))
    assert found == [90, 95]


def test_what_root_began_in_it_ends_too(monkeypatch):
    """sudo's children are root's, and have the audit session of her login."""
    rows = [leader(90)._replace(audit=(JANE, "5")), process(95, uids=frozenset({0}), audit=(JANE, "5"))]
    assert ended(monkeypatch, rows, [Accepted(90, 1501.0, True)]) == [90, 95]


def test_leader_before_its_session_takes_nobody_else_along(monkeypatch):
    """Until its own begins, it has the audit session of whoever started sshd."""
    rows = [leader(90)._replace(audit=(1000, "3")), process(95, uids=frozenset({1000}), audit=(1000, "3"))]
    assert ended(monkeypatch, rows, []) == [90]


def test_session_without_a_leader_is_judged_by_who_led_it(monkeypatch):
    """logind remembers the leader's number, and the log what it was let in with."""
    rows = [process(95, scope=(JANE, "5"))]
    sshd = login_log.Login(90, "sshd")
    assert ended(monkeypatch, rows, [Accepted(90, 1400.0, True)], login_of=sshd) == [95]
    assert ended(monkeypatch, rows, [Accepted(90, 1400.0, False)], login_of=sshd) == []


def test_session_of_something_else_than_sshd_is_hers(monkeypatch):
    """Her cron jobs, and what she does at the console."""
    rows = [process(95, scope=(JANE, "5"))]
    assert ended(monkeypatch, rows, [], login_of=login_log.Login(90, "cron")) == []


def test_session_that_no_line_names_ends(monkeypatch):
    """Whoever keeps a line out of the log must not stay because of it."""
    assert ended(monkeypatch, [leader(90), process(91, 90)], []) == [90, 91]


def test_session_from_before_is_hers_without_a_line(monkeypatch):
    """No certificate of ours was good then."""
    assert ended(monkeypatch, [leader(90, began=900), process(91, 90)], []) == []


def test_session_from_before_an_earlier_boot_proves_nothing(monkeypatch):
    """The time counts from the boot that the ledger knows."""
    assert ended(monkeypatch, [leader(90, began=900)], [], boot="another") == [90]


def test_line_about_an_earlier_process_with_that_number_says_nothing(monkeypatch):
    """Numbers come again."""
    assert ended(monkeypatch, [leader(90)], [Accepted(90, 1200.0, False)]) == [90]


def test_one_line_of_ours_outweighs_others(monkeypatch):
    """In a text file anybody can add a line that names her own key."""
    lines = [Accepted(90, None, True), Accepted(90, None, False)]
    assert ended(monkeypatch, [leader(90)], lines) == [90]


def test_without_any_log_all_sessions_end_where_the_integration_says_so(monkeypatch):
    """Those from before too, since nobody can tell."""
    rows = [leader(80, began=900), leader(90)]
    assert ended(monkeypatch, rows, [], policy="end_all", log=False) == [80, 90]
    assert ended(monkeypatch, rows, [], policy="refuse", log=False) == [90]


def test_no_process_of_hers_keeps_a_lost_group(monkeypatch):
    """Wherever it was begun; those of others in that group are theirs."""
    groups = frozenset({JANE, TEAM})
    rows = [process(95, gids=groups), process(96, gids=groups, uids=frozenset({1502})), process(97)]
    assert ended(monkeypatch, rows, [], lost=frozenset({TEAM})) == [95]


def test_other_people_s_connections_are_theirs(monkeypatch):
    """A leader's title names its login."""
    assert ended(monkeypatch, [leader(90, login="bob")], []) == []


def test_process_that_calls_itself_sshd_leads_nothing(monkeypatch):
    """Only root's process of a connection opens a session: a title is anybody's to choose."""
    named = process(60)._replace(title="sshd: jane [priv]")
    assert ended(monkeypatch, [named, process(61, 60)], []) == []
