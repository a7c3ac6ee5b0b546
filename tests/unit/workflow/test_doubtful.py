"""People of whom it can't be told whether they are still here: nothing opens, nothing ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daypass.domain.requests import RequestState
from daypass.errors import DeniedError
from daypass.flows import Policy, build_policy
from daypass.workflow.reconciling import Pass, reconcile_once
from daypass.workflow.requests.answering import answer
from tests import policies
from tests.asking import NOBODY_ASKED, Company

HOUR = timedelta(hours=1)
AUTOMATIC: Mapping[str, Any] = {
    "trigger": "automatic",
    "requesters": None,
    "grantees": {"group": "ops"},
    "default_duration": None,
    "approvers": "none",
}


class Unsure(Company):
    """A company whose directory may hold people back.

    Attributes:
        held: Logins.
    """

    def __init__(self, folder: Path, *flows: Mapping[str, Any]) -> None:
        super().__init__(folder, *flows)
        self.held: tuple[str, ...] = ()

    @property
    def policy(self) -> Policy:
        people = policies.directory(self.people)
        return build_policy(self.settings, people.holding(dict.fromkeys(self.held, "too many vanished")))

    def tick(self, forward: timedelta = timedelta()) -> Pass:
        return reconcile_once(self.seams, self.clock.forward(forward))


def test_request_of_a_doubtful_person_waits_until_it_expires(tmp_path):
    """It is denied only when it can be told that the person left."""
    company = Unsure(tmp_path)
    asked = company.ask("alice").request
    company.held = ("alice",)
    assert company.tick(HOUR).decided == ()
    assert company.request(asked.id).state is RequestState.PENDING
    [expired] = company.tick(timedelta(days=2)).decided
    assert expired.state is RequestState.EXPIRED


def test_nobody_asks_and_nobody_answers_while_doubtful(tmp_path):
    """The vote of somebody who may have left counts for nothing."""
    company = Unsure(tmp_path)
    asked = company.ask("alice").request
    carol = company.person("carol")
    company.held = ("carol",)
    with pytest.raises(DeniedError, match="doesn't count"):
        answer(company.seams, asked.id, carol, company.clock(), yes=True)
    company.held = ("alice",)
    with pytest.raises(DeniedError) as caught:
        company.ask("alice", requester="bob")
    assert caught.value.code == "person_doubtful"


def test_automatic_access_of_a_doubtful_person_stays_until_its_window_closes(tmp_path):
    """It isn't taken, and it isn't renewed."""
    company = Unsure(tmp_path, AUTOMATIC)
    [grant] = company.tick().automatic.opened
    company.held = ("alice",)
    done = company.tick(HOUR)
    assert (done.automatic.taken, done.ended) == ((), ())
    assert "person_doubtful" in {note.code for note in done.automatic.notes}
    assert company.opens() != []
    assert company.tick(8 * HOUR).ended == (grant,)
    assert company.opens() == []


def test_access_from_ahead_of_its_time_neither_begins_nor_ends(tmp_path):
    """It begins when it can be told again that the person is here."""
    company = Unsure(tmp_path, NOBODY_ASKED)
    company.ask("alice", start=company.clock() + HOUR, length=2 * HOUR)
    company.held = ("alice",)
    assert company.tick(HOUR).not_begun == ()
    assert company.opens() == []
    company.held = ()
    company.tick(HOUR / 2)
    assert company.opens() == ["web-1"]
