"""What a person could ask for, as the page at the gate shows it."""

from __future__ import annotations

from datetime import timedelta

from daypass.workflow.offers import Offer, offers
from tests.asking import NOBODY_ASKED, Company

NIGHT = {"days": ["mon"], "start": "22:00", "end": "23:00", "timezone": "UTC"}


def test_flows_that_are_for_the_person_are_offered_in_their_order(tmp_path):
    """With servers, groups and lengths; whether somebody is asked, and whether the hours are now."""
    company = Company(
        tmp_path,
        {"name": "web", "targets": {"servers": {"starts_with": "web-"}, "user_groups": ["ops"]}},
        {"name": "nights", "timeframe": NIGHT, **NOBODY_ASKED},
    )
    found = list(offers(company.policy, company.person("alice"), company.clock()))
    two = timedelta(hours=2)
    assert found[0] == Offer("web", ("web-1", "web-2"), ("ops",), timedelta(hours=8), two, True, True)
    assert [(one.flow, one.asks, one.now) for one in found] == [("web", True, True), ("nights", False, False)]


def test_flows_that_are_not_for_the_person_are_not_shown(tmp_path):
    """Switched off, automatic, for others only, for other people."""
    company = Company(
        tmp_path,
        {"name": "off", "active": False},
        {
            "name": "automatic",
            "trigger": "automatic",
            "requesters": None,
            "grantees": "everyone",
            **NOBODY_ASKED,
        },
        {"name": "others", "request_for": "others"},
        {"name": "dba", "requesters": {"group": "dba"}},
    )
    assert list(offers(company.policy, company.person("alice"), company.clock())) == []
    [dba] = offers(company.policy, company.person("erin"), company.clock())
    assert dba.flow == "dba"
