"""What a flow or a bundle gives access to -> our targets; what can't be said leaves a target out.

Shapes: `AccessTargetV2`, `IntegrationAccessTargetV2`, `ResourcesScopeIntegrationAccessTargetV2`,
`BundleAccessTargetV2`, `QueryAccessTargetV2`, `AccessTargetIntegrationV1`, `AccessTargetBundleV1` of
`internal/v2/api/openapi.json`; `access_targets` of `docs/resources/access_flow_v2.md` and `bundle_v2.md`;
`integration_targets`, `bundle_targets` of `docs/resources/access_flow.md` and `access_bundle.md`. That
filters of the API's v1 named `__id` and `__name` are ids and names stands in
`internal/services/access_flow.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from daypass.domain.grants import DEFAULT_GROUP
from daypass.errors import UsageError
from daypass.host_rules import check_group
from daypass.importing.findings import Kind
from daypass.importing.source import Node, Odd

T = TypeVar("T")
SSH_RESOURCE = "ssh-server"
V1_NAMES = {"__id": "APONO_ID", "__name": "NAME"}
BY_HAND = "write a target by hand"


@dataclass
class KnownIntegration:
    """An integration of the source that came over.

    Attributes:
        name: Ours.
        groups: What it offers beside Default; None = the source doesn't say: whatever flows name.
    """

    name: str
    groups: list[str] | None


@dataclass
class Known:
    """What targets can refer to, by name and by id of the source."""

    integrations: dict[str, KnownIntegration] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)  # integrations that aren't ours, or didn't come over
    bundles: dict[str, str] = field(default_factory=dict)  # name or id -> name of a bundle that is written


@dataclass
class Found:
    """Targets, and whether one of them has to be looked at before it is used."""

    targets: list[dict[str, Any]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Filter:
    """One filter of servers: include or exclude, by name or tag."""

    include: bool
    part: dict[str, Any]


class NoTarget(Exception):
    """A target can't be said here."""

    def __init__(self, found: str, kind: Kind = Kind.LEFT_OUT) -> None:
        super().__init__(found)
        self.kind = kind


class Targets:
    """Translates targets."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def read(self, node: Node) -> Found:
        """The targets of `access_targets` or of v1's lists."""
        found = Found()
        for key in ("access_targets", "integration_targets", "bundle_targets"):
            if (listed := node.get(key)) is not None:
                for item in listed.items():
                    self._add(key, item, found)
        return found

    def _add(self, key: str, item: Node, found: Found) -> None:
        try:
            found.targets.extend(self._targets(key, item, found))
        except NoTarget as error:
            item.set_aside(error.kind, BY_HAND if error.kind is Kind.LEFT_OUT else "", found=str(error))

    def _targets(self, key: str, item: Node, found: Found) -> list[dict[str, Any]]:
        if key == "bundle_targets":
            return [self._bundle(item)]
        if key == "integration_targets":
            return self._of_integration(item, found)
        inner = {name: item.get(name) for name in ("integration", "bundle", "access_scope", "query_target")}
        said = {name: node for name, node in inner.items() if node is not None}
        if len(said) != 1:
            raise Odd(item, "one of integration, bundle, access_scope and query_target")
        name, node = next(iter(said.items()))
        if name == "bundle":
            return [self._bundle(node)]
        if name == "integration":
            return self._of_integration(node, found)
        raise NoTarget("servers by a query of that product")

    def _bundle(self, node: Node) -> dict[str, Any]:
        ours = _one_of(_named(node, _references("bundle")), self._known.bundles)
        if ours is None:
            raise NoTarget("a bundle that isn't in the source, or didn't come over")
        return {"bundle": ours}

    def _of_integration(self, node: Node, found: Found) -> list[dict[str, Any]]:
        integration = self._integration(node)
        if node.need("resource_type").text() != SSH_RESOURCE:
            raise NoTarget("a type of resource that isn't ssh-server", Kind.NOT_OURS)
        filters = list(_filters(node))
        groups = list(self._groups(node.need("permissions"), integration))
        if not groups:
            raise NoTarget("no permission that is a group on the servers")
        base: dict[str, Any] = {"integration": integration.name}
        excluded = _merged([one.part for one in filters if not one.include])
        included = _alternatives([one.part for one in filters if one.include])
        if len(included) > 1:
            found.doubts.append(
                node.find(
                    Kind.FILL_IN,
                    found="several filters that include",
                    wrote="a target for each: any of them is enough, as v1's documentation says",
                    do="see that this is what they meant, then set `active: true`",
                )
            )
        if groups != [DEFAULT_GROUP]:
            base["user_groups"] = groups
        if excluded:
            base["exclude"] = excluded
        return [{**base, **part} for part in included or [{}]]

    def _integration(self, node: Node) -> KnownIntegration:
        keys = ("name", *_references("integration"))
        named = _named(node, keys)
        ours = _one_of(named, self._known.integrations)
        if ours is not None:
            return ours
        if any(name.value in self._known.others for name in named):
            raise NoTarget("an integration that isn't SSH, or didn't come over", Kind.NOT_OURS)
        raise NoTarget("an integration that isn't in the source; import both together")

    def _groups(self, node: Node, integration: KnownIntegration) -> Iterator[str]:
        for item in node.items():
            name = item.text()
            if name != DEFAULT_GROUP and not _is_group(name):
                item.set_aside(Kind.LEFT_OUT, "name the group as the servers do", found="no name of a group")
            elif name != DEFAULT_GROUP and integration.groups is not None and name not in integration.groups:
                item.set_aside(
                    Kind.LEFT_OUT, "add it to the integration's user_groups", found=f"the group {name}"
                )
            else:
                yield name


def _named(node: Node, keys: tuple[str, ...]) -> list[Node]:
    return [found for key in keys if (found := node.get(key)) is not None and found.text()]


def _one_of(named: list[Node], known: Mapping[str, T]) -> T | None:
    """What names and ids together refer to; those that say nothing more are put on record.

    Raises:
        Odd: They refer to different things.
    """
    found = [(name, known[name.value]) for name in named if name.value in known]
    for name, meant in found[1:]:
        if meant != found[0][1]:
            raise Odd(name, f"the same as {found[0][0].place[-1]}")
    for name in named:
        if found and name is not found[0][0]:
            name.set_aside(Kind.FACT, found="the same by another name")
    return found[0][1] if found else None


def _references(kind: str) -> tuple[str, ...]:
    own = ("name",) if kind == "bundle" else ()
    return (*own, f"{kind}_name", f"{kind}_id", f"{kind}_reference")


def _is_group(name: str) -> bool:
    try:
        check_group(name)
    except UsageError:
        return False
    return True


def _filters(node: Node) -> Iterator[Filter]:
    """The filters of a target, whichever generation."""
    if (scopes := node.get("resources_scopes")) is not None:
        for scope in scopes.items():
            mode = scope.need("scope_mode")
            if mode.text() not in ("include_resources", "exclude_resources"):
                raise Odd(mode, "include_resources or exclude_resources")
            values = scope.need("values").texts()
            yield Filter(mode.text() == "include_resources", _part(scope, scope.need("type").text(), values))
    for key, include in (("resource_include_filters", True), ("resource_exclude_filters", False)):
        for one in node.listed(key):
            yield Filter(include, _part(one, one.need("type").text().upper(), [one.need("value").text()]))
    for key, include in (("resource_tag_includes", True), ("resource_tag_excludes", False)):
        for one in node.listed(key):
            name = one.need("name").text()
            sort = V1_NAMES.get(name, "TAG")
            yield Filter(include, _part(one, sort, [one.need("value").text()], tag=name))


def _part(node: Node, sort: str, values: list[str], tag: str = "") -> dict[str, Any]:
    """What a filter says, as our target has it; a filter by that product's own ids has no equal."""
    key = node.get("key", "name") if not tag else None
    if not values:
        raise Odd(node, "a filter with values")
    if sort == "NAME":
        if key is not None:
            raise Odd(key, "nothing: only tags have a key")
        return {"servers": values}
    if sort == "TAG":
        name = tag or (key.text() if key is not None else "")
        if not name:
            raise Odd(node, "a filter by tag with its key")
        return {"tags": {name: values}}
    raise NoTarget("servers by ids of that product" if sort in ("APONO_ID", "ID") else "an unknown filter")


def _merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Exclusions together: each of them leaves servers out by itself, here as there."""
    result: dict[str, Any] = {}
    for part in parts:
        result.setdefault("servers", []).extend(part.get("servers", []))
        for key, values in part.get("tags", {}).items():
            result.setdefault("tags", {}).setdefault(key, []).extend(values)
    return {key: value for key, value in result.items() if value}


def _alternatives(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Inclusions of which one is enough; those of the same kind become one."""
    result: list[dict[str, Any]] = []
    for part in parts:
        for other in result:
            if _same_kind(part, other):
                merged = _merged([other, part])
                other.clear()
                other.update(merged)
                break
        else:
            result.append(part)
    return result


def _same_kind(part: dict[str, Any], other: dict[str, Any]) -> bool:
    return part.keys() == other.keys() and list(part.get("tags", ())) == list(other.get("tags", ()))
