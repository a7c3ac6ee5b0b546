"""Which servers a target means: a truth table for each way to name them."""

from __future__ import annotations

import pytest

from daypass.config.access_flows import Target
from daypass.flows.targets import ServerIndex, compile_target
from tests.policies import SERVERS, policy

ALL = {"web-1", "web-2", "db-1", "lab-1"}


def servers_of(target: dict[str, object]) -> set[str]:
    compiled = compile_target(Target.model_validate(target))
    chosen = {server.name for server in SERVERS if compiled.has(server)}
    assert {server.name for server in compiled.select(ServerIndex({s.name: s for s in SERVERS}))} == chosen
    return chosen


@pytest.mark.parametrize(
    ("target", "servers"),
    [
        ({"integration": "prod"}, ALL - {"lab-1"}),
        ({"integration": ["prod", "lab"]}, ALL),
        ({"integration": {"is_not": "lab"}}, ALL - {"lab-1"}),
        ({"servers": "web-1"}, {"web-1"}),
        ({"servers": ["web-1", "db-1", "gone-1"]}, {"web-1", "db-1"}),
        ({"servers": {"starts_with": "web-"}}, {"web-1", "web-2"}),
        ({"servers": {"contains": "b-"}}, ALL),
        ({"servers": {"does_not_contain": "web"}}, {"db-1", "lab-1"}),
        ({"servers": {"is_not": "web-1"}}, ALL - {"web-1"}),
        ({"tags": {"env": "prod"}}, {"web-1", "db-1"}),
        ({"tags": {"env": ["prod", "test"]}}, {"web-1", "web-2", "db-1"}),
        ({"tags": {"env": "prod", "tier": "web"}}, {"web-1"}),
        ({"tags": {"env": {"is_not": "prod"}}}, {"web-2"}),  # lab-1 has no such tag: not meant
        ({"tags": {"gone": {"does_not_contain": "x"}}}, set()),
        ({"integration": "prod", "servers": {"starts_with": "web"}, "tags": {"env": "prod"}}, {"web-1"}),
        ({"integration": "prod", "exclude": {"servers": "web-1"}}, {"web-2", "db-1"}),
        ({"integration": "prod", "exclude": {"tags": {"tier": "web"}}}, {"db-1"}),
        # Each part of `exclude` leaves out by itself.
        ({"integration": "prod", "exclude": {"servers": "db-1", "tags": {"env": "test"}}}, {"web-1"}),
        # A tag that isn't there counts for a negative: more is left out.
        ({"servers": {"contains": "-"}, "exclude": {"tags": {"env": {"is_not": "prod"}}}}, {"web-1", "db-1"}),
        ({"servers": {"contains": "-"}, "exclude": {"integration": "prod"}}, {"lab-1"}),
        ({"integration": "prod", "exclude": {}}, ALL - {"lab-1"}),
    ],
)
def test_target_means_these_servers(target, servers):
    """Everything that is said must hold; text is compared with its case."""
    assert servers_of(target) == servers


def test_bundle_stands_for_its_targets():
    """Written once, used in several flows."""
    bundle = {"name": "web", "targets": [{"servers": "web-1"}, {"servers": "db-1", "user_groups": "dba"}]}
    flow = policy({"targets": {"bundle": "web"}}, bundles=[bundle]).flows[0]
    assert [target.groups for target in flow.targets] == [{"Default"}, {"dba"}]
