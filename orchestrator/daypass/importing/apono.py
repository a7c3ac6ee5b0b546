"""Files with definitions of Apono -> the files of our configuration, and what there is to know about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from daypass.config.access_flows import AccessFlow, Bundle
from daypass.config.model_problems import as_problems
from daypass.config.problems import path_text
from daypass.config.settings import Integration as IntegrationSettings
from daypass.importing import drafts, integrations
from daypass.importing.composing import Composed, compose
from daypass.importing.conditions import Conditions
from daypass.importing.documents import Definition, Sort, definitions
from daypass.importing.findings import Finding, Kind
from daypass.importing.flows import Flows
from daypass.importing.integrations import Integration, Integrations, NotOurs
from daypass.importing.names import flow_names, integration_names
from daypass.importing.people import People
from daypass.importing.settings import Entry, Wishes
from daypass.importing.source import Node, Odd, Record, is_accounted, leaves, read_source, unaccounted
from daypass.importing.targets import Known, KnownIntegration, Targets

T = TypeVar("T")
TROUBLE = frozenset({Kind.PRIVATE_KEY, Kind.UNKNOWN, Kind.LEFT_OUT})
IN_ORDER = tuple(Kind)


@dataclass(frozen=True)
class Translation:
    """What came of the sources.

    Attributes:
        files: Name to text; empty where no integration came over.
        meant: Name to the value that the file's YAML must say.
        findings: In the order in which people should read them.
        translated: Each place of a source that went into a file, with its file.
        written: How many there are in the files, by what they are.
        switched_off: Names of flows that are written with `active: false`.
    """

    files: dict[str, str] = field(default_factory=dict)
    meant: dict[str, object] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    translated: tuple[tuple[str, str], ...] = ()
    written: dict[str, int] = field(default_factory=dict)
    switched_off: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything that is about SSH access came over in some way."""
        return bool(self.files) and not any(finding.kind in TROUBLE for finding in self.findings)


def translate(paths: Sequence[Path], wishes: Wishes) -> Translation:
    """Read the files and say what they are here; writes nothing.

    Raises:
        UsageError: One of them can't be read, or holds no definitions.
    """
    record = Record()
    roots = [_pruned(read_source(path, record), wishes.ignored) for path in paths]
    found = [definition for root in roots for definition in definitions(root)]
    return _Work(record, roots, wishes).done(found)


def _pruned(root: Node, names: frozenset[str]) -> Node:
    """The tree without the fields that are left out on somebody's word."""

    def without(node: Node) -> Any:
        if isinstance(node.value, list):
            return [without(child) for child in node.items()]
        if not isinstance(node.value, dict):
            return node.value
        for name in sorted(names & node.value.keys()):
            node.child(name).set_aside(Kind.NO_EQUAL, found="left out, as --ignore says")
        return {key: without(node.child(key)) for key in node.value if key not in names}

    return Node(without(root), (), root.file, root.record) if names else root


class _Work:
    """One translation."""

    def __init__(self, record: Record, roots: Sequence[Node], wishes: Wishes) -> None:
        self._record = record
        self._roots = roots
        self._people = People()
        self._known = Known()
        self._integrations = Integrations(self._people, integration_names(), wishes)
        self._targets = Targets(self._known)
        self._flows = Flows(Conditions(self._people), self._targets, flow_names(), wishes)

    def done(self, found: Sequence[Definition]) -> Translation:
        """What came of the definitions."""
        self._record.titles.update({(one.node.file, one.node.place): one.title for one in found})
        for node in _nodes(found, Sort.GROUP):
            self._attempt(node, self._people.add_group)
        for node in _nodes(found, Sort.SCOPE):
            do = "write a bundle with targets that mean the same servers"
            node.set_aside(Kind.LEFT_OUT, do, found="servers by a query of that product")
        read = map(self._integration, _nodes(found, Sort.INTEGRATION))
        ours = [integration for integration in read if integration is not None]
        written = map(self._bundle, _nodes(found, Sort.BUNDLE, Sort.OLD_BUNDLE))
        bundles = [bundle for bundle in written if bundle is not None]
        flows = [flow for node in _nodes(found, Sort.FLOW, Sort.OLD_FLOW) for flow in self._flow(node)]
        for root in self._roots:
            for leaf in unaccounted(root):
                leaf.set_aside(
                    Kind.UNKNOWN, "look up what it means; nothing was made of it", found=_size(leaf)
                )
        return self._translation(ours, bundles, flows)

    def _attempt(self, node: Node, work: Callable[[Node], T]) -> T | None:
        """What `work` makes of a definition; None, and a finding, where it isn't made of all of it."""
        try:
            result = work(node)
        except Odd as error:
            found = f"{path_text(error.node.place)} isn't {error.allowed}"
            node.set_aside(Kind.LEFT_OUT, "correct it, or write it by hand", found=found)
            return None
        except (drafts.NotWritten, integrations.NotWritten) as error:
            node.set_aside(Kind.LEFT_OUT, "write it by hand", found=str(error))
            return None
        except NotOurs as error:
            node.set_aside(Kind.NOT_OURS, found=f"an integration of the type {str(error)!r:.60}")
            return None
        return result if self._is_understood(node) else None

    def _is_understood(self, node: Node) -> bool:
        """Whether all of a definition was read; what isn't set isn't missed."""
        unknown = []
        for leaf in unaccounted(node):
            if leaf.value is None:
                leaf.set_aside(Kind.FACT, found="not set")
            else:
                unknown.append(leaf)
        for leaf in unknown:
            do = f"look up what it means; --ignore {leaf_name(leaf)} leaves it out on your word"
            leaf.set_aside(Kind.UNKNOWN, do, found=_size(leaf))
        if unknown:
            node.set_aside(Kind.UNKNOWN, found="a definition with fields that aren't known here; not written")
        return not unknown

    def _integration(self, node: Node) -> Integration | None:
        integration = self._attempt(node, self._integrations.read)
        if integration is None or not self._is_taken(
            node, IntegrationSettings, {**integration.entry.values, "servers": ()}
        ):
            self._known.others.update(str(node.value[key]) for key in ("name", "id") if node.value.get(key))
            return None
        known = KnownIntegration(integration.name, integration.groups)
        self._known.integrations.update(dict.fromkeys(integration.references, known))
        return integration

    def _bundle(self, node: Node) -> Entry | None:
        entry = self._attempt(node, self._read_bundle)
        if entry is None or not self._is_taken(node, Bundle, entry.values):
            return None
        name = entry.get("name")
        if name in self._known.bundles.values():
            node.set_aside(Kind.LEFT_OUT, "give it a name of its own", found=f"the bundle {name!r:.60} again")
            return None
        self._known.bundles.update(
            {key: name for key in (name, node.value.get("id")) if isinstance(key, str)}
        )
        return entry

    def _read_bundle(self, node: Node) -> Entry:
        for key in ("id", "creation_date", "update_date"):
            if node.get(key) is not None:
                node.child(key).set_aside(Kind.FACT)
        if (space := node.get("space")) is not None:
            space.set_aside(Kind.NO_EQUAL)
        found = self._targets.read(node)
        if not found.targets or found.doubts:
            raise drafts.NotWritten(
                found.doubts[0] if found.doubts else "nothing that it gives access to came over"
            )
        entry = Entry()
        entry.put("name", node.need("name").text())
        entry.put("targets", found.targets)
        return entry

    def _flow(self, node: Node) -> list[Entry]:
        entries = self._attempt(node, self._flows.read) or []
        taken = [entry for entry in entries if self._is_taken(node, AccessFlow, entry.values)]
        return taken if len(taken) == len(entries) else []

    def _is_taken(self, node: Node, model: type[BaseModel], values: dict[str, Any]) -> bool:
        """Whether our own settings take it; what they don't take isn't written."""
        try:
            model.model_validate(values, context={"folder": Path()})
        except ValidationError as error:
            problems = [
                f"{one.path}: {one.found}; allowed: {one.allowed}" for one in as_problems(error, "", model)
            ]
            node.set_aside(Kind.LEFT_OUT, "write it by hand", found=" / ".join(problems)[:400])
            return False
        return True

    def _translation(
        self, ours: Sequence[Integration], bundles: Sequence[Entry], flows: Sequence[Entry]
    ) -> Translation:
        composed = compose(ours, bundles, flows, self._people) if ours else Composed({}, {}, ())
        findings = [*self._record.findings, *composed.findings]
        order = {kind: number for number, kind in enumerate(IN_ORDER)}
        return Translation(
            files=composed.files,
            meant=composed.meant,
            findings=tuple(sorted(findings, key=lambda finding: order[finding.kind])),
            translated=tuple(self._translated()) if ours else (),
            written={"integration": len(ours), "bundle": len(bundles), "access flow": len(flows)},
            switched_off=tuple(str(flow.get("name")) for flow in flows if flow.get("active") is False),
        )

    def _translated(self) -> Iterable[tuple[str, str]]:
        whole = self._record.whole
        for root in self._roots:
            for leaf in leaves(root):
                place = leaf.place
                named = any((leaf.file, place[:length]) in whole for length in range(len(place) + 1))
                if is_accounted(leaf) and not named:
                    yield leaf.file, path_text(place)


def _nodes(found: Sequence[Definition], *sorts: Sort) -> list[Node]:
    return [definition.node for definition in found if definition.sort in sorts]


def leaf_name(leaf: Node) -> str:
    """The name of the field that a leaf is in."""
    return str(next((part for part in reversed(leaf.place) if isinstance(part, str)), ""))


def _size(leaf: Node) -> str:
    """What an unknown value is, without showing it: it may be a secret."""
    return (
        f"a text of {len(leaf.value)} characters"
        if isinstance(leaf.value, str)
        else type(leaf.value).__name__
    )
