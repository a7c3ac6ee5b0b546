"""Who owns a server: its tag first, the integration where the tag names nobody who is here."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daypass.domain.servers import Server
from daypass.flows.case import owners_of_one
from tests.policies import NOW, policy

GROUP = {"attribute": "group", "values": ["platform"]}


@pytest.mark.parametrize(
    ("resource", "fallback", "tags", "owners"),
    [
        ("group", GROUP, {"owner": "dba"}, {"dave", "erin"}),
        ("group", GROUP, {}, {"carol", "dave"}),
        ("group", GROUP, {"owner": ""}, {"carol", "dave"}),
        ("group", GROUP, {"owner": "nobody-knows"}, {"carol", "dave"}),
        ("user", GROUP, {"owner": "bob@example.com"}, {"bob"}),
        ("user", GROUP, {"owner": "frank"}, {"carol", "dave"}),  # has left
        ("shift", GROUP, {"owner": "day"}, {"carol"}),
        ("shift", GROUP, {"owner": "night"}, {"carol", "dave"}),  # nobody on it now
        (None, GROUP, {"owner": "dba"}, {"carol", "dave"}),
        (None, {"attribute": "user", "values": ["alice", "bob"]}, {}, {"alice", "bob"}),
        (None, None, {"owner": "dba"}, set()),
    ],
)
def test_owner_of_a_server(resource, fallback, tags, owners):
    """By day."""
    settings: dict[str, object] = {"name": "prod", "integration_owner": fallback}
    if resource:
        settings["resource_owner"] = {"key": "owner", "attribute": resource}
    server = Server("s", "h", tags=tags, integration="prod")
    rules = policy(servers=[server], integrations=[settings])
    found = owners_of_one(server, rules.integrations["prod"], rules.directory, NOW)
    assert found == owners


def test_owner_by_shift_changes_with_the_hour():
    """Twelve hours later it is the night shift's."""
    settings = {
        "name": "prod",
        "integration_owner": GROUP,
        "resource_owner": {"key": "owner", "attribute": "shift"},
    }
    server = Server("s", "h", tags={"owner": "night"}, integration="prod")
    rules = policy(servers=[server], integrations=[settings])
    later = NOW + timedelta(hours=12)
    assert owners_of_one(server, rules.integrations["prod"], rules.directory, later) == {"erin"}
