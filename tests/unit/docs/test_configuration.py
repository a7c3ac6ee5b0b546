"""What docs/configuration.md says about daypass.yaml and the server list is true and whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from daypass.config import access_flows, approvers, conditions, directory, hours, load, notices
from daypass.config import settings as models
from daypass.config.model_problems import NOT_SETTINGS
from daypass.directory import YamlDirectory
from daypass.directory import models as directory_models
from daypass.flows import build_policy
from daypass.flows.checking import check_policy
from daypass.inventory.server_list import CHECKS, check
from tests.documents import ROOT

MANUAL = ROOT / "docs" / "configuration.md"
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([a-z_]+)` \|", re.MULTILINE)
EXAMPLES = ROOT / "inventories" / "example"


def field_names() -> Iterator[str]:
    """Every name that can stand in daypass.yaml and directory.yaml; `source` and the
    lists of files that it names are filled in."""
    parts = (models, access_flows, approvers, conditions, directory, hours, notices, directory_models)
    for model in {model for part in parts for model in vars(part).values() if isinstance(model, type)}:
        if issubclass(model, BaseModel) and model is not BaseModel:
            for name, field in model.model_fields.items():
                yield field.alias or name


def yaml_blocks(mark: str) -> list[str]:
    """The configurations, or directories, that the documents show: the blocks with this word in them."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))]
    texts.append((ROOT / "README.md").read_text(encoding="utf-8"))
    return [block for text in texts for block in BLOCK.findall(text) if mark in block]


def test_every_setting_and_server_field_is_in_the_manual_and_no_other():
    """A setting that the manual doesn't explain can't be used; one that it makes up is a trap."""
    named = set(ROW.findall(MANUAL.read_text(encoding="utf-8")))
    assert named == (set(field_names()) - NOT_SETTINGS) | set(CHECKS)


@pytest.mark.parametrize("block", yaml_blocks("integrations:"))
def test_configuration_that_a_document_shows_loads(block, tmp_path):
    """What people copy works; server lists and key files that it names are looked for beside it."""
    (tmp_path / "servers.json").write_text('[{"name": "web-1", "host": "192.0.2.1"}]')
    file = tmp_path / "daypass.yaml"
    file.write_text(block)
    assert load(file, {}, tmp_path).servers


@pytest.mark.parametrize("block", [block for block in yaml_blocks("people:") if block.startswith("people:")])
def test_directory_that_a_document_shows_is_read(block, tmp_path):
    """What people copy works."""
    file = tmp_path / "directory.yaml"
    file.write_text(block)
    assert YamlDirectory(file).read().people


GUIDE = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")


def guide_blocks(mark: str) -> list[str]:
    """Those blocks of the guide to flows that begin with a word."""
    return [block for block in BLOCK.findall(GUIDE) if block.startswith(mark)]


@pytest.mark.parametrize("block", guide_blocks("access_flows:"))
def test_flows_that_the_guide_shows_mean_something(block, tmp_path):
    """Each example loads with the guide's servers and people, and `flows check` finds nothing in it."""
    [configuration], [people] = guide_blocks("directory:"), guide_blocks("people:")
    (tmp_path / "daypass.yaml").write_text(configuration + block)
    (tmp_path / "directory.yaml").write_text(people)
    settings = load(tmp_path / "daypass.yaml", {}, tmp_path)
    policy = build_policy(settings, YamlDirectory(settings.directory.file).read())
    assert check_policy(policy, datetime(2026, 11, 23, 9, tzinfo=UTC)) == []


def test_example_inventory_loads():
    """The example is a configuration that works but for its addresses."""
    listed = check((EXAMPLES / "servers.json").read_bytes(), "servers.json")
    settings = load(EXAMPLES / "daypass.yaml", {}, Path("/"))
    assert {server.name for server in settings.servers} == {server.name for server in listed.servers}
    policy = build_policy(settings, YamlDirectory(settings.directory.file).read())
    assert check_policy(policy, datetime(2026, 11, 23, 9, tzinfo=UTC)) == []


def test_configuration_of_the_demonstration_loads(tmp_path):
    """The first daypass.yaml that a newcomer sees is a right one."""
    from lab.demo import SETTINGS

    (tmp_path / "servers.json").write_text('[{"name": "web-1", "host": "192.0.2.1"}]')
    (tmp_path / "walk").mkdir()
    file = tmp_path / "walk" / "daypass.yaml"
    file.write_text(SETTINGS)
    assert load(file, {}, tmp_path).integrations[0].user_groups[1].name == "ops"
    assert yaml.safe_load(SETTINGS)["integrations"][0]["user_cleanup_days"] == 0
