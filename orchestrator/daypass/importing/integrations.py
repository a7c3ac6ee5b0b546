"""SSH integrations, both generations -> our integrations with their server lists.

Shapes: `IntegrationV4` (`integration_config`, `secret_store_config`, `owner`, `owners_mapping`) and
`Integration` (`metadata`, `secret_config`) of `internal/v2/api/openapi.json`;
`docs/resources/resource_integration.md` (with `owner.type` and `values` of before 1.7.2,
`docs/guides/breaking-changes.md`, and the two periods in days of its first versions,
`internal/v2/models/resource_integration_test.go`); `docs/resources/integration.md` (v1). What `servers`
holds stands in the product's page on SSH servers. The names of the parameters for user groups and for the
user's key name aren't public: whoever imports says them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from daypass.config.fields import MOST_DETAILS
from daypass.config.settings import UserGroup
from daypass.domain.grants import DEFAULT_GROUP
from daypass.importing.findings import Kind
from daypass.importing.names import Names
from daypass.importing.people import People
from daypass.importing.secret_places import secret
from daypass.importing.settings import Entry, Wishes
from daypass.importing.source import Node, Odd
from daypass.importing.targets import SSH_RESOURCE
from daypass.inventory.json_text import TextRefused, read_json
from daypass.inventory.names import name_key
from daypass.inventory.server_list import CHECKS, check_entries

SSH = "ssh"
FACTS = ("id", "status", "category", "last_sync_time", "details", "connection")
CONFIG = ("integration_config", "metadata")
OWNER_TYPES = {"user": "user", "group": "group", "shift": "shift"}
OWNER_TYPES |= dict.fromkeys(("pagerduty_shift", "opsgenie_schedule"), "shift")
MAPPABLE = ("user_groups", "user_key_name", "login_shell")
KNOWN_PARAMETERS = {"shell": "login_shell"}


class NotOurs(Exception):
    """An integration of another type."""


class NotWritten(Exception):
    """An integration of which nothing usable is left."""


@dataclass
class Integration:
    """An integration that came over.

    Attributes:
        references: Name and id, as the source's flows refer to it.
        groups: What it offers beside Default; None = the source doesn't say: what flows name.
        about_groups: Comments beside them.
    """

    name: str
    references: list[str]
    servers: list[dict[str, Any]]
    groups: list[str] | None = None
    about_groups: tuple[str, ...] = ()
    entry: Entry = field(default_factory=Entry)


class Integrations:
    """Translates integrations; server names are given once over all of them."""

    def __init__(self, people: People, names: Names, wishes: Wishes) -> None:
        self._people = people
        self._names = names
        self._wishes = wishes
        self._servers: dict[str, str] = {}  # name -> integration that has it

    def read(self, node: Node) -> Integration:
        """One integration.

        Raises:
            NotOurs: Its type isn't SSH.
            NotWritten: There is no server that could be written.
            Odd: It isn't what the product's documentation says.
        """
        if node.need("type").text() != SSH:
            raise NotOurs(node.value["type"])
        theirs = node.need("name").text()
        for key in FACTS:
            if node.get(key) is not None:
                node.child(key).set_aside(Kind.FACT)
        config = node.need(*CONFIG)
        name = self._names.give(theirs)
        servers = self._server_list(config.need("servers"), name)
        references = [theirs, *([node.value["id"]] if isinstance(node.value.get("id"), str) else [])]
        result = Integration(name, references, servers)
        result.entry.put("name", name, self._renamed(node, theirs, name))
        result.groups = self._parameters(config, result.entry)
        result.about_groups = () if result.groups is not None else (_no_groups(config),)
        secret(node, name, result.entry)
        self._periods(node, config, result.entry)
        self._details(node, result.entry)
        self._owners(node, result.entry)
        self._rest(node)
        return result

    def _renamed(self, node: Node, theirs: str, ours: str) -> str:
        if ours == theirs:
            return ""
        return node.find(Kind.CHANGED, key="name", found=f"the name {theirs!r:.80}", wrote=ours)

    def _server_list(self, node: Node, integration: str) -> list[dict[str, Any]]:
        """The servers that our list takes; each that it doesn't is put on record."""
        listed = _parsed(node)
        good: list[dict[str, Any]] = []
        entries = listed.items()
        if not entries:
            raise NotWritten("a list without servers")
        for item in entries:
            found = self._server(item, integration)
            if found is not None:
                good.append(found)
        if not good:
            raise NotWritten("a list without a server that can be written")
        return good

    def _server(self, item: Node, integration: str) -> dict[str, Any] | None:
        result = check_entries([item.value], item.file)
        if result.problems:
            for problem in result.problems:
                found = f"{problem.field or 'the entry'}: {problem.found}"
                item.set_aside(Kind.LEFT_OUT, f"allowed: {problem.allowed}", found=found)
            return None
        name = result.servers[0].name
        if (other := self._servers.get(name_key(name))) is not None:
            found = f"a name that a server of {other} has already"
            item.set_aside(Kind.LEFT_OUT, "give it a name of its own", found=found)
            return None
        self._servers[name_key(name)] = integration
        item.mark()
        return {key: item.value[key] for key in CHECKS if key in item.value}

    def _parameters(self, config: Node, entry: Entry) -> list[str] | None:
        """What the integration's own parameters say; the groups, where they are said."""
        groups: list[str] | None = None
        for key, setting in {**KNOWN_PARAMETERS, **self._wishes.mapped}.items():
            node = config.get(key)
            if node is None:
                continue
            if setting == "user_groups":
                groups = list(self._offered(node))
            else:
                entry.put(setting, node.text())
        return groups

    def _offered(self, node: Node) -> list[str]:
        """Names of groups: a list, a JSON list as text, or text with commas."""
        if isinstance(node.value, str) and not node.value.lstrip().startswith("["):
            names = [name.strip() for name in node.text().split(",")]
        else:
            listed = _parsed(node)
            names = listed.texts()
        good = [name for name in dict.fromkeys(names) if name != DEFAULT_GROUP and _is_group(name)]
        for name in names:
            if name not in good and name != DEFAULT_GROUP:
                node.find(Kind.LEFT_OUT, found=f"the group {name!r:.40}", do="name it as the servers do")
        return good

    def _periods(self, node: Node, config: Node, entry: Entry) -> None:
        rotation, cleanup = "credentials_rotation_period_in_days", "credentials_cleanup_period_in_days"
        _period(config.get(rotation) or node.get(rotation), "credential_rotation_days", entry)
        _period(config.get(cleanup) or node.get("user_cleanup_period_in_days"), "user_cleanup_days", entry)

    def _details(self, node: Node, entry: Entry) -> None:
        found = node.get("custom_access_details")
        if found is None or found.value == "":
            if found is not None:
                found.mark()
            return
        text = found.value
        if (
            isinstance(text, str)
            and len(text) <= MOST_DETAILS
            and all(c.isprintable() or c == "\n" for c in text)
        ):
            entry.put("custom_access_details", found.text())
            return
        size = f"a text of {len(text)} characters" if isinstance(text, str) else ""
        do = f"write at most {MOST_DETAILS} printable characters"
        found.set_aside(Kind.LEFT_OUT, do, found=size)

    def _owners(self, node: Node, entry: Entry) -> None:
        owner = _first(node, "owner", "integration_owners")
        mapping = _first(node, "owners_mapping", "resource_owner_mappings")
        if owner is not None and not self._owner(owner, entry):
            do = "name users, a group or a shift of the directory as integration_owner"
            owner.set_aside(Kind.LEFT_OUT, do, found="an owner by an attribute that isn't known here")
        if mapping is None:
            return
        kind = OWNER_TYPES.get(mapping.need("attribute_type", "attribute").text())
        if kind is None or entry.get("integration_owner") is None:
            found = "owners of servers without an owner of the integration that came over"
            mapping.set_aside(Kind.LEFT_OUT, "set integration_owner, then resource_owner", found=found)
            return
        entry.put("resource_owner", {"key": mapping.need("key_name").text(), "attribute": kind})
        _sources_aside(mapping)

    def _owner(self, node: Node, entry: Entry) -> bool:
        kind = OWNER_TYPES.get(node.need("attribute_type", "type", "attribute").text())
        if kind is None:
            return False
        values = node.need("attribute_values", "attribute_value", "values", "value").texts()
        named = [self._people.group_name(value) if kind == "group" else value for value in values]
        if not named:
            return False
        entry.put("integration_owner", {"attribute": kind, "values": named})
        _sources_aside(node)
        return True

    def _rest(self, node: Node) -> None:
        """What a self-hosted broker has no use for."""
        for key in ("connector_id", "provisioner_id"):
            if node.get(key) is not None:
                do = "Daypass reaches the servers itself: see that this machine can log in to them"
                node.child(key).set_aside(Kind.NO_EQUAL, do)
        for item in node.listed("connected_resource_types"):
            if item.text() != SSH_RESOURCE:
                item.set_aside(Kind.NOT_OURS)
            else:
                item.set_aside(Kind.FACT, found="servers; an integration has nothing else here")


def _parsed(node: Node) -> Node:
    """The node itself, or what the JSON in its text says; the whole text counts as read with its parts."""
    if not isinstance(node.value, str):
        return node
    try:
        value = read_json(node.value)
    except TextRefused as error:
        raise Odd(node, f"a JSON list as text, not {error.finding.found}") from None
    node.mark()
    return Node(value, node.place, node.file, node.record)


def _no_groups(config: Node) -> str:
    return config.find(
        Kind.FILL_IN,
        key="user_groups",
        found="no parameter that is known as user groups",
        wrote="the groups that flows name",
        do="see that they exist on the servers; --map PARAMETER=user_groups says where they stand",
    )


def _first(node: Node, single: str, several: str) -> Node | None:
    """The one owner or mapping; of v1's lists the first, and the others are put on record."""
    if (found := node.get(single)) is not None:
        return found
    items = node.listed(several)
    for other in items[1:]:
        other.set_aside(Kind.LEFT_OUT, "an integration has one of it here: use a group of both")
    return items[0] if items else None


def _period(node: Node | None, setting: str, entry: Entry) -> None:
    if node is None or node.value == "":
        if node is not None:
            node.mark()
        return
    days = node.whole_number()
    if days <= 0:
        node.find(Kind.CHANGED, found=f"{days} days", wrote="nothing: never")
    elif setting == "credential_rotation_days":
        do = "it is about the connector's key here, and kept without being used yet"
        entry.put(setting, days, node.find(Kind.CHANGED, wrote=f"{setting}: {days}", do=do))
    else:
        entry.put(setting, days)


def _sources_aside(node: Node) -> None:
    keys = ("source_integration_name", "source_integration_id", "source_integration_reference")
    for key in (*keys, "integration_id", "attribute_integration_id"):
        if node.get(key) is not None:
            do = "see that the name means the same people in the directory here"
            node.child(key).set_aside(Kind.NO_EQUAL, do)


def _is_group(name: str) -> bool:
    try:
        UserGroup.model_validate(name)
    except ValidationError:
        return False
    return True
