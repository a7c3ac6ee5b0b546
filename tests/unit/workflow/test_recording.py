"""Rules of what an answer may change in the record, and of servers that nothing can be sent to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.domain.grants import AccountState, ShareState
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.workflow.granting import give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.revoking import take_back
from daypass.workflow.waves import converge
from tests.fakes import MemoryHosts


def the_share(world, grant_id, server="web-1"):
    with world.seams.store.read() as view:
        (share,) = (share for share in view.shares(grant_id=grant_id) if share.server == server)
        return share


def the_account(world, login, server="web-1"):
    with world.seams.store.read() as view:
        (account,) = view.accounts(server=server, login=login)
        return account


class Altered(MemoryHosts):
    """Servers whose answers are altered on their way."""

    def __init__(self, world, **changes):
        super().__init__(world.hosts, world.clock)
        self.changes = changes

    def deliver(self, server: str, opaque: str) -> Outcome:
        outcome = super().deliver(server, opaque)
        return replace(outcome, answer=replace(outcome.answer, **self.changes))


@pytest.mark.parametrize("step", ["reaching web-1", "answer of web-1"])
def test_a_grant_given_while_the_account_is_removed_stays_known_and_revocable(world, request_for, step):
    """The answer to a removal takes no account out of the record that a newer grant made anew."""
    first = give(world.seams, request_for("anna", "web-1"), world.clock())
    take_back(world.seams, first.grant.id, world.clock())
    other = replace(
        world.seams, executor=lambda _name: MemoryHosts(world.hosts, world.clock), owner="here/2/2"
    )
    given = []

    def grant_in_between(now_at: str) -> None:
        if now_at == step and not given:
            given.append(give(other, request_for("anna", "web-1"), world.clock()))

    world.waves.on_step = grant_in_between
    reconcile_once(world.seams, world.clock.forward(timedelta(minutes=1)))

    assert the_account(world, "anna").state is not AccountState.REMOVED
    give(world.seams, request_for("bea", "web-1"), world.clock())
    answer = take_back(world.seams, given[0].grant.id, world.clock())
    assert [share.state for share in answer.shares] == [ShareState.ENDED]
    assert not world.hosts["web-1"].open_principals("anna")


def test_a_server_whose_document_can_not_be_made_holds_up_no_other(world, request_for):
    """A broken record of one server is that server's outcome; the others are told what ended."""
    answer = give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    with world.seams.store.write("test", world.clock()) as work:
        work.set_account(replace(the_account(world, "anna", "web-2"), comment="no: comment"))
    ended = take_back(world.seams, answer.grant.id, world.clock())
    assert ended.outcomes["web-2"].code == "document_invalid"
    assert the_share(world, answer.grant.id).state is ShareState.ENDED
    broken = the_share(world, answer.grant.id, "web-2")
    assert (broken.state, broken.outcome_code) == (ShareState.ENDING, "document_invalid")


def test_a_server_with_a_share_of_no_grant_holds_up_no_other(world, request_for):
    """A row was taken out of the database: what a key line is bound to is unknown, nothing is sent there."""
    lost = give(world.seams, request_for("anna", "web-1"), world.clock()).grant
    give(world.seams, request_for("bert", "web-2"), world.clock())
    with closing(sqlite3.connect(world.record)) as connection:  # asks for no foreign keys
        assert connection.execute("DELETE FROM grants WHERE id = ?", (lost.id,)).rowcount == 1
        connection.commit()
    sent = len(world.waves.sent)
    outcomes = converge(world.seams, ["web-1", "web-2"])
    assert (outcomes["web-1"].code, outcomes["web-2"].kind) == ("grant_unknown", OutcomeKind.APPLIED)
    assert [server for server, _document in world.waves.sent[sent:]] == ["web-2"]


@pytest.mark.parametrize("changes", [{"host_id": "e" * 32}, {"sequence": 0}])
def test_an_answer_that_is_not_this_hosts_to_this_document_proves_nothing(world, request_for, changes):
    """Neither another host's word nor one about an older state counts as done."""
    seams = replace(world.seams, executor=lambda _name: Altered(world, **changes))
    answer = give(seams, request_for("anna", "web-1"), world.clock())
    share = the_share(world, answer.grant.id)
    assert (share.state, share.outcome, share.outcome_code) == (
        ShareState.PENDING,
        "unknown",
        "answer_mismatch",
    )


def test_another_hosts_sequence_is_not_taken_for_ours(world, request_for):
    """A machine that was put in a server's place doesn't move the server's numbers."""
    seams = replace(world.seams, executor=lambda _name: Altered(world, host_id="e" * 32, sequence=900))
    give(seams, request_for("anna", "web-1"), world.clock())
    with world.seams.store.read() as view:
        host = view.host("web-1")
    assert host is not None
    assert host.confirmed_sequence < 900
