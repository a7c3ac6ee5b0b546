"""Accounts that people had before are joined by the directory's word alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document
from daypass.directory import Directory
from daypass.domain.grants import Account, AccountState
from daypass.domain.outcomes import AccountAnswer
from daypass.domain.people import Person
from daypass.errors import UsageError
from daypass.workflow.granting import give
from daypass.workflow.joining import record_joined
from daypass.workflow.revoking import take_back
from daypass.workflow.seams import Seams
from tests.fakes import World

JANE = 1501


def joining(
    world: World, uid: int | None = JANE, *, existing: str = "join", without: str = "refuse"
) -> Seams:
    """The seams of an integration with this setting, and a directory with jane."""
    lab = world.seams.integrations["lab"]
    lab = lab.model_copy(update={"existing_accounts": existing, "join_without_log": without})
    people = Directory({"jane": Person("jane", "jane@example.com", uid)})
    return replace(world.seams, integrations={"lab": lab}, directory=lambda: people)


def sent(world: World) -> dict[str, object]:
    """Jane's part of the document that was sent last."""
    return next(one for one in document.decode(world.waves.sent[-1][1])["accounts"] if one["name"] == "jane")


def account(world: World) -> Account:
    with world.seams.store.read() as view:
        return view.accounts(server="web-1", login="jane")[0]


def test_declared_account_is_joined_with_its_own_uid(world, request_for):
    """The uid of the directory, and the integration's word on hosts without a log."""
    give(joining(world, without="end_all"), request_for("jane", "web-1"), world.clock())
    entry = sent(world)
    assert (entry["existing"], entry["uid"], entry["join_without_log"]) == ("join", JANE, "end_all")
    assert (account(world).existing, account(world).uid) == ("join", JANE)
    assert account(world).state is AccountState.OPEN


@pytest.mark.parametrize(
    ("uid", "existing"), [(None, "join"), (JANE, "refuse")], ids=["not declared", "integration refuses"]
)
def test_other_accounts_are_made_as_ever(world, request_for, uid, existing):
    """Without both words nobody's account is touched."""
    give(joining(world, uid, existing=existing), request_for("jane", "web-1"), world.clock())
    assert (sent(world)["existing"], sent(world)["uid"]) == ("refuse", 70001)
    assert "join_without_log" not in sent(world)


def test_account_that_we_made_is_never_joined(world, request_for):
    """What stands on the server stays what it is, whatever the settings say later."""
    give(joining(world, None), request_for("jane", "web-1"), world.clock())
    give(joining(world, JANE), request_for("jane", "web-1"), world.clock())
    assert (sent(world)["existing"], sent(world)["uid"]) == ("refuse", 70001)
    assert len(sent(world)["grants"]) == 2


def test_joined_account_is_never_taken_for_ours(world, request_for):
    """Once the directory has forgotten the uid, nothing more is given; what is given ends as ever."""
    given = give(joining(world), request_for("jane", "web-1"), world.clock())
    with pytest.raises(UsageError) as caught:
        give(joining(world, None), request_for("jane", "web-1"), world.clock())
    assert caught.value.code == "account_not_declared"
    take_back(joining(world, None), given.grant.id, world.clock())
    assert (sent(world)["existing"], sent(world)["uid"]) == ("join", JANE)


def test_account_that_was_never_opened_may_be_joined_later(world, request_for):
    """A grant that the server refused, because the account was there, has settled nothing."""
    world.hosts["web-1"].foreign.add("jane")
    give(joining(world, existing="refuse"), request_for("jane", "web-1"), world.clock())
    world.hosts["web-1"].foreign.clear()
    give(joining(world), request_for("jane", "web-1"), world.clock())
    assert (sent(world)["existing"], sent(world)["uid"]) == ("join", JANE)


def test_uid_that_no_person_has_is_refused_before_anything_is_recorded(world, request_for):
    """A host would refuse the whole document, with everybody in it."""
    with pytest.raises(UsageError) as caught:
        give(joining(world, 70500), request_for("jane", "web-1"), world.clock())
    assert caught.value.code == "uid_out_of_range"
    with world.seams.store.read() as view:
        assert view.grants() == []


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (
            AccountAnswer("active", changes=(("account", "existing", "active"),), own_keys=("a", None)),
            ["joined"],
        ),
        (AccountAnswer("active", own_keys=("a", None)), []),
        (AccountAnswer("closed", own_keys=("a", "b")), ["given_back"]),
    ],
    ids=["begins", "goes on", "ends"],
)
def test_digests_of_own_keys_are_in_the_audit_log(world, request_for, answer, kinds):
    """At the begin and at the end, so that a key that was added meanwhile shows."""
    give(joining(world), request_for("jane", "web-1"), world.clock())
    with world.seams.store.write("test", world.clock()) as work:
        record_joined(work, work.accounts(server="web-1", login="jane")[0], answer)
    with world.seams.store.read() as view:
        found = [event for event in view.events() if event.kind.startswith("account.")]
    assert [event.kind.partition(".")[2] for event in found] == kinds
    assert all(event.details["own_keys"] == "a" for event in found)
