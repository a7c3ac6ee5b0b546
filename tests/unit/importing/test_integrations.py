"""What becomes of an integration: servers, groups, owners, and where its key is."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from daypass.importing.apono import Translation, translate
from daypass.importing.findings import Kind
from daypass.importing.settings import Wishes
from tests.importing_cases import flow, ssh_integration, target


@pytest.fixture
def imported(tmp_path):
    """Import definitions; groups stand in the parameter `groups`."""

    def run(*definitions: dict[str, Any], **mapped: str) -> Translation:
        file = tmp_path / "source.json"
        file.write_text(json.dumps(list(definitions)), encoding="utf-8")
        return translate([file], Wishes(mapped={"groups": "user_groups", **mapped}))

    return run


def first(found: Translation) -> dict[str, Any]:
    integration: dict[str, Any] = yaml.safe_load(found.files["daypass.yaml"])["integrations"][0]
    return integration


def config(servers: Any, **more: Any) -> dict[str, Any]:
    return {"servers": servers if isinstance(servers, str) else json.dumps(servers), "groups": "ops", **more}


@pytest.mark.parametrize("written", ["ops, dba", '["ops", "dba"]', ["ops", "dba"], "Default,ops,dba"])
def test_groups_are_read_however_they_are_written(imported, written):
    """A list, a JSON list as text, text with commas; Default is there anyway."""
    found = imported(ssh_integration(integration_config={**config([SERVER]), "groups": written}))
    assert first(found)["user_groups"] == ["Default", "ops", "dba"]


SERVER = {"name": "web-1", "host": "192.0.2.1"}


@pytest.mark.parametrize(
    "other",
    [
        {"name": "web 2", "host": "192.0.2.2"},
        {"name": "WEB-1", "host": "192.0.2.2"},
        {"name": "web-2", "host": "-oProxyCommand=x"},
        {"name": "web-2", "host": "192.0.2.2", "port": 99999},
        {"name": "web-2", "host": "192.0.2.2", "color": "red"},
        "web-2",
    ],
)
def test_server_that_the_list_doesnt_take_is_left_out_and_told(imported, other):
    """Odd names are refused, never repaired; the others come over."""
    found = imported(ssh_integration(integration_config=config([SERVER, other])))
    assert json.loads(found.files["servers.json"]) == [SERVER]
    assert any(one.kind is Kind.LEFT_OUT and "servers[1]" in one.path for one in found.findings)


def test_one_name_in_two_integrations_is_given_once(imported):
    """Server names are unique over all integrations here."""
    found = imported(
        ssh_integration(),
        ssh_integration(
            id="int-2", name="other", integration_config=config([SERVER, {**SERVER, "name": "b"}])
        ),
    )
    assert [entry["name"] for entry in json.loads(found.files["servers-other.json"])] == ["b"]


def test_integrations_of_other_types_are_listed(imported):
    """They are nothing that Daypass gives access to, and nothing of them is shown."""
    database = {"name": "db", "type": "mysql", "integration_config": {"password": "hunter2"}}
    found = imported(ssh_integration(), database, flow(access_targets=[target(integration_name="db")]))
    kinds = [(one.of, one.kind) for one in found.findings if one.kind is Kind.NOT_OURS]
    assert ('integration "db"', Kind.NOT_OURS) in kinds
    assert "hunter2" not in str(found)


def test_nothing_is_written_without_an_integration_of_ours(imported):
    """Flows alone mean nothing."""
    assert imported(flow()).files == {}


STORES = {
    "aws": {"region": "eu-central-1", "secret_id": "arn:aws:x"},
    "gcp": {"project": "p", "secret_id": "s"},
    "azure": {"vault_url": "https://v.example.com", "name": "n"},
    "hashicorp_vault": {"secret_engine": "kv", "path": "ssh/key"},
    "kubernetes": {"namespace": "ns", "name": "n"},
}


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("generation", ["v1", "v2"])
def test_secret_is_a_reference_and_its_old_place_is_told(imported, name, generation):
    """Of no store of theirs there is an equal here: the key comes by the environment."""
    store = (
        {f"{name}_secret": STORES[name]}
        if generation == "v1"
        else {"secret_store_config": {name: STORES[name]}}
    )
    theirs = ssh_integration(secret_store_config=None) | store
    found = imported(theirs)
    assert first(found)["secret"] == {"env": "DAYPASS_CONNECTOR_KEY_LINUX"}
    told = next(one for one in found.findings if one.kind is Kind.FILL_IN and name in one.path)
    assert all(value in told.found for value in STORES[name].values())


def test_values_of_the_products_own_store_are_never_shown(imported):
    """They are the secret itself."""
    found = imported(ssh_integration(secret_store_config={"apono": {"parameters": {"key": "bm90aGluZw=="}}}))
    assert first(found)["secret"] == {"env": "DAYPASS_CONNECTOR_KEY_LINUX"}
    assert "bm90aGluZw" not in str(found)


def test_owner_of_servers_needs_an_owner_of_the_integration(imported):
    """Here as there; without one it is left out and told."""
    mapping = {"key_name": "team", "attribute_type": "group"}
    assert "resource_owner" not in first(imported(ssh_integration(owners_mapping=mapping)))
    owner = {"attribute_type": "user", "attribute_value": ["ann@example.com"]}
    found = first(imported(ssh_integration(owner=owner, owners_mapping=mapping)))
    assert found["resource_owner"] == {"key": "team", "attribute": "group"}
    assert found["integration_owner"] == {"attribute": "user", "values": ["ann@example.com"]}


@pytest.mark.parametrize("text", ["x" * 401, "a\u001b[2Jb", "a\u202eb"])
def test_access_details_that_arent_plain_are_left_out(imported, text):
    """400 characters are checked in the product's page alone; a terminal obeys others."""
    assert "custom_access_details" not in first(imported(ssh_integration(custom_access_details=text)))


def test_parameter_that_nobody_knows_keeps_the_integration_out(imported):
    """The finding names the option that leaves it out."""
    found = imported(ssh_integration(integration_config=config([SERVER], color="red")))
    assert found.files == {}
    assert any("--ignore color" in one.do for one in found.findings)


def test_people_wait_for_somebody_to_confirm_their_login(imported):
    """Nobody gets access by a login that was made up from an address; one address is one person."""
    group = {
        "name": "platform",
        "members": ["Ann@Example.com", "ann@example.com", "root@example.com", "x y@z"],
    }
    found = imported(ssh_integration(), group)
    people = yaml.safe_load(found.files["directory.yaml"])["people"]
    assert [person["active"] for person in people] == [False, False]
    assert people[0]["login"] == "ann"
    assert people[1]["login"] != "root"
