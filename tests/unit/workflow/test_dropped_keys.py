"""A later end is signed for keys that are still a person's: what the directory dropped gets nothing more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.domain.grants import Grant
from daypass.errors import DeniedError
from daypass.workflow.access import show_access
from daypass.workflow.changing import ChangeAnswer
from daypass.workflow.extending import extend, extend_by_flow
from tests.asking import NOBODY_ASKED, Company

EXTENDABLE = {**NOBODY_ASKED, "max_extensions": 3, "extension_duration": "30m"}
HALF = timedelta(minutes=30)
FIRST, SECOND, OWN = (public_line(load_ca_key(generate_ca_key("ed25519"))) for _ in range(3))


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = Company(tmp_path, EXTENDABLE)
    change(made, public_keys=[FIRST, SECOND])
    return made


def change(company: Company, login: str = "alice", **entry: Any) -> None:
    company.people = tuple({**one, **entry} if one["login"] == login else one for one in company.people)


def asked(company: Company, **words: Any) -> Grant:
    granted = company.ask("alice", **words).granted
    assert granted is not None
    return granted.grant


def prolong(company: Company, grant: Grant, by: str) -> ChangeAnswer:
    if by == "operator":
        return extend(company.seams, grant.id, company.clock(), length=HALF)
    return extend_by_flow(company.seams, grant.id, company.clock(), login="alice")[0]


@pytest.mark.parametrize("by", ["flow", "operator"])
def test_a_key_that_the_directory_dropped_is_left_out(company, by):
    """The others get the later end, and the log names the key that didn't."""
    grant = asked(company)
    change(company, public_keys=[SECOND])
    answer = prolong(company, grant, by)
    assert [one.public_key for one in answer.certificates] == [SECOND]
    assert len(company.details(grant.id, "grant.extended")["keys_dropped"]) == 1


@pytest.mark.parametrize("by", ["flow", "operator"])
@pytest.mark.parametrize("now", [[], [OWN]])
def test_without_a_key_of_its_own_access_is_not_extended(company, by, now):
    """Nobody is known to have the key that it was signed for; new access takes a key of today."""
    grant = asked(company)
    change(company, public_keys=now)
    with pytest.raises(DeniedError) as caught:
        prolong(company, grant, by)
    assert caught.value.code == "keys_dropped"
    shown = show_access(company.seams, grant.id, company.clock())
    assert [one.code for one in shown.extension.objections] == ["keys_dropped"]


@pytest.mark.parametrize("by", ["flow", "operator"])
def test_a_key_that_came_by_its_owners_word_stays(company, by):
    """The directory never named it, so it can't have dropped it."""
    grant = asked(company, public_key=OWN)
    change(company, public_keys=[])
    assert [one.public_key for one in prolong(company, grant, by).certificates] == [OWN]


def test_a_key_of_the_directory_that_is_also_sent_is_the_directorys(company):
    """As when somebody came in over SSH with it: dropped there, it is dropped here."""
    grant = asked(company, public_key=FIRST)
    change(company, public_keys=[SECOND])
    with pytest.raises(DeniedError) as caught:
        prolong(company, grant, "flow")
    assert caught.value.code == "keys_dropped"


@pytest.mark.parametrize("by", ["flow", "operator"])
def test_who_left_gets_no_later_end(company, by):
    """Whatever key it is."""
    grant = asked(company, public_key=OWN)
    change(company, active=False)
    with pytest.raises(DeniedError) as caught:
        prolong(company, grant, by)
    assert caught.value.code == "person_left"
