"""A file's tree -> the definitions in it: the API's answers, and what `terraform show -json` prints.

Shapes: the API's objects and listings are those of `internal/v2/api/openapi.json` in
apono-io/terraform-provider-apono (`IntegrationV4`, `Integration`, `AccessFlowV2`, `AccessFlowV1`,
`BundleV2`, `AccessBundleV1`, `AccessScopeV1`, `GroupV1`; listings `items` or `data` with `pagination`).
State and plan are HashiCorp's "JSON Output Format" (terraform/internals/json-format), resource types those
of `docs/resources`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from daypass.errors import UsageError
from daypass.importing.findings import Kind
from daypass.importing.source import Node, Odd
from daypass.inventory.problems import shown


class Sort(StrEnum):
    """What a definition defines."""

    INTEGRATION = "integration"
    FLOW = "access flow"
    OLD_FLOW = "access flow (v1)"
    BUNDLE = "bundle"
    OLD_BUNDLE = "bundle (v1)"
    SCOPE = "access scope"
    GROUP = "group"


RESOURCES = {
    "apono_integration": Sort.INTEGRATION,
    "apono_resource_integration": Sort.INTEGRATION,
    "apono_access_flow": Sort.OLD_FLOW,
    "apono_access_flow_v2": Sort.FLOW,
    "apono_access_bundle": Sort.OLD_BUNDLE,
    "apono_bundle_v2": Sort.BUNDLE,
    "apono_access_scope": Sort.SCOPE,
    "apono_group": Sort.GROUP,
    "apono_managed_group": Sort.GROUP,
}
# Which fields tell what an object of the API is; the first that fits.
TELLING: tuple[tuple[frozenset[str], Sort], ...] = (
    (frozenset({"name", "type", "integration_config"}), Sort.INTEGRATION),
    (frozenset({"name", "type", "metadata"}), Sort.INTEGRATION),
    (frozenset({"name", "requestors", "access_targets"}), Sort.FLOW),
    (frozenset({"name", "trigger", "revoke_after_in_sec"}), Sort.OLD_FLOW),
    (frozenset({"name", "access_targets"}), Sort.BUNDLE),
    (frozenset({"name", "integration_targets"}), Sort.OLD_BUNDLE),
    (frozenset({"name", "query"}), Sort.SCOPE),
    (frozenset({"name", "members"}), Sort.GROUP),
)
GROUP = frozenset({"id", "name", "source_id", "source_integration_id", "source_integration_name"})
PLAN = "planned_values"


@dataclass(frozen=True)
class Definition:
    """One thing that the source defines."""

    sort: Sort
    node: Node

    @property
    def title(self) -> str:
        """As people know it."""
        name = self.node.value.get("name") if isinstance(self.node.value, dict) else None
        return f"{self.sort.value} {shown(name)}"


def definitions(root: Node) -> list[Definition]:
    """Everything that one file defines; what isn't a definition is put on record.

    Raises:
        UsageError: It is something else altogether.
    """
    try:
        found = list(_from_terraform(root) if _is_terraform(root) else _from_api(root))
    except Odd as error:
        place = error.node.where or "the outermost value"
        raise UsageError(f"{root.file}: {place} isn't {error.allowed}", code="not_definitions") from None
    return found


def _is_terraform(root: Node) -> bool:
    return isinstance(root.value, dict) and "format_version" in root.value


def _from_api(root: Node) -> Iterator[Definition]:
    if isinstance(root.value, list):
        for item in root.items():
            yield from _from_object(item)
        return
    if not isinstance(root.value, dict):
        raise Odd(root, "an object, a list of objects, or what `terraform show -json` prints")
    listing = next((name for name in ("items", "data") if isinstance(root.value.get(name), list)), None)
    if listing is None or "name" in root.value:
        yield from _from_object(root)
        return
    _check_page(root)
    for item in root.child(listing).items():
        yield from _from_object(item)
    root.get(listing)  # an empty listing


def _check_page(root: Node) -> None:
    """Say so where a listing is one page of several."""
    page = root.get("pagination")
    if page is None:
        return
    token, total = page.get("next_page_token"), page.get("total")
    limit, offset = page.get("limit"), page.get("offset")
    more = token is not None and token.value != ""
    if total is not None and limit is not None:
        more = more or total.whole_number() > limit.whole_number() + (offset.whole_number() if offset else 0)
    if more or (offset is not None and offset.value):
        page.find(
            Kind.FILL_IN, found="one page of several", do="fetch the other pages and import them together"
        )
    page.set_aside(Kind.FACT, found="the page of a listing")


def _from_object(node: Node) -> Iterator[Definition]:
    fields = frozenset(node.value) if isinstance(node.value, dict) else frozenset()
    for telling, sort in TELLING:
        if telling <= fields:
            yield Definition(sort, node)
            return
    if {"id", "name"} <= fields <= GROUP:
        yield Definition(Sort.GROUP, node)
        return
    node.set_aside(
        Kind.UNKNOWN, "look up what it is; nothing of it is written", found="no definition known here"
    )


def _from_terraform(root: Node) -> Iterator[Definition]:
    version = root.need("format_version")
    if version.text().split(".")[0] not in ("0", "1"):
        raise Odd(version, "version 0 or 1 of terraform's format")
    values = root.get(PLAN) or root.get("values")
    unknown = _unknown_values(root)
    for key in root.value:
        if key not in ("values", PLAN) or (key == "values" and PLAN in root.value):
            root.child(key).set_aside(Kind.FACT, found="terraform's own, no definition")
    if values is None:
        return
    for key in values.value if isinstance(values.value, dict) else ():
        if key != "root_module":
            values.child(key).set_aside(Kind.FACT, found="terraform's own, no definition")
    if (module := values.get("root_module")) is not None:
        yield from _from_module(module, unknown)


def _unknown_values(root: Node) -> Mapping[str, object]:
    """Address of a resource to what a plan doesn't know of it yet."""
    changes = root.value.get("resource_changes")
    found: dict[str, object] = {}
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict) and isinstance(change.get("change"), dict):
            found[str(change.get("address"))] = change["change"].get("after_unknown")
    return found


def _from_module(module: Node, unknown: Mapping[str, object]) -> Iterator[Definition]:
    if (address := module.get("address")) is not None:
        address.set_aside(Kind.FACT, found="terraform's own, no definition")
    for resource in module.listed("resources"):
        yield from _from_resource(resource, unknown)
    for child in module.listed("child_modules"):
        yield from _from_module(child, unknown)


def _from_resource(resource: Node, unknown: Mapping[str, object]) -> Iterator[Definition]:
    kind = resource.need("type").text()
    sort = RESOURCES.get(kind)
    if sort is None or resource.value.get("mode", "managed") != "managed":
        resource.set_aside(Kind.NOT_OURS, found=f"a resource of the type {shown(kind)}")
        return
    if resource.value.get("deposed_key") or resource.value.get("tainted"):
        resource.set_aside(
            Kind.LEFT_OUT, "apply the plan, and import again", found="an object about to be replaced"
        )
        return
    missing = _paths_of(unknown.get(str(resource.value.get("address"))))
    if missing:
        found = f"values that the plan doesn't know yet: {', '.join(sorted(missing))[:200]}"
        resource.set_aside(Kind.LEFT_OUT, "apply the plan, and import the state", found=found)
        return
    for key in resource.value:
        if key not in ("type", "values"):
            resource.child(key).set_aside(Kind.FACT, found="terraform's own, no definition")
    yield Definition(sort, resource.need("values"))


def _paths_of(after_unknown: object) -> set[str]:
    """The outermost names of what isn't known; the id alone does no harm."""
    if after_unknown is True:
        return {"everything"}
    if not isinstance(after_unknown, dict):
        return set()
    return {shown(name) for name, value in after_unknown.items() if name != "id" and _any_true(value)}


def _any_true(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_any_true, value.values()))
    return any(map(_any_true, value)) if isinstance(value, list) else value is True
